//! Builds that are stopped, killed, or run at the same time: nothing is left running, nothing half-made is used, nothing
//! is made twice.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::world::{MANIFEST, Told, World};

/// How long an interrupted build may take to end: 0.9 s for its steps, the rest for a busy machine.
const PROMPTLY: Duration = Duration::from_secs(3);

/// A build whose fake make waits in the middle of compiling.
struct Held {
    build: Child,
    /// The fake make and a child of its own.
    tools: Vec<i32>,
}

impl World {
    /// Starts a build that heeds every signal, whatever started these tests.
    fn start(&self) -> Child {
        self.start_with("--default-signal=HUP,INT,TERM")
    }

    /// Starts a build with this option of `env`, which then becomes the build.
    fn start_with(&self, option: &str) -> Child {
        let program = env!("CARGO_BIN_EXE_kata-artifacts");
        let words = [option, program, "build", MANIFEST, "--json"];
        let mut command = self.command_of("env", &words);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command.spawn().unwrap()
    }

    fn hold(&self) -> Held {
        self.hold_with("--default-signal=HUP,INT,TERM")
    }

    fn hold_with(&self, option: &str) -> Held {
        fs::write(self.at("bin/hold"), "").unwrap();
        let build = self.start_with(option);
        let held = self.at("bin/held");
        let mut text = String::new();
        until("make waits", || {
            text = fs::read_to_string(&held).unwrap_or_default();
            text.ends_with('\n')
        });
        let tools = text.split_whitespace().map(|id| id.parse().unwrap());
        Held {
            build,
            tools: tools.collect(),
        }
    }

    fn release(&self) {
        fs::remove_file(self.at("bin/hold")).unwrap();
    }
}

/// Waits for what must soon be so.
#[track_caller]
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let since = Instant::now();
    while !is_so() {
        assert!(
            since.elapsed() < Duration::from_secs(60),
            "still not so: {what}"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn is_running(process: i32) -> bool {
    // One that has ended may still be listed, until its parent looks.
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let state = stat
        .rsplit(')')
        .next()
        .and_then(|rest| rest.trim().chars().next());
    state.is_some_and(|state| !"ZX".contains(state))
}

fn signal(child: &Child, signal: Signal) {
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), signal).unwrap();
}

fn told(child: Child) -> Told {
    Told::of(child.wait_with_output().unwrap())
}

/// Returns the scratch directories that are left in the store. Half-written blobs may belong to somebody for a day.
fn leftovers(world: &World) -> Vec<String> {
    let entries = fs::read_dir(world.at("store/v1/tmp")).unwrap();
    let entries = entries
        .map(Result::unwrap)
        .filter(|entry| entry.path().is_dir());
    entries
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect()
}

#[test]
fn an_interrupt_ends_a_build_at_once_with_everything_it_started() {
    for (number, interrupt) in [
        (2, Signal::SIGINT),
        (15, Signal::SIGTERM),
        (1, Signal::SIGHUP),
    ] {
        let world = World::new();
        let held = world.hold();
        assert!(held.tools.iter().all(|tool| is_running(*tool)));
        let since = Instant::now();
        signal(&held.build, interrupt);
        let told = told(held.build).ended(130);
        let took = since.elapsed();
        assert!(took < PROMPTLY, "{took:?} after signal {number}");
        assert_eq!(told.out, "");
        assert!(
            told.err.ends_with(
                "interrupted: nothing half-made is left; the same command goes on from here\n"
            ),
            "{told}"
        );
        until("the tools have ended", || {
            !held.tools.iter().any(|tool| is_running(*tool))
        });
        world.release();
        world.calls();
        world.built();
        assert_eq!(world.calls(), ["bzImage"], "it goes on from where it was");
        assert_eq!(leftovers(&world), [""; 0]);
    }
}

#[test]
fn a_build_under_nohup_outlives_its_terminal_and_can_still_be_stopped() {
    let world = World::new();
    let held = world.hold_with("--ignore-signal=HUP,INT");
    signal(&held.build, Signal::SIGHUP);
    world.release();
    told(held.build).done();
    let world = World::new();
    let held = world.hold_with("--ignore-signal=HUP,INT");
    signal(&held.build, Signal::SIGINT);
    told(held.build).ended(130);
}

#[test]
fn a_build_that_is_killed_takes_the_program_it_runs_with_it() {
    let world = World::new();
    let mut held = world.hold();
    held.build.kill().unwrap();
    held.build.wait().unwrap();
    until("make has ended", || !is_running(held.tools[0]));
    // On the host, unlike in the sandbox, nobody is left to end what that program had started.
    kill(Pid::from_raw(held.tools[1]), Signal::SIGKILL).unwrap();
    world.release();
    world.built();
    assert_eq!(
        leftovers(&world),
        [""; 0],
        "the next build sweeps what was left"
    );
}

#[test]
fn a_build_that_was_killed_anywhere_is_finished_by_the_next_with_the_same_digest() {
    let whole = World::new();
    let built = whole.built();
    let lines = whole.run(&["build", MANIFEST]).done();
    assert!(lines.says("nothing to do"));
    let mut killed = 0;
    // After each line that a build prints, and at some moments between.
    for line in (0..12).step_by(2) {
        for later in [0, 7] {
            let world = World::new();
            let mut build = world.start();
            let mut told = BufReader::new(build.stderr.take().unwrap());
            let mut text = String::new();
            for _ in 0..line {
                told.read_line(&mut text).unwrap();
            }
            std::thread::sleep(Duration::from_millis(later));
            build.kill().unwrap();
            told.read_to_string(&mut text).unwrap();
            killed += usize::from(!build.wait().unwrap().success());
            assert_eq!(world.built(), built, "killed {later} ms after {text}");
            // What the killed make had started on the host may have written a moment longer than the first sweep took.
            assert_eq!(world.built(), built);
            assert_eq!(leftovers(&world), [""; 0], "killed {later} ms after {text}");
        }
    }
    assert!(
        killed >= 6,
        "most builds ended before they were killed: {killed} did not"
    );
}

#[test]
fn two_builds_at_once_run_each_step_once() {
    let world = World::new();
    let mut first = world.hold();
    let mut second = world.start();
    let mut told = BufReader::new(second.stderr.take().unwrap());
    let mut text = String::new();
    while !text
        .contains("x86_64/compile: warning: another process runs this step; waiting for it\n")
    {
        assert!(told.read_line(&mut text).unwrap() > 0, "{text}");
    }
    assert!(first.build.try_wait().unwrap().is_none());
    world.release();
    told.read_to_string(&mut text).unwrap();
    let first = self::told(first.build).done();
    let second = Told {
        err: text,
        ..self::told(second)
    }
    .done();
    assert_eq!(first.json(), second.json());
    let mut calls = world.calls();
    calls.sort();
    assert_eq!(calls, ["allnoconfig", "bzImage"]);
}

#[test]
fn builds_that_begin_together_on_a_new_store_agree() {
    let world = World::new();
    let builds: Vec<Child> = (0..3).map(|_| world.start()).collect();
    let told: Vec<_> = builds
        .into_iter()
        .map(|build| self::told(build).done().json())
        .collect();
    assert!(told.iter().all(|one| *one == told[0]), "{told:#?}");
    let mut calls = world.calls();
    calls.sort();
    assert_eq!(calls, ["allnoconfig", "bzImage"]);
    assert!(world.path("out/tiny/x86_64/vmlinux.container").is_file());
}
