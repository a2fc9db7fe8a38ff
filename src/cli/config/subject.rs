//! Which kernel a question is about: a manifest's, or a tree on disk; and how its options come to be known: out of the
//! store, or by asking a compiler. What is requested of it is for `case`.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use clap::ValueEnum;
use miette::Diagnostic;
use walkdir::WalkDir;

use super::super::{
    MANIFEST, failure::Failure, make::make, output::tell, pinned::pinned, session::Session,
};
use super::case::{Case, defconfig, read};
use crate::{
    arch::Arch,
    digest::Digest,
    kconfig::oracle::Answers,
    kernel::{
        options::{Options, Start},
        probe::{self},
        version::KernelVersion,
    },
    manifest::Manifest,
    plan::{
        self,
        action::{Action, Probe, Ready},
    },
    step::{Product, Products, StepId, StepKey},
    store::{Record, Store},
    tool::{self, Place},
};

/// The kernel to ask about, as options of a verb.
#[derive(Debug, clap::Args)]
pub(super) struct Subject {
    /// Ask about the kernel of this manifest [default: manifests/kata.yaml]
    #[arg(long, short, value_name = "MANIFEST")]
    pub(super) manifest: Option<PathBuf>,

    /// Ask about the kernel source tree in this directory instead
    #[arg(long, value_name = "DIR", requires = "arch")]
    tree: Option<PathBuf>,

    /// The architecture, as Kata or the kernel calls it [default: the manifest's first]
    #[arg(long, value_name = "ARCH")]
    arch: Option<Arch>,

    /// What the configuration of a tree starts from: allnoconfig, defconfig, or a .config file [default: allnoconfig]
    #[arg(long, value_name = "BASE", requires = "tree")]
    base: Option<String>,

    /// Whose compiler answers what a tree's options depend on [default: host]
    #[arg(long, value_enum, value_name = "WHOSE", requires = "tree")]
    toolchain: Option<Whose>,
}

/// Whose compiler is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Whose {
    /// The host's.
    Host,
    /// The one that the manifest's lock pins, in the sandbox.
    Locked,
}

/// The kernel cannot be asked about.
#[derive(Debug, thiserror::Error, Diagnostic)]
enum SubjectError {
    /// The manifest is not for this architecture.
    #[error("`{}` does not build for {arch}: it names {}", manifest.display(), names.join(", "))]
    #[diagnostic(
        code(config::arch),
        help("add it to `architectures`, or leave --arch out")
    )]
    NotBuilt {
        /// The manifest.
        manifest: PathBuf,
        /// The architecture.
        arch: Arch,
        /// Those that it names.
        names: Vec<String>,
    },
}

impl Subject {
    /// Reads the kernel's options, with these fragments added to what is requested. Fetches, unpacks and asks the compiler
    /// where the store does not know yet.
    pub(super) fn case(&self, fragments: &[PathBuf], session: &Session) -> Result<Case, Failure> {
        let store = session.store()?;
        match &self.tree {
            None => self.of_manifest(fragments, session, &store),
            Some(tree) => self.of_tree(tree, fragments, session, &store),
        }
    }

    /// Returns the files that decide what is requested, with the manifest's.
    pub(super) fn manifest(&self) -> &Path {
        self.manifest.as_deref().unwrap_or(Path::new(MANIFEST))
    }

    fn of_manifest(
        &self,
        fragments: &[PathBuf],
        session: &Session,
        store: &Store,
    ) -> Result<Case, Failure> {
        let (pinned, texts) = pinned(self.manifest(), "config", session, store)?;
        let manifest = &pinned.manifest;
        let arch = self.architecture(manifest)?;
        let inputs = plan::gather(&pinned, &texts.manifest, &texts.lock, &session.path, store)
            .map_err(Failure::input)?;
        let plan = plan::draft_probe(&pinned, &inputs, Arch::host(), arch);
        let out = Path::new("out").join(&manifest.name);
        let products = make(&plan, manifest, None, &out, session, store)?;
        let answers = products["answers"].digest();
        Case::of_manifest(manifest, arch, &plan, answers, fragments, store)
    }

    fn of_tree(
        &self,
        tree: &Path,
        fragments: &[PathBuf],
        session: &Session,
        store: &Store,
    ) -> Result<Case, Failure> {
        let arch = self.arch.expect("--tree requires --arch");
        let version = KernelVersion::of_tree(tree).map_err(Failure::input)?;
        let start = match self.base.as_deref() {
            None | Some("allnoconfig") => Start::Allnoconfig,
            Some("defconfig") => defconfig(tree, arch)?,
            Some(path) => Start::File(read(Path::new(path))?),
        };
        let (place, identity) = match self.toolchain.unwrap_or(Whose::Host) {
            Whose::Host => {
                let path = session.path.clone();
                let tools = tool::host_tools(&path);
                (Place::Host { path }, digest_of(&tools))
            }
            Whose::Locked => self.locked(session, store)?,
        };
        let options = asked(tree, arch, &place, identity, session, store)?;
        Ok(Case {
            options,
            source: tree.to_owned(),
            version,
            arch,
            start,
            profile: None,
            fragments: fragments.to_vec(),
        })
    }

    /// Unpacks the locked toolchain; returns it with what identifies it.
    fn locked(&self, session: &Session, store: &Store) -> Result<(Place, Digest), Failure> {
        let (pinned, texts) = pinned(self.manifest(), "config", session, store)?;
        let inputs = plan::gather(&pinned, &texts.manifest, &texts.lock, &session.path, store)
            .map_err(Failure::input)?;
        let plan = plan::draft_toolchain(&pinned, &inputs, Arch::host());
        let out = Path::new("out").join(&pinned.manifest.name);
        let products = make(&plan, &pinned.manifest, None, &out, session, store)?;
        let key = products["tree"].digest();
        let place = Place::Sandbox(store.need_tree(StepKey(key))?);
        Ok((place, key))
    }

    fn architecture(&self, manifest: &Manifest) -> Result<Arch, Failure> {
        let names = &manifest.architectures;
        match self.arch {
            None => Ok(names[0]),
            Some(arch) if names.contains(&arch) => Ok(arch),
            Some(arch) => Err(Failure::input(SubjectError::NotBuilt {
                manifest: self.manifest().to_owned(),
                arch,
                names: names.iter().map(ToString::to_string).collect(),
            })),
        }
    }
}

/// Reads the options of a tree on disk. What a toolchain answered is kept in the store, by the toolchain and by all of the
/// tree's scripts, which the questions run.
fn asked(
    tree: &Path,
    arch: Arch,
    place: &Place,
    toolchain: Digest,
    session: &Session,
    store: &Store,
) -> Result<Options, Failure> {
    let ready = Ready {
        id: StepId::new("config/probe"),
        action: Action::Probe(Probe {
            source: scripts(tree)?,
            toolchain: Some(toolchain),
            arch,
        }),
    };
    let key = ready.key();
    let known = store
        .record(key)
        .filter(|record| store.holds(record))
        .and_then(|record| store.read(record.products["answers"].digest()).ok())
        .and_then(|bytes| serde_json::from_slice::<Answers>(&bytes).ok())
        .unwrap_or_default();
    let before = known.len();
    if before == 0 {
        tell("asking the compiler what the options depend on");
    }
    let scratch = store.scratch("probe")?;
    let mut run =
        |invocation: &tool::Invocation| tool::run(place, invocation, &session.cancel, &mut |_| {});
    let jobs = Session::jobs(None);
    let (read, probed) = probe::ask(tree, arch, known, scratch.path(), jobs, &mut run)
        .map_err(|error| session.failure(error))?;
    if probed.answers.len() > before {
        let text = serde_json::to_vec(&probed.answers).expect("answers are plain data");
        let (digest, size) = store.put(&text)?;
        store.put_record(&Record {
            key,
            plan: "config".to_owned(),
            id: ready.id.clone(),
            action: serde_json::to_value(&ready.action).expect("an action is plain data"),
            products: Products::from([("answers".to_owned(), Product::Blob { digest, size })]),
        })?;
    }
    Options::new(tree, &read).map_err(Failure::work)
}

/// Returns the digest of everything in the tree that questions may run.
fn scripts(tree: &Path) -> Result<Digest, Failure> {
    let mut found = BTreeMap::new();
    let scripts = WalkDir::new(tree.join("scripts"))
        .max_depth(2)
        .sort_by_file_name();
    let more = WalkDir::new(tree.join("arch"))
        .min_depth(3)
        .max_depth(3)
        .sort_by_file_name();
    for entry in scripts.into_iter().chain(more).flatten() {
        let name = entry.file_name().to_string_lossy();
        let runs = name.ends_with(".sh") || name.ends_with(".pl") || name.ends_with(".py");
        if runs && let Ok((digest, _)) = Digest::of_file(entry.path()) {
            found.insert(
                entry
                    .path()
                    .strip_prefix(tree)
                    .unwrap_or(entry.path())
                    .to_owned(),
                digest,
            );
        }
    }
    Ok(digest_of(&found))
}

fn digest_of(value: &impl serde::Serialize) -> Digest {
    Digest::of(&serde_json::to_vec(value).expect("digests by name are plain data"))
}
