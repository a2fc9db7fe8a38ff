//! What a booting guest has reached, and when it is ready, dead, silent or out of time. Decides from what happened and
//! the time at which it did; runs nothing and looks at no clock.

#[cfg(test)]
mod tests;

use std::{collections::VecDeque, path::Path, time::Duration};

use super::{
    Accelerator, Boot, Failure, GuestError, Moment, Report, Stage, Verdict,
    console::{self, Meaning},
};
use crate::tool::ToolError;

/// How many of the console's last lines are shown.
const LAST: usize = 25;
/// How many characters of such a line are shown.
const SHOWN: usize = 300;
/// How long a guest that gave up may go on saying why.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// How long a guest that is ready may take to end by itself.
const POWER_OFF: Duration = Duration::from_secs(3);
/// How long a guest may be silent before KVM is suspected. Under KVM a kernel speaks within a tenth of a second.
const SILENCE: Duration = Duration::from_secs(5);

/// Something that happened to a guest.
#[derive(Debug)]
pub(super) enum Happening {
    /// The console or the monitor printed a line, which is plain by now.
    Line(String),
    /// The port received what should be a report.
    Report(Vec<u8>),
    /// The monitor ended.
    End(Result<(), ToolError>),
}

/// How far a guest is.
enum State {
    Booting,
    /// What it is, is known; it may go on until then.
    Known {
        verdict: Verdict,
        until: Duration,
    },
    /// The monitor has ended while nothing was known yet; a report may still be on its way.
    Ended(Result<(), ToolError>),
}

/// Watches one boot.
pub(super) struct Watch {
    accelerator: Accelerator,
    timeout: Duration,
    require: Vec<String>,
    timeline: Vec<Moment>,
    last: VecDeque<String>,
    complaint: Option<String>,
    report: Option<Report>,
    power_off: bool,
    state: State,
}

impl Watch {
    pub(super) fn new(accelerator: Accelerator, timeout: Duration, require: &[String]) -> Self {
        Self {
            accelerator,
            timeout,
            require: require.to_vec(),
            timeline: vec![Moment {
                stage: Stage::Vmm,
                milliseconds: 0,
            }],
            last: VecDeque::new(),
            complaint: None,
            report: None,
            power_off: false,
            state: State::Booting,
        }
    }

    /// Takes what happened, and returns what the guest reached by it.
    pub(super) fn take(&mut self, at: Duration, happening: Happening) -> &[Moment] {
        let before = self.timeline.len();
        match happening {
            Happening::Line(line) => self.line(at, line),
            Happening::Report(bytes) => self.reported(at, &bytes, POWER_OFF),
            Happening::End(ended) => match &mut self.state {
                State::Known { verdict, until } => {
                    *until = at;
                    if verdict.is_ok() {
                        self.reach(at, Stage::Off);
                    }
                }
                _ => self.state = State::Ended(ended),
            },
        }
        &self.timeline[before..]
    }

    fn line(&mut self, at: Duration, line: String) {
        let meaning = console::meaning(&line);
        if meaning != Meaning::Complaint && !line.is_empty() {
            self.reach(at, Stage::Kernel);
        }
        // A report is long, and shown otherwise.
        let report = line
            .find(console::REPORT)
            .map(|start| line[start + console::REPORT.len()..].to_owned());
        if report.is_none() {
            if self.last.len() == LAST {
                self.last.pop_front();
            }
            self.last.push_back(shown(&line));
        }
        match meaning {
            Meaning::Complaint => self.complain(&line),
            Meaning::Init => self.reach(at, Stage::Init),
            Meaning::Agent => self.reach(at, Stage::Agent),
            Meaning::Serving => self.know(at, Ok(()), Duration::ZERO),
            Meaning::Death => {
                let died = Failure::Died {
                    line,
                    last: Vec::new(),
                };
                self.know(at, Err(died), LAST_WORDS);
            }
            Meaning::Other => {}
        }
        if let Some(report) = report {
            // Nobody listens on a port, so it cannot be asked to end.
            self.reported(at, report.trim_end().as_bytes(), Duration::ZERO);
        }
    }

    /// Keeps the first complaint that is more than a warning: the others follow from it.
    fn complain(&mut self, line: &str) {
        let warns = |line: &str| line.contains("warning:");
        if self.complaint.as_deref().is_none_or(warns) {
            self.complaint = Some(shown(line));
        }
    }

    fn reported(&mut self, at: Duration, bytes: &[u8], grace: Duration) {
        if !matches!(self.state, State::Booting | State::Ended(_)) {
            return;
        }
        let verdict = match Report::parse(bytes) {
            Ok(report) => {
                let verdict = self.judge(&report);
                self.report = Some(report);
                verdict
            }
            Err(why) => {
                let start = String::from_utf8_lossy(&bytes[..bytes.len().min(100)]);
                let start = format!("`{}`", console::plain(&start));
                Err(Failure::Garbled { why, start })
            }
        };
        if self.report.is_some() {
            self.reach(at, Stage::Ready);
            self.power_off = true;
        }
        self.know(at, verdict, grace);
    }

    fn judge(&self, report: &Report) -> Verdict {
        let missing = report.lacks(&self.require);
        let vsock = || report.present.iter().any(|name| name == "vsock");
        if !missing.is_empty() {
            Err(Failure::Lacking { missing })
        } else if !report.server.listening && vsock() {
            let why = report
                .server
                .error
                .as_deref()
                .unwrap_or("it does not say why");
            Err(Failure::Deaf {
                address: report.server.address.clone(),
                why: why.to_owned(),
            })
        } else {
            Ok(())
        }
    }

    /// Keeps the first verdict, but for a guest that dies after it was ready.
    fn know(&mut self, at: Duration, verdict: Verdict, grace: Duration) {
        if let State::Known { verdict: known, .. } = &self.state {
            let dies = matches!(verdict, Err(Failure::Died { .. }));
            if known.is_err() || !dies {
                return;
            }
        }
        if verdict.is_ok() {
            self.reach(at, Stage::Ready);
        }
        // After the monitor's end there is nothing to wait for.
        let grace = match self.state {
            State::Ended(_) => Duration::ZERO,
            _ => grace,
        };
        self.state = State::Known {
            verdict,
            until: at + grace,
        };
    }

    fn reach(&mut self, at: Duration, stage: Stage) {
        if self.timeline.iter().all(|moment| moment.stage < stage) {
            let milliseconds = u64::try_from(at.as_millis()).unwrap_or(u64::MAX);
            self.timeline.push(Moment {
                stage,
                milliseconds,
            });
        }
    }

    /// Tells, once, that the guest is done and should end by itself.
    pub(super) fn wants_power_off(&mut self) -> bool {
        std::mem::take(&mut self.power_off)
    }

    /// Returns what the guest is, when that is decided by now.
    pub(super) fn verdict(&self, now: Duration) -> Option<Verdict> {
        match &self.state {
            State::Known { verdict, until } => {
                (now >= *until).then(|| self.with_last(verdict.clone()))
            }
            State::Booting => {
                let silent = self.accelerator == Accelerator::Kvm && self.stage() == Stage::Vmm;
                let limit = if silent {
                    self.timeout.min(SILENCE)
                } else {
                    self.timeout
                };
                let hung = Failure::Hung {
                    seconds: limit.as_secs(),
                    stage: self.stage(),
                    last: Vec::new(),
                };
                (now >= limit).then(|| self.with_last(Err(hung)))
            }
            State::Ended(_) => None,
        }
    }

    /// Returns what the guest is when nothing more can happen.
    pub(super) fn over(&mut self) -> Result<Verdict, GuestError> {
        let status = match std::mem::replace(&mut self.state, State::Booting) {
            State::Known { verdict, .. } => return Ok(self.with_last(verdict)),
            State::Ended(Err(ToolError::Failed { status, .. })) => status,
            State::Ended(Err(error)) => return Err(error.into()),
            State::Ended(Ok(())) | State::Booting => {
                "it powered off or was reset without a report".to_owned()
            }
        };
        Ok(self.with_last(Err(Failure::Ended {
            status,
            last: Vec::new(),
        })))
    }

    /// Adds the lines that came until now.
    fn with_last(&self, mut verdict: Verdict) -> Verdict {
        if let Err(
            Failure::Died { last, .. } | Failure::Hung { last, .. } | Failure::Ended { last, .. },
        ) = &mut verdict
        {
            *last = self.last.iter().cloned().collect();
        }
        verdict
    }

    fn stage(&self) -> Stage {
        self.timeline
            .last()
            .map_or(Stage::Vmm, |moment| moment.stage)
    }

    /// Returns why the fault may be KVM's and not the guest's: it never spoke, or the monitor says so.
    pub(super) fn blames_kvm(&self, verdict: &Verdict) -> Option<String> {
        let failure = verdict.as_ref().err()?;
        let complains = |text: &String| text.to_lowercase().contains("kvm");
        match &self.complaint {
            Some(complaint) if self.stage() == Stage::Vmm || complains(complaint) => {
                Some(complaint.clone())
            }
            _ if self.stage() == Stage::Vmm => Some(failure.to_string()),
            _ => None,
        }
    }

    pub(super) fn into_boot(
        self,
        without_kvm: Option<String>,
        console: &Path,
        verdict: Verdict,
    ) -> Boot {
        Boot {
            accelerator: self.accelerator,
            without_kvm,
            timeline: self.timeline,
            report: self.report,
            console: console.to_owned(),
            verdict,
        }
    }
}

/// Cuts a line to what is worth showing.
fn shown(line: &str) -> String {
    line.chars().take(SHOWN).collect()
}
