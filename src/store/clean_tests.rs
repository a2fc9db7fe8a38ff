//! Cleaning, tried on a real directory.

use std::{fs, time::Duration};

use super::*;
use crate::{
    cancel::Cancel,
    step::{Product, Products, StepId},
};

fn key(text: &str) -> StepKey {
    StepKey(Digest::of(text.as_bytes()))
}

/// Records a step that made a blob with its name in it and a tree; returns the key.
fn made(store: &Store, name: &str) -> StepKey {
    let key = key(name);
    let (digest, size) = store.put(name.as_bytes()).unwrap();
    let tree = store.write_tree(key).unwrap();
    fs::write(tree.path().unwrap().join("file"), name).unwrap();
    tree.finish().unwrap();
    let products = Products::from([
        ("blob".to_owned(), Product::Blob { digest, size }),
        ("tree".to_owned(), Product::Tree { key }),
    ]);
    let record = Record {
        key,
        plan: "test".to_owned(),
        id: StepId::new(name),
        action: serde_json::json!({}),
        products,
    };
    store.put_record(&record).unwrap();
    key
}

fn freed(results: usize, trees: usize, blobs: usize, partial: usize) -> [usize; 4] {
    [results, trees, blobs, partial]
}

fn clean(store: &Store, keep: &Keep) -> [usize; 4] {
    let counted = store.clean(keep, Cleaning::Count, &Cancel::new()).unwrap();
    let removed = store.clean(keep, Cleaning::Remove, &Cancel::new()).unwrap();
    assert_eq!(counted, removed);
    freed(
        removed.results,
        removed.trees,
        removed.blobs,
        removed.partial,
    )
}

#[test]
fn kept_steps_keep_what_they_made_and_the_rest_goes() {
    let cache = tempfile::tempdir().unwrap();
    let store = Store::open(cache.path()).unwrap();
    let (kept, gone) = (made(&store, "kept"), made(&store, "gone"));
    let pinned = store.put(b"a package").unwrap().0;
    for begun in [pinned, Digest::of(b"nobody's")] {
        fs::write(store.partial(begun), "half").unwrap();
    }
    let keep = Keep {
        steps: [kept].into(),
        blobs: [pinned].into(),
        younger: None,
    };
    // The blob that was made, and the tree's file.
    let bytes = store
        .clean(&keep, Cleaning::Count, &Cancel::new())
        .unwrap()
        .bytes;
    assert!(bytes > 12, "{bytes}");
    assert_eq!(clean(&store, &keep), freed(1, 1, 1, 1));
    let record = store.record(kept).unwrap();
    assert!(store.holds(&record) && store.record(gone).is_none());
    assert!(store.tree(gone).is_none() && store.blob(pinned).is_some());
    assert!(store.latest("test", &StepId::new("gone")).is_none());
    assert_eq!(clean(&store, &keep), freed(0, 0, 0, 0));
    assert_eq!(clean(&store, &Keep::default()), freed(1, 1, 2, 1));
}

#[test]
fn what_is_young_is_kept_with_what_it_names() {
    let cache = tempfile::tempdir().unwrap();
    let store = Store::open(cache.path()).unwrap();
    let young = made(&store, "young");
    let keep = Keep {
        younger: Some(Duration::from_secs(3600)),
        ..Keep::default()
    };
    // As when the blob had been there long before the step.
    let blob = store.blob(Digest::of(b"young")).unwrap();
    let file = fs::File::options().write(true).open(&blob).unwrap();
    file.set_modified(std::time::UNIX_EPOCH).unwrap();
    assert_eq!(clean(&store, &keep), freed(0, 0, 0, 0));
    assert!(store.holds(&store.record(young).unwrap()));
}

#[test]
fn nobody_cleans_what_another_uses_and_who_comes_meanwhile_waits() {
    let cache = tempfile::tempdir().unwrap();
    let cleaner = Store::open(cache.path()).unwrap();
    let user = Store::open(cache.path()).unwrap();
    assert!(!cleaner.alone());
    drop(user);
    assert!(cleaner.alone());
    let path = cache.path().to_owned();
    let (sender, opened) = std::sync::mpsc::channel();
    let waiting = std::thread::spawn(move || {
        let store = Store::open(&path);
        sender.send(()).unwrap();
        store.is_ok()
    });
    assert!(opened.recv_timeout(Duration::from_millis(100)).is_err());
    drop(cleaner);
    assert!(waiting.join().unwrap());
}

#[test]
fn earlier_builds_are_remembered_behind_the_last_one() {
    let cache = tempfile::tempdir().unwrap();
    let store = Store::open(cache.path()).unwrap();
    let root = |step: &str| Root {
        manifest: "/m.yaml".into(),
        lock: "/m.lock".into(),
        goal: StepId::new("pack"),
        layout: None,
        builds: vec![Needs {
            steps: [key(step)].into(),
            blobs: [].into(),
        }],
    };
    for step in ["one", "two", "one"] {
        store.remember(&root(step)).unwrap();
    }
    let [known] = &store.roots().unwrap()[..] else {
        panic!("one manifest");
    };
    let builds = [root("one").builds, root("two").builds].concat();
    assert_eq!(known.builds, builds);
    store
        .forget(|root| root.manifest == Path::new("/other"))
        .unwrap();
    assert_eq!(store.roots().unwrap().len(), 1);
    store.forget(|_| true).unwrap();
    assert_eq!(store.roots().unwrap(), []);
}
