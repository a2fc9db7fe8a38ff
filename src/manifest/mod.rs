//! The manifest: what to build, as the rest of the product sees it. Every value here has been checked; reading the
//! file is in `raw`, judging it in `check`, telling what is wrong in `problem`. Never the network, never the lock.

mod check;
mod features;
mod fields;
mod file;
mod problem;
mod raw;
mod schema;
mod words;

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, path::PathBuf};

use crate::{arch::Arch, digest::Digest};

pub use check::{BUILDABLE, PRODUCTS};
pub use features::FEATURES;
pub use fields::{Field, Need, TABLES, Table};
pub use file::{Disk, Files, Kind, ManifestError, parse, parse_bytes, read, read_guest};
pub use problem::{Mistake, Problem, Problems};
pub use schema::schema;

/// A checked manifest. Paths are resolved against the manifest's directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The file it came from.
    pub path: PathBuf,
    /// Names the directory under `out/` and the artifacts: lower-case letters, digits and `-`.
    pub name: String,
    /// The version of what is described: a semantic version.
    pub version: String,
    /// What distinguishes this guest from others of the same kernel version: `default`, `confidential`, …
    pub flavour: String,
    /// Architectures of the guest, sorted, at least one.
    pub architectures: Vec<Arch>,
    /// Where packages come from.
    pub debian: Debian,
    /// What compiles.
    pub toolchain: Toolchain,
    /// The guest kernel.
    pub kernel: Kernel,
    /// The program that the guest starts.
    pub agent: Agent,
    /// The guest's root file system.
    pub rootfs: Rootfs,
    /// How the root file system is packed.
    pub initrd: Initrd,
    /// How the guest is booted by `test`.
    pub guest: Guest,
    /// The largest sizes that products may have, in bytes, by the product's file name (`vmlinux.container`, …).
    pub budgets: BTreeMap<String, u64>,
    /// Annotations added to every artifact.
    pub annotations: BTreeMap<String, String>,
}

/// Debian suites and the keys that their releases must be signed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Debian {
    /// Suites, for instance `trixie` and `trixie-security`. At least one when anything is taken from Debian.
    pub suites: Vec<String>,
    /// Components, for instance `main`.
    pub components: Vec<String>,
    /// Files of ASCII-armoured OpenPGP certificates. A release needs one good signature by one of them.
    pub keys: Vec<PathBuf>,
}

/// Where compilers come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Toolchain {
    /// Packages of the suites, locked, unpacked into a read-only root; steps run inside it.
    Locked(Root),
    /// The host's own tools. The artifact says so.
    Host,
}

/// A root made of packages without running their maintainer scripts, and what such scripts would have made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    /// Names of packages. Their dependencies are added by the lock.
    pub packages: Vec<String>,
    /// Directories to make, absolute.
    pub directories: Vec<String>,
    /// Symbolic links to make: absolute path to target.
    pub links: BTreeMap<String, String>,
}

/// The guest kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kernel {
    /// Where its source comes from.
    pub source: KernelSource,
    /// Directories of patches (`kernel/patches/<series>`), applied in this order, and by file name within each.
    pub patches: Vec<PathBuf>,
    /// What the configuration starts from.
    pub base: ConfigBase,
    /// The profile file, which lists fragments, waivers and what must be off.
    pub profile: PathBuf,
    /// Appended to the kernel's release: starts with `-`, or empty.
    pub localversion: String,
    /// Which products are wanted.
    pub outputs: Vec<KernelOutput>,
}

/// Where a kernel's source comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KernelSource {
    /// A Debian `linux-source-*` package of the suites.
    Debian {
        /// The package's name.
        package: String,
    },
    /// A tarball, as kernel.org publishes them.
    Tarball {
        /// Where it is.
        url: String,
        /// Where else it is: whole URLs.
        mirrors: Vec<String>,
        /// The digest of the compressed file.
        sha256: Digest,
        /// A detached signature over the decompressed tar, and who may have made it.
        signature: Option<TarSignature>,
    },
    /// A tree on this disk.
    Path(PathBuf),
}

/// A detached OpenPGP signature over a decompressed tar (kernel.org's `.tar.sign`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TarSignature {
    /// Where the signature is.
    pub url: String,
    /// The digest of the signature file.
    pub sha256: Digest,
    /// Files of ASCII-armoured certificates, one of which must have made it.
    pub keys: Vec<PathBuf>,
}

/// What a configuration starts from before fragments are merged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigBase {
    /// Everything off that can be off.
    Allnoconfig,
    /// The architecture's `defconfig`.
    Defconfig,
    /// A whole `.config`.
    File(PathBuf),
}

/// A product of the kernel's compilation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KernelOutput {
    /// The ELF image, stripped of what guests do not need.
    Vmlinux,
    /// The compressed image that boot loaders take (x86's bzImage).
    Vmlinuz,
    /// The final `.config`.
    Config,
    /// The symbol table.
    SystemMap,
}

/// The program that the guest starts as `/sbin/init`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Agent {
    /// This product's own agent: it proves a guest, it does not run containers.
    Embedded,
    /// A static executable on this disk.
    Path(PathBuf),
    /// A static executable, or an archive (`.tar`, `.tar.gz`, `.tar.xz`, `.tar.zst`) that holds one.
    Url {
        /// Where it is.
        url: String,
        /// Where else it is: whole URLs.
        mirrors: Vec<String>,
        /// The digest of what the URL names.
        sha256: Digest,
        /// The executable's path inside the archive. Without it, the download is the executable.
        member: Option<String>,
    },
}

/// The guest's root file system, before it is normalised. Guest paths are absolute, without `.` or `..`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rootfs {
    /// A directory copied as it is, owned by 0:0, modes 0755 and 0644 (executables 0755).
    pub overlay: Option<PathBuf>,
    /// Directories.
    pub directories: BTreeMap<String, Attributes>,
    /// Files.
    pub files: BTreeMap<String, GuestFile>,
    /// Symbolic links: path to target.
    pub links: BTreeMap<String, String>,
    /// Device nodes.
    pub devices: BTreeMap<String, DeviceNode>,
}

/// Owner and permission bits of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// Permission bits, at most 0o7777.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
}

/// A declared file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuestFile {
    /// What is in it.
    pub content: FileContent,
    /// Owner and mode.
    pub attributes: Attributes,
}

/// Where a declared file's bytes come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileContent {
    /// The manifest itself.
    Text(String),
    /// A file on this disk.
    Path(PathBuf),
}

/// A device node. Only an initrd can carry one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceNode {
    /// Character or block.
    pub kind: DeviceKind,
    /// Major number.
    pub major: u32,
    /// Minor number.
    pub minor: u32,
    /// Owner and mode.
    pub attributes: Attributes,
}

/// Which of the two kinds of device node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceKind {
    /// A character device.
    Char,
    /// A block device.
    Block,
}

/// How the root file system is packed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Initrd {
    /// The compression of the cpio archive.
    pub compression: Compression,
}

/// A compression that the kernel can undo at boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Compression {
    /// gzip, level 9.
    Gzip,
    /// zstd, level 19.
    Zstd,
}

/// How the guest is booted by `test`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guest {
    /// Memory in MiB.
    pub memory_mib: u32,
    /// Virtual processors.
    pub cpus: u32,
    /// Seconds until a guest that has not reported is called hung.
    pub timeout_seconds: u32,
    /// What the agent must report as present, by the agent's names, besides being ready: `vsock`, `fs-virtiofs`, ….
    /// Without it, what no Kata guest can do without.
    pub require: Option<Vec<String>>,
    /// The packages that hold the VMM, by the build machine's architecture. Used where the host has none.
    pub vmm: Option<Root>,
}
