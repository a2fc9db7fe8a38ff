//! Declared trees: what is told of a contradiction, and what an overlay becomes.

use std::{collections::BTreeMap, fs, os::unix::fs::symlink};

use super::*;
use crate::manifest::{DeviceNode, GuestFile};

fn attributes(mode: u32) -> Attributes {
    Attributes { mode, ..ROOT }
}

fn text(content: &str) -> GuestFile {
    GuestFile {
        content: FileContent::Text(content.to_owned()),
        attributes: attributes(0o644),
    }
}

fn agent() -> Input {
    Input::Blob(Digest::of(b"agent"))
}

/// Declares without a store: the digest is of the bytes, wherever they come from.
fn declared(rootfs: &Rootfs) -> Result<BTreeMap<String, Entry<Input>>, Vec<String>> {
    let mut import = |bytes: Bytes<'_>| {
        Ok(match bytes {
            Bytes::Text(text) => Digest::of(text.as_bytes()),
            Bytes::File(path) => Digest::of_file(path).unwrap().0,
        })
    };
    declare(rootfs, agent(), &mut import).map_err(|error| match error {
        RootfsError::Contradictions(problems) => problems.iter().map(ToString::to_string).collect(),
        other => panic!("{other}"),
    })
}

#[test]
fn the_agent_is_sbin_init_and_every_directory_above_an_entry_is_made() {
    let rootfs = Rootfs {
        links: BTreeMap::from([("/init".to_owned(), "sbin/init".to_owned())]),
        files: BTreeMap::from([("/etc/resolv.conf".to_owned(), text(""))]),
        ..Rootfs::default()
    };
    let entries = declared(&rootfs).unwrap();
    let paths: Vec<_> = entries.keys().map(String::as_str).collect();
    assert_eq!(
        paths,
        ["/etc", "/etc/resolv.conf", "/init", "/sbin", "/sbin/init"]
    );
    assert_eq!(entries["/sbin"], directory(ROOT));
    assert_eq!(entries["/sbin/init"], file(agent(), ROOT));
}

#[test]
fn an_overlay_keeps_links_and_the_executable_bit_and_nothing_else_of_its_modes() {
    let overlay = tempfile::tempdir().unwrap();
    let at = |name: &str| overlay.path().join(name);
    fs::create_dir(at("etc")).unwrap();
    fs::write(at("etc/motd"), "hello").unwrap();
    fs::write(at("hook"), "#!").unwrap();
    symlink("etc/motd", at("motd")).unwrap();
    for (name, mode) in [("etc", 0o700), ("etc/motd", 0o600), ("hook", 0o700)] {
        fs::set_permissions(at(name), fs::Permissions::from_mode(mode)).unwrap();
    }
    let rootfs = Rootfs {
        overlay: Some(overlay.path().to_owned()),
        ..Rootfs::default()
    };
    let entries = declared(&rootfs).unwrap();
    assert_eq!(entries["/etc"], directory(ROOT));
    let motd = Input::Blob(Digest::of(b"hello"));
    assert_eq!(entries["/etc/motd"], file(motd, attributes(0o644)));
    let hook = Input::Blob(Digest::of(b"#!"));
    assert_eq!(entries["/hook"], file(hook, attributes(0o755)));
    let target = "etc/motd".to_owned();
    assert_eq!(entries["/motd"], Entry::Link { target });
}

#[test]
fn a_declared_directory_gives_the_overlays_directory_its_mode() {
    let overlay = tempfile::tempdir().unwrap();
    fs::create_dir(overlay.path().join("tmp")).unwrap();
    let rootfs = Rootfs {
        overlay: Some(overlay.path().to_owned()),
        directories: BTreeMap::from([("/tmp".to_owned(), attributes(0o1777))]),
        ..Rootfs::default()
    };
    assert_eq!(
        declared(&rootfs).unwrap()["/tmp"],
        directory(attributes(0o1777))
    );
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};

    let overlay = tempfile::tempdir().unwrap();
    let at = overlay.path();
    fs::create_dir_all(at.join("etc")).unwrap();
    fs::write(at.join("etc/motd"), "one").unwrap();
    fs::write(at.join(OsStr::from_bytes(b"bad\xff")), "").unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(at.join("socket")).unwrap();
    let console = DeviceNode {
        kind: DeviceKind::Char,
        major: 5,
        minor: 1,
        attributes: attributes(0o600),
    };
    let rootfs = Rootfs {
        overlay: Some(at.to_owned()),
        directories: BTreeMap::from([("/".to_owned(), ROOT), ("/a/../b".to_owned(), ROOT)]),
        files: BTreeMap::from([
            ("/etc/motd".to_owned(), text("two")),
            ("/sbin/init".to_owned(), text("three")),
            ("/lib/x".to_owned(), text("four")),
            ("/TRAILER!!!".to_owned(), text("five")),
        ]),
        links: BTreeMap::from([
            ("/lib".to_owned(), "usr/lib".to_owned()),
            ("/empty".to_owned(), String::new()),
        ]),
        devices: BTreeMap::from([("console".to_owned(), console)]),
    };
    let problems = declared(&rootfs).unwrap_err().join("\n");
    let problems = problems.replace(&at.display().to_string(), "OVERLAY");
    insta::assert_snapshot!(problems, @r"
    `/` (by rootfs.directories) cannot be a path of the guest: the root itself is always there, as root's, with mode 0755
    `/a/../b` (by rootfs.directories) cannot be a path of the guest: an empty part, `.` or `..` is in it
    `/TRAILER!!!` (by rootfs.files) cannot be a path of the guest: the archive format uses this name to mark its end
    `/sbin/init` is given twice: by the agent and by rootfs.files
    `/empty` (by rootfs.links) cannot be a path of the guest: a link needs a target
    `console` (by rootfs.devices) cannot be a path of the guest: it does not start with `/`
    the overlay's `OVERLAY/bad�` has a name or a link target that is not UTF-8
    `/etc/motd` is given twice: by rootfs.files and by the overlay
    the overlay's `OVERLAY/socket` is no file, directory or symbolic link
    `/lib/x` (by rootfs.files) lies below `/lib`, which is a symbolic link (by rootfs.links)
    ");
}

#[test]
fn the_bytes_reach_the_store_under_the_digest_that_is_declared() {
    let cache = tempfile::tempdir().unwrap();
    let store = Store::open(cache.path()).unwrap();
    let outside = cache.path().join("outside");
    fs::write(&outside, "from a file").unwrap();
    let from_file = GuestFile {
        content: FileContent::Path(outside),
        attributes: attributes(0o644),
    };
    let rootfs = Rootfs {
        files: BTreeMap::from([
            ("/a".to_owned(), text("from text")),
            ("/b".to_owned(), from_file),
        ]),
        ..Rootfs::default()
    };
    let entries = declare(&rootfs, agent(), &mut import_into(&store)).unwrap();
    for (path, content) in [("/a", "from text"), ("/b", "from a file")] {
        let Entry::File {
            content: Input::Blob(digest),
            ..
        } = entries[path]
        else {
            panic!("{path} is a file");
        };
        assert_eq!(store.read(digest).unwrap(), content.as_bytes());
    }
}

#[test]
fn a_missing_overlay_is_an_error_that_names_it() {
    let rootfs = Rootfs {
        overlay: Some("/nonexistent/overlay".into()),
        ..Rootfs::default()
    };
    let mut import = |_: Bytes<'_>| Ok(Digest::of(b""));
    let error = declare(&rootfs, agent(), &mut import).unwrap_err();
    let RootfsError::Overlay(cause) = error else {
        panic!("{error}");
    };
    assert!(cause.to_string().contains("/nonexistent/overlay"));
}
