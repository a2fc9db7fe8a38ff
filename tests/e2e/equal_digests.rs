//! Equal digests: two builds from empty stores, in surroundings that have nothing in common, give one index.

use std::{fs, process::Command, thread};

use nix::unistd::Uid;

use super::{
    another_year,
    world::{World, succeed},
};

/// A small kernel, so that two builds from nothing take minutes.
const MANIFEST: &str = "manifests/small.yaml";
/// An ordinary user, when the tests run as root.
const STRANGER: u32 = 54321;

#[test]
fn builds_that_have_nothing_in_common_give_one_digest() {
    if !crate::wanted() {
        return;
    }
    let (here, there) = (World::on_an_empty_store(), World::on_an_empty_store());
    // One lock for both: what the mirrors have must not matter.
    here.run(&["lock", MANIFEST]);
    fs::copy(
        here.path("manifests/small.lock"),
        there.path("manifests/small.lock"),
    )
    .unwrap();
    let (here, there) = thread::scope(|scope| {
        let here = scope.spawn(|| index(&mut at_home(&here)));
        let there = scope.spawn(|| far_away(&there));
        (here.join().unwrap(), there.join().unwrap())
    });
    println!("index {here}");
    assert_eq!(here, there);
}

fn index(command: &mut Command) -> String {
    let built = succeed(command);
    println!("{}", built.err);
    built.json()["index"].as_str().expect("a digest").to_owned()
}

/// As a developer would: one processor, the C locale, UTC.
fn at_home(world: &World) -> Command {
    let mut command = Command::new("taskset");
    command
        .args(["--cpu-list", "0"])
        .args(world.words(&["build", MANIFEST, "--json", "--progress", "plain"]))
        .current_dir(world.path(""))
        .env("TZ", "UTC")
        .env("LC_ALL", "C");
    command
}

/// In another path, as another user on another host, in another year, with a mask, a locale and processors of its own.
fn far_away(world: &World) -> String {
    let program = world.path("a program with spaces");
    fs::copy(env!("CARGO_BIN_EXE_kata-artifacts"), &program).unwrap();
    fs::create_dir_all(world.path("home of a stranger")).unwrap();
    if Uid::effective().is_root() {
        for entry in walkdir::WalkDir::new(world.path("")) {
            let entry = entry.unwrap();
            nix::unistd::chown(entry.path(), Some(STRANGER.into()), Some(STRANGER.into())).unwrap();
        }
    }
    let run = |words: &[String]| stranger(world, words);
    let build = [
        "build",
        MANIFEST,
        "--json",
        "--progress",
        "plain",
        "--jobs",
        "5",
    ];
    let clock = another_year::begin(world, &build, &run);
    // What is fetched was fetched in the present, when certificates are good.
    let words = world.words(&[&build[..], &["--offline"]].concat());
    let index = index(run(&words).env("LD_PRELOAD", clock));
    let steps = ["x86_64/configure", "x86_64/compile", "x86_64/agent"];
    another_year::was_seen_by(world, "small", &steps);
    index
}

/// Returns a command of the stranger's. The builder is a copy of its own, in a path with spaces.
fn stranger(world: &World, words: &[String]) -> Command {
    let mut words = words.to_vec();
    if words[0] == env!("CARGO_BIN_EXE_kata-artifacts") {
        words[0] = world.path("a program with spaces").display().to_string();
    }
    let mut command = Command::new("unshare");
    if Uid::effective().is_root() {
        let become_stranger = format!(
            "hostname stranger && umask 077 && exec setpriv --reuid {STRANGER} --regid {STRANGER} --clear-groups \"$@\""
        );
        command.args(["--uts", "sh", "-c", &become_stranger, "sh"]);
    } else {
        command.args(["--uts", "--user", "--map-root-user", "sh", "-c"]);
        command.args(["hostname stranger && umask 077 && exec \"$@\"", "sh"]);
    }
    command
        .args(words)
        .current_dir(world.path(""))
        // Fourteen hours ahead of UTC: another date for most of the day, even without another year.
        .env("TZ", "Pacific/Kiritimati")
        .env("LC_ALL", "tr_TR.UTF-8")
        .env("LANG", "tr_TR.UTF-8")
        .env("USER", "stranger")
        .env("HOME", world.path("home of a stranger"))
        .env("SOURCE_DATE_EPOCH", "1")
        .env("KBUILD_BUILD_USER", "stranger")
        .env("CFLAGS", "-g3")
        .env("RUSTFLAGS", "-C debuginfo=2")
        .env_remove("XDG_CACHE_HOME")
        .env_remove("CARGO_HOME");
    command
}
