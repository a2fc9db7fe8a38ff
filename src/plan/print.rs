//! How a plan is shown: a line a step, downloads counted, the reason beside every step that would run.

use std::{collections::BTreeMap, fmt::Write};

use serde::Serialize;

use super::{Plan, Standing, action::Action, action::Step};
use crate::{
    event::{count, size},
    step::StepId,
};

/// One step of a plan, as `plan --json` prints it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// The step's name.
    pub step: String,
    /// What it does.
    pub what: String,
    /// `made`, `run`, `waits` or `unneeded`.
    pub standing: &'static str,
    /// Its key, when all its inputs are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Why it would run, or what it waits for.
    pub why: String,
    /// Bytes to fetch, for a download that would run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fetch_bytes: Option<u64>,
}

/// Returns a line for every step, in the plan's order.
#[must_use]
pub fn lines(plan: &Plan, standings: &BTreeMap<StepId, Standing>) -> Vec<Line> {
    plan.steps()
        .map(|step| line(step, &standings[&step.id]))
        .collect()
}

fn line(step: &Step, standing: &Standing) -> Line {
    let (word, why, key) = match standing {
        Standing::Made(_) => ("made", String::new(), None),
        Standing::Unneeded => (
            "unneeded",
            "nothing that would run needs it".to_owned(),
            None,
        ),
        Standing::Runnable(ready, why) => ("run", why.to_string(), Some(ready.key().to_string())),
        Standing::Waits(ids) => ("waits", format!("after {}", after(ids.iter())), None),
    };
    let fetch_bytes = match (&step.action, standing) {
        (Action::Fetch(fetch), Standing::Runnable(..)) => fetch.size,
        _ => None,
    };
    Line {
        step: step.id.to_string(),
        what: step.action.what(),
        standing: word,
        key,
        why,
        fetch_bytes,
    }
}

/// Names what is waited for; downloads only by their number.
fn after<'a>(ids: impl Iterator<Item = &'a StepId>) -> String {
    let (fetches, others): (Vec<_>, Vec<_>) = ids.partition(|id| id.as_str().starts_with("fetch/"));
    let mut names: Vec<String> = others.iter().map(ToString::to_string).collect();
    match fetches.len() {
        0 => {}
        1 => names.push(fetches[0].to_string()),
        many => names.push(format!("{many} downloads")),
    }
    names.join(", ")
}

/// Returns the lines as text for people. Downloads are one line together.
#[must_use]
pub fn text(lines: &[Line]) -> String {
    let (fetches, steps): (Vec<_>, Vec<_>) = lines
        .iter()
        .partition(|line| line.step.starts_with("fetch/"));
    let mut text = String::new();
    let missing: Vec<_> = fetches
        .iter()
        .filter(|line| line.standing == "run")
        .collect();
    if !fetches.is_empty() {
        let all = count(fetches.len(), "download", "downloads");
        let bytes: u64 = missing.iter().filter_map(|line| line.fetch_bytes).sum();
        let bytes = match missing.iter().all(|line| line.fetch_bytes.is_some()) {
            true => size(bytes),
            false if bytes == 0 => "of unknown size".to_owned(),
            false => format!("more than {}", size(bytes)),
        };
        let _ = match missing.len() {
            0 => writeln!(text, "made      fetch             {all}, none needed",),
            some => writeln!(text, "run       fetch             {some} of {all}, {bytes}",),
        };
    }
    for line in &steps {
        let _ = write!(text, "{:<9} {:<17} {}", line.standing, line.step, line.what);
        if line.why.is_empty() {
            text.push('\n');
        } else {
            let _ = writeln!(text, ": {}", line.why);
        }
    }
    let run = steps
        .iter()
        .filter(|line| matches!(line.standing, "run" | "waits"))
        .count();
    let _ = match run {
        0 => writeln!(text, "Nothing to do."),
        1 => writeln!(text, "1 step would run."),
        run => writeln!(text, "{run} steps would run."),
    };
    text
}
