//! What a plan takes from this disk: read once, put into the store, known by digest from then on.

use std::{collections::BTreeMap, io, path::PathBuf};

use super::action::{Entry, Input, Named};
use crate::{
    arch::Arch,
    digest::Digest,
    kernel,
    lock::Pinned,
    manifest::{Agent, ConfigBase, KernelSource, Toolchain},
    rootfs,
    step::{OutputRef, StepId},
    store::Store,
    tool,
};

/// Everything local that a manifest names, by digest; the bytes are in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inputs {
    /// The manifest's text.
    pub manifest: Digest,
    /// The lock's text.
    pub lock: Digest,
    /// The host's tools, when they are the toolchain: digests by name.
    pub host_tools: BTreeMap<String, Digest>,
    /// The kernel's source, when it is on this disk.
    pub source: SourceInput,
    /// Certificates that may have signed a source tarball.
    pub source_keys: Vec<Digest>,
    /// Patches in the order in which they apply, named `<series>/<file>`.
    pub patches: Vec<Named<Digest>>,
    /// The `.config` that the configuration starts from, when the manifest names one.
    pub base: Option<Digest>,
    /// The profile.
    pub profile: Named<Digest>,
    /// What the profile extends, and lists of waivers in Kata's form.
    pub profile_more: Vec<Named<Digest>>,
    /// Fragments in merging order.
    pub fragments: BTreeMap<Arch, Vec<Named<Digest>>>,
    /// The agent.
    pub agent: AgentInput,
    /// The root file system; the agent's bytes are [`Inputs::agent_placeholder`].
    pub entries: BTreeMap<String, Entry<Input>>,
}

/// What was read of a kernel's source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceInput {
    /// Nothing: it is fetched.
    Elsewhere,
    /// The digest of the tree's listing.
    Listing(Digest),
}

/// What was read of the agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AgentInput {
    /// The embedded agent's sources.
    Embedded {
        /// Every file.
        sources: Vec<Named<Digest>>,
        /// Its `Cargo.toml`.
        manifest: Digest,
        /// Its `Cargo.lock`.
        lock: Digest,
    },
    /// An executable.
    Executable(Digest),
    /// Nothing: it is fetched.
    Elsewhere,
}

impl Inputs {
    /// Returns what stands for the agent's bytes until an architecture is chosen.
    #[must_use]
    pub fn agent_placeholder() -> Input {
        Input::Output(OutputRef {
            step: StepId::new("agent"),
            name: "agent".to_owned(),
        })
    }
}

/// What a manifest names on this disk could not be read.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum InputsError {
    /// The profile or a fragment.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Kernel(#[from] kernel::KernelError),
    /// The root file system.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Rootfs(#[from] crate::rootfs::RootfsError),
    /// The store.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Store(#[from] crate::store::StoreError),
    /// A directory of patches cannot be read.
    #[error("cannot read the patches in `{}`", path.display())]
    #[diagnostic(code(plan::patches))]
    Patches {
        /// The directory.
        path: PathBuf,
        /// The cause.
        #[source]
        cause: io::Error,
    },
    /// A directory of patches holds none.
    #[error("there is no `*.patch` in `{}`", path.display())]
    #[diagnostic(
        code(plan::no_patches),
        help("take the series out of `kernel.patches`, or put its patches there")
    )]
    NoPatches {
        /// The directory.
        path: PathBuf,
    },
    /// The kernel's source tree cannot be listed.
    #[error("cannot list the kernel's source in `{}`", path.display())]
    #[diagnostic(code(plan::source))]
    Source {
        /// The tree.
        path: PathBuf,
        /// The cause.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Reads everything local that a pinned manifest names, and puts it into the store. `manifest` and `lock` are the texts
/// of the two files, `host_path` is where the host's tools are looked for, as in `PATH`.
///
/// # Errors
/// The first of [`InputsError`] that is met; what a room can report all at once, it does.
pub fn gather(
    pinned: &Pinned,
    manifest: &str,
    lock: &str,
    host_path: &str,
    store: &Store,
) -> Result<Inputs, InputsError> {
    let read = &pinned.manifest;
    let mut fragments = BTreeMap::new();
    let mut profile = None;
    let mut profile_more = Vec::new();
    for &arch in &read.architectures {
        let loaded = kernel::profile::load(&read.kernel.profile, arch)?;
        let all = |files: &[(String, String)]| {
            let named = |(name, text): &(String, String)| put_named(store, name, text.as_bytes());
            files.iter().map(named).collect::<Result<Vec<_>, _>>()
        };
        fragments.insert(arch, all(&loaded.fragments)?);
        profile_more = all(&loaded.more)?;
        profile = Some(put_named(
            store,
            &loaded.profile_name,
            loaded.profile_text.as_bytes(),
        )?);
    }
    let base = match &read.kernel.base {
        ConfigBase::File(path) => Some(store.put_file(path)?.0),
        ConfigBase::Allnoconfig | ConfigBase::Defconfig => None,
    };
    let source_keys = match &read.kernel.source {
        KernelSource::Tarball {
            signature: Some(signature),
            ..
        } => signature
            .keys
            .iter()
            .map(|key| Ok(store.put_file(key)?.0))
            .collect::<Result<_, InputsError>>()?,
        _ => Vec::new(),
    };
    Ok(Inputs {
        manifest: store.put(manifest.as_bytes())?.0,
        lock: store.put(lock.as_bytes())?.0,
        host_tools: match read.toolchain {
            Toolchain::Host => tool::host_tools(host_path),
            Toolchain::Locked(_) => BTreeMap::new(),
        },
        source: source(&read.kernel.source)?,
        source_keys,
        patches: read_patches(&read.kernel.patches)?
            .into_iter()
            .map(|(name, path)| {
                let input = store.put_file(&path)?.0;
                Ok(Named { name, input })
            })
            .collect::<Result<_, InputsError>>()?,
        base,
        profile: profile.expect("a manifest names at least one architecture"),
        profile_more,
        fragments,
        agent: agent(&read.agent, store)?,
        entries: rootfs::declare(
            &read.rootfs,
            Inputs::agent_placeholder(),
            &mut rootfs::import_into(store),
        )?,
    })
}

fn put_named(store: &Store, name: &str, bytes: &[u8]) -> Result<Named<Digest>, InputsError> {
    Ok(Named {
        name: name.to_owned(),
        input: store.put(bytes)?.0,
    })
}

fn source(source: &KernelSource) -> Result<SourceInput, InputsError> {
    let KernelSource::Path(path) = source else {
        return Ok(SourceInput::Elsewhere);
    };
    let listing = crate::source::listing(path).map_err(|cause| InputsError::Source {
        path: path.clone(),
        cause: cause.into(),
    })?;
    Ok(SourceInput::Listing(listing))
}

/// Returns every patch of these series by its name `<series>/<file>`: series in the given order, each by file name. That
/// each is a patch is checked too, so that a build does not fail later for what can be seen now.
///
/// # Errors
/// A series cannot be read or holds no patch; everything that is wrong with the patches.
pub fn read_patches(series: &[PathBuf]) -> Result<Vec<(String, PathBuf)>, InputsError> {
    let mut all = Vec::new();
    let mut bad = Vec::new();
    for directory in series {
        let failed = |cause| InputsError::Patches {
            path: directory.clone(),
            cause,
        };
        let mut files = Vec::new();
        for entry in std::fs::read_dir(directory).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path
                .extension()
                .is_some_and(|extension| extension == "patch")
            {
                files.push(path);
            }
        }
        files.sort();
        if files.is_empty() {
            let path = directory.clone();
            return Err(InputsError::NoPatches { path });
        }
        let series = directory.file_name().unwrap_or_default().to_string_lossy();
        for path in files {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let name = format!("{series}/{name}");
            let bytes = std::fs::read(&path).map_err(failed)?;
            bad.extend(kernel::diff::touched(&name, &bytes).err());
            all.push((name, path));
        }
    }
    if bad.is_empty() {
        Ok(all)
    } else {
        Err(kernel::KernelError::bad_input(bad).into())
    }
}

fn agent(agent: &Agent, store: &Store) -> Result<AgentInput, InputsError> {
    Ok(match agent {
        Agent::Path(path) => AgentInput::Executable(store.put_file(path)?.0),
        Agent::Url { .. } => AgentInput::Elsewhere,
        Agent::Embedded => {
            let sources = crate::agent::import_sources(store)?;
            let find = |wanted: &str| {
                let named = sources.iter().find(|named| named.name == wanted);
                named
                    .expect("the embedded agent is a crate with a lock")
                    .input
            };
            AgentInput::Embedded {
                manifest: find(crate::agent::MANIFEST),
                lock: find(crate::agent::LOCK),
                sources,
            }
        }
    })
}
