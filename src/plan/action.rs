//! What a step does, as data. Generic over its inputs: a [`Step`] may wait for other steps, a [`Ready`] one may not,
//! and only a [`Ready`] one has a key. How an action is carried out is in the room of its trade.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use super::packing::{GuestProducts, Pack};
use crate::{
    arch::Arch,
    digest::Digest,
    step::{OutputRef, StepId},
};

/// An input of a step that may wait for others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Input {
    /// A blob whose digest is known now.
    Blob(Digest),
    /// A product of another step.
    Output(OutputRef),
}

/// A step of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its name in the plan.
    pub id: StepId,
    /// What it does.
    pub action: Action<Input>,
}

/// A step all of whose inputs exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ready {
    /// Its name in the plan.
    pub id: StepId,
    /// What it does.
    pub action: Action<Digest>,
}

/// An input with the name it has inside the step: a path, relative, with `/`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Named<I> {
    /// The name.
    pub name: String,
    /// The input.
    pub input: I,
}

/// Everything this product can do to make something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "action")]
pub enum Action<I> {
    /// Brings a blob of a known digest into the store. Product: `blob`.
    Fetch(Fetch),
    /// Unpacks packages into a root. Product: `tree`.
    Toolchain(Toolchain<I>),
    /// Takes the host's own tools as the toolchain. Product: `tree`, which holds only this description: it stands for
    /// them in the keys of the steps that run them.
    HostTools(HostTools),
    /// Unpacks a kernel's source. Products: `tree`; `epoch`, the newest time in the archive, as decimal seconds.
    Unpack(Unpack<I>),
    /// Takes a tree on disk as the kernel's source. Products: `tree`, `epoch`.
    Import(Import),
    /// Applies patches to a kernel's source. Products: `tree`; `report`, JSON: what each patch changed.
    Patch(Patch<I>),
    /// Asks the toolchain what the kernel's Kconfig files ask. Product: `answers` (JSON).
    Probe(Probe<I>),
    /// Resolves the kernel's configuration and checks it. Products: `config`, `report` (JSON).
    Configure(Configure<I>),
    /// Compiles the kernel. Products: `release` and `compiler` (text), `vmlinux`, `vmlinuz`, `system-map`.
    Compile(Compile<I>),
    /// Brings the agent's crates into the store. Product: `tree`, as `cargo vendor` lays it out.
    Crates(Crates<I>),
    /// Compiles the embedded agent. Product: `agent`.
    BuildAgent(BuildAgent<I>),
    /// Takes the agent out of an archive. Product: `agent`.
    ExtractAgent(ExtractAgent<I>),
    /// Normalises the root file system. Product: `entries`, JSON: sorted entries, files by digest.
    Assemble(Assemble<I>),
    /// Packs a root file system as an initrd. Product: `initrd`.
    PackInitrd(PackInitrd<I>),
    /// Checks the products for truth and writes the artifacts' manifests. Product: `layout` (JSON: the index and
    /// every blob it reaches).
    Pack(Box<Pack<I>>),
}

/// A blob to bring into the store. Keyed by its digest alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fetch {
    /// The expected digest.
    pub sha256: Digest,
    /// The expected size in bytes, when known.
    pub size: Option<u64>,
    /// Where it may be found.
    pub origin: Origin,
}

/// Where a blob may be found. Not part of any key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A package of a Debian archive.
    Package {
        /// Name, version and suite, for messages.
        name: String,
        /// Its version.
        version: String,
        /// The archive: `debian` or `debian-security`.
        archive: String,
        /// Path below the archive.
        path: String,
        /// The signed release's date in the lock (RFC 3339): where an archive mirror is asked to look.
        date: String,
    },
    /// Whole URLs, tried in this order.
    Urls(Vec<String>),
}

/// Packages to unpack into a root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Toolchain<I> {
    /// `.deb` files by package name, sorted.
    pub packages: Vec<Named<I>>,
    /// Directories to make.
    pub directories: Vec<String>,
    /// Links to make.
    pub links: BTreeMap<String, String>,
}

/// The host's own tools.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostTools {
    /// The digest of each program that was found, by name.
    pub tools: BTreeMap<String, Digest>,
}

/// A source archive to unpack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unpack<I> {
    /// The archive.
    pub archive: I,
    /// What it is.
    pub form: ArchiveForm,
    /// A detached signature over the decompressed tar, with the certificates that may have made it.
    pub signature: Option<Signature<I>>,
}

/// What a source archive is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArchiveForm {
    /// A `.deb` that holds one `usr/src/*.tar.xz`.
    DebianSource,
    /// A tar, compressed or not, with one directory at its top.
    Tar,
}

/// A detached signature and its possible makers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature<I> {
    /// The signature file.
    pub signature: I,
    /// Files of ASCII-armoured certificates.
    pub keys: Vec<I>,
}

/// A source tree on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    /// Its path on this machine. Not part of the key.
    pub path: String,
    /// The digest of its listing: names, modes, links and contents.
    pub listing: Digest,
}

/// Patches to apply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Patch<I> {
    /// The tree.
    pub source: I,
    /// The toolchain's root; the host's tools when absent.
    pub toolchain: Option<I>,
    /// Patches in the order in which they apply.
    pub patches: Vec<Named<I>>,
}

/// A toolchain to ask what a kernel's Kconfig files want to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe<I> {
    /// The kernel's source.
    pub source: I,
    /// The toolchain's root; the host's tools when absent.
    pub toolchain: Option<I>,
    /// The guest's architecture.
    pub arch: Arch,
}

/// A configuration to resolve.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Configure<I> {
    /// The kernel's source.
    pub source: I,
    /// The toolchain's root; the host's tools when absent.
    pub toolchain: Option<I>,
    /// What the toolchain answered to the source's Kconfig files.
    pub answers: I,
    /// The guest's architecture.
    pub arch: Arch,
    /// What it starts from.
    pub base: Base<I>,
    /// The profile, with the name it has in messages.
    pub profile: Named<I>,
    /// What the profile extends, and lists of waivers in Kata's form.
    #[serde(default = "Vec::new", skip_serializing_if = "Vec::is_empty")]
    pub more: Vec<Named<I>>,
    /// Every fragment the profile lists for this architecture, in merging order.
    pub fragments: Vec<Named<I>>,
    /// Appended to the kernel's release.
    pub localversion: String,
}

/// What a configuration starts from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Base<I> {
    /// `make allnoconfig`.
    Allnoconfig,
    /// `make defconfig`.
    Defconfig,
    /// A whole `.config`.
    File(I),
}

/// A kernel to compile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compile<I> {
    /// The kernel's source.
    pub source: I,
    /// The toolchain's root; the host's tools when absent.
    pub toolchain: Option<I>,
    /// The guest's architecture.
    pub arch: Arch,
    /// The final `.config`.
    pub config: I,
    /// The time stamped into the kernel, as decimal seconds.
    pub epoch: I,
}

/// Crates to bring in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crates<I> {
    /// The toolchain's root; the host's tools when absent.
    pub toolchain: Option<I>,
    /// The agent's `Cargo.toml`.
    pub manifest: I,
    /// The agent's `Cargo.lock`, whose checksums the crates must have.
    pub lock: I,
}

/// The embedded agent to compile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildAgent<I> {
    /// The toolchain's root; the host's tools when absent.
    pub toolchain: Option<I>,
    /// The agent's source files.
    pub sources: Vec<Named<I>>,
    /// The vendored crates.
    pub crates: I,
    /// The guest's architecture.
    pub arch: Arch,
}

/// An agent inside an archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExtractAgent<I> {
    /// The archive.
    pub archive: I,
    /// The executable's path inside it.
    pub member: String,
}

/// A root file system to normalise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assemble<I> {
    /// Everything but the files' contents.
    pub entries: BTreeMap<String, Entry<I>>,
}

/// One entry of a root file system, at its absolute guest path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum Entry<I> {
    /// A directory.
    Directory {
        /// Permission bits.
        mode: u32,
        /// Owner.
        uid: u32,
        /// Group.
        gid: u32,
    },
    /// A regular file.
    File {
        /// Its bytes.
        content: I,
        /// Permission bits.
        mode: u32,
        /// Owner.
        uid: u32,
        /// Group.
        gid: u32,
    },
    /// A symbolic link.
    Link {
        /// Its target, as written.
        target: String,
    },
    /// A device node.
    Device {
        /// `true` for a block device.
        block: bool,
        /// Major number.
        major: u32,
        /// Minor number.
        minor: u32,
        /// Permission bits.
        mode: u32,
        /// Owner.
        uid: u32,
        /// Group.
        gid: u32,
    },
}

/// A root file system to pack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackInitrd<I> {
    /// What `Assemble` made.
    pub entries: I,
    /// `gzip` or `zstd`.
    pub compression: InitrdCompression,
}

/// A compression of initrds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InitrdCompression {
    /// gzip.
    Gzip,
    /// zstd.
    Zstd,
}
