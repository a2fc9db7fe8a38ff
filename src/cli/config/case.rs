//! A kernel to ask about: its options, and the files that say what is requested of it, read as often as it is asked.

use std::{
    fs,
    path::{Path, PathBuf},
};

use miette::Diagnostic;

use super::super::{failure::Failure, pinned::FileError};
use crate::{
    arch::Arch,
    digest::Digest,
    kernel::{
        KernelError, configure,
        fragment::Fragment,
        merge::{Merged, merge},
        options::{self, Options, Question, Start},
        probe::Probed,
        profile::{self, Profile},
        version::KernelVersion,
    },
    manifest::{ConfigBase, Manifest},
    plan::{
        Assessment, Plan,
        action::{Action, Input, Probe},
    },
    step::StepKey,
    store::Store,
};

/// A kernel to ask about.
pub(in crate::cli) struct Case {
    /// Its options.
    pub(in crate::cli) options: Options,
    /// Its source tree.
    pub(in crate::cli) source: PathBuf,
    /// Its version.
    pub(in crate::cli) version: KernelVersion,
    /// The architecture.
    pub(in crate::cli) arch: Arch,
    pub(super) start: Start,
    pub(super) profile: Option<(PathBuf, String)>,
    pub(super) fragments: Vec<PathBuf>,
}

/// There is no single file of defaults.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error(
    "the defconfig of {0} is put together by the kernel's Makefile, from parts that only it knows"
)]
#[diagnostic(
    code(config::defconfig),
    help("name a .config file with `--base FILE`")
)]
struct NoDefconfig(Arch);

impl Case {
    /// Takes a manifest's kernel whose probe step was done: `plan` has it as its goal.
    pub(in crate::cli) fn of_manifest(
        manifest: &Manifest,
        arch: Arch,
        plan: &Plan,
        answers: Digest,
        fragments: &[PathBuf],
        store: &Store,
    ) -> Result<Self, Failure> {
        let source = source_of(plan, store)?;
        let probed = Probed::parse(&store.read(answers)?).map_err(Failure::work)?;
        let options = Options::read(&source, &probed).map_err(Failure::work)?;
        let start = match &manifest.kernel.base {
            ConfigBase::Allnoconfig => Start::Allnoconfig,
            ConfigBase::Defconfig => defconfig(&source, arch)?,
            ConfigBase::File(path) => Start::File(read(path)?),
        };
        let profile = manifest.kernel.profile.clone();
        Ok(Self {
            options,
            version: KernelVersion::of_tree(&source).map_err(Failure::work)?,
            source,
            arch,
            start,
            profile: Some((profile, manifest.kernel.localversion.clone())),
            fragments: fragments.to_vec(),
        })
    }

    /// Reads what is requested now.
    pub(super) fn merged(&self) -> Result<Merged, Failure> {
        Ok(self.requested()?.1)
    }

    /// Reads what is requested now, with the profile that says what may be lost.
    pub(in crate::cli) fn requested(&self) -> Result<(Profile, Merged), Failure> {
        let mut bad = Vec::new();
        let mut requests = Vec::new();
        let mut profile = Profile::default();
        if let Some((path, release)) = &self.profile {
            let loaded = profile::load(path, self.arch).map_err(Failure::input)?;
            let asked;
            (profile, _, asked) = loaded.read().map_err(Failure::input)?;
            requests = configure::all_requests(&profile, asked, release, self.version, self.arch);
        }
        for path in &self.fragments {
            let bytes = fs::read(path).map_err(|cause| {
                let path = path.clone();
                Failure::input(FileError::Read { path, cause })
            })?;
            match Fragment::parse(&path.display().to_string(), &bytes) {
                Ok(fragment) => requests.extend(fragment.requests),
                Err(wrong) => bad.push(wrong),
            }
        }
        if bad.is_empty() {
            Ok((profile, merge(requests, self.version)))
        } else {
            Err(Failure::input(KernelError::bad_input(bad)))
        }
    }

    /// Returns the question that these requests ask.
    pub(in crate::cli) fn question(&self, merged: &Merged) -> Question {
        self.options.question(&self.start, merged)
    }

    /// Returns the files that say what is requested, for who watches them.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        let mut files = self.fragments.clone();
        if let Some((profile, _)) = &self.profile {
            let room = profile.parent().unwrap_or(Path::new("")).join("..");
            files.push(profile.clone());
            if let Ok(loaded) = profile::load(profile, self.arch) {
                files.extend(loaded.fragments.iter().map(|(name, _)| room.join(name)));
            }
        }
        files
    }
}

pub(super) fn defconfig(source: &Path, arch: Arch) -> Result<Start, Failure> {
    options::defconfig(source, arch)
        .map_err(Failure::work)?
        .map(Start::Defconfig)
        .ok_or_else(|| Failure::input(NoDefconfig(arch)))
}

pub(super) fn read(path: &Path) -> Result<String, Failure> {
    let bytes = fs::read(path).map_err(|cause| {
        let path = path.to_owned();
        Failure::input(FileError::Read { path, cause })
    })?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Returns the source tree that a plan's probe step reads.
pub(super) fn source_of(plan: &Plan, store: &Store) -> Result<PathBuf, Failure> {
    let probe = &plan.step(plan.goal()).action;
    let Action::Probe(Probe { source, .. }) = probe else {
        unreachable!("the goal of a probe plan is its probe step")
    };
    let tree = match source {
        Input::Blob(digest) => *digest,
        Input::Output(output) => {
            let assessment = Assessment::new(plan, store);
            let products = assessment.products(&output.step);
            products.expect("what the goal was made of is in the store")[&output.name].digest()
        }
    };
    Ok(store.need_tree(StepKey(tree))?)
}
