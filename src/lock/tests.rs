//! The whole way from a manifest's names to a lock and back, against a mirror in memory.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::*;
use crate::{
    debian::{
        openpgp::Keyring,
        release::ReleaseError,
        world::{Seal, World, keyring, now},
    },
    manifest::{self, Manifest},
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

#[test]
fn a_lock_reads_back_what_it_writes() {
    let lock = resolved(&world()).unwrap();
    let text = write(&lock);
    assert_eq!(read(Path::new("kata.lock"), &text).unwrap(), lock);
    let block = "    \
    - name: libc6
      version: \"2.41-12+deb13u1\"
      architecture: amd64
      suite: trixie-security
      for: [toolchain, vmm]
      path: pool/main/libc6_2.41-12+deb13u1_amd64.deb
      size: 10
      sha256: \"";
    assert!(text.contains(block), "{text}");
}

#[test]
fn a_lock_that_was_tampered_with_is_refused_with_the_line() {
    let good = write(&resolved(&world()).unwrap());
    let line_of = |needle: &str| good.lines().position(|line| line.contains(needle)).unwrap() + 1;
    let libc = line_of("- name: libc6");
    let block: String = good.split_inclusive('\n').skip(libc - 1).take(8).collect();
    for (from, to, why, line) in [
        (
            "schema: 1",
            "schema: 2",
            "its schema is 2; this program reads 1",
            line_of("schema"),
        ),
        (
            "schema: 1",
            "schema: one",
            "invalid type",
            line_of("schema"),
        ),
        (
            "\nrequests:",
            "\n<<<<<<< HEAD\nrequests:",
            "conflict markers",
            line_of("requests:"),
        ),
        ("...\n", "", "cut short", good.lines().count() - 1),
        (
            &*block,
            &*block.repeat(2),
            "`libc6` is there twice",
            libc + 8,
        ),
        (
            "- name: libc6",
            "- name: li bc6",
            "not the name of a package",
            libc,
        ),
        (
            "suite: trixie-security",
            "suite: sid",
            "suite `sid`, which is not under",
            libc,
        ),
        (
            "version: \"2.41-12+deb13u1\"",
            "version: \"2 41\"",
            "version of `libc6`",
            libc,
        ),
        (
            "pool/main/libc6",
            "../libc6",
            "the path of `libc6` leaves",
            libc,
        ),
        ("for: [toolchain, vmm]", "for: []", "`for` of `libc6`", libc),
        (
            "for: [toolchain, vmm]",
            "for: [vmm, toolchain]",
            "`for` of `libc6`",
            libc,
        ),
        (
            "for: [toolchain, vmm]",
            "for: [boat]",
            "unknown variant `boat`",
            libc + 4,
        ),
        ("size: 10", "size: -1", "invalid", line_of("size:")),
        (
            "size: 10",
            "length: 10",
            "unknown field `length`",
            line_of("size:"),
        ),
        ("  trixie-security:", "  trixie:", "is there twice", 0),
        ("2026-02-28T", "yesterday", "date of release `trixie`", 0),
    ] {
        assert!(good.contains(from), "{from}");
        let bad = good.replacen(from, to, 1);
        let error = read(Path::new("kata.lock"), &bad).unwrap_err();
        assert!(error.to_string().contains(why), "{why}: {error}");
        let labels = miette::Diagnostic::labels(&error).into_iter().flatten();
        let start = labels.map(|label| label.offset()).next();
        let told = start.map(|start| bad[..start].matches('\n').count() + 1);
        assert!(
            line == 0 || told == Some(line),
            "{why}: {told:?}, not {line}: {error}"
        );
    }
    let digest = good.find("sha256: \"").unwrap() + 9;
    let bad = format!(
        "{}{}",
        &good[..digest],
        good[digest + 1..].replacen('"', "", 0)
    );
    assert!(read(Path::new("kata.lock"), &bad).is_err());
}

#[test]
fn a_lock_cut_anywhere_is_refused() {
    let good = write(&resolved(&world()).unwrap());
    for line in 0..good.lines().count() {
        let cut: String = good.split_inclusive('\n').take(line).collect();
        assert!(read(Path::new("kata.lock"), &cut).is_err(), "{line}");
    }
}

fn the_manifest() -> Manifest {
    let root = |packages| manifest::Root {
        packages: names(packages),
        directories: Vec::new(),
        links: BTreeMap::new(),
    };
    Manifest {
        path: PathBuf::from("kata.yaml"),
        name: "kata".into(),
        version: "0.1.0".into(),
        flavour: "default".into(),
        architectures: vec![MACHINE],
        debian: manifest::Debian {
            suites: names("trixie trixie-security"),
            components: names("main"),
            keys: Vec::new(),
        },
        toolchain: manifest::Toolchain::Locked(root("gcc")),
        kernel: manifest::Kernel {
            source: manifest::KernelSource::Debian {
                package: "linux-source-6.12".into(),
            },
            patches: Vec::new(),
            base: manifest::ConfigBase::Allnoconfig,
            profile: PathBuf::new(),
            localversion: String::new(),
            outputs: Vec::new(),
        },
        agent: manifest::Agent::Embedded,
        rootfs: manifest::Rootfs::default(),
        initrd: manifest::Initrd {
            compression: manifest::Compression::Zstd,
        },
        guest: manifest::Guest {
            memory_mib: 256,
            cpus: 1,
            timeout_seconds: 1,
            vmm: Some(root("qemu")),
        },
        budgets: BTreeMap::new(),
        annotations: BTreeMap::new(),
    }
}

#[test]
fn a_manifest_and_its_lock_are_pinned_together() {
    let lock = resolved(&world()).unwrap();
    let pinned = pin(the_manifest(), lock, MACHINE).unwrap();
    let source = pinned.kernel_source().unwrap();
    assert_eq!(source.version, "6.12.117-1");
    assert_eq!(pinned.release(source).archive, "debian-security");
    let vmm: Vec<&str> = pinned.packages(Use::Vmm).map(|p| p.name.as_str()).collect();
    assert_eq!(vmm, ["libc6", "qemu", "seabios"]);
}

#[test]
fn every_difference_between_manifest_and_lock_is_shown() {
    let lock = resolved(&world()).unwrap();
    let mut other = the_manifest();
    other.debian.suites.pop();
    other.debian.components.push("contrib".into());
    other.kernel.source = manifest::KernelSource::Path(PathBuf::from("/src"));
    if let manifest::Toolchain::Locked(root) = &mut other.toolchain {
        root.packages = names("gcc make gcc bc");
    }
    let stale = pin(other, lock.clone(), MACHINE).unwrap_err();
    assert_eq!(
        stale.to_string(),
        "the lock does not belong to the manifest\n  \
         suites: the manifest says `trixie`, the lock `trixie trixie-security`\n  \
         components: the manifest says `main contrib`, the lock `main`\n  \
         kernel: `linux-source-6.12` is in the lock, not in the manifest\n  \
         toolchain: `bc` is in the manifest, not in the lock\n  \
         toolchain: `make` is in the manifest, not in the lock"
    );
    let stale = pin(the_manifest(), lock.clone(), Arch::Riscv64).unwrap_err();
    assert_eq!(stale.differences, [Difference::Machine(Arch::Riscv64)]);

    let mut edited = lock;
    edited
        .packages
        .get_mut(&MACHINE)
        .unwrap()
        .retain(|package| package.name != "gcc");
    let stale = pin(the_manifest(), edited, MACHINE).unwrap_err();
    assert_eq!(
        stale.differences,
        [Difference::Missing(Use::Toolchain, "gcc".into(), MACHINE)]
    );
}
