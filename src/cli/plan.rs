//! `plan`: what a build would do, and why. Runs nothing.

use std::path::PathBuf;

use super::{
    MANIFEST,
    failure::Failure,
    output::{json, result},
    pinned::pinned,
    session::Session,
};
use crate::{
    arch::Arch,
    plan::{self, Assessment, print},
};

/// Show which steps a build would run, which it would reuse, and why
///
/// Builds nothing; only where there is no lock, resolves and writes one, as `build` does. A step is reused when the digest of its description and of all its inputs is known to the store. What a step that
/// waits will do is decided when its inputs exist.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kata-artifacts plan            what `kata-artifacts build` would do
  kata-artifacts plan --json     the same for programs")]
pub(crate) struct Args {
    /// The manifest
    #[arg(default_value = MANIFEST)]
    manifest: PathBuf,

    /// Print the plan as JSON
    #[arg(long)]
    json: bool,
}

impl Args {
    pub(crate) fn run(self, session: &Session) -> Result<(), Failure> {
        let store = session.store()?;
        let (pinned, texts) = pinned(&self.manifest, "plan", session, &store)?;
        let inputs = plan::gather(&pinned, &texts.manifest, &texts.lock, &session.path, &store)
            .map_err(Failure::input)?;
        let plan = plan::draft(&pinned, &inputs, Arch::host());
        let lines = print::lines(&plan, &Assessment::new(&plan, &store).standings());
        if self.json {
            json(&serde_json::json!({"schema": 1, "steps": lines}));
        } else {
            result(&print::text(&lines));
        }
        Ok(())
    }
}
