//! The command line: one verb, one file. The only room that reads the environment, the clock or prints.

use std::process::ExitCode;

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    ExitCode::SUCCESS
}
