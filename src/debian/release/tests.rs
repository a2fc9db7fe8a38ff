//! Releases that are believed, and every way in which one is not.

use pgp::crypto::hash::HashAlgorithm;

use super::*;
use crate::debian::world::{Seal, World, keyring, now};

fn world() -> World {
    let mut world = World::new();
    world.add("trixie", "aa", "1", "");
    world
}

fn signed() -> String {
    String::from_utf8(world().seal.sign(&world().release_text("trixie"))).unwrap()
}

fn verified(in_release: &[u8]) -> Result<Release, ReleaseError> {
    verify(in_release, "trixie", &keyring(&["archive"]), now())
}

/// Verifies a good text under this seal, with all test certificates but the stranger's; returns why it is refused.
fn refusal(seal: &Seal, now: Timestamp) -> Refusal {
    let keys = keyring(&["archive", "expiring", "revoked", "certifier", "rsa"]);
    let in_release = seal.sign(&world().release_text("trixie"));
    match verify(&in_release, "trixie", &keys, now) {
        Err(ReleaseError::Refused { refusals, .. }) => {
            assert_eq!(refusals.len(), 1);
            refusals.into_iter().next().unwrap()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_good_release_says_what_it_says() {
    let release = verified(signed().as_bytes()).unwrap();
    assert_eq!((&*release.suite, &*release.codename), ("stable", "trixie"));
    assert_eq!(release.version, "13.7");
    assert_eq!(release.date.to_string(), "2026-02-28T00:00:00Z");
    assert_eq!(release.valid_until, None);
    assert!(release.by_hash && !release.separate_all);
    assert_eq!(
        release.files.keys().collect::<Vec<_>>(),
        ["main/binary-amd64/Packages.xz"]
    );
    assert_eq!(release.sha256, Digest::of(signed().as_bytes()));
    // The signing subkey's fingerprint, not the certificate's.
    assert_eq!(release.signed_by.len(), 1);
    assert_ne!(
        release.signed_by[0],
        "A0411B92A408486DAD953185DB6FF8F3B0C05CBB"
    );
}

#[test]
fn a_release_may_be_asked_for_by_suite_or_codename_only() {
    let keys = keyring(&["archive"]);
    let in_release = signed();
    assert!(verify(in_release.as_bytes(), "stable", &keys, now()).is_ok());
    let error = verify(in_release.as_bytes(), "bookworm", &keys, now()).unwrap_err();
    assert!(matches!(error, ReleaseError::OtherSuite { .. }), "{error}");
}

#[test]
fn any_changed_byte_of_the_text_is_noticed() {
    let good = signed();
    for (from, to) in [
        ("Codename: trixie", "Codename: sid"),
        ("Origin: Test", "Origin: Tesu"),
        ("Packages.xz", "Packages.xy"),
        ("Date: Sat", "Date:  Sat"),
        ("Version: 13.7\n", ""),
        ("Version: 13.7\n", "Version: 13.7\n\n"),
    ] {
        assert!(good.contains(from));
        let error = verified(good.replacen(from, to, 1).as_bytes()).unwrap_err();
        let ReleaseError::Refused { refusals, .. } = &error else {
            panic!("{from}: {error:?}");
        };
        assert!(
            matches!(refusals[..], [Refusal::BadSignature { .. }]),
            "{error}"
        );
    }
}

#[test]
fn line_ends_of_the_transport_do_not_matter() {
    let windows = signed().replace('\n', "\r\n");
    let release = verified(windows.as_bytes()).unwrap();
    assert_eq!(release.codename, "trixie");
}

#[test]
fn nothing_may_stand_beside_the_signed_text() {
    let good = signed();
    let text = world().release_text("trixie");
    let injected = "Codename: trixie\nDate: Sat, 28 Feb 2026 00:00:00 UTC\nSHA256:\n";
    let begin = "-----BEGIN PGP SIGNED MESSAGE-----\n";
    let signature = good.find("-----BEGIN PGP SIGNATURE-----").unwrap();
    let header = good.find("\n\n").unwrap();
    for (why, bad) in [
        ("before", format!("{injected}\n{good}")),
        ("an empty line before", format!("\n{good}")),
        ("after", format!("{good}{injected}")),
        ("another block after", format!("{good}{good}")),
        ("between", {
            let (head, tail) = good.split_at(signature);
            format!(
                "{head}{}{injected}\n{tail}",
                "-----BEGIN PGP SIGNATURE-----\n"
            )
        }),
        (
            "a second begin",
            good.replacen(begin, &format!("{begin}\n{injected}{begin}"), 1),
        ),
        ("in the header", {
            let (head, tail) = good.split_at(header);
            format!("{head}\nCodename: sid{tail}")
        }),
        ("no signature", text.clone()),
        ("a header only", format!("{begin}Hash: SHA256\n\n{text}")),
        ("cut short", good[..good.len() - 40].to_owned()),
        ("nothing", String::new()),
        (
            "a captive portal",
            "<html><body>Please log in</body></html>".to_owned(),
        ),
    ] {
        let error = verified(bad.as_bytes()).unwrap_err();
        assert!(
            matches!(error, ReleaseError::Unsigned { .. }),
            "{why}: {error:?}"
        );
    }
    assert!(matches!(
        verified(b"\xff\xfe").unwrap_err(),
        ReleaseError::Unsigned { .. }
    ));
}

#[test]
fn dash_escaped_lines_are_read_as_they_were_signed() {
    let text = format!(
        "{}-dashed: yes\n",
        world()
            .release_text("trixie")
            .replace("SHA256:\n", "-----BEGIN: no\nSHA256:\n")
    );
    let in_release = Seal::by("archive").sign(&text);
    let as_text = String::from_utf8(in_release.clone()).unwrap();
    assert!(as_text.contains("- -----BEGIN: no") && as_text.contains("- -dashed"));
    assert_eq!(verified(&in_release).unwrap().files.len(), 1);
}

#[test]
fn a_strangers_signature_counts_for_nothing() {
    let refusal = refusal(&Seal::by("stranger"), now());
    let issuer = "56FBEB64CB5B9469B74DE2CAC463358D35262A74".to_owned();
    assert_eq!(refusal, Refusal::UnknownKey { issuer });
}

#[test]
fn one_good_signature_among_others_is_enough() {
    let text = world().release_text("trixie");
    let both = |first: &[u8], second: &[u8]| {
        let packets = |armoured: &[u8]| {
            let text = std::str::from_utf8(armoured).unwrap();
            CleartextSignedMessage::from_string(text)
                .unwrap()
                .0
                .signatures()[0]
                .clone()
        };
        CleartextSignedMessage::new_many(&text, |_| Ok(vec![packets(first), packets(second)]))
            .unwrap()
            .to_armored_bytes(None.into())
            .unwrap()
    };
    let (good, strange) = (
        Seal::by("archive").sign(&text),
        Seal::by("stranger").sign(&text),
    );
    let release = verified(&both(&strange, &good)).unwrap();
    assert_eq!(release.signed_by.len(), 1);
    let error = verified(&both(&strange, &strange)).unwrap_err();
    assert!(matches!(error, ReleaseError::Refused { refusals, .. } if refusals.len() == 2));
}

#[test]
fn without_keys_nothing_is_believed() {
    let error = verify(signed().as_bytes(), "trixie", &Keyring::default(), now()).unwrap_err();
    assert!(matches!(error, ReleaseError::NoKeys { .. }));
}

#[test]
fn keys_count_only_while_they_are_good() {
    let seal = Seal::by("expiring");
    let text = world().release_text("trixie");
    let keys = keyring(&["expiring"]);
    assert!(verify(&seal.sign(&text), "trixie", &keys, now()).is_ok());
    let later = "2026-06-01T00:00:00Z".parse().unwrap();
    assert!(matches!(refusal(&seal, later), Refusal::KeyExpired { at, .. } if at == later));
    assert!(matches!(
        refusal(&Seal::by("revoked"), now()),
        Refusal::KeyRevoked { .. }
    ));
    assert!(matches!(
        refusal(&Seal::by("certifier"), now()),
        Refusal::NotForSigning { .. }
    ));
}

#[test]
fn signatures_count_only_while_they_are_good() {
    let archive = Seal::by("archive");
    let brief = Seal {
        lasts: Some(3600),
        ..archive.clone()
    };
    assert!(matches!(
        refusal(&brief, now()),
        Refusal::SignatureExpired { .. }
    ));
    let early = Seal {
        made: "2026-04-01T00:00:00Z".parse().unwrap(),
        ..archive.clone()
    };
    assert!(matches!(
        refusal(&early, now()),
        Refusal::FromTheFuture { .. }
    ));
    let weak = Seal {
        hash: HashAlgorithm::Sha1,
        ..Seal::by("rsa")
    };
    assert!(matches!(refusal(&weak, now()), Refusal::Weak { .. }));
}

#[test]
fn a_release_is_believed_until_its_end_and_not_after() {
    let mut world = world();
    world.fields = "Valid-Until: Sun, 01 Mar 2026 12:00:00 UTC\n".to_owned();
    let in_release = world.seal.sign(&world.release_text("trixie"));
    let release = verified(&in_release).unwrap();
    assert!(!release.by_hash);
    let later = now() + jiff::SignedDuration::from_secs(1);
    let error = verify(&in_release, "trixie", &keyring(&["archive"]), later).unwrap_err();
    assert!(matches!(error, ReleaseError::Expired { .. }), "{error}");
}

#[test]
fn a_signed_text_that_is_no_release_is_refused() {
    let good = world().release_text("trixie");
    for (from, to) in [
        ("Date: Sat, 28 Feb 2026", "Date: soon"),
        ("Date:", "Datum:"),
        ("SHA256:\n", "MD5Sum:\n"),
        ("main/binary", "main binary"),
        ("SHA256:\n ", "SHA256:\n 0"),
        ("Version: 13.7\n", "Version: 13.7\n\n"),
        ("Origin: Test\n", "Origin\n"),
    ] {
        let in_release = Seal::by("archive").sign(&good.replacen(from, to, 1));
        let error = verified(&in_release).unwrap_err();
        assert!(
            matches!(error, ReleaseError::Malformed { .. }),
            "{from}: {error:?}"
        );
    }
}

#[test]
fn debians_own_keys_can_be_read() {
    let keys = [
        include_str!("../../../manifests/keys/debian-archive-key-12.asc"),
        include_str!("../../../manifests/keys/debian-archive-key-12-security.asc"),
        include_str!("../../../manifests/keys/debian-archive-key-13.asc"),
        include_str!("../../../manifests/keys/debian-archive-key-13-security.asc"),
        include_str!("../../../manifests/keys/debian-release-12.asc"),
        include_str!("../../../manifests/keys/debian-release-13.asc"),
    ];
    for key in keys {
        Keyring::read([("key", key.as_bytes())]).unwrap();
    }
    assert!(Keyring::read([("empty", &b""[..])]).is_err());
    assert!(Keyring::read([("text", &b"no key"[..])]).is_err());
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(64))]

    #[test]
    fn one_changed_byte_is_refused_or_changes_nothing(at in 0..signed().len(), byte: u8) {
        let good = signed();
        let mut bytes = good.clone().into_bytes();
        bytes[at] = byte;
        if let Ok(release) = verified(&bytes) {
            let mut original = verified(good.as_bytes()).unwrap();
            original.sha256 = release.sha256;
            proptest::prop_assert_eq!(release, original);
        }
    }

    #[test]
    fn foreign_bytes_are_refused_calmly(bytes: Vec<u8>, cut in 0..signed().len() / 2) {
        let good = signed().into_bytes();
        proptest::prop_assert!(verified(&bytes).is_err());
        proptest::prop_assert!(verified(&[&good[..cut], &bytes].concat()).is_err());
    }
}
