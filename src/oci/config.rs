//! The config of an artifact: what it is made of, in one JSON object that outlives the build. Pure data.

use serde::{Deserialize, Serialize};

use crate::{arch::Arch, digest::Digest};

/// The config's only schema so far.
pub(super) const SCHEMA: u32 = 1;

/// What an artifact says of itself. Parts that an artifact does not hold are absent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Config {
    /// The schema of this object.
    pub schema_version: u32,
    /// The manifest's name.
    pub name: String,
    /// The manifest's version.
    pub version: String,
    /// The manifest's flavour.
    pub flavour: String,
    /// The guest's architecture, by Kata's name.
    pub arch: Arch,
    /// The kernel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kernel: Option<KernelConfig>,
    /// The root file system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rootfs: Option<RootfsConfig>,
    /// The guest's first program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentConfig>,
    /// What it works with.
    pub compat: Compat,
    /// What it was made from.
    pub inputs: Inputs,
    /// Its files, in the order of the layers.
    pub files: Vec<FileConfig>,
    /// What it may be used for, in the manifest's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intended_use: Option<String>,
}

/// The kernel of an artifact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KernelConfig {
    /// `uname -r`.
    pub release: String,
    /// The version of its source, `6.12.117`.
    pub version: String,
    /// What was appended to that.
    pub localversion: String,
    /// The version of the compiler that made it.
    pub compiler: String,
    /// The digest of its `.config`.
    pub config: Digest,
    /// Patches, in the order in which they were applied.
    pub patches: Vec<PatchConfig>,
    /// Parameters that the kernel needs besides those that a runtime gives. None so far.
    pub command_line: Vec<String>,
    /// Kata features that its configuration serves; the report in `config-report.json` says by which symbols.
    pub features: Vec<String>,
}

/// A patch that was applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PatchConfig {
    /// Its series and file.
    pub name: String,
    /// Its digest.
    pub digest: Digest,
}

/// The root file system of an artifact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RootfsConfig {
    /// `cpio+gzip` or `cpio+zstd`: an initrd. It has no verity tree; a measured launch measures the file itself.
    pub format: String,
    /// The digest of the sorted list of everything in it.
    pub entries: Digest,
}

/// The first program of a guest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentConfig {
    /// Its name, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its version, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// `embedded`, a URL, or `path`.
    pub origin: String,
    /// The digest of the executable.
    pub digest: Digest,
    /// What one should know before using it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What a guest works with, as far as it was tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Compat {
    /// The range of Kata runtimes that can run containers in it; absent when none is known to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kata_runtime: Option<String>,
    /// Virtual machine monitors that `kata-artifacts test` boots it with.
    pub vmms: Vec<String>,
}

/// What an artifact was made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Inputs {
    /// Stands for all of it, and for how it is packed: equal inputs, equal digest.
    pub digest: Digest,
    /// The digest of the manifest, which is a layer.
    pub manifest: Digest,
    /// The digest of the lock, which is a layer.
    pub lock: Digest,
    /// The kernel's source in words.
    pub source: String,
    /// What compiled: the key of the locked root, or absent when the host's own tools did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub toolchain: Option<Digest>,
}

/// A file of an artifact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FileConfig {
    /// Its name.
    pub title: String,
    /// Its media type.
    pub media_type: String,
    /// Its digest.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
}
