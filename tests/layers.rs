//! The house rules that a compiler does not check: imports go one way, files stay short, modules have names.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// Rooms in reading order: a room uses only rooms above it, and itself.
const ROOMS: &[&str] = &[
    "digest",
    "arch",
    "step",
    "event",
    "cancel",
    "manifest",
    "store",
    "tool",
    "plan::action",
    "debian::openpgp",
    "source",
    "bench",
    "debian",
    "lock",
    "kernel",
    "agent",
    "rootfs",
    "oci",
    "guest",
    "plan",
    "exec",
    "cli",
];

/// Uses that go up, each with its reason. Every one of them must occur.
const UPWARD: &[(&str, &str, &str)] = &[(
    "source",
    "bench",
    "its steps work at a bench, and what a bench knows of the network is its type",
)];

/// Returns every Rust file of the host program, its tests and its agent.
fn sources() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    ["src", "tests", "agent/src", "agent/tests"]
        .iter()
        .flat_map(|room| walkdir::WalkDir::new(root.join(room)))
        .filter_map(Result::ok)
        .map(walkdir::DirEntry::into_path)
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).expect("sources are text")
}

#[test]
fn no_file_is_over_400_lines() {
    let long: BTreeMap<_, _> = sources()
        .into_iter()
        .map(|path| (path.clone(), text(&path).lines().count()))
        .filter(|(_, lines)| *lines > 400)
        .collect();
    assert!(
        long.is_empty(),
        "find the second room inside each: {long:#?}"
    );
}

#[test]
fn every_module_has_a_name() {
    let names = ["util", "utils", "common", "helper", "helpers", "misc"];
    let nameless: Vec<_> = sources()
        .into_iter()
        .filter(|path| {
            path.components().any(|part| {
                let part = part.as_os_str().to_string_lossy();
                names.contains(&part.trim_end_matches(".rs"))
            })
        })
        .collect();
    assert!(nameless.is_empty(), "{nameless:?}");
}

#[test]
fn every_file_says_what_it_decides() {
    let silent: Vec<_> = sources()
        .into_iter()
        .filter(|path| !text(path).starts_with("//!"))
        .collect();
    assert!(
        silent.is_empty(),
        "the first line says what is decided here: {silent:?}"
    );
}

#[test]
fn imports_go_one_way() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut upward = Vec::new();
    for path in sources().into_iter().filter(|path| path.starts_with(&root)) {
        let inside = path.strip_prefix(&root).expect("it starts with the root");
        let Some(user) = room(&module(inside)) else {
            continue;
        };
        for used in uses(&text(&path)).iter().filter_map(|used| room(used)) {
            if used > user {
                upward.push((ROOMS[user], ROOMS[used], inside.display().to_string()));
            }
        }
    }
    upward.sort();
    upward.dedup();
    let unexplained: Vec<_> = upward
        .iter()
        .filter(|(user, used, _)| {
            !UPWARD
                .iter()
                .any(|(from, to, _)| from == user && to == used)
        })
        .collect();
    assert!(
        unexplained.is_empty(),
        "a room uses only rooms above it: {unexplained:#?}"
    );
    let unused: Vec<_> = UPWARD
        .iter()
        .filter(|(from, to, _)| {
            !upward
                .iter()
                .any(|(user, used, _)| from == user && to == used)
        })
        .collect();
    assert!(unused.is_empty(), "no longer so: {unused:?}");
}

/// Returns the module path of a file: `plan/action.rs` is `plan::action`.
fn module(inside: &Path) -> String {
    let parts: Vec<_> = inside
        .with_extension("")
        .iter()
        .map(|part| part.to_string_lossy().into_owned())
        .collect();
    parts.join("::").trim_end_matches("::mod").to_owned()
}

/// Returns the most particular room that a module path belongs to, by its place in reading order.
fn room(path: &str) -> Option<usize> {
    ROOMS
        .iter()
        .enumerate()
        .filter(|(_, room)| path == **room || path.starts_with(&format!("{room}::")))
        .max_by_key(|(_, room)| room.len())
        .map(|(place, _)| place)
}

/// Returns the module paths that a file names after `crate::`, alone or in braces.
fn uses(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("crate::") {
        let rest = &text[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(list) => found.extend(items(list)),
            None => found.push(leading_path(rest)),
        }
    }
    found
}

/// Returns the leading path of each item of a brace list that has just been opened.
fn items(list: &str) -> Vec<String> {
    let mut depth = 1;
    let mut items = vec![String::new()];
    for letter in list.chars() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        match letter {
            _ if depth == 0 => break,
            ',' if depth == 1 => items.push(String::new()),
            letter => items.last_mut().expect("it begins with one").push(letter),
        }
    }
    items.iter().map(|item| leading_path(item.trim())).collect()
}

fn leading_path(text: &str) -> String {
    let in_path = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == ':';
    let end = text.find(|letter| !in_path(letter)).unwrap_or(text.len());
    text[..end].trim_end_matches(':').to_owned()
}

#[test]
fn the_reader_of_imports_sees_single_ones_and_nested_lists() {
    let seen = uses("use crate::{a::{b, c}, d,\n e::F};\n crate::g::h();");
    assert_eq!(seen, ["a", "d", "e::F", "g::h"]);
}
