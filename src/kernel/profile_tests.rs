//! Profiles: what is read, what is refused, and how they extend one another.

use std::{fs, path::Path};

use super::{
    BadFile, KernelError,
    demand::{Asked, Level},
    profile::{Profile, fragments_for, load},
};
use crate::arch::Arch;

const GOOD: &str = "schema: 1\nname: kata\nsummary: the guest\nfragments:\n  common: [fragments/a.conf]\n  \
    x86_64:\n    - fragments/x86_64/b.conf\noff:\n  - {symbol: MODULE_SIG, reason: random key}\nwaivers:\n  \
    - {symbol: X, reason: gone, versions: \">=6.12, <7.0\", architectures: [x86_64]}\n";

#[test]
fn a_profile_lists_common_fragments_before_its_architectures() {
    let profile = Profile::parse("profiles/kata.yaml", GOOD).unwrap();
    let names = |arch| fragments_for(&profile, arch);
    assert_eq!(
        names(Arch::X86_64),
        [
            Path::new("fragments/a.conf"),
            Path::new("fragments/x86_64/b.conf")
        ]
    );
    assert_eq!(names(Arch::S390x), [Path::new("fragments/a.conf")]);
    let waiver = &profile.waivers[0];
    assert_eq!(waiver.origin.to_string(), "profiles/kata.yaml:11");
    assert!(waiver.applies("6.12.3".parse().unwrap(), Arch::X86_64));
    assert!(!waiver.applies("7.0".parse().unwrap(), Arch::X86_64));
    assert!(!waiver.applies("6.12.3".parse().unwrap(), Arch::S390x));
}

#[test]
fn every_mistake_in_a_profile_is_told_at_once() {
    let text = "schema: 2\nname: ''\nsumary: x\nfragments:\n  comon: [a]\n  x86_64:\n    - ../b.conf\n    \
        - /c.conf\n    - d.conf\n    - d.conf\noff:\n  - {symbol: CONFIG_A, reason: r}\n  - {symbol: B, reason: ' '}\n  \
        - {symbl: C, reason: r}\nwaivers:\n  - {symbol: D, reason: r, versions: '6.12'}\n  \
        - {symbol: E, reason: r, versions: <7.0, architectures: [sparc]}\n  - F\n  - {symbol: G, reason: r, versions: <7.0}\n  - {symbol: G, reason: r, versions: <7.0}\n";
    let bad = Profile::parse("profiles/p.yaml", text).unwrap_err();
    insta::assert_snapshot!(bad.problems().join("\n"), @"
    line 1: write `schema: 1`
    line 1: a profile has a `summary`: write `summary: …`
    line 2: a profile has a `name`: write `name: …`
    line 3: `sumary` is not known here: did you mean `summary`?
    line 5: `comon` is not known here: did you mean `common`?
    line 7: write a path below the directory that holds `profiles/`
    line 8: write a path below the directory that holds `profiles/`
    line 9: `d.conf` is listed twice: remove one
    line 12: a symbol is named without `CONFIG_`: write `A`
    line 13: no reason: write `reason: …`, for the next person who wonders
    line 14: `symbl` is not known here: did you mean `symbol`?
    line 14: no `symbol`: write `symbol: NAME`
    line 16: `6.12` is not a range of kernel versions: write `>=6.12, <7.0`
    line 16: a waiver ends: write `versions: \">=6.12, <6.13\"`, for the kernels where it was seen
    line 17: `sparc` is not known here: expected aarch64, ppc64le, riscv64, s390x, x86_64
    line 18: write `{symbol: …, reason: …}`
    line 20: said on line 19 already: remove one
    ");
}

#[test]
fn what_is_no_profile_is_refused_with_its_line() {
    let told = |text: &str| Profile::parse("p", text).unwrap_err().problems().join("\n");
    assert!(told("- a\n").contains("a profile is a map"));
    assert!(
        told("schema: 1\nname: a\nname: b\n").contains("duplicate"),
        "{}",
        told("name: a\nname: b\n")
    );
    assert!(told("a: [\n").starts_with("line "));
    assert!(told(&" ".repeat((1 << 20) + 1)).contains("1 MiB"));
}

#[test]
fn loading_tells_every_missing_and_every_wrong_fragment_at_once() {
    let room = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = room.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("profiles/kata.yaml", GOOD);
    write("fragments/a.conf", "NET=y\n");
    let path = room.path().join("profiles/kata.yaml");
    let Err(KernelError::BadInput { files }) = load(&path, Arch::X86_64) else {
        panic!("nothing was told");
    };
    let told: Vec<_> = files.iter().flat_map(BadFile::problems).collect();
    assert_eq!(
        told,
        [
            "line 7: there is no readable file `fragments/x86_64/b.conf` beside `profiles/`",
            "line 1: write `CONFIG_NET=y`"
        ]
    );
    write("fragments/a.conf", "CONFIG_NET=y\n");
    write("fragments/x86_64/b.conf", "CONFIG_X=y\n");
    let loaded = load(&path, Arch::X86_64).unwrap();
    let names: Vec<_> = loaded
        .fragments
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(names, ["fragments/a.conf", "fragments/x86_64/b.conf"]);
    assert_eq!(loaded.profile_name, "profiles/kata.yaml");
}

/// Puts together `profiles/a.yaml`, `b` and so on of these texts, the first being the one that is asked for.
fn assembled(texts: &[&str]) -> Result<Profile, String> {
    let files: Vec<_> = ["a", "b", "c"]
        .iter()
        .zip(texts)
        .map(|(name, text)| {
            let head = format!("schema: 1\nname: {name}\nsummary: s\n");
            (format!("profiles/{name}.yaml"), head + text)
        })
        .collect();
    Profile::assemble(&files).map_err(|bad| {
        let told = bad
            .iter()
            .map(|file| format!("{file}: {}", file.problems().join("; ")));
        told.collect::<Vec<_>>().join("\n")
    })
}

#[test]
fn a_profile_adds_to_those_it_extends_and_drops_of_them() {
    let profile = assembled(&[
        "extends: [b, c]\ndrop:\n  fragments: [f/acpi.conf]\n  off: [MODULES]\nfragments: {s390: [f/own.conf]}\n\
         levels: {snp: required}\noff: [{symbol: SMP, reason: mine}]\n",
        "extends: c\nfragments: {common: [f/b.conf, f/acpi.conf], s390x: [f/b390.conf]}\nlevels: {snp: recommended}\n\
         off: [{symbol: MODULES, reason: none}, {symbol: SMP, reason: b's}]\n",
        "fragments: {common: [f/c.conf, f/b.conf]}\nfeatures: features.yaml\noff: [{symbol: PM, reason: c's}]\n",
    ])
    .unwrap();
    assert_eq!(
        (profile.name.as_str(), profile.file.as_str()),
        ("a", "profiles/a.yaml")
    );
    assert_eq!(profile.common, ["f/c.conf", "f/b.conf"]);
    assert_eq!(profile.own[&Arch::S390x], ["f/b390.conf", "f/own.conf"]);
    assert_eq!(profile.levels["snp"], Asked::OfAll(Level::Required));
    assert_eq!(profile.features.as_deref(), Some("features.yaml"));
    let off: Vec<_> = profile
        .off
        .iter()
        .map(|clause| format!("{} {} {}", clause.symbol, clause.reason, clause.origin))
        .collect();
    assert_eq!(
        off,
        ["PM c's profiles/c.yaml:6", "SMP mine profiles/a.yaml:10"]
    );
}

#[test]
fn circles_missing_profiles_and_idle_drops_are_told_at_once() {
    let told = assembled(&[
        "extends: [b, nowhere, ../x, b]\ndrop:\n  fragments:\n    - f/none.conf\n  off:\n    - SMP\n  of: []\n",
        "extends:\n  - c\nfragments: {common: []}\nfeatures: ../f.yaml\n",
        "extends:\n  - a\n  - c\nfragments: {common: []}\nlevels: {x: forbidden}\nforbidden: [{symbol: A, reasn: b}]\n",
    ]);
    insta::assert_snapshot!(told.unwrap_err(), @"
    `profiles/a.yaml` has 6 mistakes: line 4: write the name of a profile beside this one, without `.yaml`; line 4: `b` is listed twice: remove one; line 4: there is no readable file `profiles/nowhere.yaml` to extend; line 7: no profile that this one extends lists `f/none.conf`; line 8: `of` is not known here: did you mean `off`?; line 9: no profile that this one extends has SMP in `off`
    `profiles/b.yaml` has a mistake: line 7: write a path below the directory that holds `profiles/`
    `profiles/c.yaml` has 5 mistakes: line 5: `a` extends this profile in turn: break the circle; line 6: `c` extends this profile in turn: break the circle; line 8: `forbidden` is not a level: write `required`, `recommended` or `none`; line 9: `reasn` is not known here: did you mean `reason`?; line 9: no reason: write `reason: …`, for the next person who wonders
    ");
}

#[test]
fn a_waiver_without_an_end_is_refused() {
    let told = |versions: &str| {
        let text = format!(
            "fragments: {{common: []}}\nwaivers:\n  - {{symbol: A, reason: r{versions}}}\n"
        );
        assembled(&[&text])
    };
    let refused = told(", versions: '>=6.12'").unwrap_err();
    assert!(
        refused.contains("line 6: a waiver ends: write"),
        "{refused}"
    );
    assert!(told("").is_err());
    assert!(told(", versions: '>=6.12, <6.13'").is_ok());
}

#[test]
fn an_architecture_may_be_spelled_as_kata_or_the_kernel_does() {
    let profile = assembled(&[
        "fragments: {common: [], x86: [x.conf], arm64: [a.conf], powerpc: [p.conf], riscv: [r.conf], s390: [s.conf]}\n\
         omitted: [{symbol: A, reason: r, architectures: [s390, ppc64le]}]\n",
    ])
    .unwrap();
    assert_eq!(profile.own.len(), 5);
    assert!(profile.omitted[0].is_for(Arch::S390x) && profile.omitted[0].is_for(Arch::Ppc64le));
    assert!(!profile.omitted[0].is_for(Arch::Riscv64));
    let twice = assembled(&["fragments:\n  common: []\n  s390: [a.conf]\n  s390x: [b.conf]\n"]);
    assert!(twice.unwrap_err().contains("another name of s390x"));
}
