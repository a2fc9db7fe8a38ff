//! The normal form of a root file system: one sorted list, files by digest and size. Equal trees have equal bytes.

use serde::{Deserialize, Serialize};

use super::RootfsError;
use crate::{
    bench::Bench,
    digest::Digest,
    plan::action::{Assemble, Entry},
    step::{Product, Products, part},
    store::failed,
};

/// The normal form's only schema so far.
const SCHEMA: u32 = 1;

/// A root file system in its normal form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tree {
    /// The form's schema.
    pub schema: u32,
    /// Everything but `/` itself, sorted by path, so that a directory comes before what is in it.
    pub entries: Vec<Node>,
}

/// One entry of a normalised root file system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Its absolute path in the guest.
    pub path: String,
    /// Permission bits, octal, four digits or more.
    #[serde(with = "octal")]
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// What it is.
    #[serde(flatten)]
    pub kind: NodeKind,
}

/// What an entry is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum NodeKind {
    /// A directory.
    Directory,
    /// A regular file.
    File {
        /// The digest of its bytes.
        digest: Digest,
        /// Its size in bytes.
        size: u64,
    },
    /// A symbolic link.
    Link {
        /// Its target, as written.
        target: String,
    },
    /// A character device.
    Char {
        /// Major number.
        major: u32,
        /// Minor number.
        minor: u32,
    },
    /// A block device.
    Block {
        /// Major number.
        major: u32,
        /// Minor number.
        minor: u32,
    },
}

/// Writes the normal form of the action's entries. Product: `entries`, and every file's content.
///
/// # Errors
/// A file's content is not in the store, or the list cannot be stored.
pub fn assemble(bench: &Bench<'_>, action: &Assemble<Digest>) -> Result<Products, RootfsError> {
    let mut entries = Vec::with_capacity(action.entries.len());
    for (path, entry) in &action.entries {
        entries.push(node(bench, path, entry)?);
    }
    let tree = Tree {
        schema: SCHEMA,
        entries,
    };
    let text = serde_json::to_vec(&tree).expect("a tree is plain data");
    let (digest, size) = bench.store.put(&text)?;
    let contents = tree.entries.iter().filter_map(|node| match node.kind {
        NodeKind::File { digest, size } => Some(part(digest, size)),
        _ => None,
    });
    let mut products: Products = contents.collect();
    products.insert("entries".to_owned(), Product::Blob { digest, size });
    Ok(products)
}

fn node(bench: &Bench<'_>, path: &str, entry: &Entry<Digest>) -> Result<Node, RootfsError> {
    let (mode, uid, gid, kind) = match entry {
        Entry::Directory { mode, uid, gid } => (*mode, *uid, *gid, NodeKind::Directory),
        Entry::File {
            content,
            mode,
            uid,
            gid,
        } => {
            let blob = bench.store.need_blob(*content)?;
            let size = blob.metadata().map_err(failed("read", &blob))?.len();
            let digest = *content;
            (*mode, *uid, *gid, NodeKind::File { digest, size })
        }
        // Linux keeps no permissions of symbolic links; 0777 is what it shows.
        Entry::Link { target } => {
            let target = target.clone();
            (0o777, 0, 0, NodeKind::Link { target })
        }
        Entry::Device {
            block,
            major,
            minor,
            mode,
            uid,
            gid,
        } => {
            let (major, minor) = (*major, *minor);
            let kind = if *block {
                NodeKind::Block { major, minor }
            } else {
                NodeKind::Char { major, minor }
            };
            (*mode, *uid, *gid, kind)
        }
    };
    Ok(Node {
        path: path.to_owned(),
        mode,
        uid,
        gid,
        kind,
    })
}

mod octal {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(mode: &u32, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{mode:04o}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
        let text = String::deserialize(deserializer)?;
        u32::from_str_radix(&text, 8).map_err(D::Error::custom)
    }
}
