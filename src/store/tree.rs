//! Trees: unpacked directories named by the key of the step that made them, read-only by agreement and by mounts.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use walkdir::WalkDir;

use super::{Scratch, Store, StoreError, failed};
use crate::step::StepKey;

/// A tree being made. Dropped unfinished, it leaves nothing.
pub struct TreeWriter<'a> {
    store: &'a Store,
    key: StepKey,
    scratch: Scratch,
}

impl Store {
    fn tree_path(&self, key: StepKey) -> PathBuf {
        self.root.join("trees").join(key.to_string())
    }

    /// Returns the tree's directory when it is there, whole, and unpacked since the machine started.
    #[must_use]
    pub fn tree(&self, key: StepKey) -> Option<PathBuf> {
        let path = self.tree_path(key);
        let boot = fs::read_to_string(path.with_extension("boot")).ok()?;
        (boot == self.boot && path.is_dir()).then_some(path)
    }

    /// Returns the tree's directory.
    ///
    /// # Errors
    /// [`StoreError::MissingTree`].
    pub fn need_tree(&self, key: StepKey) -> Result<PathBuf, StoreError> {
        self.tree(key).ok_or(StoreError::MissingTree(key))
    }

    /// Begins a tree.
    ///
    /// # Errors
    /// No directory can be made in the store.
    pub fn write_tree(&self, key: StepKey) -> Result<TreeWriter<'_>, StoreError> {
        Ok(TreeWriter {
            store: self,
            key,
            scratch: self.scratch("tree")?,
        })
    }
}

impl TreeWriter<'_> {
    /// Returns the empty directory to fill.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn path(&self) -> Result<PathBuf, StoreError> {
        let path = self.scratch.path().join("tree");
        if !path.is_dir() {
            fs::create_dir(&path).map_err(failed("make", &path))?;
        }
        Ok(path)
    }

    /// Stores the tree under its key and returns where it is.
    ///
    /// # Errors
    /// It cannot be renamed into place.
    pub fn finish(self) -> Result<PathBuf, StoreError> {
        let path = self.store.tree_path(self.key);
        if path.exists() {
            let old = self.scratch.path().join("old");
            fs::rename(&path, &old).map_err(failed("replace", &path))?;
        }
        let made = self.path()?;
        fs::rename(&made, &path).map_err(failed("rename into", &path))?;
        let mark = path.with_extension("boot");
        fs::write(&mark, &self.store.boot).map_err(failed("write", &mark))?;
        Ok(path)
    }
}

/// Removes a tree whatever the modes of its directories are. A tree that is not there is no error.
///
/// # Errors
/// Something in it cannot be removed even with write permission on its directory.
pub fn remove_tree(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            for entry in WalkDir::new(path).into_iter().filter_map(Result::ok) {
                if entry.file_type().is_dir() {
                    fs::set_permissions(entry.path(), fs::Permissions::from_mode(0o700))?;
                }
            }
            // The walk above may have missed what lay below a directory it could not yet open.
            match fs::remove_dir_all(path) {
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => remove_tree(path),
                other => other,
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
