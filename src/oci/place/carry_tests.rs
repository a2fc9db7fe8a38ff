//! Tests of what is carried between places: what is sent, in which order, and what arrives.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::*;
use crate::oci::{
    document::INDEX,
    registry::{desk::Desk, liar::Liar},
};

const FILE: &[u8] = b"the kernel, as it was built";

/// Makes a layout with an index of two manifests, tagged `t`.
fn layout(desk: &Desk) -> PathBuf {
    let liar = Liar::honest();
    let one = liar.artifact("one", &[("vmlinux", FILE), ("b", b"bbb")]);
    let two = liar.artifact("two", &[("vmlinux", b"for arm64")]);
    liar.index("t", &[("amd64", one), ("arm64", two)]);
    let dir = desk.dir.path().join("layout");
    let to = format!("oci:{}", dir.display()).parse().unwrap();
    carried(desk, &liar.reference("kata:t"), &to, "t");
    dir
}

fn carried(desk: &Desk, from: &Reference, to: &Reference, tag: &str) -> Carried {
    let place = Place::open(from, &desk.settings, desk.bearings()).unwrap();
    let target = Place::create(to, &desk.settings, desk.bearings()).unwrap();
    let document = root(&place, from.name()).unwrap();
    let tags = [tag.to_owned()];
    let done = carry(&place, &target, &document, &tags, Referrers::Taken).unwrap();
    target.finish().unwrap();
    done
}

fn of_layout(dir: &Path, tag: &str) -> Reference {
    format!("oci:{}:{tag}", dir.display()).parse().unwrap()
}

#[test]
fn pushing_twice_sends_nothing_the_second_time_and_the_index_last_and_once() {
    let desk = Desk::new();
    let dir = layout(&desk);
    let liar = Liar::honest();
    let done = carried(&desk, &of_layout(&dir, "t"), &liar.reference("kata"), "t");
    assert_eq!((done.brought, done.present), (4, 0));
    let puts: Vec<String> = liar
        .seen()
        .iter()
        .filter(|it| it.method == "PUT")
        .map(|it| it.path.clone())
        .collect();
    assert_eq!(puts.iter().filter(|it| it.contains("/blobs/")).count(), 4);
    let manifests: Vec<&String> = puts
        .iter()
        .filter(|it| it.contains("/manifests/"))
        .collect();
    assert_eq!(puts.last().unwrap(), "/v2/kata/manifests/t");
    assert_eq!(manifests.len(), 3);
    assert!(
        puts[puts.len() - 3..]
            .iter()
            .all(|it| it.contains("/manifests/"))
    );
    assert_eq!(
        Digest::of(&liar.manifest("kata", "t").unwrap()),
        done.digest
    );
    let before = liar.count("POST", "/blobs/");
    let again = carried(&desk, &of_layout(&dir, "t"), &liar.reference("kata"), "t");
    assert_eq!(
        (again.digest, again.brought, again.present),
        (done.digest, 0, 4)
    );
    assert_eq!(liar.count("POST", "/blobs/"), before);
}

#[test]
fn a_copy_within_a_registry_mounts_and_sends_nothing() {
    let desk = Desk::new();
    let liar = Liar::honest();
    liar.artifact("t", &[("vmlinux", FILE)]);
    let done = carried(
        &desk,
        &liar.reference("kata:t"),
        &liar.reference("b/other"),
        "u",
    );
    assert_eq!((done.brought, done.mounted), (0, 2));
    assert_eq!(liar.count("GET", "/blobs/"), 0);
    assert_eq!(liar.count("PATCH", ""), 0);
    assert_eq!(liar.manifest("b/other", "u"), liar.manifest("kata", "t"));
}

#[test]
fn an_archive_is_the_same_bytes_whoever_packs_it_and_reads_back() {
    let desk = Desk::new();
    let dir = layout(&desk);
    let archives = ["one.tar", "two.tar"].map(|name| desk.dir.path().join(name));
    for archive in &archives {
        let to = format!("oci-archive:{}", archive.display())
            .parse()
            .unwrap();
        carried(&desk, &of_layout(&dir, "t"), &to, "t");
    }
    let [one, two] = archives.map(|it| fs::read(it).unwrap());
    assert_eq!(one, two);
    let from: Reference = format!("oci-archive:{}", desk.dir.path().join("one.tar").display())
        .parse()
        .unwrap();
    let liar = Liar::honest();
    let done = carried(&desk, &from, &liar.reference("kata"), "t");
    assert_eq!(done.brought, 4);
    assert_eq!(
        Digest::of(&liar.manifest("kata", "t").unwrap()),
        done.digest
    );
}

#[test]
fn a_damaged_layout_is_not_copied() {
    let desk = Desk::new();
    let dir = layout(&desk);
    let blob = dir.join("blobs/sha256").join(Digest::of(FILE).hex());
    fs::write(&blob, "the kernel, as it was hackd").unwrap();
    let from = of_layout(&dir, "t");
    let place = Place::open(&from, &desk.settings, desk.bearings()).unwrap();
    let other = desk.dir.path().join("other");
    let to = format!("oci:{}", other.display()).parse().unwrap();
    let target = Place::create(&to, &desk.settings, desk.bearings()).unwrap();
    let document = root(&place, from.name()).unwrap();
    let tags = ["t".to_owned()];
    let error = carry(&place, &target, &document, &tags, Referrers::Left).unwrap_err();
    assert!(matches!(error, PlaceError::Damaged { .. }), "{error}");
    assert_eq!(target.tags().unwrap(), []);
}

/// Attaches a text to what `t` names.
fn attach(desk: &Desk, place: &Place<'_>, subject: &Document, text: &str) -> Digest {
    let file = desk.dir.path().join("attached");
    fs::write(&file, text).unwrap();
    let attachment = Attachment {
        artifact_type: "application/x-sbom",
        file: &file,
        title: "sbom.json",
        annotations: std::collections::BTreeMap::new(),
    };
    super::attach(place, subject, &attachment).unwrap()
}

#[test]
fn what_is_attached_is_listed_and_copied_with_and_without_the_api() {
    for has_api in [true, false] {
        let desk = Desk::new();
        let dir = layout(&desk);
        let liar = Liar::honest();
        let liar = if has_api { liar.with_referrers() } else { liar };
        carried(&desk, &of_layout(&dir, "t"), &liar.reference("kata"), "t");
        let reference = liar.reference("kata:t");
        let place = Place::open(&reference, &desk.settings, desk.bearings()).unwrap();
        let document = root(&place, reference.name()).unwrap();
        assert_eq!(place.referrers(document.digest).unwrap(), []);
        let first = attach(&desk, &place, &document, "one");
        let second = attach(&desk, &place, &document, "two");
        assert_eq!(attach(&desk, &place, &document, "two"), second);
        let mut expected = [first, second];
        expected.sort();
        let listed = |place: &Place<'_>| -> Vec<Digest> {
            let found = place.referrers(document.digest).unwrap();
            assert!(
                found
                    .iter()
                    .all(|it| it.artifact_type.as_deref() == Some("application/x-sbom"))
            );
            found.iter().map(|it| it.digest).collect()
        };
        assert_eq!(listed(&place), expected);
        let tag = format!("sha256-{}", document.digest.hex());
        assert_eq!(liar.manifest("kata", &tag).is_some(), !has_api);
        let copy = desk.dir.path().join("copy");
        let to: Reference = format!("oci:{}", copy.display()).parse().unwrap();
        let done = carried(&desk, &reference, &to, "t");
        assert_eq!(done.referrers, 2);
        let local = Place::open(&to, &desk.settings, desk.bearings()).unwrap();
        assert_eq!(listed(&local), expected);
        let other = Liar::honest();
        carried(&desk, &of_layout(&copy, "t"), &other.reference("kata"), "t");
        let reference = other.reference("kata:t");
        let there = Place::open(&reference, &desk.settings, desk.bearings()).unwrap();
        assert_eq!(listed(&there), expected);
    }
}

#[test]
fn of_an_untagged_reference_the_only_artifact_or_the_guest_is_meant() {
    let desk = Desk::new();
    let dir = layout(&desk);
    let reference: Reference = format!("oci:{}", dir.display()).parse().unwrap();
    let place = Place::open(&reference, &desk.settings, desk.bearings()).unwrap();
    let only = root(&place, None).unwrap();
    assert_eq!(only.media_type, INDEX);
    let other = select(&place, only.clone(), &"arm64".parse().unwrap()).unwrap();
    place.put(&other, Role::Tagged("other")).unwrap();
    let error = root(&place, None).unwrap_err().to_string();
    assert!(
        error.ends_with("has several artifacts; its tags: t, other"),
        "{error}"
    );
    let index: Value = serde_json::from_slice(&fs::read(dir.join("index.json")).unwrap()).unwrap();
    assert_eq!(index["manifests"].as_array().unwrap().len(), 2);
}
