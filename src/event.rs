//! What a running build tells: a closed set of events, and where they go. Events carry no clock; sinks add time.

use crate::step::StepId;

/// Something that happened during a build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The build knows what it will do.
    Planned {
        /// Steps that will run, downloads apart.
        run: usize,
        /// Downloads that will run.
        downloads: usize,
        /// Steps whose products are there already, downloads apart.
        reused: usize,
    },
    /// A step began.
    Started {
        /// The step.
        step: StepId,
        /// One line for people: what it does.
        what: String,
    },
    /// A step has done `done` of `total` bytes or units.
    Progress {
        /// The step.
        step: StepId,
        /// So far.
        done: u64,
        /// In all, when known.
        total: Option<u64>,
    },
    /// A step reached something that people wait for. It goes on.
    Reached {
        /// The step.
        step: StepId,
        /// What it reached, in a few words.
        what: String,
    },
    /// A tool run by the step printed a line. It is in the step's log too.
    Line {
        /// The step.
        step: StepId,
        /// The line, without its end.
        text: String,
    },
    /// Something the user should know that stops nothing.
    Warning {
        /// The step, when it is about one.
        step: Option<StepId>,
        /// The message.
        text: String,
    },
    /// A step ended well.
    Finished {
        /// The step.
        step: StepId,
        /// One line for people: what came of it. Empty when there is nothing to say.
        outcome: String,
    },
    /// A step was stopped, because another failed or the user said so.
    Stopped {
        /// The step.
        step: StepId,
    },
    /// A step ended badly. The error itself is returned to the caller.
    Failed {
        /// The step.
        step: StepId,
    },
}

/// Receives events from any thread.
pub trait Sink: Send + Sync {
    /// Takes one event. Must not block for long.
    fn take(&self, event: Event);
}

/// Drops every event.
pub struct Silent;

impl Sink for Silent {
    fn take(&self, _: Event) {}
}

/// Returns a number of things for people: `1 step`, `2 steps`.
#[must_use]
pub fn count(number: usize, one: &str, many: &str) -> String {
    let word = if number == 1 { one } else { many };
    format!("{number} {word}")
}

/// Returns a size for people: `612 B`, `1.4 KiB`, `38.2 MiB`.
#[must_use]
pub fn size(bytes: u64) -> String {
    let mut rest = bytes as f64;
    for unit in ["B", "KiB", "MiB"] {
        if rest < 1024.0 {
            return if unit == "B" {
                format!("{bytes} B")
            } else {
                format!("{rest:.1} {unit}")
            };
        }
        rest /= 1024.0;
    }
    format!("{rest:.1} GiB")
}
