//! `check`: what is wrong with a manifest, its lock and the files they name. Never asks the network.

use std::path::PathBuf;

use serde::Serialize;

use super::{
    MANIFEST,
    failure::Failure,
    output::{json, result, tell},
    pinned::{lock_path, read_lock, read_manifest},
    session::Session,
};
use crate::{arch::Arch, kernel, lock, manifest, rootfs};

/// Check a manifest, its lock and the files they name, without the network
///
/// Reports everything that is wrong, with its line and what to write instead.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kata-artifacts check                              check manifests/kata.yaml and its lock
  kata-artifacts check manifests/mine.yaml --json   for editors and CI")]
pub(crate) struct Args {
    /// The manifest
    #[arg(default_value = MANIFEST)]
    manifest: PathBuf,

    /// Print the problems as JSON
    #[arg(long)]
    json: bool,
}

/// What `check --json` prints.
#[derive(Serialize)]
struct Verdict {
    manifest: String,
    ok: bool,
    problems: serde_json::Value,
}

impl Args {
    pub(crate) fn run(self, _: &Session) -> Result<(), Failure> {
        if self.json
            && let Err(manifest::ManifestError::Wrong(problems)) = manifest::read(&self.manifest)
        {
            json(&Verdict {
                manifest: self.manifest.display().to_string(),
                ok: false,
                problems: problems.to_json(),
            });
            return Err(Failure::Unusable);
        }
        let (manifest, _) = read_manifest(&self.manifest, "check")?;
        for &arch in &manifest.architectures {
            kernel::profile::load(&manifest.kernel.profile, arch).map_err(Failure::input)?;
        }
        let agent = crate::plan::Inputs::agent_placeholder();
        rootfs::declare(&manifest.rootfs, agent, &mut rootfs::digest_only())
            .map_err(Failure::input)?;
        match read_lock(&self.manifest)? {
            Some((lock, _)) => {
                lock::pin(manifest, lock, Arch::host()).map_err(Failure::input)?;
            }
            None => tell(&format!(
                "there is no {} yet: `kata-artifacts lock` writes it",
                lock_path(&self.manifest).display()
            )),
        }
        if self.json {
            json(&Verdict {
                manifest: self.manifest.display().to_string(),
                ok: true,
                problems: serde_json::Value::Array(Vec::new()),
            });
        } else {
            result(&format!("{}: no problems", self.manifest.display()));
        }
        Ok(())
    }
}
