//! Profiles: which fragments make a configuration, what must be off, and what may be missing from it and why.
//! Decides what the file says; what a kernel made of it is for `strict`.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use serde_yaml::{Mapping, Value as Yaml};

use super::{
    badfile::{BadFile, Problem},
    fragment::{AskedBy, Origin, Request},
    value::{Symbol, Value},
    version::{KernelVersion, VersionRange},
    yamlline,
};
use crate::arch::Arch;

pub use super::load::{LoadedProfile, load};

/// The only version of the profile form there is.
const SCHEMA: u64 = 1;
/// Longer profiles are refused before they are read.
const MAX_BYTES: usize = 1 << 20;

/// A profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Its file's name in messages: `profiles/kata.yaml`.
    pub file: String,
    /// Its name.
    pub name: String,
    /// What it is for, in one line.
    pub summary: String,
    /// Fragments for every architecture, in merging order, as paths relative to the directory above `profiles/`.
    pub common: Vec<String>,
    /// Fragments merged after those, by architecture.
    pub own: BTreeMap<Arch, Vec<String>>,
    /// What must be off.
    pub off: Vec<Clause>,
    /// Requests that may be lost.
    pub waivers: Vec<Clause>,
    /// What is not requested though Kata's own configuration does.
    pub omitted: Vec<Clause>,
}

/// A statement about one symbol, with its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clause {
    /// The symbol.
    pub symbol: Symbol,
    /// Why.
    pub reason: String,
    /// For which kernels.
    pub versions: VersionRange,
    /// For which architectures; all when absent.
    pub architectures: Option<BTreeSet<Arch>>,
    /// Its line in the file.
    pub line: usize,
}

impl Clause {
    /// Tells whether the clause speaks about this kernel.
    #[must_use]
    pub fn applies(&self, version: KernelVersion, arch: Arch) -> bool {
        self.versions.holds(version)
            && self
                .architectures
                .as_ref()
                .is_none_or(|architectures| architectures.contains(&arch))
    }
}

impl Profile {
    /// Reads a profile.
    ///
    /// # Errors
    /// Everything that is wrong with the file, at once.
    pub fn parse(file: &str, text: &str) -> Result<Self, BadFile> {
        let whole = |problem: Problem| BadFile::new(file, text, &[problem]);
        if text.len() > MAX_BYTES {
            let told = "longer than 1 MiB: a profile lists fragments and exceptions";
            return Err(BadFile::new(file, "", &[Problem::new(1, told)]));
        }
        let yaml: Yaml = serde_yaml::from_str(text).map_err(|error| {
            let line = error.location().map_or(1, |location| location.line());
            whole(Problem::new(line, error.to_string()))
        })?;
        let Yaml::Mapping(map) = yaml else {
            return Err(whole(Problem::new(
                1,
                "a profile is a map: write `schema: 1` first",
            )));
        };
        let mut reader = Reader {
            text,
            problems: Vec::new(),
        };
        let profile = reader.profile(file, &map);
        if reader.problems.is_empty() {
            Ok(profile)
        } else {
            Err(BadFile::new(file, text, &reader.problems))
        }
    }

    /// Returns the requests of `off` that hold for this kernel.
    pub(super) fn off_requests(
        &self,
        version: KernelVersion,
        arch: Arch,
    ) -> impl Iterator<Item = Request> {
        let file = &self.file;
        self.off
            .iter()
            .filter(move |clause| clause.applies(version, arch))
            .map(move |clause| Request {
                symbol: clause.symbol.clone(),
                value: Value::No,
                origin: Origin {
                    file: file.clone(),
                    line: clause.line,
                },
                asked: AskedBy::Profile,
                reason: Some(clause.reason.clone()),
                features: Vec::new(),
                versions: clause.versions.clone(),
            })
    }
}

/// Returns the fragments of a profile for an architecture in merging order, relative to the directory above `profiles/`.
#[must_use]
pub fn fragments_for(profile: &Profile, arch: Arch) -> Vec<PathBuf> {
    profile
        .common
        .iter()
        .chain(profile.own.get(&arch).into_iter().flatten())
        .map(PathBuf::from)
        .collect()
}

struct Reader<'a> {
    text: &'a str,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn profile(&mut self, file: &str, map: &Mapping) -> Profile {
        const FIELDS: [&str; 7] = [
            "schema",
            "name",
            "summary",
            "fragments",
            "off",
            "waivers",
            "omitted",
        ];
        for key in map.keys().filter_map(Yaml::as_str) {
            if !FIELDS.contains(&key) {
                self.tell(yamlline::key(self.text, key), unknown(key, &FIELDS));
            }
        }
        if map.get("schema").and_then(Yaml::as_u64) != Some(SCHEMA) {
            self.tell(yamlline::key(self.text, "schema"), "write `schema: 1`");
        }
        let (common, own) = self.fragments(map.get("fragments"));
        Profile {
            file: file.to_owned(),
            name: self.line_of_text(map, "name"),
            summary: self.line_of_text(map, "summary"),
            common,
            own,
            off: self.clauses(map, "off"),
            waivers: self.clauses(map, "waivers"),
            omitted: self.clauses(map, "omitted"),
        }
    }

    fn tell(&mut self, line: usize, text: impl Into<String>) {
        self.problems.push(Problem::new(line, text));
    }

    fn line_of_text(&mut self, map: &Mapping, key: &str) -> String {
        match map.get(key).and_then(Yaml::as_str).map(str::trim) {
            Some(text) if !text.is_empty() => text.to_owned(),
            _ => {
                let line = yamlline::key(self.text, key);
                self.tell(line, format!("a profile has a `{key}`: write `{key}: …`"));
                String::new()
            }
        }
    }

    fn fragments(&mut self, yaml: Option<&Yaml>) -> (Vec<String>, BTreeMap<Arch, Vec<String>>) {
        let mut common = Vec::new();
        let mut own = BTreeMap::new();
        let at = yamlline::key(self.text, "fragments");
        let Some(map) = yaml.and_then(Yaml::as_mapping) else {
            self.tell(
                at,
                "write `fragments:` with `common:` and architectures below it",
            );
            return (common, own);
        };
        for (key, list) in map {
            let key = key.as_str().unwrap_or_default();
            let line = yamlline::after(self.text, at, key);
            let paths = self.paths(line, list);
            if key == "common" {
                common = paths;
            } else if let Some(arch) = Arch::ALL.into_iter().find(|arch| arch.name() == key) {
                own.insert(arch, paths);
            } else {
                let names: Vec<_> = Arch::ALL.iter().map(|arch| arch.name()).collect();
                self.tell(line, unknown(key, &[&["common"][..], &names].concat()));
            }
        }
        (common, own)
    }

    fn paths(&mut self, line: usize, yaml: &Yaml) -> Vec<String> {
        let Some(items) = yaml.as_sequence() else {
            self.tell(line, "write a list of fragments");
            return Vec::new();
        };
        let mut paths = Vec::new();
        for item in items {
            let path = item.as_str().unwrap_or_default();
            let at = yamlline::after(self.text, line, path);
            let plain = path.split('/').all(|part| !["", ".", ".."].contains(&part));
            if !plain {
                self.tell(
                    at,
                    "write a path below the directory that holds `profiles/`",
                );
            } else if paths.iter().any(|before| before == path) {
                self.tell(at, format!("`{path}` is listed twice: remove one"));
            } else {
                paths.push(path.to_owned());
            }
        }
        paths
    }

    fn clauses(&mut self, map: &Mapping, section: &str) -> Vec<Clause> {
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
                let same = |other: &&Clause| {
                    other.symbol == clause.symbol
                        && other.versions == clause.versions
                        && other.architectures == clause.architectures
                };
                if let Some(other) = clauses.iter().find(same) {
                    let told = format!("said on line {} already: remove one", other.line);
                    self.tell(line, told);
                }
                clauses.push(clause);
            }
        }
        clauses
    }

    fn clause(&mut self, line: usize, item: &Yaml) -> Option<Clause> {
        const FIELDS: [&str; 4] = ["symbol", "reason", "versions", "architectures"];
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
            versions: self.versions(line, map.get("versions")),
            architectures: self.architectures(line, map.get("architectures")),
            line,
        })
    }

    fn versions(&mut self, line: usize, yaml: Option<&Yaml>) -> VersionRange {
        let text = match yaml {
            None => return VersionRange::default(),
            Some(Yaml::String(text)) => text.clone(),
            Some(other) => serde_yaml::to_string(other).unwrap_or_default(),
        };
        text.trim()
            .parse()
            .unwrap_or_else(|wrong: super::version::NotARange| {
                self.tell(line, wrong.to_string());
                VersionRange::default()
            })
    }

    fn architectures(&mut self, line: usize, yaml: Option<&Yaml>) -> Option<BTreeSet<Arch>> {
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
            match Arch::ALL.into_iter().find(|arch| arch.name() == text) {
                Some(arch) => {
                    architectures.insert(arch);
                }
                None => self.tell(line, unknown(text, &Arch::ALL.map(Arch::name))),
            }
        }
        Some(architectures)
    }
}

fn unknown(word: &str, known: &[&str]) -> String {
    let near = known
        .iter()
        .map(|other| (strsim::damerau_levenshtein(word, other), other))
        .min();
    match near {
        Some((distance, other)) if distance <= 2 => {
            format!("`{word}` is not known here: did you mean `{other}`?")
        }
        _ => format!("`{word}` is not known here: expected {}", known.join(", ")),
    }
}
