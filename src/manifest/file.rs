//! From a file to a manifest. The only place of this room that touches the disk, and it only looks.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use super::{
    Guest, Manifest, check,
    problem::{Problem, Problems},
    raw,
};

/// A manifest could not be had.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum ManifestError {
    /// The file could not be read.
    #[error("cannot read `{}`", path.display())]
    #[diagnostic(
        code(manifest::read),
        help("name the manifest's file, for instance `manifests/kata.yaml`")
    )]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        cause: io::Error,
    },
    /// It was read, and is no manifest. Holds everything that is wrong with it.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Wrong(Problems),
}

/// What a manifest's references may lead to.
pub trait Files {
    /// Returns what is at `path`, through links; `None` when nothing can be found there.
    fn kind(&self, path: &Path) -> Option<Kind>;
    /// Returns the names in a directory, for suggestions; in any order, empty when there is none.
    fn names(&self, directory: &Path) -> Vec<String>;
}

/// What a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// Neither.
    Other,
}

/// The files of this machine.
#[derive(Clone, Copy, Debug)]
pub struct Disk;

impl Files for Disk {
    fn kind(&self, path: &Path) -> Option<Kind> {
        let metadata = fs::metadata(path).ok()?;
        Some(match () {
            () if metadata.is_file() => Kind::File,
            () if metadata.is_dir() => Kind::Directory,
            () => Kind::Other,
        })
    }

    fn names(&self, directory: &Path) -> Vec<String> {
        fs::read_dir(directory)
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .collect()
    }
}

/// Reads and checks the manifest at `path`. Its references are looked for beside it.
///
/// # Errors
/// The file cannot be read, or anything in it is wrong: then everything that is.
pub fn read(path: &Path) -> Result<Manifest, ManifestError> {
    parse_bytes(path, &bytes(path)?, &Disk).map_err(ManifestError::Wrong)
}

/// Reads from the manifest at `path` how its guest is booted. Nothing else of it is judged: it may have come with an
/// artifact, and what it refers to is elsewhere.
///
/// # Errors
/// As [`read`], of what was read.
pub fn read_guest(path: &Path) -> Result<Guest, ManifestError> {
    let bytes = bytes(path)?;
    let parsed = text_of(path, &bytes).and_then(|text| {
        let text = raw::Text::new(text);
        let fail = |problems: Vec<Problem>| Problems::new(path, &text.shown, problems);
        let (tree, problems) = raw::read(&text).map_err(fail)?;
        check::guest_of(&tree, problems).map_err(fail)
    });
    parsed.map_err(ManifestError::Wrong)
}

/// Reads a file no further than a manifest can be long.
fn bytes(path: &Path) -> Result<Vec<u8>, ManifestError> {
    let mut bytes = Vec::new();
    // One byte more than is allowed, so that what is too large is noticed and never held.
    File::open(path)
        .and_then(|file| file.take(raw::LARGEST as u64 + 1).read_to_end(&mut bytes))
        .map_err(|cause| ManifestError::Read {
            path: path.to_owned(),
            cause,
        })?;
    Ok(bytes)
}

/// Checks a manifest's text. `path` is where it is (or would be): references are relative to its directory.
///
/// # Errors
/// Everything that is wrong.
pub fn parse(path: &Path, text: &str, files: &dyn Files) -> Result<Manifest, Problems> {
    let text = raw::Text::new(text);
    let fail = |problems: Vec<Problem>| Problems::new(path, &text.shown, problems);
    let (tree, problems) = raw::read(&text).map_err(fail)?;
    check::manifest(path, &tree, files, problems).map_err(fail)
}

/// Checks what a manifest's file holds, as [`parse`] does.
///
/// # Errors
/// Everything that is wrong.
pub fn parse_bytes(path: &Path, bytes: &[u8], files: &dyn Files) -> Result<Manifest, Problems> {
    parse(path, text_of(path, bytes)?, files)
}

fn text_of<'b>(path: &Path, bytes: &'b [u8]) -> Result<&'b str, Problems> {
    if bytes.len() > raw::LARGEST {
        return Err(Problems::new(path, "", vec![raw::too_large()]));
    }
    raw::decode(bytes)
        .map_err(|unreadable| Problems::new(path, &unreadable.shown, vec![unreadable.problem]))
}
