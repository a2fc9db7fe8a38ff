//! `lock`: resolves what the manifest's names mean and writes the lock.

use std::path::PathBuf;

use super::{
    MANIFEST,
    failure::Failure,
    output::{result, tell},
    pinned::{self, lock_path, read_lock, read_manifest, write_lock},
    session::Session,
};
use crate::{
    event::count,
    lock::{self, Moves},
};

/// Resolve every package the manifest needs, from signed releases, and write the lock beside it
///
/// Pins that are there and still fit stay where they are; `update` moves them. A lock that is there already and
/// matches the manifest is left as it is.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kata-artifacts lock                       write manifests/kata.lock
  kata-artifacts lock manifests/mine.yaml   write manifests/mine.lock")]
pub(crate) struct Args {
    /// The manifest
    #[arg(default_value = MANIFEST)]
    manifest: PathBuf,
}

impl Args {
    pub(crate) fn run(self, session: &Session) -> Result<(), Failure> {
        let (manifest, _) = read_manifest(&self.manifest, "lock")?;
        let path = lock_path(&self.manifest);
        let store = session.store()?;
        let Some((old, _)) = read_lock(&self.manifest)? else {
            let new = pinned::resolve(&manifest, "lock", session, &store)?;
            write_lock(&self.manifest, &new)?;
            let packages: usize = new.packages.values().map(Vec::len).sum();
            let packages = count(packages, "package", "packages");
            result(&format!("{}: {packages}", path.display()));
            return Ok(());
        };
        let new = super::update::moved(&manifest, "lock", &old, &Moves::Nothing, session, &store)?;
        if new == old {
            tell("the lock matches the manifest: nothing to do");
            return Ok(());
        }
        write_lock(&self.manifest, &new)?;
        for change in lock::changes(&old, &new) {
            result(&change.to_string());
        }
        tell(&format!("{} is written", path.display()));
        Ok(())
    }
}
