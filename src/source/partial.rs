//! A download that may have been begun by a process that is gone: the file, what is known of its digest, and the lock
//! that keeps a second process from writing to it. Asks nobody for bytes.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Sink, Write},
    os::unix::fs::MetadataExt,
    path::PathBuf,
    time::Duration,
};

use super::{FetchError, http};
use crate::{
    cancel::Cancel,
    digest::{Digest, Hashing},
    store::Store,
};

/// How often somebody else's lock is tried.
const TICK: Duration = Duration::from_millis(100);

/// The first part of a blob, locked against other processes.
pub(crate) struct Partial<'a> {
    store: &'a Store,
    digest: Digest,
    path: PathBuf,
    file: File,
    hashing: Hashing<Sink>,
    origin: Option<Origin>,
}

/// Where the part came from: what a server needs to know to go on with the same bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Origin {
    url: String,
    etag: String,
    last_modified: String,
}

impl<'a> Partial<'a> {
    /// Waits until nobody else fetches the blob. Returns `None` when it is in the store by then.
    pub(crate) fn open(
        store: &'a Store,
        digest: Digest,
        cancel: &Cancel,
    ) -> Result<Option<Self>, FetchError> {
        let path = store.partial(digest);
        let failed = |verb| {
            let path = path.clone();
            move |cause| FetchError::Partial { verb, path, cause }
        };
        loop {
            if store.blob(digest).is_some() {
                return Ok(None);
            }
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(&path)
                .map_err(failed("open"))?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    http::wait(TICK, cancel)?;
                    continue;
                }
                Err(TryLockError::Error(cause)) => return Err(failed("lock")(cause)),
            }
            // Whoever held the lock may have renamed or removed the file: then this is not the partial any more.
            let mine = file.metadata().map_err(failed("read"))?;
            if !fs::metadata(&path).is_ok_and(|there| there.ino() == mine.ino()) {
                continue;
            }
            if store.blob(digest).is_some() {
                let _ = fs::remove_file(&path);
                return Ok(None);
            }
            let mut partial = Self {
                store,
                digest,
                origin: Origin::read(&path),
                path: path.clone(),
                file,
                hashing: Hashing::new(io::sink()),
            };
            io::copy(&mut partial.file, &mut partial.hashing).map_err(failed("read"))?;
            return Ok(Some(partial));
        }
    }

    /// Returns how many bytes are there.
    pub(crate) fn size(&self) -> u64 {
        self.hashing.size()
    }

    /// Returns from where to ask `url` to go on, or `None` when there is nothing to go on with.
    pub(super) fn resume(&self, url: &str) -> Option<http::Resume> {
        let validator = self.origin.as_ref().and_then(|origin| {
            // An ETag means something to the server that gave it only, and a weak one nothing at all here; mirrors
            // agree on dates.
            let tag = &origin.etag;
            if origin.url == url && tag.starts_with('"') {
                Some(tag.clone())
            } else {
                Some(origin.last_modified.clone()).filter(|date| !date.is_empty())
            }
        });
        (self.size() > 0).then(|| http::Resume {
            offset: self.size(),
            validator,
        })
    }

    /// Remembers what the server says of the bytes that will be appended.
    pub(super) fn remember(&mut self, url: &str, head: &http::Head) {
        let origin = Origin {
            url: url.to_owned(),
            etag: head.etag.clone().unwrap_or_default(),
            last_modified: head.last_modified.clone().unwrap_or_default(),
        };
        // Without it, a later process resumes less carefully; the digest still decides.
        let _ = fs::write(Origin::path(&self.path), origin.text());
        self.origin = Some(origin);
    }

    /// Appends bytes.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<(), FetchError> {
        self.file
            .write_all(bytes)
            .and_then(|()| self.hashing.write_all(bytes))
            .map_err(|cause| self.failed("write", cause))
    }

    /// Forgets all bytes.
    pub(crate) fn rewind(&mut self) -> Result<(), FetchError> {
        self.hashing = Hashing::new(io::sink());
        self.origin = None;
        self.file
            .set_len(0)
            .and_then(|()| io::Seek::rewind(&mut self.file))
            .map_err(|cause| self.failed("empty", cause))
    }

    /// Stores the bytes as the blob when they have its digest; otherwise forgets them and returns theirs.
    pub(crate) fn settle(&mut self) -> Result<Option<Digest>, FetchError> {
        let hashing = std::mem::replace(&mut self.hashing, Hashing::new(io::sink()));
        let (actual, size, _) = hashing.finish();
        if actual != self.digest {
            self.rewind()?;
            return Ok(Some(actual));
        }
        self.store.adopt(&self.path, self.digest)?;
        debug_assert!(size > 0 || self.digest == Digest::of(b""));
        Ok(None)
    }

    fn failed(&self, verb: &'static str, cause: io::Error) -> FetchError {
        FetchError::Partial {
            verb,
            path: self.path.clone(),
            cause,
        }
    }
}

impl Drop for Partial<'_> {
    fn drop(&mut self) {
        // The lock is still held: nobody else has begun to write. After `settle` the file has another name already.
        if self.size() == 0 {
            let _ = fs::remove_file(&self.path);
            let _ = fs::remove_file(Origin::path(&self.path));
        }
    }
}

impl Origin {
    fn path(partial: &std::path::Path) -> PathBuf {
        partial.with_extension("from")
    }

    fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.url, self.etag, self.last_modified)
    }

    fn read(partial: &std::path::Path) -> Option<Self> {
        let text = fs::read_to_string(Self::path(partial)).ok()?;
        let mut lines = text.lines().map(str::to_owned);
        Some(Self {
            url: lines.next()?,
            etag: lines.next()?,
            last_modified: lines.next()?,
        })
    }
}
