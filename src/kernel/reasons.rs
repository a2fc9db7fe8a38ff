//! Why requests were lost: explanations for what the strict check found, each with what to write instead. What was lost is
//! decided in `strict`; how the kernel's options lead there, in `kconfig`.

use std::{fs, path::Path};

use super::{
    dotconfig::DotConfig,
    fragment::Request,
    merge::Merged,
    options::{Options, Question},
    profile::Profile,
    strict::{Resolved, Unmet, Verdict, compare},
    version::KernelVersion,
};
use crate::{
    arch::Arch,
    kconfig::{
        evaluate::Values,
        explain::{Explanation, Knowledge, explain},
        remedy::{Found, Limits, Remedy, remedy},
    },
};

/// For as many failures a remedy is looked for: each takes up to a third of a second.
const REMEDIES: usize = 30;

/// A symbol's value explained, with what gives it the wanted one.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Explained {
    /// Why it has its value.
    #[serde(flatten)]
    pub explanation: Explanation,
    /// What to write; nothing when it has the wanted value, or when another symbol's remedy helps.
    pub remedy: Option<Remedy>,
    /// The symbol whose remedy gives this one its value too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub helped_by: Option<String>,
}

impl std::fmt::Display for Explained {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let explanation = self.explanation.to_string();
        if let Some(other) = &self.helped_by {
            let first = explanation.lines().next().unwrap_or_default();
            return write!(out, "{first}\n  met too with what is said for {other}");
        }
        write!(out, "{}", explanation.trim_end())?;
        match &self.remedy {
            Some(remedy) => write!(out, "\n{}", remedy.to_string().trim_end()),
            None => Ok(()),
        }
    }
}

/// Returns the requests that a configuration does not meet, in the order of their symbols.
#[must_use]
pub fn lost<'a>(merged: &'a Merged, config: &DotConfig) -> Vec<&'a Request> {
    merged
        .requests
        .values()
        .filter(|request| !request.value.means(config.value(&request.symbol)))
        .collect()
}

/// Explains the value of a symbol, and looks for what gives it the wanted one: by default the requested one, or `y`.
/// `source` is the tree whose options these are.
#[must_use]
pub fn explained(
    values: &Values<'_>,
    question: &Question,
    source: &Path,
    name: &str,
    wanted: Option<&str>,
) -> Explained {
    let asked = question.asked();
    let requested = asked.last(name).map(|request| request.value.clone());
    let wanted = wanted.map(str::to_owned).or(requested);
    let wanted = wanted.unwrap_or_else(|| "y".to_owned());
    with_knowledge(source, |knowledge| {
        let remedy = remedy(
            values,
            asked,
            question.base,
            knowledge,
            name,
            &wanted,
            Limits::USUAL,
        );
        Explained {
            explanation: explain(values, asked, knowledge, name),
            remedy: (remedy != Remedy::NotNeeded).then_some(remedy),
            helped_by: None,
        }
    })
}

/// Explains requests that are lost. Where one cause costs many, its remedy stands at the first; that it helps the others
/// was evaluated.
#[must_use]
pub fn explain_lost(
    lost: &[&Request],
    options: &Options,
    question: &Question,
    source: &Path,
) -> Vec<Explained> {
    let values = options.answer(question);
    let mut told: Vec<Option<Explained>> = vec![None; lost.len()];
    let mut searched = 0;
    for (number, request) in lost.iter().enumerate() {
        if told[number].is_some() {
            continue;
        }
        let name = request.symbol.as_str();
        let wanted = value_of(request);
        let mut explained = if searched < REMEDIES {
            explained(&values, question, source, name, Some(&wanted))
        } else {
            only_explained(&values, question, source, name)
        };
        searched += 1;
        if let Some(Remedy::Found(found)) = &mut explained.remedy {
            let others = helped(found, &lost[number + 1..], options, question);
            for (other, helped) in told[number + 1..].iter_mut().zip(others) {
                if helped && other.is_none() {
                    *other = Some(Explained {
                        explanation: explained.explanation.clone(),
                        remedy: None,
                        helped_by: Some(name.to_owned()),
                    });
                }
            }
        }
        told[number] = Some(explained);
    }
    let explain_helped = |(request, explained): (&&Request, Option<Explained>)| {
        let explained = explained?;
        if explained.helped_by.is_none() {
            return Some(explained);
        }
        let own = only_explained(&values, question, source, request.symbol.as_str());
        Some(Explained {
            helped_by: explained.helped_by,
            ..own
        })
    };
    lost.iter().zip(told).filter_map(explain_helped).collect()
}

/// Tells for each request whether it is met once a remedy is applied.
fn helped(found: &Found, others: &[&Request], options: &Options, question: &Question) -> Vec<bool> {
    let mut after = question.clone();
    let added = found.add.iter().map(|line| (&line.symbol, &line.value));
    let changed = found
        .change
        .iter()
        .map(|change| (&change.symbol, &change.to));
    for (symbol, value) in added.chain(changed) {
        after.request(symbol, value);
    }
    let text = options.answer(&after).dot_config();
    let config = DotConfig::parse(&text).unwrap_or_default();
    others
        .iter()
        .map(|request| request.value.means(config.value(&request.symbol)))
        .collect()
}

fn only_explained(
    values: &Values<'_>,
    question: &Question,
    source: &Path,
    name: &str,
) -> Explained {
    with_knowledge(source, |knowledge| Explained {
        explanation: explain(values, question.asked(), knowledge, name),
        remedy: None,
        helped_by: None,
    })
}

/// Returns a request's value as fragments write it.
fn value_of(request: &Request) -> String {
    let line = request.value.line_for(&request.symbol);
    let value = line.split_once('=').map_or("n", |(_, value)| value);
    value.to_owned()
}

/// Puts an explanation into every failure.
pub fn explain_failures(
    verdict: &mut Verdict,
    options: &Options,
    question: &Question,
    source: &Path,
) {
    let lost: Vec<&Request> = verdict.failures.iter().map(|it| &it.request).collect();
    let explained = explain_lost(&lost, options, question, source);
    let texts: Vec<String> = explained.iter().map(ToString::to_string).collect();
    for (failure, text) in verdict.failures.iter_mut().zip(texts) {
        failure.explanation = Some(text);
    }
}

/// Compares what our evaluation leads to with what is requested: what the strict check will say of it, without a build.
#[must_use]
pub fn foretold(
    profile: &Profile,
    merged: &Merged,
    options: &Options,
    question: &Question,
    kernel: (KernelVersion, Arch),
    source: &Path,
) -> Option<Unmet> {
    let text = options.answer(question).dot_config();
    let config = DotConfig::parse(&text).unwrap_or_default();
    let resolved = Resolved {
        version: kernel.0,
        arch: kernel.1,
        symbols: &options.symbols(),
        config: &config,
    };
    let mut verdict = compare(merged, profile, &resolved);
    explain_failures(&mut verdict, options, question, source);
    verdict.error(profile, &resolved)
}

/// Gives the explanations what the tree's files say, line by line.
fn with_knowledge<T>(source: &Path, work: impl FnOnce(Knowledge<'_>) -> T) -> T {
    let line = |file: &str, number: u32| {
        let bytes = fs::read(source.join(file)).ok()?;
        let number = usize::try_from(number).ok()?.checked_sub(1)?;
        let line = bytes.split(|byte| *byte == b'\n').nth(number)?;
        Some(String::from_utf8_lossy(line).trim().to_owned())
    };
    work(Knowledge {
        line: &line,
        ..Knowledge::NONE
    })
}
