//! Laying out what was packed: an OCI image layout (image-spec, "OCI Image Layout Specification"), and plain files beside
//! it. What is there and right is left alone, what is missing or changed is written anew, what is no part of it goes.
//! Readers never see a half-written file, nor an index whose blobs are not there.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File, Permissions},
    io,
    os::unix::fs::PermissionsExt,
    path::Path,
};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::{OciError, artifact::Blob};
use crate::{arch::Arch, digest::Digest, store::Store};

/// The list's only schema so far.
pub(super) const SCHEMA: u32 = 1;
/// The content of `oci-layout`.
pub(super) const OCI_LAYOUT: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;

/// Everything that an image layout holds: the product of the last step of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayoutList {
    /// The schema of this list.
    pub schema: u32,
    /// The digest of the index over the architectures of the guest: what a build is known by.
    pub index: Digest,
    /// The layout's `index.json`.
    pub index_json: Entry,
    /// Digests of indexes by tag.
    pub tags: BTreeMap<String, Digest>,
    /// Every blob that `index.json` reaches, sorted by digest.
    pub blobs: Vec<Entry>,
    /// Plain files by architecture.
    pub files: BTreeMap<Arch, Vec<PlainFile>>,
}

/// A blob of a layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its digest.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
}

impl From<Blob> for Entry {
    fn from((digest, size): Blob) -> Self {
        Self { digest, size }
    }
}

/// A plain file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlainFile {
    /// Its name: Kata's, where Kata has one.
    pub name: String,
    /// Its digest.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
}

impl LayoutList {
    /// Reads the list that a step left in the store.
    ///
    /// # Errors
    /// It is not in the store, or is no list.
    pub fn read(store: &Store, digest: Digest) -> Result<Self, OciError> {
        let text = store.read(digest)?;
        serde_json::from_slice(&text).map_err(|cause| OciError::List { digest, cause })
    }
}

/// Writes the image layout at `dir`. Afterwards it holds exactly what the list says.
///
/// # Errors
/// A blob is not in the store or is damaged there; something below `dir` cannot be read or written.
pub fn publish(store: &Store, list: &LayoutList, dir: &Path) -> Result<(), OciError> {
    let blobs = dir.join("blobs/sha256");
    make(&blobs)?;
    let _alone = alone(dir);
    list.blobs
        .par_iter()
        .try_for_each(|entry| put(store, *entry, &blobs.join(entry.digest.hex())))?;
    put_bytes(OCI_LAYOUT, &dir.join("oci-layout"))?;
    let index_json = store.read(list.index_json.digest)?;
    put_bytes(&index_json, &dir.join("index.json"))?;
    let names: Vec<_> = list.blobs.iter().map(|entry| entry.digest.hex()).collect();
    keep_only(&blobs, &names.iter().map(String::as_str).collect())
}

/// Writes the plain files at `dir`, in a directory for each architecture. Afterwards these hold exactly what the list
/// says, and there are none for other architectures.
///
/// # Errors
/// As [`publish`].
pub fn publish_files(store: &Store, list: &LayoutList, dir: &Path) -> Result<(), OciError> {
    make(dir)?;
    let _alone = alone(dir);
    for arch in Arch::ALL {
        let below = dir.join(arch.name());
        let Some(files) = list.files.get(&arch) else {
            match fs::remove_dir_all(&below) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(failed("remove", &below)(error));
                }
                _ => continue,
            }
        };
        make(&below)?;
        for PlainFile { name, digest, size } in files {
            put(store, (*digest, *size).into(), &below.join(name))?;
        }
        let names = files.iter().map(|file| file.name.as_str()).collect();
        keep_only(&below, &names)?;
    }
    Ok(())
}

/// Copies a blob to `to`, unless that file has the same content already. Shares blocks where the file system can; is
/// never a second name of the store's file, which a user could then change. What was copied is verified: a blob that is
/// damaged goes from the store, so that it is made again.
fn put(store: &Store, entry: Entry, to: &Path) -> Result<(), OciError> {
    let is_same = |metadata: &fs::Metadata| {
        metadata.is_file()
            && metadata.len() == entry.size
            && Digest::of_file(to).is_ok_and(|(digest, _)| digest == entry.digest)
    };
    if fs::symlink_metadata(to).is_ok_and(|metadata| is_same(&metadata)) {
        return Ok(());
    }
    let from = store.need_blob(entry.digest)?;
    let tmp = tmp_beside(to)?;
    let mut source = File::open(&from).map_err(failed("read", &from))?;
    io::copy(&mut source, &mut tmp.as_file()).map_err(failed("write", to))?;
    let (copied, _) = Digest::of_file(tmp.path()).map_err(failed("read", tmp.path()))?;
    if copied != entry.digest {
        return Err(store.discard(entry.digest).into());
    }
    persist(tmp, to)
}

/// Keeps other processes from laying out in this directory while the file is open: each would remove what another is
/// writing, taking it for what a killed process left. Where a file system has no such locks, nobody is kept.
pub(super) fn alone(dir: &Path) -> Option<File> {
    let file = File::open(dir).ok()?;
    file.lock().ok()?;
    Some(file)
}

pub(super) fn put_bytes(bytes: &[u8], to: &Path) -> Result<(), OciError> {
    if fs::read(to).is_ok_and(|there| there == bytes) {
        return Ok(());
    }
    let tmp = tmp_beside(to)?;
    io::Write::write_all(&mut tmp.as_file(), bytes).map_err(failed("write", to))?;
    persist(tmp, to)
}

pub(super) fn tmp_beside(to: &Path) -> Result<NamedTempFile, OciError> {
    let parent = to.parent().expect("a file lies in a directory");
    NamedTempFile::with_prefix_in(".tmp-", parent).map_err(failed("write into", parent))
}

pub(super) fn persist(tmp: NamedTempFile, to: &Path) -> Result<(), OciError> {
    let readable = Permissions::from_mode(0o644);
    tmp.as_file()
        .set_permissions(readable)
        .map_err(failed("set the mode of", to))?;
    tmp.persist(to)
        .map_err(|error| failed("rename into", to)(error.error))?;
    Ok(())
}

/// Removes every file whose name is not listed, also what killed processes left.
fn keep_only(dir: &Path, names: &BTreeSet<&str>) -> Result<(), OciError> {
    for entry in fs::read_dir(dir).map_err(failed("read", dir))? {
        let entry = entry.map_err(failed("read", dir))?;
        let path = entry.path();
        let listed = entry
            .file_name()
            .to_str()
            .is_some_and(|name| names.contains(name));
        if !listed
            && path
                .symlink_metadata()
                .is_ok_and(|metadata| !metadata.is_dir())
        {
            fs::remove_file(&path).map_err(failed("remove", &path))?;
        }
    }
    Ok(())
}

pub(super) fn make(dir: &Path) -> Result<(), OciError> {
    fs::create_dir_all(dir).map_err(failed("make", dir))
}

pub(super) fn failed(verb: &'static str, path: &Path) -> impl FnOnce(io::Error) -> OciError {
    let path = path.to_owned();
    move |cause| OciError::Publish { verb, path, cause }
}

#[cfg(test)]
#[path = "layout_tests.rs"]
mod tests;
