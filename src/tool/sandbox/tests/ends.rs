//! How sandboxed programs end, by themselves or by force.

#![expect(
    clippy::disallowed_methods,
    reason = "two tests need a process to kill and another user"
)]

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::{fs::PermissionsExt, process::CommandExt},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use super::*;

#[track_caller]
fn status(script: &str) -> Option<String> {
    let (_, ended) = shell(script, |invocation| invocation)?;
    match ended.unwrap_err() {
        ToolError::Failed { status, .. } => Some(status),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_status_is_passed_on() {
    for (script, expected) in [
        ("exit 7", "exit status: 7"),
        ("exit 137", "exit status: 137"),
        ("kill -9 $$", "signal: 9 (SIGKILL)"),
        ("kill -11 $$", "signal: 11 (SIGSEGV)"),
        ("kill -15 $$", "signal: 15 (SIGTERM)"),
    ] {
        if let Some(status) = status(script) {
            assert_eq!(status, expected, "{script}");
        }
    }
}

#[test]
fn a_program_that_is_not_there_cannot_be_started() {
    let Some((_, ended)) = ran(Invocation::new("no-such-program"), &Cancel::new()) else {
        return;
    };
    match ended.unwrap_err() {
        ToolError::Start { program, cause } => {
            assert_eq!(program, "no-such-program");
            assert_eq!(cause.kind(), std::io::ErrorKind::NotFound);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_a_program_leaves_running_ends_with_it() {
    let directory = tempfile::tempdir().unwrap();
    let adjust = |invocation: Invocation| invocation.mount("/mnt", directory.path(), Access::Write);
    let began = Instant::now();
    // The orphan holds a lock, closes our pipe and ignores every signal that can be ignored.
    let script = "setsid flock /mnt/lock sh -c 'trap \"\" HUP TERM INT; : >/mnt/up; sleep 600' >/dev/null 2>&1 &
                  while ! test -e /mnt/up; do sleep 0.01; done";
    let Some((_, ended)) = shell(script, adjust) else {
        return;
    };
    ended.unwrap();
    assert!(began.elapsed() < Duration::from_secs(60));
    let lock = fs::File::open(directory.path().join("lock")).unwrap();
    lock.try_lock().unwrap();
}

#[test]
fn a_stopped_build_has_no_process_left_within_a_second() {
    let directory = tempfile::tempdir().unwrap();
    let cancel = Cancel::new();
    let invocation = Invocation::new("sh")
        .args([
            "-c",
            "flock /mnt/lock sleep 600 & flock /mnt/lock2 sh -c 'echo up; sleep 600' >/dev/stderr",
        ])
        .mount("/mnt", directory.path(), Access::Write);
    let mut raised = None;
    let ended = run(
        &Place::Sandbox("/".into()),
        &invocation,
        &cancel,
        &mut |_| {
            raised = Some(Instant::now());
            cancel.raise();
        },
    );
    if let Err(ToolError::Sandbox { help, .. }) = &ended {
        return skip(help);
    }
    assert!(matches!(ended, Err(ToolError::Interrupted(_))), "{ended:?}");
    assert!(raised.unwrap().elapsed() < Duration::from_secs(1));
    for lock in ["lock", "lock2"] {
        fs::File::create(directory.path().join(lock))
            .unwrap()
            .try_lock()
            .unwrap();
    }
}

/// Not a test: a build that runs until it is killed, for the test below.
#[test]
#[ignore = "started by the test of a killed build"]
fn a_build_to_kill() {
    let invocation =
        Invocation::new("sh").args(["-c", "sh -c 'echo began; sleep 600' & sleep 600"]);
    let _ = run(
        &Place::Sandbox("/".into()),
        &invocation,
        &Cancel::new(),
        &mut |line| eprintln!("{line}"),
    );
}

#[test]
fn a_killed_build_leaves_no_process() {
    let mut build = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "tool::sandbox::tests::ends::a_build_to_kill",
            "--ignored",
            "--nocapture",
        ])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(build.stderr.take().unwrap()).lines();
    let began = lines
        .by_ref()
        .map_while(Result::ok)
        .any(|line| line == "began");
    let sandbox = descendants(build.id());
    build.kill().unwrap();
    build.wait().unwrap();
    if !began {
        return skip("no sandbox here");
    }
    assert!(
        sandbox.len() >= 5,
        "watcher, init, two shells, two sleeps: {sandbox:?}"
    );
    let killed = Instant::now();
    while sandbox.iter().any(|process| is_running(*process)) {
        assert!(
            killed.elapsed() < Duration::from_secs(5),
            "still there: {sandbox:?}"
        );
        std::thread::yield_now();
    }
}

fn descendants(process: u32) -> Vec<u32> {
    let tasks = fs::read_dir(format!("/proc/{process}/task"))
        .into_iter()
        .flatten()
        .filter_map(Result::ok);
    let children = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    let children: Vec<u32> = children
        .flat_map(|list| {
            list.split_whitespace()
                .map(|id| id.parse().unwrap())
                .collect::<Vec<_>>()
        })
        .collect();
    children
        .into_iter()
        .flat_map(|child| std::iter::once(child).chain(descendants(child)))
        .collect()
}

/// A zombie that nobody has waited for yet does not run.
fn is_running(process: u32) -> bool {
    fs::read_to_string(format!("/proc/{process}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

#[test]
fn an_ordinary_user_has_the_same_sandbox() {
    if !nix::unistd::geteuid().is_root() {
        return; // Every other test showed it.
    }
    // Copied by another process: a file that we had open for writing could not be executed while another test forks.
    let directory = tempfile::Builder::new()
        .permissions(PermissionsExt::from_mode(0o755))
        .tempdir()
        .unwrap();
    let path = directory.path().join("tests");
    let copied = Command::new("cp")
        .arg(std::env::current_exe().unwrap())
        .arg(&path)
        .status();
    assert!(copied.unwrap().success());
    let output = Command::new(&path)
        .args([
            "tool::sandbox::",
            "--skip",
            "ordinary_user",
            "--test-threads=1",
        ])
        .uid(65534)
        .gid(65534)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    // What it skipped.
    eprint!("{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{text}");
    assert!(!text.contains("running 0 tests"), "{text}");
}

/// Not a test: tries to make a sandbox, for the test below.
#[test]
#[ignore = "started by the test of a forbidden sandbox"]
fn a_sandbox_in_a_sandbox() {
    let ended = run(
        &Place::Sandbox("/".into()),
        &Invocation::new("true"),
        &Cancel::new(),
        &mut |_| (),
    );
    if let Err(error @ ToolError::Sandbox { .. }) = &ended {
        let help = miette::Diagnostic::help(error).unwrap().to_string();
        eprintln!("{error}\n{help}");
    }
}

#[test]
fn where_user_namespaces_are_forbidden_the_setting_is_named() {
    // A sandbox forbids them itself.
    let invocation = Invocation::new("/run/tests")
        .args([
            "--exact",
            "tool::sandbox::tests::ends::a_sandbox_in_a_sandbox",
            "--ignored",
            "--nocapture",
        ])
        .mount("/run/tests", std::env::current_exe().unwrap(), Access::Read);
    let Some((lines, _)) = ran(invocation, &Cancel::new()) else {
        return;
    };
    let said = lines.join("\n");
    assert!(
        said.contains("cannot make a sandbox: `unshare` of namespaces failed"),
        "{said}"
    );
    assert!(
        said.contains("forbids it by `user.max_user_namespaces = 0`"),
        "{said}"
    );
    assert!(said.contains("`toolchain: host`"), "{said}");
}
