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
@@ -14,6 +14,7 @@
 In addition, other licenses may also apply. Please see:
 
 \tDocumentation/process/license-rules.rst
+A patched line.
 
 for more details.
 
";

#[test]
fn an_interrupt_ends_a_compilation_at_once_and_loses_nothing() {
    if !crate::wanted() {
        return;
    }
    let world = World::on_the_shared_store();
    world.edit(
        "manifests/small.yaml",
        "localversion: -small",
        "localversion: -interrupted\n  patches: [../kernel/patches/e2e]",
    );
    fs::create_dir_all(world.path("kernel/patches/e2e")).unwrap();
    let patch = world.path("kernel/patches/e2e/0001-copying.patch");
    fs::write(&patch, PATCH).unwrap();
    for signal in [Signal::SIGINT, Signal::SIGKILL] {
        let mut child = start_compiling(&world);
        let began = Instant::now();
        let pid = Pid::from_raw(i32::try_from(child.id()).unwrap());
        kill(pid, signal).unwrap();
        let status = child.wait().unwrap();
        let took = began.elapsed();
        println!("{signal}: ended after {took:?}");
        assert!(took < Duration::from_secs(3), "{signal}: {took:?}");
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

/// Counts processes that have the patched sources mounted: those of this test, whatever else this machine builds.
fn compilers() -> usize {
    let sees_the_patch = |process: &fs::DirEntry| {
        let copying = process.path().join("root/src/COPYING");
        fs::read_to_string(copying).is_ok_and(|text| text.contains("A patched line."))
    };
    let processes = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    processes.filter(sees_the_patch).count()
}
