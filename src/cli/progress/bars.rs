//! Live progress on a terminal: a line for each running step, folded to one line when it is done.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::{planned, time};
use crate::{
    event::{Event, Sink},
    step::StepId,
};

/// Draws bars on standard error.
pub(crate) struct Bars {
    all: MultiProgress,
    running: Mutex<BTreeMap<StepId, (ProgressBar, Instant)>>,
}

impl Bars {
    pub(crate) fn new() -> Self {
        Self {
            all: MultiProgress::new(),
            running: Mutex::new(BTreeMap::new()),
        }
    }

    fn say(&self, line: &str) {
        // A terminal that is gone needs no lines.
        let _ = self.all.println(line);
    }

    fn started(&self, step: StepId, what: &str) {
        let bar = self.all.add(ProgressBar::new_spinner());
        bar.set_style(style("{spinner} {prefix} {elapsed:>4} {wide_msg:.dim}"));
        bar.set_prefix(format!("{step}: {what}"));
        bar.enable_steady_tick(Duration::from_millis(120));
        self.lock().insert(step, (bar, Instant::now()));
    }

    fn progress(&self, step: &StepId, done: u64, total: Option<u64>) {
        let running = self.lock();
        let Some((bar, _)) = running.get(step) else {
            return;
        };
        if let Some(total) = total {
            if bar.length() != Some(total) {
                bar.set_length(total);
                let template = if step.as_str().starts_with("fetch/") {
                    "{spinner} {prefix} {bar:24} {bytes}/{total_bytes} {bytes_per_sec}"
                } else {
                    "{spinner} {prefix} {elapsed:>4} {bar:24} {percent:>3}% {wide_msg:.dim}"
                };
                bar.set_style(style(template));
            }
            bar.set_position(done);
        } else if done > bar.position() {
            bar.set_position(done);
        }
    }

    fn ended(&self, step: &StepId, line: impl FnOnce(String) -> Option<String>) {
        let ended = self.lock().remove(step);
        let Some((bar, since)) = ended else { return };
        bar.finish_and_clear();
        self.all.remove(&bar);
        if let Some(line) = line(time(since.elapsed())) {
            self.say(&line);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<StepId, (ProgressBar, Instant)>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the template is one of ours")
}

impl Sink for Bars {
    fn take(&self, event: Event) {
        match event {
            Event::Planned {
                run,
                downloads,
                reused,
            } => self.say(&planned(run, downloads, reused)),
            Event::Started { step, what } => self.started(step, &what),
            Event::Progress { step, done, total } => self.progress(&step, done, total),
            Event::Reached { step, what } => {
                let since = self.lock().get(&step).map(|(_, since)| *since);
                if let Some(since) = since {
                    self.say(&format!("  {step}: {what} after {}", time(since.elapsed())));
                }
            }
            Event::Line { step, text } => {
                if let Some((bar, _)) = self.lock().get(&step) {
                    bar.set_message(text.trim().to_owned());
                }
            }
            Event::Warning {
                step: Some(step),
                text,
            } => self.say(&format!("{step}: warning: {text}")),
            Event::Warning { step: None, text } => self.say(&format!("warning: {text}")),
            Event::Finished { step, outcome } => {
                let download = step.as_str().starts_with("fetch/");
                self.ended(&step, |elapsed| match outcome.as_str() {
                    _ if download => None,
                    "" => Some(format!("✓ {step} {elapsed}")),
                    outcome => Some(format!("✓ {step} {elapsed}: {outcome}")),
                });
            }
            Event::Stopped { step } => self.ended(&step, |_| None),
            Event::Failed { step } => self.ended(&step, |elapsed| {
                Some(format!("✗ {step} failed after {elapsed}"))
            }),
        }
    }
}
