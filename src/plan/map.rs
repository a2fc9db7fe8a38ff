//! Replacing the inputs of actions: what turns a step that waits into one that is ready.

use super::action::{
    Action, Assemble, Base, BuildAgent, Compile, Configure, Crates, Entry, ExtractAgent,
    GuestProducts, Named, Origin, Pack, PackInitrd, Patch, Probe, Signature, Toolchain, Unpack,
};
use crate::event::count;

/// Maps one input; `None` when it does not exist yet.
type Map<'a, I, J> = dyn FnMut(I) -> Option<J> + 'a;

fn optional<I, J>(input: Option<I>, map: &mut Map<'_, I, J>) -> Option<Option<J>> {
    match input {
        None => Some(None),
        Some(input) => map(input).map(Some),
    }
}

fn named<I, J>(named: Named<I>, map: &mut Map<'_, I, J>) -> Option<Named<J>> {
    Some(Named {
        name: named.name,
        input: map(named.input)?,
    })
}

fn all_named<I, J>(inputs: Vec<Named<I>>, map: &mut Map<'_, I, J>) -> Option<Vec<Named<J>>> {
    inputs.into_iter().map(|input| named(input, map)).collect()
}

impl<I> Action<I> {
    /// Replaces every input; `None` as soon as `map` returns `None`.
    pub fn try_map<J>(self, map: &mut Map<'_, I, J>) -> Option<Action<J>> {
        Some(match self {
            Self::Fetch(fetch) => Action::Fetch(fetch),
            Self::Import(import) => Action::Import(import),
            Self::HostTools(tools) => Action::HostTools(tools),
            Self::Toolchain(it) => Action::Toolchain(Toolchain {
                packages: all_named(it.packages, map)?,
                directories: it.directories,
                links: it.links,
            }),
            Self::Unpack(it) => Action::Unpack(Unpack {
                archive: map(it.archive)?,
                form: it.form,
                signature: match it.signature {
                    None => None,
                    Some(it) => Some(Signature {
                        signature: map(it.signature)?,
                        keys: it.keys.into_iter().map(map).collect::<Option<_>>()?,
                    }),
                },
            }),
            Self::Patch(it) => Action::Patch(Patch {
                source: map(it.source)?,
                toolchain: optional(it.toolchain, map)?,
                patches: all_named(it.patches, map)?,
            }),
            Self::Probe(it) => Action::Probe(Probe {
                source: map(it.source)?,
                toolchain: optional(it.toolchain, map)?,
                arch: it.arch,
            }),
            Self::Configure(it) => Action::Configure(Configure {
                answers: map(it.answers)?,
                source: map(it.source)?,
                toolchain: optional(it.toolchain, map)?,
                arch: it.arch,
                base: match it.base {
                    Base::Allnoconfig => Base::Allnoconfig,
                    Base::Defconfig => Base::Defconfig,
                    Base::File(file) => Base::File(map(file)?),
                },
                profile: named(it.profile, map)?,
                more: all_named(it.more, map)?,
                fragments: all_named(it.fragments, map)?,
                localversion: it.localversion,
            }),
            Self::Compile(it) => Action::Compile(Compile {
                source: map(it.source)?,
                toolchain: optional(it.toolchain, map)?,
                arch: it.arch,
                config: map(it.config)?,
                epoch: map(it.epoch)?,
            }),
            Self::Crates(it) => Action::Crates(Crates {
                toolchain: optional(it.toolchain, map)?,
                manifest: map(it.manifest)?,
                lock: map(it.lock)?,
            }),
            Self::BuildAgent(it) => Action::BuildAgent(BuildAgent {
                toolchain: optional(it.toolchain, map)?,
                sources: all_named(it.sources, map)?,
                crates: map(it.crates)?,
                arch: it.arch,
            }),
            Self::ExtractAgent(it) => Action::ExtractAgent(ExtractAgent {
                archive: map(it.archive)?,
                member: it.member,
            }),
            Self::Assemble(it) => Action::Assemble(Assemble {
                entries: it
                    .entries
                    .into_iter()
                    .map(|(path, entry)| Some((path, entry.try_map(map)?)))
                    .collect::<Option<_>>()?,
            }),
            Self::PackInitrd(it) => Action::PackInitrd(PackInitrd {
                entries: map(it.entries)?,
                compression: it.compression,
            }),
            Self::Pack(it) => Action::Pack(Box::new(Pack {
                name: it.name,
                version: it.version,
                flavour: it.flavour,
                guests: it
                    .guests
                    .into_iter()
                    .map(|(arch, guest)| Some((arch, guest.try_map(map)?)))
                    .collect::<Option<_>>()?,
                budgets: it.budgets,
                annotations: it.annotations,
                lock: map(it.lock)?,
                manifest: map(it.manifest)?,
            })),
        })
    }
}

impl<I> Action<I> {
    /// Says in a line what the action does.
    #[must_use]
    pub fn what(&self) -> String {
        match self {
            Self::Fetch(it) => format!("fetch {}", it.origin.name()),
            Self::Toolchain(it) => {
                format!("unpack {}", count(it.packages.len(), "package", "packages"))
            }
            Self::HostTools(_) => "take the host's tools".to_owned(),
            Self::Unpack(_) => "unpack the kernel's source".to_owned(),
            Self::Import(it) => format!("take the kernel's source from {}", it.path),
            Self::Patch(it) => format!("apply {}", count(it.patches.len(), "patch", "patches")),
            Self::Probe(_) => "ask the compiler what the kernel's options depend on".to_owned(),
            Self::Configure(it) => {
                let fragments = count(it.fragments.len(), "fragment", "fragments");
                format!("configure the kernel from {fragments}")
            }
            Self::Compile(_) => "compile the kernel".to_owned(),
            Self::Crates(_) => "fetch the agent's crates".to_owned(),
            Self::BuildAgent(_) => "compile the agent".to_owned(),
            Self::ExtractAgent(it) => format!("take {} out of its archive", it.member),
            Self::Assemble(it) => {
                format!("assemble {}", count(it.entries.len(), "entry", "entries"))
            }
            Self::PackInitrd(_) => "pack the initrd".to_owned(),
            Self::Pack(_) => "check the products and describe the artifacts".to_owned(),
        }
    }
}

impl Origin {
    /// Says in a few words what is there.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Package { name, version, .. } => format!("{name} {version}"),
            Self::Urls(urls) => urls.first().cloned().unwrap_or_default(),
        }
    }
}

impl<I> Entry<I> {
    fn try_map<J>(self, map: &mut Map<'_, I, J>) -> Option<Entry<J>> {
        Some(match self {
            Self::Directory { mode, uid, gid } => Entry::Directory { mode, uid, gid },
            Self::File {
                content,
                mode,
                uid,
                gid,
            } => Entry::File {
                content: map(content)?,
                mode,
                uid,
                gid,
            },
            Self::Link { target } => Entry::Link { target },
            Self::Device {
                block,
                major,
                minor,
                mode,
                uid,
                gid,
            } => Entry::Device {
                block,
                major,
                minor,
                mode,
                uid,
                gid,
            },
        })
    }
}

impl<I> GuestProducts<I> {
    fn try_map<J>(self, map: &mut Map<'_, I, J>) -> Option<GuestProducts<J>> {
        Some(GuestProducts {
            source: self.source,
            toolchain: optional(self.toolchain, map)?,
            vmlinux: optional(self.vmlinux, map)?,
            vmlinuz: optional(self.vmlinuz, map)?,
            config: map(self.config)?,
            publish_config: self.publish_config,
            config_report: map(self.config_report)?,
            system_map: optional(self.system_map, map)?,
            release: map(self.release)?,
            compiler: map(self.compiler)?,
            patches: optional(self.patches, map)?,
            epoch: map(self.epoch)?,
            initrd: map(self.initrd)?,
            compression: self.compression,
            entries: map(self.entries)?,
            agent: map(self.agent)?,
            agent_origin: self.agent_origin,
        })
    }
}
