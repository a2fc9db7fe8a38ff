//! The names of a manifest's fields, in one place: what is accepted, what must be there. What they mean is in `check`,
//! how to use them in `manifests/README.md`, which a test holds against this list.

/// A mapping of the manifest and its fields.
#[derive(Debug, PartialEq, Eq)]
pub struct Table {
    /// Where it stands: `kernel.source`; empty for the top. `<path>` stands for a path that the manifest chooses.
    pub place: &'static str,
    /// Its fields, in the order in which they are usually written.
    pub fields: &'static [Field],
}

/// A field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// Whether it must be there.
    pub need: Need,
}

/// Whether a field must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// In every mapping of its kind.
    Always,
    /// There is a default, or another field may stand instead.
    Sometimes,
}

impl Table {
    /// Returns the names of the fields.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.fields.iter().map(|field| field.name)
    }
}

/// Every mapping with fields of fixed names.
pub const TABLES: [&Table; 17] = [
    &TOP, &DEBIAN, &TOOLCHAIN, &KERNEL, &SOURCE, &TARBALL, &SIGNATURE, &CONFIG, &BASE, &AGENT,
    &ROOTFS, &DIRECTORY, &FILE, &DEVICE, &INITRD, &TEST, &VMM,
];

const fn always(name: &'static str) -> Field {
    Field {
        name,
        need: Need::Always,
    }
}

const fn sometimes(name: &'static str) -> Field {
    Field {
        name,
        need: Need::Sometimes,
    }
}

pub(super) const TOP: Table = Table {
    place: "",
    fields: &[
        always("schema"),
        always("name"),
        always("version"),
        sometimes("flavour"),
        always("architectures"),
        sometimes("debian"),
        always("toolchain"),
        always("kernel"),
        always("agent"),
        always("rootfs"),
        sometimes("initrd"),
        sometimes("test"),
        sometimes("budgets"),
        sometimes("annotations"),
    ],
};

pub(super) const DEBIAN: Table = Table {
    place: "debian",
    fields: &[always("suites"), sometimes("components"), always("keys")],
};

pub(super) const TOOLCHAIN: Table = Table {
    place: "toolchain",
    fields: ROOT,
};

pub(super) const VMM: Table = Table {
    place: "test.vmm",
    fields: ROOT,
};

const ROOT: &[Field] = &[
    always("packages"),
    sometimes("directories"),
    sometimes("links"),
];

pub(super) const KERNEL: Table = Table {
    place: "kernel",
    fields: &[
        always("source"),
        sometimes("patches"),
        always("config"),
        sometimes("localversion"),
        sometimes("outputs"),
    ],
};

pub(super) const SOURCE: Table = Table {
    place: "kernel.source",
    fields: &[sometimes("debian"), sometimes("tarball"), sometimes("path")],
};

pub(super) const TARBALL: Table = Table {
    place: "kernel.source.tarball",
    fields: &[
        always("url"),
        sometimes("mirrors"),
        always("sha256"),
        sometimes("signature"),
    ],
};

pub(super) const SIGNATURE: Table = Table {
    place: "kernel.source.tarball.signature",
    fields: &[always("url"), always("sha256"), always("keys")],
};

pub(super) const CONFIG: Table = Table {
    place: "kernel.config",
    fields: &[sometimes("base"), always("profile")],
};

pub(super) const BASE: Table = Table {
    place: "kernel.config.base",
    fields: &[always("file")],
};

pub(super) const AGENT: Table = Table {
    place: "agent",
    fields: &[
        sometimes("path"),
        sometimes("url"),
        sometimes("mirrors"),
        sometimes("sha256"),
        sometimes("member"),
    ],
};

pub(super) const ROOTFS: Table = Table {
    place: "rootfs",
    fields: &[
        sometimes("overlay"),
        sometimes("directories"),
        sometimes("files"),
        sometimes("links"),
        sometimes("devices"),
    ],
};

pub(super) const DIRECTORY: Table = Table {
    place: "rootfs.directories.<path>",
    fields: &[sometimes("mode"), sometimes("uid"), sometimes("gid")],
};

pub(super) const FILE: Table = Table {
    place: "rootfs.files.<path>",
    fields: &[
        sometimes("content"),
        sometimes("path"),
        sometimes("mode"),
        sometimes("uid"),
        sometimes("gid"),
    ],
};

pub(super) const DEVICE: Table = Table {
    place: "rootfs.devices.<path>",
    fields: &[
        always("type"),
        always("major"),
        always("minor"),
        sometimes("mode"),
        sometimes("uid"),
        sometimes("gid"),
    ],
};

pub(super) const INITRD: Table = Table {
    place: "initrd",
    fields: &[sometimes("compression")],
};

pub(super) const TEST: Table = Table {
    place: "test",
    fields: &[
        sometimes("memory"),
        sometimes("cpus"),
        sometimes("timeout"),
        sometimes("require"),
        sometimes("vmm"),
    ],
};
