//! A program of the user's that is asked one thing on its standard input: a credential helper, which needs the user's
//! own environment and home to answer. Nothing that makes a product runs here.

use std::{
    io::{self, Write},
    path::Path,
    process::{Command, Stdio},
};

/// What such a program answered.
#[derive(Clone, PartialEq, Eq)]
pub struct Reply {
    /// Whether it ended with status 0.
    pub ok: bool,
    /// What it printed on standard output. May be secret.
    pub out: String,
}

/// Runs `program`, found on `path` (as in `PATH`), gives it `input` and waits for its end. Neither is on a command line,
/// which others on this machine could read.
///
/// # Errors
/// It is not there, cannot be started, or prints what is not UTF-8.
#[expect(
    clippy::disallowed_methods,
    reason = "a credential helper needs the user's own environment, which `run` keeps from programs"
)]
pub fn converse(path: &str, program: &str, argument: &str, input: &str) -> io::Result<Reply> {
    let found = path
        .split(':')
        .filter(|directory| !directory.is_empty())
        .map(|directory| Path::new(directory).join(program))
        .find(|file| file.is_file())
        .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "it is not on the path"))?;
    let mut child = Command::new(found)
        .arg(argument)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // One that does not read what it is asked has answered all the same.
        let _ = stdin.write_all(input.as_bytes());
    }
    let ended = child.wait_with_output()?;
    let out = String::from_utf8(ended.stdout)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it printed what is no text"))?;
    Ok(Reply {
        ok: ended.status.success(),
        out,
    })
}
