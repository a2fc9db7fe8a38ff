//! Plain progress: a line when a step begins or ends, one for all downloads, and a sign of life every half minute.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::{planned, time};
use crate::{
    cli::output::tell,
    event::{Event, Sink, count, size},
    step::StepId,
};

/// How often a step that is still running says so.
const SIGN_OF_LIFE: Duration = Duration::from_secs(30);

/// Prints plain lines to standard error.
pub(crate) struct Plain {
    state: Mutex<State>,
}

struct State {
    running: BTreeMap<StepId, Running>,
    downloads: usize,
    bytes: u64,
    downloading_since: Option<Instant>,
}

struct Running {
    since: Instant,
    last_sign: Instant,
    done: u64,
    download: bool,
}

impl Plain {
    pub(crate) fn new() -> Self {
        Self {
            state: Mutex::new(State {
                running: BTreeMap::new(),
                downloads: 0,
                bytes: 0,
                downloading_since: None,
            }),
        }
    }
}

impl Sink for Plain {
    fn take(&self, event: Event) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.take(event);
    }
}

impl State {
    fn take(&mut self, event: Event) {
        match event {
            Event::Planned {
                run,
                downloads,
                reused,
            } => tell(&planned(run, downloads, reused)),
            Event::Started { step, what } => self.started(step, &what),
            Event::Progress { step, done, .. } => self.progress(&step, done),
            Event::Reached { step, what } => {
                if let Some(running) = self.running.get(&step) {
                    tell(&format!(
                        "{step}: {what} after {}",
                        time(running.since.elapsed())
                    ));
                }
            }
            Event::Line { step, .. } => self.sign_of_life(&step),
            Event::Warning {
                step: Some(step),
                text,
            } => tell(&format!("{step}: warning: {text}")),
            Event::Warning { step: None, text } => tell(&format!("warning: {text}")),
            Event::Finished { step, outcome } => self.finished(&step, &outcome),
            Event::Stopped { step } => {
                self.running.remove(&step);
            }
            Event::Failed { step } => {
                self.running.remove(&step);
                tell(&format!("{step}: failed"));
            }
        }
    }

    fn started(&mut self, step: StepId, what: &str) {
        let now = Instant::now();
        let download = step.as_str().starts_with("fetch/");
        if download {
            self.downloading_since.get_or_insert(now);
        } else {
            self.settle_downloads();
            tell(&format!("{step}: {what}"));
        }
        let running = Running {
            since: now,
            last_sign: now,
            done: 0,
            download,
        };
        self.running.insert(step, running);
    }

    fn progress(&mut self, step: &StepId, done: u64) {
        if let Some(running) = self.running.get_mut(step) {
            running.done = done;
        }
        self.sign_of_life(step);
    }

    fn sign_of_life(&mut self, step: &StepId) {
        let Some(running) = self.running.get_mut(step) else {
            return;
        };
        if running.last_sign.elapsed() < SIGN_OF_LIFE {
            return;
        }
        running.last_sign = Instant::now();
        let elapsed = time(running.since.elapsed());
        if running.download {
            tell(&format!("{step}: {} after {elapsed}", size(running.done)));
        } else {
            tell(&format!("{step}: still running after {elapsed}"));
        }
    }

    fn finished(&mut self, step: &StepId, outcome: &str) {
        let Some(running) = self.running.remove(step) else {
            return;
        };
        if running.download {
            self.downloads += 1;
            self.bytes += running.done;
            if !self.running.values().any(|other| other.download) && self.running.is_empty() {
                self.settle_downloads();
            }
            return;
        }
        let elapsed = time(running.since.elapsed());
        match outcome {
            "" => tell(&format!("{step}: done in {elapsed}")),
            outcome => tell(&format!("{step}: done in {elapsed}: {outcome}")),
        }
    }

    /// Says what was downloaded since this was last said.
    fn settle_downloads(&mut self) {
        if self.downloads > 0
            && let Some(since) = self.downloading_since.take()
        {
            let (files, bytes) = (count(self.downloads, "file", "files"), size(self.bytes));
            let elapsed = time(since.elapsed());
            tell(&format!("fetched {files}, {bytes}, in {elapsed}"));
            (self.downloads, self.bytes) = (0, 0);
        }
    }
}
