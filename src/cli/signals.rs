//! Signals: which ones stop the work, and how long it may take to end. What ends with it is `cancel`'s to know.

use std::{fs, sync::Arc, thread, time::Duration};

use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
};

use super::failure::{INTERRUPTED, tell_interrupted};
use crate::cancel::Cancel;

/// How long running steps have to end after an interrupt before the process leaves without them.
const GRACE: Duration = Duration::from_millis(900);

/// Raises the flag at the first signal; leaves at once at the second, or when steps do not end in time. Leaving is
/// safe: the store is never half-written, and running tools die with this process.
///
/// Whoever starts the program with SIGHUP ignored, as `nohup` does, wants it to outlive the terminal. An ignored SIGINT
/// means less: shells without job control start everything in the background so, and it must still be stoppable.
pub(super) fn watch(cancel: Arc<Cancel>) {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mut wanted = vec![SIGINT, SIGTERM];
    if !ignores(&status, SIGHUP) {
        wanted.push(SIGHUP);
    }
    let Ok(mut signals) = Signals::new(wanted) else {
        return;
    };
    thread::spawn(move || {
        for _ in signals.forever() {
            if cancel.is_raised() {
                leave();
            }
            cancel.raise();
            thread::spawn(|| {
                thread::sleep(GRACE);
                leave();
            });
        }
    });
}

/// Tells whether a process with this status (proc(5), `/proc/PID/status`) ignores a signal.
fn ignores(status: &str, signal: i32) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & (1 << (signal - 1)) != 0)
}

/// Leaves without the steps that are still running.
fn leave() -> ! {
    tell_interrupted();
    std::process::exit(INTERRUPTED.into());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ignored_signal_is_seen_in_a_processs_status() {
        let status =
            "Name:\tsh\nSigBlk:\tffffffffffffffff\nSigIgn:\t0000000000000001\nSigCgt:\t00000002\n";
        assert!(ignores(status, SIGHUP));
        assert!(!ignores(status, SIGINT));
        assert!(!ignores("", SIGHUP));
    }
}
