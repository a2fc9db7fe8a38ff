//! Statements about one symbol with a reason: what a profile wants off, lets be lost, or leaves out. Decides what such a
//! statement says and for which kernels; what follows from it is for those that read the profile.

use std::collections::BTreeSet;

use serde_yaml::{Mapping, Value as Yaml};

use super::{
    fragment::Origin,
    profile_form::{Reader, names, unknown},
    value::Symbol,
    version::{KernelVersion, NotARange, VersionRange},
    yamlline,
};
use crate::arch::Arch;

/// A statement about one symbol, with its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clause {
    /// The symbol.
    pub symbol: Symbol,
    /// Why.
    pub reason: String,
    /// Which feature it serves, when it is said.
    pub feature: Option<String>,
    /// For which kernels.
    pub versions: VersionRange,
    /// For which architectures; all when absent.
    pub architectures: Option<BTreeSet<Arch>>,
    /// Where it stands.
    pub origin: Origin,
}

impl Clause {
    /// Tells whether the clause speaks about this kernel.
    #[must_use]
    pub fn applies(&self, version: KernelVersion, arch: Arch) -> bool {
        self.versions.holds(version) && self.is_for(arch)
    }

    /// Tells whether the clause speaks about this architecture.
    #[must_use]
    pub fn is_for(&self, arch: Arch) -> bool {
        self.architectures
            .as_ref()
            .is_none_or(|architectures| architectures.contains(&arch))
    }

    /// Tells whether both say something about the same kernels.
    pub(super) fn same_subject(&self, other: &Self) -> bool {
        self.symbol == other.symbol
            && self.versions == other.versions
            && self.architectures == other.architectures
    }
}

impl Reader<'_> {
    pub(super) fn clauses(&mut self, map: &Mapping, section: &str) -> Vec<Clause> {
        let items = match map.get(section) {
            None | Some(Yaml::Null) => return Vec::new(),
            Some(Yaml::Sequence(items)) => items,
            Some(_) => {
                let line = yamlline::key(self.text, section);
                self.tell(line, "write a list of `{symbol: …, reason: …}`");
                return Vec::new();
            }
        };
        let mut clauses: Vec<Clause> = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let line = yamlline::item(self.text, section, index);
            if let Some(clause) = self.clause(line, item) {
                if let Some(other) = clauses.iter().find(|other| other.same_subject(&clause)) {
                    let told = format!("said on line {} already: remove one", other.origin.line);
                    self.tell(line, told);
                }
                if section == "waivers" && !clause.versions.ends() {
                    let told = "a waiver ends: write `versions: \">=6.12, <6.13\"`, for the kernels where it was seen";
                    self.tell(line, told);
                }
                clauses.push(clause);
            }
        }
        clauses
    }

    fn clause(&mut self, line: usize, item: &Yaml) -> Option<Clause> {
        const FIELDS: [&str; 5] = ["symbol", "reason", "feature", "versions", "architectures"];
        let Some(map) = item.as_mapping() else {
            self.tell(line, "write `{symbol: …, reason: …}`");
            return None;
        };
        for key in map.keys().map(|key| key.as_str().unwrap_or_default()) {
            if !FIELDS.contains(&key) {
                self.tell(line, unknown(key, &FIELDS));
            }
        }
        let symbol = match map.get("symbol") {
            Some(Yaml::String(text)) => text.parse::<Symbol>().map_err(|wrong| wrong.to_string()),
            Some(Yaml::Number(number)) => Err(format!("write the symbol in quotes: \"{number}\"")),
            _ => Err("no `symbol`: write `symbol: NAME`".to_owned()),
        };
        let symbol = symbol.map_err(|told| self.tell(line, told)).ok();
        let reason = map.get("reason").and_then(Yaml::as_str).unwrap_or_default();
        if reason.trim().is_empty() {
            self.tell(
                line,
                "no reason: write `reason: …`, for the next person who wonders",
            );
        }
        Some(Clause {
            symbol: symbol?,
            reason: reason.split_whitespace().collect::<Vec<_>>().join(" "),
            feature: map.get("feature").and_then(Yaml::as_str).map(str::to_owned),
            versions: self.versions(line, map.get("versions")),
            architectures: self.architectures(line, map.get("architectures")),
            origin: Origin {
                file: self.file.to_owned(),
                line,
            },
        })
    }

    fn versions(&mut self, line: usize, yaml: Option<&Yaml>) -> VersionRange {
        let text = match yaml {
            None => return VersionRange::default(),
            Some(Yaml::String(text)) => text.clone(),
            Some(other) => serde_yaml::to_string(other).unwrap_or_default(),
        };
        text.trim().parse().unwrap_or_else(|wrong: NotARange| {
            self.tell(line, wrong.to_string());
            VersionRange::default()
        })
    }

    pub(super) fn architectures(
        &mut self,
        line: usize,
        yaml: Option<&Yaml>,
    ) -> Option<BTreeSet<Arch>> {
        let items = match yaml? {
            Yaml::Sequence(items) if !items.is_empty() => items,
            _ => {
                self.tell(line, "write `architectures: [x86_64, …]`");
                return None;
            }
        };
        let mut architectures = BTreeSet::new();
        for item in items {
            let text = item.as_str().unwrap_or_default();
            match text.parse() {
                Ok(arch) => {
                    architectures.insert(arch);
                }
                Err(_) => self.tell(line, unknown(text, &names())),
            }
        }
        Some(architectures)
    }
}
