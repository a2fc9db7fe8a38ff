//! Scratch directories: a step's place to work. Removed when dropped, and by the next process when this one was killed.

use std::{
    fs::{self, File, TryLockError},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use super::{Store, StoreError, failed, remove_tree};

/// A directory that is removed when dropped.
pub struct Scratch {
    path: PathBuf,
    // Held while the directory is in use: `Store::open` removes directories whose lock nobody holds.
    _lock: File,
}

impl Scratch {
    /// Returns the directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed now is swept by the next process.
        if remove_tree(&self.path).is_ok() {
            let _ = fs::remove_file(self.path.with_extension("lock"));
        }
    }
}

impl Store {
    /// Makes a scratch directory; `label` helps a person who looks into the store.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn scratch(&self, label: &str) -> Result<Scratch, StoreError> {
        // The lock comes first, so that no sweep ever sees the directory without it.
        let (lock, lock_path) = self.scratch_lock(label, |_| {})?;
        let path = lock_path.with_extension("");
        fs::create_dir(&path).map_err(failed("make", &path))?;
        Ok(Scratch { path, _lock: lock })
    }

    /// Makes and locks the lock file of a scratch directory. `made` is called with its path before it is locked.
    pub(super) fn scratch_lock(
        &self,
        label: &str,
        mut made: impl FnMut(&Path),
    ) -> Result<(File, PathBuf), StoreError> {
        let tmp = self.root.join("tmp");
        loop {
            let lock = tempfile::Builder::new()
                .prefix(&format!("{label}-"))
                .suffix(".lock")
                .tempfile_in(&tmp)
                .map_err(failed("write", &tmp))?;
            made(lock.path());
            lock.as_file().lock().map_err(failed("lock", lock.path()))?;
            // Before it was locked, another process's sweep may have taken it for a dead one's.
            let mine = lock
                .as_file()
                .metadata()
                .map_err(failed("read", lock.path()))?;
            if fs::metadata(lock.path()).is_ok_and(|there| there.ino() == mine.ino()) {
                return lock
                    .keep()
                    .map_err(|error| failed("write", &tmp)(error.error));
            }
        }
    }

    /// Removes what killed processes left in `tmp`. Best effort: what is in use or cannot be removed stays.
    pub(super) fn sweep(&self) {
        let Ok(entries) = fs::read_dir(self.root.join("tmp")) else {
            return;
        };
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
            if path
                .extension()
                .is_some_and(|extension| extension == "lock")
            {
                let Ok(lock) = File::open(&path) else {
                    continue;
                };
                if let Err(TryLockError::WouldBlock) = lock.try_lock() {
                    continue;
                }
                if remove_tree(&path.with_extension("")).is_ok() {
                    let _ = fs::remove_file(&path);
                }
            } else if path.is_file() && is_older_than_a_day(&path) {
                let _ = fs::remove_file(&path);
            }
        }
    }
}

/// A blob that has not been written to for a day belongs to nobody.
fn is_older_than_a_day(path: &Path) -> bool {
    path.metadata()
        .and_then(|metadata| metadata.modified())
        .ok()
        .and_then(|modified| modified.elapsed().ok())
        .is_some_and(|age| age.as_secs() > 24 * 60 * 60)
}
