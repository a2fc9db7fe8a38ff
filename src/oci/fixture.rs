//! A small guest for tests of this room: everything real but the kernel and the agent's code.

use std::{collections::BTreeMap, path::Path};

use tempfile::TempDir;

use super::{
    LayoutList, OciError,
    artifact::Facts,
    pack::pack_looking,
    truth::{Look, examine},
};
use crate::{
    agent,
    arch::Arch,
    bench::Bench,
    cancel::Cancel,
    digest::Digest,
    event::Silent,
    plan::action::{
        Action, Assemble, Entry, GuestProducts, InitrdCompression, Pack, PackInitrd, Ready,
    },
    rootfs,
    source::Network,
    step::{Products, StepId},
    store::Store,
};

/// The arguments of ELF headers: EM_X86_64 and EM_AARCH64, an executable, a loaded segment.
const MACHINES: [(Arch, u16); 2] = [(Arch::X86_64, 62), (Arch::Aarch64, 183)];

const LOOK: Look = Look {
    vmlinux: is_text_of_kernel,
    vmlinuz: is_text_of_kernel,
};

fn is_text_of_kernel(path: &Path, _: Arch) -> Result<(), String> {
    let text = std::fs::read(path).unwrap();
    let is_kernel = text.starts_with(b"kernel");
    is_kernel.then_some(()).ok_or("it is no kernel".to_owned())
}

/// A store with the products of a build.
pub(super) struct Fixture {
    pub(super) dir: TempDir,
    pub(super) store: Store,
}

impl Fixture {
    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("cache")).unwrap();
        Self { dir, store }
    }

    pub(super) fn put(&self, text: &str) -> Digest {
        self.store.put(text.as_bytes()).unwrap().0
    }

    /// Returns what there is to pack for these architectures.
    pub(super) fn action(&self, arches: &[Arch]) -> Pack<Digest> {
        Pack {
            name: "kata".to_owned(),
            version: "0.1.0".to_owned(),
            flavour: "default".to_owned(),
            guests: arches
                .iter()
                .map(|arch| (*arch, self.guest(*arch)))
                .collect(),
            budgets: BTreeMap::from([("vmlinux.container".to_owned(), 1000)]),
            annotations: BTreeMap::from([
                (
                    "dev.kata-artifacts.intended-use".to_owned(),
                    "tests".to_owned(),
                ),
                (
                    "org.opencontainers.image.licenses".to_owned(),
                    "GPL-2.0-only".to_owned(),
                ),
                // Ours wins.
                ("dev.kata-artifacts.toolchain".to_owned(), "mine".to_owned()),
            ]),
            lock: self.put("schema: 1\n"),
            manifest: self.put("schema: 1\nname: kata\n"),
        }
    }

    fn guest(&self, arch: Arch) -> GuestProducts<Digest> {
        let machine = MACHINES.iter().find(|(found, _)| *found == arch).unwrap().1;
        let agent = agent::tiny_elf(machine, 2, 1);
        let agent = self.store.put(&agent).unwrap().0;
        let entries = self.entries(agent);
        GuestProducts {
            source: "debian linux-source-6.12 6.12.57-1".to_owned(),
            toolchain: Some(Digest::of(b"toolchain")),
            vmlinux: Some(self.put(&format!("kernel of {arch}"))),
            vmlinuz: Some(self.put(&format!("kernel of {arch}, compressed"))),
            config: self.put("CONFIG_64BIT=y\n"),
            publish_config: true,
            config_report: self.put(r#"{"kernel":"6.12.57","features":{"vsock":{},"base":{}}}"#),
            system_map: Some(self.put("ffffffff81000000 T _text\n")),
            release: self.put("6.12.57-kata\n"),
            compiler: self.put("gcc (Debian 14.2.0-19) 14.2.0\n"),
            patches: None,
            epoch: self.put("1763510400"),
            initrd: self.initrd(entries),
            compression: InitrdCompression::Gzip,
            entries,
            agent,
            agent_origin: "embedded".to_owned(),
        }
    }

    /// Assembles a root file system that has this agent.
    pub(super) fn entries(&self, agent: Digest) -> Digest {
        self.assembled(agent)["entries"].digest()
    }

    /// As [`Fixture::entries`], and returns the step's products.
    pub(super) fn assembled(&self, agent: Digest) -> Products {
        let directory = Entry::Directory {
            mode: 0o755,
            uid: 0,
            gid: 0,
        };
        let init = Entry::File {
            content: agent,
            mode: 0o755,
            uid: 0,
            gid: 0,
        };
        let target = "sbin/init".to_owned();
        let assemble = Assemble {
            entries: BTreeMap::from([
                ("/init".to_owned(), Entry::Link { target }),
                ("/sbin".to_owned(), directory),
                ("/sbin/init".to_owned(), init),
            ]),
        };
        self.bench(Action::Assemble(assemble.clone()), |bench| {
            rootfs::assemble(bench, &assemble).unwrap()
        })
    }

    pub(super) fn initrd(&self, entries: Digest) -> Digest {
        let compression = InitrdCompression::Gzip;
        let pack = PackInitrd {
            entries,
            compression,
        };
        self.bench(Action::PackInitrd(pack.clone()), |bench| {
            rootfs::pack_initrd(bench, &pack).unwrap()["initrd"].digest()
        })
    }

    /// Packs, with kernels that are texts.
    pub(super) fn pack(&self, action: &Pack<Digest>) -> Result<LayoutList, OciError> {
        LayoutList::read(&self.store, self.products(action)?["layout"].digest())
    }

    /// As [`Fixture::pack`], and returns the step's products.
    pub(super) fn products(&self, action: &Pack<Digest>) -> Result<Products, OciError> {
        self.bench(Action::Pack(Box::new(action.clone())), |bench| {
            pack_looking(bench, action, &LOOK)
        })
    }

    /// Returns what is known of the x86_64 guest.
    pub(super) fn facts(&self, action: &Pack<Digest>) -> Facts {
        self.bench(Action::Pack(Box::new(action.clone())), |bench| {
            let facts = examine(bench, action, &LOOK).unwrap();
            facts[&Arch::X86_64].clone()
        })
    }

    fn bench<T>(&self, action: Action<Digest>, work: impl FnOnce(&Bench<'_>) -> T) -> T {
        let ready = Ready {
            id: StepId::new("test"),
            action,
        };
        let (network, cancel) = (Network::Off("--offline"), Cancel::new());
        let (key, log) = (ready.key(), self.dir.path().join("log"));
        let bench = Bench::new(
            &ready.id,
            key,
            &self.store,
            &network,
            1,
            &cancel,
            &Silent,
            log,
        )
        .unwrap();
        work(&bench)
    }
}
