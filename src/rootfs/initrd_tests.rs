//! Initrds: pinned bytes, what GNU cpio and our reader see in them, and hostile ones.

use std::{fs, path::Path};

use proptest::prelude::*;

use super::{super::archive::*, *};
use crate::{cancel::Cancel, rootfs::find_init};

const BOTH: [InitrdCompression; 2] = [InitrdCompression::Gzip, InitrdCompression::Zstd];

fn node(path: &str, mode: u32, kind: NodeKind) -> Node {
    Node {
        path: path.to_owned(),
        mode,
        uid: 0,
        gid: 0,
        kind,
    }
}

fn file(store: &Store, path: &str, mode: u32, content: &[u8]) -> Node {
    let (digest, size) = store.put(content).unwrap();
    node(path, mode, NodeKind::File { digest, size })
}

fn link(path: &str, target: &str) -> Node {
    let target = target.to_owned();
    node(path, 0o777, NodeKind::Link { target })
}

fn guest(store: &Store) -> Tree {
    let console = NodeKind::Char { major: 5, minor: 1 };
    Tree {
        schema: 1,
        entries: vec![
            node("/dev", 0o755, NodeKind::Directory),
            node("/dev/console", 0o600, console),
            node("/etc", 0o755, NodeKind::Directory),
            file(store, "/etc/resolv.conf", 0o644, b""),
            link("/init", "sbin/init"),
            node("/sbin", 0o755, NodeKind::Directory),
            file(store, "/sbin/init", 0o755, b"an agent of odd length!"),
            node("/tmp", 0o1777, NodeKind::Directory),
        ],
    }
}

fn plain(tree: &Tree, store: &Store) -> Vec<u8> {
    let mut bytes = Vec::new();
    archive(tree, store, &Cancel::new(), &mut bytes).unwrap();
    bytes
}

fn packed(tree: &Tree, store: &Store, compression: InitrdCompression) -> Vec<u8> {
    let mut packer = Packer::new(Vec::new(), compression).unwrap();
    archive(tree, store, &Cancel::new(), &mut packer).unwrap();
    packer.finish().unwrap()
}

fn read(bytes: &[u8]) -> Result<BTreeMap<String, Found>, String> {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), bytes).unwrap();
    read_initrd(file.path()).map_err(|error| {
        error
            .to_string()
            .replace(&file.path().display().to_string(), "FILE")
    })
}

fn with_store<T>(work: impl FnOnce(&Store) -> T) -> T {
    let cache = tempfile::tempdir().unwrap();
    work(&Store::open(cache.path()).unwrap())
}

/// The form of initrds. When a pin changes, every artifact's digest changes: bump the trade's recipe number.
#[test]
fn the_bytes_of_a_small_initrd_are_pinned() {
    with_store(|store| {
        let tree = guest(store);
        let bytes = plain(&tree, store);
        let pins: Vec<_> = [
            bytes,
            packed(&tree, store, BOTH[0]),
            packed(&tree, store, BOTH[1]),
        ]
        .iter()
        .map(|bytes| format!("{} {}", Digest::of(bytes).short(), bytes.len()))
        .collect();
        insta::assert_snapshot!(pins.join("\n"), @r#"
            c58f9a4ff8b7 1112
            232d46862d06 225
            d5cea58f6ba0 205
        "#);
    });
}

#[test]
fn gnu_cpio_lists_what_was_packed() {
    with_store(|store| {
        let tree = guest(store);
        let work = tempfile::tempdir().unwrap();
        let file = work.path().join("initrd");
        fs::write(&file, plain(&tree, store)).unwrap();
        let Some(listing) = listed_by_cpio(&file) else {
            eprintln!("not compared: there is no GNU cpio here");
            return;
        };
        insta::assert_snapshot!(listing, @r#"
            drwxr-xr-x   2 0        0               0 Jan  1  1970 dev
            crw-------   1 0        0          5,   1 Jan  1  1970 dev/console
            drwxr-xr-x   2 0        0               0 Jan  1  1970 etc
            -rw-r--r--   1 0        0               0 Jan  1  1970 etc/resolv.conf
            lrwxrwxrwx   1 0        0               9 Jan  1  1970 init -> sbin/init
            drwxr-xr-x   2 0        0               0 Jan  1  1970 sbin
            -rwxr-xr-x   1 0        0              23 Jan  1  1970 sbin/init
            drwxrwxrwt   2 0        0               0 Jan  1  1970 tmp
        "#);
    });
}

/// Lists an archive with the host's GNU cpio, when it has one.
#[expect(clippy::disallowed_methods, reason = "compares with a foreign reader")]
fn listed_by_cpio(file: &Path) -> Option<String> {
    let cpio = |args: &[&str]| {
        let mut command = std::process::Command::new("cpio");
        command.args(args).arg(file);
        command.env("LC_ALL", "C").env("TZ", "UTC").output().ok()
    };
    let version = cpio(&["--version"])?;
    if !String::from_utf8_lossy(&version.stdout).contains("GNU cpio") {
        return None;
    }
    let listing = cpio(&["-itv", "--quiet", "--numeric-uid-gid", "-F"])?;
    assert!(listing.status.success(), "{listing:?}");
    Some(String::from_utf8(listing.stdout).unwrap())
}

#[test]
fn what_is_packed_reads_back_with_either_compression() {
    with_store(|store| {
        let tree = guest(store);
        let expected = read(&plain(&tree, store)).unwrap();
        assert_eq!(expected.len(), tree.entries.len());
        assert_eq!(expected["/dev/console"].kind, FoundKind::Char(5, 1));
        assert_eq!(expected["/tmp"].mode, 0o1777);
        for compression in BOTH {
            assert_eq!(read(&packed(&tree, store, compression)).unwrap(), expected);
        }
    });
}

#[test]
fn a_directory_counts_the_directories_in_it_as_links() {
    with_store(|store| {
        let tree = Tree {
            schema: 1,
            entries: ["/a", "/a/b", "/a/c", "/a/c/d"]
                .map(|path| node(path, 0o755, NodeKind::Directory))
                .to_vec(),
        };
        let entries = read(&plain(&tree, store)).unwrap();
        let links: Vec<_> = entries.values().map(|found| found.nlink).collect();
        assert_eq!(links, [4, 2, 3, 2]);
    });
}

#[test]
fn the_kernel_can_hold_the_window_of_a_zstd_initrd() {
    with_store(|store| {
        let noise: Vec<u8> = (0..9_000_000_u32)
            .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
            .collect();
        let tree = Tree {
            schema: 1,
            entries: vec![file(store, "/noise", 0o644, &noise)],
        };
        let bytes = packed(&tree, store, InitrdCompression::Zstd);
        // Frame header: magic, descriptor, window descriptor (exponent in its upper five bits).
        assert_eq!(bytes[4] & 0b0010_0000, 0, "not a single segment");
        let window_log = 10 + (bytes[5] >> 3);
        assert!(window_log <= 23, "windowLog {window_log}");
        assert_eq!(bytes[4] >> 6, 0, "no content size: it was never pledged");
    });
}

#[test]
fn init_is_found_through_links() {
    with_store(|store| {
        let mut tree = guest(store);
        let init = |tree: &Tree| {
            let entries = read(&plain(tree, store)).unwrap();
            find_init(&entries).map(|(path, _)| path)
        };
        assert_eq!(init(&tree).as_deref(), Ok("/sbin/init"));
        tree.entries[4] = link("/init", "/bin/../run/init");
        tree.entries.insert(0, link("/bin", "sbin"));
        tree.entries.push(link("/zrun", "sbin"));
        assert_eq!(
            init(&tree).unwrap_err(),
            "/init leads to /run/init, which is not there"
        );
        tree.entries[5] = link("/init", "zrun/init");
        assert_eq!(init(&tree).as_deref(), Ok("/sbin/init"));
        tree.entries[5] = link("/init", "init");
        assert_eq!(
            init(&tree).unwrap_err(),
            "/init is a link that leads nowhere"
        );
        tree.entries[5] = link("/init", "etc");
        assert_eq!(
            init(&tree).unwrap_err(),
            "/init is /etc, which is not a file"
        );
        tree.entries[5] = link("/init", "etc/resolv.conf");
        assert_eq!(
            init(&tree).unwrap_err(),
            "/init is /etc/resolv.conf, which is not executable"
        );
        tree.entries.remove(5);
        assert_eq!(init(&tree).unwrap_err(), "/init is not there");
    });
}

#[test]
fn a_file_whose_size_changed_in_the_store_is_never_packed() {
    with_store(|store| {
        let mut tree = guest(store);
        let (digest, size) = store.put(b"four").unwrap();
        let kind = NodeKind::File {
            digest,
            size: size + 1,
        };
        tree.entries.push(node("/wrong", 0o644, kind));
        let error = archive(&tree, store, &Cancel::new(), &mut Vec::new()).unwrap_err();
        assert_eq!(error.to_string(), "cannot write `/wrong` into the initrd");
    });
}

/// One hostile archive per kind of fault, made by changing bytes of a sound one.
#[test]
fn hostile_archives_are_refused_with_the_reason() {
    with_store(|store| {
        let bytes = plain(&guest(store), store);
        let put = |at: usize, with: &[u8]| {
            let mut changed = bytes.clone();
            changed[at..at + with.len()].copy_from_slice(with);
            read(&changed).unwrap_err()
        };
        let mut told = vec![
            put(0, b"070707"),
            put(6, b"+0000001"),
            put(94, b"FFFFFFFF"),
            put(94, b"00000000"),
            put(110, b"/ev"),
            put(110, b"d\0"),
            put(14, b"0000C1ED"),
            put(54, b"00000004"),
            read(&bytes[..bytes.len() - 20]).unwrap_err(),
            read(&bytes[..300]).unwrap_err(),
            read(b"").unwrap_err(),
            read(b"\x1f\x8b\x08").unwrap_err(),
        ];
        let twice = [&bytes[..bytes.len() - 124], &bytes[..]].concat();
        told.push(read(&twice).unwrap_err());
        told.push(read(&[&bytes[..], b"more"].concat()).unwrap_err());
        insta::assert_snapshot!(told.join("\n"), @r#"
            `FILE` is not a sound initrd: no newc header at byte 0
            `FILE` is not a sound initrd: the header at byte 0 has other than digits
            `FILE` is not a sound initrd: the name at byte 0 is empty or too long
            `FILE` is not a sound initrd: the name at byte 0 is empty or too long
            `FILE` is not a sound initrd: the name at byte 0 is not a plain relative path
            `FILE` is not a sound initrd: the name at byte 0 does not end with its only NUL
            `FILE` is not a sound initrd: `/dev` is a special file
            `FILE` is not a sound initrd: `/dev` has content
            `FILE` is not a sound initrd: it ends early, after 988 bytes unpacked
            `FILE` is not a sound initrd: it ends early, after 240 bytes unpacked
            `FILE` is not a sound initrd: it ends early, after 0 bytes unpacked
            `FILE` is not a sound initrd: it ends early, after 0 bytes unpacked
            `FILE` is not a sound initrd: `/dev` is in it twice
            `FILE` is not a sound initrd: more follows the end at byte 1112
        "#);
        assert!(read(&[&bytes[..], &[0; 512]].concat()).is_ok());
    });
}

fn any_entries() -> impl Strategy<Value = BTreeMap<String, (u8, u32, Vec<u8>)>> {
    let name = "(/[a-c.é \n-]{1,3}){1,4}".prop_filter("no dots", |path| {
        !path.split('/').any(|part| part == "." || part == "..")
    });
    let content = prop::collection::vec(any::<u8>(), 0..40);
    prop::collection::btree_map(name, (0..5_u8, 0..0o10000_u32, content), 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_tree_reads_back_as_it_was(entries in any_entries()) {
        with_store(|store| {
            let mut nodes = BTreeMap::new();
            for (path, (kind, mode, content)) in &entries {
                let above = path.match_indices('/').skip(1).map(|(at, _)| &path[..at]);
                for above in above {
                    nodes.insert(above.to_owned(), node(above, 0o755, NodeKind::Directory));
                }
                let made = match kind {
                    0 => node(path, *mode, NodeKind::Directory),
                    1 => link(path, &format!("t{}", content.len())),
                    2 => node(path, *mode, NodeKind::Char { major: *mode, minor: 3 }),
                    3 => node(path, *mode, NodeKind::Block { major: 8, minor: *mode }),
                    _ => file(store, path, *mode, content),
                };
                nodes.entry(path.clone()).or_insert(made);
            }
            // What something lies in is a directory, whatever was drawn for it.
            for path in nodes.keys().cloned().collect::<Vec<_>>() {
                for (at, _) in path.match_indices('/').skip(1) {
                    let above = &path[..at];
                    nodes.insert(above.to_owned(), node(above, 0o755, NodeKind::Directory));
                }
            }
            let tree = Tree { schema: 1, entries: nodes.into_values().collect() };
            let found = read(&packed(&tree, store, InitrdCompression::Gzip)).unwrap();
            prop_assert_eq!(found.len(), tree.entries.len());
            for node in &tree.entries {
                let found = &found[&node.path];
                prop_assert_eq!(found.mode, node.mode);
                prop_assert_eq!(found.mtime, 0);
                let kind = match &node.kind {
                    NodeKind::Directory => FoundKind::Directory,
                    NodeKind::File { digest, size } => FoundKind::File { digest: *digest, size: *size },
                    NodeKind::Link { target } => FoundKind::Link(target.clone()),
                    NodeKind::Char { major, minor } => FoundKind::Char(*major, *minor),
                    NodeKind::Block { major, minor } => FoundKind::Block(*major, *minor),
                };
                prop_assert_eq!(&found.kind, &kind);
            }
            Ok(())
        })?;
    }

    #[test]
    fn no_change_of_an_archive_makes_the_reader_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        end in any::<prop::sample::Index>(),
    ) {
        with_store(|store| {
            let mut bytes = plain(&guest(store), store);
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            bytes.truncate(end.index(bytes.len() * 2) + 1);
            let _ = read(&bytes);
        });
    }
}
