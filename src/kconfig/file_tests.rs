//! Which files a tree consists of: those that source each other, and none outside it.

use std::{collections::BTreeMap, fs};

use super::{
    oracle::{Answers, Recorded},
    parse::{self, Reading},
    sketch::{mistakes, mistakes_of, read, reading, shown},
};

#[test]
fn files_are_followed_and_numbered_once() {
    let files = [
        (
            "Kconfig",
            "source \"a/Kconfig\"\nsource \"./b\"\nsource \"b\"\n\tdefault y\n",
        ),
        (
            "a/Kconfig",
            "rsource \"../b\"\norsource \"none\"\nosource \"none\"\nrsource \"sub/*.k\"\n",
        ),
        ("b", "config B\n\tbool"),
        ("a/sub/2.k", "config TWO\n"),
        ("a/sub/10.k", "config TEN\n"),
        ("a/sub/.hidden.k", "config HIDDEN\n"),
        ("a/sub/other", "config OTHER\n"),
    ];
    let (tree, _) = read(&files);
    // The last line belongs to what the sourced file ends with: for `conf` too, files have no borders.
    assert_eq!(
        shown(&tree),
        "config B\n  bool\nconfig TEN\nconfig TWO\nconfig B\n  bool\nconfig B\n  bool\n  default 'y'\n"
    );
    assert_eq!(
        tree.files,
        ["Kconfig", "a/Kconfig", "b", "a/sub/10.k", "a/sub/2.k"]
    );
}

#[test]
fn a_block_ends_in_its_file() {
    let files = [
        (
            "Kconfig",
            "if A\nsource \"a\"\nendif\nsource \"b\"\nendmenu\n",
        ),
        ("a", "endif\n"),
        ("b", "menu \"m\"\nif B\n"),
    ];
    assert_eq!(
        mistakes(&files),
        "\
a:1: `endif` would close the `if` at Kconfig:1, which another file opens
b:2: `if` is not closed in this file
b:1: `menu` is not closed in this file
Kconfig:5: `endmenu` closes nothing: no `menu` is open
"
    );
}

#[test]
fn a_tree_never_reads_what_lies_outside_it() {
    let folder = tempfile::tempdir().unwrap();
    let top = folder.path().join("tree");
    fs::create_dir(&top).unwrap();
    fs::write(folder.path().join("secret"), "config SECRET\n").unwrap();
    std::os::unix::fs::symlink("../secret", top.join("link")).unwrap();
    std::os::unix::fs::symlink("..", top.join("up")).unwrap();
    fs::create_dir(top.join("folder")).unwrap();
    let absolute = folder.path().join("secret");
    let names = [
        "../secret",
        "folder/../../secret",
        "link",
        "up/secret",
        "up/s*",
        "folder",
        absolute.to_str().unwrap(),
    ];
    for name in names {
        fs::write(top.join("Kconfig"), format!("source \"{name}\"\n")).unwrap();
        let (variables, answers) = (BTreeMap::new(), Answers::default());
        let error =
            parse::read(&top, "Kconfig", &mut Recorded::new(&variables, &answers)).unwrap_err();
        let told = mistakes_of(&error);
        let expected = match name {
            "folder" => "is not a file",
            _ => "lies outside the kernel tree",
        };
        assert!(told.contains(expected), "{name}: {told}");
    }
}

#[test]
fn a_name_under_srctree_is_one_in_the_tree() {
    let files = [
        ("Kconfig", "source \"$(srctree)/sub/a\"\n"),
        ("sub/a", "config A\n\tdefault \"$(filename):$(lineno)\"\n"),
    ];
    for top in [".", "/build/linux", "/build/linux/"] {
        let Ok(Reading::Done(tree, _)) = reading(&files, &[("srctree", top)], &[]) else {
            panic!("{top} is not understood");
        };
        assert_eq!(tree.files[1], "sub/a");
        assert!(shown(&tree).contains("sub/a:2'"));
    }
}
