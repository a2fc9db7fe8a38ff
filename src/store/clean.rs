//! Cleaning: removes what is not to be kept, and says how much that was. What is to be kept is the caller's to know, and
//! so is that nobody else uses the store meanwhile: see [`Store::alone`].

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Serialize;
use walkdir::WalkDir;

use super::{Store, StoreError, failed, remove_tree, roots::list};
use crate::{
    cancel::Cancel,
    digest::Digest,
    step::{Product, StepKey},
};

/// What is kept.
#[derive(Clone, Debug, Default)]
pub struct Keep {
    /// Steps: their results, and what these name.
    pub steps: BTreeSet<StepKey>,
    /// Blobs, and the beginnings of downloads.
    pub blobs: BTreeSet<Digest>,
    /// Whatever is younger than this.
    pub younger: Option<Duration>,
}

/// Whether anything is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cleaning {
    /// It is.
    Remove,
    /// It is only counted.
    Count,
}

/// What was removed, or would be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Freed {
    /// Results of steps.
    pub results: usize,
    /// Unpacked trees.
    pub trees: usize,
    /// Blobs.
    pub blobs: usize,
    /// Beginnings of downloads.
    pub partial: usize,
    /// Bytes of all these.
    pub bytes: u64,
}

impl Store {
    /// Tells whether no other process uses the store, and if so keeps all others out until this store is dropped: who
    /// opens it meanwhile waits. Where a file system has no locks, the answer is yes.
    #[must_use]
    pub fn alone(&self) -> bool {
        let Some(usage) = &self.usage else {
            return true;
        };
        !matches!(usage.try_lock(), Err(fs::TryLockError::WouldBlock))
    }

    /// Removes what is not kept.
    ///
    /// # Errors
    /// Something cannot be read or removed, or `cancel` was raised. What is left is a sound store.
    pub fn clean(
        &self,
        keep: &Keep,
        cleaning: Cleaning,
        cancel: &Cancel,
    ) -> Result<Freed, StoreError> {
        let mut sweep = Sweep {
            keep: keep.clone(),
            trees: BTreeSet::new(),
            cleaning,
            cancel,
            freed: Freed::default(),
        };
        sweep.results(self)?;
        sweep.trees(self)?;
        sweep.blobs(self)?;
        sweep.partial(self)?;
        if cleaning == Cleaning::Remove {
            // Nobody holds one: nobody else is here.
            for path in self.files("locks")? {
                fs::remove_file(&path).map_err(failed("remove", &path))?;
            }
        }
        Ok(sweep.freed)
    }
}

struct Sweep<'a> {
    keep: Keep,
    /// Trees that kept results name.
    trees: BTreeSet<StepKey>,
    cleaning: Cleaning,
    cancel: &'a Cancel,
    freed: Freed,
}

impl Sweep<'_> {
    /// Removes results, and learns from those that stay what they need.
    fn results(&mut self, store: &Store) -> Result<(), StoreError> {
        let (latest, records): (Vec<PathBuf>, Vec<PathBuf>) = store
            .files("results")?
            .into_iter()
            .partition(|path| name(path).starts_with("latest-"));
        let mut gone = BTreeSet::new();
        for path in records {
            let key = name(&path).strip_suffix(".json").and_then(key);
            let wanted = key.is_some_and(|key| self.keep.steps.contains(&key));
            match key.filter(|_| wanted || self.is_young(&path)) {
                Some(key) => self.learn(store, key),
                None => {
                    gone.extend(key);
                    self.remove(&path)?;
                    self.freed.results += 1;
                }
            }
        }
        for path in latest {
            let names = fs::read_to_string(&path).ok();
            let key = names.and_then(|text| key(text.trim()));
            if key.is_none_or(|key| gone.contains(&key)) {
                self.remove(&path)?;
            }
        }
        Ok(())
    }

    fn learn(&mut self, store: &Store, key: StepKey) {
        let record = store.record(key);
        for product in record.iter().flat_map(|record| record.products.values()) {
            match product {
                Product::Blob { digest, .. } => self.keep.blobs.insert(*digest),
                Product::Tree { key } => self.trees.insert(*key),
            };
        }
    }

    fn trees(&mut self, store: &Store) -> Result<(), StoreError> {
        for path in store.files("trees")? {
            let mark = path.with_extension("boot");
            if path == mark {
                // It goes with its tree; alone, it marks nothing.
                if path.exists() && !path.with_extension("").is_dir() {
                    self.remove(&path)?;
                }
                continue;
            }
            let wanted = key(name(&path)).is_some_and(|key| self.trees.contains(&key));
            if wanted || self.is_young(&mark) {
                continue;
            }
            self.cancel.check()?;
            self.freed.trees += 1;
            self.freed.bytes += size_of_tree(&path);
            if self.cleaning == Cleaning::Remove {
                // Without its mark a tree counts as none, so it never looks whole when it is not.
                if mark.exists() {
                    fs::remove_file(&mark).map_err(failed("remove", &mark))?;
                }
                remove_tree(&path).map_err(failed("remove", &path))?;
            }
        }
        Ok(())
    }

    fn blobs(&mut self, store: &Store) -> Result<(), StoreError> {
        for directory in store.files("blobs/sha256")? {
            self.cancel.check()?;
            for path in list(&directory)? {
                if !self.is_kept_blob(&path) {
                    self.freed.blobs += 1;
                    self.remove(&path)?;
                }
            }
        }
        Ok(())
    }

    fn partial(&mut self, store: &Store) -> Result<(), StoreError> {
        for path in store.files("partial")? {
            if !self.is_kept_blob(&path) {
                self.freed.partial += 1;
                self.remove(&path)?;
            }
        }
        Ok(())
    }

    fn is_kept_blob(&self, path: &Path) -> bool {
        let digest = name(path).parse::<Digest>();
        digest.is_ok_and(|digest| self.keep.blobs.contains(&digest)) || self.is_young(path)
    }

    fn is_young(&self, path: &Path) -> bool {
        let Some(younger) = self.keep.younger else {
            return false;
        };
        let modified = path.metadata().and_then(|metadata| metadata.modified());
        // What was written in the future is young too.
        modified.is_ok_and(|modified| {
            modified.elapsed().is_ok_and(|age| age < younger) || modified.elapsed().is_err()
        })
    }

    fn remove(&mut self, path: &Path) -> Result<(), StoreError> {
        self.freed.bytes += path.metadata().map_or(0, |metadata| metadata.len());
        match self.cleaning {
            Cleaning::Count => Ok(()),
            Cleaning::Remove => fs::remove_file(path).map_err(failed("remove", path)),
        }
    }
}

fn name(path: &Path) -> &str {
    path.file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default()
}

fn key(hex: &str) -> Option<StepKey> {
    hex.parse().ok().map(StepKey)
}

fn size_of_tree(path: &Path) -> u64 {
    let entries = WalkDir::new(path).into_iter().filter_map(Result::ok);
    let files = entries.filter(|entry| entry.file_type().is_file());
    files
        .filter_map(|entry| Some(entry.metadata().ok()?.len()))
        .sum()
}
