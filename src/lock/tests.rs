//! The whole way from a manifest's names to a lock and back, against a mirror in memory.

mod stale;
mod text;

use std::{collections::BTreeMap, path::Path};

use super::*;
use crate::debian::{
    openpgp::Keyring,
    release::ReleaseError,
    world::{Seal, World, keyring, now},
};

const MACHINE: Arch = Arch::X86_64;

fn world() -> World {
    let mut world = World::new();
    world
        .add(
            "trixie",
            "gcc",
            "4:14.2.0-1",
            "Depends: gcc-14 (>= 14.2), cpp:any",
        )
        .add("trixie", "gcc-14", "14.2.0-19", "Depends: libc6 (>= 2.38)")
        .add("trixie", "cpp", "4:14.2.0-1", "Multi-Arch: allowed")
        .add("trixie", "libc6", "2.41-12", "")
        .add(
            "trixie",
            "linux-source-6.12",
            "6.12.94-1",
            "Architecture: all\nDepends: binutils",
        )
        .add("trixie", "qemu", "10", "Depends: libc6, seabios | bios")
        .add("trixie", "seabios", "1.16", "Architecture: all")
        .add("trixie-security", "libc6", "2.41-12+deb13u1", "")
        .add(
            "trixie-security",
            "linux-source-6.12",
            "6.12.107-1",
            "Architecture: all",
        )
        .add(
            "trixie-security",
            "linux-source-6.12",
            "6.12.117-1",
            "Architecture: all",
        );
    world
}

fn names(words: &str) -> Vec<String> {
    words.split_whitespace().map(str::to_owned).collect()
}

fn wanted() -> Requests {
    Requests {
        suites: names("trixie trixie-security"),
        components: names("main"),
        packages: BTreeMap::from([
            (Use::Kernel, names("linux-source-6.12")),
            (Use::Toolchain, names("gcc")),
            (Use::Vmm, names("qemu")),
        ]),
    }
}

fn resolved(world: &World) -> Result<Lock, ResolveError> {
    resolve(&wanted(), &[MACHINE], &keyring(&["archive"]), world, now())
}

fn updated(world: &World, old: &Lock, moves: &Moves) -> Result<Lock, ResolveError> {
    update(
        old,
        moves,
        &wanted(),
        &[MACHINE],
        &keyring(&["archive"]),
        world,
        now(),
    )
}

/// Returns `name version suite uses` of every package.
fn told(lock: &Lock) -> Vec<String> {
    let tell = |package: &Package| {
        let uses: Vec<_> = package.uses.iter().map(|u| u.name()).collect();
        format!(
            "{} {} {} {}",
            package.name,
            package.version,
            package.suite,
            uses.join("+")
        )
    };
    lock.packages[&MACHINE].iter().map(tell).collect()
}

fn moved(before: &Lock, after: &Lock) -> Vec<String> {
    changes(before, after)
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn a_lock_has_the_closure_of_every_use_and_of_the_kernel_its_source_alone() {
    let lock = resolved(&world()).unwrap();
    assert_eq!(
        told(&lock),
        [
            "cpp 4:14.2.0-1 trixie toolchain",
            "gcc 4:14.2.0-1 trixie toolchain",
            "gcc-14 14.2.0-19 trixie toolchain",
            "libc6 2.41-12+deb13u1 trixie-security toolchain+vmm",
            "linux-source-6.12 6.12.117-1 trixie-security kernel",
            "qemu 10 trixie vmm",
            "seabios 1.16 trixie vmm",
        ]
    );
    let release = &lock.releases["trixie-security"];
    assert_eq!(release.archive, "debian-security");
    assert_eq!(release.date, "2026-02-28T00:00:00Z");
    assert_eq!(release.signed_by.len(), 1);
    assert_eq!(lock.packages[&MACHINE][4].architecture, "all");
}

#[test]
fn the_same_mirror_gives_the_same_bytes_in_every_form_of_its_indexes() {
    let text = write(&resolved(&world()).unwrap());
    assert_eq!(write(&resolved(&world()).unwrap()), text);
    for (form, fields) in [(".gz", "Acquire-By-Hash: yes\n"), ("", "")] {
        let mut world = world();
        (world.form, world.fields) = (form, fields.to_owned());
        let lock = resolved(&world).unwrap();
        assert_eq!(told(&lock), told(&resolved(&self::world()).unwrap()));
    }
}

#[test]
fn packages_of_all_architectures_are_found_in_an_index_of_their_own() {
    let mut world = World::new();
    world.fields = "Architectures: all amd64\n".to_owned();
    world
        .add("trixie", "gcc", "14", "Depends: docs")
        .add_to("trixie", "all", "docs", "1", "");
    let requests = Requests {
        suites: names("trixie"),
        components: names("main"),
        packages: BTreeMap::from([(Use::Toolchain, names("gcc"))]),
    };
    let lock = resolve(&requests, &[MACHINE], &keyring(&["archive"]), &world, now()).unwrap();
    assert_eq!(told(&lock).len(), 2);
}

#[test]
fn a_release_that_is_not_to_be_believed_stops_everything() {
    let mut strange = world();
    strange.seal = Seal::by("stranger");
    let error = resolved(&strange).unwrap_err();
    assert!(
        matches!(error, ResolveError::Release(ReleaseError::Refused { .. })),
        "{error}"
    );
    let error = resolve(&wanted(), &[MACHINE], &Keyring::default(), &world(), now()).unwrap_err();
    assert!(
        matches!(error, ResolveError::Release(ReleaseError::NoKeys { .. })),
        "{error}"
    );
}

#[test]
fn a_suite_a_component_or_an_architecture_that_is_not_there_is_named() {
    let keys = keyring(&["archive"]);
    let mut requests = wanted();
    requests.components = names("main contrib");
    let error = resolve(&requests, &[MACHINE], &keys, &world(), now()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "suite `trixie` has no component `contrib` for amd64"
    );
    let error = resolve(&wanted(), &[Arch::S390x], &keys, &world(), now()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "suite `trixie` has no component `main` for s390x"
    );
    requests.suites = names("sid");
    let error = resolve(&requests, &[MACHINE], &keys, &world(), now()).unwrap_err();
    assert!(matches!(error, ResolveError::Archive(_)), "{error}");
}

#[test]
fn problems_of_all_uses_are_told_together() {
    let mut requests = wanted();
    requests
        .packages
        .insert(Use::Kernel, names("linux-source-6.13"));
    requests.packages.insert(Use::Vmm, names("qemv"));
    let keys = keyring(&["archive"]);
    let error = resolve(&requests, &[MACHINE], &keys, &world(), now()).unwrap_err();
    let ResolveError::Unsolvable { problems, .. } = error else {
        panic!("{error}");
    };
    let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "there is no package `linux-source-6.13` for amd64 in trixie, trixie-security",
            "there is no package `qemv` for amd64 in trixie, trixie-security",
        ]
    );
}

#[test]
fn an_update_moves_what_it_names_and_nothing_else() {
    let old = resolved(&world()).unwrap();
    let mut world = world();
    world
        .add("trixie-security", "libc6", "2.41-12+deb13u2", "")
        .add(
            "trixie-security",
            "linux-source-6.12",
            "6.12.118-1",
            "Architecture: all",
        );
    let named = Moves::Named(names("linux-source-6.12"));
    let new = updated(&world, &old, &named).unwrap();
    assert_eq!(
        moved(&old, &new),
        ["linux-source-6.12 6.12.117-1 -> 6.12.118-1 (x86_64)"]
    );
    assert_eq!(
        moved(&old, &updated(&world, &old, &Moves::Nothing).unwrap()),
        [""; 0]
    );
    assert_eq!(
        moved(&old, &updated(&world, &old, &Moves::Everything).unwrap()).len(),
        2
    );
}

#[test]
fn an_update_moves_what_the_named_package_then_needs() {
    let old = resolved(&world()).unwrap();
    let mut world = world();
    world
        .add("trixie-security", "libc6", "2.42-1", "")
        .add(
            "trixie-security",
            "qemu",
            "11",
            "Depends: libc6 (>= 2.42), libnew",
        )
        .add("trixie-security", "seabios", "1.17", "Architecture: all")
        .add("trixie-security", "libnew", "1", "");
    let new = updated(&world, &old, &Moves::Named(names("qemu"))).unwrap();
    assert_eq!(
        moved(&old, &new),
        [
            "libc6 2.41-12+deb13u1 -> 2.42-1 (x86_64)",
            "libnew 1 added (x86_64)",
            "qemu 10 -> 11 (x86_64)",
            "seabios 1.16 removed (x86_64)",
        ]
    );
}

#[test]
fn a_pin_that_the_archive_dropped_moves() {
    let old = resolved(&world()).unwrap();
    let mut world = world();
    world.clear("trixie-security");
    world
        .add("trixie-security", "libc6", "2.41-12+deb13u3", "")
        .add(
            "trixie-security",
            "linux-source-6.12",
            "6.12.118-1",
            "Architecture: all",
        );
    let new = updated(&world, &old, &Moves::Nothing).unwrap();
    assert_eq!(moved(&old, &new).len(), 2);
    let keys = keyring(&["archive"]);
    let newest = resolve::newest("libc6", MACHINE, &wanted(), &keys, &world, now());
    assert_eq!(newest.as_deref(), Some("2.41-12+deb13u3"));
}

#[test]
fn a_name_that_is_not_locked_cannot_be_updated() {
    let old = resolved(&world()).unwrap();
    let error = updated(&world(), &old, &Moves::Named(names("libc5"))).unwrap_err();
    let help = miette::Diagnostic::help(&error).unwrap().to_string();
    assert_eq!(
        (error.to_string().as_str(), help.as_str()),
        (
            "`libc5` is not in the lock, so it cannot be updated",
            "did you mean `libc6`?"
        )
    );
}

#[test]
fn a_release_older_than_the_locks_is_refused() {
    let old = resolved(&world()).unwrap();
    let mut world = world();
    world.date = "Fri, 27 Feb 2026 00:00:00 UTC".to_owned();
    let error = updated(&world, &old, &Moves::Everything).unwrap_err();
    assert!(
        matches!(error, ResolveError::OlderRelease { .. }),
        "{error}"
    );
    assert!(resolved(&world).is_ok());
}

#[test]
fn a_manifest_that_takes_nothing_from_debian_asks_nobody() {
    let requests = Requests {
        packages: BTreeMap::new(),
        ..wanted()
    };
    let lock = resolve(
        &requests,
        &[MACHINE],
        &Keyring::default(),
        &World::new(),
        now(),
    )
    .unwrap();
    assert!(lock.releases.is_empty() && lock.packages.is_empty());
    assert_eq!(read(Path::new("a.lock"), &write(&lock)).unwrap(), lock);
}
