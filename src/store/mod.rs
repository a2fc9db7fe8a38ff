//! The store: blobs by content digest, trees and results by step key. Two promises: a blob's name is the digest of its
//! content, verified when it came in; a result's name is the key of the step that made it, recorded only on success.
//! Nothing here is ever half-written: every entry appears by a rename. Knows nothing of what the bytes mean.

mod blob;
mod clean;
#[cfg(test)]
mod clean_tests;
mod record;
mod roots;
mod scratch;
#[cfg(test)]
mod tests;
mod tree;
mod verify;

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};

pub use blob::BlobWriter;
pub use clean::{Cleaning, Freed, Keep};
pub use record::{Record, StepLock};
pub use roots::{Needs, Root};
pub use scratch::Scratch;
pub use tree::{TreeWriter, remove_tree};
pub use verify::Verified;

use crate::{cancel::Interrupted, digest::Digest, step::StepKey};

/// The name of this store's format; a directory of that name holds it. Changing it abandons everybody's cache.
pub const FORMAT: &str = "v1";

/// A store in a directory. Safe to use from several processes at once.
#[derive(Debug)]
pub struct Store {
    root: PathBuf,
    boot: String,
    // Shared by all who use the store, held alone by who cleans it. Absent where a file system has no locks.
    usage: Option<File>,
}

/// Something the store could not do.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum StoreError {
    /// A directory or file of the store could not be read or written.
    #[error("cannot {verb} `{}` in the store", path.display())]
    #[diagnostic(
        code(store::io),
        help("is the disk full or read-only? `--store DIR` puts the store elsewhere")
    )]
    Io {
        /// What was tried.
        verb: &'static str,
        /// The path.
        path: PathBuf,
        /// The cause.
        #[source]
        cause: io::Error,
    },
    /// A blob has other content than its name says.
    #[error("{what} has digest {actual}, but {expected} was expected")]
    #[diagnostic(code(store::digest))]
    WrongDigest {
        /// What was being stored.
        what: String,
        /// The digest it should have.
        expected: Digest,
        /// The digest it has.
        actual: Digest,
    },
    /// A blob that a step needs is not there.
    #[error("blob {0} is not in the store")]
    #[diagnostic(
        code(store::missing),
        help("run the same command again: what is missing is made again")
    )]
    Missing(Digest),
    /// A blob's content is not what its name says; it was removed.
    #[error("blob {0} was damaged in the store, and was removed")]
    #[diagnostic(
        code(store::damaged),
        help("run the same command again: what is missing is made again")
    )]
    Damaged(Digest),
    /// A tree that a step needs is not there.
    #[error("tree {0} is not in the store")]
    #[diagnostic(
        code(store::missing_tree),
        help("run the same command again: what is missing is made again")
    )]
    MissingTree(StepKey),
    /// The work was stopped while it waited for another process.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Interrupted(#[from] Interrupted),
}

/// Returns a closure that turns an I/O error into [`StoreError::Io`].
pub(crate) fn failed(verb: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_owned();
    move |cause| StoreError::Io { verb, path, cause }
}

impl Store {
    /// Opens the store below `cache` (usually `$XDG_CACHE_HOME/kata-artifacts`), making it when it is not there, and
    /// removes what killed processes left behind. Waits while another process cleans the store.
    ///
    /// # Errors
    /// The directory cannot be made or written.
    pub fn open(cache: &Path) -> Result<Self, StoreError> {
        let root = cache.join(FORMAT);
        for room in [
            "blobs/sha256",
            "trees",
            "results",
            "partial",
            "locks",
            "roots",
            "tmp",
        ] {
            let room = root.join(room);
            fs::create_dir_all(&room).map_err(failed("make", &room))?;
        }
        // Trees are not flushed to disk one file at a time; one unpacked before a crash of the machine is not trusted.
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let root = root.canonicalize().map_err(failed("find", &root))?;
        let store = Self {
            boot: boot.trim().to_owned(),
            usage: usage(&root),
            root,
        };
        store.sweep();
        Ok(store)
    }

    /// Returns the store's directory.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns where a download of the blob is continued. The file may hold the first part of it, not yet verified.
    #[must_use]
    pub fn partial(&self, digest: Digest) -> PathBuf {
        self.root.join("partial").join(digest.hex())
    }
}

/// Takes part in the use of a store, waiting for who has it alone.
fn usage(root: &Path) -> Option<File> {
    let file = File::create(root.join("usage")).ok()?;
    match file.try_lock_shared() {
        Ok(()) => Some(file),
        Err(TryLockError::WouldBlock) => file.lock_shared().ok().map(|()| file),
        Err(TryLockError::Error(_)) => None,
    }
}
