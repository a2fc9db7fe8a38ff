//! What can come of booting a guest: the stages it reached, and why it is no guest when it is none.

use std::fmt;

use serde::{Serialize, Serializer, ser::SerializeMap};

use super::{Missing, Verdict};

/// A stage that a guest reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// The monitor was started.
    Vmm,
    /// The kernel printed its first line.
    Kernel,
    /// The kernel started the first program.
    Init,
    /// The agent printed its first line.
    Agent,
    /// The agent was ready: its report arrived, or it said that it serves.
    Ready,
    /// The guest ended by itself.
    Off,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Vmm => "VMM started",
            Self::Kernel => "kernel's first line",
            Self::Init => "init started",
            Self::Agent => "agent's first line",
            Self::Ready => "agent ready",
            Self::Off => "powered off",
        })
    }
}

/// When a guest reached a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Moment {
    /// The stage.
    pub stage: Stage,
    /// Milliseconds since the monitor was started.
    pub milliseconds: u64,
}

/// Why what was booted is no guest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error, miette::Diagnostic)]
#[serde(rename_all = "snake_case", tag = "failure")]
pub enum Failure {
    /// The kernel panicked, or the agent gave up.
    #[error("the guest died: {line}")]
    #[diagnostic(code(guest::died), help("{}", listed("its last lines:", last)))]
    Died {
        /// The line that says so.
        line: String,
        /// The console's last lines.
        last: Vec<String>,
    },
    /// It was not ready in time.
    #[error(
        "the guest was not ready after {seconds} seconds: {stage} was the last that was seen of it"
    )]
    #[diagnostic(code(guest::hung), help("{}", listed("its last lines:", last)))]
    Hung {
        /// The time limit.
        seconds: u64,
        /// The last stage it reached.
        stage: Stage,
        /// The console's last lines.
        last: Vec<String>,
    },
    /// The monitor ended before the guest was ready.
    #[error("the guest ended before it was ready: {status}")]
    #[diagnostic(code(guest::ended), help("{}", listed("the last lines:", last)))]
    Ended {
        /// How the monitor ended.
        status: String,
        /// The console's last lines, with the monitor's own.
        last: Vec<String>,
    },
    /// What arrived instead of a report is none.
    #[error("the agent's report cannot be read: {why}")]
    #[diagnostic(
        code(guest::report),
        help("is the agent of another version? It began: {start}")
    )]
    Garbled {
        /// What is wrong with it.
        why: String,
        /// Its first characters.
        start: String,
    },
    /// The agent serves no requests.
    #[error("the guest's agent does not serve requests at {address}: {why}")]
    #[diagnostic(code(guest::deaf))]
    Deaf {
        /// Where it should.
        address: String,
        /// Why it does not.
        why: String,
    },
    /// The guest does not serve what the manifest requires.
    #[error("the guest lacks {}", names(missing))]
    #[diagnostic(
        code(guest::lacks),
        help("{}", listed("request it in a kernel fragment, or take it off `test.require`:", &reasons(missing)))
    )]
    Lacking {
        /// What it lacks.
        missing: Vec<Missing>,
    },
}

fn names(missing: &[Missing]) -> String {
    let names: Vec<_> = missing
        .iter()
        .map(|missing| format!("`{}`", missing.name))
        .collect();
    names.join(", ")
}

fn reasons(missing: &[Missing]) -> Vec<String> {
    let said = |missing: &Missing| format!("{}: {}", missing.name, missing.reason);
    missing.iter().map(said).collect()
}

fn listed(title: &str, lines: &[String]) -> String {
    if lines.is_empty() {
        return "it printed nothing".to_owned();
    }
    format!("{title}\n  {}", lines.join("\n  "))
}

/// Writes `{"passed": true}` or the failure with `"passed": false`.
pub(super) fn serialize<S: Serializer>(
    verdict: &Verdict,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(None)?;
    map.serialize_entry("passed", &verdict.is_ok())?;
    if let Err(failure) = verdict {
        map.serialize_entry("message", &failure.to_string())?;
        map.serialize_entry("cause", failure)?;
    }
    map.end()
}
