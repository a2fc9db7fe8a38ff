//! What a manifest's names mean now: the only place that asks the network. Releases are verified, indexes are read by
//! the digests they name, every list of packages is closed; the outcome is a [`Lock`]. Nothing is written here.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{
    Lock, Package, Release, Requests, SCHEMA, Use,
    indexes::{Releases, ask, read_indexes, views},
};
use crate::{
    arch::Arch,
    debian::{
        archive::{Archive, ArchiveError, archive_of},
        closure::{Closure, close},
        index::IndexError,
        openpgp::Keyring,
        problem::Problem,
        release::{self, ReleaseError},
        universe::Universe,
    },
    digest::Digest,
};

/// Which pins of an old lock may move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Moves {
    /// None that the archive still has and that still fits.
    Nothing,
    /// These packages, and what they then need.
    Named(Vec<String>),
    /// All of them.
    Everything,
}

/// Names could not be resolved.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum ResolveError {
    /// A mirror did not answer as it should.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Archive(#[from] ArchiveError),
    /// A release is not to be believed.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Release(#[from] ReleaseError),
    /// An index cannot be read.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Index(#[from] IndexError),
    /// A release has no such index.
    #[error("suite `{suite}` has no component `{component}` for {architecture}")]
    #[diagnostic(
        code(lock::no_index),
        help(
            "its release lists {has}; see `debian.components` and `architectures` in the manifest"
        )
    )]
    NoIndex {
        /// The suite.
        suite: String,
        /// The component.
        component: String,
        /// Debian's name of the architecture.
        architecture: String,
        /// The indexes it does have.
        has: String,
    },
    /// A mirror gave an older release than the lock has.
    #[error("the mirror's release of `{suite}` is of {found}, older than the lock's of {locked}")]
    #[diagnostic(
        code(lock::older_release),
        help("the mirror is out of date, or somebody plays back old releases; try another mirror")
    )]
    OlderRelease {
        /// The suite.
        suite: String,
        /// The date of the mirror's.
        found: String,
        /// The date of the lock's.
        locked: String,
    },
    /// A package named for an update is not in the lock.
    #[error("`{name}` is not in the lock, so it cannot be updated")]
    #[diagnostic(code(lock::not_pinned), help("{}", nearest.as_ref().map_or_else(
        || "run `kata-artifacts lock` after adding it to the manifest".to_owned(),
        |nearest| format!("did you mean `{nearest}`?"),
    )))]
    NotPinned {
        /// The name.
        name: String,
        /// The name in the lock that is most like it.
        nearest: Option<String>,
    },
    /// The lists of packages cannot be closed.
    #[error("the manifest's packages do not resolve for {machine} machines")]
    #[diagnostic(code(lock::unsolvable))]
    Unsolvable {
        /// The architecture.
        machine: Arch,
        /// Everything that is in the way.
        #[related]
        problems: Vec<Problem>,
    },
}

/// Returns what the requested names mean now, for machines of the given architectures.
///
/// # Errors
/// A mirror fails, a release is not to be believed, or packages do not resolve.
pub fn resolve(
    requests: &Requests,
    machines: &[Arch],
    keys: &Keyring,
    archive: &dyn Archive,
    now: Timestamp,
) -> Result<Lock, ResolveError> {
    let releases = ask(requests, keys, archive, now)?;
    lock(requests, machines, &releases, archive, &BTreeSet::new())
}

/// As [`resolve`], but a pin of `old` stays where it may not move, if the archive still has it and it still fits.
///
/// # Errors
/// As [`resolve`]; a name that is not in the lock; a release older than the lock's.
pub fn update(
    old: &Lock,
    moves: &Moves,
    requests: &Requests,
    machines: &[Arch],
    keys: &Keyring,
    archive: &dyn Archive,
    now: Timestamp,
) -> Result<Lock, ResolveError> {
    let pins = pins(old, moves)?;
    let releases = ask(requests, keys, archive, now)?;
    for (suite, release) in &releases {
        if let Some(locked) = old.releases.get(suite)
            && locked.date.parse().is_ok_and(|date| release.date < date)
        {
            return Err(ResolveError::OlderRelease {
                suite: suite.clone(),
                found: release.date.to_string(),
                locked: locked.date.clone(),
            });
        }
    }
    lock(requests, machines, &releases, archive, &pins)
}

/// Returns the version that the archive has now of a package, when it can be asked and has one.
#[must_use]
pub fn newest(
    name: &str,
    machine: Arch,
    requests: &Requests,
    keys: &Keyring,
    archive: &dyn Archive,
    now: Timestamp,
) -> Option<String> {
    let releases = ask(requests, keys, archive, now).ok()?;
    let indexes = read_indexes(requests, machine, &releases, archive).ok()?;
    let universe = Universe::new(machine.debian(), &views(&indexes), &BTreeSet::new());
    universe
        .candidate(name)
        .map(|candidate| candidate.package.version.to_string())
}

/// Returns the digests of the packages that stay where they are.
fn pins(old: &Lock, moves: &Moves) -> Result<BTreeSet<Digest>, ResolveError> {
    let all = || old.packages.values().flatten();
    let named: &[String] = match moves {
        Moves::Everything => return Ok(BTreeSet::new()),
        Moves::Named(names) => names,
        Moves::Nothing => &[],
    };
    for name in named {
        if !all().any(|package| package.name == *name) {
            let nearest = all()
                .map(|package| {
                    (
                        strsim::damerau_levenshtein(name, &package.name),
                        &package.name,
                    )
                })
                .min()
                .filter(|(distance, _)| *distance <= name.len() / 3 + 1);
            return Err(ResolveError::NotPinned {
                name: name.clone(),
                nearest: nearest.map(|(_, name)| name.clone()),
            });
        }
    }
    Ok(all()
        .filter(|package| !named.contains(&package.name))
        .map(|package| package.sha256)
        .collect())
}

fn lock(
    requests: &Requests,
    machines: &[Arch],
    releases: &Releases,
    archive: &dyn Archive,
    pins: &BTreeSet<Digest>,
) -> Result<Lock, ResolveError> {
    let mut packages = BTreeMap::new();
    // One machine at a time: an index takes tens of MiB.
    for &machine in machines {
        if requests.packages.is_empty() {
            break;
        }
        let indexes = read_indexes(requests, machine, releases, archive)?;
        let universe = Universe::new(machine.debian(), &views(&indexes), pins);
        packages.insert(machine, solve(requests, machine, universe)?);
    }
    let releases = releases
        .iter()
        .map(|(suite, release)| (suite.clone(), locked(suite, release)))
        .collect();
    Ok(Lock {
        schema: SCHEMA,
        requests: requests.clone(),
        releases,
        packages,
    })
}

fn locked(suite: &str, release: &release::Release) -> Release {
    Release {
        archive: archive_of(suite).to_owned(),
        version: release.version.clone(),
        date: release.date.to_string(),
        sha256: release.sha256,
        signed_by: release.signed_by.clone(),
    }
}

/// Closes every use's list; takes back pins that stand in the way, and only those.
fn solve(
    requests: &Requests,
    machine: Arch,
    mut universe: Universe<'_>,
) -> Result<Vec<Package>, ResolveError> {
    loop {
        let mut problems = Vec::new();
        let mut chosen: BTreeMap<String, Package> = BTreeMap::new();
        for (what, names) in &requests.packages {
            match wanted(*what, &universe, names) {
                Ok(closure) => add(&mut chosen, *what, &closure),
                Err(more) => problems.extend(more),
            }
        }
        if problems.is_empty() {
            return Ok(chosen.into_values().collect());
        }
        if !universe.unpin(&problems) {
            return Err(ResolveError::Unsolvable { machine, problems });
        }
    }
}

/// Returns the packages that a use needs. Of a kernel's source only the archive is needed, not what would build it.
fn wanted<'a>(
    what: Use,
    universe: &Universe<'a>,
    names: &[String],
) -> Result<Closure<'a>, Vec<Problem>> {
    match what {
        Use::Toolchain | Use::Vmm => close(universe, names),
        Use::Kernel => names
            .iter()
            .map(|name| match universe.candidate(name) {
                Some(candidate) => Ok((candidate.name(), candidate)),
                None => Err(vec![universe.unknown(name)]),
            })
            .collect(),
    }
}

fn add(chosen: &mut BTreeMap<String, Package>, what: Use, closure: &Closure<'_>) {
    for (name, candidate) in closure {
        let package = candidate.package;
        chosen
            .entry((*name).to_owned())
            .or_insert_with(|| Package {
                name: (*name).to_owned(),
                version: package.version.to_string(),
                architecture: package.architecture.to_string(),
                suite: candidate.suite.to_owned(),
                path: package.path.to_string(),
                size: package.size,
                sha256: package.sha256,
                uses: Vec::new(),
            })
            .uses
            .push(what);
    }
}
