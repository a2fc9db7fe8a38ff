//! Closures over worlds of a few packages, each written on a line.

use std::{collections::BTreeSet, fmt::Write as _};

use super::*;
use crate::debian::index::{self, Package};

/// Reads packages written one per line: `name version field: value; field: value`.
fn packages(lines: &str) -> Vec<Package> {
    let mut text = String::new();
    for (number, line) in lines
        .lines()
        .map(str::trim)
        .filter(|l| !l.is_empty())
        .enumerate()
    {
        let mut words = line.splitn(3, ' ');
        let (name, version) = (words.next().unwrap(), words.next().unwrap());
        let fields = words.next().unwrap_or_default().replace("; ", "\n");
        let architecture = if fields.contains("Architecture:") {
            ""
        } else {
            "Architecture: amd64\n"
        };
        writeln!(
            text,
            "Package: {name}\nVersion: {version}\n{architecture}Filename: pool/{name}.deb\nSize: 1\n\
             SHA256: {number:064x}\n{fields}\n"
        )
        .unwrap();
    }
    index::read("Packages", "test", text.as_bytes()).unwrap()
}

/// Closes a list over one suite's packages; returns the names, or the problems in words.
fn closed(lines: &str, requested: &str) -> String {
    let packages = packages(lines);
    let universe = Universe::new("amd64", &[("trixie", &packages)], &BTreeSet::new());
    let requested: Vec<String> = requested.split(' ').map(str::to_owned).collect();
    match close(&universe, &requested) {
        Ok(closure) => join(closure.keys().map(|name| (*name).to_owned()), " "),
        Err(problems) => join(problems.iter().map(ToString::to_string), "; "),
    }
}

#[test]
fn a_closure_has_dependencies_of_dependencies_and_nothing_else() {
    let world = "
        gcc 14 Depends: cpp (= 14), libc; Recommends: docs; Suggests: gdb
        cpp 14 Pre-Depends: libmpfr
        libmpfr 4 Depends: libc, gcc
        libc 2
        dpkg 1 Essential: yes
        docs 1
        gdb 1";
    assert_eq!(closed(world, "gcc"), "cpp gcc libc libmpfr");
    assert_eq!(closed(world, "libc"), "libc");
}

#[test]
fn of_alternatives_the_chosen_one_wins_then_the_first_that_exists() {
    let world = "
        app 1 Depends: first | second
        first 1
        second 1
        late 1 Depends: gone | virtual | second
        provider 1 Provides: virtual";
    assert_eq!(closed(world, "app"), "app first");
    assert_eq!(closed(world, "app second"), "app second");
    assert_eq!(closed(world, "late"), "late provider");
    assert_eq!(closed(world, "late second"), "late second");
}

#[test]
fn a_virtual_package_is_provided_by_the_most_needed_then_by_name() {
    let world = "
        base 1 Pre-Depends: awk
        gawk 1 Provides: awk
        mawk 1 Provides: awk; Priority: required
        original-awk 1 Provides: awk";
    assert_eq!(closed(world, "base"), "base mawk");
    assert_eq!(closed(world, "base original-awk"), "base original-awk");
    assert_eq!(
        closed(world, "awk"),
        "`awk` is no package: others provide it"
    );
}

#[test]
fn a_provided_version_counts_and_an_absent_one_satisfies_no_bound() {
    let world = "
        new 1 Depends: api (>= 2)
        plain 1 Depends: api
        lib1 1 Provides: api (= 1)
        lib2 1 Provides: other, api (= 2)
        lib0 1 Provides: api";
    assert_eq!(closed(world, "new"), "lib2 new");
    assert_eq!(closed(world, "plain"), "lib0 plain");
    let unversioned = "
        new 1 Depends: api (>= 2)
        lib0 1 Provides: api";
    assert_eq!(
        closed(unversioned, "new"),
        "`new` needs `api (>= 2)`, which nothing satisfies: no provider of `api` will do"
    );
}

#[test]
fn the_highest_version_among_suites_wins_and_of_equal_ones_the_first_suite() {
    let old = packages("ssl 3.0.1-1\nsame 1");
    let new = packages("ssl 3.0.1-1+deb13u1\nsame 1\nssl 3.0.1-1~bpo1");
    let universe = Universe::new(
        "amd64",
        &[("trixie", &old), ("extra", &new)],
        &BTreeSet::new(),
    );
    let ssl = universe.candidate("ssl").unwrap();
    assert_eq!(
        (ssl.suite, &*ssl.package.version),
        ("extra", "3.0.1-1+deb13u1")
    );
    assert_eq!(universe.candidate("same").unwrap().suite, "trixie");
}

#[test]
fn only_packages_of_the_architecture_or_of_all_are_seen() {
    let world = "
        app 1 Depends: docs, lib
        docs 1 Architecture: all
        lib 1 Architecture: arm64";
    assert_eq!(
        closed(world, "app"),
        "`app` needs `lib`, which nothing satisfies: there is no `lib`"
    );
}

#[test]
fn architecture_qualifiers_are_heeded() {
    let world = "
        a1 1 Depends: python:any
        a2 1 Depends: tool:any
        a3 1 Depends: tool:amd64
        a4 1 Depends: tool:arm64
        python 3 Multi-Arch: allowed
        tool 1 Multi-Arch: foreign";
    assert_eq!(closed(world, "a1"), "a1 python");
    assert_eq!(closed(world, "a3"), "a3 tool");
    for (name, needs) in [("a2", "tool:any"), ("a4", "tool:arm64")] {
        assert_eq!(
            closed(world, name),
            format!(
                "`{name}` needs `{needs}`, which nothing satisfies: `tool` is not for other architectures"
            )
        );
    }
}

#[test]
fn packages_that_cannot_be_together_are_told() {
    let world = "
        app 1 Depends: old, new
        new 2 Breaks: old (<< 2)
        old 1
        mta1 1 Provides: mta; Conflicts: mta
        mta2 1 Provides: mta
        fine 1 Conflicts: old (>> 1), absent";
    assert_eq!(
        closed(world, "app"),
        "`new` and `old` cannot be together: `new` conflicts with `old (<< 2)`"
    );
    assert_eq!(
        closed(world, "mta1 mta2"),
        "`mta1` and `mta2` cannot be together: `mta1` conflicts with `mta`"
    );
    assert_eq!(closed(world, "mta1"), "mta1");
    assert_eq!(closed(world, "fine old"), "fine old");
}

#[test]
fn all_problems_are_told_at_once_each_with_what_led_to_it() {
    let packages = packages(
        "
        gcc 14 Depends: gcc-14
        gcc-14 14.2 Depends: libc (>= 3) | musl
        libc 2
        broken 1 Depends: a b",
    );
    let universe = Universe::new("amd64", &[("trixie", &packages)], &BTreeSet::new());
    let requested = ["gcc", "gcx", "broken"].map(str::to_owned);
    let problems = close(&universe, &requested).unwrap_err();
    let told: Vec<String> = problems
        .iter()
        .map(|problem| {
            let help = miette::Diagnostic::help(problem).map(|h| h.to_string());
            format!("{problem} [{}]", help.unwrap_or_default())
        })
        .collect();
    assert_eq!(
        told,
        [
            "there is no package `gcx` for amd64 in trixie [did you mean `gcc`?]",
            "`broken` has an unreadable `Depends:`: `a b` is not a relation between packages []",
            "`gcc-14` needs `libc (>= 3) | musl`, which nothing satisfies: `libc` is 2, there is no `musl` \
             [`gcc` is requested, which needs `gcc-14`; is a suite missing in `debian.suites`?]",
        ]
    );
}

#[test]
fn the_order_of_indexes_and_requests_does_not_change_a_closure() {
    let world = "
        a1 1 Depends: x | y
        b1 1 Depends: y | x
        x1 1 Provides: x
        x2 1 Provides: x
        y1 1 Provides: y";
    let reversed: Vec<&str> = world.lines().rev().collect();
    assert_eq!(
        closed(world, "a1 b1"),
        closed(&reversed.join("\n"), "a1 b1")
    );
}
