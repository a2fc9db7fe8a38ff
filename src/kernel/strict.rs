//! The strict check: compares every request with the final configuration itself and trusts no tool's warnings. Pure.
//! Decides what was lost and whether the profile allows it; why the kernel decided so is not evaluated here.

use std::{collections::BTreeMap, fmt};

use miette::Diagnostic;

use super::{
    clause::Clause,
    dotconfig::DotConfig,
    fragment::{AskedBy, Request},
    kata,
    merge::Merged,
    profile::Profile,
    symbols::Symbols,
    value::{Symbol, Value},
    version::KernelVersion,
};
use crate::arch::Arch;

/// What a kernel made of the requests.
#[derive(Clone, Copy, Debug)]
pub struct Resolved<'a> {
    /// The kernel's version.
    pub version: KernelVersion,
    /// The architecture it is configured for.
    pub arch: Arch,
    /// Every symbol its tree defines.
    pub symbols: &'a Symbols,
    /// The final configuration.
    pub config: &'a DotConfig,
}

/// How a request was not met. In the order in which they are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Loss {
    /// The profile says it must be off, and it is on.
    MustBeOff,
    /// A fragment wants it off, and it is on.
    On,
    /// The tree has no such symbol: mistyped, renamed, removed, or of another architecture.
    Unknown,
    /// The symbol exists but is not set: what it depends on does not hold.
    Unmet,
    /// Requested built in, became a module.
    Module,
    /// Any other value than the requested one.
    Different,
}

/// A request that was not met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How.
    pub loss: Loss,
    /// The request.
    pub request: Request,
    /// The value in the final configuration.
    pub actual: Value,
    /// What may help: what the symbol depends on, or a symbol with a similar name.
    pub hint: Option<String>,
    /// Why it was not met, and what to write instead.
    pub explanation: Option<String>,
}

/// The outcome of the check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Requests that were met, by symbol.
    pub met: Vec<Request>,
    /// Requests that were not met and need not be, with the clause that says so.
    pub waived: Vec<(Finding, Clause)>,
    /// Requests that were not met and must be.
    pub failures: Vec<Finding>,
    /// Waivers that no longer apply: the clause, and why.
    pub idle: Vec<(Clause, String)>,
}

/// Requests that were not met, as an error.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error(
    "{count} of {requests} requests did not reach the configuration of Linux {version} for {arch}"
)]
#[diagnostic(
    code(kernel::strict),
    help(
        "correct or remove the request; or request what it depends on; or, when the guest can do without it, add \
         `- {{symbol: …, reason: …, versions: …}}` to `waivers` in {profile}"
    )
)]
pub struct Unmet {
    count: usize,
    requests: usize,
    version: KernelVersion,
    arch: Arch,
    profile: String,
    #[related]
    groups: Vec<Group>,
}

/// Findings of one kind, as a part of [`Unmet`].
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("{}", .0)]
struct Group(String);

impl Loss {
    /// Says what the symbols of this kind have in common.
    fn title(self) -> &'static str {
        match self {
            Self::MustBeOff => "must be off, but on",
            Self::On => {
                "requested off, but on: another symbol selects it, or the architecture needs it"
            }
            Self::Unknown => {
                "no such symbol in this kernel: mistyped, renamed, removed, or not for this architecture"
            }
            Self::Unmet => "not set: what it depends on does not hold",
            Self::Module => "requested built in, but a module",
            Self::Different => "another value",
        }
    }
}

/// Prints one line, and a second one when there is a hint.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Request {
            symbol,
            value,
            origin,
            ..
        } = &self.request;
        write!(f, "{origin}  {symbol}  requested {value}, ")?;
        match &self.actual {
            Value::No => write!(f, "is not set")?,
            actual => write!(f, "is {actual}")?,
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n    {hint}")?;
        }
        // Its first line says again what was requested and what is.
        let explanation = self
            .explanation
            .iter()
            .flat_map(|text| text.lines().skip(1));
        explanation
            .into_iter()
            .try_for_each(|line| write!(f, "\n  {line}"))
    }
}

impl Verdict {
    /// Returns the failures as an error; nothing when there are none.
    #[must_use]
    pub fn error(&self, profile: &Profile, resolved: &Resolved<'_>) -> Option<Unmet> {
        let mut groups: BTreeMap<Loss, Vec<&Finding>> = BTreeMap::new();
        for finding in &self.failures {
            groups.entry(finding.loss).or_default().push(finding);
        }
        (!groups.is_empty()).then(|| Unmet {
            count: self.failures.len(),
            requests: self.met.len() + self.waived.len() + self.failures.len(),
            version: resolved.version,
            arch: resolved.arch,
            profile: profile.file.clone(),
            groups: groups
                .into_iter()
                .map(|(loss, mut findings)| {
                    findings.sort_by(|one, two| one.request.origin.cmp(&two.request.origin));
                    let rows: String = findings.iter().map(|row| format!("\n  {row}")).collect();
                    Group(format!("{}{rows}", loss.title()))
                })
                .collect(),
        })
    }
}

/// Compares every request with the final configuration.
#[must_use]
pub fn compare(merged: &Merged, profile: &Profile, resolved: &Resolved<'_>) -> Verdict {
    let clauses: Vec<_> = profile
        .waivers
        .iter()
        .filter(|clause| clause.applies(resolved.version, resolved.arch))
        .collect();
    let mut verdict = Verdict {
        met: Vec::new(),
        waived: Vec::new(),
        failures: Vec::new(),
        idle: Vec::new(),
    };
    for request in merged.requests.values() {
        let waiver = clauses
            .iter()
            .find(|clause| clause.symbol == request.symbol);
        match (finding(request, resolved), waiver) {
            (None, _) => verdict.met.push(request.clone()),
            (Some(finding), Some(clause)) => verdict.waived.push((finding, (*clause).clone())),
            (Some(mut finding), None) => {
                let ended = over(profile, resolved).find(|clause| clause.symbol == request.symbol);
                if let Some(clause) = ended {
                    finding.hint = Some(format!("the waiver at {} has ended", clause.origin));
                }
                verdict.failures.push(finding);
            }
        }
    }
    let idle = clauses
        .into_iter()
        .filter(|clause| !kata::is_whitelist(&clause.origin.file))
        .filter_map(|clause| Some((clause.clone(), idle(clause, merged, &verdict)?)));
    let over = over(profile, resolved).map(|clause| {
        let why = format!("it ended before Linux {}", resolved.version);
        (clause.clone(), why)
    });
    verdict.idle = idle.chain(over).collect();
    verdict
}

/// Returns the waivers that held for older kernels only.
fn over<'a>(profile: &'a Profile, resolved: &Resolved<'_>) -> impl Iterator<Item = &'a Clause> {
    let (version, arch) = (resolved.version, resolved.arch);
    profile
        .waivers
        .iter()
        .filter(move |clause| clause.is_for(arch) && clause.versions.is_over(version))
        .filter(|clause| !kata::is_whitelist(&clause.origin.file))
}

fn finding(request: &Request, resolved: &Resolved<'_>) -> Option<Finding> {
    let actual = resolved.config.value(&request.symbol);
    let definition = resolved.symbols.get(&request.symbol);
    let loss = match (&request.value, actual) {
        // Off because it does not exist is not what was meant: a mistyped name must not pass for a symbol that is off.
        (_, Value::No) if definition.is_none() => Loss::Unknown,
        (wanted, actual) if wanted.means(actual) => return None,
        (Value::No, _) if request.asked == AskedBy::Profile => Loss::MustBeOff,
        (Value::No, _) => Loss::On,
        (_, Value::No) => Loss::Unmet,
        (Value::Yes, Value::Module) => Loss::Module,
        _ => Loss::Different,
    };
    let hint = match (loss, definition) {
        (Loss::Unknown, _) => {
            near(&request.symbol, resolved.symbols).map(|symbol| format!("did you mean {symbol}?"))
        }
        _ => None,
    };
    Some(Finding {
        loss,
        request: request.clone(),
        actual: actual.clone(),
        hint,
        explanation: None,
    })
}

fn near<'a>(symbol: &Symbol, symbols: &'a Symbols) -> Option<&'a Symbol> {
    symbols
        .keys()
        .map(|other| {
            let distance = strsim::damerau_levenshtein(symbol.as_str(), other.as_str());
            (distance, other)
        })
        // Two letters apart is another symbol more often than a slip: NF_NAT_PROTO_GRE and NF_CT_PROTO_GRE.
        .filter(|(distance, other)| *distance == 1 && other.as_str().len() > 3)
        .min()
        .map(|(_, other)| other)
}

/// Says why a waiver was not needed; nothing when it was.
fn idle(clause: &Clause, merged: &Merged, verdict: &Verdict) -> Option<String> {
    if verdict.waived.iter().any(|(_, used)| used == clause) {
        return None;
    }
    Some(match merged.requests.get(&clause.symbol) {
        Some(request) if verdict.met.contains(request) => {
            format!("the request at {} is met", request.origin)
        }
        Some(_) => "another waiver for the same symbol comes first".to_owned(),
        None => "nothing requests it".to_owned(),
    })
}
