//! Reading layouts back: whole, copied, damaged and hostile ones.

use std::fs;

use proptest::prelude::*;

use super::{super::fixture::Fixture, *};
use crate::oci::{LayoutList, publish};

fn laid_out(arches: &[Arch]) -> (Fixture, LayoutList, PathBuf) {
    let fixture = Fixture::new();
    let list = fixture.pack(&fixture.action(arches)).unwrap();
    let dir = fixture.dir.path().join("oci");
    publish(&fixture.store, &list, &dir).unwrap();
    (fixture, list, dir)
}

#[test]
fn a_guest_and_its_files_are_found_by_architecture() {
    let (_fixture, _, dir) = laid_out(&[Arch::Aarch64, Arch::X86_64]);
    let layout = open_layout(&dir).unwrap();
    assert_eq!(layout.tags().len(), 8);
    for arch in [Arch::Aarch64, Arch::X86_64] {
        for tag in [None, Some("6.12.57-default")] {
            let guest = layout.guest(arch, tag).unwrap();
            assert_eq!(guest.config.arch, arch);
            let kernel = fs::read_to_string(guest.file("vmlinux.container").unwrap()).unwrap();
            assert_eq!(kernel, format!("kernel of {arch}"));
        }
    }
    let guest = layout.guest(Arch::X86_64, None).unwrap();
    let titles: Vec<_> = guest.titles().collect();
    insta::assert_snapshot!(titles.join("\n"), @r#"
        System.map-6.12.57-kata
        config-6.12.57-kata
        config-report.json
        kata-artifacts.lock
        kata-artifacts.yaml
        kata-containers-initrd.img
        rootfs-entries.json
        vmlinux.container
        vmlinuz.container
    "#);
    let error = guest.file("nothing").unwrap_err().to_string();
    assert!(error.ends_with("has no file `nothing`"), "{error}");
}

#[test]
fn a_kernels_configuration_is_found_once_however_many_artifacts_hold_it() {
    let (_fixture, _, dir) = laid_out(&[Arch::X86_64]);
    let layout = open_layout(&dir).unwrap();
    let found = layout.configurations(None).unwrap();
    let [(name, path)] = &found[..] else {
        panic!("{found:?}");
    };
    assert_eq!(name, "config-6.12.57-kata");
    for tag in ["6.12.57-default", "6.12.57-default-kconfig"] {
        assert_eq!(layout.configurations(Some(tag)).unwrap(), found, "{tag}");
    }
    let error = layout.configurations(Some("6.12.57-default-rootfs"));
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains("has no kernel's configuration under tag"),
        "{error}"
    );
    fs::write(path, "another").unwrap();
    assert!(matches!(
        layout.configurations(None),
        Err(OciError::Damaged { .. })
    ));
}

#[test]
fn a_guest_is_found_where_a_copy_kept_only_its_manifest() {
    let (_fixture, list, dir) = laid_out(&[Arch::X86_64]);
    let index = fs::read(dir.join("blobs/sha256").join(list.index.hex())).unwrap();
    let mut index: serde_json::Value = serde_json::from_slice(&index).unwrap();
    let manifest = index["manifests"][0].as_object_mut().unwrap();
    manifest.remove("platform");
    manifest.remove("artifactType");
    fs::write(dir.join("index.json"), index.to_string()).unwrap();
    let guest = open_layout(&dir)
        .unwrap()
        .guest(Arch::X86_64, None)
        .unwrap();
    assert_eq!(guest.config.arch, Arch::X86_64);
}

#[test]
fn a_damaged_kernel_is_never_replaced_by_the_other_one() {
    let (_fixture, _, dir) = laid_out(&[Arch::X86_64]);
    let guest = open_layout(&dir)
        .unwrap()
        .guest(Arch::X86_64, None)
        .unwrap();
    let elf = guest.file("vmlinux.container").unwrap();
    assert_eq!(guest.kernel().unwrap(), elf);
    fs::write(elf, "another").unwrap();
    assert!(matches!(guest.kernel(), Err(OciError::Damaged { .. })));
    let fixture = Fixture::new();
    let mut action = fixture.action(&[Arch::X86_64]);
    action.guests.get_mut(&Arch::X86_64).unwrap().vmlinux = None;
    let dir = fixture.dir.path().join("oci");
    publish(&fixture.store, &fixture.pack(&action).unwrap(), &dir).unwrap();
    let guest = open_layout(&dir)
        .unwrap()
        .guest(Arch::X86_64, None)
        .unwrap();
    assert_eq!(
        guest.kernel().unwrap(),
        guest.file("vmlinuz.container").unwrap()
    );
}

#[test]
fn what_is_missing_or_damaged_is_named() {
    let (fixture, list, dir) = laid_out(&[Arch::X86_64]);
    let told = |error: OciError| {
        let root = fixture.dir.path().display().to_string();
        error.to_string().replace(&root, "DIR")
    };
    let mut all = vec![told(open_layout(fixture.dir.path()).unwrap_err())];
    let layout = open_layout(&dir).unwrap();
    all.push(told(layout.guest(Arch::S390x, None).unwrap_err()));
    all.push(told(layout.guest(Arch::X86_64, Some("none")).unwrap_err()));
    let guest = layout.guest(Arch::X86_64, None).unwrap();
    let kernel = guest.file("vmlinux.container").unwrap();
    fs::write(&kernel, "another kernel").unwrap();
    all.push(told(guest.file("vmlinux.container").unwrap_err()));
    let index = dir.join("blobs/sha256").join(list.index.hex());
    fs::write(&index, "{}").unwrap();
    all.push(told(layout.guest(Arch::X86_64, None).unwrap_err()));
    fs::write(&index, vec![b' '; 5 << 20]).unwrap();
    all.push(told(layout.guest(Arch::X86_64, None).unwrap_err()));
    fs::write(dir.join("index.json"), "{").unwrap();
    all.push(told(open_layout(&dir).unwrap_err()));
    insta::assert_snapshot!(all.join("\n"), @r#"
        `DIR` is not an OCI image layout
        `DIR/oci` has no s390x guest; its tags: 6.12.57-default, 6.12.57-default-i192ab0505ae2, 6.12.57-default-kernel, 6.12.57-default-kernel-i192ab0505ae2, 6.12.57-default-rootfs, 6.12.57-default-rootfs-i192ab0505ae2, 6.12.57-default-kconfig, 6.12.57-default-kconfig-i192ab0505ae2
        `DIR/oci` has no x86_64 guest under tag `none`; its tags: 6.12.57-default, 6.12.57-default-i192ab0505ae2, 6.12.57-default-kernel, 6.12.57-default-kernel-i192ab0505ae2, 6.12.57-default-rootfs, 6.12.57-default-rootfs-i192ab0505ae2, 6.12.57-default-kconfig, 6.12.57-default-kconfig-i192ab0505ae2
        `DIR/oci/blobs/sha256/47bd6f2303750520001b46ca32d261baace4be932027e74bacc5bd21dc2b0bf3` is damaged: it has 14 bytes and digest sha256:cc5d2f8738eba981e833c5bc8b21d4f72cbbab680e4766ea3f713e0fd40f0fd4
        `DIR/oci/blobs/sha256/2db656f158cf8e493c8f35370cc594a125931936503da09784808e5ed6f366b8` is damaged: it has digest sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a
        `DIR/oci/blobs/sha256/2db656f158cf8e493c8f35370cc594a125931936503da09784808e5ed6f366b8` is damaged: it is larger than 4 MiB
        `DIR/oci/index.json` is damaged: EOF while parsing an object at line 1 column 1
    "#);
}

#[test]
fn a_descriptor_cannot_name_a_file_outside_the_layout() {
    let (_fixture, _, dir) = laid_out(&[Arch::X86_64]);
    let hostile = r#"{"schemaVersion":2,"manifests":[{
        "mediaType":"application/vnd.oci.image.index.v1+json",
        "digest":"sha256:../../../../etc/passwd","size":2}]}"#;
    fs::write(dir.join("index.json"), hostile).unwrap();
    let found = open_layout(&dir).and_then(|layout| layout.guest(Arch::X86_64, None));
    assert!(matches!(found, Err(OciError::Damaged { .. })), "{found:?}");
}

#[test]
fn several_guests_need_a_tag() {
    let (fixture, _, dir) = laid_out(&[Arch::X86_64]);
    let mut action = fixture.action(&[Arch::X86_64]);
    action.version = "0.2.0".to_owned();
    let other = fixture.pack(&action).unwrap();
    let other_dir = fixture.dir.path().join("other");
    publish(&fixture.store, &other, &other_dir).unwrap();
    let read = |dir: &Path| -> serde_json::Value {
        serde_json::from_slice(&fs::read(dir.join("index.json")).unwrap()).unwrap()
    };
    let (mut index, second) = (read(&dir), read(&other_dir));
    let more = second["manifests"].as_array().unwrap().clone();
    index["manifests"].as_array_mut().unwrap().extend(more);
    fs::write(dir.join("index.json"), index.to_string()).unwrap();
    for entry in &other.blobs {
        let name = entry.digest.hex();
        let (from, to) = (other_dir.join("blobs/sha256"), dir.join("blobs/sha256"));
        fs::copy(from.join(&name), to.join(&name)).unwrap();
    }
    let layout = open_layout(&dir).unwrap();
    let error = layout.guest(Arch::X86_64, None).unwrap_err();
    assert!(matches!(error, OciError::ManyGuests { .. }), "{error}");
    let fixed = other
        .tags
        .keys()
        .find(|tag| tag.contains("-default-i"))
        .unwrap();
    assert!(layout.guest(Arch::X86_64, Some(fixed)).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn no_change_of_an_index_makes_the_reader_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0x20..0x7f_u8), 1..4),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let mut index = br#"{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.index.v1+json",
            "digest":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","size":2,
            "platform":{"os":"linux","architecture":"amd64"},"annotations":{"a":"b"}}]}"#.to_vec();
        for (at, byte) in changes {
            let at = at.index(index.len());
            index[at] = byte;
        }
        fs::write(dir.path().join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
        fs::write(dir.path().join("index.json"), index).unwrap();
        let guest = open_layout(dir.path()).and_then(|layout| layout.guest(Arch::X86_64, None));
        prop_assert!(guest.is_err());
    }
}
