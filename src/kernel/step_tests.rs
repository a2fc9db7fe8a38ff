//! The three steps, with programs that write fixed bytes in place of make and the compiler, and with the host's GNU
//! patch where it has one.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Mutex,
};

use super::{
    KernelError, compile, configure, image,
    merge::merge,
    options::{Options, Start},
    patch,
    probe::{Probed, probe},
};
use crate::{
    arch::Arch,
    bench::Bench,
    cancel::Cancel,
    digest::Digest,
    event::{Event, Sink},
    plan::action::{Base, Compile, Configure, Named, Patch, Probe},
    source::Network,
    step::{Product, Products, StepId, StepKey},
    store::Store,
    tool,
};

/// What a test works in: a store, a source tree in it, and programs that stand for the real ones.
pub(super) struct World {
    pub(super) room: tempfile::TempDir,
    pub(super) store: Store,
    pub(super) source: Digest,
    fakes: Vec<&'static str>,
    pub(super) warnings: Warnings,
}

#[derive(Default)]
pub(super) struct Warnings(pub(super) Mutex<Vec<String>>);

impl Sink for Warnings {
    fn take(&self, event: Event) {
        if let Event::Warning { text, .. } = event {
            self.0.lock().unwrap().push(text);
        }
    }
}

impl World {
    pub(super) fn new(files: &[(&str, &str)]) -> Self {
        let room = tempfile::tempdir().unwrap();
        let store = Store::open(&room.path().join("cache")).unwrap();
        let source = Digest::of(b"source");
        let tree = store.write_tree(StepKey(source)).unwrap();
        let at = tree.path().unwrap();
        let kernel = [
            ("Makefile", "VERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 117\n"),
            (
                "Kconfig",
                "config NET\n\tbool \"n\"\nconfig VSOCK\n\tbool \"v\"\n\tdepends on NET\nconfig OLD\n\tbool \"o\"\n\
                 config LOCALVERSION\n\tstring \"l\"\nconfig LOCALVERSION_AUTO\n\tbool \"a\"\n",
            ),
            ("scripts/kconfig/expr.h", "choice_members"),
            ("dropped", "nothing"),
        ];
        for (path, text) in kernel.iter().chain(files) {
            let path = at.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        fs::write(at.join("vmlinux"), image::tests::elf_file(62, Some(18))).unwrap();
        fs::write(at.join("bzImage"), image::tests::bzimage_file()).unwrap();
        tree.finish().unwrap();
        Self {
            room,
            store,
            source,
            fakes: vec!["kernel"],
            warnings: Warnings::default(),
        }
    }

    /// Puts the programs of `tests/fakes/<set>` before the others.
    pub(super) fn with(mut self, set: &'static str) -> Self {
        self.fakes.insert(0, set);
        self
    }

    pub(super) fn run<T>(&self, jobs: usize, work: impl FnOnce(&Bench<'_>) -> T) -> T {
        let (step, key) = (StepId::new("test"), StepKey(Digest::of(b"made")));
        let (network, cancel) = (Network::Off("--offline"), Cancel::new());
        let log = self.room.path().join("log");
        let (store, sink) = (&self.store, &self.warnings);
        let bench = Bench::new(&step, key, store, &network, jobs, &cancel, sink, log).unwrap();
        let fakes = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fakes");
        let path: String = self
            .fakes
            .iter()
            .map(|set| format!("{}:", fakes.join(set).display()))
            .collect();
        work(&bench.host_path(path + tool::PATH))
    }

    pub(super) fn put(&self, text: &str) -> Digest {
        self.store.put(text.as_bytes()).unwrap().0
    }

    pub(super) fn named(&self, name: &str, text: &str) -> Named<Digest> {
        Named {
            name: name.to_owned(),
            input: self.put(text),
        }
    }

    pub(super) fn text(&self, products: &Products, name: &str) -> String {
        String::from_utf8(self.store.read(products[name].digest()).unwrap()).unwrap()
    }

    pub(super) fn configure(
        &self,
        base: Base<Digest>,
        fragment: &str,
    ) -> Result<Products, KernelError> {
        let profile = "schema: 1\nname: t\nsummary: s\nfragments: {common: [f.conf]}\n";
        let action = Configure {
            source: self.source,
            toolchain: None,
            answers: self.put(r#"{"schema":1,"variables":{"srctree":"/src"},"answers":{}}"#),
            arch: Arch::X86_64,
            base,
            profile: self.named("profiles/t.yaml", profile),
            more: Vec::new(),
            fragments: vec![self.named("f.conf", fragment)],
            localversion: "-kata".to_owned(),
        };
        self.run(1, |bench| configure(bench, &action))
    }

    pub(super) fn compile(&self, jobs: usize) -> Result<Products, KernelError> {
        let action = Compile {
            source: self.source,
            toolchain: None,
            arch: Arch::X86_64,
            config: self.put("CONFIG_NET=y\n"),
            epoch: self.put("86400\n"),
        };
        self.run(jobs, |bench| compile(bench, &action))
    }

    pub(super) fn patch(&self, patches: &[(&str, &str)]) -> Result<Products, KernelError> {
        let action = Patch {
            source: self.source,
            toolchain: None,
            patches: patches
                .iter()
                .map(|(name, text)| self.named(name, text))
                .collect(),
        };
        self.run(1, |bench| patch(bench, &action))
    }

    pub(super) fn tree(&self, products: &Products) -> PathBuf {
        let Product::Tree { key } = products["tree"] else {
            panic!("the product is no tree");
        };
        self.store.need_tree(key).unwrap()
    }
}

const FRAGMENT: &str =
    "# reason: The agent's API.\n# feature: vsock\nCONFIG_NET=y\nCONFIG_VSOCK=y\n";

#[test]
fn a_configuration_holds_the_requests_and_the_manifests_release() {
    let world = World::new(&[]);
    let products = world.configure(Base::Allnoconfig, FRAGMENT).unwrap();
    insta::assert_snapshot!(world.text(&products, "config"), @r#"
    CONFIG_LOCALVERSION="-kata"
    # CONFIG_LOCALVERSION_AUTO is not set
    CONFIG_NET=y
    CONFIG_VSOCK=y
    "#);
    insta::assert_snapshot!(world.text(&products, "report"), @r#"
    {
      "schema": 1,
      "profile": "t",
      "kernel": "6.12.117",
      "architecture": "x86_64",
      "enabled": 3,
      "requests": 4,
      "met": 4,
      "failures": [],
      "waived": [],
      "skipped": [],
      "omitted": {},
      "warnings": [],
      "features": {
        "vsock": {
          "NET": {
            "value": "y",
            "at": "f.conf:3",
            "reason": "The agent's API."
          },
          "VSOCK": {
            "value": "y",
            "at": "f.conf:4",
            "reason": "The agent's API."
          }
        }
      }
    }
    "#);
}

#[test]
fn a_comment_in_a_fragment_does_not_change_the_configuration() {
    let world = World::new(&[]);
    let one = world.configure(Base::Allnoconfig, FRAGMENT).unwrap();
    let two = world
        .configure(Base::Allnoconfig, &format!("# A remark.\n\n{FRAGMENT}"))
        .unwrap();
    assert_eq!(one["config"], two["config"]);
    assert_ne!(one["report"], two["report"], "the lines are others");
}

#[test]
fn a_request_that_the_kernel_drops_stops_the_step() {
    let world = World::new(&[("dropped", "VSOCK")]);
    let fragment = "# feature: vsock\n\nCONFIG_VSOCK=y\n";
    let error = world.configure(Base::Allnoconfig, fragment).unwrap_err();
    let told = format!("{:?}", miette::Report::new(error));
    assert!(told.contains("1 of 3 requests"), "{told}");
    assert!(
        told.contains("f.conf:3  VSOCK  requested y, is not set"),
        "{told}"
    );
    assert!(
        told.contains("depends on NET (Kconfig:5), which is n"),
        "{told}"
    );
    assert!(told.contains("CONFIG_NET=y"), "{told}");
}

#[test]
fn a_conf_that_decides_otherwise_than_our_evaluation_stops_the_step() {
    let world = World::new(&[("dropped", "VSOCK")]);
    let error = world.configure(Base::Allnoconfig, FRAGMENT).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("\n  VSOCK: conf says it is not set, evaluated y"),
        "{error}"
    );
}

#[test]
fn the_toolchain_answers_what_the_kconfig_files_ask_and_nothing_of_this_machine_shows() {
    let text = "config A\n\tdef_bool $(success,test -e $(srctree)/Makefile)\nconfig B\n\tstring \"b\"\n\
                \tdefault \"$(shell,$(CC) --version) of $(SRCARCH) $(KERNELVERSION)\"\n\
                success = $(shell,{ $(1); } >/dev/null 2>&1 && echo y || echo n)\n";
    let text = text
        .split_once("success =")
        .map(|(options, macros)| format!("success ={macros}{options}"))
        .unwrap();
    let world = World::new(&[("Kconfig", &text)]);
    let action = Probe {
        source: world.source,
        toolchain: None,
        arch: Arch::X86_64,
    };
    let ask = |jobs| world.run(jobs, |bench| probe(bench, &action)).unwrap();
    let products = ask(1);
    assert_eq!(products, ask(3));
    let answers = world.text(&products, "answers");
    assert!(
        !answers.contains(world.room.path().to_str().unwrap()),
        "{answers}"
    );
    let source = world.store.need_tree(StepKey(world.source)).unwrap();
    let probed = Probed::parse(answers.as_bytes()).unwrap();
    let options = Options::read(&source, &probed).unwrap();
    let merged = merge([], "6.12".parse().unwrap());
    let question = options.question(&Start::File(String::new()), &merged);
    let config = options.answer(&question).dot_config();
    assert!(config.contains("CONFIG_A=y\n"), "{config}");
    assert!(
        config.contains("CONFIG_B=\"gcc (Fake) 14.2 more of x86 6.12.117\"\n"),
        "{config}"
    );
}

#[test]
fn requests_come_after_what_the_base_says() {
    let world = World::new(&[]);
    let base = world.put("CONFIG_OLD=y\n# CONFIG_NET is not set\n");
    let products = world
        .configure(Base::File(base), "CONFIG_NET=y\nCONFIG_NET=y\n")
        .unwrap();
    let config = world.text(&products, "config");
    assert!(config.starts_with("CONFIG_OLD=y\n"), "{config}");
    assert!(config.ends_with("CONFIG_NET=y\n"), "{config}");
    assert_eq!(
        *world.warnings.0.lock().unwrap(),
        ["NET=y is requested twice: f.conf:1 and f.conf:2"]
    );
}

#[test]
fn a_kernel_is_stamped_with_the_epoch_and_not_with_this_machine() {
    let world = World::new(&[]);
    let products = world.compile(1).unwrap();
    assert_eq!(products, world.compile(7).unwrap());
    assert_eq!(world.text(&products, "release"), "6.12.117-kata");
    assert_eq!(world.text(&products, "compiler"), "gcc (Fake) 14.2");
    insta::assert_snapshot!(world.text(&products, "system-map"), @r"
    KBUILD_BUILD_TIMESTAMP=Fri Jan  2 00:00:00 UTC 1970
    KBUILD_BUILD_USER=build
    KBUILD_BUILD_HOST=kata-artifacts
    KBUILD_BUILD_VERSION=1
    ");
}

#[test]
fn a_failed_compilation_tells_the_first_complaint() {
    let error = World::new(&[("broken.c", "")]).compile(1).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the kernel does not compile: init/main.c:1:2: error: expected expression"
    );
}

#[test]
fn a_configuration_that_compiling_changes_is_refused() {
    let error = World::new(&[("touch", "")]).compile(1).unwrap_err();
    assert!(error.to_string().ends_with("\n  + CONFIG_NEW=y"), "{error}");
}

#[test]
fn a_kernel_without_a_pvh_note_is_refused() {
    let world = World::new(&[]).with("objcopy-cuts");
    assert!(matches!(world.compile(1), Err(KernelError::Image { .. })));
}
