//! Another date for a build: a library that tells every program in its sandbox, and the builder itself, that it is ten
//! years later. The product knows nothing of it: the library is put into the toolchain's tree, which lies in the store.

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use kata_artifacts::store::Record;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::world::{World, succeed};

/// What is loaded in place of the C library's clock.
const SOURCE: &str = include_str!("another_year.c");
/// Where it is in the toolchain's tree.
const LIBRARY: &str = "usr/lib/another_year.so";
/// Steps whose results stay: the toolchain is what is changed, and servers' certificates have dates.
const KEPT: [&str; 2] = ["toolchain", "crates"];

/// Runs a build until everything is fetched and the toolchain stands, forgets what else it made, and changes the date
/// for all that follows. `run` makes a command of words, as the one who builds. Returns the library, for programs
/// outside of the sandbox.
///
/// # Panics
/// A program of the toolchain or of the host still sees this year.
pub(crate) fn begin(world: &World, build: &[&str], run: &dyn Fn(&[String]) -> Command) -> PathBuf {
    stop_before_compiling(run(&world.words(build)));
    let tree = forget(&world.path("store/v1"));
    fs::write(tree.join("another_year.c"), SOURCE).unwrap();
    let inside = |words: &[&str]| {
        let root = tree.display().to_string();
        let mut all = vec!["unshare", "--user", "--map-root-user", "--root", &root];
        all.extend(["--wd", "/"]);
        all.extend(words);
        succeed(&mut run(&all
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>()))
        .out
    };
    let output = format!("/{LIBRARY}");
    inside(&[
        "gcc",
        "-O2",
        "-shared",
        "-fPIC",
        "-o",
        &output,
        "another_year.c",
    ]);
    fs::remove_file(tree.join("another_year.c")).unwrap();
    let library = world.path("another_year.so");
    // The copy is ours; its modes are those of somebody with a strict umask.
    fs::copy(tree.join(LIBRARY), &library).unwrap();
    fs::set_permissions(&library, fs::Permissions::from_mode(0o644)).unwrap();

    let date = ["date".to_owned(), "+%Y".to_owned()];
    let now = year(&succeed(&mut run(&date)).out);
    assert_eq!(year(&inside(&["date", "+%Y"])), now, "not changed yet");
    fs::write(tree.join("etc/ld.so.preload"), format!("{output}\n")).unwrap();
    assert_is_later(year(&inside(&["date", "+%Y"])), now);
    assert_is_later(
        year(&succeed(run(&date).env("LD_PRELOAD", &library)).out),
        now,
    );
    library
}

/// Asserts that the steps which run programs saw another year than this one.
///
/// # Panics
/// One did not, or says nothing.
pub(crate) fn was_seen_by(world: &World, name: &str, steps: &[&str]) {
    let now = year(&succeed(Command::new("date").arg("+%Y")).out);
    for step in steps {
        let log = world.path(&format!("out/{name}/logs/{}.log", step.replace('/', "-")));
        let log = fs::read_to_string(&log).unwrap();
        let seen = log
            .lines()
            .find_map(|line| line.split_once(" sees the year "));
        let (program, seen) = seen.unwrap_or_else(|| panic!("{step} does not say a year:\n{log}"));
        assert_is_later(year(seen), now);
        println!("{step}: {program} saw the year {}", seen.trim());
    }
}

fn year(text: &str) -> u32 {
    text.trim()
        .parse()
        .unwrap_or_else(|_| panic!("not a year: {text}"))
}

#[track_caller]
fn assert_is_later(seen: u32, now: u32) {
    assert!(seen > now + 5, "it saw {seen}, and it is {now}");
}

/// Runs a build until all that needs the network, the source and the toolchain are done; interrupts it then.
fn stop_before_compiling(mut build: Command) {
    let mut child = build
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut awaited = vec![
        "toolchain: done in ",
        "source: done in ",
        "crates: done in ",
    ];
    let mut said = String::new();
    for line in BufReader::new(child.stderr.take().unwrap()).lines() {
        let line = line.unwrap();
        awaited.retain(|awaited| !line.starts_with(awaited));
        said.push_str(&line);
        said.push('\n');
        if awaited.is_empty() {
            kill(
                Pid::from_raw(i32::try_from(child.id()).unwrap()),
                Signal::SIGINT,
            )
            .unwrap();
        }
    }
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(130), "{status}:\n{said}");
}

/// Removes every result that the true date may have reached; returns the toolchain's tree.
fn forget(store: &Path) -> PathBuf {
    let mut kept = Vec::new();
    for entry in fs::read_dir(store.join("results")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let record: Record = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        if KEPT.contains(&record.id.as_str()) {
            kept.push(record);
        } else {
            fs::remove_file(path).unwrap();
        }
    }
    assert_eq!(kept.len(), KEPT.len(), "{kept:?}");
    let toolchain = kept.iter().find(|record| record.id.as_str() == KEPT[0]);
    store.join("trees").join(toolchain.unwrap().key.to_string())
}
