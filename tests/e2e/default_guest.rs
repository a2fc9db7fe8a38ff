//! The reference guest, as a newcomer builds and boots it, and what a second build does.

use std::{fs, path::Path};

use kata_artifacts::digest::Digest;
use serde_json::Value;

use super::world::World;

#[test]
fn the_default_manifest_builds_boots_and_is_then_left_alone() {
    if !crate::wanted() {
        return;
    }
    let world = World::on_the_shared_store();
    let built = world.run(&["build", "--json", "--progress", "plain"]);
    println!("{}", built.err);
    let built = built.json();
    println!("index {}", built["index"]);
    files_are_what_they_are_called(&world, &built);

    // Out of the locked packages, so that a host without QEMU is no excuse.
    let booted = world.run(&["test", "--vmm", "locked", "--json"]).json();
    println!("{}", booted["timeline"]);
    assert_eq!(booted["verdict"]["passed"], true);
    assert_eq!(booted["report"]["missing"], Value::Array(Vec::new()));
    let milliseconds = |moment: &Value| moment["milliseconds"].as_u64();
    let timeline: Vec<_> = booted["timeline"]
        .as_array()
        .unwrap()
        .iter()
        .map(milliseconds)
        .collect();
    assert!(timeline.len() >= 4 && timeline.is_sorted(), "{timeline:?}");

    let again = world.run(&["build", "--json", "--progress", "plain"]);
    assert_eq!(again.ran(), [""; 0]);
    assert!(again.err.contains("nothing to do"), "{}", again.err);
    assert_eq!(again.json()["index"], built["index"]);

    super::interop::foreign_tools_read(&world.path("out/kata/oci"));
    a_comment_compiles_nothing(&world, &built);
    the_other_compression_boots_too(&world);
}

fn files_are_what_they_are_called(world: &World, built: &Value) {
    let files = built["files"]["x86_64"]
        .as_array()
        .expect("files by architecture");
    let names: Vec<_> = files
        .iter()
        .map(|file| {
            Path::new(file["path"].as_str().unwrap())
                .file_name()
                .unwrap()
                .to_str()
                .unwrap()
        })
        .collect();
    for wanted in [
        "vmlinux.container",
        "vmlinuz.container",
        "kata-containers-initrd.img",
        "config",
        "System.map",
    ] {
        assert!(names.contains(&wanted), "{wanted} in {names:?}");
    }
    for file in files {
        let path = world.path(file["path"].as_str().unwrap());
        let (digest, size) = Digest::of_file(&path).expect("the file is there");
        assert_eq!(file["digest"], digest.to_string(), "{}", path.display());
        println!("{size:>10} {}", path.display());
    }
    let index: Value =
        serde_json::from_slice(&fs::read(world.path("out/kata/oci/index.json")).unwrap()).unwrap();
    let digests: Vec<_> = index["manifests"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["digest"])
        .collect();
    assert!(digests.contains(&&built["index"]), "{digests:?}");
}

/// Configures anew, since the fragment's bytes differ, and finds that the configuration does not.
fn a_comment_compiles_nothing(world: &World, built: &Value) {
    let fragment = world.path("kernel/fragments/base.conf");
    let text = fs::read_to_string(&fragment).unwrap();
    // Another one in every run: the shared store remembers the last.
    let remark = world.path("").display().to_string();
    fs::write(&fragment, format!("{text}\n# A remark: {remark}\n")).unwrap();
    let remarked = world.run(&["build", "--json", "--progress", "plain"]);
    let ran = remarked.ran();
    assert!(ran.contains(&"x86_64/configure"), "{ran:?}");
    assert!(!ran.contains(&"x86_64/compile"), "{ran:?}");
    assert_eq!(
        remarked.json()["files"]["x86_64"][0],
        built["files"]["x86_64"][0]
    );
}

/// Packs the initrd anew and boots it; the kernel is not compiled again.
fn the_other_compression_boots_too(world: &World) {
    world.edit(
        "manifests/kata.yaml",
        "compression: zstd",
        "compression: gzip",
    );
    let packed = world.run(&["build", "--progress", "plain"]);
    // A store of long standing may hold the other initrd already.
    let ran = packed.ran();
    let expected = ["x86_64/initrd", "pack"];
    assert!(ran.iter().all(|step| expected.contains(step)), "{ran:?}");
    let booted = world.run(&["test", "--vmm", "locked", "--json"]).json();
    assert_eq!(booted["verdict"]["passed"], true);
}
