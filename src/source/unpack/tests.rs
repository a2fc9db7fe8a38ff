//! Unpacking kernel sources: every form, every compression, and what must leave no tree behind.

use pgp::{
    composed::{Deserializable, DetachedSignature},
    ser::Serialize,
};

use super::*;
use crate::source::craft::{Tar, World, ar, causes, control, deb, gzip, show, xz, zstd};

fn source() -> Tar {
    Tar::new()
        .directory("linux-6.12/")
        .file("linux-6.12/Makefile", "all:\n")
        .directory("linux-6.12/scripts/")
        .link("linux-6.12/scripts/up", "../Makefile")
        .hard_link("linux-6.12/again", "linux-6.12/Makefile")
}

const TREE: &str =
    "f644 Makefile all:\\n\nf644 again all:\\n\nd755 scripts\nl scripts/up -> ../Makefile";

fn action(world: &World, archive: &[u8], form: ArchiveForm) -> Unpack<Digest> {
    Unpack {
        archive: world.put(archive),
        form,
        signature: None,
    }
}

fn refused(archive: &[u8], form: ArchiveForm, part: &str) {
    let world = World::new();
    let error = unpack(&world.bench(), &action(&world, archive, form)).unwrap_err();
    let text = causes(&error);
    assert!(text.contains(part), "{text}");
    assert!(world.has_no_tree());
}

#[test]
fn a_tar_loses_its_top_directory_whatever_compressed_it() {
    let tar = source().done();
    for archive in [tar.clone(), xz(&tar), gzip(&tar), zstd(&tar)] {
        let world = World::new();
        let products = unpack(&world.bench(), &action(&world, &archive, ArchiveForm::Tar)).unwrap();
        assert_eq!(show(&world.tree(&products)), TREE);
        let epoch = world.store.read(products["epoch"].digest()).unwrap();
        assert_eq!(epoch, b"1000000000");
    }
}

#[test]
fn a_source_package_is_unpacked_through_both_of_its_archives() {
    let data = || Tar::new().directory("./").directory("./usr/src/");
    let inner = xz(&source().done());
    let with = |tar: Tar, name: &str| {
        tar.entry(tar::EntryType::Regular, name.as_bytes(), b"", 0o644, &inner)
    };
    let package = deb(
        "linux-source-6.12",
        with(data(), "./usr/src/linux-source-6.12.tar.xz")
            .file("./usr/share/doc/x/linux-source.tar.xz", "not this one")
            .file("./usr/src/linux-patch-6.12-rt.patch.xz", "nor this one"),
    );
    let world = World::new();
    let form = ArchiveForm::DebianSource;
    let products = unpack(&world.bench(), &action(&world, &package, form)).unwrap();
    assert_eq!(show(&world.tree(&products)), TREE);

    let two = with(with(data(), "./usr/src/a.tar.xz"), "./usr/src/b.tar.xz");
    refused(&deb("x", two), form, "has 2 archives");
    refused(&deb("x", data()), form, "has 0 archives");
    refused(&xz(&source().done()), form, "cannot be read");
    let no_data = ar(&[("debian-binary", b"2.0\n"), ("control.tar", &control("x"))]);
    refused(&no_data, form, "no data archive");
}

#[test]
fn everything_must_lie_below_one_top_directory() {
    let form = ArchiveForm::Tar;
    for name in ["other/file", "file", "/linux-6.12/x", "../x", "./"] {
        refused(&source().file(name, "x").done(), form, "top directory");
    }
    for name in ["linux-6.12/../../x", "linux-6.12/.."] {
        refused(&source().file(name, "x").done(), form, "leads out");
    }
    let evil = source().link("linux-6.12/l", "../outside").done();
    refused(&evil, form, "leads out");
    let evil = source().hard_link("linux-6.12/h", "outside/x").done();
    refused(&evil, form, "top directory");
    let dotted = Tar::new().directory("./").file("./top/x", "x").done();
    let world = World::new();
    let products = unpack(&world.bench(), &action(&world, &dotted, form)).unwrap();
    assert_eq!(show(&world.tree(&products)), "f644 x x");
}

#[test]
fn a_cut_or_damaged_archive_leaves_no_tree() {
    let packed = xz(&source().done());
    refused(
        &packed[..packed.len() - 20],
        ArchiveForm::Tar,
        "cannot unpack",
    );
    let mut damaged = packed;
    damaged[40] ^= 1;
    refused(&damaged, ArchiveForm::Tar, "cannot unpack");
}

#[test]
fn large_and_many_files_come_through_the_writers_whole() {
    let large = "x".repeat(3 << 20);
    let mut tar = Tar::new().file("top/large", &large);
    for n in 0..400 {
        tar = tar.file(&format!("top/{}/{n}", n % 7), &n.to_string().repeat(500));
    }
    let world = World::new();
    let products = unpack(
        &world.bench(),
        &action(&world, &tar.done(), ArchiveForm::Tar),
    )
    .unwrap();
    let root = world.tree(&products);
    assert_eq!(std::fs::read_to_string(root.join("large")).unwrap(), large);
    for n in 0..400 {
        let content = std::fs::read_to_string(root.join(format!("{}/{n}", n % 7))).unwrap();
        assert_eq!(content, n.to_string().repeat(500));
    }
}

#[test]
fn a_raised_flag_leaves_no_tree() {
    let world = World::new();
    let action = action(&world, &source().done(), ArchiveForm::Tar);
    world.cancel.raise();
    let result = unpack(&world.bench(), &action);
    assert!(matches!(result, Err(UnpackError::Interrupted(_))));
    assert!(world.has_no_tree());
}

/// A file of `signatures/`: made with GnuPG, over [`source`] where the name does not say otherwise.
macro_rules! made {
    ($name:literal) => {
        include_bytes!(concat!("signatures/", $name, ".asc")).as_slice()
    };
}

fn signed(signature: &[u8], keys: &[Vec<u8>]) -> Result<String, String> {
    let world = World::new();
    let mut action = action(&world, &xz(&source().done()), ArchiveForm::Tar);
    action.signature = Some(Signature {
        signature: world.put(signature),
        keys: keys.iter().map(|key| world.put(key)).collect(),
    });
    match unpack(&world.bench(), &action) {
        Ok(products) => Ok(show(&world.tree(&products))),
        Err(error) => {
            assert!(world.has_no_tree());
            Err(causes(&error))
        }
    }
}

#[test]
fn a_signature_over_the_decompressed_tar_lets_the_tree_appear() {
    let keys = [made!("other").to_vec(), made!("maker").to_vec()];
    assert_eq!(signed(made!("by-maker"), &keys).unwrap(), TREE);
    assert_eq!(signed(made!("by-subkey"), &keys).unwrap(), TREE);
    // One over the compressed file, as some projects make them, is not what is asked for.
    let error = signed(made!("of-other-bytes"), &keys).unwrap_err();
    assert!(error.contains("is not good"), "{error}");
}

#[test]
fn a_foreign_or_unreadable_signature_leaves_no_tree() {
    let maker = [made!("maker").to_vec()];
    let other = [made!("other").to_vec()];
    let error = signed(made!("by-maker"), &other).unwrap_err();
    assert!(error.contains("none of the 1 certificates"), "{error}");
    let error = signed(b"no signature", &maker).unwrap_err();
    assert!(error.contains("signature"), "{error}");
    assert!(signed(made!("by-maker"), &[]).is_err());
    assert!(signed(made!("by-maker"), &[b"no certificate".to_vec()]).is_err());
    let error = signed(made!("by-maker"), &[made!("maker-revoked").to_vec()]).unwrap_err();
    assert!(error.contains("is revoked"), "{error}");
}

#[test]
fn a_signature_that_does_not_count_does_not_hide_a_good_one() {
    let (good, _) = DetachedSignature::from_armor_single(made!("by-maker")).unwrap();
    let good = good.to_bytes().unwrap();
    let mut of_text = good.clone();
    // The header, the version, the type: of a file.
    assert_eq!(of_text[2..4], [4, 0]);
    of_text[3] = 1;
    let maker = [made!("maker").to_vec()];
    let error = signed(&of_text, &maker).unwrap_err();
    assert!(error.contains("no signature of a file"), "{error}");
    assert_eq!(signed(&[of_text, good].concat(), &maker).unwrap(), TREE);
}
