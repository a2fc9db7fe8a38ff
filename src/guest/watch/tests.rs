//! Boots as they could go, without a clock.

use super::{
    super::{Missing, report::EXAMPLE},
    *,
};

const LIMIT: Duration = Duration::from_secs(60);

fn at(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// Watches a boot that requires `cgroup2` and in which each line comes 100 ms after the one before.
fn watched(accelerator: Accelerator, lines: &[&str]) -> (Watch, Duration) {
    let mut watch = Watch::new(accelerator, LIMIT, &["cgroup2".to_owned()]);
    let mut now = Duration::ZERO;
    for line in lines {
        now += at(100);
        watch.take(now, Happening::Line((*line).to_owned()));
    }
    (watch, now)
}

fn stages(watch: &Watch) -> Vec<(Stage, u64)> {
    let pair = |moment: &Moment| (moment.stage, moment.milliseconds);
    watch.timeline.iter().map(pair).collect()
}

fn ended(status: &str) -> Happening {
    Happening::End(Err(ToolError::Failed {
        program: "qemu".to_owned(),
        status: status.to_owned(),
        command: String::new(),
        last: Vec::new(),
        log: None,
    }))
}

#[test]
fn a_guest_that_reports_on_its_port_is_ready_and_asked_to_end() {
    let (mut watch, now) = watched(
        Accelerator::Kvm,
        &[
            "",
            "Linux version 6.12",
            "Run /init as init process",
            "[agent] is process 1",
        ],
    );
    assert_eq!(watch.verdict(now), None);
    assert!(!watch.wants_power_off());
    watch.take(at(500), Happening::Report(EXAMPLE.into()));
    assert!(watch.wants_power_off() && !watch.wants_power_off());
    assert_eq!(watch.verdict(at(501)), None, "it may end by itself");
    watch.take(at(600), Happening::End(Ok(())));
    assert_eq!(watch.verdict(at(600)), Some(Ok(())));
    let expected = [
        (Stage::Vmm, 0),
        (Stage::Kernel, 200),
        (Stage::Init, 300),
        (Stage::Agent, 400),
        (Stage::Ready, 500),
        (Stage::Off, 600),
    ];
    assert_eq!(stages(&watch), expected);
}

#[test]
fn a_guest_that_is_ready_and_does_not_end_is_ended() {
    let (mut watch, _) = watched(Accelerator::Tcg, &["Linux version 6.12"]);
    watch.take(at(500), Happening::Report(EXAMPLE.into()));
    assert_eq!(watch.verdict(at(500) + POWER_OFF), Some(Ok(())));
}

#[test]
fn a_report_on_the_console_counts_wherever_in_a_line_it_begins() {
    let line = format!(
        "[  0.1] cut off KATA-ARTIFACTS-REPORT {}",
        EXAMPLE.replace('\n', "")
    );
    let (watch, now) = watched(Accelerator::Tcg, &[&line]);
    assert_eq!(watch.verdict(now), Some(Ok(())));
    assert_eq!(watch.report.unwrap().kernel.release, "6.12.57");
}

#[test]
fn a_report_may_arrive_after_the_monitors_end() {
    let (mut watch, _) = watched(Accelerator::Tcg, &["Linux version 6.12"]);
    watch.take(at(200), Happening::End(Ok(())));
    assert_eq!(watch.verdict(LIMIT), None);
    watch.take(at(210), Happening::Report(EXAMPLE.into()));
    assert_eq!(watch.verdict(at(210)), Some(Ok(())));
}

#[test]
fn what_is_required_and_missing_fails_by_name_and_reason() {
    let mut watch = Watch::new(
        Accelerator::Tcg,
        LIMIT,
        &["cgroup2".to_owned(), "vsock".to_owned()],
    );
    watch.take(at(1), Happening::Report(EXAMPLE.into()));
    let missing = vec![Missing {
        name: "vsock".to_owned(),
        reason: "the kernel has no AF_VSOCK".to_owned(),
    }];
    let verdict = watch.verdict(LIMIT).unwrap();
    assert_eq!(verdict, Err(Failure::Lacking { missing }));
    assert_eq!(verdict.unwrap_err().to_string(), "the guest lacks `vsock`");
}

#[test]
fn an_agent_that_serves_nobody_fails_where_it_could_serve() {
    let deaf = EXAMPLE.replace(
        "\"listening\":true",
        "\"listening\":false,\"error\":\"in use\"",
    );
    let mut watch = Watch::new(Accelerator::Tcg, LIMIT, &[]);
    watch.take(at(1), Happening::Report(deaf.clone().into()));
    assert_eq!(watch.verdict(LIMIT), Some(Ok(())), "there is no vsock");
    let mut watch = Watch::new(Accelerator::Tcg, LIMIT, &[]);
    let deaf = deaf.replace("\"present\":[", "\"present\":[\"vsock\",");
    watch.take(at(1), Happening::Report(deaf.into()));
    let verdict = watch.verdict(LIMIT).unwrap().unwrap_err();
    assert_eq!(
        verdict.to_string(),
        "the guest's agent does not serve requests at vsock://-1:1024: in use"
    );
}

#[test]
fn a_lying_guest_fails_and_its_words_reach_no_terminal() {
    let (mut watch, _) = watched(Accelerator::Tcg, &["Linux version 6.12"]);
    watch.take(at(1), Happening::Report(b"\x1b[2J\xff{]".to_vec()));
    let Some(Err(Failure::Garbled { start, .. })) = watch.verdict(LIMIT) else {
        panic!("no verdict");
    };
    assert_eq!(start, "`\u{fffd}{]`");
}

#[test]
fn a_panic_fails_after_its_last_words() {
    let (mut watch, now) = watched(
        Accelerator::Tcg,
        &["Linux version 6.12", "Kernel panic - not syncing: why"],
    );
    assert_eq!(watch.verdict(now), None);
    watch.take(now, Happening::Line("Call Trace:".to_owned()));
    let Some(Err(Failure::Died { line, last })) = watch.verdict(now + LAST_WORDS) else {
        panic!("no verdict");
    };
    assert_eq!(line, "Kernel panic - not syncing: why");
    assert_eq!(
        last,
        [
            "Linux version 6.12",
            "Kernel panic - not syncing: why",
            "Call Trace:"
        ]
    );
}

#[test]
fn a_guest_that_dies_after_its_report_is_no_guest() {
    let (mut watch, _) = watched(Accelerator::Tcg, &["Linux version 6.12"]);
    watch.take(at(200), Happening::Report(EXAMPLE.into()));
    watch.take(
        at(300),
        Happening::Line("Kernel panic - not syncing: init!".to_owned()),
    );
    watch.take(at(400), Happening::End(Ok(())));
    assert!(matches!(
        watch.verdict(at(400)),
        Some(Err(Failure::Died { .. }))
    ));
}

#[test]
fn a_guest_that_hangs_fails_at_its_limit_with_how_far_it_came() {
    let (watch, _) = watched(
        Accelerator::Kvm,
        &["Linux version 6.12", "Run /init as init process"],
    );
    assert_eq!(watch.verdict(LIMIT - at(1)), None);
    let failure = watch.verdict(LIMIT).unwrap().unwrap_err();
    assert!(
        failure
            .to_string()
            .starts_with("the guest was not ready after 60 seconds: init started")
    );
    assert_eq!(watch.blames_kvm(&Err(failure)), None);
}

#[test]
fn a_guest_that_ends_without_a_report_fails() {
    let (mut watch, _) = watched(Accelerator::Tcg, &["Linux version 6.12"]);
    watch.take(at(200), Happening::End(Ok(())));
    let failure = watch.over().unwrap().unwrap_err();
    assert!(
        failure.to_string().contains("without a report"),
        "{failure}"
    );
}

#[test]
fn kvm_is_blamed_for_a_guest_that_never_spoke() {
    let error = "qemu-system-x86_64: error: failed to set MSR 0x10a";
    let (mut watch, _) = watched(
        Accelerator::Kvm,
        &[
            "qemu-system-x86_64: warning: old",
            error,
            "qemu-system-x86_64: Assertion failed.",
        ],
    );
    watch.take(at(400), ended("signal: 6 (SIGABRT)"));
    let verdict = watch.over().unwrap();
    assert_eq!(watch.blames_kvm(&verdict).as_deref(), Some(error));
    let (silent, _) = watched(Accelerator::Kvm, &[]);
    let verdict = silent.verdict(SILENCE).unwrap();
    assert!(
        silent
            .blames_kvm(&verdict)
            .unwrap()
            .contains("not ready after 5 seconds")
    );
}

#[test]
fn kvm_is_blamed_when_the_monitor_names_it() {
    let (mut watch, _) = watched(
        Accelerator::Kvm,
        &["Linux version 6.12", "KVM internal error. Suberror: 1"],
    );
    watch.take(at(300), ended("exit status: 1"));
    let verdict = watch.over().unwrap();
    assert_eq!(
        watch.blames_kvm(&verdict).as_deref(),
        Some("KVM internal error. Suberror: 1")
    );
}

#[test]
fn only_the_last_lines_are_kept() {
    let lines: Vec<_> = (0..100)
        .map(|number| format!("line {number} {}", "x".repeat(1000)))
        .collect();
    let lines: Vec<_> = lines.iter().map(String::as_str).collect();
    let (mut watch, _) = watched(Accelerator::Tcg, &lines);
    let Err(Failure::Ended { last, .. }) = watch.over().unwrap() else {
        panic!("no verdict");
    };
    assert_eq!(last.len(), LAST);
    assert!(last[0].starts_with("line 75 ") && last[0].len() == SHOWN);
}
