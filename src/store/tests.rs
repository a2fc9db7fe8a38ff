//! What the store promises, tried on a real directory.

use std::{
    fs,
    io::Write,
    sync::{Arc, Barrier},
    thread,
};

use super::*;
use crate::cancel::Cancel;
use crate::step::{Product, Products, StepId};

fn store() -> (tempfile::TempDir, Store) {
    let cache = tempfile::tempdir().unwrap();
    let store = Store::open(cache.path()).unwrap();
    (cache, store)
}

fn key(text: &str) -> StepKey {
    StepKey(Digest::of(text.as_bytes()))
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_blob_is_found_by_the_digest_of_its_content() {
    let (_cache, store) = store();
    let (digest, size) = store.put(b"kata").unwrap();
    assert_eq!((digest, size), (Digest::of(b"kata"), 4));
    assert_eq!(store.read(digest).unwrap(), b"kata");
    assert!(store.blob(Digest::of(b"other")).is_none());
}

#[test]
fn a_blob_with_another_digest_than_expected_leaves_nothing() {
    let (_cache, store) = store();
    let mut writer = store.write_blob().unwrap();
    writer.write_all(b"lies").unwrap();
    let error = writer
        .finish_as(Digest::of(b"truth"), "a download")
        .unwrap_err();
    assert!(matches!(error, StoreError::WrongDigest { .. }), "{error}");
    assert!(store.blob(Digest::of(b"lies")).is_none());
    assert_eq!(names(&store.root().join("tmp")), [""; 0]);
}

#[test]
fn a_writer_that_is_dropped_leaves_nothing() {
    let (_cache, store) = store();
    store.write_blob().unwrap().write_all(b"half").unwrap();
    let tree = store.write_tree(key("tree")).unwrap();
    fs::write(tree.path().unwrap().join("half"), "half").unwrap();
    drop(tree);
    assert_eq!(names(&store.root().join("tmp")), [""; 0]);
    assert!(store.tree(key("tree")).is_none());
}

#[test]
fn a_tree_appears_whole_and_replaces_an_older_one() {
    let (_cache, store) = store();
    for content in ["old", "new"] {
        let tree = store.write_tree(key("tree")).unwrap();
        fs::write(tree.path().unwrap().join("file"), content).unwrap();
        assert!(content == "new" || store.tree(key("tree")).is_none());
        let path = tree.finish().unwrap();
        assert_eq!(fs::read_to_string(path.join("file")).unwrap(), content);
    }
    assert_eq!(names(&store.root().join("tmp")), [""; 0]);
}

#[test]
fn a_tree_from_before_the_machine_started_is_not_trusted() {
    let (_cache, store) = store();
    let tree = store.write_tree(key("tree")).unwrap();
    let path = {
        tree.path().unwrap();
        tree.finish().unwrap()
    };
    assert!(store.tree(key("tree")).is_some());
    fs::write(path.with_extension("boot"), "another boot").unwrap();
    assert!(store.tree(key("tree")).is_none());
}

#[test]
fn a_tree_with_directories_nobody_may_write_is_removed() {
    use std::os::unix::fs::PermissionsExt;
    let (_cache, store) = store();
    let scratch = store.scratch("test").unwrap();
    let inner = scratch.path().join("a/b");
    fs::create_dir_all(&inner).unwrap();
    fs::write(inner.join("file"), "").unwrap();
    for directory in [&inner, &scratch.path().join("a")] {
        fs::set_permissions(directory, fs::Permissions::from_mode(0o000)).unwrap();
    }
    let path = scratch.path().to_owned();
    drop(scratch);
    assert!(!path.exists());
}

#[test]
fn what_a_killed_process_left_is_swept_and_what_is_in_use_is_not() {
    let (cache, store) = store();
    let used = store.scratch("used").unwrap();
    let left = store.root().join("tmp/left-1");
    fs::create_dir(&left).unwrap();
    fs::write(left.join("file"), "").unwrap();
    fs::write(left.with_extension("lock"), "").unwrap();
    Store::open(cache.path()).unwrap();
    assert!(used.path().is_dir());
    assert!(!left.exists());
}

#[test]
fn a_record_reads_back_and_a_damaged_one_counts_as_none() {
    let (_cache, store) = store();
    let (digest, size) = store.put(b"product").unwrap();
    let record = Record {
        key: key("step"),
        plan: "kata".to_owned(),
        id: StepId::new("x86_64/compile"),
        action: serde_json::json!({"action": "compile"}),
        products: Products::from([("vmlinux".to_owned(), Product::Blob { digest, size })]),
    };
    store.put_record(&record).unwrap();
    assert_eq!(store.record(record.key), Some(record.clone()));
    assert_eq!(store.latest("kata", &record.id), Some(record.clone()));
    assert!(store.holds(&record));
    fs::remove_file(store.blob(digest).unwrap()).unwrap();
    assert!(!store.holds(&record));
    let path = store.root().join(format!("results/{}.json", record.key));
    let text = fs::read(&path).unwrap();
    fs::write(&path, &text[..text.len() / 2]).unwrap();
    assert_eq!(store.record(record.key), None);
}

#[test]
fn one_step_runs_once_at_a_time() {
    let (_cache, store) = store();
    let store = Arc::new(store);
    let waiting = Arc::new(Barrier::new(2));
    let first = store
        .lock_step(key("step"), &Cancel::new(), || panic!("nobody holds it"))
        .unwrap();
    let second = {
        let (store, waiting) = (Arc::clone(&store), Arc::clone(&waiting));
        thread::spawn(move || {
            let mut waited = false;
            store
                .lock_step(key("step"), &Cancel::new(), || {
                    waited = true;
                    waiting.wait();
                })
                .unwrap();
            waited
        })
    };
    waiting.wait();
    drop(first);
    assert!(second.join().unwrap());
}

#[test]
fn waiting_for_another_process_ends_when_the_work_is_stopped() {
    let (_cache, store) = store();
    let cancel = Cancel::new();
    let _held = store
        .lock_step(key("step"), &cancel, || panic!("nobody holds it"))
        .unwrap();
    let error = store
        .lock_step(key("step"), &cancel, || cancel.raise())
        .err()
        .unwrap();
    assert!(matches!(error, StoreError::Interrupted(_)), "{error}");
}

#[test]
fn a_blob_that_lost_its_end_is_not_held_and_is_stored_again() {
    let (_cache, store) = store();
    let (digest, size) = store.put(b"product").unwrap();
    let record = Record {
        plan: String::new(),
        key: key("step"),
        id: StepId::new("step"),
        action: serde_json::json!({}),
        products: Products::from([("product".to_owned(), Product::Blob { digest, size })]),
    };
    assert!(store.holds(&record));
    for again in [
        |store: &Store| store.put(b"product").unwrap(),
        |store: &Store| {
            let mut writer = store.write_blob().unwrap();
            writer.write_all(b"product").unwrap();
            writer.finish().unwrap()
        },
    ] {
        fs::write(store.blob(digest).unwrap(), b"prod").unwrap();
        assert!(!store.holds(&record));
        again(&store);
        assert!(store.holds(&record));
    }
}

#[test]
fn a_damaged_blob_is_not_read_and_is_gone_afterwards() {
    let (_cache, store) = store();
    let (digest, _) = store.put(b"product").unwrap();
    fs::write(store.blob(digest).unwrap(), b"PRODUCT").unwrap();
    let error = store.read(digest).unwrap_err();
    assert!(matches!(error, StoreError::Damaged(it) if it == digest));
    assert!(store.blob(digest).is_none());
}

#[test]
fn a_lock_that_was_swept_before_it_was_held_is_made_again() {
    let (_cache, store) = store();
    let mut made = 0;
    let (_lock, path) = store
        .scratch_lock("test", |path| {
            made += 1;
            if made == 1 {
                store.sweep();
                assert!(!path.exists());
            }
        })
        .unwrap();
    assert_eq!(made, 2);
    store.sweep();
    assert!(path.exists());
}
