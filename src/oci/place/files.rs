//! The files of an artifact by their names, and their way to a directory. Names come from strangers: they are checked all
//! at once, before anything is written, and nothing is written through a link.

use std::{
    collections::BTreeSet,
    fs,
    path::{Component, Path},
};

use serde::Serialize;

use super::{
    Place,
    carry::in_parallel,
    directory::copy,
    error::{BadTitle, PlaceError, disk},
};
use crate::{
    digest::Digest,
    oci::{
        document::{Body, Descriptor, Document},
        layout::make,
    },
};

/// The longest name of a file.
const MOST_TITLE: usize = 1024;

/// A file of an artifact. Its name is a relative path of plain components.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TitledFile {
    /// Its name.
    pub title: String,
    /// What it is.
    pub blob: Descriptor,
}

/// A file that was written, or was there already.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Written {
    /// Its name below the directory.
    pub title: String,
    /// Its digest.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// Its media type.
    pub media_type: String,
}

/// Returns the files of an artifact in the order of its layers: those that have a name.
///
/// # Errors
/// It has none; names of some are not written to disk: all of them at once.
pub fn titled_files(document: &Document, what: &str) -> Result<Vec<TitledFile>, PlaceError> {
    let layers = match &document.body {
        Body::Manifest { layers, .. } => layers.as_slice(),
        Body::Index(_) => &[],
    };
    let files: Vec<TitledFile> = layers
        .iter()
        .filter_map(|blob| {
            let title = blob.title()?.to_owned();
            let blob = blob.clone();
            Some(TitledFile { title, blob })
        })
        .collect();
    if files.is_empty() {
        let kind = document.artifact_type.as_ref();
        return Err(PlaceError::Untitled {
            what: what.to_owned(),
            kind: kind.unwrap_or(&document.media_type).clone(),
        });
    }
    let mut seen = BTreeSet::new();
    let titles: BTreeSet<&str> = files.iter().map(|file| file.title.as_str()).collect();
    let mut bad = Vec::new();
    for TitledFile { title, .. } in &files {
        let parents = Path::new(title).ancestors().skip(1);
        let why = wrong(title).or_else(|| {
            if !seen.insert(title.as_str()) {
                Some("two files have this name")
            } else if parents
                .filter_map(Path::to_str)
                .any(|parent| titles.contains(parent))
            {
                Some("it lies below another file")
            } else {
                None
            }
        });
        if let Some(why) = why {
            let title = title.escape_default().to_string();
            bad.push(BadTitle { title, why });
        }
    }
    if !bad.is_empty() {
        let what = what.to_owned();
        return Err(PlaceError::Titles { what, bad });
    }
    Ok(files)
}

/// Returns what keeps a name from being written.
fn wrong(title: &str) -> Option<&'static str> {
    let components = || Path::new(title).components();
    if title.is_empty() || title.len() > MOST_TITLE {
        Some("it is empty or too long")
    } else if title.chars().any(char::is_control) {
        Some("it has a control character")
    } else if title.starts_with('/') {
        Some("it is an absolute path")
    } else if components().any(|it| !matches!(it, Component::Normal(_)))
        || title.split('/').any(|it| it.is_empty() || it == ".")
    {
        Some("it leads elsewhere")
    } else {
        None
    }
}

/// Returns the file that a name means: the file of this name, or the only one whose name begins with it and a dot, or the
/// only one of this kind (`initrd`, `kconfig`).
///
/// # Errors
/// There is none, or more than one.
pub fn find_file<'f>(
    files: &'f [TitledFile],
    name: &str,
    what: &str,
) -> Result<&'f TitledFile, PlaceError> {
    if let Some(file) = files.iter().find(|file| file.title == name) {
        return Ok(file);
    }
    let stem = |file: &&TitledFile| file.title.split('.').next() == Some(name);
    let kind = |file: &&TitledFile| {
        let media_type = file.blob.media_type.as_str();
        let ours = media_type.strip_prefix("application/vnd.kata-artifacts.");
        ours.and_then(|it| it.split('.').next()) == Some(name)
    };
    let mut candidates: Vec<&TitledFile> = files.iter().filter(stem).collect();
    if candidates.is_empty() {
        candidates = files.iter().filter(kind).collect();
    }
    match candidates.as_slice() {
        [file] => Ok(file),
        some => {
            let titles: Vec<&str> = files.iter().map(|file| file.title.as_str()).collect();
            Err(PlaceError::File {
                what: what.to_owned(),
                name: name.to_owned(),
                count: if some.is_empty() { "no" } else { "several" },
                files: titles.join(", "),
            })
        }
    }
}

/// Writes files into a directory, four at a time. Each appears whole and verified, under its name, or not at all; one
/// that is there and right is left alone.
///
/// # Errors
/// One cannot be fetched, verified or written.
pub fn write_files(
    place: &Place<'_>,
    files: &[TitledFile],
    dir: &Path,
) -> Result<Vec<Written>, PlaceError> {
    make(dir)?;
    in_parallel(files, |file| {
        place.bearings.cancel.check()?;
        write_file(place, file, dir)
    })?;
    let written = |file: &TitledFile| Written {
        title: file.title.clone(),
        digest: file.blob.digest,
        size: file.blob.size,
        media_type: file.blob.media_type.clone(),
    };
    Ok(files.iter().map(written).collect())
}

/// Writes files into a directory that must not be there, or be empty: it appears with all of them.
///
/// # Errors
/// As [`write_files`]; there is something in the directory.
pub fn write_tree(
    place: &Place<'_>,
    files: &[TitledFile],
    dir: &Path,
) -> Result<Vec<Written>, PlaceError> {
    let parent = match dir.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    make(parent)?;
    let room = tempfile::Builder::new()
        .prefix(".tmp-extract-")
        .tempdir_in(parent)
        .map_err(disk("write into", parent))?;
    let root = room.path().join("root");
    let written = write_files(place, files, &root)?;
    // A rename replaces an empty directory, and nothing else.
    fs::rename(&root, dir).map_err(disk("write into", dir))?;
    Ok(written)
}

fn write_file(place: &Place<'_>, file: &TitledFile, dir: &Path) -> Result<(), PlaceError> {
    let to = dir.join(&file.title);
    // A link that somebody left below the directory would lead out of it.
    let mut parent = dir.to_owned();
    let below = Path::new(&file.title).parent().unwrap_or(Path::new(""));
    for component in below.components() {
        parent.push(component);
        match fs::symlink_metadata(&parent) {
            Ok(there) if there.is_dir() => {}
            Ok(_) => {
                let cause = std::io::ErrorKind::NotADirectory.into();
                return Err(disk("write into", &parent)(cause));
            }
            Err(_) => {
                let made = fs::create_dir(&parent);
                // Another thread may have been faster.
                made.or_else(|error| if parent.is_dir() { Ok(()) } else { Err(error) })
                    .map_err(disk("make", &parent))?;
            }
        }
    }
    let is_there = fs::symlink_metadata(&to)
        .is_ok_and(|it| it.is_file() && it.len() == file.blob.size)
        && Digest::of_file(&to).is_ok_and(|(digest, _)| digest == file.blob.digest);
    if is_there {
        return Ok(());
    }
    let extent = place.blob(&file.blob, &file.title)?;
    match copy(&extent, file.blob.digest, &to) {
        // In the store it would stay and be in the way for ever.
        Err(PlaceError::Damaged { .. }) if extent.path.starts_with(place.bearings.store.root()) => {
            Err(place.bearings.store.discard(file.blob.digest).into())
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_leads_elsewhere_is_not_written() {
        for title in [
            "",
            "/etc/passwd",
            "../../etc/passwd",
            "a/../../b",
            "a/..",
            ".",
            "./a",
            "a//b",
            "a/",
            "a\nb",
            "a\0b",
            &"x".repeat(2000),
        ] {
            assert!(wrong(title).is_some(), "{title:?}");
        }
        for title in ["vmlinux", "a/b.c", "..a", "a..b", "config-6.12.117+x", "é"] {
            assert_eq!(wrong(title), None, "{title:?}");
        }
    }
}
