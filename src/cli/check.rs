//! `check`: what is wrong with a manifest, its lock and the files they name. Never asks the network.

use std::path::PathBuf;

use miette::Report;
use serde::Serialize;
use serde_json::Value;

use super::{
    MANIFEST,
    failure::Failure,
    output::{json, result, tell},
    pinned::{lock_path, read_lock, read_manifest},
    session::Session,
};
use crate::{
    arch::Arch,
    kernel, lock,
    manifest::{self, Manifest, ManifestError},
    plan, rootfs,
};

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
    schema: u32,
    manifest: String,
    ok: bool,
    lock: LockState,
    problems: Vec<Value>,
}

/// How the lock stands to the manifest.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum LockState {
    Matches,
    Missing,
    Unusable,
    /// The manifest has mistakes, so there is nothing to compare the lock with.
    Unknown,
}

impl Args {
    pub(crate) fn run(self, _: &Session) -> Result<(), Failure> {
        let (lock, reports) = match manifest::read(&self.manifest) {
            Err(ManifestError::Wrong(problems)) => {
                if self.json {
                    self.print(
                        LockState::Unknown,
                        problems.to_json().as_array().cloned().unwrap_or_default(),
                    );
                    return Err(Failure::Unusable);
                }
                return Err(Failure::input(ManifestError::Wrong(problems)));
            }
            Err(error) => {
                // There is a clearer word for a manifest that is not there.
                read_manifest(&self.manifest, "check")?;
                return Err(Failure::input(error));
            }
            Ok(manifest) => self.look(manifest),
        };
        if self.json {
            self.print(lock, reports.iter().map(as_json).collect());
        } else {
            for report in &reports {
                tell(&format!("{report:?}"));
            }
            if lock == LockState::Missing {
                let lock = lock_path(&self.manifest);
                let lock = lock.display();
                let manifest = self.manifest.display();
                tell(&format!(
                    "there is no {lock} yet: `kata-artifacts lock {manifest}` writes it"
                ));
            }
            if reports.is_empty() {
                result(&format!("{}: no problems", self.manifest.display()));
            }
        }
        if reports.is_empty() {
            Ok(())
        } else {
            Err(Failure::Unusable)
        }
    }

    /// Looks at everything that a manifest without mistakes names.
    fn look(&self, manifest: Manifest) -> (LockState, Vec<Report>) {
        let mut reports = Vec::new();
        for &arch in &manifest.architectures {
            if let Err(error) = kernel::profile::load(&manifest.kernel.profile, arch) {
                reports.push(Report::new(error));
            }
        }
        if let Err(error) = plan::read_patches(&manifest.kernel.patches) {
            reports.push(Report::new(error));
        }
        let agent = plan::Inputs::agent_placeholder();
        if let Err(error) = rootfs::declare(&manifest.rootfs, agent, &mut rootfs::digest_only()) {
            reports.push(Report::new(error));
        }
        let lock = match read_lock(&self.manifest) {
            Ok(None) => LockState::Missing,
            Err(Failure::Input(report)) => {
                reports.push(report);
                LockState::Unusable
            }
            Err(_) => LockState::Unusable,
            Ok(Some((lock, _))) => match lock::pin(manifest, lock, Arch::host()) {
                Ok(_) => LockState::Matches,
                Err(error) => {
                    reports.push(Report::new(error));
                    LockState::Unusable
                }
            },
        };
        (lock, reports)
    }

    fn print(&self, lock: LockState, problems: Vec<Value>) {
        json(&Verdict {
            schema: 1,
            manifest: self.manifest.display().to_string(),
            ok: problems.is_empty(),
            lock,
            problems,
        });
    }
}

/// Returns what a report says, without where: only a manifest's problems have a line and a column.
fn as_json(report: &Report) -> Value {
    let said = |text: Option<Box<dyn std::fmt::Display + '_>>| text.map(|text| text.to_string());
    let related = report.related().into_iter().flatten();
    let related: Vec<String> = related.map(ToString::to_string).collect();
    serde_json::json!({
        "code": said(report.code()),
        "message": report.to_string(),
        "help": said(report.help()),
        "related": related,
    })
}
