//! `schema`: JSON Schemas of the files that people write.

use super::{failure::Failure, output::json};
use crate::manifest;

/// Print the JSON Schema of manifests, for editors
///
/// Editors that read it complete fields and show what each means. The shipped manifests name theirs in their first
/// line. `check` knows more: what a schema cannot say, such as whether a file is there.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kata-artifacts schema   print what the first line of the shipped manifests names")]
pub(crate) struct Args {}

impl Args {
    pub(crate) fn run(self) -> Result<(), Failure> {
        json(&manifest::schema());
        Ok(())
    }
}
