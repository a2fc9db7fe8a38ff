//! Tests of places: what a registry that lies can do to whoever pulls from it, which is to fail, and nothing else.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use serde_json::json;

use super::*;
use crate::oci::{
    document::{INDEX, MANIFEST},
    registry::{
        desk::Desk,
        liar::{Liar, Reply},
    },
};

const FILE: &[u8] = b"the kernel, as it was built";

/// Pulls the files of `kata:t` for amd64, as the verb does.
fn pull(desk: &Desk, liar: &Liar, name: &str) -> Result<Vec<Written>, PlaceError> {
    let reference = liar.reference(&format!("kata{name}"));
    let place = Place::open(&reference, &desk.settings, desk.bearings())?;
    let root = root(&place, reference.name())?;
    let manifest = select(&place, root, &"linux/amd64".parse().unwrap())?;
    let files = titled_files(&manifest, &reference.to_string())?;
    write_files(&place, &files, &desk.dir.path().join("out"))
}

/// Pulls, which must fail; returns the error's words. Nothing may be written, neither to the directory nor as a blob.
fn refused(liar: &Liar) -> String {
    let desk = Desk::new();
    let error = pull(&desk, liar, ":t").unwrap_err();
    let out = desk.dir.path().join("out");
    let written = fs::read_dir(out).map_or(0, Iterator::count);
    assert_eq!(written, 0, "{error}");
    assert!(desk.store.blob(Digest::of(FILE)).is_none());
    let mut text = format!("{error}");
    if let PlaceError::Titles { bad, .. } = &error {
        bad.iter().for_each(|it| text.push_str(&format!("; {it}")));
    }
    text
}

#[track_caller]
fn check(liar: &Liar, words: &str) {
    let told = refused(liar);
    assert!(told.contains(words), "{told}");
}

fn lying(lie: impl Fn(&str, usize) -> Option<Reply> + Send + Sync + 'static) -> Liar {
    let number = AtomicUsize::new(0);
    let liar = Liar::start(move |seen, _| {
        let is_file = seen.is("GET", &format!("/blobs/{}", Digest::of(FILE)));
        let range = seen.headers.get("range").map_or("", String::as_str);
        is_file
            .then(|| lie(range, number.fetch_add(1, Ordering::SeqCst)))
            .flatten()
    });
    liar.artifact("t", &[("vmlinux", FILE)]);
    liar
}

#[test]
fn what_is_pulled_is_what_was_pushed() {
    let liar = Liar::honest();
    let one = liar.artifact("one", &[("vmlinux", FILE), ("a/b", b"x"), ("empty", b"")]);
    liar.index("t", &[("arm64", liar.artifact("two", &[])), ("amd64", one)]);
    let desk = Desk::new();
    let written = pull(&desk, &liar, ":t").unwrap();
    assert_eq!(written.len(), 3);
    let out = desk.dir.path().join("out");
    assert_eq!(fs::read(out.join("vmlinux")).unwrap(), FILE);
    assert_eq!(fs::read(out.join("a/b")).unwrap(), b"x");
    assert_eq!(fs::read(out.join("empty")).unwrap(), b"");
    // The tag is asked once; then only digests are.
    assert_eq!(liar.count("GET", "/manifests/t"), 1);
    assert_eq!(liar.count("GET", "/manifests/sha256:"), 1);
    let before = liar.count("GET", "/blobs/");
    // What has no bytes is not asked for.
    assert_eq!(before, 2);
    fs::write(out.join("vmlinux"), "changed").unwrap();
    pull(&desk, &liar, ":t").unwrap();
    assert_eq!(fs::read(out.join("vmlinux")).unwrap(), FILE);
    assert_eq!(liar.count("GET", "/blobs/"), before);
}

#[test]
fn other_bytes_are_refused() {
    check(
        &lying(|_, _| Some(Reply::new(200, "the kernel, as it was hackd"))),
        "have digest",
    );
}

#[test]
fn another_length_is_refused() {
    check(
        &lying(|_, _| Some(Reply::new(200, "short"))),
        "it has 5 bytes instead of 27",
    );
}

#[test]
fn a_body_that_breaks_off_goes_on_where_it_stopped() {
    let liar = lying(|range, number| {
        // The first answer ends after ten bytes; a later one goes on there.
        (number == 0).then(|| {
            assert_eq!(range, "");
            Reply::new(200, &FILE[..10]).telling(FILE.len())
        })
    });
    let desk = Desk::new();
    pull(&desk, &liar, ":t").unwrap();
    let ranges: Vec<String> = liar
        .seen()
        .iter()
        .filter_map(|seen| seen.headers.get("range").cloned())
        .collect();
    assert_eq!(ranges, ["bytes=10-"]);
    let cut = lying(|_, _| Some(Reply::new(200, "the kernel").telling(FILE.len())));
    let told = refused(&cut);
    assert!(told.contains("cannot fetch vmlinux"), "{told}");
}

#[test]
fn what_an_earlier_process_left_is_gone_on_with_when_it_is_the_beginning() {
    let liar = lying(|_, _| None);
    let desk = Desk::new();
    fs::write(desk.store.partial(Digest::of(FILE)), &FILE[..20]).unwrap();
    pull(&desk, &liar, ":t").unwrap();
    assert_eq!(liar.count("GET", "/blobs/sha256"), 1);
    // Another beginning is found out by the digest, and then everything is asked for.
    let desk = Desk::new();
    fs::write(desk.store.partial(Digest::of(FILE)), b"something else").unwrap();
    pull(&desk, &liar, ":t").unwrap();
    assert_eq!(fs::read(desk.dir.path().join("out/vmlinux")).unwrap(), FILE);
}

#[test]
fn a_body_without_an_end_is_cut() {
    check(
        &lying(|_, _| Some(Reply::new(200, FILE).endless())),
        "it goes on after 27 bytes",
    );
}

#[test]
fn another_range_than_was_asked_for_is_not_taken() {
    let liar = lying(|range, _| {
        (!range.is_empty())
            .then(|| Reply::new(206, &FILE[5..]).with("Content-Range", "bytes 5-26/27"))
    });
    let desk = Desk::new();
    fs::write(desk.store.partial(Digest::of(FILE)), &FILE[..20]).unwrap();
    pull(&desk, &liar, ":t").unwrap();
    assert_eq!(fs::read(desk.dir.path().join("out/vmlinux")).unwrap(), FILE);
    assert_eq!(liar.count("GET", "/blobs/sha256"), 2);
}

/// A registry that answers every request for a manifest with this.
fn documents(reply: impl Fn() -> Reply + Send + Sync + 'static) -> Liar {
    Liar::start(move |seen, _| seen.is("GET", "/manifests/").then(&reply))
}

#[test]
fn a_header_that_names_another_digest_is_a_contradiction() {
    let empty = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": []}).to_string();
    let wrong = Digest::of(b"").to_string();
    let liar = documents(move || {
        Reply::new(200, empty.clone()).with("Docker-Content-Digest", wrong.clone())
    });
    check(&liar, "the registry announced sha256:e3b0");
}

#[test]
fn a_manifest_that_is_not_the_one_that_was_asked_for_is_refused() {
    let liar = Liar::honest();
    let child = liar.artifact("one", &[("vmlinux", FILE)]);
    liar.index("t", &[("amd64", child.clone())]);
    let other = json!({"schemaVersion": 2, "mediaType": MANIFEST, "layers": [], "config": child});
    let digest = child["digest"].as_str().unwrap().to_owned();
    let lied = Liar::start(move |seen, _| {
        seen.is("GET", &digest)
            .then(|| Reply::new(200, other.to_string()))
    });
    lied.index("t", &[("amd64", child)]);
    check(&lied, "the registry served another");
}

#[test]
fn a_manifest_of_a_hundred_megabytes_is_not_read() {
    check(
        &documents(|| Reply::new(200, "{").telling(100 << 20)),
        "it has 104857600 bytes",
    );
    let endless = documents(|| Reply::new(200, vec![b' '; 1 << 16]).endless());
    check(&endless, "it goes on after 4 MiB");
}

#[test]
fn an_index_that_points_to_itself_ends() {
    // Its digest cannot be in it, so a registry can only serve it under another.
    let digest = Digest::of(b"anything");
    let index = json!({
        "schemaVersion": 2, "mediaType": INDEX,
        "manifests": [{"mediaType": INDEX, "digest": digest, "size": 10}],
    });
    let text = index.to_string();
    check(
        &documents(move || Reply::new(200, text.clone())),
        "the registry served another",
    );
}

#[test]
fn indexes_in_indexes_in_indexes_end() {
    let liar = Liar::honest();
    let mut child = liar.artifact("one", &[("vmlinux", FILE)]);
    for _ in 0..8 {
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [child]});
        child = liar.document("t", INDEX, &index);
    }
    check(&liar, "indexes in indexes");
}

#[test]
fn names_that_lead_out_of_the_directory_are_all_told_and_nothing_is_written() {
    let liar = Liar::honest();
    liar.artifact(
        "t",
        &[
            ("../../etc/passwd", FILE),
            ("/etc/passwd", FILE),
            ("twice", FILE),
            ("twice", b"other"),
            ("fine", FILE),
            ("fine/below", FILE),
        ],
    );
    let told = refused(&liar);
    for words in [
        "`../../etc/passwd`: it leads elsewhere",
        "`/etc/passwd`: it is an absolute path",
        "`twice`: two files have this name",
        "`fine/below`: it lies below another file",
    ] {
        assert!(told.contains(words), "{told}");
    }
}

#[test]
fn nothing_is_written_through_a_link_in_the_directory() {
    let liar = Liar::honest();
    liar.artifact("t", &[("below/vmlinux", FILE)]);
    let desk = Desk::new();
    let (out, elsewhere) = (
        desk.dir.path().join("out"),
        desk.dir.path().join("elsewhere"),
    );
    fs::create_dir(&out).unwrap();
    fs::create_dir(&elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, out.join("below")).unwrap();
    pull(&desk, &liar, ":t").unwrap_err();
    assert_eq!(fs::read_dir(elsewhere).unwrap().count(), 0);
}

#[test]
fn a_media_type_that_is_not_ours_is_refused() {
    let html = documents(|| Reply::new(200, "<html>").with("Content-Type", "text/html"));
    check(&html, "it is not a manifest");
    let other = json!({"schemaVersion": 2, "mediaType": "application/x-other", "manifests": []});
    let text = other.to_string();
    check(
        &documents(move || Reply::new(200, text.clone())),
        "`application/x-other`",
    );
}

#[test]
fn an_image_without_named_files_is_told_apart() {
    let liar = Liar::honest();
    let (config, layer) = (liar.blob(b"{}", "a/config"), liar.blob(FILE, "a/layer"));
    let manifest =
        json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer]});
    liar.document("t", MANIFEST, &manifest);
    check(&liar, "is a a/config without named files");
}

#[test]
fn a_platform_that_is_not_there_is_told_with_those_that_are() {
    let liar = Liar::honest();
    let child = liar.artifact("one", &[("vmlinux", FILE)]);
    liar.index("t", &[("arm64", child.clone()), ("s390x", child)]);
    check(
        &liar,
        "nothing for linux/amd64; it has linux/arm64, linux/s390x",
    );
}

#[test]
fn a_manifest_of_another_size_than_listed_is_refused() {
    let liar = Liar::honest();
    let mut child = liar.artifact("one", &[("vmlinux", FILE)]);
    child["size"] = json!(7);
    liar.index("t", &[("amd64", child)]);
    check(
        &liar,
        "was listed as a application/vnd.oci.image.manifest.v1+json of 7",
    );
}

#[test]
fn eight_that_pull_at_once_fetch_each_blob_once() {
    let liar = Liar::honest();
    let files: Vec<(String, Vec<u8>)> = (0..6u8)
        .map(|number| (format!("file{number}"), vec![number; 300_000]))
        .collect();
    let files: Vec<(&str, &[u8])> = files
        .iter()
        .map(|(title, bytes)| (title.as_str(), bytes.as_slice()))
        .collect();
    liar.artifact("t", &files);
    let desk = Desk::new();
    std::thread::scope(|scope| {
        for number in 0..8 {
            let (desk, liar) = (&desk, &liar);
            scope.spawn(move || {
                let reference = liar.reference("kata:t");
                let place = Place::open(&reference, &desk.settings, desk.bearings()).unwrap();
                let document = root(&place, reference.name()).unwrap();
                let files = titled_files(&document, "it").unwrap();
                let out = desk.dir.path().join(format!("out{number}"));
                write_files(&place, &files, &out).unwrap();
                assert_eq!(fs::read_dir(out).unwrap().count(), 6);
            });
        }
    });
    assert_eq!(liar.count("GET", "/blobs/"), 6);
}

#[test]
fn a_stop_ends_a_pull_and_keeps_what_came() {
    let desk = Arc::new(Desk::new());
    let raised = Arc::clone(&desk);
    let liar = Liar::start(move |seen, _| {
        if seen.is("GET", "/blobs/") {
            raised.cancel.raise();
        }
        None
    });
    liar.artifact("t", &[("vmlinux", FILE)]);
    let error = pull(&desk, &liar, ":t").unwrap_err();
    let is_interrupted = matches!(
        error,
        PlaceError::Interrupted(_)
            | PlaceError::Registry(crate::oci::registry::RegistryError::Interrupted(_))
    );
    assert!(is_interrupted, "{error}");
}
