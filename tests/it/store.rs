//! What a store in a bad state leads to: what is gone is made again, what is damaged is never laid out.

use std::{fs, path::PathBuf};

use crate::world::{MANIFEST, World};

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
fn a_damaged_blob_is_not_laid_out_and_the_next_build_makes_it_again() {
    let world = World::new();
    let built = world.built();
    let path = blob(&world, &built, "vmlinux.container");
    let mut bytes = fs::read(&path).unwrap();
    bytes[0x1234] ^= 1;
    fs::write(&path, bytes).unwrap();
    fs::remove_dir_all(world.path("out")).unwrap();
    let told = world.run(&["build", MANIFEST]).ended(1);
    let hex = path.file_name().unwrap().to_str().unwrap();
    assert!(told.err.contains(hex), "{told}");
    assert!(!world.path("out/tiny/x86_64/vmlinux.container").exists());
    world.calls();
    assert_eq!(world.built(), built);
    assert_eq!(world.calls(), ["bzImage"]);
}

#[test]
fn records_that_are_damaged_count_as_none() {
    let world = World::new();
    let built = world.built();
    for entry in fs::read_dir(world.at("store/v1/results")).unwrap() {
        fs::write(entry.unwrap().path(), "{\"key\":").unwrap();
    }
    assert_eq!(world.built(), built);
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
