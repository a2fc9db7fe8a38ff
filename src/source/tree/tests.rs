//! What may be unpacked where, tried with archives that no tool would make.

use std::{fs, os::unix::fs::PermissionsExt};

use tar::EntryType;

use super::*;
use crate::source::{
    craft::{Tar, show as listing},
    entries::{AtOnce, EntryError, Top, unpack_tar},
};

const SMALL: Limits = Limits {
    bytes: 1000,
    entries: 20,
};

/// Unpacks archives, one owner each, into one tree; returns it as text, or the refusal.
fn unpacked(links: Links, archives: Vec<Tar>) -> Result<String, String> {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("tree");
    fs::create_dir(&root).unwrap();
    fs::write(dir.path().join("outside"), "precious").unwrap();
    let owners = (0..archives.len()).map(|n| format!("`{n}`")).collect();
    let tree = Tree::new(&root, links, SMALL, owners);
    let unpack = || {
        for (owner, archive) in archives.into_iter().enumerate() {
            unpack_tar(
                archive.done().as_slice(),
                &tree,
                owner,
                Top::Kept,
                &mut AtOnce,
            )?;
        }
        tree.finish().map_err(EntryError::from)
    };
    let result = unpack();
    assert_eq!(fs::read(dir.path().join("outside")).unwrap(), b"precious");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    result
        .map(|()| listing(&root))
        .map_err(|error| error.to_string())
}

fn rooted(archive: Tar) -> Result<String, String> {
    unpacked(Links::Rooted, vec![archive])
}

fn refused(archive: Tar, part: &str) {
    let error = rooted(archive).unwrap_err();
    assert!(error.contains(part), "{error}");
}

#[test]
fn files_directories_and_links_are_unpacked_with_their_permissions() {
    let archive = Tar::new()
        .directory("./")
        .directory("./usr/")
        .entry(EntryType::Regular, b"./usr/program", b"", 0o6755, b"run")
        .entry(EntryType::Regular, b"./usr/secret", b"", 0o000, b"s")
        .entry(EntryType::Directory, b"./tmp", b"", 0o1777, b"")
        .file("./implied/below/file", "text")
        .link("./usr/absolute", "/usr/program")
        .link("./usr/relative", "../tmp")
        .link("./dangling", "nowhere/at/all")
        .hard_link("./usr/again", "./usr/program");
    insta::assert_snapshot!(rooted(archive).unwrap(), @r"
    l dangling -> nowhere/at/all
    d755 implied
    d755 implied/below
    f644 implied/below/file text
    d1777 tmp
    d755 usr
    l usr/absolute -> /usr/program
    f755 usr/again run
    f755 usr/program run
    l usr/relative -> ../tmp
    f400 usr/secret s
    ");
}

#[test]
fn a_name_that_is_not_utf8_is_a_name_like_any_other() {
    let archive = Tar::new().entry(EntryType::Regular, b"./caf\xe9", b"", 0o644, b"x");
    assert!(rooted(archive).unwrap().starts_with("f644 caf"));
}

#[test]
fn names_that_lead_out_are_refused() {
    for name in [
        "../outside",
        "./a/../../outside",
        "..",
        "/outside",
        "/",
        "a/..",
    ] {
        refused(Tar::new().file(name, "evil"), "leads out of the tree");
        refused(Tar::new().directory(name), "leads out of the tree");
        refused(Tar::new().link(name, "x"), "leads out of the tree");
    }
    refused(Tar::new().file("./", "evil"), "cannot be a name");
}

#[test]
fn links_that_lead_out_are_refused() {
    for target in ["../outside", "a/../../outside", "..", "/../outside"] {
        refused(Tar::new().link("evil", target), "leads out of the tree");
    }
    // `here/..` is inside to the eye, and outside in truth.
    let archive = Tar::new().link("here", ".").link("evil", "here/../outside");
    refused(archive, "leads out of the tree");
}

#[test]
fn absolute_links_are_inside_a_root_and_outside_anything_else() {
    let archive = || vec![Tar::new().link("a", "/b")];
    assert_eq!(unpacked(Links::Rooted, archive()).unwrap(), "l a -> /b");
    assert!(unpacked(Links::Inside, archive()).is_err());
    assert_eq!(unpacked(Links::Anywhere, archive()).unwrap(), "l a -> /b");
}

#[test]
fn what_is_shipped_through_a_link_lands_where_the_link_leads_inside() {
    let archive = Tar::new()
        .link("bin", "usr/bin")
        .link("lib", "/usr/lib")
        .directory("usr/bin")
        .file("bin/sh", "sh")
        .directory("lib/")
        .file("lib/deep/so", "so");
    insta::assert_snapshot!(rooted(archive).unwrap(), @r"
    l bin -> usr/bin
    l lib -> /usr/lib
    d755 usr
    d755 usr/bin
    f644 usr/bin/sh sh
    d755 usr/lib
    d755 usr/lib/deep
    f644 usr/lib/deep/so so
    ");
}

#[test]
fn nothing_is_written_through_a_link_that_leads_out() {
    for target in ["..", "../..", "a/../.."] {
        let archive = Tar::new().link("l", target).file("l/outside", "evil");
        refused(archive, "leads out of the tree");
    }
    // An absolute target begins at the tree's root, not at the machine's.
    let archive = Tar::new().link("l", "/tmp").file("l/x", "x");
    insta::assert_snapshot!(rooted(archive).unwrap(), @r"
    l l -> /tmp
    d755 tmp
    f644 tmp/x x
    ");
    // Even where links may lead anywhere.
    let archive = Tar::new().link("l", "..").file("l/outside", "evil");
    assert!(unpacked(Links::Anywhere, vec![archive]).is_err());
}

#[test]
fn links_that_lead_in_a_circle_are_no_place() {
    let archive = Tar::new().link("a", "b").link("b", "a").file("a/x", "x");
    refused(archive, "too many links");
}

#[test]
fn hard_links_lead_to_files_of_the_same_archive_only() {
    for target in ["../outside", "/outside"] {
        refused(
            Tar::new().hard_link("evil", target),
            "leads out of the tree",
        );
    }
    for target in ["missing", "link", "directory"] {
        let archive = Tar::new()
            .link("link", "../outside")
            .directory("directory")
            .hard_link("evil", target);
        refused(archive, "no file shipped before it");
    }
    let other = Tar::new().hard_link("b", "a");
    assert!(unpacked(Links::Rooted, vec![Tar::new().file("a", ""), other]).is_err());
}

#[test]
fn devices_and_pipes_are_refused_by_name() {
    for (kind, word) in [
        (EntryType::Char, "character device"),
        (EntryType::Block, "block device"),
        (EntryType::Fifo, "named pipe"),
    ] {
        refused(Tar::new().entry(kind, b"./dev/x", b"", 0o600, b""), word);
    }
}

#[test]
fn nothing_replaces_what_is_there() {
    let file = || Tar::new().file("a", "one");
    refused(file().file("a", "two"), "shipped twice");
    refused(file().file("./a", "two"), "shipped twice");
    refused(file().link("a", "b"), "shipped twice");
    refused(file().directory("a"), "no directory");
    refused(file().file("a/b", "two"), "no directory");
    refused(Tar::new().directory("a").file("a", ""), "shipped twice");
    refused(Tar::new().link("a", "b").file("a", ""), "shipped twice");
    refused(Tar::new().link("a", "b").link("a", "c"), "shipped twice");
    assert!(rooted(Tar::new().link("a", "b").link("a", "b")).is_ok());
}

#[test]
fn two_owners_share_directories_and_the_first_decides_in_any_order() {
    let dir = tempfile::tempdir().unwrap();
    let owners = vec!["`one`".to_owned(), "`two`".to_owned()];
    let tree = Tree::new(dir.path(), Links::Rooted, SMALL, owners);
    tree.directory(1, b"shared", 0o700, 5).unwrap();
    tree.directory(0, b"shared", 0o755, 7).unwrap();
    let error = tree
        .file(1, b"shared/x", 0, 0, 0)
        .and(tree.file(0, b"shared/x", 0, 0, 0));
    assert_eq!(
        error.unwrap_err().to_string(),
        "`shared/x` is shipped twice, by `one` and by `two`"
    );
    drop(tree.file(0, b"x", 0, 0, 0).unwrap().create().unwrap());
    tree.finish().unwrap();
    let mode = fs::metadata(dir.path().join("shared")).unwrap();
    assert_eq!(mode.permissions().mode() & 0o777, 0o755);
}

#[test]
fn a_link_of_one_owner_carries_others_only_once_it_is_settled() {
    let (one, two) = (|| Tar::new().link("l", "d"), || Tar::new().file("l/x", "x"));
    let error = unpacked(Links::Rooted, vec![one(), two()]).unwrap_err();
    assert_eq!(
        error,
        "`1` ships `l/x`, which leads through the link `l` of `0`"
    );
    // In the other order, it is an error as well.
    assert!(unpacked(Links::Rooted, vec![two(), one()]).is_err());
}

#[test]
fn too_many_bytes_or_entries_are_refused() {
    let large = "x".repeat(600);
    let archive = Tar::new().file("a", &large).file("b", &large);
    refused(archive, "more than");
    let many = (0..21).fold(Tar::new(), |tar, n| tar.file(&format!("{n}"), ""));
    refused(many, "more than 20 entries");
}

#[test]
fn a_cut_tar_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let tree = Tree::new(dir.path(), Links::Rooted, SMALL, vec![String::new()]);
    let bytes = Tar::new().file("a", "content").done();
    let result = unpack_tar(&bytes[..515], &tree, 0, Top::Kept, &mut AtOnce);
    assert!(matches!(result, Err(EntryError::Io(_))));
}

#[test]
fn a_link_that_two_ship_is_the_same_whoever_comes_first() {
    use std::os::unix::fs::MetadataExt;
    for order in [[0, 1], [1, 0]] {
        let dir = tempfile::tempdir().unwrap();
        let owners = vec!["`0`".to_owned(), "`1`".to_owned()];
        let tree = Tree::new(dir.path(), Links::Rooted, SMALL, owners);
        for owner in order {
            tree.directory(owner, b"usr/lib", 0o755, 1).unwrap();
            let mtime = 10 * (owner as u64 + 1);
            tree.link(owner, b"lib", b"usr/lib", mtime).unwrap();
        }
        for (owner, name) in [&b"lib/zero"[..], b"lib/one"].into_iter().enumerate() {
            tree.directory(owner, name, 0o755, 1).unwrap();
        }
        tree.finish().unwrap();
        let link = fs::symlink_metadata(dir.path().join("lib")).unwrap();
        assert_eq!(link.mtime(), 10, "{order:?}");
        assert!(dir.path().join("usr/lib/one").is_dir());
    }
}
