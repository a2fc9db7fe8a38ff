//! The lock: every package and release a manifest's names meant when it was locked. `resolve` is the only place that
//! asks the network what a name means; `stale` compares manifest and lock offline; `text` reads and writes the file.

mod change;
mod gone;
mod indexes;
pub mod resolve;
mod stale;
mod text;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use change::{Change, changes};
pub use gone::PinGone;
pub use resolve::{Moves, ResolveError, resolve, update};
pub use stale::{Difference, Pinned, StaleLock, pin, requests};
pub use text::{LockError, read, write};

use crate::{arch::Arch, digest::Digest};

/// The lock file's only schema so far.
pub const SCHEMA: u32 = 1;

/// Everything a manifest's names meant when it was locked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// The file's schema: [`SCHEMA`].
    pub schema: u32,
    /// What the manifest asked for when this was resolved. Compared with the manifest before every build.
    pub requests: Requests,
    /// The signed releases that the packages came from, by suite.
    #[serde(deserialize_with = "text::unique")]
    pub releases: BTreeMap<String, Release>,
    /// Packages by the architecture of the machine that uses them; sorted by name, then architecture.
    #[serde(deserialize_with = "text::unique")]
    pub packages: BTreeMap<Arch, Vec<Package>>,
}

/// What the manifest asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requests {
    /// Suites.
    pub suites: Vec<String>,
    /// Components.
    pub components: Vec<String>,
    /// Names of packages wanted for each use, sorted.
    #[serde(deserialize_with = "text::unique")]
    pub packages: BTreeMap<Use, Vec<String>>,
}

/// What a locked package is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Use {
    /// The kernel's source.
    Kernel,
    /// Compilers and everything else that runs in the sandbox of a build.
    Toolchain,
    /// The virtual machine monitor that `test` boots with.
    Vmm,
}

/// A signed release file (InRelease) of an archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// The archive it belongs to: the last part of a mirror's path, `debian` or `debian-security`.
    pub archive: String,
    /// Its `Version:`, empty when it has none.
    pub version: String,
    /// Its `Date:`, as RFC 3339 in UTC.
    pub date: String,
    /// The digest of the InRelease file.
    pub sha256: Digest,
    /// Fingerprints of the keys that made good signatures, sorted, upper-case hexadecimal.
    pub signed_by: Vec<String>,
}

/// A package, pinned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its Debian version.
    pub version: String,
    /// Its `Architecture:`: Debian's name, or `all`.
    pub architecture: String,
    /// The suite whose release named it; a key of [`Lock::releases`].
    pub suite: String,
    /// Its path below the archive, for instance `pool/main/b/bc/bc_1.07.1-4_amd64.deb`.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
    /// The digest of the file.
    pub sha256: Digest,
    /// What it is for, sorted, at least one.
    #[serde(rename = "for")]
    pub uses: Vec<Use>,
}

impl Use {
    /// Every use, in the order in which they are written.
    pub const ALL: [Self; 3] = [Self::Kernel, Self::Toolchain, Self::Vmm];

    /// Returns the name it has in the lock.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kernel => "kernel",
            Self::Toolchain => "toolchain",
            Self::Vmm => "vmm",
        }
    }
}

impl std::fmt::Display for Use {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
