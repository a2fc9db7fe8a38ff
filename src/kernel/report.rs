//! The strict check's report as JSON: a product of the configure step that travels in the artifact. Holds no path of
//! this machine and no time; two runs over the same inputs give the same bytes.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    clause::Clause,
    fragment::Request,
    merge::Merged,
    profile::Profile,
    strict::{Finding, Loss, Resolved, Verdict},
    value::{Symbol, Value},
};
use crate::arch::Arch;

/// The version of the report's form. Readers refuse others; a change of a field's meaning makes a new one.
const SCHEMA: u32 = 1;

#[derive(Serialize)]
struct Report<'a> {
    schema: u32,
    profile: &'a str,
    kernel: String,
    architecture: Arch,
    /// Symbols that are on in the final configuration.
    enabled: usize,
    requests: usize,
    met: usize,
    failures: Vec<Row<'a>>,
    waived: Vec<Row<'a>>,
    /// Requests that this kernel version is not asked for.
    skipped: Vec<Row<'a>>,
    /// Symbols that Kata's own configuration requests and this profile does not.
    omitted: BTreeMap<&'a Symbol, &'a str>,
    warnings: &'a [String],
    features: BTreeMap<&'a str, BTreeMap<&'a Symbol, Served<'a>>>,
}

#[derive(Serialize)]
struct Row<'a> {
    symbol: &'a Symbol,
    requested: &'a Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    actual: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    loss: Option<Loss>,
    at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    waiver: Option<&'a str>,
}

#[derive(Serialize)]
struct Served<'a> {
    value: &'a Value,
    at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

/// Returns the report as JSON text with a final newline.
#[must_use]
pub fn report(
    profile: &Profile,
    merged: &Merged,
    resolved: &Resolved<'_>,
    verdict: &Verdict,
    warnings: &[String],
) -> String {
    let report = Report {
        schema: SCHEMA,
        profile: &profile.name,
        kernel: resolved.version.to_string(),
        architecture: resolved.arch,
        enabled: resolved.config.count_on(),
        requests: merged.requests.len(),
        met: verdict.met.len(),
        failures: verdict.failures.iter().map(|row| lost(row, None)).collect(),
        waived: verdict
            .waived
            .iter()
            .map(|(row, clause)| lost(row, Some(clause)))
            .collect(),
        skipped: merged.skipped.iter().map(skipped).collect(),
        omitted: profile
            .omitted
            .iter()
            .filter(|clause| clause.applies(resolved.version, resolved.arch))
            .map(|clause| (&clause.symbol, clause.reason.as_str()))
            .collect(),
        warnings,
        features: features(&verdict.met),
    };
    let mut text = serde_json::to_string_pretty(&report).expect("a report is plain data");
    text.push('\n');
    text
}

fn lost<'a>(finding: &'a Finding, clause: Option<&'a Clause>) -> Row<'a> {
    Row {
        symbol: &finding.request.symbol,
        requested: &finding.request.value,
        actual: Some(&finding.actual),
        loss: Some(finding.loss),
        at: finding.request.origin.to_string(),
        waiver: clause.map(|clause| clause.reason.as_str()),
    }
}

fn skipped(request: &Request) -> Row<'_> {
    Row {
        symbol: &request.symbol,
        requested: &request.value,
        actual: None,
        loss: None,
        at: request.origin.to_string(),
        waiver: None,
    }
}

fn features(met: &[Request]) -> BTreeMap<&str, BTreeMap<&Symbol, Served<'_>>> {
    let mut features: BTreeMap<&str, BTreeMap<&Symbol, Served<'_>>> = BTreeMap::new();
    for request in met {
        for feature in &request.features {
            features.entry(feature).or_default().insert(
                &request.symbol,
                Served {
                    value: &request.value,
                    at: request.origin.to_string(),
                    reason: request.reason.as_deref(),
                },
            );
        }
    }
    features
}
