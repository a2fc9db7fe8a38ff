//! `update`: moves pins of the lock to what the suites have now.

use std::{collections::BTreeSet, path::PathBuf};

use jiff::Timestamp;
use miette::Diagnostic;

use super::{
    MANIFEST,
    failure::Failure,
    output::{json, result, tell},
    pinned::{self, keyring, lock_path, read_lock, read_manifest, write_lock},
    session::Session,
};
use crate::{
    arch::Arch,
    lock::{self, Lock, Moves},
    manifest::Manifest,
    store::Store,
};

/// Move the lock's pins to what the suites have now
///
/// With names, only those packages move, and what they then need. The changes are printed; the lock is reviewed like
/// code.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kata-artifacts update                     move every pin
  kata-artifacts update linux-source-6.12   move the kernel's source only
  kata-artifacts update --dry-run           show what would move")]
pub(crate) struct Args {
    /// Packages to move [default: all]
    packages: Vec<String>,

    /// The manifest
    #[arg(long, short, default_value = MANIFEST)]
    manifest: PathBuf,

    /// Show what would move and write nothing
    #[arg(long)]
    dry_run: bool,

    /// Print the changes as JSON
    #[arg(long)]
    json: bool,
}

/// A manifest stands where packages are named.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("`{}` is a file: `update` takes names of packages", path.display())]
#[diagnostic(
    code(cli::update),
    help("a manifest is named with `-m`: `kata-artifacts update -m {}`", path.display())
)]
struct NotAPackage {
    path: PathBuf,
}

impl Args {
    pub(crate) fn run(self, session: &Session) -> Result<(), Failure> {
        // No package's name has a slash, nor ends so.
        let is_file = |name: &&String| name.contains('/') || name.ends_with(".yaml");
        if let Some(name) = self.packages.iter().find(is_file) {
            let path = PathBuf::from(name);
            return Err(Failure::input(NotAPackage { path }));
        }
        let (manifest, _) = read_manifest(&self.manifest, "update")?;
        let store = session.store()?;
        let old = read_lock(&self.manifest)?.map(|(lock, _)| lock);
        let moves = if self.packages.is_empty() {
            Moves::Everything
        } else {
            Moves::Named(self.packages)
        };
        let new = match &old {
            Some(old) => moved(&manifest, "update", old, &moves, session, &store)?,
            None => pinned::resolve(&manifest, "update", session, &store)?,
        };
        let changes = old
            .as_ref()
            .map_or_else(Vec::new, |old| lock::changes(old, &new));
        if self.json {
            json(&changes);
        }
        for change in changes.iter().filter(|_| !self.json) {
            result(&change.to_string());
        }
        if old.as_ref() == Some(&new) {
            tell("the lock is up to date");
        } else if self.dry_run {
            tell("nothing was written: this was a dry run");
        } else {
            write_lock(&self.manifest, &new)?;
            tell(&format!(
                "{} is written",
                lock_path(&self.manifest).display()
            ));
        }
        Ok(())
    }
}

/// Returns the lock after these moves.
pub(super) fn moved(
    manifest: &Manifest,
    verb: &'static str,
    old: &Lock,
    moves: &Moves,
    session: &Session,
    store: &Store,
) -> Result<Lock, Failure> {
    let keys = keyring(manifest)?;
    let archive = session.remote(verb, store)?;
    pinned::tell_asking(manifest);
    // Who builds on another machine shares the lock: its pins stay.
    let machines: BTreeSet<Arch> = old.packages.keys().copied().chain([Arch::host()]).collect();
    let machines: Vec<Arch> = machines.into_iter().collect();
    lock::update(
        old,
        moves,
        &lock::requests(manifest),
        &machines,
        &keys,
        &archive,
        Timestamp::now(),
    )
    .map_err(|error| session.failure(error))
}
