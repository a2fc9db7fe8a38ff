//! How a running build is shown: live bars on a terminal, plain lines elsewhere. Time is added here.

mod bars;
mod plain;

use std::{sync::Arc, time::Duration};

use clap::ValueEnum;

use crate::event::{Sink, count};

pub(super) use bars::Bars;
pub(super) use plain::Plain;

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Progress {
    /// Bars on a terminal, plain lines elsewhere.
    Auto,
    /// One live line for each running step.
    Tty,
    /// A line when a step begins or ends.
    Plain,
    /// Nothing but errors.
    None,
}

/// Returns the sink for this choice; `terminal` says whether standard error is one.
pub(super) fn sink(progress: Progress, terminal: bool) -> Arc<dyn Sink> {
    match progress {
        Progress::Tty => Arc::new(Bars::new()),
        Progress::Auto if terminal => Arc::new(Bars::new()),
        Progress::Plain | Progress::Auto => Arc::new(Plain::new()),
        Progress::None => Arc::new(crate::event::Silent),
    }
}

/// Says what a build will do.
pub(super) fn planned(run: usize, downloads: usize, reused: usize) -> String {
    if run + downloads == 0 {
        let steps = count(reused, "step is", "steps are");
        return format!("nothing to do: {steps} made already");
    }
    let after = match downloads {
        0 => String::new(),
        some => format!(" after {}", count(some, "download", "downloads")),
    };
    let steps = count(run, "step", "steps");
    format!("{steps} to run{after}, {reused} made already")
}

/// Returns a duration for people: `0.4 s`, `12 s`, `3 min 07 s`.
pub(super) fn time(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..10 => format!("{:.1} s", duration.as_secs_f64()),
        10..60 => format!("{seconds} s"),
        _ => format!("{} min {:02} s", seconds / 60, seconds % 60),
    }
}
