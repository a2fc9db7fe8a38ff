//! The data that this repository ships: that it covers what Kata requests, says why, and names nothing in vain.

use std::{collections::BTreeSet, fs, path::Path, sync::OnceLock};

use super::{
    fragment::{AskedBy, Request},
    merge::merge,
    profile::{LoadedProfile, load},
    profile_form::Form,
};
use crate::arch::Arch;

/// The data that this repository ships.
fn data() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("kernel")
}

/// The profiles that stand for those of Kata, each with the list of what Kata's requests.
const COVERAGE: [(&str, &str, Arch); 10] = [
    ("x86_64-kernel", "kata", Arch::X86_64),
    ("aarch64-kernel", "kata", Arch::Aarch64),
    ("s390x-kernel", "kata", Arch::S390x),
    ("ppc64le-kernel", "kata", Arch::Ppc64le),
    ("riscv64-kernel", "kata", Arch::Riscv64),
    ("x86_64-plain", "plain", Arch::X86_64),
    ("aarch64-plain", "plain", Arch::Aarch64),
    ("x86_64-kernel-debug", "debug", Arch::X86_64),
    (
        "x86_64-kernel-dragonball-experimental",
        "dragonball",
        Arch::X86_64,
    ),
    ("x86_64-kernel-nvidia-gpu", "nvidia-gpu", Arch::X86_64),
];
/// The kernel for which it is said that something is omitted or requested.
const VERSION: &str = "6.12.117";

/// Every profile that this repository ships, for every architecture that it is for.
fn shipped() -> &'static [(String, Arch, LoadedProfile)] {
    static SHIPPED: OnceLock<Vec<(String, Arch, LoadedProfile)>> = OnceLock::new();
    SHIPPED.get_or_init(read_all)
}

fn read_all() -> Vec<(String, Arch, LoadedProfile)> {
    let mut all = Vec::new();
    for file in fs::read_dir(data().join("profiles")).unwrap() {
        let path = file.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let (form, _) = Form::parse(&name, &text);
        let known = form.profile.architectures;
        for arch in Arch::ALL {
            if known.as_ref().is_none_or(|known| known.contains(&arch)) {
                let loaded = load(&path, arch)
                    .unwrap_or_else(|error| panic!("{:?}", miette::Report::new(error)));
                all.push((name.clone(), arch, loaded));
            } else {
                assert!(load(&path, arch).is_err(), "{name} is not for {arch}");
            }
        }
    }
    all
}

#[test]
fn every_profile_requests_or_omits_what_katas_own_requests() {
    let version = VERSION.parse().unwrap();
    let shipped = shipped();
    let mut wrong = Vec::new();
    let mut asked_by_kata = BTreeSet::new();
    for (list, name, arch) in COVERAGE {
        let same = |(other, of, _): &&(String, Arch, _)| other == name && *of == arch;
        let (_, _, loaded) = shipped.iter().find(same).unwrap();
        let (profile, _, requests) = loaded.read().unwrap();
        let pair = |request: &Request| (request.symbol.to_string(), request.value.to_string());
        let ever: BTreeSet<_> = requests.iter().map(pair).collect();
        let now: BTreeSet<_> = merge(requests, version)
            .requests
            .values()
            .map(pair)
            .collect();
        let coverage = fs::read_to_string(data().join(format!("coverage/{list}.txt"))).unwrap();
        let lines: Vec<_> = coverage
            .lines()
            .filter(|line| !line.starts_with('#'))
            .collect();
        assert!(lines.len() > 570, "{list} is cut short");
        for line in lines {
            let (symbol, value) = line.split_once('=').unwrap();
            let omitted = profile
                .omitted
                .iter()
                .any(|clause| clause.symbol.as_str() == symbol && clause.applies(version, arch));
            let row = (symbol.to_owned(), value.to_owned());
            let covered = if omitted {
                !now.contains(&row)
            } else {
                ever.contains(&row)
            };
            if covered {
                asked_by_kata.insert(row.0);
            } else {
                wrong.push(format!("{list}: {line}: omitted {omitted}"));
            }
        }
    }
    for (_, _, loaded) in shipped {
        for clause in loaded.profile().unwrap().omitted {
            if !asked_by_kata.contains(clause.symbol.as_str()) {
                wrong.push(format!(
                    "{}: Kata does not request {}",
                    clause.origin, clause.symbol
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_profile_requests_nothing_twice_and_says_why() {
    for (name, arch, loaded) in shipped() {
        let (profile, features, requests) = loaded.read().unwrap();
        assert_eq!(profile.name, *name);
        for version in ["6.1.176", VERSION, "7.2.13"].map(|version| version.parse().unwrap()) {
            let off = profile.off_requests(version, *arch);
            let merged = merge(requests.iter().cloned().chain(off), version);
            let repeats: Vec<_> = merged.repeats.iter().map(ToString::to_string).collect();
            assert_eq!(repeats, Vec::<String>::new(), "{name} {arch}");
            for request in merged.requests.values() {
                let by_fragment = request.asked == AskedBy::Fragment;
                assert!(request.reason.is_some(), "{}: no reason", request.origin);
                let known = request
                    .features
                    .iter()
                    .all(|name| features.named(name).is_some());
                assert!(known, "{}: no such feature", request.origin);
                assert!(
                    !by_fragment || request.features.len() == 1,
                    "{}: no feature",
                    request.origin
                );
            }
            assert!(merged.requests.len() > 40, "{name} {arch}");
        }
    }
}

#[test]
fn every_feature_of_the_table_and_every_fragment_is_used() {
    let (mut features, mut files) = (BTreeSet::new(), BTreeSet::new());
    let mut table = BTreeSet::new();
    for (_, _, loaded) in shipped() {
        let (_, known, requests) = loaded.read().unwrap();
        table.extend(known.all().iter().map(|feature| feature.name.clone()));
        files.extend(requests.iter().map(|request| request.origin.file.clone()));
        features.extend(requests.into_iter().flat_map(|request| request.features));
    }
    assert_eq!(features, table);
    let on_disk: BTreeSet<_> = walkdir::WalkDir::new(data().join("fragments"))
        .into_iter()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| {
            entry
                .path()
                .strip_prefix(data())
                .unwrap()
                .display()
                .to_string()
        })
        .collect();
    assert_eq!(files, on_disk);
}
