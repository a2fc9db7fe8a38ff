//! Tests of uploads: what is sent, how often, to whom, and from where it goes on.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use serde_json::json;

use super::{
    desk::Desk,
    liar::{Liar, Reply},
    tests::{SECRET, authorization, basic, challenge, repository, tells_no_secret},
    *,
};
use crate::{digest::Digest, oci::document::Descriptor};

/// Writes a file of this many KiB; returns it as a blob.
fn large(desk: &Desk, kibibytes: usize) -> (Descriptor, Extent) {
    let bytes: Vec<u8> = (0..kibibytes << 10).map(|it| (it / 64) as u8).collect();
    let path = desk.dir.path().join("large");
    std::fs::write(&path, &bytes).unwrap();
    let blob = json!({"mediaType": "a/b", "digest": Digest::of(&bytes), "size": bytes.len()});
    let size = bytes.len() as u64;
    let extent = Extent {
        path,
        offset: 0,
        size,
    };
    (serde_json::from_value(blob).unwrap(), extent)
}

/// Returns the repository, in chunks of 16 KiB.
fn in_chunks<'a>(desk: &'a Desk, liar: &Liar) -> Repository<'a> {
    let mut kata = repository(desk, liar);
    kata.chunk = 16 << 10;
    kata
}

fn push(kata: &Repository<'_>, blob: &Descriptor, extent: &Extent) -> Result<(), RegistryError> {
    match kata.offer(blob.digest, None)? {
        Offer::Wanted(wanted) => kata.upload(blob, wanted, extent.clone(), "large"),
        other => panic!("{other:?}"),
    }
}

fn sent(liar: &Liar) -> usize {
    liar.seen().iter().map(|it| it.body.len()).sum()
}

#[test]
fn a_large_blob_goes_in_chunks_and_a_broken_one_goes_on_where_the_registry_is() {
    let desk = Desk::new();
    let (blob, extent) = large(&desk, 40);
    let patches = AtomicUsize::new(0);
    // The second chunk gets an error after it was kept.
    let liar = Liar::start(move |seen, _| {
        let fails = seen.method == "PATCH" && patches.fetch_add(1, Ordering::SeqCst) == 1;
        fails.then(|| Reply::new(503, ""))
    });
    push(&in_chunks(&desk, &liar), &blob, &extent).unwrap();
    assert!(repository(&desk, &liar).has_blob(blob.digest).unwrap());
    // The chunk that failed was sent again, and nothing else.
    assert_eq!(sent(&liar), (40 + 16) << 10);
    let ranges: Vec<String> = liar
        .seen()
        .iter()
        .filter_map(|it| it.headers.get("content-range").cloned())
        .collect();
    assert_eq!(
        ranges,
        ["0-16383", "16384-32767", "16384-32767", "32768-40959"]
    );
}

#[test]
fn another_process_goes_on_with_an_upload_that_was_broken_off() {
    let desk = Desk::new();
    let (blob, extent) = large(&desk, 40);
    let number = AtomicUsize::new(0);
    let liar = Liar::start(move |seen, _| {
        let fails = seen.method == "PATCH" && number.fetch_add(1, Ordering::SeqCst) == 1;
        fails.then(|| Reply::new(403, ""))
    });
    let error = push(&in_chunks(&desk, &liar), &blob, &extent).unwrap_err();
    tells_no_secret(&desk, &error);
    push(&in_chunks(&desk, &liar), &blob, &extent).unwrap();
    assert_eq!(liar.count("POST", "/blobs/uploads/"), 1);
    assert_eq!(sent(&liar), (40 + 16) << 10);
    let notes = std::fs::read_dir(desk.store.root().join("partial")).unwrap();
    assert_eq!(notes.count(), 0);
}

#[test]
fn an_upload_that_the_registry_has_forgotten_begins_anew() {
    let desk = Desk::new();
    let (blob, extent) = large(&desk, 20);
    let number = AtomicUsize::new(0);
    let liar = Liar::start(move |seen, _| {
        let is_upload = matches!(seen.method.as_str(), "PATCH" | "GET");
        match is_upload.then(|| number.fetch_add(1, Ordering::SeqCst)) {
            Some(0) => Some(Reply::new(500, "")),
            Some(1) => Some(Reply::new(404, "")),
            _ => None,
        }
    });
    push(&in_chunks(&desk, &liar), &blob, &extent).unwrap();
    assert_eq!(liar.count("POST", "/blobs/uploads/"), 2);
}

#[test]
fn an_upload_that_is_sent_elsewhere_shows_no_credentials_there() {
    let elsewhere = Arc::new(Liar::start(|_, _| Some(Reply::new(201, ""))));
    let target = Arc::clone(&elsewhere);
    let liar = Liar::start(move |seen, _| {
        if authorization(seen) != basic() {
            return Some(challenge("Basic realm=r"));
        }
        let to = format!("http://{}/upload?s=secret", target.host);
        (seen.method == "POST").then(|| Reply::new(202, "").with("Location", to))
    });
    let mut desk = Desk::new();
    desk.login(&liar.host, "me", SECRET);
    let (blob, extent) = large(&desk, 1);
    push(&in_chunks(&desk, &liar), &blob, &extent).unwrap();
    assert_eq!(authorization(&elsewhere.seen()[0]), "");
    let astray = Liar::start(|seen, _| {
        (seen.method == "POST").then(|| Reply::new(202, "").with("Location", "ftp://o.example/x"))
    });
    let error = push(&in_chunks(&desk, &astray), &blob, &extent).unwrap_err();
    assert!(matches!(error, RegistryError::Redirect { .. }), "{error}");
}
