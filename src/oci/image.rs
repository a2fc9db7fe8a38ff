//! The plain-image form of a guest, for clients that know ordinary images only: container runtimes, Kubernetes image
//! volumes, registries that take listed types only. One layer, packed deterministically; and the way back to files.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufWriter, Write},
    path::Path,
};

use flate2::{Compression, GzBuilder};
use serde_json::json;

use super::{
    document::{Body, Descriptor, Document, IMAGE_CONFIG, INDEX, MANIFEST, is_document},
    json::canonical,
    media::{CREATED, Kind, VENDOR},
    place::{Place, PlaceError, Role, disk, reader},
};
use crate::{
    digest::{Digest, Hashing},
    source::{
        compression::{Bounded, decompress, threads},
        entries::{AtOnce, Top, unpack_tar},
        tree::{Limits, Links, Tree},
    },
};

/// The media type of a layer, packed with gzip: what every reader of images takes.
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
/// Where files go that no boot loader looks for. A part of the format.
const SHARE: &str = "usr/share/kata-artifacts";

/// Puts the plain-image form of a guest, and of each guest of an index, into a layout; returns what stands for it there.
/// Annotations stay; equal guests make equal images.
///
/// # Errors
/// It is no artifact of ours, or its files cannot be read.
pub fn make_image(
    from: &Place<'_>,
    document: &Document,
    into: &Place<'_>,
    room: &Path,
) -> Result<Document, PlaceError> {
    if let Body::Manifest { config, layers } = &document.body {
        return image_of(from, document, config, layers, into, room);
    }
    let mut manifests = Vec::new();
    for child in document
        .children()
        .iter()
        .filter(|it| is_document(&it.media_type))
    {
        let image = make_image(from, &from.described(child)?, into, room)?;
        into.put(&image, Role::Child)?;
        let mut descriptor = image.descriptor();
        descriptor.artifact_type = None;
        descriptor.platform.clone_from(&child.platform);
        manifests.push(descriptor);
    }
    let mut index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests});
    if !document.annotations.is_empty() {
        index["annotations"] = json!(document.annotations);
    }
    read(from, canonical(&index), INDEX)
}

fn image_of(
    from: &Place<'_>,
    document: &Document,
    config: &Descriptor,
    layers: &[Descriptor],
    into: &Place<'_>,
    room: &Path,
) -> Result<Document, PlaceError> {
    if document.artifact_type.as_deref() != Some(&Kind::Guest.artifact_type()) {
        return Err(PlaceError::Untrue {
            what: format!("{from}@{}", document.digest),
            why: "only a guest of ours has a plain-image form".to_owned(),
        });
    }
    let mut files = BTreeMap::from([(format!("{SHARE}/config.json"), config)]);
    for layer in layers {
        files.insert(path_of(layer), layer);
    }
    let packed = room.join(format!("layer-{}", document.digest.hex()));
    let diff = pack(from, &files, &packed)?;
    let layer = into.put_bytes(&packed, LAYER, "layer")?;
    let text = std::fs::read(&from.blob(config, "config")?.path);
    let known: serde_json::Value = text
        .ok()
        .and_then(|text| serde_json::from_slice(&text).ok())
        .unwrap_or_default();
    let architecture = known["arch"].as_str().and_then(|arch| arch.parse().ok());
    let architecture = architecture.map_or("amd64", crate::arch::Arch::oci);
    let mut image = json!({
        "architecture": architecture, "os": "linux", "config": {},
        "rootfs": {"type": "layers", "diff_ids": [diff]},
    });
    if let Some(created) = document.annotations.get(CREATED) {
        image["created"] = json!(created);
    }
    let path = room.join("image-config");
    std::fs::write(&path, canonical(&image)).map_err(disk("write", &path))?;
    let config = into.put_bytes(&path, IMAGE_CONFIG, "config")?;
    let mut annotations = document.annotations.clone();
    annotations.insert(format!("{VENDOR}.artifact"), document.digest.to_string());
    let manifest = json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer], "annotations": annotations,
    });
    read(from, canonical(&manifest), MANIFEST)
}

fn read(from: &Place<'_>, raw: Vec<u8>, media_type: &str) -> Result<Document, PlaceError> {
    Document::read(raw, Some(media_type)).map_err(|error| PlaceError::Untrue {
        what: from.to_string(),
        why: error.to_string(),
    })
}

/// Returns where a file lies in the image: where boot loaders and readers of kernels look. A part of the format.
fn path_of(layer: &Descriptor) -> String {
    let ours = layer
        .media_type
        .strip_prefix("application/vnd.kata-artifacts.");
    let title = layer.title().unwrap_or("unnamed");
    let name = match ours.unwrap_or_default() {
        kind if kind.starts_with("kernel.") && title.starts_with("vmlinux") => "vmlinux",
        kind if kind.starts_with("kernel.") => "vmlinuz",
        kind if kind.starts_with("initrd.") => "initrd.img",
        kind if kind.starts_with("kconfig.") => "config",
        kind if kind.starts_with("system-map.") => "System.map",
        _ => return format!("{SHARE}/{title}"),
    };
    format!("boot/{name}")
}

/// Packs files as a layer: sorted, of root, at no time. Returns the digest of the tar itself.
fn pack(
    from: &Place<'_>,
    files: &BTreeMap<String, &Descriptor>,
    to: &Path,
) -> Result<Digest, PlaceError> {
    let write = |cause| disk("write", to)(cause);
    let file = BufWriter::new(File::create(to).map_err(write)?);
    let gzip = GzBuilder::new()
        .mtime(0)
        .write(file, Compression::default());
    let mut builder = tar::Builder::new(Hashing::new(gzip));
    let mut made = std::collections::BTreeSet::new();
    for (name, blob) in files {
        let mut parents: Vec<&Path> = Path::new(name).ancestors().skip(1).collect();
        parents.pop();
        for parent in parents.into_iter().rev() {
            if made.insert(parent.to_owned()) {
                let mut header = header(0o755, 0);
                header.set_entry_type(tar::EntryType::Directory);
                builder
                    .append_data(&mut header, parent, io::empty())
                    .map_err(write)?;
            }
        }
        let extent = from.blob(blob, name)?;
        let source = reader(&extent).map_err(disk("read", &extent.path))?;
        let mut source = Hashing::new(source);
        builder
            .append_data(&mut header(0o644, blob.size), name, &mut source)
            .map_err(write)?;
        let actual = source.finish().0;
        if actual != blob.digest {
            return Err(PlaceError::Damaged {
                name: name.clone(),
                place: from.to_string(),
                expected: blob.digest,
                actual,
            });
        }
    }
    let (diff, _, gzip) = builder.into_inner().map_err(write)?.finish();
    gzip.finish()
        .and_then(|mut file| file.flush())
        .map_err(write)?;
    Ok(diff)
}

fn header(mode: u32, size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_mode(mode);
    header.set_size(size);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header
}

/// Unpacks an image of one layer into a directory, which must not be there or be empty: it appears whole.
///
/// # Errors
/// It is no such image; a name in it leads elsewhere; the disk is full.
pub fn unpack_image(place: &Place<'_>, document: &Document, dir: &Path) -> Result<(), PlaceError> {
    let what = format!("{place}@{}", document.digest);
    let untrue = |why: String| PlaceError::Untrue {
        what: what.clone(),
        why,
    };
    let layer = match &document.body {
        Body::Manifest { layers, .. } => match layers.as_slice() {
            [layer] if layer.media_type.contains(".tar") => layer,
            [_] => return Err(untrue("its layer is no tar".to_owned())),
            layers => {
                let why = format!(
                    "it has {} layers; an image of one layer is unpacked",
                    layers.len()
                );
                return Err(untrue(why));
            }
        },
        Body::Index(_) => return Err(untrue("it is an index".to_owned())),
    };
    let extent = place.blob(layer, "layer")?;
    let parent = match dir.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    std::fs::create_dir_all(parent).map_err(disk("make", parent))?;
    let room = tempfile::Builder::new()
        .prefix(".tmp-image-")
        .tempdir_in(parent)
        .map_err(disk("write into", parent))?;
    let root = room.path().join("root");
    std::fs::create_dir(&root).map_err(disk("make", &root))?;
    // Verified before anything of it is written.
    let open = || reader(&extent).map_err(disk("read", &extent.path));
    let (actual, _) = Digest::of_reader(open()?).map_err(disk("read", &extent.path))?;
    if actual != layer.digest {
        return Err(PlaceError::Damaged {
            name: "layer".to_owned(),
            place: place.to_string(),
            expected: layer.digest,
            actual,
        });
    }
    let tree = Tree::new(
        &root,
        Links::Inside,
        Limits::GENEROUS,
        vec![place.to_string()],
    );
    decompress(open()?, threads())
        .map_err(|error| untrue(error.to_string()))
        .and_then(|tar| {
            let tar = Bounded::new(tar, Limits::GENEROUS.archive());
            unpack_tar(tar, &tree, 0, Top::Kept, &mut AtOnce)
                .map_err(|error| untrue(error.to_string()))
        })?;
    tree.finish().map_err(|error| untrue(error.to_string()))?;
    // A rename replaces an empty directory, and nothing else.
    std::fs::rename(&root, dir).map_err(disk("write into", dir))
}

#[cfg(test)]
#[path = "image_tests.rs"]
mod tests;
