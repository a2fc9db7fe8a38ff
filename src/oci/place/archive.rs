//! A tar of an image layout as a place (`oci-archive` of skopeo and podman): read where it lies, without unpacking it;
//! written by packing a layout, deterministically.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufReader, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use super::{
    Place,
    directory::{Directory, bounded, copy, entries_of, find, missing, read_document},
    error::{PlaceError, disk},
};
use crate::{
    digest::Digest,
    oci::{
        OciError,
        document::{Descriptor, Document},
        layout::{persist, put_bytes, tmp_beside},
        reference::Name,
        registry::Extent,
    },
};

/// The most files that an archive may have.
const MOST_FILES: usize = 100_000;

/// An archive, and where in it each file lies.
pub(super) struct Archive {
    path: PathBuf,
    files: BTreeMap<String, Extent>,
}

impl Archive {
    pub(super) fn open(path: &Path) -> Result<Self, PlaceError> {
        let files = scan(path).map_err(disk("read", path))?;
        if !files.contains_key("index.json") {
            return Err(OciError::NoLayout(path.to_owned()).into());
        }
        Ok(Self {
            path: path.to_owned(),
            files,
        })
    }

    pub(super) fn entries(&self) -> Result<Vec<Descriptor>, PlaceError> {
        entries_of(
            bounded(self.files["index.json"].clone(), &self.path)?,
            &self.path,
        )
    }

    pub(super) fn document(&self, name: &Name, place: &Place<'_>) -> Result<Document, PlaceError> {
        let entries = self.entries()?;
        let (digest, told) = find(&entries, name, place)?;
        let extent = self.files.get(&inside(digest));
        let extent = extent.ok_or_else(|| missing(&entries, name, place))?;
        read_document(extent.clone(), &self.path, digest, told.as_deref(), place)
    }

    pub(super) fn blob(&self, digest: Digest) -> Result<Extent, PlaceError> {
        let missing = || {
            let cause = io::Error::new(io::ErrorKind::NotFound, "the archive does not have it");
            disk("read", Path::new(&inside(digest)))(cause)
        };
        self.files.get(&inside(digest)).cloned().ok_or_else(missing)
    }
}

fn inside(digest: Digest) -> String {
    format!("blobs/sha256/{}", digest.hex())
}

/// Returns where each file of a tar lies in it. A name that comes twice means the later one, as for every tar.
fn scan(path: &Path) -> io::Result<BTreeMap<String, Extent>> {
    let file = File::open(path)?;
    let whole = file.metadata()?.len();
    let mut archive = tar::Archive::new(BufReader::new(file));
    let mut files = BTreeMap::new();
    for entry in archive.entries_with_seek()? {
        let entry = entry?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let (offset, size) = (entry.raw_file_position(), entry.size());
        if offset.checked_add(size).is_none_or(|end| end > whole) || files.len() == MOST_FILES {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let path = path.to_owned();
        let name = name.strip_prefix("./").unwrap_or(&name).to_owned();
        files.insert(name, Extent { path, offset, size });
    }
    Ok(files)
}

/// A layout that becomes an archive when it is finished.
pub(super) struct Staged {
    to: PathBuf,
    room: TempDir,
    directory: Directory,
}

impl Staged {
    /// Begins an archive: with what is in it, when it is there.
    pub(super) fn begin(to: &Path) -> Result<Self, PlaceError> {
        let parent = match to.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        // Beside the archive: it may be larger than what fits in a directory for temporary files.
        let room = tempfile::Builder::new()
            .prefix(".tmp-archive-")
            .tempdir_in(parent)
            .map_err(disk("write into", parent))?;
        let directory = Directory::create(&room.path().join("layout"))?;
        if to.exists() {
            let archive = Archive::open(to)?;
            for (name, extent) in &archive.files {
                let digest = name
                    .strip_prefix("blobs/sha256/")
                    .and_then(|it| it.parse().ok());
                if let Some(digest) = digest {
                    copy(extent, digest, &directory.dir().join(inside(digest)))?;
                }
            }
            let index = bounded(archive.files["index.json"].clone(), to)?;
            entries_of(index.clone(), to)?;
            put_bytes(&index, &directory.dir().join("index.json"))?;
        }
        Ok(Self {
            to: to.to_owned(),
            room,
            directory,
        })
    }

    pub(super) const fn directory(&self) -> &Directory {
        &self.directory
    }

    pub(super) fn finish(self) -> Result<(), PlaceError> {
        let tmp = tmp_beside(&self.to)?;
        pack(self.directory.dir(), tmp.as_file()).map_err(disk("write", &self.to))?;
        persist(tmp, &self.to)?;
        self.room.close().map_err(disk("remove", &self.to))
    }
}

/// Packs a layout: sorted, of nobody, at no time.
fn pack(dir: &Path, into: &File) -> io::Result<()> {
    let mut blobs: Vec<String> = std::fs::read_dir(dir.join("blobs/sha256"))?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .filter(|name: &io::Result<String>| !name.as_ref().is_ok_and(|it| it.starts_with('.')))
        .collect::<io::Result<_>>()?;
    blobs.sort();
    let mut builder = tar::Builder::new(io::BufWriter::new(into));
    let names = ["oci-layout".to_owned(), "index.json".to_owned()];
    let blobs = blobs.into_iter().map(|name| format!("blobs/sha256/{name}"));
    for name in names.into_iter().chain(blobs) {
        let mut file = File::open(dir.join(&name))?;
        let mut header = tar::Header::new_gnu();
        header.set_size(file.seek(SeekFrom::End(0))?);
        file.rewind()?;
        header.set_mode(0o644);
        header.set_mtime(0);
        header.set_uid(0);
        header.set_gid(0);
        builder.append_data(&mut header, &name, &mut file)?;
    }
    builder
        .into_inner()?
        .into_inner()
        .map_err(|it| it.into_error())?;
    Ok(())
}
