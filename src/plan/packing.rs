//! What the last step is given: the products of every architecture, as data.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::action::InitrdCompression;
use crate::arch::Arch;

/// Products to check and to describe as artifacts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pack<I> {
    /// The manifest's name.
    pub name: String,
    /// The manifest's version.
    pub version: String,
    /// The manifest's flavour.
    pub flavour: String,
    /// What was made for each architecture.
    pub guests: BTreeMap<Arch, GuestProducts<I>>,
    /// Largest sizes in bytes, by file name.
    pub budgets: BTreeMap<String, u64>,
    /// Annotations from the manifest.
    pub annotations: BTreeMap<String, String>,
    /// The digest of the lock's text, which travels in the artifact.
    pub lock: I,
    /// The digest of the manifest's text, which travels in the artifact.
    pub manifest: I,
}

/// What was made for one architecture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuestProducts<I> {
    /// The kernel's source in words: `debian linux-source-6.12 6.12.57-1`, a URL, `path`.
    pub source: String,
    /// The toolchain's root; absent when the host's tools were used.
    pub toolchain: Option<I>,
    /// The ELF kernel, when wanted.
    pub vmlinux: Option<I>,
    /// The compressed kernel, when wanted.
    pub vmlinuz: Option<I>,
    /// The final `.config`.
    pub config: I,
    /// Whether the `.config` is wanted as a file.
    pub publish_config: bool,
    /// The strict check's report.
    pub config_report: I,
    /// The symbol table, when wanted.
    pub system_map: Option<I>,
    /// The kernel's release (`uname -r`).
    pub release: I,
    /// The compiler's version, as text.
    pub compiler: I,
    /// The patches' report, when there were patches.
    pub patches: Option<I>,
    /// The source epoch, decimal seconds.
    pub epoch: I,
    /// The initrd.
    pub initrd: I,
    /// The initrd's compression.
    pub compression: InitrdCompression,
    /// The root file system's entries.
    pub entries: I,
    /// The agent's executable.
    pub agent: I,
    /// Who the agent is: `embedded`, a URL, or `path`.
    pub agent_origin: String,
}
