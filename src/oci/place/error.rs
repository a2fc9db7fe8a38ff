//! What can go wrong between a place and the user's disk.

use std::{io, path::PathBuf};

use crate::{
    cancel::Interrupted,
    digest::Digest,
    oci::{OciError, registry::RegistryError},
    store::StoreError,
};

/// Something about an artifact in its place could not be done.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum PlaceError {
    /// There is nothing of that name.
    #[error("{place} has no {name}; its tags: {tags}")]
    #[diagnostic(code(oci::missing))]
    Missing {
        /// The layout or archive.
        place: String,
        /// The tag or digest, with what stands before it.
        name: String,
        /// All its tags.
        tags: String,
    },
    /// Several artifacts could be meant.
    #[error("{place} has several artifacts; its tags: {tags}")]
    #[diagnostic(code(oci::unnamed), help("name one: {place}:TAG"))]
    Unnamed {
        /// The place.
        place: String,
        /// All its tags.
        tags: String,
    },
    /// There is nothing for the platform.
    #[error("{what} has nothing for {wanted}; it has {there}")]
    #[diagnostic(
        code(oci::platform),
        help("`--platform OS/ARCHITECTURE` names another")
    )]
    Platform {
        /// The index.
        what: String,
        /// The platform.
        wanted: String,
        /// What there is.
        there: String,
    },
    /// Something is not what it was said to be.
    #[error("{what}: {why}")]
    #[diagnostic(code(oci::untrue_place), help("nothing of it was kept"))]
    Untrue {
        /// What.
        what: String,
        /// What is wrong with it.
        why: String,
    },
    /// Indexes lie in indexes, deeper than anybody means.
    #[error("{what} has indexes in indexes in indexes")]
    #[diagnostic(code(oci::deep))]
    Deep {
        /// The index.
        what: String,
    },
    /// Files of an artifact have names that cannot be written.
    #[error("{what} has files whose names are not written to disk: {} of them", bad.len())]
    #[diagnostic(
        code(oci::titles),
        help("nothing was written; `copy` takes an artifact as it is, without writing its files")
    )]
    Titles {
        /// The artifact.
        what: String,
        /// The names.
        #[related]
        bad: Vec<BadTitle>,
    },
    /// There are no files.
    #[error("{what} is a {kind} without named files")]
    #[diagnostic(
        code(oci::untitled),
        help("`extract` unpacks an image; `copy` takes it as it is into oci:DIR")
    )]
    Untitled {
        /// The artifact.
        what: String,
        /// Its type.
        kind: String,
    },
    /// There is no such file, or more than one.
    #[error("{what} has {count} `{name}`; its files: {files}")]
    #[diagnostic(code(oci::file_name))]
    File {
        /// The artifact.
        what: String,
        /// The name that was asked for.
        name: String,
        /// "no" or "several".
        count: &'static str,
        /// All its files.
        files: String,
    },
    /// Bytes on disk are others than their name says.
    #[error("{name} in {place} is damaged: its bytes have digest {actual}, not {expected}")]
    #[diagnostic(
        code(oci::damaged_blob),
        help("what is damaged must be fetched or built again")
    )]
    Damaged {
        /// What it is.
        name: String,
        /// Where.
        place: String,
        /// The digest that it should have.
        expected: Digest,
        /// The digest that it has.
        actual: Digest,
    },
    /// An archive cannot be changed in place.
    #[error("{0} cannot be written to")]
    #[diagnostic(code(oci::read_only))]
    ReadOnly(String),
    /// Something on disk cannot be read or written.
    #[error("cannot {verb} `{}`", path.display())]
    #[diagnostic(code(oci::disk))]
    Disk {
        /// What was tried.
        verb: &'static str,
        /// The path.
        path: PathBuf,
        /// The cause.
        #[source]
        cause: io::Error,
    },
    /// A layout is not one, or is damaged.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Oci(#[from] OciError),
    /// The registry.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Registry(#[from] RegistryError),
    /// The store failed.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Store(#[from] StoreError),
    /// The work was stopped.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Interrupted(#[from] Interrupted),
}

/// A file's name that is not written to disk.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
#[error("`{title}`: {why}")]
#[diagnostic(code(oci::title))]
pub struct BadTitle {
    /// The name, without control characters.
    pub title: String,
    /// What is wrong with it.
    pub why: &'static str,
}

/// Returns a closure that turns an I/O error into [`PlaceError::Disk`].
pub(in crate::oci) fn disk(
    verb: &'static str,
    path: &std::path::Path,
) -> impl FnOnce(io::Error) -> PlaceError {
    let path = path.to_owned();
    move |cause| PlaceError::Disk { verb, path, cause }
}
