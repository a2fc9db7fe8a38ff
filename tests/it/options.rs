//! What a kernel's options lead to and why, asked of a manifest's kernel and of a tree on disk. Real reading, real shell,
//! a small tree; the kernel's own tree is asked in the end-to-end tests.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    process::Stdio,
};

use crate::world::{MANIFEST, World};

const TREE: [&str; 4] = ["--tree", "linux", "--arch", "x86_64"];

#[test]
fn a_manifests_configuration_is_printed_without_a_build() {
    let world = World::new();
    let told = world.run(&["config", "resolve", "-m", MANIFEST]).done();
    assert!(
        told.out.contains("CONFIG_NET=y\nCONFIG_VSOCK=y\n"),
        "{told}"
    );
    assert_eq!(world.calls(), [""; 0], "no make");
    world.write("more.conf", "# CONFIG_VSOCK is not set\n");
    let told = world
        .run(&["config", "resolve", "-m", MANIFEST, "more.conf"])
        .done();
    assert!(
        told.out
            .contains("CONFIG_NET=y\n# CONFIG_VSOCK is not set\n"),
        "{told}"
    );
    assert!(told.err.contains("VSOCK is redefined"), "{told}");
}

#[test]
fn a_trees_configuration_starts_where_it_is_told() {
    let world = World::new();
    world.write("a.conf", "CONFIG_VSOCK=y\n");
    world.write(
        "base.config",
        "CONFIG_NET=y\nCONFIG_LOCALVERSION=\"-theirs\"\n",
    );
    let resolve = |more: &[&str]| {
        let words = [&["config", "resolve"][..], &TREE, more].concat();
        world.run(&words).done().out
    };
    assert!(!resolve(&["a.conf"]).contains("CONFIG_VSOCK"));
    let config = resolve(&["--base", "base.config", "a.conf"]);
    assert!(
        config.contains("CONFIG_NET=y\nCONFIG_VSOCK=y\nCONFIG_LOCALVERSION=\"-theirs\"\n"),
        "{config}"
    );
}

#[test]
fn a_lost_request_is_explained_with_what_gets_it() {
    let world = World::new();
    world.write("a.conf", "CONFIG_VSOCK=y\nCONFIG_VSOKC=y\n");
    let words = [&["config", "explain"][..], &TREE, &["--fragment", "a.conf"]].concat();
    let told = world.run(&words).done();
    insta::assert_snapshot!(told.out, @r#"
    VSOCK  requested y (a.conf:1), but is n
      bool, "Virtual sockets", defined at Kconfig:3
      because
        VSOCK depends on NET (Kconfig:5), which is n: nobody requests it
      to get it, add
        CONFIG_NET=y

    VSOKC  requested y (a.conf:2), but this tree has no such symbol
      similar names
        VSOCK=n  "Virtual sockets"
    "#);
    let told = world
        .run(&[&words[..], &["--json", "VSOCK"]].concat())
        .done();
    let symbol = &told.json()["symbols"][0];
    assert_eq!(symbol["symbol"], "VSOCK", "{told}");
    assert_eq!(symbol["remedy"]["status"], "found", "{told}");
    assert_eq!(symbol["remedy"]["add"][0]["line"], "CONFIG_NET=y", "{told}");
}

#[test]
fn a_symbol_that_nobody_has_is_told_with_its_neighbours_and_fails() {
    let world = World::new();
    let told = world
        .run(&["config", "explain", "-m", MANIFEST, "CONFIG_VSOKC"])
        .ended(1);
    assert!(told.out.contains("VSOCK=y"), "{told}");
    let told = world
        .run(&["config", "explain", "-m", MANIFEST, "NET"])
        .done();
    assert!(
        told.out
            .contains("NET  requested y (fragments/tiny.conf:5), is y"),
        "{told}"
    );
    let told = world.run(&["config", "explain", "-m", MANIFEST]).done();
    assert!(
        told.out
            .contains("all 4 requests are met by Linux 6.12.117 for x86_64"),
        "{told}"
    );
}

#[test]
fn check_knows_what_the_kernel_takes_once_its_source_is_in_the_store() {
    let world = World::new();
    world.run(&["build", MANIFEST]).done();
    world.calls();
    let told = world.run(&["check", MANIFEST, "--json"]).done();
    assert_eq!(told.json()["options"], "met", "{told}");
    world.edit("kernel/fragments/tiny.conf", "CONFIG_NET=y\n", "");
    let told = world.run(&["check", MANIFEST]).ended(2);
    assert!(
        told.err
            .contains("VSOCK depends on NET (Kconfig:5), which is n"),
        "{told}"
    );
    assert_eq!(world.calls(), [""; 0]);
}

#[test]
fn a_saved_fragment_is_answered_at_once() {
    let world = World::new();
    world.write("a.conf", "CONFIG_VSOCK=y\n");
    let words = [
        &["config", "watch"][..],
        &TREE,
        &["--changes", "1", "a.conf"],
    ]
    .concat();
    let mut child = world
        .command(&words)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut first = String::new();
    out.read_line(&mut first).unwrap();
    assert_eq!(first, "1 symbol on, 1 lost\n");
    fs::write(world.path("a.conf"), "CONFIG_VSOCK=y\nCONFIG_NET=y\n").unwrap();
    let mut rest = String::new();
    out.read_to_string(&mut rest).unwrap();
    assert!(child.wait().unwrap().success());
    assert!(
        rest.ends_with("3 symbols on, 0 lost, 2 changed\n  NET: n -> y\n  VSOCK: n -> y\n"),
        "{rest}"
    );
}

#[test]
fn what_cannot_be_asked_about_is_told() {
    let world = World::new();
    let told = world
        .run(&["config", "resolve", "--tree", "linux"])
        .ended(2);
    assert!(told.err.contains("--arch"), "{told}");
    let told = world
        .run(&["config", "resolve", "--tree", "kernel", "--arch", "x86_64"])
        .ended(2);
    assert!(told.err.contains("kernel/Makefile"), "{told}");
    let told = world
        .run(&[
            "config", "explain", "-m", MANIFEST, "--arch", "s390x", "NET",
        ])
        .ended(2);
    assert!(told.err.contains("does not build for s390x"), "{told}");
}
