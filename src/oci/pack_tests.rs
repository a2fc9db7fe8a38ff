//! Packing a small guest: pinned digests, what it says of itself, equal bytes from both writers.

use serde_json::Value;

use super::{super::fixture::Fixture, *};
use crate::oci::{OciError, artifact::artifact};

fn json(fixture: &Fixture, digest: Digest) -> Value {
    serde_json::from_slice(&fixture.store.read(digest).unwrap()).unwrap()
}

/// Follows a descriptor.
fn described(fixture: &Fixture, descriptor: &Value) -> Value {
    json(
        fixture,
        descriptor["digest"].as_str().unwrap().parse().unwrap(),
    )
}

/// The form of artifacts. When a pin changes, every user's digests change: say so in the changelog, and bump the
/// trade's recipe number.
#[test]
fn the_digests_of_a_small_guest_are_pinned() {
    let fixture = Fixture::new();
    let list = fixture.pack(&fixture.action(&[Arch::X86_64])).unwrap();
    let told = format!("{} {}", list.index, list.index_json.digest);
    insta::assert_snapshot!(told, @"sha256:2db656f158cf8e493c8f35370cc594a125931936503da09784808e5ed6f366b8 sha256:0538bd2b3910f62547e507b93fa485660f79b2c2a1174ff387e341e03aad5b85");
    let both = fixture.action(&[Arch::Aarch64, Arch::X86_64]);
    insta::assert_snapshot!(fixture.pack(&both).unwrap().index, @"sha256:7a38961624006ea473e15a0d73b4efbfb2119d58cedb2434b9eb711fbfbbb953");
}

#[test]
fn the_same_products_packed_twice_in_other_stores_are_equal() {
    let lists = [Fixture::new(), Fixture::new()].map(|fixture| {
        let action = fixture.action(&[Arch::Aarch64, Arch::X86_64]);
        fixture.pack(&action).unwrap()
    });
    assert_eq!(lists[0], lists[1]);
}

#[test]
fn a_guest_says_what_it_is_made_of() {
    let fixture = Fixture::new();
    let list = fixture.pack(&fixture.action(&[Arch::X86_64])).unwrap();
    let index = json(&fixture, list.index);
    let manifest = described(&fixture, &index["manifests"][0]);
    let config = described(&fixture, &manifest["config"]);
    let shown = [&index, &manifest, &config]
        .map(|value| serde_json::to_string_pretty(value).unwrap())
        .join("\n");
    insta::assert_snapshot!(shown, @r#"
        {
          "annotations": {
            "org.opencontainers.image.created": "2025-11-19T00:00:00Z"
          },
          "artifactType": "application/vnd.kata-artifacts.guest.v1",
          "manifests": [
            {
              "artifactType": "application/vnd.kata-artifacts.guest.v1",
              "digest": "sha256:5aa57b72a13afb7581e7dc30405df73ae6a265e0a0da0b593c787673b02cb0ee",
              "mediaType": "application/vnd.oci.image.manifest.v1+json",
              "platform": {
                "architecture": "amd64",
                "os": "linux"
              },
              "size": 2860
            }
          ],
          "mediaType": "application/vnd.oci.image.index.v1+json",
          "schemaVersion": 2
        }
        {
          "annotations": {
            "dev.kata-artifacts.agent": "embedded: proves a guest; does not run containers",
            "dev.kata-artifacts.flavour": "default",
            "dev.kata-artifacts.intended-use": "tests",
            "dev.kata-artifacts.kernel.release": "6.12.57-kata",
            "dev.kata-artifacts.source": "debian linux-source-6.12 6.12.57-1",
            "dev.kata-artifacts.toolchain": "locked",
            "org.opencontainers.image.created": "2025-11-19T00:00:00Z",
            "org.opencontainers.image.licenses": "GPL-2.0-only",
            "org.opencontainers.image.version": "0.1.0"
          },
          "artifactType": "application/vnd.kata-artifacts.guest.v1",
          "config": {
            "digest": "sha256:3d32210ab9747937c4a9de4e5ca76eed3c635385cad1bef2bdf5334f54816bf3",
            "mediaType": "application/vnd.kata-artifacts.guest.config.v1+json",
            "size": 2818
          },
          "layers": [
            {
              "annotations": {
                "org.opencontainers.image.title": "vmlinux.container"
              },
              "digest": "sha256:47bd6f2303750520001b46ca32d261baace4be932027e74bacc5bd21dc2b0bf3",
              "mediaType": "application/vnd.kata-artifacts.kernel.v1.elf",
              "size": 16
            },
            {
              "annotations": {
                "org.opencontainers.image.title": "vmlinuz.container"
              },
              "digest": "sha256:58404045b4e98bebaa16a8c81ced31e037f2596e9d1b7ea917d104c46606070d",
              "mediaType": "application/vnd.kata-artifacts.kernel.v1.bzimage",
              "size": 28
            },
            {
              "annotations": {
                "org.opencontainers.image.title": "kata-containers-initrd.img"
              },
              "digest": "sha256:e6f50ff45031832565e183810d26abadf4a6aaf40d03a0033e99aff8976aa738",
              "mediaType": "application/vnd.kata-artifacts.initrd.v1.cpio+gzip",
              "size": 154
            },
            {
              "annotations": {
                "org.opencontainers.image.title": "config-6.12.57-kata"
              },
              "digest": "sha256:abfd412ac07783b29842644410b294e1eb2def4335a73d5abbdfdf1e8a1f4e6c",
              "mediaType": "application/vnd.kata-artifacts.kconfig.v1",
              "size": 15
            },
            {
              "annotations": {
                "org.opencontainers.image.title": "config-report.json"
              },
              "digest": "sha256:f35263a97834dd8740660aac7b8c8f7f74cf7586062838a4c3042db61aab1f5b",
              "mediaType": "application/vnd.kata-artifacts.kconfig-report.v1+json",
              "size": 54
            },
            {
              "annotations": {
                "org.opencontainers.image.title": "System.map-6.12.57-kata"
              },
              "digest": "sha256:53139d6471ff580f7dd3081123651c4096ce394054075e26c54152d05b75268a",
              "mediaType": "application/vnd.kata-artifacts.system-map.v1",
              "size": 25
            },
            {
              "annotations": {
                "org.opencontainers.image.title": "rootfs-entries.json"
              },
              "digest": "sha256:0c17847ab7cf3f33d899d98d0171eac1f44ec4c18e1971f7374d852a0ae79d52",
              "mediaType": "application/vnd.kata-artifacts.rootfs-entries.v1+json",
              "size": 332
            },
            {
              "annotations": {
                "org.opencontainers.image.title": "kata-artifacts.yaml"
              },
              "digest": "sha256:52cee34d6d5add989fc309b1f83a218054f50d41d65e6df1852db02110ae0c7f",
              "mediaType": "application/vnd.kata-artifacts.manifest.v1+yaml",
              "size": 21
            },
            {
              "annotations": {
                "org.opencontainers.image.title": "kata-artifacts.lock"
              },
              "digest": "sha256:69a63652bbf38cdfd6b9abd12b928dbaf80960689074397a2a8603c4a3c35845",
              "mediaType": "application/vnd.kata-artifacts.lock.v1+yaml",
              "size": 10
            }
          ],
          "mediaType": "application/vnd.oci.image.manifest.v1+json",
          "schemaVersion": 2
        }
        {
          "agent": {
            "digest": "sha256:ebde5ad637c583ba06c53fa524a79700cd0e2c0cad6277c98734815ac44746e4",
            "name": "kata-artifacts-agent",
            "note": "proves a guest; does not run containers",
            "origin": "embedded",
            "version": "0.1.0"
          },
          "arch": "x86_64",
          "compat": {
            "vmms": [
              "qemu"
            ]
          },
          "files": [
            {
              "digest": "sha256:47bd6f2303750520001b46ca32d261baace4be932027e74bacc5bd21dc2b0bf3",
              "mediaType": "application/vnd.kata-artifacts.kernel.v1.elf",
              "size": 16,
              "title": "vmlinux.container"
            },
            {
              "digest": "sha256:58404045b4e98bebaa16a8c81ced31e037f2596e9d1b7ea917d104c46606070d",
              "mediaType": "application/vnd.kata-artifacts.kernel.v1.bzimage",
              "size": 28,
              "title": "vmlinuz.container"
            },
            {
              "digest": "sha256:e6f50ff45031832565e183810d26abadf4a6aaf40d03a0033e99aff8976aa738",
              "mediaType": "application/vnd.kata-artifacts.initrd.v1.cpio+gzip",
              "size": 154,
              "title": "kata-containers-initrd.img"
            },
            {
              "digest": "sha256:abfd412ac07783b29842644410b294e1eb2def4335a73d5abbdfdf1e8a1f4e6c",
              "mediaType": "application/vnd.kata-artifacts.kconfig.v1",
              "size": 15,
              "title": "config-6.12.57-kata"
            },
            {
              "digest": "sha256:f35263a97834dd8740660aac7b8c8f7f74cf7586062838a4c3042db61aab1f5b",
              "mediaType": "application/vnd.kata-artifacts.kconfig-report.v1+json",
              "size": 54,
              "title": "config-report.json"
            },
            {
              "digest": "sha256:53139d6471ff580f7dd3081123651c4096ce394054075e26c54152d05b75268a",
              "mediaType": "application/vnd.kata-artifacts.system-map.v1",
              "size": 25,
              "title": "System.map-6.12.57-kata"
            },
            {
              "digest": "sha256:0c17847ab7cf3f33d899d98d0171eac1f44ec4c18e1971f7374d852a0ae79d52",
              "mediaType": "application/vnd.kata-artifacts.rootfs-entries.v1+json",
              "size": 332,
              "title": "rootfs-entries.json"
            },
            {
              "digest": "sha256:52cee34d6d5add989fc309b1f83a218054f50d41d65e6df1852db02110ae0c7f",
              "mediaType": "application/vnd.kata-artifacts.manifest.v1+yaml",
              "size": 21,
              "title": "kata-artifacts.yaml"
            },
            {
              "digest": "sha256:69a63652bbf38cdfd6b9abd12b928dbaf80960689074397a2a8603c4a3c35845",
              "mediaType": "application/vnd.kata-artifacts.lock.v1+yaml",
              "size": 10,
              "title": "kata-artifacts.lock"
            }
          ],
          "flavour": "default",
          "inputs": {
            "digest": "sha256:192ab0505ae28d376ff8930eb51cefdaaf6ad55167db5ae77a24ed5ebedd5532",
            "lock": "sha256:69a63652bbf38cdfd6b9abd12b928dbaf80960689074397a2a8603c4a3c35845",
            "manifest": "sha256:52cee34d6d5add989fc309b1f83a218054f50d41d65e6df1852db02110ae0c7f",
            "source": "debian linux-source-6.12 6.12.57-1",
            "toolchain": "sha256:0db3de82a739e43a2b560d166d037c3c0061601bb194866eb79b2c87045d00f2"
          },
          "intendedUse": "tests",
          "kernel": {
            "commandLine": [],
            "compiler": "gcc (Debian 14.2.0-19) 14.2.0",
            "config": "sha256:abfd412ac07783b29842644410b294e1eb2def4335a73d5abbdfdf1e8a1f4e6c",
            "features": [
              "base",
              "vsock"
            ],
            "localversion": "-kata",
            "patches": [],
            "release": "6.12.57-kata",
            "version": "6.12.57"
          },
          "name": "kata",
          "rootfs": {
            "entries": "sha256:0c17847ab7cf3f33d899d98d0171eac1f44ec4c18e1971f7374d852a0ae79d52",
            "format": "cpio+gzip"
          },
          "schemaVersion": 1,
          "version": "0.1.0"
        }
    "#);
}

#[test]
fn ocipkg_and_our_own_writer_make_the_same_bytes() {
    let fixture = Fixture::new();
    let action = fixture.action(&[Arch::X86_64]);
    let list = fixture.pack(&action).unwrap();
    let tag = "6.12.57-default-kconfig";
    let index = json(&fixture, list.tags[tag]);
    let written = described(&fixture, &index["manifests"][0]);
    assert_eq!(written["layers"].as_array().unwrap().len(), 4);
    let digest = index["manifests"][0]["digest"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    let theirs = fixture.store.read(digest).unwrap();
    // The same artifact again, through oci-spec.
    let facts = fixture.facts(&action);
    let inputs = config_inputs(&fixture, &written);
    let ours = artifact::manifest(&artifact(
        Kind::Kconfig,
        &action,
        Arch::X86_64,
        &facts,
        inputs,
    ));
    assert_eq!(String::from_utf8(theirs), String::from_utf8(ours));
}

fn config_inputs(fixture: &Fixture, manifest: &Value) -> Digest {
    let config = described(fixture, &manifest["config"]);
    config["inputs"]["digest"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap()
}

#[test]
fn every_blob_that_the_index_reaches_is_listed_and_stored() {
    let fixture = Fixture::new();
    let list = fixture
        .pack(&fixture.action(&[Arch::Aarch64, Arch::X86_64]))
        .unwrap();
    let listed: BTreeMap<_, _> = list
        .blobs
        .iter()
        .map(|entry| (entry.digest, entry.size))
        .collect();
    let mut reached = BTreeMap::new();
    let mut waiting = vec![json(&fixture, list.index_json.digest)];
    while let Some(value) = waiting.pop() {
        let below = ["manifests", "layers"].into_iter();
        let below = below.flat_map(|key| value[key].as_array().cloned().unwrap_or_default());
        for descriptor in below.chain(value.get("config").cloned()) {
            let digest: Digest = descriptor["digest"].as_str().unwrap().parse().unwrap();
            reached.insert(digest, descriptor["size"].as_u64().unwrap());
            let media_type = descriptor["mediaType"].as_str().unwrap();
            if media_type.starts_with("application/vnd.oci.image.") {
                waiting.push(json(&fixture, digest));
            }
        }
    }
    assert_eq!(listed, reached);
    for (digest, size) in listed {
        assert_eq!(fixture.store.read(digest).unwrap().len() as u64, size);
    }
}

#[test]
fn tags_move_with_the_version_or_are_fixed_by_the_inputs() {
    let fixture = Fixture::new();
    let mut action = fixture.action(&[Arch::X86_64]);
    let tags = |action: &Pack<Digest>| -> Vec<String> {
        fixture.pack(action).unwrap().tags.into_keys().collect()
    };
    let before = tags(&action);
    insta::assert_snapshot!(before.join("\n"), @r#"
        6.12.57-default
        6.12.57-default-i192ab0505ae2
        6.12.57-default-kconfig
        6.12.57-default-kconfig-i192ab0505ae2
        6.12.57-default-kernel
        6.12.57-default-kernel-i192ab0505ae2
        6.12.57-default-rootfs
        6.12.57-default-rootfs-i192ab0505ae2
    "#);
    action.lock = fixture.put("schema: 1 # another\n");
    let after = tags(&action);
    let moving = |tags: &[String]| {
        tags.iter()
            .filter(|tag| !tag.contains("-i"))
            .cloned()
            .collect()
    };
    let (left, right): (Vec<_>, Vec<_>) = (moving(&before), moving(&after));
    assert_eq!(left, right);
    assert_ne!(before, after);
}

#[test]
fn a_flavour_without_a_vmlinuz_has_none() {
    let fixture = Fixture::new();
    let mut action = fixture.action(&[Arch::X86_64]);
    let guest = action.guests.get_mut(&Arch::X86_64).unwrap();
    (guest.vmlinuz, guest.system_map) = (None, None);
    let list = fixture.pack(&action).unwrap();
    let names: Vec<_> = list.files[&Arch::X86_64]
        .iter()
        .map(|file| file.name.as_str())
        .collect();
    let expected = [
        "vmlinux.container",
        "kata-containers-initrd.img",
        "config",
        "config-report.json",
    ];
    assert_eq!(names, expected);
}

#[test]
fn a_product_that_is_missing_from_the_store_is_an_error() {
    let fixture = Fixture::new();
    let mut action = fixture.action(&[Arch::X86_64]);
    action.lock = Digest::of(b"nowhere");
    let error = fixture.pack(&action).unwrap_err();
    assert!(matches!(error, OciError::Store(_)), "{error}");
}
