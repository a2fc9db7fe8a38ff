//! The initrd: a newc cpio archive of a normalised root file system, streamed through gzip or zstd into the store.
//! Needs no root: devices are only headers here. Equal trees give equal bytes on every machine.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read, Write},
};

use cpio::newc::{Builder, ModeFileType};
use flate2::{Compression, GzBuilder, write::GzEncoder};

use super::{Node, NodeKind, RootfsError, Tree};
use crate::{
    bench::Bench,
    cancel::Cancel,
    digest::Digest,
    plan::action::{InitrdCompression, PackInitrd},
    step::{Product, Products},
    store::{Store, failed},
};

/// Best, and slow; an initrd is small. Part of the product's bytes.
const GZIP_LEVEL: u32 = 9;
/// Its window is 8 MiB (windowLog 23): the kernel allocates that much to unpack (lib/decompress_unzstd.c refuses only
/// windows of 2 GiB and more) and does it before there is any memory pressure. Part of the product's bytes.
const ZSTD_LEVEL: i32 = 19;
/// How many bytes are read between two looks at whether to stop.
const PIECE: usize = 256 << 10;

/// Packs what `assemble` listed. Product: `initrd`.
///
/// # Errors
/// The list or a file is not in the store; the archive cannot be written; a file is too large for it.
pub fn pack_initrd(
    bench: &Bench<'_>,
    action: &PackInitrd<Digest>,
) -> Result<Products, RootfsError> {
    let text = bench.store.read(action.entries)?;
    let tree: Tree = serde_json::from_slice(&text).map_err(|cause| RootfsError::Entries {
        digest: action.entries,
        cause,
    })?;
    let blob = bench.store.write_blob()?;
    let mut packer = Packer::new(blob, action.compression).map_err(write("/"))?;
    archive(&tree, bench.store, bench.cancel, &mut packer)?;
    let (digest, size) = packer.finish().map_err(write("/"))?.finish()?;
    let initrd = Product::Blob { digest, size };
    Ok(BTreeMap::from([("initrd".to_owned(), initrd)]))
}

/// Compresses what is written to it.
enum Packer<W: Write> {
    Gzip(GzEncoder<W>),
    Zstd(zstd::Encoder<'static, W>),
}

impl<W: Write> Packer<W> {
    fn new(inner: W, compression: InitrdCompression) -> io::Result<Self> {
        Ok(match compression {
            InitrdCompression::Gzip => Self::Gzip(
                GzBuilder::new()
                    .mtime(0)
                    .write(inner, Compression::new(GZIP_LEVEL)),
            ),
            InitrdCompression::Zstd => {
                let mut encoder = zstd::Encoder::new(inner, ZSTD_LEVEL)?;
                // One worker or many give equal bytes, none at all gives others: never leave this out.
                encoder.multithread(1)?;
                Self::Zstd(encoder)
            }
        })
    }

    fn finish(self) -> io::Result<W> {
        match self {
            Self::Gzip(encoder) => encoder.finish(),
            Self::Zstd(encoder) => encoder.finish(),
        }
    }
}

impl<W: Write> Write for Packer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Gzip(encoder) => encoder.write(bytes),
            Self::Zstd(encoder) => encoder.write(bytes),
        }
    }

    // A flush in the middle of a stream changes the bytes: the end is marked by `finish` alone.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes a tree as a newc archive: inode numbers count from 1, times are 0, a directory's links are counted.
fn archive(
    tree: &Tree,
    store: &Store,
    cancel: &Cancel,
    to: &mut impl Write,
) -> Result<(), RootfsError> {
    let links = directory_links(tree);
    for (index, node) in tree.entries.iter().enumerate() {
        cancel.check()?;
        let ino = u32::try_from(index + 1).map_err(|_| RootfsError::TooLarge {
            path: node.path.clone(),
            size: u64::MAX,
        })?;
        let nlink = links.get(node.path.as_str()).copied().unwrap_or(1);
        let header = header(node).ino(ino).nlink(nlink);
        match &node.kind {
            NodeKind::File { digest, size } => {
                let path = store.need_blob(*digest)?;
                let mut file = File::open(&path).map_err(failed("read", &path))?;
                entry(to, header, node, *size, &mut file, cancel)?;
            }
            NodeKind::Link { target } => {
                entry(
                    to,
                    header,
                    node,
                    target.len() as u64,
                    &mut target.as_bytes(),
                    cancel,
                )?;
            }
            _ => entry(to, header, node, 0, &mut io::empty(), cancel)?,
        }
    }
    cpio::newc::trailer(to).map_err(write("/"))?;
    Ok(())
}

fn header(node: &Node) -> Builder {
    let (kind, device) = match &node.kind {
        NodeKind::Directory => (ModeFileType::Directory, None),
        NodeKind::File { .. } => (ModeFileType::Regular, None),
        NodeKind::Link { .. } => (ModeFileType::Symlink, None),
        NodeKind::Char { major, minor } => (ModeFileType::Char, Some((*major, *minor))),
        NodeKind::Block { major, minor } => (ModeFileType::Block, Some((*major, *minor))),
    };
    // Names in an archive are relative; the kernel unpacks it in `/`.
    let header = Builder::new(&node.path[1..])
        .mode(node.mode)
        .set_mode_file_type(kind)
        .uid(node.uid)
        .gid(node.gid);
    match device {
        Some((major, minor)) => header.rdev_major(major).rdev_minor(minor),
        None => header,
    }
}

/// Returns how many links each directory has: itself, its name above, and one for each directory in it.
fn directory_links(tree: &Tree) -> BTreeMap<&str, u32> {
    let mut links = BTreeMap::new();
    for node in &tree.entries {
        if node.kind == NodeKind::Directory {
            *links.entry(node.path.as_str()).or_insert(0) += 2;
            let above = &node.path[..node.path.rfind('/').unwrap_or(0)];
            *links.entry(above).or_insert(0) += 1;
        }
    }
    links
}

fn entry(
    to: &mut impl Write,
    header: Builder,
    node: &Node,
    size: u64,
    content: &mut impl Read,
    cancel: &Cancel,
) -> Result<(), RootfsError> {
    let short = u32::try_from(size).map_err(|_| RootfsError::TooLarge {
        path: node.path.clone(),
        size,
    })?;
    let failed = || write(&node.path);
    let mut writer = header.write(to, short);
    let mut left = size;
    let mut piece = vec![0; PIECE];
    loop {
        // Compressing a large agent takes a while.
        cancel.check()?;
        let read = content.read(&mut piece).map_err(failed())?;
        if read == 0 {
            break;
        }
        writer.write_all(&piece[..read]).map_err(failed())?;
        left = left.saturating_sub(read as u64);
    }
    // The blob's size was noted when the tree was normalised; another size now is a damaged store. The writer itself
    // refuses more than it was told.
    if left > 0 {
        let what = "its size in the store has changed";
        return Err(failed()(io::Error::new(io::ErrorKind::UnexpectedEof, what)));
    }
    writer.finish().map_err(failed())?;
    Ok(())
}

fn write(path: &str) -> impl FnOnce(io::Error) -> RootfsError {
    let path = path.to_owned();
    move |cause| RootfsError::Write { path, cause }
}

#[cfg(test)]
#[path = "initrd_tests.rs"]
mod tests;
