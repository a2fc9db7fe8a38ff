//! Tests of the plain-image form: what is in it, that it does not change, and the way back.

use std::fs;

use super::*;
use crate::oci::{
    place::{PlatformWish, Referrers, carry, root, select},
    reference::Reference,
    registry::{desk::Desk, liar::Liar},
};

/// Puts a guest of two architectures into a registry.
fn guest() -> Liar {
    let liar = Liar::honest();
    let of = |arch: &str| {
        let config = liar.blob(json!({"arch": arch}).to_string().as_bytes(), "a/config");
        let file = |title: &str, kind: &str| {
            let kind = format!("application/vnd.kata-artifacts.{kind}");
            let mut layer = liar.blob(format!("{title} of {arch}").as_bytes(), &kind);
            layer["annotations"] = json!({"org.opencontainers.image.title": title});
            layer
        };
        let layers = [
            file("vmlinux.container", "kernel.v1.elf"),
            file("vmlinuz.container", "kernel.v1.bzimage"),
            file("kata-containers-initrd.img", "initrd.v1.cpio+zstd"),
            file("config-6.12", "kconfig.v1"),
            file("kata-artifacts.lock", "lock.v1+yaml"),
        ];
        let manifest = json!({
            "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": Kind::Guest.artifact_type(), "config": config,
            "layers": layers, "annotations": {(CREATED): "2026-01-01T00:00:00Z"},
        });
        liar.document(arch, MANIFEST, &manifest)
    };
    liar.index("t", &[("amd64", of("x86_64")), ("arm64", of("aarch64"))]);
    liar
}

fn image(desk: &Desk, liar: &Liar, name: &str) -> (Reference, Document) {
    let reference = liar.reference("kata:t");
    let from = Place::open(&reference, &desk.settings, desk.bearings()).unwrap();
    let dir = desk.dir.path().join(name);
    let to: Reference = format!("oci:{}", dir.display()).parse().unwrap();
    let into = Place::create(&to, &desk.settings, desk.bearings()).unwrap();
    let document = root(&from, reference.name()).unwrap();
    let room = tempfile::tempdir().unwrap();
    let image = make_image(&from, &document, &into, room.path()).unwrap();
    into.put(&image, Role::Tagged("t")).unwrap();
    (to, image)
}

#[test]
fn a_guest_becomes_an_image_that_anybody_reads_and_the_same_one_each_time() {
    let (desk, liar) = (Desk::new(), guest());
    let (reference, index) = image(&desk, &liar, "one");
    assert_eq!(image(&desk, &liar, "two").1.raw, index.raw);
    let place = Place::open(&reference, &desk.settings, desk.bearings()).unwrap();
    let other = Liar::honest();
    let to = Place::open(&other.reference("kata"), &desk.settings, desk.bearings()).unwrap();
    carry(&place, &to, &index, &["t".to_owned()], Referrers::Left).unwrap();
    for (platform, arch) in [("linux/amd64", "x86_64"), ("linux/arm64", "aarch64")] {
        let wish: PlatformWish = platform.parse().unwrap();
        let manifest = select(&to, index.clone(), &wish).unwrap();
        assert_eq!(manifest.artifact_type, None);
        let config = fs::read(to.blob(manifest.blobs()[0], "config").unwrap().path).unwrap();
        let config: serde_json::Value = serde_json::from_slice(&config).unwrap();
        assert_eq!(config["architecture"], platform["linux/".len()..]);
        let dir = desk.dir.path().join(arch);
        unpack_image(&to, &manifest, &dir).unwrap();
        for (path, title) in [
            ("boot/vmlinux", "vmlinux.container"),
            ("boot/vmlinuz", "vmlinuz.container"),
            ("boot/initrd.img", "kata-containers-initrd.img"),
            ("boot/config", "config-6.12"),
            (
                "usr/share/kata-artifacts/kata-artifacts.lock",
                "kata-artifacts.lock",
            ),
        ] {
            let text = fs::read_to_string(dir.join(path)).unwrap();
            assert_eq!(text, format!("{title} of {arch}"));
        }
        let text = fs::read_to_string(dir.join("usr/share/kata-artifacts/config.json")).unwrap();
        assert_eq!(text, json!({"arch": arch}).to_string());
        // What is there is not overwritten.
        assert!(unpack_image(&to, &manifest, &dir).is_err());
    }
}

/// Makes an image whose layer is this tar; unpacks it.
fn unpacked(desk: &Desk, tar: &[u8]) -> Result<(), PlaceError> {
    let liar = Liar::honest();
    let config = liar.blob(b"{}", IMAGE_CONFIG);
    let layer = liar.blob(tar, "application/vnd.oci.image.layer.v1.tar");
    let manifest =
        json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer]});
    liar.document("t", MANIFEST, &manifest);
    let reference = liar.reference("kata:t");
    let place = Place::open(&reference, &desk.settings, desk.bearings()).unwrap();
    let document = root(&place, reference.name()).unwrap();
    unpack_image(&place, &document, &desk.dir.path().join("room/out"))
}

#[test]
fn an_image_that_leads_elsewhere_leaves_nothing() {
    for name in ["../escaped", "/absolute", "a/../../b"] {
        let mut header = header(0o644, 1);
        // The tar crate would not write such a name itself.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        let mut builder = tar::Builder::new(Vec::new());
        builder.append(&header, &b"x"[..]).unwrap();
        let desk = Desk::new();
        let error = unpacked(&desk, &builder.into_inner().unwrap()).unwrap_err();
        assert!(matches!(error, PlaceError::Untrue { .. }), "{error}");
        let left = fs::read_dir(desk.dir.path().join("room")).unwrap().count();
        assert_eq!(left, 0);
        assert!(!desk.dir.path().join("escaped").exists());
    }
}
