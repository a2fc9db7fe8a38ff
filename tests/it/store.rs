//! What a store in a bad state leads to: what is gone is made again, what is damaged is never laid out.

use std::{fs, path::PathBuf};

use crate::{
    mirror::Mirror,
    world::{MANIFEST, Told, World},
};

/// Returns where the store keeps a file of the results.
fn blob(world: &World, built: &serde_json::Value, name: &str) -> PathBuf {
    let files = built["files"]["x86_64"].as_array().unwrap();
    let file = files
        .iter()
        .find(|file| file["path"].as_str().unwrap().ends_with(name))
        .unwrap();
    let hex = file["digest"]
        .as_str()
        .unwrap()
        .trim_start_matches("sha256:");
    let path = world.at(&format!("store/v1/blobs/sha256/{}/{hex}", &hex[..2]));
    assert!(path.is_file());
    path
}

#[test]
fn a_blob_that_is_gone_is_made_again_by_the_step_that_made_it() {
    let world = World::new();
    let built = world.built();
    world.calls();
    fs::remove_file(blob(&world, &built, "System.map")).unwrap();
    assert_eq!(world.built(), built);
    assert_eq!(world.calls(), ["bzImage"]);
    fs::remove_file(blob(&world, &built, "initrd.img")).unwrap();
    assert_eq!(world.built(), built);
    assert_eq!(world.calls(), [""; 0]);
}

#[test]
fn a_tree_that_is_gone_is_taken_again() {
    let world = World::new();
    let built = world.built();
    fs::remove_dir_all(world.at("store/v1/trees")).unwrap();
    fs::remove_file(blob(&world, &built, "System.map")).unwrap();
    assert_eq!(world.built(), built);
}

#[test]
fn a_damaged_blob_is_told_made_again_and_never_laid_out() {
    let world = World::new();
    let built = world.built();
    let path = blob(&world, &built, "vmlinux.container");
    let mut bytes = fs::read(&path).unwrap();
    bytes[0x1234] ^= 1;
    fs::write(&path, bytes).unwrap();
    fs::remove_dir_all(world.path("out")).unwrap();
    world.calls();
    let told = world.run(&["build", MANIFEST, "--json"]).done();
    let hex = path.file_name().unwrap().to_str().unwrap();
    assert!(
        told.says(&format!(
            "warning: blob sha256:{hex} was damaged in the store"
        )),
        "{told}"
    );
    assert_eq!(told.json(), built);
    assert_eq!(world.calls(), ["bzImage"]);
    let laid_out = world.path("out/tiny/x86_64/vmlinux.container");
    let (digest, _) = kata_artifacts::digest::Digest::of_file(&laid_out).unwrap();
    assert_eq!(digest.hex(), hex);
}

#[test]
fn a_blob_that_a_step_finds_damaged_is_made_again_before_the_step_goes_on() {
    let world = World::new();
    let built = world.built();
    let path = blob(&world, &built, "/config");
    let config = fs::read_to_string(&path).unwrap();
    fs::write(&path, config.replace("VSOCK=y", "VSOCK=n")).unwrap();
    // The configuration is what the compiler is given.
    fs::remove_file(blob(&world, &built, "System.map")).unwrap();
    world.calls();
    let told = world.run(&["build", MANIFEST, "--json"]).done();
    assert!(told.says("x86_64/compile: warning: blob sha256:"), "{told}");
    assert_eq!(told.json(), built);
    assert_eq!(world.calls(), ["allnoconfig", "bzImage"]);
}

#[test]
fn a_package_that_was_damaged_in_the_store_is_fetched_again() {
    let (world, mirror) = (Mirror::world(), Mirror::start());
    mirror.has("6.12.117-1");
    let build = || {
        let mut command = world.command(&["build", MANIFEST, "--json"]);
        command.env("KATA_ARTIFACTS_DEBIAN_MIRROR", &mirror.url);
        Told::by(command).done()
    };
    let built = build().json();
    let lock = world.read("tiny.lock");
    let hex = lock.lines().rfind(|line| line.contains("sha256:")).unwrap();
    let hex = hex.split('"').nth(1).unwrap();
    let package = world.at(&format!("store/v1/blobs/sha256/{}/{hex}", &hex[..2]));
    let mut bytes = fs::read(&package).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    fs::write(&package, bytes).unwrap();
    fs::remove_dir_all(world.at("store/v1/trees")).unwrap();
    fs::remove_dir_all(world.at("store/v1/results")).unwrap();
    let told = build();
    assert!(
        told.says(&format!("source: warning: blob sha256:{hex} was damaged")),
        "{told}"
    );
    assert_eq!(told.json(), built);
}

#[test]
fn a_damaged_store_is_verified_mended_and_then_sound() {
    let world = World::new();
    let built = world.built();
    let told = world.run(&["verify", "store"]).done();
    assert!(told.out.contains(": all as they should be"), "{told}");
    let path = blob(&world, &built, "System.map");
    let text = fs::read(&path).unwrap();
    fs::write(&path, text.to_ascii_uppercase()).unwrap();
    let results = world.at("store/v1/results");
    let mut entries = fs::read_dir(&results)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let result = entries.find(|path| path.extension().is_some()).unwrap();
    fs::write(&result, "{}").unwrap();
    let told = world.run(&["verify", "store", "--json"]).ended(1).json();
    assert_eq!(told["ok"], false);
    for (list, path) in [("damaged_blobs", &path), ("damaged_results", &result)] {
        let below = path.strip_prefix(world.at("store/v1")).unwrap();
        assert_eq!(told["store"][list], serde_json::json!([below]), "{told:#}");
        assert!(!path.exists());
    }
    assert_eq!(world.built(), built);
    world.run(&["verify", "store"]).done();
}

#[test]
fn records_that_are_damaged_count_as_none() {
    let world = World::new();
    let built = world.built();
    for entry in fs::read_dir(world.at("store/v1/results")).unwrap() {
        fs::write(entry.unwrap().path(), "{\"key\":").unwrap();
    }
    let told = world.run(&["build", MANIFEST, "--json"]).done();
    assert_eq!(told.json(), built);
    assert!(
        told.says("x86_64/compile: warning: its result in the store is damaged, so it runs again"),
        "{told}"
    );
}

#[test]
fn a_store_that_cannot_be_written_is_named() {
    let world = World::new();
    fs::write(world.at("store"), "a file").unwrap();
    let told = world.run(&["build", MANIFEST]).ended(1);
    let _filters = world.filters();
    insta::assert_snapshot!(told.err, @r"
    store::io

      x cannot make `[WORLD]/store/v1/blobs/sha256` in the store
      `-> Not a directory (os error 20)
      help: is the disk full or read-only? `--store DIR` puts the store elsewhere
    ");
}
