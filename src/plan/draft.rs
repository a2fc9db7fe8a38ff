//! Drafts a plan from a pinned manifest and what was read from this disk. Pure: the same arguments give the same plan.

use std::collections::BTreeMap;

use super::{
    Plan,
    action::{
        Action, Assemble, Base, BuildAgent, Compile, Configure, Crates, Entry, ExtractAgent,
        GuestProducts, HostTools, InitrdCompression, Input, Named, Pack, PackInitrd, Probe,
    },
    inputs::{AgentInput, Inputs},
    packages::add_root,
    sources::Source,
};
use crate::{
    arch::Arch,
    lock::{Lock, Pinned, Use},
    manifest::{Agent, Compression, ConfigBase, KernelOutput, Manifest, Toolchain as Tools},
};

/// Drafts the plan that makes every artifact of a manifest on a machine of this architecture. Its goal's product is
/// `layout`.
#[must_use]
pub fn draft(pinned: &Pinned, inputs: &Inputs, machine: Arch) -> Plan {
    let mut draft = Draft::new(pinned, inputs, machine);
    draft.artifacts();
    draft.plan
}

/// Drafts the plan that asks the toolchain what the kernel's Kconfig files ask for an architecture. Its goal's product is
/// `answers`.
#[must_use]
pub fn draft_probe(pinned: &Pinned, inputs: &Inputs, machine: Arch, arch: Arch) -> Plan {
    let mut draft = Draft::new(pinned, inputs, machine);
    let toolchain = draft.toolchain();
    let source = draft.source(Some(&toolchain));
    draft.probe(arch, Some(&toolchain), &source);
    draft.plan
}

/// Drafts the plan that makes the toolchain. Its goal's product is `tree`.
#[must_use]
pub fn draft_toolchain(pinned: &Pinned, inputs: &Inputs, machine: Arch) -> Plan {
    let mut draft = Draft::new(pinned, inputs, machine);
    draft.toolchain();
    draft.plan
}

/// Drafts the plan that unpacks the VMM's packages for a machine of this architecture: `None` when the manifest names
/// none. Its goal's product is `tree`.
#[must_use]
pub fn draft_vmm(pinned: &Pinned, machine: Arch) -> Option<Plan> {
    let root = pinned.manifest.guest.vmm.as_ref()?;
    let mut plan = Plan::new(&pinned.manifest.name);
    add_root(&mut plan, "vmm", root, &pinned.lock, machine, Use::Vmm);
    Some(plan)
}

pub(super) struct Draft<'a> {
    pub(super) manifest: &'a Manifest,
    pub(super) lock: &'a Lock,
    pub(super) inputs: &'a Inputs,
    pub(super) machine: Arch,
    pub(super) plan: Plan,
}

impl<'a> Draft<'a> {
    fn new(pinned: &'a Pinned, inputs: &'a Inputs, machine: Arch) -> Self {
        Self {
            manifest: &pinned.manifest,
            lock: &pinned.lock,
            inputs,
            machine,
            plan: Plan::new(&pinned.manifest.name),
        }
    }

    fn toolchain(&mut self) -> Input {
        match &self.manifest.toolchain {
            Tools::Host => {
                let tools = self.inputs.host_tools.clone();
                self.plan
                    .add("toolchain", Action::HostTools(HostTools { tools }), "tree")
            }
            Tools::Locked(root) => add_root(
                &mut self.plan,
                "toolchain",
                root,
                self.lock,
                self.machine,
                Use::Toolchain,
            ),
        }
    }

    fn artifacts(&mut self) {
        let toolchain = Some(self.toolchain());
        let source = self.source(toolchain.as_ref());
        let guests: BTreeMap<_, _> = self
            .manifest
            .architectures
            .iter()
            .map(|&arch| (arch, self.guest(arch, toolchain.as_ref(), &source)))
            .collect();
        self.plan.add(
            "pack",
            Action::Pack(Box::new(Pack {
                name: self.manifest.name.clone(),
                version: self.manifest.version.clone(),
                flavour: self.manifest.flavour.clone(),
                guests,
                budgets: self.manifest.budgets.clone(),
                annotations: self.manifest.annotations.clone(),
                lock: Input::Blob(self.inputs.lock),
                manifest: Input::Blob(self.inputs.manifest),
            })),
            "layout",
        );
    }

    fn guest(
        &mut self,
        arch: Arch,
        toolchain: Option<&Input>,
        source: &Source,
    ) -> GuestProducts<Input> {
        let manifest = self.manifest;
        let configure = Action::Configure(Configure {
            source: source.tree.clone(),
            toolchain: toolchain.cloned(),
            answers: self.probe(arch, toolchain, source),
            arch,
            base: match (&manifest.kernel.base, self.inputs.base) {
                (ConfigBase::Allnoconfig, _) => Base::Allnoconfig,
                (ConfigBase::Defconfig, _) => Base::Defconfig,
                (ConfigBase::File(_), Some(file)) => Base::File(Input::Blob(file)),
                (ConfigBase::File(_), None) => {
                    unreachable!("inputs are gathered for the same manifest")
                }
            },
            profile: blob(&self.inputs.profile),
            more: self.inputs.profile_more.iter().map(blob).collect(),
            fragments: self.inputs.fragments[&arch].iter().map(blob).collect(),
            localversion: manifest.kernel.localversion.clone(),
        });
        let id = format!("{arch}/configure");
        let config = self.plan.add(&id, configure.clone(), "config");
        let config_report = self.plan.add(&id, configure, "report");
        let compile = Action::Compile(Compile {
            source: source.tree.clone(),
            toolchain: toolchain.cloned(),
            arch,
            config: config.clone(),
            epoch: source.epoch.clone(),
        });
        let agent = self.agent(arch, toolchain);
        let mut compiled = |product| {
            self.plan
                .add(format!("{arch}/compile"), compile.clone(), product)
        };
        let release = compiled("release");
        let compiler = compiled("compiler");
        let mut wanted = |output, product| {
            let wanted = manifest.kernel.outputs.contains(&output);
            wanted.then(|| compiled(product))
        };
        let vmlinux = wanted(KernelOutput::Vmlinux, "vmlinux");
        let vmlinuz = wanted(KernelOutput::Vmlinuz, "vmlinuz");
        let system_map = wanted(KernelOutput::SystemMap, "system-map");
        let entries = self.rootfs(arch, &agent);
        let compression = match manifest.initrd.compression {
            Compression::Gzip => InitrdCompression::Gzip,
            Compression::Zstd => InitrdCompression::Zstd,
        };
        let initrd = self.plan.add(
            format!("{arch}/initrd"),
            Action::PackInitrd(PackInitrd {
                entries: entries.clone(),
                compression,
            }),
            "initrd",
        );
        GuestProducts {
            source: source.words.clone(),
            // An artifact names a toolchain only when others can have the same.
            toolchain: match manifest.toolchain {
                Tools::Host => None,
                Tools::Locked(_) => toolchain.cloned(),
            },
            vmlinux,
            vmlinuz,
            config,
            publish_config: manifest.kernel.outputs.contains(&KernelOutput::Config),
            config_report,
            system_map,
            release,
            compiler,
            patches: source.patches.clone(),
            epoch: source.epoch.clone(),
            initrd,
            compression,
            entries,
            agent,
            agent_origin: match &manifest.agent {
                Agent::Embedded => "embedded".to_owned(),
                Agent::Path(_) => "path".to_owned(),
                Agent::Url { url, .. } => url.clone(),
            },
        }
    }

    fn probe(&mut self, arch: Arch, toolchain: Option<&Input>, source: &Source) -> Input {
        let probe = Action::Probe(Probe {
            source: source.tree.clone(),
            toolchain: toolchain.cloned(),
            arch,
        });
        self.plan.add(format!("{arch}/probe"), probe, "answers")
    }

    fn agent(&mut self, arch: Arch, toolchain: Option<&Input>) -> Input {
        match (&self.manifest.agent, &self.inputs.agent) {
            (
                Agent::Embedded,
                AgentInput::Embedded {
                    sources,
                    manifest,
                    lock,
                },
            ) => {
                let crates = self.plan.add(
                    "crates",
                    Action::Crates(Crates {
                        toolchain: toolchain.cloned(),
                        manifest: Input::Blob(*manifest),
                        lock: Input::Blob(*lock),
                    }),
                    "tree",
                );
                self.plan.add(
                    format!("{arch}/agent"),
                    Action::BuildAgent(BuildAgent {
                        toolchain: toolchain.cloned(),
                        sources: sources.iter().map(blob).collect(),
                        crates,
                        arch,
                    }),
                    "agent",
                )
            }
            (Agent::Path(_), AgentInput::Executable(digest)) => Input::Blob(*digest),
            (
                Agent::Url {
                    url,
                    mirrors,
                    sha256,
                    member,
                },
                _,
            ) => {
                let download = self.url("fetch/agent", *sha256, url, mirrors);
                let Some(member) = member else {
                    return download;
                };
                let extract = ExtractAgent {
                    archive: download,
                    member: member.clone(),
                };
                self.plan.add(
                    format!("{arch}/agent"),
                    Action::ExtractAgent(extract),
                    "agent",
                )
            }
            (Agent::Embedded | Agent::Path(_), _) => {
                unreachable!("inputs are gathered for the same manifest")
            }
        }
    }

    fn rootfs(&mut self, arch: Arch, agent: &Input) -> Input {
        let entries = self.inputs.entries.iter().map(|(path, entry)| {
            let entry = match entry.clone() {
                Entry::File {
                    content,
                    mode,
                    uid,
                    gid,
                } if content == Inputs::agent_placeholder() => Entry::File {
                    content: agent.clone(),
                    mode,
                    uid,
                    gid,
                },
                other => other,
            };
            (path.clone(), entry)
        });
        let assemble = Assemble {
            entries: entries.collect(),
        };
        self.plan.add(
            format!("{arch}/rootfs"),
            Action::Assemble(assemble),
            "entries",
        )
    }
}

pub(super) fn blob(named: &Named<crate::digest::Digest>) -> Named<Input> {
    Named {
        name: named.name.clone(),
        input: Input::Blob(named.input),
    }
}
