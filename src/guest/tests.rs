//! A boot from end to end, with a monitor that is a short script: what QEMU truly does is for `tests/e2e`.

use std::{
    fs,
    sync::{Arc, Mutex},
};

use super::{report::EXAMPLE, *};
use crate::{
    event::Silent,
    tool::{Access, Invocation, Place},
};

/// Boots with a monitor that runs `script` in a shell; its arguments are QEMU's.
fn booted(
    script: &str,
    timeout: Duration,
    cancel: &Cancel,
    sink: &dyn Sink,
) -> (Result<Boot, GuestError>, String) {
    let directory = tempfile::tempdir().unwrap();
    let monitor = directory.path().join("qemu-system-x86_64");
    fs::write(
        monitor.with_extension("sh"),
        format!("#!/bin/sh\n{script}\n"),
    )
    .unwrap();
    // By another process: a file that we had open for writing could not be executed while another test forks.
    let install = Invocation::new("install")
        .args([
            "-m",
            "755",
            "/made/qemu-system-x86_64.sh",
            "/made/qemu-system-x86_64",
        ])
        .mount("/made", directory.path(), Access::Write);
    let host = Place::Host {
        path: tool::PATH.to_owned(),
    };
    tool::run(&host, &install, &Cancel::new(), &mut |_| ()).unwrap();
    let [kernel, initrd] = ["kernel", "initrd"].map(|name| directory.path().join(name));
    fs::write(&kernel, "a kernel").unwrap();
    fs::write(&initrd, "an initrd").unwrap();
    let path = format!("{}:{}", directory.path().display(), tool::PATH);
    let guest = Guest {
        arch: Arch::X86_64,
        kernel: &kernel,
        initrd: &initrd,
        parameters: &[],
        memory_mib: 256,
        cpus: 1,
        timeout,
        require: &["cgroup2".to_owned()],
    };
    let vmm = Vmm::on_host(Arch::X86_64, &path).unwrap();
    let log = directory.path().join("logs/console.log");
    let step = StepId::new("x86_64/boot");
    let boot = boot(
        &vmm,
        &guest,
        Acceleration::Emulated,
        &log,
        &step,
        cancel,
        sink,
    );
    (boot, fs::read_to_string(log).unwrap_or_default())
}

#[test]
fn a_guest_that_reports_on_the_console_passes() {
    let script = format!(
        "echo 'Linux version 6.12'; echo 'Run /init as init process'; printf '\\033[31m[agent] up\\033[0m\\r\\n'
         case \"$*\" in *accel=tcg*'console=ttyS0 panic=1'*) ;; *) exit 3;; esac
         printf 'KATA-ARTIFACTS-REPORT %s\\n' '{}'; exec sleep 600",
        EXAMPLE.replace('\n', "")
    );
    let (boot, log) = booted(&script, Duration::from_secs(60), &Cancel::new(), &Silent);
    let boot = boot.unwrap();
    assert_eq!(boot.verdict, Ok(()));
    let stages: Vec<_> = boot.timeline.iter().map(|moment| moment.stage).collect();
    assert_eq!(
        stages,
        [
            Stage::Vmm,
            Stage::Kernel,
            Stage::Init,
            Stage::Agent,
            Stage::Ready
        ]
    );
    assert!(
        log.starts_with("Linux version 6.12\nRun /init as init process\n[agent] up\nKATA-"),
        "{log}"
    );
    let json = serde_json::to_value(&boot).unwrap();
    assert_eq!(json["verdict"], serde_json::json!({"passed": true}));
    assert_eq!(json["accelerator"], "tcg");
    assert_eq!(json["report"]["memory"]["total_kib"], 244_000);
}

#[test]
fn a_guest_that_panics_fails_with_its_last_lines() {
    let script = "echo 'Linux version 6.12'; echo '[ 0.1] Kernel panic - not syncing: no init'; echo last; exit 0";
    let (boot, _) = booted(script, Duration::from_secs(60), &Cancel::new(), &Silent);
    let boot = boot.unwrap();
    let json = serde_json::to_value(&boot).unwrap();
    assert_eq!(
        json["verdict"]["message"],
        "the guest died: [ 0.1] Kernel panic - not syncing: no init"
    );
    assert_eq!(json["verdict"]["cause"]["last"][2], "last");
}

#[test]
fn a_monitor_that_fails_is_shown_with_what_it_said() {
    let script = "echo 'qemu-system-x86_64: could not load kernel' >&2; exit 1";
    let (boot, _) = booted(script, Duration::from_secs(60), &Cancel::new(), &Silent);
    let expected = Failure::Ended {
        status: "exit status: 1".to_owned(),
        last: vec!["qemu-system-x86_64: could not load kernel".to_owned()],
    };
    assert_eq!(boot.unwrap().verdict, Err(expected));
}

#[test]
fn a_guest_that_hangs_is_ended_at_its_limit() {
    let script = "echo 'Linux version 6.12'; sleep 600";
    let (boot, _) = booted(script, Duration::from_millis(500), &Cancel::new(), &Silent);
    assert!(matches!(
        boot.unwrap().verdict,
        Err(Failure::Hung {
            stage: Stage::Kernel,
            ..
        })
    ));
}

#[test]
fn a_stopped_test_ends_the_monitor() {
    struct Stop(Arc<Cancel>, Mutex<Option<Instant>>);
    impl Sink for Stop {
        fn take(&self, _: Event) {
            *self.1.lock().unwrap() = Some(Instant::now());
            self.0.raise();
        }
    }
    let cancel = Arc::new(Cancel::new());
    let sink = Stop(Arc::clone(&cancel), Mutex::default());
    let (boot, _) = booted(
        "echo up; sleep 600",
        Duration::from_secs(60),
        &cancel,
        &sink,
    );
    assert!(matches!(boot, Err(GuestError::Interrupted(_))), "{boot:?}");
    let raised = sink.1.lock().unwrap().unwrap();
    assert!(raised.elapsed() < Duration::from_secs(1));
}
