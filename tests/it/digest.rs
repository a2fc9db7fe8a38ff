//! One lock, one digest: wherever, whenever and by whomever it is built.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
};

use crate::world::{MANIFEST, Told, World};

/// What the world's guest is known by. Part of the formats: it changes when the bytes of an artifact do, and then in a
/// commit of its own that says why.
const INDEX: &str = "sha256:b3e6ff6b558d66fc47b81e81b327cd3145f7a3b229f4956c081465853f9b588c";

#[test]
fn the_index_of_a_known_guest_has_a_known_digest() {
    assert_eq!(World::new().built()["index"], INDEX);
}

#[test]
fn a_build_elsewhere_by_somebody_else_has_the_same_digest() {
    let world = World::named("somewhere else, with spaces in its name-");
    // As a checkout is under a strict umask.
    for entry in walkdir::WalkDir::new(world.at("work")) {
        let entry = entry.unwrap();
        let mode = if entry.file_type().is_dir() {
            0o700
        } else {
            0o600
        };
        fs::set_permissions(entry.path(), Permissions::from_mode(mode)).unwrap();
    }
    let umask = [
        "-c",
        "umask 077; exec \"$@\"",
        "sh",
        env!("CARGO_BIN_EXE_kata-artifacts"),
    ];
    let mut command = world.command_of("sh", &umask);
    command.args(["build", MANIFEST, "--json", "--jobs", "7"]);
    let other = [
        ("HOME", "/nowhere"),
        ("TZ", "Pacific/Kiritimati"),
        ("LANG", "tr_TR.UTF-8"),
        ("LC_ALL", "de_DE.UTF-8"),
        ("USER", "somebody"),
        ("HOSTNAME", "elsewhere"),
        ("KBUILD_BUILD_USER", "somebody"),
        ("KBUILD_BUILD_HOST", "elsewhere"),
        ("KBUILD_BUILD_TIMESTAMP", "yesterday"),
        ("LOCALVERSION", "-theirs"),
        ("SOURCE_DATE_EPOCH", "1234567890"),
        ("MAKEFLAGS", "-i"),
        ("TMPDIR", world.at("home").to_str().unwrap()),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    command.envs(other);
    let told = Told::by(command).done();
    assert_eq!(told.json()["index"], INDEX);
    let mode = |path: &str| fs::metadata(world.path(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("out/tiny/x86_64/vmlinux.container"), 0o644);
}

#[test]
fn a_build_with_other_words_in_the_manifest_has_another_digest() {
    let world = World::new();
    world.edit(MANIFEST, "version: 0.1.0", "version: 0.1.1");
    assert_ne!(world.built()["index"], INDEX);
}
