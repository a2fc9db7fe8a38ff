//! A running program: its output by lines, its end, and its death when the build is stopped.

use std::{
    collections::VecDeque,
    io::{self, BufRead, BufReader, Read},
    process::{Child, Command, Stdio},
};

use super::{Invocation, ToolError};
use crate::cancel::Cancel;

/// How many of a failed program's last lines are shown.
const LAST_LINES: usize = 20;

/// A line longer than this many bytes is given in pieces.
const LONGEST_LINE: u64 = 128 << 10;

/// Returns the invocation as a command with the environment it has in every place, besides the `path` and `home` of
/// this one. The locale and the time zone are fixed, because they reach what tools write.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the room that runs programs"
)]
pub(super) fn command(invocation: &Invocation, path: &str, home: &str) -> Command {
    let mut command = Command::new(&invocation.program);
    command.args(&invocation.args).env_clear();
    command.envs([("PATH", path), ("HOME", home), ("TMPDIR", home)]);
    command.envs([("LANG", "C"), ("LC_ALL", "C"), ("TZ", "UTC")]);
    command.envs(&invocation.env);
    command
}

/// Runs a prepared command to its end. Standard input is empty; output and errors come through one pipe, in order.
/// `admit` says what came of starting it, and which process (or group, when negative) dies when the build is stopped.
pub(super) fn run(
    mut command: Command,
    invocation: &Invocation,
    cancel: &Cancel,
    line: &mut dyn FnMut(&str),
    admit: impl FnOnce(io::Result<Child>) -> Result<(Child, i32), ToolError>,
) -> Result<(), ToolError> {
    let start = |cause| ToolError::Start {
        program: invocation.program.clone(),
        cause,
    };
    let (reader, writer) = io::pipe().map_err(start)?;
    command
        .stdin(Stdio::null())
        .stdout(writer.try_clone().map_err(start)?)
        .stderr(writer);
    let spawned = command.spawn();
    // The command holds the pipe's writing end: without this, reading would never end.
    drop(command);
    let (mut child, target) = admit(spawned)?;
    cancel.guard(target);
    let last = read_lines(reader, line);
    // Nothing holds the pipe any more, and the number is not free before the child is waited for.
    cancel.forget(target);
    let status = child.wait().map_err(start)?;
    cancel.check()?;
    if status.success() {
        return Ok(());
    }
    Err(ToolError::Failed {
        program: invocation.program.clone(),
        status: status.to_string(),
        command: invocation.to_string(),
        last: last.into(),
        log: None,
    })
}

fn read_lines(reader: impl Read, line: &mut dyn FnMut(&str)) -> VecDeque<String> {
    let mut reader = BufReader::new(reader);
    let mut last = VecDeque::with_capacity(LAST_LINES);
    let mut bytes = Vec::new();
    // An error here means that the pipe is gone, which is what its end means too.
    while (&mut reader)
        .take(LONGEST_LINE)
        .read_until(b'\n', &mut bytes)
        .is_ok_and(|read| read > 0)
    {
        let text = String::from_utf8_lossy(&bytes);
        let text = text.trim_end_matches(['\n', '\r']);
        line(text);
        if last.len() == LAST_LINES {
            last.pop_front();
        }
        last.push_back(text.to_owned());
        bytes.clear();
    }
    last
}
