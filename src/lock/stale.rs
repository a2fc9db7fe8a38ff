//! Whether a lock belongs to a manifest, decided offline: [`pin`] is the only way to a [`Pinned`], which later stages
//! ask for. What the lock should say instead is for `resolve`.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use super::{Lock, Package, Release, Requests, Use};
use crate::{
    arch::Arch,
    manifest::{KernelSource, Manifest, Root, Toolchain},
};

/// A manifest and the lock that belongs to it, for building on one machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pinned {
    /// The manifest.
    pub manifest: Manifest,
    /// The lock.
    pub lock: Lock,
    machine: Arch,
}

/// A manifest and a lock that do not belong together.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("the lock does not belong to the manifest{}", list(differences))]
#[diagnostic(
    code(lock::stale),
    help(
        "`kata-artifacts lock {0}` brings the lock up to date and keeps the pins that are still right; `kata-artifacts update -m {0}` moves them too",
        manifest.display()
    )
)]
pub struct StaleLock {
    /// The manifest's file.
    pub manifest: PathBuf,
    /// Every difference.
    pub differences: Vec<Difference>,
}

/// One difference between a manifest and a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// A list is not the same: what it is a list of, the manifest's, the lock's.
    List(&'static str, Vec<String>, Vec<String>),
    /// The manifest asks for a package that the lock was not made for.
    Unlocked(Use, String),
    /// The lock was made for a package that the manifest does not ask for.
    Unwanted(Use, String),
    /// The lock has no packages for machines of this architecture.
    Machine(Arch),
    /// The lock was made for a package, and does not have it.
    Missing(Use, String, Arch),
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::List(what, manifest, lock) => write!(
                f,
                "{what}: the manifest says {}, the lock {}",
                words(manifest),
                words(lock)
            ),
            Self::Unlocked(what, name) => {
                write!(f, "{what}: `{name}` is in the manifest, not in the lock")
            }
            Self::Unwanted(what, name) => {
                write!(f, "{what}: `{name}` is in the lock, not in the manifest")
            }
            Self::Machine(arch) => write!(f, "the lock has no packages for {arch} machines"),
            Self::Missing(what, name, arch) => write!(
                f,
                "{what}: `{name}` was locked, but is not among the packages for {arch}"
            ),
        }
    }
}

fn words(list: &[String]) -> String {
    if list.is_empty() {
        "nothing".to_owned()
    } else {
        format!("`{}`", list.join(" "))
    }
}

fn list(differences: &[Difference]) -> String {
    differences.iter().map(|d| format!("\n  {d}")).collect()
}

/// Returns what a manifest asks of a lock.
#[must_use]
pub fn requests(manifest: &Manifest) -> Requests {
    let mut packages = BTreeMap::new();
    if let KernelSource::Debian { package } = &manifest.kernel.source {
        packages.insert(Use::Kernel, vec![package.clone()]);
    }
    if let Toolchain::Locked(root) = &manifest.toolchain {
        packages.insert(Use::Toolchain, names(root));
    }
    if let Some(root) = &manifest.guest.vmm {
        packages.insert(Use::Vmm, names(root));
    }
    Requests {
        suites: manifest.debian.suites.clone(),
        components: manifest.debian.components.clone(),
        packages,
    }
}

fn names(root: &Root) -> Vec<String> {
    let mut names = root.packages.clone();
    names.sort();
    names.dedup();
    names
}

/// Joins a manifest with its lock, for building on a machine of architecture `machine`. Never asks the network.
///
/// # Errors
/// They do not belong together: every difference.
pub fn pin(manifest: Manifest, lock: Lock, machine: Arch) -> Result<Pinned, StaleLock> {
    let wanted = requests(&manifest);
    let mut differences = compare(&wanted, &lock.requests);
    match lock.packages.get(&machine) {
        None if !wanted.packages.is_empty() => differences.push(Difference::Machine(machine)),
        None => {}
        Some(packages) => differences.extend(missing(&wanted, &lock.requests, packages, machine)),
    }
    if differences.is_empty() {
        Ok(Pinned {
            manifest,
            lock,
            machine,
        })
    } else {
        Err(StaleLock {
            manifest: manifest.path,
            differences,
        })
    }
}

fn compare(wanted: &Requests, locked: &Requests) -> Vec<Difference> {
    let mut differences = Vec::new();
    for (what, manifest, lock) in [
        ("suites", &wanted.suites, &locked.suites),
        ("components", &wanted.components, &locked.components),
    ] {
        if manifest != lock {
            differences.push(Difference::List(what, manifest.clone(), lock.clone()));
        }
    }
    let empty = Vec::new();
    for what in Use::ALL {
        let wanted = wanted.packages.get(&what).unwrap_or(&empty);
        let locked = locked.packages.get(&what).unwrap_or(&empty);
        // One name in another's place, or a use that is gone, is one difference.
        if wanted.is_empty() != locked.is_empty() || (what == Use::Kernel && wanted != locked) {
            differences.push(Difference::List(
                what.name(),
                wanted.clone(),
                locked.clone(),
            ));
            continue;
        }
        let not_in = |names: &[String], others: &[String]| -> Vec<String> {
            names
                .iter()
                .filter(|n| !others.contains(n))
                .cloned()
                .collect()
        };
        let unlocked = not_in(wanted, locked).into_iter();
        differences.extend(unlocked.map(|name| Difference::Unlocked(what, name)));
        let unwanted = not_in(locked, wanted).into_iter();
        differences.extend(unwanted.map(|name| Difference::Unwanted(what, name)));
    }
    differences
}

/// Returns what the lock was made for, the manifest still asks for and the lock does not have: somebody edited it.
fn missing(
    wanted: &Requests,
    requests: &Requests,
    packages: &[Package],
    machine: Arch,
) -> Vec<Difference> {
    let asked = |what: &Use, name: &String| {
        wanted
            .packages
            .get(what)
            .is_some_and(|names| names.contains(name))
    };
    let has = |what: Use, name: &str| {
        packages
            .iter()
            .any(|package| package.name == name && package.uses.contains(&what))
    };
    requests
        .packages
        .iter()
        .flat_map(|(what, names)| names.iter().map(|name| (*what, name)))
        .filter(|(what, name)| asked(what, name) && !has(*what, name))
        .map(|(what, name)| Difference::Missing(what, name.clone(), machine))
        .collect()
}

impl Pinned {
    /// Returns the architecture of the machine that builds.
    #[must_use]
    pub fn machine(&self) -> Arch {
        self.machine
    }

    /// Returns the packages pinned for a use on this machine, sorted by name.
    pub fn packages(&self, what: Use) -> impl Iterator<Item = &Package> {
        self.lock
            .packages
            .get(&self.machine)
            .into_iter()
            .flatten()
            .filter(move |package| package.uses.contains(&what))
    }

    /// Returns the package that holds the kernel's source, when it is Debian's.
    #[must_use]
    pub fn kernel_source(&self) -> Option<&Package> {
        self.packages(Use::Kernel).next()
    }

    /// Returns the release that named a package of this lock.
    ///
    /// # Panics
    /// When the package is of another lock.
    #[must_use]
    pub fn release(&self, package: &Package) -> &Release {
        self.lock
            .releases
            .get(&package.suite)
            .expect("a lock was read only if it has the releases of its packages")
    }
}
