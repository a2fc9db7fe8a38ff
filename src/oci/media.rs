//! Every media type, annotation key and file name of our artifacts. All of it is format: a change makes other artifacts.

use crate::{arch::Arch, plan::action::InitrdCompression};

/// The prefix of our annotations, and of names that we coin elsewhere. `io.katacontainers` is Kata's own.
pub const VENDOR: &str = "dev.kata-artifacts";

/// `org.opencontainers.image.title`: a layer's file name (image-spec, "Pre-Defined Annotation Keys").
pub(super) const TITLE: &str = "org.opencontainers.image.title";
/// `org.opencontainers.image.ref.name`: a tag in an image layout.
pub(super) const REF_NAME: &str = "org.opencontainers.image.ref.name";
/// `org.opencontainers.image.created`: from the source epoch, never from a clock.
pub(super) const CREATED: &str = "org.opencontainers.image.created";
/// `org.opencontainers.image.version`: the manifest's version.
pub(super) const VERSION: &str = "org.opencontainers.image.version";

/// A kind of artifact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// All files of one flavour.
    Guest,
    /// The kernel and what describes it.
    Kernel,
    /// The root file system.
    Rootfs,
    /// The kernel's configuration: small, for distributions to pull.
    Kconfig,
}

impl Kind {
    /// Every kind, in the order in which tags are written.
    pub const ALL: [Self; 4] = [Self::Guest, Self::Kernel, Self::Rootfs, Self::Kconfig];

    const fn name(self) -> &'static str {
        match self {
            Self::Guest => "guest",
            Self::Kernel => "kernel",
            Self::Rootfs => "rootfs",
            Self::Kconfig => "kconfig",
        }
    }

    /// Returns the `artifactType`.
    #[must_use]
    pub fn artifact_type(self) -> String {
        format!("application/vnd.kata-artifacts.{}.v1", self.name())
    }

    /// Returns the media type of the artifact's config.
    #[must_use]
    pub fn config_type(self) -> String {
        format!(
            "application/vnd.kata-artifacts.{}.config.v1+json",
            self.name()
        )
    }

    /// Returns what tags of this kind have behind the flavour.
    #[must_use]
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::Guest => "",
            Self::Kernel => "-kernel",
            Self::Rootfs => "-rootfs",
            Self::Kconfig => "-kconfig",
        }
    }
}

/// A file of a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Vmlinux,
    Vmlinuz,
    Initrd(InitrdCompression),
    Config,
    ConfigReport,
    SystemMap,
    Patches,
    Entries,
    Manifest,
    Lock,
}

impl Part {
    /// The media type of a kernel's configuration.
    pub(super) const CONFIG_TYPE: &'static str = "application/vnd.kata-artifacts.kconfig.v1";

    /// Returns the name that the file has as a layer: Kata's, where Kata has one.
    pub(super) fn title(self, release: &str) -> String {
        match self {
            Self::Config => format!("config-{release}"),
            Self::SystemMap => format!("System.map-{release}"),
            other => other.plain_name().to_owned(),
        }
    }

    /// Returns the name that the file has below `out/`, which is equal for every kernel.
    pub(super) const fn plain_name(self) -> &'static str {
        match self {
            Self::Vmlinux => "vmlinux.container",
            Self::Vmlinuz => "vmlinuz.container",
            Self::Initrd(_) => "kata-containers-initrd.img",
            Self::Config => "config",
            Self::ConfigReport => "config-report.json",
            Self::SystemMap => "System.map",
            Self::Patches => "patches.json",
            Self::Entries => "rootfs-entries.json",
            Self::Manifest => "kata-artifacts.yaml",
            Self::Lock => "kata-artifacts.lock",
        }
    }

    /// Returns the media type of the file on this architecture.
    pub(super) fn media_type(self, arch: Arch) -> String {
        let name = match (self, arch) {
            (Self::Vmlinux, Arch::X86_64 | Arch::Ppc64le | Arch::S390x)
            | (Self::Vmlinuz, Arch::Ppc64le) => "kernel.v1.elf",
            (Self::Vmlinuz, Arch::X86_64 | Arch::S390x) => "kernel.v1.bzimage",
            (Self::Vmlinux, Arch::Aarch64 | Arch::Riscv64) => "kernel.v1.image",
            (Self::Vmlinuz, Arch::Aarch64 | Arch::Riscv64) => "kernel.v1.image+gzip",
            (Self::Initrd(InitrdCompression::Gzip), _) => "initrd.v1.cpio+gzip",
            (Self::Initrd(InitrdCompression::Zstd), _) => "initrd.v1.cpio+zstd",
            (Self::Config, _) => "kconfig.v1",
            (Self::ConfigReport, _) => "kconfig-report.v1+json",
            (Self::SystemMap, _) => "system-map.v1",
            (Self::Patches, _) => "patches.v1+json",
            (Self::Entries, _) => "rootfs-entries.v1+json",
            (Self::Manifest, _) => "manifest.v1+yaml",
            (Self::Lock, _) => "lock.v1+yaml",
        };
        format!("application/vnd.kata-artifacts.{name}")
    }

    /// Tells whether an artifact of this kind holds the file. The manifest and the lock are in all: whoever has an
    /// artifact can build it again.
    pub(super) const fn belongs_to(self, kind: Kind) -> bool {
        match (kind, self) {
            (Kind::Guest, _) | (_, Self::Manifest | Self::Lock) => true,
            (Kind::Kernel, part) => !matches!(part, Self::Initrd(_) | Self::Entries),
            (Kind::Rootfs, part) => matches!(part, Self::Initrd(_) | Self::Entries),
            (Kind::Kconfig, part) => matches!(part, Self::Config | Self::ConfigReport),
        }
    }

    /// Tells whether the file is laid out below `out/` for people and for Kata's configuration.
    pub(super) const fn is_published(self) -> bool {
        !matches!(self, Self::Entries | Self::Manifest | Self::Lock)
    }
}
