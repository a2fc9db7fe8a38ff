//! The host as a place to run: for machines without user namespaces and for distributions' build roots. The same
//! invocations as in the sandbox, with its paths rewritten to the host's.

use std::process::Command;

use super::{Invocation, ToolError, process};
use crate::cancel::Cancel;

/// Runs an invocation with the host's own tools.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the room that runs programs"
)]
pub(super) fn run(
    invocation: &Invocation,
    cancel: &Cancel,
    line: &mut dyn FnMut(&str),
) -> Result<(), ToolError> {
    let mut command = Command::new(&invocation.program);
    command.args(&invocation.args).envs(&invocation.env);
    process::run(command, invocation, cancel, line)
}
