//! Boots a guest in a virtual machine monitor and says what came of it: when it reached which stage, what its agent
//! reported, and why it is no guest when it is none. Where the kernel and the initrd come from is the caller's.

mod console;
mod machine;
mod outcome;
mod port;
mod report;
#[cfg(test)]
mod tests;
mod watch;

use std::{
    io,
    path::{Path, PathBuf},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use serde::Serialize;

use crate::{
    arch::Arch,
    cancel::Cancel,
    event::{Event, Sink},
    step::StepId,
    tool::{self, ToolError},
};

pub use machine::{Acceleration, Accelerator, Vmm};
pub use outcome::{Failure, Moment, Stage};
pub use report::{ESSENTIAL, Missing, Report};

use port::Port;
use watch::{Happening, Watch};

/// How often a stopped build is noticed.
const TICK: Duration = Duration::from_millis(50);

/// A guest to boot.
#[derive(Clone, Copy, Debug)]
pub struct Guest<'a> {
    /// Its architecture.
    pub arch: Arch,
    /// Its kernel, in any form that the monitor boots.
    pub kernel: &'a Path,
    /// Its initrd.
    pub initrd: &'a Path,
    /// Kernel parameters besides those of the console.
    pub parameters: &'a [String],
    /// Memory in MiB.
    pub memory_mib: u32,
    /// Virtual processors.
    pub cpus: u32,
    /// How long it may take until it is ready.
    pub timeout: Duration,
    /// What its kernel must serve: names of the agent's report.
    pub require: &'a [String],
}

/// What came of booting a guest.
#[derive(Debug, Serialize)]
pub struct Boot {
    /// What ran the guest's instructions.
    pub accelerator: Accelerator,
    /// Why that was not KVM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub without_kvm: Option<String>,
    /// What the guest reached, in order.
    pub timeline: Vec<Moment>,
    /// What its agent said. Absent when it failed before, and when the agent is one that does not report.
    pub report: Option<Report>,
    /// Where its whole console is.
    pub console: PathBuf,
    /// Whether it is a guest.
    #[serde(serialize_with = "outcome::serialize")]
    pub verdict: Verdict,
}

/// Whether what was booted is a guest.
pub type Verdict = Result<(), Failure>;

/// A guest could not be booted at all. What a booted guest lacks is a [`Failure`].
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum GuestError {
    /// The console's log cannot be written.
    #[error("cannot write the console's log `{}`", path.display())]
    #[diagnostic(code(guest::log))]
    Log {
        /// The log.
        path: PathBuf,
        /// The cause.
        #[source]
        cause: io::Error,
    },
    /// There is no socket to receive the report.
    #[error("cannot listen on a socket in the directory for temporary files")]
    #[diagnostic(
        code(guest::socket),
        help("a socket's whole path holds about 100 bytes: is `TMPDIR` a long one?")
    )]
    Socket {
        /// The cause.
        #[source]
        cause: io::Error,
    },
    /// The monitor could not be run.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Tool(#[from] ToolError),
    /// The test was stopped.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Interrupted(#[from] crate::cancel::Interrupted),
}

/// Boots a guest and ends it when it is ready, has failed, or has used up its time. Its console goes to a new file at
/// `log`, and to `sink` by lines, without what a terminal would obey; `sink` hears of every stage that it reaches. KVM is used when it truly runs the guest.
///
/// # Errors
/// The guest could not be booted at all.
pub fn boot(
    vmm: &Vmm,
    guest: &Guest<'_>,
    acceleration: Acceleration,
    log: &Path,
    step: &StepId,
    cancel: &Cancel,
    sink: &dyn Sink,
) -> Result<Boot, GuestError> {
    let attempt = |accelerator| attempt(vmm, guest, accelerator, log, step, cancel, sink);
    let mut without_kvm = machine::without_kvm(guest.arch, acceleration);
    if without_kvm.is_none() {
        let (watch, verdict) = attempt(Accelerator::Kvm)?;
        let Some(why) = watch.blames_kvm(&verdict) else {
            return Ok(watch.into_boot(None, log, verdict));
        };
        sink.take(Event::Warning {
            step: Some(step.clone()),
            text: format!("KVM does not run this guest, so it is emulated: {why}"),
        });
        without_kvm = Some(why);
    }
    let (watch, verdict) = attempt(Accelerator::Tcg)?;
    Ok(watch.into_boot(without_kvm, log, verdict))
}

/// Boots the guest once.
fn attempt(
    vmm: &Vmm,
    guest: &Guest<'_>,
    accelerator: Accelerator,
    log: &Path,
    step: &StepId,
    cancel: &Cancel,
    sink: &dyn Sink,
) -> Result<(Watch, Verdict), GuestError> {
    cancel.check()?;
    let failed = |cause| GuestError::Log {
        path: log.to_owned(),
        cause,
    };
    let socket = |cause| GuestError::Socket { cause };
    let mut log = console::Log::create(log).map_err(failed)?;
    let directory = tempfile::tempdir().map_err(socket)?;
    let port = Port::listen(directory.path()).map_err(socket)?;
    let invocation = machine::invocation(vmm, guest, accelerator, directory.path());
    let mut watch = Watch::new(accelerator, guest.timeout, guest.require);
    // Ends the monitor alone, not the caller's other work.
    let stop = Cancel::new();
    let began = Instant::now();
    let verdict = thread::scope(|scope| {
        // Bounded: a guest that floods its console waits for us.
        let (lines, happenings) = mpsc::sync_channel(256);
        let reports = lines.clone();
        let (stop, port, invocation) = (&stop, &port, &invocation);
        scope.spawn(move || {
            let ended = tool::run(&vmm.place, invocation, stop, &mut |line| {
                let _ = lines.send((began.elapsed(), Happening::Line(console::plain(line))));
            });
            let _ = lines.send((began.elapsed(), Happening::End(ended)));
        });
        scope.spawn(move || {
            if let Some(report) = port.receive(stop) {
                let _ = reports.send((began.elapsed(), Happening::Report(report)));
            }
        });
        let mut follow = || -> Result<Verdict, GuestError> {
            loop {
                cancel.check()?;
                match happenings.recv_timeout(TICK) {
                    Ok((at, happening)) => {
                        match &happening {
                            Happening::Line(line) => {
                                log.write(line).map_err(failed)?;
                                sink.take(Event::Line {
                                    step: step.clone(),
                                    text: line.clone(),
                                });
                            }
                            // The port ends too, once it has given what it received.
                            Happening::End(_) => stop.raise(),
                            Happening::Report(_) => {}
                        }
                        for moment in watch.take(at, happening) {
                            sink.take(Event::Reached {
                                step: step.clone(),
                                what: moment.stage.to_string(),
                            });
                        }
                    }
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => return watch.over(),
                }
                if watch.wants_power_off() {
                    port.power_off();
                }
                if let Some(verdict) = watch.verdict(began.elapsed()) {
                    return Ok(verdict);
                }
            }
        };
        let verdict = follow();
        stop.raise();
        verdict
    })?;
    Ok((watch, verdict))
}
