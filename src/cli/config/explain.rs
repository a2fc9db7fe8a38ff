//! `config explain`: why a kernel's option has its value, and what to write to give it another.

use std::{collections::BTreeMap, fmt::Write, path::PathBuf};

use super::{
    super::{
        failure::Failure,
        output::{json, result},
        session::Session,
    },
    case::Case,
    subject::Subject,
};
use crate::{
    event::count,
    kconfig::evaluate::Values,
    kernel::{
        dotconfig::DotConfig,
        merge::Merged,
        options::Question,
        reasons::{self, Explained},
    },
};

/// As many of those that another one's remedy helps are named.
const NAMED: usize = 12;

/// Say why a kernel's option has its value, and what to write to give it another
///
/// Follows what the option depends on down to the symbol that is really off, and says who asked for what, where. What it
/// says to write was tried: the option gets the value. Without a symbol, explains every request that is not met.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kata-artifacts config explain VIRTIO_FS                  why is it on, and who asked for it?
  kata-artifacts config explain DAX=y FUSE_FS --json       what would it take? For programs
  kata-artifacts config explain --tree linux-6.12 --arch arm64 --fragment my.conf
                                                           every request of my.conf that is lost")]
pub(crate) struct Args {
    #[command(flatten)]
    subject: Subject,

    /// Add the requests of this fragment; may be repeated
    #[arg(long = "fragment", value_name = "FILE")]
    fragments: Vec<PathBuf>,

    /// Print the explanations as JSON
    #[arg(long)]
    json: bool,

    /// Symbols, with or without CONFIG_, each with the value that is wanted or without: FUSE_FS, FUSE_FS=m
    #[arg(value_name = "SYMBOL")]
    symbols: Vec<String>,
}

impl Args {
    pub(crate) fn run(self, session: &Session) -> Result<(), Failure> {
        let case = self.subject.case(&self.fragments, session)?;
        let merged = case.merged()?;
        let question = case.question(&merged);
        let values = case.options.answer(&question);
        let explained: Vec<Explained> = if self.symbols.is_empty() {
            lost(&case, &merged, &question, &values)
        } else {
            let asked = self.symbols.iter().map(|word| named(word));
            asked
                .map(|(name, wanted)| {
                    reasons::explained(&values, &question, &case.source, name, wanted)
                })
                .collect()
        };
        if self.json {
            json(&serde_json::json!({"schema": 1, "symbols": explained}));
        } else if explained.is_empty() {
            let requests = count(merged.requests.len(), "request is", "requests are");
            result(&format!(
                "all {requests} met by Linux {} for {}",
                case.version, case.arch
            ));
        } else {
            result(&told(&explained));
        }
        let model = case.options.model();
        let known = |word: &String| model.find(named(word).0).is_some();
        if self.symbols.iter().all(known) {
            Ok(())
        } else {
            Err(Failure::Verdict)
        }
    }
}

/// Returns a symbol's name and the value that is wanted of it.
fn named(word: &str) -> (&str, Option<&str>) {
    let (name, value) = match word.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (word, None),
    };
    (name.strip_prefix("CONFIG_").unwrap_or(name), value)
}

/// Explains the requests that are lost.
pub(super) fn lost(
    case: &Case,
    merged: &Merged,
    question: &Question,
    values: &Values<'_>,
) -> Vec<Explained> {
    let text = values.dot_config();
    let config = DotConfig::parse(&text).expect("the evaluator writes what conf writes");
    let lost = reasons::lost(merged, &config);
    reasons::explain_lost(&lost, &case.options, question, &case.source)
}

/// Returns explanations as a person reads them: those that another one's remedy helps are only named.
pub(super) fn told(explained: &[Explained]) -> String {
    let mut texts = Vec::new();
    let mut helped: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for one in explained {
        match &one.helped_by {
            Some(other) => helped
                .entry(other)
                .or_default()
                .push(&one.explanation.symbol),
            None => texts.push(one.to_string()),
        }
    }
    for (other, symbols) in helped {
        let many = count(symbols.len(), "more lost request", "more lost requests");
        let mut names = symbols[..symbols.len().min(NAMED)].join(", ");
        if symbols.len() > NAMED {
            let _ = write!(names, ", … ({} more)", symbols.len() - NAMED);
        }
        texts.push(format!(
            "What is said for {other} meets {many} too: {names}"
        ));
    }
    texts.join("\n\n")
}
