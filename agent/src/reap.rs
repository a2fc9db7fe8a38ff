//! Process 1's duty: children that ended are collected, and signals that ask for an end are heard.

use nix::errno::Errno;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::wait::{waitpid, WaitPidFlag, WaitStatus};
use nix::unistd::Pid;

use crate::console::{Console, Level};

/// Holds back the signals that [`until_told_to_stop`] waits for. Call it before the first thread starts: threads
/// inherit it.
pub(crate) fn hold_signals() -> nix::Result<SigSet> {
    let mut signals = SigSet::empty();
    for signal in [Signal::SIGCHLD, Signal::SIGTERM, Signal::SIGINT] {
        signals.add(signal);
    }
    signals.thread_block()?;
    Ok(signals)
}

/// Collects children until a signal asks for the end. Returns that signal.
pub(crate) fn until_told_to_stop(signals: &SigSet, console: &Console) -> nix::Result<Signal> {
    loop {
        match signals.wait()? {
            Signal::SIGCHLD => collect(console),
            signal => return Ok(signal),
        }
    }
}

fn collect(console: &Console) {
    // One signal may stand for several children.
    loop {
        match waitpid(Pid::from_raw(-1), Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::StillAlive) | Err(Errno::ECHILD) => return,
            Ok(status) => console.say(Level::Debug, format!("collected {status:?}")),
            Err(Errno::EINTR) => {}
            Err(cause) => return console.warn(format!("cannot collect children: {cause}")),
        }
    }
}
