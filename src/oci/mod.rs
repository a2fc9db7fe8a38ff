//! Artifacts and the image layout, in the form of OCI image-spec 1.1: what they hold, what they are called, how they are
//! laid out on disk and read back; and the places where they lie, of which a registry is one.
//!
//! # The form
//!
//! For every architecture four artifacts, each an image manifest with an `artifactType`, a JSON [`Config`] and one layer
//! per file: `guest` (everything), `kernel`, `rootfs`, and `kconfig` (the configuration and its report: what distributions
//! pull). The manifest's and the lock's text are layers of each, so whoever has an artifact can build it again. Over the
//! architectures of each kind lies an index, whose descriptors carry platform and `artifactType`.
//!
//! | tag | names |
//! |---|---|
//! | `<kernel version>-<flavour>` | the guest; moves |
//! | `<kernel version>-<flavour>-kernel`, `-rootfs`, `-kconfig` | the other kinds; move |
//! | each of these and `-i<12 hex digits of the inputs' digest>` | the same; never moves |
//!
//! Every tag names an index, also where there is one architecture only. The digest that a build is known by is that of
//! the guest's index. The inputs' digest is the key of the `pack` step: it stands for every product, the manifest, the
//! lock and how they are packed.
//!
//! Layers are stored as they are, not compressed: Kata's configuration names the files, a client that fetches a layer by
//! its title has the file, and kernels and initrds are compressed inside. A layer's title is the name that Kata gives the
//! file. Bytes are canonical JSON with sorted keys; the only time is the source epoch. SBOM, provenance and
//! signatures will refer to these manifests by `subject`; they need no change for that.
//!
//! # Who does what
//!
//! `media` has every name, `artifact` makes manifests and indexes from data with oci-spec's types, `json` writes them.
//! `kconfig` makes the small artifact with ocipkg's builder on a writer of ours. `truth` looks at products, `pack` is the
//! step, `layout` writes directories, `read` reads them. `reference` names an artifact anywhere, `document` is a manifest as
//! it came, `place` is where it lies and how it goes from there to elsewhere, `registry` the client of registries, `image` the
//! plain-image form.

mod artifact;
mod config;
pub mod document;
#[cfg(test)]
mod fixture;
pub mod image;
mod json;
mod kconfig;
mod layout;
mod media;
mod pack;
pub mod place;
mod read;
pub mod reference;
pub mod registry;
mod truth;

use std::{io, path::PathBuf};

pub use config::{
    AgentConfig, Compat, Config, FileConfig, Inputs, KernelConfig, PatchConfig, RootfsConfig,
};
pub use layout::{Entry, LayoutList, PlainFile, publish, publish_files};
pub use media::{Kind, VENDOR};
pub use pack::pack;
pub use read::{Guest, Layout, open_layout};

use crate::{
    arch::Arch, cancel::Interrupted, digest::Digest, rootfs::RootfsError, store::StoreError,
};

/// Something that kept artifacts from being packed, laid out or read.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum OciError {
    /// Products are not what they are called.
    #[error("the products cannot be packed: {} of them or of their texts are not what they should be", .0.len())]
    #[diagnostic(code(oci::untrue))]
    Untrue(#[related] Vec<Untrue>),
    /// ocipkg refused to make an artifact.
    #[error("ocipkg cannot make the kconfig artifact")]
    #[diagnostic(code(oci::ocipkg))]
    Ocipkg(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A list is not one that `pack` wrote.
    #[error("blob {digest} is not the list of a layout")]
    #[diagnostic(code(oci::list))]
    List {
        /// The blob.
        digest: Digest,
        /// The cause.
        #[source]
        cause: serde_json::Error,
    },
    /// A file of a layout, or a plain file, could not be read or written.
    #[error("cannot {verb} `{}`", path.display())]
    #[diagnostic(
        code(oci::io),
        help("is the disk full or read-only? `--out DIR` puts results and logs elsewhere")
    )]
    Publish {
        /// What was tried.
        verb: &'static str,
        /// The path.
        path: PathBuf,
        /// The cause.
        #[source]
        cause: io::Error,
    },
    /// A directory is no image layout.
    #[error("`{}` is not an OCI image layout", .0.display())]
    #[diagnostic(
        code(oci::no_layout),
        help(
            "`kata-artifacts build` writes one to out/<manifest>/oci: a directory with `oci-layout` and `index.json`"
        )
    )]
    NoLayout(PathBuf),
    /// Something in a layout is not what it should be.
    #[error("`{}` is damaged: {why}", path.display())]
    #[diagnostic(
        code(oci::damaged),
        help("`kata-artifacts build` writes what is damaged anew")
    )]
    Damaged {
        /// The path.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// A layout has no guest for an architecture.
    #[error("`{}` has no {arch} guest{under}; its tags: {tags}", dir.display())]
    #[diagnostic(code(oci::no_guest))]
    NoGuest {
        /// The layout.
        dir: PathBuf,
        /// The architecture.
        arch: Arch,
        /// The tag that was asked for, in words, or nothing.
        under: String,
        /// All its tags.
        tags: String,
    },
    /// A layout has several guests for an architecture.
    #[error("`{}` has several {arch} guests; its tags: {tags}", dir.display())]
    #[diagnostic(code(oci::many_guests), help("name one of the tags"))]
    ManyGuests {
        /// The layout.
        dir: PathBuf,
        /// The architecture.
        arch: Arch,
        /// All its tags.
        tags: String,
    },
    /// A layout has no kernel's configuration.
    #[error("`{}` has no kernel's configuration{under}; its tags: {tags}", dir.display())]
    #[diagnostic(code(oci::no_configuration))]
    NoConfiguration {
        /// The layout.
        dir: PathBuf,
        /// The tag that was asked for, in words, or nothing.
        under: String,
        /// All its tags.
        tags: String,
    },
    /// A guest has no file of a name.
    #[error("guest {guest} has no file `{title}`")]
    #[diagnostic(code(oci::no_file))]
    NoFile {
        /// The guest's manifest.
        guest: Digest,
        /// The name.
        title: String,
    },
    /// An initrd could not be read.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Rootfs(#[from] RootfsError),
    /// The store failed.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Store(#[from] StoreError),
    /// The build was stopped.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Interrupted(#[from] Interrupted),
}

/// One thing about the products that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
pub enum Untrue {
    /// A file is not what its name says.
    #[error("{arch}: {file}: {why}")]
    #[diagnostic(code(oci::file))]
    File {
        /// The architecture.
        arch: Arch,
        /// The file's name.
        file: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// A file is larger than the manifest allows.
    #[error("{arch}: {file} has {size} bytes, {} more than its budget of {budget}", size - budget)]
    #[diagnostic(
        code(oci::too_large),
        help("`budgets` in the manifest says how large products may be")
    )]
    TooLarge {
        /// The architecture.
        arch: Arch,
        /// The file's name.
        file: &'static str,
        /// Its size in bytes.
        size: u64,
        /// The largest size it may have.
        budget: u64,
    },
    /// A text that describes a product is missing or malformed.
    #[error("{arch}: {what} is missing or malformed")]
    #[diagnostic(code(oci::text))]
    Text {
        /// The architecture.
        arch: Arch,
        /// The text.
        what: &'static str,
    },
    /// An annotation has a control character.
    #[error("annotation `{0}` has a line end or another control character in it")]
    #[diagnostic(code(oci::annotation), help("write it in one line"))]
    Annotation(String),
    /// One tag cannot name kernels of several versions.
    #[error("the architectures' kernels have different versions: {0}")]
    #[diagnostic(code(oci::versions))]
    Versions(String),
}
