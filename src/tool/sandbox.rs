//! The sandbox.

use std::{path::Path, process::Command};

use super::{Invocation, ToolError, process};
use crate::cancel::Cancel;

/// Runs an invocation in fresh namespaces over `root`.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the room that runs programs"
)]
pub(super) fn run(
    root: &Path,
    invocation: &Invocation,
    cancel: &Cancel,
    line: &mut dyn FnMut(&str),
) -> Result<(), ToolError> {
    let mut command = Command::new(root.join(&invocation.program));
    command.args(&invocation.args).envs(&invocation.env);
    process::run(command, invocation, cancel, line)
}
