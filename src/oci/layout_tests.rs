//! Layouts on disk: exact, mended, never linked to the store.

use std::os::unix::fs::MetadataExt;

use walkdir::WalkDir;

use super::{super::fixture::Fixture, *};

fn published(fixture: &Fixture, arches: &[Arch]) -> LayoutList {
    let list = fixture.pack(&fixture.action(arches)).unwrap();
    publish(&fixture.store, &list, &fixture.dir.path().join("oci")).unwrap();
    publish_files(&fixture.store, &list, &fixture.dir.path().join("out")).unwrap();
    list
}

/// Returns every file below a directory, with its digest.
fn files(dir: &Path) -> BTreeMap<String, Digest> {
    WalkDir::new(dir)
        .into_iter()
        .map(Result::unwrap)
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| {
            let name = entry
                .path()
                .strip_prefix(dir)
                .unwrap()
                .display()
                .to_string();
            (name, Digest::of_file(entry.path()).unwrap().0)
        })
        .collect()
}

#[test]
fn a_layout_holds_exactly_what_is_listed() {
    let fixture = Fixture::new();
    let list = published(&fixture, &[Arch::Aarch64, Arch::X86_64]);
    let mut there = files(&fixture.dir.path().join("oci"));
    assert_eq!(there.remove("oci-layout"), Some(Digest::of(OCI_LAYOUT)));
    assert_eq!(there.remove("index.json"), Some(list.index_json.digest));
    let listed: BTreeMap<_, _> = list
        .blobs
        .iter()
        .map(|entry| (format!("blobs/sha256/{}", entry.digest.hex()), entry.digest))
        .collect();
    assert_eq!(there, listed);
    let plain = files(&fixture.dir.path().join("out"));
    let names: Vec<_> = plain.keys().map(String::as_str).collect();
    insta::assert_snapshot!(names.join("\n"), @r#"
        aarch64/System.map
        aarch64/config
        aarch64/config-report.json
        aarch64/kata-containers-initrd.img
        aarch64/vmlinux.container
        aarch64/vmlinuz.container
        x86_64/System.map
        x86_64/config
        x86_64/config-report.json
        x86_64/kata-containers-initrd.img
        x86_64/vmlinux.container
        x86_64/vmlinuz.container
    "#);
}

#[test]
fn what_is_right_is_left_alone_and_what_is_not_is_mended() {
    let fixture = Fixture::new();
    let list = published(&fixture, &[Arch::X86_64]);
    let (oci, out) = (
        fixture.dir.path().join("oci"),
        fixture.dir.path().join("out"),
    );
    let before = (files(&oci), files(&out));
    let vmlinux = out.join("x86_64/vmlinux.container");
    let inode = |path: &Path| fs::metadata(path).unwrap().ino();
    let kept = inode(&vmlinux);
    let blob = oci.join("blobs/sha256").join(list.index.hex());
    fs::write(&blob, "damaged").unwrap();
    fs::write(oci.join("blobs/sha256/.tmp-left"), "").unwrap();
    fs::write(oci.join("index.json"), "{}").unwrap();
    fs::remove_file(out.join("x86_64/config")).unwrap();
    fs::write(out.join("x86_64/old"), "").unwrap();
    publish(&fixture.store, &list, &oci).unwrap();
    publish_files(&fixture.store, &list, &out).unwrap();
    assert_eq!((files(&oci), files(&out)), before);
    assert_eq!(inode(&vmlinux), kept);
}

#[test]
fn a_user_who_edits_a_result_does_not_edit_the_store() {
    let fixture = Fixture::new();
    let list = published(&fixture, &[Arch::X86_64]);
    let vmlinux = &list.files[&Arch::X86_64][0];
    let path = fixture.dir.path().join("out/x86_64/vmlinux.container");
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o644);
    fs::write(path, "edited").unwrap();
    assert_eq!(
        Digest::of(&fixture.store.read(vmlinux.digest).unwrap()),
        vmlinux.digest
    );
}

#[test]
fn an_architecture_that_is_no_longer_built_leaves_nothing() {
    let fixture = Fixture::new();
    published(&fixture, &[Arch::Aarch64, Arch::X86_64]);
    assert!(fixture.dir.path().join("out/aarch64").is_dir());
    let list = published(&fixture, &[Arch::X86_64]);
    assert!(!fixture.dir.path().join("out/aarch64").exists());
    let blobs = files(&fixture.dir.path().join("oci/blobs"));
    assert_eq!(blobs.len(), list.blobs.len());
}

#[test]
fn a_blob_that_is_missing_leaves_the_old_index_as_it_was() {
    let fixture = Fixture::new();
    let mut list = published(&fixture, &[Arch::X86_64]);
    let oci = fixture.dir.path().join("oci");
    let before = fs::read(oci.join("index.json")).unwrap();
    list.blobs.push(Entry {
        digest: Digest::of(b"nowhere"),
        size: 7,
    });
    list.index_json = fixture.store.put(b"{}").unwrap().into();
    assert!(publish(&fixture.store, &list, &oci).is_err());
    assert_eq!(fs::read(oci.join("index.json")).unwrap(), before);
}

#[test]
fn a_blob_that_is_damaged_in_the_store_is_not_published_and_is_made_again() {
    let fixture = Fixture::new();
    let action = fixture.action(&[Arch::X86_64]);
    let list = fixture.pack(&action).unwrap();
    let out = fixture.dir.path().join("out");
    for digest in [list.files[&Arch::X86_64][0].digest, list.index_json.digest] {
        let blob = fixture.store.blob(digest).unwrap();
        let size = fs::metadata(&blob).unwrap().len();
        fs::write(&blob, vec![b'?'; size.try_into().unwrap()]).unwrap();
        let error = publish(&fixture.store, &list, &out).unwrap_err();
        let told = format!("blob {digest} was damaged in the store, and was removed");
        assert_eq!(error.to_string(), told);
        assert!(fixture.store.blob(digest).is_none());
        assert_named_by_content(&out);
        assert!(!out.join("index.json").exists());
        // The trades of these products run again.
        let again = fixture.pack(&fixture.action(&[Arch::X86_64])).unwrap();
        assert_eq!(again, list);
    }
    publish(&fixture.store, &list, &out).unwrap();
    assert_named_by_content(&out);
}

fn assert_named_by_content(layout: &Path) {
    for (name, digest) in files(&layout.join("blobs/sha256")) {
        assert_eq!(name, digest.hex());
    }
}
