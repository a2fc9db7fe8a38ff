//! Archives for tests, good and bad: every header is made by hand, so that names can be what no tool would write.

use std::{io::Write, path::Path};

use liblzma::stream::MtStreamBuilder;
use tar::{Builder, EntryType, Header};

use crate::{
    bench::Bench,
    cancel::Cancel,
    digest::Digest,
    event::Silent,
    source::Network,
    step::{Product, Products, StepId, StepKey},
    store::Store,
};

/// A tar being made.
pub(crate) struct Tar(Builder<Vec<u8>>);

impl Tar {
    pub(crate) fn new() -> Self {
        Self(Builder::new(Vec::new()))
    }

    pub(crate) fn entry(
        mut self,
        kind: EntryType,
        name: &[u8],
        target: &[u8],
        mode: u32,
        content: &[u8],
    ) -> Self {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.as_mut_bytes()[..name.len()].copy_from_slice(name);
        header.as_mut_bytes()[157..157 + target.len()].copy_from_slice(target);
        header.set_mode(mode);
        header.set_size(content.len() as u64);
        header.set_mtime(1_000_000_000);
        header.set_cksum();
        self.0.append(&header, content).unwrap();
        self
    }

    pub(crate) fn directory(self, name: &str) -> Self {
        self.entry(EntryType::Directory, name.as_bytes(), b"", 0o755, b"")
    }

    pub(crate) fn file(self, name: &str, content: &str) -> Self {
        let (name, content) = (name.as_bytes(), content.as_bytes());
        self.entry(EntryType::Regular, name, b"", 0o644, content)
    }

    pub(crate) fn link(self, name: &str, target: &str) -> Self {
        let (name, target) = (name.as_bytes(), target.as_bytes());
        self.entry(EntryType::Symlink, name, target, 0o777, b"")
    }

    pub(crate) fn hard_link(self, name: &str, target: &str) -> Self {
        let (name, target) = (name.as_bytes(), target.as_bytes());
        self.entry(EntryType::Link, name, target, 0o644, b"")
    }

    pub(crate) fn done(self) -> Vec<u8> {
        self.0.into_inner().unwrap()
    }
}

pub(crate) fn xz(bytes: &[u8]) -> Vec<u8> {
    let stream = MtStreamBuilder::new().preset(0).encoder().unwrap();
    let mut writer = liblzma::write::XzEncoder::new_stream(Vec::new(), stream);
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

pub(crate) fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

/// An `ar` archive of these members.
pub(crate) fn ar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = ar::Builder::new(Vec::new());
    for (name, bytes) in members {
        let header = ar::Header::new(name.as_bytes().to_vec(), bytes.len() as u64);
        builder.append(&header, *bytes).unwrap();
    }
    builder.into_inner().unwrap()
}

/// A package of this name with these data.
pub(crate) fn deb(name: &str, data: Tar) -> Vec<u8> {
    ar(&[
        ("debian-binary", b"2.0\n"),
        ("control.tar.gz", &gzip(&control(name))),
        ("data.tar.xz", &xz(&data.done())),
    ])
}

pub(crate) fn control(name: &str) -> Vec<u8> {
    let text = format!("Package: {name}\nVersion: 1.2-3\nDescription: x\n Package: no\n");
    Tar::new().file("./control", &text).done()
}

/// A store with what a bench needs.
pub(crate) struct World {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) store: Store,
    pub(crate) cancel: Cancel,
    step: StepId,
    network: Network,
}

impl World {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self {
            store: Store::open(dir.path()).unwrap(),
            dir,
            cancel: Cancel::new(),
            step: StepId::new("test"),
            network: Network::Off("--offline"),
        }
    }

    pub(crate) fn bench(&self) -> Bench<'_> {
        Bench::new(
            &self.step,
            StepKey(Digest::of(b"test")),
            &self.store,
            &self.network,
            1,
            &self.cancel,
            &Silent,
            self.dir.path().join("log"),
        )
        .unwrap()
    }

    pub(crate) fn put(&self, bytes: &[u8]) -> Digest {
        self.store.put(bytes).unwrap().0
    }

    /// The directory of a step's product `tree`.
    pub(crate) fn tree(&self, products: &Products) -> std::path::PathBuf {
        match products["tree"] {
            Product::Tree { key } => self.store.need_tree(key).unwrap(),
            Product::Blob { .. } => panic!("`tree` is a blob"),
        }
    }

    pub(crate) fn has_no_tree(&self) -> bool {
        self.store.tree(StepKey(Digest::of(b"test"))).is_none()
    }
}

/// Everything below a directory, one line each: kind and permissions, name, target or content.
pub(crate) fn show(root: &Path) -> String {
    use std::os::unix::fs::PermissionsExt;
    let mut lines = Vec::new();
    for entry in walkdir::WalkDir::new(root).min_depth(1).sort_by_file_name() {
        let entry = entry.unwrap();
        let name = entry.path().strip_prefix(root).unwrap().display();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o7777;
        lines.push(if entry.file_type().is_dir() {
            format!("d{mode:o} {name}")
        } else if entry.file_type().is_symlink() {
            let target = std::fs::read_link(entry.path()).unwrap();
            format!("l {name} -> {}", target.display())
        } else {
            let content = std::fs::read(entry.path()).unwrap();
            format!("f{mode:o} {name} {}", content.escape_ascii())
        });
    }
    lines.join("\n")
}

/// An error with its causes, one per line.
pub(crate) fn causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes
        .map(|it| it.to_string())
        .collect::<Vec<_>>()
        .join("\n")
}
