//! `config watch`: resolves again whenever a fragment is saved, and says what changed and what is lost.

use std::{collections::BTreeMap, fs, path::PathBuf, thread, time::Duration};

use super::{
    super::{
        failure::Failure,
        output::{result, tell},
        session::Session,
    },
    case::Case,
    explain::{lost, told},
    subject::Subject,
};
use crate::{event::count, kernel::dotconfig::DotConfig};

/// How often files are looked at.
const TICK: Duration = Duration::from_millis(150);

/// Resolve again whenever a fragment is saved, and explain what is lost
///
/// Watches the fragments and the profile; Ctrl-C ends it. The kernel's options are read once, so that an answer takes
/// well under a second.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kata-artifacts config watch                                           while editing kernel/fragments
  kata-artifacts config watch --tree linux-6.12 --arch x86_64 my.conf   while editing my.conf")]
pub(crate) struct Args {
    #[command(flatten)]
    subject: Subject,

    /// Fragments to merge
    #[arg(value_name = "FRAGMENT")]
    fragments: Vec<PathBuf>,

    /// Answer once more for each of this many changes, then end [default: until Ctrl-C]
    #[arg(long, value_name = "N")]
    changes: Option<u32>,
}

impl Args {
    pub(crate) fn run(self, session: &Session) -> Result<(), Failure> {
        let case = self.subject.case(&self.fragments, session)?;
        let mut left = self.changes;
        let mut before = None;
        loop {
            let seen = stamps(&case);
            match answer(&case, before.as_ref()) {
                Ok(now) => before = Some(now),
                // A file may be half-written, or hold a slip: say so and go on watching.
                Err(Failure::Input(report)) => tell(&format!("{report:?}")),
                Err(other) => return Err(other),
            }
            match &mut left {
                Some(0) => return Ok(()),
                Some(left) => *left -= 1,
                None => {}
            }
            while stamps(&case) == seen {
                if session.cancel.is_raised() {
                    return Ok(());
                }
                thread::sleep(TICK);
            }
        }
    }
}

/// Resolves, and says what changed since the last time and what is lost.
fn answer(case: &Case, before: Option<&DotConfig>) -> Result<DotConfig, Failure> {
    let merged = case.merged()?;
    let question = case.question(&merged);
    let values = case.options.answer(&question);
    let text = values.dot_config();
    let now = DotConfig::parse(&text).expect("the evaluator writes what conf writes");
    let lost = lost(case, &merged, &question, &values);
    let on = count(now.count_on(), "symbol", "symbols");
    match before {
        None => result(&format!("{on} on, {} lost", lost.len())),
        Some(before) => {
            let mut rows: Vec<String> = now
                .symbols()
                .chain(before.symbols())
                .filter(|symbol| now.value(symbol) != before.value(symbol))
                .map(|symbol| {
                    format!(
                        "  {symbol}: {} -> {}",
                        before.value(symbol),
                        now.value(symbol)
                    )
                })
                .collect();
            rows.sort();
            rows.dedup();
            let many = rows.len();
            result(&format!("{on} on, {} lost, {many} changed", lost.len()));
            rows.iter().for_each(|row| result(row));
        }
    }
    if !lost.is_empty() {
        result(&told(&lost));
    }
    Ok(now)
}

/// Returns what tells a saved file from the one before: its length and time of change.
fn stamps(case: &Case) -> BTreeMap<PathBuf, Option<(u64, i128)>> {
    use std::os::unix::fs::MetadataExt;
    let stamp = |path: &PathBuf| {
        let known = fs::metadata(path).ok()?;
        Some((
            known.len(),
            i128::from(known.mtime()) * 1_000_000_000 + i128::from(known.mtime_nsec()),
        ))
    };
    case.files()
        .into_iter()
        .map(|path| {
            let stamp = stamp(&path);
            (path, stamp)
        })
        .collect()
}
