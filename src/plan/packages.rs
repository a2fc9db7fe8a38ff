//! Locked packages in a plan: how they are fetched, and the roots they become.

use super::{
    Plan,
    action::{Action, Fetch, Input, Named, Origin, Toolchain},
};
use crate::{
    arch::Arch,
    lock::{Lock, Package, Use},
    manifest::Root,
};

/// Returns the packages that the lock pins for a use on a machine.
pub(super) fn packages(lock: &Lock, machine: Arch, wanted: Use) -> impl Iterator<Item = &Package> {
    let all = lock.packages.get(&machine).into_iter().flatten();
    all.filter(move |pin| pin.uses.contains(&wanted))
}

/// Adds the steps that unpack a root of packages; returns its tree.
pub(super) fn add_root(
    plan: &mut Plan,
    id: &str,
    root: &Root,
    lock: &Lock,
    machine: Arch,
    wanted: Use,
) -> Input {
    let packages = packages(lock, machine, wanted)
        .map(|pin| Named {
            name: pin.name.clone(),
            input: add_package(plan, lock, pin),
        })
        .collect();
    let toolchain = Toolchain {
        packages,
        directories: root.directories.clone(),
        links: root.links.clone(),
    };
    plan.add(id, Action::Toolchain(toolchain), "tree")
}

/// Adds the step that fetches a package; returns its file.
pub(super) fn add_package(plan: &mut Plan, lock: &Lock, pin: &Package) -> Input {
    let release = &lock.releases[&pin.suite];
    let fetch = Fetch {
        sha256: pin.sha256,
        size: Some(pin.size),
        origin: Origin::Package {
            name: pin.name.clone(),
            version: pin.version.clone(),
            archive: release.archive.clone(),
            path: pin.path.clone(),
            date: release.date.clone(),
        },
    };
    let id = format!("fetch/{}_{}_{}", pin.name, pin.version, pin.architecture);
    plan.add(id, Action::Fetch(fetch), "blob")
}
