//! Finding out what this guest is: reads `/proc` and `/sys`, changes nothing, and puts the report together.

mod control_groups;
mod devices;
mod features;
mod system;

use std::time::Duration;

use nix::sys::utsname::uname;
use nix::time::{clock_gettime, ClockId};

use crate::mounts::Outcome;
use crate::report::{Agent, Cpus, Kernel, Listening, Memory, Report, Uptime, SCHEMA};

pub(crate) use system::System;

/// Seconds since the kernel started. Counts sleep, and is set from the beginning, unlike the wall clock.
pub(crate) fn uptime() -> f64 {
    let now = clock_gettime(ClockId::CLOCK_BOOTTIME).expect("every kernel since 2.6.39 has this clock");
    // To the millisecond: further digits say nothing and make the report longer.
    (Duration::from(now).as_millis() as f64) / 1000.0
}

/// Puts the report together.
pub(crate) fn report(system: &System, started: f64, ready: f64, server: Listening, mounts: Vec<Outcome>) -> Report {
    let cgroup = control_groups::find(system);
    let devices = devices::find(system);
    let (present, missing) = features::find(system, &cgroup);
    Report {
        schema: SCHEMA,
        agent: Agent { name: crate::NAME, version: crate::VERSION },
        kernel: kernel(system),
        uptime: Uptime { started, ready },
        memory: memory(&system.text("proc/meminfo")),
        cpus: Cpus {
            online: count(&system.text("sys/devices/system/cpu/online")),
            possible: count(&system.text("sys/devices/system/cpu/possible")),
        },
        server,
        mounts,
        cgroup,
        devices,
        present,
        missing,
    }
}

/// The report of a developer's run: nothing was mounted, nothing serves.
pub(crate) fn of_developer(system: &System) -> Report {
    let now = uptime();
    let server = Listening { address: String::new(), listening: false, error: Some("not process 1".to_owned()) };
    report(system, now, now, server, Vec::new())
}

fn kernel(system: &System) -> Kernel {
    let cmdline = system.text("proc/cmdline").trim_end().to_owned();
    let named = |name: &std::ffi::OsStr| name.to_string_lossy().into_owned();
    match uname() {
        Ok(names) => Kernel {
            release: named(names.release()),
            version: named(names.version()),
            machine: named(names.machine()),
            cmdline,
        },
        Err(_) => Kernel { release: String::new(), version: String::new(), machine: String::new(), cmdline },
    }
}

/// Reads `/proc/meminfo`.
fn memory(text: &str) -> Memory {
    let kib = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok()).unwrap_or(0)
    };
    Memory { total_kib: kib("MemTotal"), available_kib: kib("MemAvailable") }
}

/// Counts a kernel's list of processors, such as `0-2,5`.
fn count(list: &str) -> u64 {
    let size = |range: &str| -> Option<u64> {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
        last.checked_sub(first)?.checked_add(1)
    };
    list.trim().split(',').filter_map(size).fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_are_counted_from_ranges() {
        for (list, number) in [("0\n", 1), ("0-3\n", 4), ("0-2,5,7-8", 6), ("", 0), ("\n", 0), ("3-1,x", 0)] {
            assert_eq!(count(list), number, "{list}");
        }
    }

    #[test]
    fn memory_is_read_in_kib() {
        let memory = memory("MemTotal:         123 kB\nMemFree:  9 kB\nMemAvailable:     45 kB\n");
        assert_eq!((memory.total_kib, memory.available_kib), (123, 45));
    }

    #[test]
    fn memory_that_is_not_told_is_zero() {
        assert_eq!(super::memory("MemTotal: many").total_kib, 0);
    }

    #[test]
    fn a_report_on_nothing_is_a_report() {
        let report = of_developer(&System::at("/nonexistent"));
        assert_eq!(report.present.len() + report.missing.len(), 36, "the list of features is part of the format");
        assert_eq!((report.cpus.online, report.cgroup.version), (0, 0));
    }
}
