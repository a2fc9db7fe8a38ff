//! An image layout as a place (image-spec, "OCI Image Layout Specification"): anybody's to read, and ours to add to. What
//! is added is verified, and readers never see a half-written file.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use super::{
    Arrival, Place, Role,
    error::{PlaceError, disk},
};
use crate::{
    digest::{Digest, Hashing},
    oci::{
        OciError,
        document::{Descriptor, Document, INDEX, MOST_DOCUMENT},
        json::canonical,
        layout::{OCI_LAYOUT, alone, make, persist, put_bytes, tmp_beside},
        media::REF_NAME,
        reference::Name,
        registry::Extent,
    },
};

/// An image layout.
pub(super) struct Directory {
    dir: PathBuf,
}

impl Directory {
    pub(super) fn open(dir: &Path) -> Result<Self, PlaceError> {
        let marker = fs::read(dir.join("oci-layout")).ok();
        let marker = marker.and_then(|it| serde_json::from_slice::<serde_json::Value>(&it).ok());
        if marker.is_none_or(|marker| marker["imageLayoutVersion"] != "1.0.0") {
            return Err(OciError::NoLayout(dir.to_owned()).into());
        }
        Ok(Self {
            dir: dir.to_owned(),
        })
    }

    /// Opens a layout, or makes an empty one where nothing is.
    pub(super) fn create(dir: &Path) -> Result<Self, PlaceError> {
        let is_empty = fs::read_dir(dir).map_or(true, |mut entries| entries.next().is_none());
        if !is_empty {
            return Self::open(dir);
        }
        make(&dir.join("blobs/sha256"))?;
        let _alone = alone(dir);
        if !dir.join("index.json").exists() {
            put_bytes(&index_json(&[]), &dir.join("index.json"))?;
        }
        put_bytes(OCI_LAYOUT, &dir.join("oci-layout"))?;
        Self::open(dir)
    }

    pub(super) fn entries(&self) -> Result<Vec<Descriptor>, PlaceError> {
        let path = self.dir.join("index.json");
        let raw = bounded(extent(path.clone())?, &path)?;
        entries_of(raw, &path)
    }

    pub(super) fn document(&self, name: &Name, place: &Place<'_>) -> Result<Document, PlaceError> {
        let (digest, told) = find(&self.entries()?, name, place)?;
        let path = self.path(digest);
        if !path.is_file() {
            return Err(missing(&self.entries()?, name, place));
        }
        read_document(extent(path.clone())?, &path, digest, told.as_deref(), place)
    }

    pub(super) fn blob(&self, digest: Digest) -> Result<Extent, PlaceError> {
        extent(self.path(digest))
    }

    pub(super) fn bring(
        &self,
        blob: &Descriptor,
        from: &Place<'_>,
        name: &str,
    ) -> Result<Arrival, PlaceError> {
        let there = self.path(blob.digest);
        if fs::metadata(&there).is_ok_and(|it| it.is_file() && it.len() == blob.size) {
            return Ok(Arrival::Present);
        }
        self.write(blob, &from.blob(blob, name)?)
            .map(|()| Arrival::Brought)
    }

    /// Copies a blob into the layout, verified.
    pub(super) fn write(&self, blob: &Descriptor, extent: &Extent) -> Result<(), PlaceError> {
        copy(extent, blob.digest, &self.path(blob.digest))
    }

    pub(super) fn put(&self, document: &Document, role: Role<'_>) -> Result<(), PlaceError> {
        put_bytes(&document.raw, &self.path(document.digest))?;
        let _alone = alone(&self.dir);
        let mut entries = self.entries()?;
        let mut entry = document.descriptor();
        match role {
            Role::Child => return Ok(()),
            Role::Untagged => {
                if entries.iter().any(|it| it.digest == document.digest) {
                    return Ok(());
                }
            }
            Role::Tagged(tag) => {
                entries.retain(|it| tag_of(it) != Some(tag));
                entry.annotations = BTreeMap::from([(REF_NAME.to_owned(), tag.to_owned())]);
            }
        }
        entries.push(entry);
        Ok(put_bytes(
            &index_json(&entries),
            &self.dir.join("index.json"),
        )?)
    }

    /// Returns the layout's directory.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    fn path(&self, digest: Digest) -> PathBuf {
        self.dir.join("blobs/sha256").join(digest.hex())
    }
}

/// Returns the tag of an entry of `index.json`.
pub(super) fn tag_of(entry: &Descriptor) -> Option<&str> {
    entry.annotations.get(REF_NAME).map(String::as_str)
}

/// Returns the bytes of a whole file.
pub(super) fn extent(path: PathBuf) -> Result<Extent, PlaceError> {
    let size = fs::metadata(&path).map_err(disk("read", &path))?.len();
    let offset = 0;
    Ok(Extent { path, offset, size })
}

/// Finds what a name means among the entries of `index.json`; returns its digest, and its media type when that is listed.
pub(super) fn find(
    entries: &[Descriptor],
    name: &Name,
    place: &Place<'_>,
) -> Result<(Digest, Option<String>), PlaceError> {
    match name {
        Name::Digest(digest) => {
            let listed = entries.iter().find(|it| it.digest == *digest);
            Ok((*digest, listed.map(|it| it.media_type.clone())))
        }
        Name::Tag(tag) => entries
            .iter()
            .find(|it| tag_of(it) == Some(tag))
            .map(|it| (it.digest, Some(it.media_type.clone())))
            .ok_or_else(|| missing(entries, name, place)),
    }
}

pub(super) fn missing(entries: &[Descriptor], name: &Name, place: &Place<'_>) -> PlaceError {
    let tags: Vec<&str> = entries.iter().filter_map(tag_of).collect();
    PlaceError::Missing {
        place: place.to_string(),
        name: name.to_string(),
        tags: tags.join(", "),
    }
}

/// Reads a document out of a file, verified.
pub(super) fn read_document(
    extent: Extent,
    path: &Path,
    digest: Digest,
    told: Option<&str>,
    place: &Place<'_>,
) -> Result<Document, PlaceError> {
    let untrue = |why: String| PlaceError::Untrue {
        what: format!("{place}@{digest}"),
        why,
    };
    let raw = bounded(extent, path)?;
    let actual = Digest::of(&raw);
    if actual != digest {
        return Err(untrue(format!("its bytes have digest {actual}")));
    }
    Document::read(raw, told).map_err(|error| untrue(error.to_string()))
}

/// Reads a file that must fit in memory.
pub(super) fn bounded(extent: Extent, path: &Path) -> Result<Vec<u8>, PlaceError> {
    if extent.size > MOST_DOCUMENT {
        return Err(PlaceError::Untrue {
            what: path.display().to_string(),
            why: format!("it has {} bytes, more than 4 MiB", extent.size),
        });
    }
    let mut raw = Vec::new();
    reader(&extent)
        .and_then(|mut reader| reader.read_to_end(&mut raw))
        .map_err(disk("read", path))?;
    Ok(raw)
}

pub(super) fn entries_of(raw: Vec<u8>, path: &Path) -> Result<Vec<Descriptor>, PlaceError> {
    let index = Document::read(raw, Some(INDEX)).map_err(|error| PlaceError::Untrue {
        what: path.display().to_string(),
        why: error.to_string(),
    })?;
    Ok(index.children().to_vec())
}

/// Returns a reader of these bytes.
pub(in crate::oci) fn reader(extent: &Extent) -> io::Result<io::Take<File>> {
    let mut file = File::open(&extent.path)?;
    file.seek(SeekFrom::Start(extent.offset))?;
    Ok(file.take(extent.size))
}

/// Copies bytes to a file that appears whole, when they have this digest.
pub(super) fn copy(extent: &Extent, digest: Digest, to: &Path) -> Result<(), PlaceError> {
    let tmp = tmp_beside(to)?;
    let source = reader(extent).map_err(disk("read", &extent.path))?;
    let mut source = Hashing::new(source);
    let mut buffer = vec![0; 256 << 10];
    loop {
        let read = source
            .read(&mut buffer)
            .map_err(disk("read", &extent.path))?;
        if read == 0 {
            break;
        }
        io::Write::write_all(&mut tmp.as_file(), &buffer[..read]).map_err(disk("write", to))?;
    }
    let (actual, size, _) = source.finish();
    if (actual, size) != (digest, extent.size) {
        let name = to.file_name().unwrap_or_default();
        return Err(PlaceError::Damaged {
            name: name.to_string_lossy().into_owned(),
            place: extent.path.display().to_string(),
            expected: digest,
            actual,
        });
    }
    Ok(persist(tmp, to)?)
}

fn index_json(entries: &[Descriptor]) -> Vec<u8> {
    canonical(&serde_json::json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}))
}
