//! Reading an image layout back: finding a guest in it, and its files, verified. The layout may be anybody's, so sizes
//! are bounded, digests are checked, and nothing outside the directory is opened by a name from inside.

use std::{
    collections::BTreeMap,
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use oci_spec::image::{Descriptor, ImageIndex, ImageManifest};
use serde::de::DeserializeOwned;

use super::{
    OciError,
    config::Config,
    layout::failed,
    media::{Kind, Part, REF_NAME, TITLE},
};
use crate::{arch::Arch, digest::Digest};

/// The largest manifest, index or config that is read: what registries take.
const MOST_JSON: u64 = 4 << 20;
/// How deep indexes may lie in indexes.
const MOST_DEPTH: u32 = 4;

/// An image layout on disk.
#[derive(Debug)]
pub struct Layout {
    dir: PathBuf,
    index: ImageIndex,
}

/// A guest in a layout.
#[derive(Clone, Debug)]
pub struct Guest {
    /// The digest of its manifest.
    pub digest: Digest,
    /// What it says of itself.
    pub config: Config,
    blobs: PathBuf,
    layers: BTreeMap<String, Layer>,
}

#[derive(Clone, Debug)]
struct Layer {
    digest: Digest,
    size: u64,
}

/// Opens the image layout at `dir`.
///
/// # Errors
/// There is none, or its index cannot be read.
pub fn open_layout(dir: &Path) -> Result<Layout, OciError> {
    let marker: Option<serde_json::Value> = std::fs::read(dir.join("oci-layout"))
        .ok()
        .and_then(|text| serde_json::from_slice(&text).ok());
    if marker.is_none_or(|marker| marker["imageLayoutVersion"] != "1.0.0") {
        return Err(OciError::NoLayout(dir.to_owned()));
    }
    Ok(Layout {
        dir: dir.to_owned(),
        index: json(&dir.join("index.json"), None)?,
    })
}

impl Layout {
    /// Returns the tags of the layout, in its order.
    #[must_use]
    pub fn tags(&self) -> Vec<&str> {
        self.index.manifests().iter().filter_map(tag).collect()
    }

    /// Returns the guest of this architecture: of the tag when one is given, otherwise the only one there is.
    ///
    /// # Errors
    /// There is none, or more than one; what describes it is missing or damaged.
    pub fn guest(&self, arch: Arch, wanted: Option<&str>) -> Result<Guest, OciError> {
        let mut found = BTreeMap::new();
        for descriptor in self.index.manifests() {
            if wanted.is_none() || tag(descriptor) == wanted {
                self.find(descriptor, arch, MOST_DEPTH, &mut found)?;
            }
        }
        let tags = || self.tags().join(", ");
        if found.len() > 1 {
            return Err(OciError::ManyGuests {
                dir: self.dir.clone(),
                arch,
                tags: tags(),
            });
        }
        let (_, guest) = found.pop_first().ok_or_else(|| OciError::NoGuest {
            dir: self.dir.clone(),
            arch,
            under: wanted.map_or_else(String::new, |tag| format!(" under tag `{tag}`")),
            tags: tags(),
        })?;
        Ok(guest)
    }

    /// Returns the kernels' configurations that are in the layout, or under a tag: the name and the path of each,
    /// verified, in the order of their names. One that several artifacts hold is returned once.
    ///
    /// # Errors
    /// There is none; what describes one is missing or damaged, or itself is.
    pub fn configurations(&self, wanted: Option<&str>) -> Result<Vec<(String, PathBuf)>, OciError> {
        let mut found = BTreeMap::new();
        for descriptor in self.index.manifests() {
            if wanted.is_none() || tag(descriptor) == wanted {
                self.find_configurations(descriptor, MOST_DEPTH, &mut found)?;
            }
        }
        if found.is_empty() {
            return Err(OciError::NoConfiguration {
                dir: self.dir.clone(),
                under: wanted.map_or_else(String::new, |tag| format!(" under tag `{tag}`")),
                tags: self.tags().join(", "),
            });
        }
        let mut files = found
            .into_iter()
            .map(|(digest, (title, size))| {
                let path = self.dir.join("blobs/sha256").join(digest.hex());
                Ok((title, verified(path, &Layer { digest, size })?))
            })
            .collect::<Result<Vec<_>, OciError>>()?;
        files.sort();
        Ok(files)
    }

    /// Collects the configurations that a descriptor leads to: digest, name and size in bytes.
    fn find_configurations(
        &self,
        descriptor: &Descriptor,
        depth: u32,
        found: &mut BTreeMap<Digest, (String, u64)>,
    ) -> Result<(), OciError> {
        let media_type = descriptor.media_type().to_string();
        if media_type.ends_with(".index.v1+json") && depth > 0 {
            let index: ImageIndex = self.described(descriptor)?;
            for descriptor in index.manifests() {
                self.find_configurations(descriptor, depth - 1, found)?;
            }
        } else if media_type.ends_with(".manifest.v1+json") {
            let manifest: ImageManifest = self.described(descriptor)?;
            for layer in manifest.layers() {
                if layer.media_type().to_string() == Part::CONFIG_TYPE {
                    let annotations = layer.annotations().as_ref();
                    let title = annotations.and_then(|annotations| annotations.get(TITLE));
                    let title = title.map_or("config", String::as_str);
                    found.insert(self.digest(layer)?, (title.to_owned(), layer.size()));
                }
            }
        }
        Ok(())
    }

    /// Collects guests of this architecture that a descriptor leads to.
    fn find(
        &self,
        descriptor: &Descriptor,
        arch: Arch,
        depth: u32,
        found: &mut BTreeMap<Digest, Guest>,
    ) -> Result<(), OciError> {
        let media_type = descriptor.media_type().to_string();
        let kind = descriptor.artifact_type().as_ref().map(ToString::to_string);
        if kind.is_some_and(|kind| kind != Kind::Guest.artifact_type()) {
            return Ok(());
        }
        if media_type.ends_with(".index.v1+json") && depth > 0 {
            let index: ImageIndex = self.described(descriptor)?;
            for descriptor in index.manifests() {
                self.find(descriptor, arch, depth - 1, found)?;
            }
        } else if media_type.ends_with(".manifest.v1+json") {
            let platform = descriptor.platform().as_ref();
            if platform.is_some_and(|platform| platform.architecture().to_string() != arch.oci()) {
                return Ok(());
            }
            // Copies may have lost what the descriptor said; the manifest itself is the same.
            let manifest: ImageManifest = self.described(descriptor)?;
            let kind = manifest.artifact_type().as_ref().map(ToString::to_string);
            if kind == Some(Kind::Guest.artifact_type()) {
                let guest = self.guest_of(self.digest(descriptor)?, &manifest)?;
                if guest.config.arch == arch {
                    found.insert(guest.digest, guest);
                }
            }
        }
        Ok(())
    }

    fn guest_of(&self, digest: Digest, manifest: &ImageManifest) -> Result<Guest, OciError> {
        let mut layers = BTreeMap::new();
        for layer in manifest.layers() {
            let annotations = layer.annotations().as_ref();
            if let Some(title) = annotations.and_then(|annotations| annotations.get(TITLE)) {
                let (digest, size) = (self.digest(layer)?, layer.size());
                layers.insert(title.clone(), Layer { digest, size });
            }
        }
        Ok(Guest {
            digest,
            config: self.described(manifest.config())?,
            blobs: self.dir.join("blobs/sha256"),
            layers,
        })
    }

    /// Reads the JSON that a descriptor describes, verified.
    fn described<T: DeserializeOwned>(&self, descriptor: &Descriptor) -> Result<T, OciError> {
        let digest = self.digest(descriptor)?;
        let path = self.dir.join("blobs/sha256").join(digest.hex());
        json(&path, Some(digest))
    }

    fn digest(&self, descriptor: &Descriptor) -> Result<Digest, OciError> {
        let text = descriptor.digest().to_string();
        text.parse().map_err(|_| OciError::Damaged {
            path: self.dir.clone(),
            why: format!("`{text}` is not a sha256 digest"),
        })
    }
}

impl Guest {
    /// Returns the names of its files.
    pub fn titles(&self) -> impl Iterator<Item = &str> {
        self.layers.keys().map(String::as_str)
    }

    /// Returns the path of the kernel to boot, verified: the ELF one, which monitors enter directly, where there is one.
    ///
    /// # Errors
    /// As [`Guest::file`]. A damaged kernel is an error, never a reason to take another.
    pub fn kernel(&self) -> Result<PathBuf, OciError> {
        let elf = Part::Vmlinux.plain_name();
        if self.layers.contains_key(elf) {
            return self.file(elf);
        }
        self.file(Part::Vmlinuz.plain_name())
    }

    /// Returns the path of the manifest that it was made from, verified; `None` when it carries none.
    ///
    /// # Errors
    /// As [`Guest::file`].
    pub fn manifest(&self) -> Result<Option<PathBuf>, OciError> {
        let title = Part::Manifest.plain_name();
        let carried = self.layers.contains_key(title);
        carried.then(|| self.file(title)).transpose()
    }

    /// Returns the path of the file with this name, after its size and digest were compared with the manifest's.
    ///
    /// # Errors
    /// The guest has no such file, or it is missing or damaged.
    pub fn file(&self, title: &str) -> Result<PathBuf, OciError> {
        let layer = self.layers.get(title).ok_or_else(|| OciError::NoFile {
            guest: self.digest,
            title: title.to_owned(),
        })?;
        verified(self.blobs.join(layer.digest.hex()), layer)
    }
}

/// Returns the path of a layer after its size and digest were compared with what the manifest says.
fn verified(path: PathBuf, layer: &Layer) -> Result<PathBuf, OciError> {
    let (digest, size) = Digest::of_file(&path).map_err(failed("read", &path))?;
    if (digest, size) != (layer.digest, layer.size) {
        let why = format!("it has {size} bytes and digest {digest}");
        return Err(OciError::Damaged { path, why });
    }
    Ok(path)
}

fn tag(descriptor: &Descriptor) -> Option<&str> {
    let annotations = descriptor.annotations().as_ref()?;
    annotations.get(REF_NAME).map(String::as_str)
}

fn json<T: DeserializeOwned>(path: &Path, expected: Option<Digest>) -> Result<T, OciError> {
    let damaged = |why: String| OciError::Damaged {
        path: path.to_owned(),
        why,
    };
    let file = File::open(path).map_err(failed("read", path))?;
    let mut text = Vec::new();
    file.take(MOST_JSON + 1)
        .read_to_end(&mut text)
        .map_err(failed("read", path))?;
    if text.len() as u64 > MOST_JSON {
        return Err(damaged("it is larger than 4 MiB".to_owned()));
    }
    let actual = Digest::of(&text);
    if expected.is_some_and(|expected| expected != actual) {
        return Err(damaged(format!("it has digest {actual}")));
    }
    serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
