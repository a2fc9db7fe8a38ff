//! The patch step, with the host's GNU patch where it has one.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use super::{KernelError, step_tests::World};
use crate::{digest::Digest, step::StepKey, tool};

/// Says whether the host has GNU patch. The step runs the toolchain's; only its tests need the host's.
fn host_has_patch() -> bool {
    let found = tool::PATH
        .split(':')
        .any(|directory| Path::new(directory).join("patch").exists());
    if !found {
        println!("not run: this host has no GNU patch");
    }
    found
}

const CHANGE: &str = "--- a/net/a.c\n+++ b/net/a.c\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n";
const ADD: &str = "--- /dev/null\n+++ b/drivers/new/b.c\n@@ -0,0 +1 @@\n+new\n";
const REMOVE: &str = "--- a/old/c.c\n+++ /dev/null\n@@ -1 +0,0 @@\n-gone\n";
const TREE: [(&str, &str); 2] = [("net/a.c", "one\ntwo\nthree\n"), ("old/c.c", "gone\n")];

#[test]
fn patches_make_a_new_tree_and_leave_the_old_one_alone() {
    if !host_has_patch() {
        return;
    }
    let world = World::new(&TREE);
    let products = world
        .patch(&[("1.patch", CHANGE), ("2.patch", ADD), ("3.patch", REMOVE)])
        .unwrap();
    let (old, new) = (
        world.store.need_tree(StepKey(world.source)).unwrap(),
        world.tree(&products),
    );
    let read = |path: PathBuf| fs::read_to_string(path).unwrap();
    assert_eq!(read(new.join("net/a.c")), "one\n2\nthree\n");
    assert_eq!(read(new.join("drivers/new/b.c")), "new\n");
    assert!(!new.join("old").exists(), "its last file is gone");
    assert_eq!(read(old.join("net/a.c")), TREE[0].1);
    assert_eq!(read(old.join("old/c.c")), TREE[1].1);
    let inode = |tree: &Path| fs::metadata(tree.join("Makefile")).unwrap().ino();
    assert_eq!(inode(&old), inode(&new), "untouched files are shared");
    let report: serde_json::Value = serde_json::from_str(&world.text(&products, "report")).unwrap();
    let files: Vec<_> = (0..3)
        .map(|at| &report["patches"][at]["files"][0])
        .collect();
    let digest = |text: &str| Digest::of(text.as_bytes()).to_string();
    assert_eq!(report["patches"][0]["digest"], digest(CHANGE));
    assert_eq!(files[0]["path"], "net/a.c");
    assert_eq!(files[0]["before"]["digest"], digest(TREE[0].1));
    assert_eq!(files[0]["after"]["digest"], digest("one\n2\nthree\n"));
    assert!(files[1]["before"].is_null() && files[2]["after"].is_null());
}

#[test]
fn a_patch_that_fits_elsewhere_in_its_file_is_told() {
    if !host_has_patch() {
        return;
    }
    let world = World::new(&[("net/a.c", "zero\none\ntwo\nthree\n")]);
    world.patch(&[("1", CHANGE)]).unwrap();
    assert_eq!(
        *world.warnings.0.lock().unwrap(),
        ["patch `1`: Hunk #1 succeeded at 2 (offset 1 line)."]
    );
}

#[test]
fn a_patch_that_does_not_fit_exactly_or_is_there_already_is_refused() {
    if !host_has_patch() {
        return;
    }
    let world = World::new(&TREE);
    let fuzzy = CHANGE.replace(" one\n", " other\n");
    let elsewhere = CHANGE.replace("net/a.c", "net/none.c");
    for (patches, name) in [
        (vec![("1", CHANGE), ("2", CHANGE)], "2"),
        (vec![("fuzzy", fuzzy.as_str())], "fuzzy"),
        (vec![("elsewhere", elsewhere.as_str())], "elsewhere"),
        (vec![("1", ADD), ("again", ADD)], "again"),
    ] {
        let error = world.patch(&patches).unwrap_err();
        assert_eq!(error.to_string(), format!("patch `{name}` does not apply"));
    }
}

#[test]
fn a_patch_that_changes_nothing_or_something_else_never_passes() {
    let world = World::new(&TREE).with("patch-nothing");
    let told = |world: &World| world.patch(&[("1", CHANGE)]).unwrap_err().to_string();
    assert_eq!(told(&world), "patch `1` changes nothing");
    assert_eq!(
        told(&World::new(&TREE).with("patch-stray")),
        "patch `1` left `net/a.c.rej`, which it does not name"
    );
    assert!(matches!(
        world.patch(&[("1", "")]),
        Err(KernelError::BadInput { .. })
    ));
}

#[test]
fn a_patch_does_not_follow_a_symbolic_link_out_of_the_tree() {
    let world = World::new(&TREE);
    let tree = world.store.need_tree(StepKey(world.source)).unwrap();
    let outside = world.room.path().join("outside");
    fs::create_dir(&outside).unwrap();
    std::os::unix::fs::symlink(&outside, tree.join("link")).unwrap();
    let error = world
        .patch(&[("1", &ADD.replace("drivers/new", "link"))])
        .unwrap_err();
    assert!(
        error.to_string().contains("leads through a symbolic link"),
        "{error}"
    );
    assert_eq!(fs::read_dir(outside).unwrap().count(), 0);
}
