//! What this room wants of mirrors: a suite's release, and an index that a release names; and how they give it, through
//! `source` and the store. Releases are verified in `release`, not here.

use std::{
    fs::File,
    io::{self, Read},
    path::PathBuf,
};

use super::release::{IndexFile, RELEASE_LIMIT};
use crate::{
    cancel::Cancel,
    source::{FetchError, Mirrors, fetch::Want, http::Client},
    store::{Store, StoreError},
};

/// Mirrors could not give what was asked of them.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum ArchiveError {
    /// It could not be fetched.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Fetch(#[from] FetchError),
    /// The store does not have what was just fetched.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Store(#[from] StoreError),
    /// What was fetched cannot be read back.
    #[error("cannot read the index `{}` back from the store", path.display())]
    #[diagnostic(code(debian::index_file))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        cause: io::Error,
    },
}

/// Mirrors of Debian archives.
pub trait Archive: Sync {
    /// Returns the InRelease file of a suite. It is not verified.
    ///
    /// # Errors
    /// No mirror has it.
    fn release(&self, archive: &str, suite: &str) -> Result<Vec<u8>, ArchiveError>;

    /// Returns a reader of the file with this digest, found at one of `paths` below the archive. The content is
    /// verified before the reader is returned.
    ///
    /// # Errors
    /// No mirror has it.
    fn index(
        &self,
        archive: &str,
        paths: &[String],
        file: IndexFile,
    ) -> Result<Box<dyn Read + Send>, ArchiveError>;
}

/// Returns the archive that has a suite: security suites have one of their own.
#[must_use]
pub fn archive_of(suite: &str) -> &'static str {
    if suite.ends_with("-security") {
        "debian-security"
    } else {
        "debian"
    }
}

/// Mirrors on the network. Indexes stay in the store, so one that has not changed is not fetched again.
#[derive(Debug)]
pub struct Remote<'a> {
    /// Where the archives are mirrored.
    pub mirrors: &'a Mirrors,
    /// Asks the mirrors.
    pub client: &'a Client,
    /// Keeps the indexes.
    pub store: &'a Store,
    /// Raised when the work must stop.
    pub cancel: &'a Cancel,
}

impl Remote<'_> {
    fn urls(&self, archive: &str, what: &str, paths: &[String]) -> Result<Vec<String>, FetchError> {
        let bases = self.mirrors.archives.get(archive).filter(|b| !b.is_empty());
        let bases = bases.ok_or_else(|| FetchError::NoMirror {
            what: what.to_owned(),
            archive: archive.to_owned(),
        })?;
        let urls = paths
            .iter()
            .flat_map(|path| bases.iter().map(move |base| format!("{base}/{path}")));
        Ok(urls.collect())
    }
}

impl Archive for Remote<'_> {
    fn release(&self, archive: &str, suite: &str) -> Result<Vec<u8>, ArchiveError> {
        let what = format!("the release of {suite}");
        let urls = self.urls(archive, &what, &[format!("dists/{suite}/InRelease")])?;
        let (bytes, _) = self
            .client
            .get_small(&what, &urls, RELEASE_LIMIT, self.cancel)?;
        Ok(bytes)
    }

    fn index(
        &self,
        archive: &str,
        paths: &[String],
        file: IndexFile,
    ) -> Result<Box<dyn Read + Send>, ArchiveError> {
        let what = paths
            .last()
            .map_or_else(String::new, |path| format!("the index {path}"));
        let want = Want {
            digest: file.sha256,
            size: Some(file.size),
            urls: self.urls(archive, &what, paths)?,
            what,
        };
        self.client
            .fetch(self.store, &want, &|_, _| {}, self.cancel)?;
        let path = self.store.need_blob(file.sha256)?;
        let open = File::open(&path);
        let open = open.map_err(|cause| ArchiveError::Unreadable { path, cause })?;
        Ok(Box::new(open))
    }
}
