//! A running program: its output by lines, its end, and its death when the build is stopped.

use std::{
    collections::VecDeque,
    io::{BufRead, BufReader, Read},
    process::{Command, Stdio},
};

use super::{Invocation, ToolError};
use crate::cancel::Cancel;

/// How many of a failed program's last lines are shown.
const LAST_LINES: usize = 20;

/// Runs a prepared command to its end. Standard input is empty; output and errors come through one pipe, in order.
pub(super) fn run(
    mut command: Command,
    invocation: &Invocation,
    cancel: &Cancel,
    line: &mut dyn FnMut(&str),
) -> Result<(), ToolError> {
    let start = |cause| ToolError::Start {
        program: invocation.program.clone(),
        cause,
    };
    let (reader, writer) = std::io::pipe().map_err(start)?;
    command
        .stdin(Stdio::null())
        .stdout(writer.try_clone().map_err(start)?)
        .stderr(writer);
    let mut child = command.spawn().map_err(start)?;
    // The command holds the pipe's writing end: without this, reading would never end.
    drop(command);
    let pid = i32::try_from(child.id()).expect("a process id fits");
    cancel.guard(pid);
    let last = read_lines(reader, line);
    cancel.forget(pid);
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
    while reader
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
