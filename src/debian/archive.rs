//! What this room wants of a mirror: a suite's release, and an index that a release names. Nothing is verified here but
//! what the implementor promises.

use std::io::Read;

use super::release::IndexFile;

/// A mirror could not give what was asked of it.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error(transparent)]
#[diagnostic(transparent)]
pub struct ArchiveError(pub Box<dyn miette::Diagnostic + Send + Sync>);

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

/// Returns the path of a suite's InRelease below its archive.
#[must_use]
pub fn release_path(suite: &str) -> String {
    format!("dists/{suite}/InRelease")
}
