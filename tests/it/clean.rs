//! `clean`: what it frees, and what keeps it from freeing.

use std::{fs, process::Stdio};

use crate::world::{MANIFEST, World};

/// Builds, and removes what packing leaves behind.
fn built(world: &World) -> serde_json::Value {
    let built = world.built();
    summary(world, &[]);
    built
}

fn summary(world: &World, args: &[&str]) -> String {
    let told = world.run(&[&["clean"], args].concat()).done();
    told.out.trim_end().to_owned()
}

#[test]
fn what_a_manifest_needs_is_kept_and_what_only_an_earlier_build_needed_goes() {
    let world = World::new();
    built(&world);
    assert_eq!(summary(&world, &[]), "nothing to free");
    // Another kernel: its source is taken, configured, compiled and packed anew.
    world.edit("linux/Makefile", "SUBLEVEL = 117", "SUBLEVEL = 118");
    let built = world.built();
    assert!(summary(&world, &["--keep-last", "2"]).ends_with("1 blob"));
    let dry = world.run(&["clean", "--dry-run"]).done();
    assert!(dry.out.starts_with("would free "), "{dry}");
    assert!(
        dry.says(&format!(
            "kept: what {} needs",
            world.path(MANIFEST).display()
        )),
        "{dry}"
    );
    assert_eq!(summary(&world, &["--older", "1h"]), "nothing to free");
    assert_eq!(
        summary(&world, &["--keep-last", "2", "--dry-run"]),
        "nothing to free"
    );
    let freed = summary(&world, &[]);
    assert_eq!(freed, dry.out.trim_end().replace("would free", "freed"));
    assert!(freed.contains(" results, 1 tree, "), "{freed}");
    assert_eq!(summary(&world, &[]), "nothing to free");
    world.calls();
    let told = world.run(&["build", MANIFEST, "--json"]).done();
    assert!(told.says("nothing to do"), "{told}");
    assert_eq!(told.json(), built);
}

#[test]
fn a_layout_alone_protects_its_build_and_without_it_everything_goes() {
    let world = World::new();
    let built = built(&world);
    fs::remove_file(world.path("tiny.lock")).unwrap();
    assert_eq!(summary(&world, &[]), "nothing to free");
    fs::remove_dir_all(world.path("out")).unwrap();
    let told = world.run(&["clean", "--json"]).done().json();
    assert_eq!(told["removed"], true);
    for what in ["results", "trees", "blobs", "bytes"] {
        assert!(told["freed"][what].as_u64().unwrap() > 0, "{told:#}");
    }
    assert_eq!(world.built()["index"], built["index"]);
}

#[test]
fn everything_goes_when_that_is_asked_and_is_made_again() {
    let world = World::new();
    let built = world.built();
    assert!(summary(&world, &["--all"]).starts_with("freed "));
    let left: Vec<_> = walkdir::WalkDir::new(world.at("store"))
        .into_iter()
        .map(Result::unwrap)
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| entry.file_name().to_owned())
        .collect();
    assert_eq!(left, ["usage"]);
    assert_eq!(world.built(), built);
    let told = world.run(&["clean", "--all", "--older", "1d"]).ended(2);
    assert!(told.err.contains("cannot be used with"), "{told}");
    let told = world.run(&["clean", "--older", "1w"]).ended(2);
    assert!(told.err.contains("as in 45m, 12h, 30d"), "{told}");
}

#[test]
fn a_build_that_runs_keeps_everything() {
    let world = World::new();
    fs::write(world.at("bin/hold"), "").unwrap();
    let mut command = world.command(&["build", MANIFEST, "--json"]);
    let build = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while !world.at("bin/held").exists() {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let told = world.run(&["clean", "--all"]).ended(1);
    assert!(
        told.err.contains("another process uses the store"),
        "{told}"
    );
    // Looking is allowed.
    world.run(&["clean", "--all", "--dry-run"]).done();
    fs::remove_file(world.at("bin/hold")).unwrap();
    assert!(build.wait_with_output().unwrap().status.success());
}
