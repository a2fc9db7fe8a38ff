//! Artifacts in image layouts and archives, by the verbs that also speak to registries: no network is needed.

use std::fs;

use crate::world::World;

const LAYOUT: &str = "oci:out/tiny/oci";
const TAG: &str = "6.12.117-default";

fn built() -> World {
    let world = World::new();
    world.built();
    world
}

#[test]
fn a_build_is_listed_read_and_pulled_without_a_network() {
    let world = built();
    let tags = world.run(&["ls", LAYOUT]).done().out;
    assert!(tags.lines().any(|tag| tag == TAG), "{tags}");
    assert_eq!(tags.lines().count(), 8);
    let digest = world.run(&["resolve", LAYOUT]).done().out;
    let named = format!("{LAYOUT}:{TAG}");
    assert_eq!(world.run(&["resolve", &named]).done().out, digest);
    let by_digest = format!("{LAYOUT}@{}", digest.trim());
    let raw = world.run(&["inspect", &by_digest, "--raw"]).done().out;
    assert_eq!(
        kata_artifacts::digest::Digest::of(raw.as_bytes()).to_string(),
        digest.trim()
    );
    let config = world.run(&["cat", LAYOUT, "kconfig"]).done().out;
    assert_eq!(config, world.read("out/tiny/x86_64/config"));
    let told = world
        .run(&[
            "pull", LAYOUT, "--file", "vmlinux", "--output", "one", "--json",
        ])
        .done()
        .json();
    assert_eq!(told["files"][0]["title"], "vmlinux.container");
    assert_eq!(told["digest"], digest.trim());
    assert_eq!(fs::read_dir(world.path("one")).unwrap().count(), 1);
    let vmlinux = fs::read(world.path("one/vmlinux.container")).unwrap();
    assert_eq!(
        vmlinux,
        fs::read(world.path("out/tiny/x86_64/vmlinux.container")).unwrap()
    );
    world.run(&["extract", LAYOUT, "--output", "all"]).done();
    let files = world.run(&["ls", &named, "--json"]).done().json();
    let files = files["files"].as_array().unwrap().len();
    assert_eq!(fs::read_dir(world.path("all")).unwrap().count(), files);
    world.run(&["extract", LAYOUT, "--output", "all"]).ended(1);
}

#[test]
fn copies_keep_digests_and_what_is_attached() {
    let world = built();
    let digest = world.run(&["resolve", LAYOUT]).done().out;
    world.write("sbom.json", "{}");
    let attach = [
        "attach",
        LAYOUT,
        "sbom.json",
        "--type",
        "application/spdx+json",
    ];
    let attached = world.run(&attach).done().out;
    assert_eq!(world.run(&attach).done().out, attached);
    let copy = [
        "copy",
        &format!("{LAYOUT}:{TAG}"),
        "oci-archive:kata.tar",
        "--recursive",
    ];
    world.run(&copy).done();
    world
        .run(&["tag", &format!("oci-archive:kata.tar:{TAG}"), "stable"])
        .done();
    let told = world.run(&[
        "copy",
        "oci-archive:kata.tar:stable",
        "oci:there:x",
        "--recursive",
        "--json",
    ]);
    let told = told.done().json();
    assert_eq!(told["artifacts"][0]["digest"], digest.trim());
    assert_eq!(told["artifacts"][0]["referrers"], 1);
    let tree = world.run(&["inspect", "oci:there:x", "--tree"]).done().out;
    let attached = attached.trim().rsplit('@').next().unwrap();
    assert!(
        tree.contains(&format!("refers: application/spdx+json  {attached}")),
        "{tree}"
    );
}

#[test]
fn an_image_is_made_and_unpacked() {
    let world = built();
    world
        .run(&["push", LAYOUT, "oci:images:t", "--form", "image"])
        .done();
    world
        .run(&[
            "pull",
            "oci:images:t",
            "--form",
            "image",
            "--output",
            "root",
        ])
        .done();
    assert_eq!(
        fs::read(world.path("root/boot/vmlinux")).unwrap(),
        fs::read(world.path("out/tiny/x86_64/vmlinux.container")).unwrap()
    );
    let told = world.run(&["pull", "oci:images:t"]).ended(1);
    assert!(told.err.contains("without named files"), "{told}");
}

#[test]
fn what_is_not_there_is_told_with_what_is() {
    let world = built();
    let _filters = world.filters();
    let told = |args: &[&str], status| world.run(args).ended(status).error();
    insta::assert_snapshot!(told(&["resolve", "oci:there"], 1), @"
    oci::no_layout

      x `there` is not an OCI image layout
      help: `kata-artifacts build` writes one to out/<manifest>/oci: a directory with `oci-layout` and `index.json`
    ");
    let platform = told(&["pull", LAYOUT, "--platform", "s390x"], 1);
    assert!(
        platform.contains("has nothing for linux/s390x; it has linux/amd64"),
        "{platform}"
    );
    let file = told(&["cat", LAYOUT, "bzImage"], 1);
    assert!(
        file.contains("oci:out/tiny/oci has no `bzImage`; its files: vmlinux.container, "),
        "{file}"
    );
    let reference = told(&["pull", "kata"], 2);
    assert!(reference.contains("has no registry"), "{reference}");
    let offline = told(&["--offline", "pull", "r.example/kata:t"], 2);
    assert!(
        offline.contains("--offline forbids the network"),
        "{offline}"
    );
    let nowhere = told(
        &[
            "push",
            LAYOUT,
            "127.0.0.1:1/kata",
            "--progress",
            "none",
            "--platform",
            "riscv64",
        ],
        1,
    );
    assert!(nowhere.contains("it has linux/amd64"), "{nowhere}");
}

#[test]
fn credentials_are_stored_only_when_the_registry_takes_them() {
    let world = World::new();
    let mut command = world.command(&[
        "login",
        "127.0.0.1:1",
        "--username",
        "me",
        "--authfile",
        "auth.json",
        "--offline",
    ]);
    command.stdin(std::process::Stdio::null());
    crate::world::Told::by(command).ended(2);
    assert!(!world.path("auth.json").exists());
    world.write(
        "auth.json",
        r#"{"auths": {"r.example": {"auth": "bWU6c2VjcmV0"}}, "other": 1}"#,
    );
    let told = world
        .run(&["logout", "r.example", "--authfile", "auth.json"])
        .done();
    assert_eq!(told.out, "r.example: removed from auth.json\n");
    let left: serde_json::Value = serde_json::from_str(&world.read("auth.json")).unwrap();
    assert_eq!(left, serde_json::json!({"auths": {}, "other": 1}));
    let told = world
        .run(&["logout", "r.example", "--authfile", "auth.json"])
        .done();
    assert_eq!(told.out, "r.example: nothing was stored\n");
}
