//! `check`: what is wrong with a manifest, its lock and the files they name. Never asks the network.

use std::path::PathBuf;

use miette::Report;
use serde::Serialize;
use serde_json::Value;

use super::{
    MANIFEST,
    config::Case,
    failure::Failure,
    output::{json, result, tell},
    pinned::{lock_path, read_lock, read_manifest},
    session::Session,
};
use crate::{
    arch::Arch,
    kernel::{self, reasons, strict::Unmet},
    lock::{self, Pinned},
    manifest::{self, Manifest, ManifestError},
    plan::{self, Assessment},
    rootfs,
};

/// Check a manifest, its lock and the files they name, without the network
///
/// Reports everything that is wrong, with its line and what to write instead. Once the kernel's source is in the store,
/// that includes every requested option that the kernel would not take, with the reason and what gets it.
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
    options: OptionState,
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

/// Whether the kernel takes what is requested.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum OptionState {
    Met,
    Unmet,
    /// The store does not hold the kernel's source and what the compiler answered: the first build puts it there.
    Unknown,
}

impl Args {
    pub(crate) fn run(self, session: &Session) -> Result<(), Failure> {
        let (lock, options, reports) = match manifest::read(&self.manifest) {
            Err(ManifestError::Wrong(problems)) => {
                if self.json {
                    self.print(
                        LockState::Unknown,
                        OptionState::Unknown,
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
            Ok(manifest) => self.look(manifest, session)?,
        };
        if self.json {
            self.print(lock, options, reports.iter().map(as_json).collect());
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
            if reports.is_empty() && lock == LockState::Matches && options == OptionState::Unknown {
                tell(
                    "not checked: whether the kernel takes what is requested; its source is not in the store yet",
                );
            }
        }
        if reports.is_empty() {
            Ok(())
        } else {
            Err(Failure::Unusable)
        }
    }

    /// Looks at everything that a manifest without mistakes names.
    fn look(
        &self,
        manifest: Manifest,
        session: &Session,
    ) -> Result<(LockState, OptionState, Vec<Report>), Failure> {
        let mut reports = Vec::new();
        let mut options = OptionState::Unknown;
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
            Ok(Some((lock, text))) => match lock::pin(manifest, lock, Arch::host()) {
                Ok(pinned) if reports.is_empty() => {
                    let unmet = self.unmet(&pinned, &text, session)?;
                    options = match &unmet {
                        None => OptionState::Unknown,
                        Some(unmet) if unmet.is_empty() => OptionState::Met,
                        Some(_) => OptionState::Unmet,
                    };
                    reports.extend(unmet.into_iter().flatten().map(Report::new));
                    LockState::Matches
                }
                Ok(_) => LockState::Matches,
                Err(error) => {
                    reports.push(Report::new(error));
                    LockState::Unusable
                }
            },
        };
        Ok((lock, options, reports))
    }

    /// Returns what each architecture's kernel will not take of what is requested; nothing when the store does not hold
    /// what is needed to say.
    fn unmet(
        &self,
        pinned: &Pinned,
        lock: &str,
        session: &Session,
    ) -> Result<Option<Vec<Unmet>>, Failure> {
        let store = session.store()?;
        let (_, manifest) = read_manifest(&self.manifest, "check")?;
        let Ok(inputs) = plan::gather(pinned, &manifest, lock, &session.path, &store) else {
            return Ok(None);
        };
        let mut all = Vec::new();
        for &arch in &pinned.manifest.architectures {
            let plan = plan::draft_probe(pinned, &inputs, Arch::host(), arch);
            let assessment = Assessment::new(&plan, &store);
            let Some(products) = assessment.products(plan.goal()) else {
                return Ok(None);
            };
            let answers = products["answers"].digest();
            let case = Case::of_manifest(&pinned.manifest, arch, &plan, answers, &[], &store)?;
            let (profile, merged) = case.requested()?;
            let question = case.question(&merged);
            let kernel = (case.version, case.arch);
            let source = &case.source;
            let unmet =
                reasons::foretold(&profile, &merged, &case.options, &question, kernel, source);
            all.extend(unmet);
        }
        Ok(Some(all))
    }

    fn print(&self, lock: LockState, options: OptionState, problems: Vec<Value>) {
        json(&Verdict {
            schema: 1,
            manifest: self.manifest.display().to_string(),
            ok: problems.is_empty(),
            lock,
            options,
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
