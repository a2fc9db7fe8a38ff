//! The agent's crates, offline: what is unpacked, and what is refused.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};

use super::*;
use crate::{
    cancel::Cancel,
    event::Silent,
    step::{StepId, StepKey},
    store::Store,
};

/// Packs a `.crate` file of these entries: path, kind, content.
fn packed(entries: &[(&str, tar::EntryType, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (path, kind, content) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(*kind);
        header.set_size(content.len() as u64);
        header.set_mode(if path.ends_with(".sh") { 0o775 } else { 0o664 });
        // `set_path` refuses the paths that hostile archives have.
        header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
        if *kind == tar::EntryType::Symlink {
            header.set_link_name("/etc/passwd").unwrap();
        }
        header.set_cksum();
        archive.append(&header, *content).unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap()
}

const FILE: tar::EntryType = tar::EntryType::Regular;

fn lock(crates: &[(&str, &[u8])]) -> String {
    let mut text = "version = 4\n\n[[package]]\nname = \"agent\"\nversion = \"0.1.0\"\n".to_owned();
    for (name, bytes) in crates {
        text += &format!(
            "\n[[package]]\nname = \"{name}\"\nversion = \"1.0.0\"\nsource = \"registry+https://index.example\"\nchecksum = \"{}\"\n",
            Digest::of(bytes).hex()
        );
    }
    text
}

/// Runs the step offline on a store that holds the crates marked so.
fn step(store: &Store, crates_there: &[(&str, &[u8], bool)]) -> Result<PathBuf, AgentError> {
    let listed: Vec<_> = crates_there
        .iter()
        .map(|(name, bytes, _)| (*name, *bytes))
        .collect();
    for (_, bytes, there) in crates_there {
        if *there {
            store.put(bytes).unwrap();
        }
    }
    let action = Crates {
        toolchain: None,
        manifest: store.put(b"").unwrap().0,
        lock: store.put(lock(&listed).as_bytes()).unwrap().0,
    };
    let key = StepKey(Digest::of(b"key"));
    let step = StepId::new("crates");
    let (network, cancel) = (Network::Off("--offline"), Cancel::new());
    let log = store.root().join("tmp/log");
    let bench = Bench::new(&step, key, store, &network, 1, &cancel, &Silent, log).unwrap();
    let products = crates(&bench, &action)?;
    assert_eq!(products["tree"], Product::Tree { key });
    Ok(store.need_tree(key).unwrap())
}

fn with_store<T>(work: impl FnOnce(&Store) -> T) -> T {
    let cache = tempfile::tempdir().unwrap();
    work(&Store::open(cache.path()).unwrap())
}

#[test]
fn crates_in_the_store_are_unpacked_as_vendored_without_the_network() {
    with_store(|store| {
        let bytes = packed(&[
            ("a-1.0.0/Cargo.toml", FILE, b"[package]"),
            ("a-1.0.0/src/lib.rs", FILE, b""),
            ("a-1.0.0/run.sh", FILE, b"#!"),
        ]);
        let tree = step(store, &[("a", &bytes, true)]).unwrap();
        let read = |name: &str| fs::read_to_string(tree.join(name)).unwrap();
        assert_eq!(read("a-1.0.0/Cargo.toml"), "[package]");
        let marker = format!(
            r#"{{"files":{{}},"package":"{}"}}"#,
            Digest::of(&bytes).hex()
        );
        assert_eq!(read("a-1.0.0/.cargo-checksum.json"), marker);
        let mode = |name: &str| fs::metadata(tree.join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode("a-1.0.0/src/lib.rs"), 0o644);
        assert_eq!(mode("a-1.0.0/run.sh"), 0o755);
    });
}

#[test]
fn offline_names_every_crate_that_is_missing() {
    with_store(|store| {
        let there = packed(&[("a-1.0.0/Cargo.toml", FILE, b"")]);
        let all = [
            ("a", &there[..], true),
            ("b", b"b", false),
            ("c", b"c", false),
        ];
        let error = step(store, &all).unwrap_err();
        let text = "2 of the agent's crates are not in the store: b-1.0.0, c-1.0.0";
        assert_eq!(error.to_string(), text);
    });
}

#[test]
fn a_crate_that_reaches_out_of_its_directory_is_refused() {
    let hostile = [
        packed(&[("../a-1.0.0/x", FILE, b"")]),
        packed(&[("/a-1.0.0/x", FILE, b"")]),
        packed(&[("a-1.0.0/../b-1.0.0/x", FILE, b"")]),
        packed(&[("b-1.0.0/x", FILE, b"")]),
        packed(&[("a-1.0.0/x", tar::EntryType::Symlink, b"")]),
        packed(&[("a-1.0.0/x", FILE, b"1"), ("a-1.0.0/x", FILE, b"2")]),
        packed(&[]),
        b"not gzip".to_vec(),
    ];
    let told = hostile.map(|bytes| {
        with_store(|store| step(store, &[("a", &bytes, true)]).unwrap_err().to_string())
    });
    insta::assert_snapshot!(told.join("\n"), @r#"
        cannot unpack crate a-1.0.0: `../a-1.0.0/x` is not below `a-1.0.0`
        cannot unpack crate a-1.0.0: `/a-1.0.0/x` is not below `a-1.0.0`
        cannot unpack crate a-1.0.0: `a-1.0.0/../b-1.0.0/x` is not below `a-1.0.0`
        cannot unpack crate a-1.0.0: `b-1.0.0/x` is not below `a-1.0.0`
        cannot unpack crate a-1.0.0: `a-1.0.0/x` is no file or directory
        cannot unpack crate a-1.0.0: `a-1.0.0/x`: File exists (os error 17)
        cannot unpack crate a-1.0.0: it is empty
        cannot unpack crate a-1.0.0: unexpected end of file
    "#);
}

#[test]
fn a_download_with_another_digest_than_the_locks_never_enters_the_store() {
    with_store(|store| {
        let home = tempfile::tempdir().unwrap();
        let cache = home.path().join("registry/cache/index.example-0");
        fs::create_dir_all(&cache).unwrap();
        let mut file = File::create(cache.join("a-1.0.0.crate")).unwrap();
        file.write_all(b"something else").unwrap();
        let locked = LockedCrate {
            name: "a".to_owned(),
            version: "1.0.0".to_owned(),
            checksum: Digest::of(b"a"),
        };
        let (key, step) = (StepKey(Digest::of(b"key")), StepId::new("crates"));
        let (network, cancel) = (Network::Off("--offline"), Cancel::new());
        let log = home.path().join("log");
        let bench = Bench::new(&step, key, store, &network, 1, &cancel, &Silent, log).unwrap();
        let error = adopt(&bench, &locked, &downloads(home.path())).unwrap_err();
        assert!(matches!(error, AgentError::WrongCrate { .. }), "{error}");
        assert!(store.blob(Digest::of(b"something else")).is_none());
        let other = LockedCrate {
            name: "b".to_owned(),
            ..locked
        };
        let error = adopt(&bench, &other, &downloads(home.path())).unwrap_err();
        assert_eq!(error.to_string(), "cargo did not download b-1.0.0");
    });
}
