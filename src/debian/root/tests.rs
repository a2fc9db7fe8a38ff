//! Roots out of small packages, in every order.

use super::*;
use crate::{
    plan::action::Named,
    source::craft::{Tar, World, ar, causes, control, deb, gzip, show, xz, zstd},
};

fn action(world: &World, packages: Vec<(&str, Vec<u8>)>) -> Toolchain<Digest> {
    let named = |(name, bytes): (&str, Vec<u8>)| Named {
        name: name.to_owned(),
        input: world.put(&bytes),
    };
    Toolchain {
        packages: packages.into_iter().map(named).collect(),
        directories: vec!["/src".into(), "/usr/bin".into()],
        links: [("/usr/bin/cc".to_owned(), "gcc".to_owned())].into(),
    }
}

fn built(packages: Vec<(&str, Vec<u8>)>) -> Result<String, String> {
    let world = World::new();
    match build(&world.bench(), &action(&world, packages)) {
        Ok(products) => Ok(show(&world.tree(&products))),
        Err(error) => {
            assert!(world.has_no_tree());
            Err(causes(&error))
        }
    }
}

fn refused(packages: Vec<(&str, Vec<u8>)>, part: &str) {
    let text = built(packages).unwrap_err();
    assert!(text.contains(part), "{text}");
}

fn base() -> (&'static str, Vec<u8>) {
    let data = Tar::new()
        .directory("./")
        .directory("./usr/bin/")
        .link("./bin", "usr/bin");
    ("base-files", deb("base-files", data))
}

#[test]
fn packages_go_side_by_side_through_the_links_of_base_files() {
    let gcc = deb("gcc", Tar::new().directory("./bin/").file("./bin/gcc", "c"));
    let doc = deb("a", Tar::new().directory("./usr/").file("./usr/doc/a", "a"));
    let root = built(vec![("a", doc), base(), ("gcc", gcc)]).unwrap();
    insta::assert_snapshot!(root, @r"
    l bin -> usr/bin
    d755 src
    d755 usr
    d755 usr/bin
    l usr/bin/cc -> gcc
    f644 usr/bin/gcc c
    d755 usr/doc
    f644 usr/doc/a a
    ");
}

#[test]
fn every_compression_of_data_is_read() {
    let data = Tar::new().file("./x", "x").done();
    for data in [data.clone(), gzip(&data), xz(&data), zstd(&data)] {
        let package = ar(&[
            ("debian-binary", b"2.0\n"),
            ("control.tar.xz", &xz(&control("p"))),
            ("_ignored", b"odd"),
            ("data.tar.xz", &data),
        ]);
        assert!(built(vec![("p", package)]).unwrap().contains("f644 x x"));
    }
}

#[test]
fn two_packages_that_ship_one_file_do_not_go_together_in_either_order() {
    let package =
        |name: &str, link: &str| deb(name, Tar::new().file("./x", name).link("./l", link));
    let both = || vec![("a", package("a", "x")), ("b", package("b", "x"))];
    refused(both(), "`./x` is shipped twice, by `a` and by `b`");
    refused(both().into_iter().rev().collect(), "is shipped twice");
}

#[test]
fn what_the_manifest_declares_must_not_be_there_already() {
    let package = deb("p", Tar::new().file("./usr/bin/cc", "another"));
    refused(
        vec![("p", package)],
        "shipped twice, by `p` and by the manifest",
    );
    let same = deb("p", Tar::new().link("./usr/bin/cc", "gcc"));
    assert!(built(vec![("p", same)]).is_ok());
    let file = deb("p", Tar::new().file("./src", "a file"));
    refused(vec![("p", file)], "no directory");
}

#[test]
fn the_wrong_package_is_named_and_not_unpacked() {
    let package = deb("other", Tar::new().file("./x", "x"));
    refused(
        vec![("p", package)],
        "it is the package `other` 1.2-3, expected `p`",
    );
}

#[test]
fn what_is_no_package_is_refused() {
    let version: (&str, &[u8]) = ("debian-binary", b"2.0\n");
    let data = Tar::new().file("./x", "x").done();
    let (control, odd) = (control("p"), b"3.0\n".as_slice());
    let (control, data) = (("control.tar", control.as_slice()), ("data.tar", &*data));
    for (package, part) in [
        (b"no archive at all".to_vec(), "it cannot be read"),
        (b"!<arch>\n".to_vec(), "it is empty"),
        (ar(&[control, data]), "not `debian-binary`"),
        (ar(&[("debian-binary", odd), control, data]), "not 2.x"),
        (ar(&[version, data]), "before its control archive"),
        (ar(&[version, control]), "no data archive"),
        (ar(&[version, control, control]), "two control archives"),
        (ar(&[version, ("evil", b""), control, data]), "unknown kind"),
        (
            ar(&[version, ("control.tar", data.1), data]),
            "has no `control`",
        ),
    ] {
        refused(vec![("p", package)], part);
    }
}

#[test]
fn a_package_that_leads_out_of_the_root_is_refused() {
    for data in [
        Tar::new().file("./../evil", "x"),
        Tar::new().file("/evil", "x"),
        Tar::new().link("./l", "../..").file("./l/evil", "x"),
        Tar::new().hard_link("./evil", "../../secret"),
        Tar::new().entry(tar::EntryType::Char, b"./dev/mem", b"", 0o666, b""),
    ] {
        assert!(built(vec![("p", deb("p", data))]).is_err());
    }
}

#[test]
fn a_raised_flag_leaves_no_root() {
    let world = World::new();
    let action = action(&world, vec![base()]);
    world.cancel.raise();
    let result = build(&world.bench(), &action);
    assert!(result.is_err());
    assert!(world.has_no_tree());
}
