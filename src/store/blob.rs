//! Blobs: files named by the digest of their content. Verified on the way in; on the way out only where they are read whole.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

use super::{Store, StoreError, failed};
use crate::digest::{Digest, Hashing};

/// Takes a blob's bytes; its name is known when it is finished. Dropped unfinished, it leaves nothing.
pub struct BlobWriter<'a> {
    store: &'a Store,
    writer: Hashing<NamedTempFile>,
}

impl Store {
    fn blob_path(&self, digest: Digest) -> PathBuf {
        let hex = digest.hex();
        self.root.join("blobs/sha256").join(&hex[..2]).join(&hex)
    }

    /// Returns the blob's path when it is there. The content was verified when it was stored, not now.
    #[must_use]
    pub fn blob(&self, digest: Digest) -> Option<PathBuf> {
        let path = self.blob_path(digest);
        path.is_file().then_some(path)
    }

    /// Returns the blob's path.
    ///
    /// # Errors
    /// [`StoreError::Missing`].
    pub fn need_blob(&self, digest: Digest) -> Result<PathBuf, StoreError> {
        self.blob(digest).ok_or(StoreError::Missing(digest))
    }

    /// Tells whether the blob is there and as long as it should be.
    pub(super) fn has(&self, digest: Digest, size: u64) -> bool {
        self.blob_path(digest)
            .metadata()
            .is_ok_and(|metadata| metadata.is_file() && metadata.len() == size)
    }

    /// Returns a blob's whole content, verified: for small blobs only.
    ///
    /// # Errors
    /// The blob is missing, cannot be read, or is [`StoreError::Damaged`].
    pub fn read(&self, digest: Digest) -> Result<Vec<u8>, StoreError> {
        let path = self.need_blob(digest)?;
        let bytes = fs::read(&path).map_err(failed("read", &path))?;
        if Digest::of(&bytes) != digest {
            return Err(self.discard(digest));
        }
        Ok(bytes)
    }

    /// Hashes a blob again, when it is there. One that is damaged is removed, and the error says so.
    ///
    /// # Errors
    /// It is [`StoreError::Damaged`], or cannot be read.
    pub fn check(&self, digest: Digest) -> Result<(), StoreError> {
        let Some(path) = self.blob(digest) else {
            return Ok(());
        };
        let (actual, _) = Digest::of_file(&path).map_err(failed("read", &path))?;
        if actual == digest {
            Ok(())
        } else {
            Err(self.discard(digest))
        }
    }

    /// Removes a blob that was found to have other content than its name says, so that it is made again; returns the
    /// error that says so.
    #[must_use]
    pub fn discard(&self, digest: Digest) -> StoreError {
        let path = self.blob_path(digest);
        match fs::remove_file(&path) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => failed("remove", &path)(cause),
            _ => StoreError::Damaged(digest),
        }
    }

    /// Begins a blob.
    ///
    /// # Errors
    /// No file can be made in the store.
    pub fn write_blob(&self) -> Result<BlobWriter<'_>, StoreError> {
        let tmp = self.root.join("tmp");
        let file = NamedTempFile::with_prefix_in("blob-", &tmp).map_err(failed("write", &tmp))?;
        Ok(BlobWriter {
            store: self,
            writer: Hashing::new(file),
        })
    }

    /// Stores `bytes`; returns their digest and size in bytes.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn put(&self, bytes: &[u8]) -> Result<(Digest, u64), StoreError> {
        let digest = Digest::of(bytes);
        if !self.has(digest, bytes.len() as u64) {
            let mut writer = self.write_blob()?;
            writer
                .write_all(bytes)
                .map_err(failed("write", &self.blob_path(digest)))?;
            writer.finish()?;
        }
        Ok((digest, bytes.len() as u64))
    }

    /// Copies a file into the store; returns its digest and size in bytes.
    ///
    /// # Errors
    /// It cannot be read or written.
    pub fn put_file(&self, path: &Path) -> Result<(Digest, u64), StoreError> {
        // Most files are there from the last time: reading twice is cheaper than writing once.
        let known = Digest::of_file(path).map_err(failed("read", path))?;
        if self.has(known.0, known.1) {
            return Ok(known);
        }
        let mut file = File::open(path).map_err(failed("read", path))?;
        let mut writer = self.write_blob()?;
        io::copy(&mut file, &mut writer).map_err(failed("copy", path))?;
        writer.finish()
    }

    /// Moves a finished download into the blobs, after its bytes were hashed to `expected` by the caller.
    ///
    /// # Errors
    /// It cannot be flushed or renamed.
    pub fn adopt(&self, verified: &Path, expected: Digest) -> Result<(), StoreError> {
        let file = File::open(verified).map_err(failed("read", verified))?;
        file.sync_all().map_err(failed("flush", verified))?;
        let path = self.blob_path(expected);
        make_parent(&path)?;
        fs::rename(verified, &path).map_err(failed("rename into", &path))
    }
}

impl BlobWriter<'_> {
    /// Stores the blob under its digest; returns that and the size in bytes.
    ///
    /// # Errors
    /// It cannot be flushed or renamed.
    pub fn finish(self) -> Result<(Digest, u64), StoreError> {
        let (digest, size, file) = self.writer.finish();
        let path = self.store.blob_path(digest);
        if self.store.has(digest, size) {
            return Ok((digest, size));
        }
        file.as_file()
            .sync_all()
            .map_err(failed("flush", file.path()))?;
        make_parent(&path)?;
        file.persist(&path)
            .map_err(|error| failed("rename into", &path)(error.error))?;
        Ok((digest, size))
    }

    /// Stores the blob only if its digest is `expected`; returns the size in bytes.
    ///
    /// # Errors
    /// [`StoreError::WrongDigest`] with `what` in the message; otherwise as [`BlobWriter::finish`].
    pub fn finish_as(self, expected: Digest, what: &str) -> Result<u64, StoreError> {
        let (actual, size, file) = self.writer.finish();
        if actual != expected {
            return Err(StoreError::WrongDigest {
                what: what.to_owned(),
                expected,
                actual,
            });
        }
        file.as_file()
            .sync_all()
            .map_err(failed("flush", file.path()))?;
        self.store.adopt(file.path(), expected)?;
        // The file has another name now; there is nothing left to remove.
        let _ = file.keep();
        Ok(size)
    }
}

fn make_parent(path: &Path) -> Result<(), StoreError> {
    let parent = path.parent().expect("a blob lies in a directory");
    fs::create_dir_all(parent).map_err(failed("make", parent))
}

impl Write for BlobWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}
