//! The guest's root file system: what is in it (`tree`), its normal form (`assemble`), and the initrd it is packed into
//! (`initrd` writes, `archive` reads). Nothing here runs a program or needs root; which agent is in it is `agent`'s.

mod archive;
mod assemble;
mod initrd;
mod tree;

use std::{io, path::PathBuf};

pub use archive::{Found, FoundKind, find_init, read_initrd};
pub use assemble::{Node, NodeKind, Tree, assemble};
pub use initrd::pack_initrd;
pub use tree::{Bytes, INIT, declare, digest_only, import_into};

use crate::{cancel::Interrupted, digest::Digest, store::StoreError};

/// Something that kept a root file system from being declared, assembled, packed or read.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum RootfsError {
    /// The manifest and the overlay together make no sense.
    #[error("the root file system cannot be put together: {} of its paths are wrong", .0.len())]
    #[diagnostic(code(rootfs::contradictions))]
    Contradictions(#[related] Vec<Contradiction>),
    /// The overlay directory cannot be read.
    #[error("cannot read the overlay")]
    #[diagnostic(
        code(rootfs::overlay),
        help("`rootfs.overlay` in the manifest names a directory, relative to the manifest's own")
    )]
    Overlay(#[source] walkdir::Error),
    /// The list of entries is not one that `assemble` wrote.
    #[error("blob {digest} is not a list of root file system entries")]
    #[diagnostic(code(rootfs::entries))]
    Entries {
        /// The blob.
        digest: Digest,
        /// The cause.
        #[source]
        cause: serde_json::Error,
    },
    /// A file is too large for the archive format.
    #[error("`{path}` has {size} bytes; an initrd cannot carry a file of 4 GiB or more")]
    #[diagnostic(code(rootfs::too_large))]
    TooLarge {
        /// The file in the guest.
        path: String,
        /// Its size in bytes.
        size: u64,
    },
    /// The archive could not be written.
    #[error("cannot write `{path}` into the initrd")]
    #[diagnostic(code(rootfs::write))]
    Write {
        /// The entry in the guest.
        path: String,
        /// The cause.
        #[source]
        cause: io::Error,
    },
    /// An initrd could not be read.
    #[error("cannot read the initrd `{}`", path.display())]
    #[diagnostic(code(rootfs::read))]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        cause: io::Error,
    },
    /// An initrd is not what the kernel would unpack.
    #[error("`{}` is not a sound initrd: {what}", path.display())]
    #[diagnostic(code(rootfs::malformed))]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        what: String,
    },
    /// The store failed.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Store(#[from] StoreError),
    /// The build was stopped.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Interrupted(#[from] Interrupted),
}

/// One thing that is wrong with a declared root file system.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
pub enum Contradiction {
    /// Two sources give the same path.
    #[error("`{path}` is given twice: by {first} and by {second}")]
    #[diagnostic(code(rootfs::twice), help("remove one of them"))]
    Twice {
        /// The path in the guest.
        path: String,
        /// Who gave it first.
        first: String,
        /// Who gave it again.
        second: String,
    },
    /// A path lies below something that is not a directory.
    #[error("`{path}` (by {by}) lies below `{above}`, which is {what} (by {above_by})")]
    #[diagnostic(
        code(rootfs::below),
        help("declare it at the place the link points to, or make `{above}` a directory")
    )]
    Below {
        /// The path in the guest.
        path: String,
        /// Who gave it.
        by: String,
        /// The path above it.
        above: String,
        /// What the path above is.
        what: &'static str,
        /// Who gave the path above.
        above_by: String,
    },
    /// A path cannot be used in a guest.
    #[error("`{path}` (by {by}) cannot be a path of the guest: {why}")]
    #[diagnostic(code(rootfs::path))]
    Path {
        /// The path as written.
        path: String,
        /// Who gave it.
        by: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The overlay holds a name that is not UTF-8.
    #[error("the overlay's `{}` has a name or a link target that is not UTF-8", .0.display())]
    #[diagnostic(code(rootfs::name), help("rename it"))]
    NotText(PathBuf),
    /// The overlay holds something that is no file, directory or symbolic link.
    #[error("the overlay's `{}` is no file, directory or symbolic link", .0.display())]
    #[diagnostic(
        code(rootfs::special),
        help(
            "devices are declared under `rootfs.devices` in the manifest; sockets and pipes are the guest's to make"
        )
    )]
    Special(PathBuf),
}
