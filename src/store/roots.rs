//! Roots: which builds were made on this store, and what each needs. Cleaning starts from them. What a lock or a layout
//! protects besides is for the caller, who can read them.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{Store, StoreError, failed};
use crate::{
    digest::Digest,
    step::{StepId, StepKey},
};

/// Earlier builds of one manifest that are remembered.
const REMEMBERED: usize = 20;

/// A manifest that was built on this store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Root {
    /// The manifest's file, absolute.
    pub manifest: PathBuf,
    /// Its lock's file, absolute.
    pub lock: PathBuf,
    /// The step that was asked for: a manifest has a root for each.
    pub goal: StepId,
    /// The layout that was written, absolute, when one was.
    pub layout: Option<PathBuf>,
    /// What its builds needed, the last one first.
    pub builds: Vec<Needs>,
}

/// What a build needed of the store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Needs {
    /// Steps, by their results.
    pub steps: BTreeSet<StepKey>,
    /// Downloads.
    pub blobs: BTreeSet<Digest>,
}

impl Store {
    /// Remembers that a manifest was built. `root` has this build alone; earlier ones are kept behind it.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn remember(&self, root: &Root) -> Result<(), StoreError> {
        let name = format!("{}\n{}", root.manifest.display(), root.goal);
        let path = self.rooms("roots").join(Digest::of(name.as_bytes()).hex());
        let before = read(&path);
        let mut new = root.clone();
        for earlier in before.iter().flat_map(|before| &before.builds) {
            if !new.builds.contains(earlier) && new.builds.len() < REMEMBERED {
                new.builds.push(earlier.clone());
            }
        }
        // A path that is not text cannot be written down. What it needs is then as unprotected as what nobody needs.
        match serde_json::to_vec(&new) {
            Ok(text) if before.as_ref() != Some(&new) => self.put_at(&path, &text),
            _ => Ok(()),
        }
    }

    /// Returns every root.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn roots(&self) -> Result<Vec<Root>, StoreError> {
        let files = self.files("roots")?;
        Ok(files.iter().filter_map(|path| read(path)).collect())
    }

    /// Removes the roots that `is_dead`, and what cannot be read as one.
    ///
    /// # Errors
    /// The store cannot be read or written.
    pub fn forget(&self, is_dead: impl Fn(&Root) -> bool) -> Result<(), StoreError> {
        for path in self.files("roots")? {
            if read(&path).is_none_or(|root| is_dead(&root)) {
                fs::remove_file(&path).map_err(failed("remove", &path))?;
            }
        }
        Ok(())
    }

    pub(super) fn rooms(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Returns what a directory of the store holds, sorted.
    pub(super) fn files(&self, room: &str) -> Result<Vec<PathBuf>, StoreError> {
        list(&self.rooms(room))
    }
}

/// Returns what a directory holds, sorted.
pub(super) fn list(directory: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let entries = fs::read_dir(directory).map_err(failed("read", directory))?;
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(entry.map_err(failed("read", directory))?.path());
    }
    paths.sort();
    Ok(paths)
}

fn read(path: &Path) -> Option<Root> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}
