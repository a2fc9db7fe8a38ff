//! Interrupts in the middle of a real compilation: everything ends at once, and the next build is right. On the way
//! there, a real patch is applied to real sources.

use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::world::World;

/// Makes a file that every kernel has one line longer.
const PATCH: &str = "\
A patch to be applied.
--- a/COPYING
+++ b/COPYING
@@ -14,3 +14,4 @@
 In addition, other licenses may also apply. Please see:
 
 \tDocumentation/process/license-rules.rst
+A patched line.
";

#[test]
fn an_interrupt_ends_a_compilation_within_a_second_and_loses_nothing() {
    if !crate::wanted() {
        return;
    }
    let world = World::on_the_shared_store();
    world.edit(
        "manifests/small.yaml",
        "localversion: -small",
        "localversion: -interrupted",
    );
    world.edit(
        "manifests/small.yaml",
        "patches: []",
        "patches: [../kernel/patches/e2e]",
    );
    fs::create_dir_all(world.path("kernel/patches/e2e")).unwrap();
    let patch = world.path("kernel/patches/e2e/0001-copying.patch");
    fs::write(&patch, PATCH).unwrap();
    world.run(&["lock", "manifests/small.yaml"]);
    for signal in [Signal::SIGINT, Signal::SIGKILL] {
        let mut child = start_compiling(&world);
        let began = Instant::now();
        let pid = Pid::from_raw(i32::try_from(child.id()).unwrap());
        kill(pid, signal).unwrap();
        let status = child.wait().unwrap();
        let took = began.elapsed();
        assert!(took < Duration::from_millis(1500), "{signal}: {took:?}");
        assert_eq!(
            status.code(),
            (signal == Signal::SIGINT).then_some(130),
            "{status}"
        );
        no_compiler_is_left();
    }
    let plan = world.run(&["plan", "manifests/small.yaml"]).out;
    for made in ["made      patch", "made      x86_64/configure"] {
        assert!(plan.contains(made), "{plan}");
    }
    assert!(plan.contains("run       x86_64/compile"), "{plan}");
}

/// Builds until the compiler runs.
#[expect(clippy::zombie_processes, reason = "the caller waits for it")]
fn start_compiling(world: &World) -> Child {
    let mut child = world
        .program(&["build", "manifests/small.yaml", "--progress", "plain"])
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let stderr = child.stderr.take().unwrap();
    let mut said = String::new();
    for line in BufReader::new(stderr).lines() {
        let line = line.unwrap();
        said.push_str(&line);
        said.push('\n');
        if line.starts_with("x86_64/compile: compile") {
            let deadline = Instant::now() + Duration::from_secs(60);
            while compilers() == 0 && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(50));
            }
            assert_ne!(compilers(), 0, "no compiler was seen");
            return child;
        }
    }
    panic!("it ended before it compiled:\n{said}");
}

fn no_compiler_is_left() {
    let deadline = Instant::now() + Duration::from_secs(1);
    while compilers() > 0 && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(compilers(), 0);
}

/// Counts processes that see the sandbox's sources: no other program on a machine has a mount of that name.
fn compilers() -> usize {
    fs::read_dir("/proc")
        .unwrap()
        .filter_map(Result::ok)
        .filter(|entry| {
            entry
                .file_name()
                .to_string_lossy()
                .bytes()
                .all(|byte| byte.is_ascii_digit())
        })
        .filter(|entry| {
            let mounts = fs::read_to_string(entry.path().join("mountinfo")).unwrap_or_default();
            let ours = |line: &str| line.contains("/kata-artifacts/") || line.contains("/trees/");
            mounts
                .lines()
                .any(|line| ours(line) && line.split(' ').nth(4) == Some("/src"))
        })
        .count()
}
