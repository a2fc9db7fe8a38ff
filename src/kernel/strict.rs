//! The strict check: compares every request with the final configuration itself and trusts no tool's warnings. Pure.
//! Decides what was lost and whether the profile allows it; why the kernel decided so is not evaluated here.

use std::{collections::BTreeMap, fmt};

use miette::Diagnostic;

use super::{
    dotconfig::DotConfig,
    fragment::{AskedBy, Request},
    merge::Merged,
    profile::{Clause, Profile},
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
         `- {{symbol: …, reason: …}}` to `waivers` in {profile}"
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
        match &self.hint {
            Some(hint) => write!(f, "\n    {hint}"),
            None => Ok(()),
        }
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
            (Some(finding), None) => verdict.failures.push(finding),
        }
    }
    verdict.idle = clauses
        .into_iter()
        .filter_map(|clause| Some((clause.clone(), idle(clause, merged, &verdict)?)))
        .collect();
    verdict
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
        (Loss::Unmet, Some(definition)) if definition.depends.is_empty() => Some(format!(
            "defined at {}: it has no prompt, or the menu around it is off",
            definition.origin
        )),
        (Loss::Unmet, Some(definition)) => Some(format!(
            "depends on {} ({})",
            definition.depends.join("; "),
            definition.origin
        )),
        _ => None,
    };
    Some(Finding {
        loss,
        request: request.clone(),
        actual: actual.clone(),
        hint,
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

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use miette::{GraphicalReportHandler, GraphicalTheme};

    use super::*;
    use crate::kernel::{
        fragment::{Fragment, Origin},
        merge::merge,
        symbols::Definition,
    };

    fn check(fragment: &str, profile: &str, config: &str, symbols: &[&str]) -> String {
        let version = "6.12.117".parse().unwrap();
        let text =
            format!("schema: 1\nname: t\nsummary: s\nfragments: {{common: [f.conf]}}\n{profile}");
        let profile = Profile::parse("profiles/t.yaml", &text).unwrap();
        let requests = Fragment::parse("f.conf", fragment.as_bytes())
            .unwrap()
            .requests
            .into_iter()
            .chain(profile.off_requests(version, Arch::X86_64));
        let merged = merge(requests, version);
        let symbols = symbols
            .iter()
            .map(|text| {
                let (name, depends) = text.split_once(' ').unwrap_or((text, ""));
                let origin = Origin {
                    file: "net/Kconfig".into(),
                    line: 7,
                };
                let depends = [depends]
                    .iter()
                    .filter(|text| !text.is_empty())
                    .map(ToString::to_string)
                    .collect();
                (name.parse().unwrap(), Definition { origin, depends })
            })
            .collect();
        let config = DotConfig::parse(config).unwrap();
        let resolved = Resolved {
            version,
            arch: Arch::X86_64,
            symbols: &symbols,
            config: &config,
        };
        let verdict = compare(&merged, &profile, &resolved);
        let mut told = format!(
            "met {}, waived {}\n",
            verdict.met.len(),
            verdict.waived.len()
        );
        for (clause, why) in &verdict.idle {
            told += &format!("idle line {}: {} {why}\n", clause.line, clause.symbol);
        }
        if let Some(error) = verdict.error(&profile, &resolved) {
            GraphicalReportHandler::new_themed(GraphicalTheme::none())
                .with_width(110)
                .render_report(&mut told, &error)
                .unwrap();
        }
        told
    }

    #[test]
    fn every_kind_of_loss_is_told_with_its_place_at_once() {
        assert_snapshot!(check(
            "CONFIG_VIRTIO_FS=y\nCONFIG_VIRTIO_NEET=y\n# CONFIG_PCI is not set\nCONFIG_EXT4_FS=y\n\
             CONFIG_NR_CPUS=0x10\nCONFIG_CMDLINE=\"a\"\nCONFIG_NET=y\n# CONFIG_TYPO_OFF is not set\nCONFIG_HIDDEN=y\n",
            "off: [{symbol: MODULE_SIG, reason: random key}]\n",
            "CONFIG_PCI=y\nCONFIG_EXT4_FS=m\nCONFIG_NR_CPUS=16\nCONFIG_CMDLINE=\"b\"\nCONFIG_NET=y\nCONFIG_MODULE_SIG=y\n",
            &["VIRTIO_FS FUSE_FS && VIRTIO", "VIRTIO_NET", "PCI", "EXT4_FS", "NR_CPUS", "CMDLINE", "NET", "MODULE_SIG", "HIDDEN"],
        ), @r#"
    met 2, waived 0
    kernel::strict

      x 8 of 10 requests did not reach the configuration of Linux 6.12.117 for x86_64
      help: correct or remove the request; or request what it depends on; or, when the guest can do without it,
            add `- {symbol: …, reason: …}` to `waivers` in profiles/t.yaml

    Error: 
      x must be off, but on
      |   profiles/t.yaml:5  MODULE_SIG  requested n, is y

    Error: 
      x requested off, but on: another symbol selects it, or the architecture needs it
      |   f.conf:3  PCI  requested n, is y

    Error: 
      x no such symbol in this kernel: mistyped, renamed, removed, or not for this architecture
      |   f.conf:2  VIRTIO_NEET  requested y, is not set
      |     did you mean VIRTIO_NET?
      |   f.conf:8  TYPO_OFF  requested n, is not set

    Error: 
      x not set: what it depends on does not hold
      |   f.conf:1  VIRTIO_FS  requested y, is not set
      |     depends on FUSE_FS && VIRTIO (net/Kconfig:7)
      |   f.conf:9  HIDDEN  requested y, is not set
      |     defined at net/Kconfig:7: it has no prompt, or the menu around it is off

    Error: 
      x requested built in, but a module
      |   f.conf:4  EXT4_FS  requested y, is m

    Error: 
      x another value
      |   f.conf:6  CMDLINE  requested "a", is "b"
    "#);
    }

    #[test]
    fn what_is_met_or_waived_is_no_failure() {
        assert_snapshot!(check(
            "CONFIG_A=y\nCONFIG_B=y\nCONFIG_C=y\n",
            "waivers:\n- {symbol: A, reason: gone, versions: '>=6.0, <7.0'}\n- {symbol: B, reason: met by now}\n\
             - {symbol: D, reason: never asked}\n- {symbol: C, reason: not here, architectures: [s390x]}\n\
             - {symbol: C, reason: not yet, versions: '>=7.0'}\n",
            "CONFIG_B=y\nCONFIG_C=y\n",
            &["B", "C"],
        ), @"
    met 2, waived 1
    idle line 7: B the request at f.conf:2 is met
    idle line 8: D nothing requests it
    ");
    }

    #[test]
    fn a_waiver_for_other_kernels_waives_nothing() {
        let told = check(
            "CONFIG_A=y\n",
            "waivers: [{symbol: A, reason: gone, versions: '>=7.0'}]\n",
            "",
            &["A"],
        );
        assert!(told.contains("1 of 1 requests did not reach"), "{told}");
    }
}
