//! Profiles: what is read, what is refused, and that the product's own data covers what Kata requests.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use super::{
    BadFile, KernelError,
    fragment::{AskedBy, Fragment},
    merge::merge,
    profile::{Profile, fragments_for, load},
    value::{Symbol, Value},
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
    assert_eq!(waiver.line, 11);
    assert!(waiver.applies("6.12.3".parse().unwrap(), Arch::X86_64));
    assert!(!waiver.applies("7.0".parse().unwrap(), Arch::X86_64));
    assert!(!waiver.applies("6.12.3".parse().unwrap(), Arch::S390x));
}

#[test]
fn every_mistake_in_a_profile_is_told_at_once() {
    let text = "schema: 2\nname: ''\nsumary: x\nfragments:\n  comon: [a]\n  x86_64:\n    - ../b.conf\n    \
        - /c.conf\n    - d.conf\n    - d.conf\noff:\n  - {symbol: CONFIG_A, reason: r}\n  - {symbol: B, reason: ' '}\n  \
        - {symbl: C, reason: r}\nwaivers:\n  - {symbol: D, reason: r, versions: '6.12'}\n  \
        - {symbol: E, reason: r, architectures: [amd64]}\n  - F\n  - {symbol: G, reason: r}\n  - {symbol: G, reason: r}\n";
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
    line 17: `amd64` is not known here: expected aarch64, ppc64le, riscv64, s390x, x86_64
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

/// The data that this repository ships.
fn data() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("kernel")
}

#[test]
fn the_kata_profile_requests_or_omits_every_symbol_that_kata_requests() {
    let loaded = load(&data().join("profiles/kata.yaml"), Arch::X86_64).unwrap();
    let profile = Profile::parse(&loaded.profile_name, &loaded.profile_text).unwrap();
    let requests: BTreeMap<_, _> = loaded
        .fragments
        .iter()
        .flat_map(|(name, text)| Fragment::parse(name, text.as_bytes()).unwrap().requests)
        .map(|request| (request.symbol, request.value))
        .collect();
    let coverage = fs::read_to_string(data().join("coverage/x86_64-kernel.txt")).unwrap();
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for line in coverage.lines().filter(|line| !line.starts_with('#')) {
        let (symbol, value) = line.split_once('=').unwrap();
        let symbol: Symbol = symbol.parse().unwrap();
        let value = Value::parse(value).unwrap();
        let omitted = profile.omitted.iter().any(|clause| clause.symbol == symbol);
        match (requests.get(&symbol), omitted) {
            (Some(ours), false) if ours.means(&value) => {}
            (Some(ours), true) if !ours.means(&value) => {}
            (None, true) => {}
            (ours, omitted) => wrong.push(format!("{line}: ours {ours:?}, omitted {omitted}")),
        }
        seen.insert(symbol);
    }
    for clause in &profile.omitted {
        if !seen.contains(&clause.symbol) {
            wrong.push(format!(
                "line {}: Kata does not request {}",
                clause.line, clause.symbol
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(
        seen.len() > 600,
        "the list of what Kata requests is cut short"
    );
}

#[test]
fn every_profile_loads_for_its_architectures_and_requests_nothing_twice() {
    for name in ["kata", "small"] {
        let path = data().join(format!("profiles/{name}.yaml"));
        let loaded = load(&path, Arch::X86_64).unwrap();
        let profile = Profile::parse(&loaded.profile_name, &loaded.profile_text).unwrap();
        assert_eq!(profile.name, name);
        let requests = loaded
            .fragments
            .iter()
            .flat_map(|(name, text)| Fragment::parse(name, text.as_bytes()).unwrap().requests);
        let version = "6.12.117".parse().unwrap();
        let merged = merge(
            requests.chain(profile.off_requests(version, Arch::X86_64)),
            version,
        );
        let repeats: Vec<_> = merged.repeats.iter().map(ToString::to_string).collect();
        assert_eq!(repeats, Vec::<String>::new(), "{name}");
        for request in merged.requests.values() {
            let by_fragment = request.asked == AskedBy::Fragment;
            assert!(request.reason.is_some(), "{}: no reason", request.origin);
            assert!(
                !by_fragment || !request.features.is_empty(),
                "{}: no feature",
                request.origin
            );
        }
    }
}
