//! Which package a name means on one architecture: one candidate per name out of several suites, and who provides what.
//! The highest version wins; of equal ones, the one of the suite listed first; before all, a pin that still exists.

use std::collections::{BTreeMap, BTreeSet};

use debversion::Version;

use super::{
    index::{Package, Priority},
    problem::Problem,
    relation::{Relation, parse_list},
};
use crate::digest::Digest;

/// How many names are suggested for an unknown one.
const SUGGESTIONS: usize = 3;

/// A package that a name may mean, and where it is from.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// The suite whose index has it.
    pub suite: &'a str,
    /// The package.
    pub package: &'a Package,
}

/// What each name means on one architecture.
#[derive(Debug)]
pub struct Universe<'a> {
    architecture: &'a str,
    suites: Vec<&'a str>,
    newest: BTreeMap<&'a str, Candidate<'a>>,
    pinned: BTreeMap<&'a str, Candidate<'a>>,
    providers: BTreeMap<&'a str, Vec<&'a str>>,
}

impl<'a> Candidate<'a> {
    /// Returns its name.
    #[must_use]
    pub fn name(&self) -> &'a str {
        &self.package.name
    }

    /// Returns its version, which was checked when it came into the universe it is compared in.
    pub(super) fn version(&self) -> Option<Version> {
        self.package.version.parse().ok()
    }
}

impl<'a> Universe<'a> {
    /// Returns what names mean on `architecture` (Debian's name) given the packages of each suite, in order of
    /// preference. `pins` are digests of packages to be kept where an index still has them.
    #[must_use]
    pub fn new(
        architecture: &'a str,
        indexes: &[(&'a str, &'a [Package])],
        pins: &BTreeSet<Digest>,
    ) -> Self {
        let mut universe = Self {
            architecture,
            suites: indexes.iter().map(|(suite, _)| *suite).collect(),
            newest: BTreeMap::new(),
            pinned: BTreeMap::new(),
            providers: BTreeMap::new(),
        };
        for &(suite, packages) in indexes {
            for package in packages {
                if *package.architecture == *architecture || &*package.architecture == "all" {
                    universe.admit(Candidate { suite, package }, pins);
                }
            }
        }
        universe.list_providers();
        universe
    }

    fn admit(&mut self, candidate: Candidate<'a>, pins: &BTreeSet<Digest>) {
        let name = candidate.name();
        if pins.contains(&candidate.package.sha256) {
            self.pinned.entry(name).or_insert(candidate);
        }
        let newer = match self.newest.get(name) {
            None => true,
            // A version that is none loses against one that is.
            Some(other) => candidate.version() > other.version(),
        };
        if newer {
            self.newest.insert(name, candidate);
        }
    }

    fn list_providers(&mut self) {
        let candidates = self.newest.values().chain(self.pinned.values());
        let mut providers: BTreeMap<&'a str, Vec<&'a str>> = BTreeMap::new();
        for candidate in candidates {
            for provided in candidate.package.provides.split(',') {
                let provided = provided.trim();
                let end = provided
                    .find(|c: char| c == '(' || c == ':' || c.is_whitespace())
                    .unwrap_or(provided.len());
                if end > 0 {
                    providers
                        .entry(&provided[..end])
                        .or_default()
                        .push(candidate.name());
                }
            }
        }
        for names in providers.values_mut() {
            names.sort_unstable();
            names.dedup();
        }
        self.providers = providers;
    }

    /// Returns what the name means.
    #[must_use]
    pub fn candidate(&self, name: &str) -> Option<Candidate<'a>> {
        self.pinned
            .get(name)
            .or_else(|| self.newest.get(name))
            .copied()
    }

    /// Returns those whose candidates provide the virtual package `name`, the most needed first, then by name.
    #[must_use]
    pub fn providers(&self, name: &str) -> Vec<Candidate<'a>> {
        let mut found: Vec<_> = self
            .providers
            .get(name)
            .into_iter()
            .flatten()
            .filter_map(|provider| self.candidate(provider))
            .filter(|candidate| provided(candidate, name).next().is_some())
            .collect();
        found.sort_by_key(|candidate| {
            let priority: Priority = candidate.package.priority;
            (priority, candidate.name())
        });
        found
    }

    /// Tells whether the candidate is what the relation wants, by its own name or one that it provides.
    #[must_use]
    pub fn satisfies(&self, candidate: &Candidate<'_>, relation: &Relation) -> bool {
        if !self.qualifies(candidate, relation) {
            return false;
        }
        let by_name = candidate.name() == relation.name
            && candidate.version().is_some_and(|v| relation.admits(&v));
        by_name
            || provided(candidate, &relation.name).any(|provided| match provided.version {
                // A provided name without a version satisfies only relations without one (policy, 7.5).
                None => relation.version.is_none(),
                Some((_, version)) => relation.admits(&version),
            })
    }

    fn qualifies(&self, candidate: &Candidate<'_>, relation: &Relation) -> bool {
        match relation.qualifier.as_deref() {
            None | Some("native") => true,
            Some("any") => candidate.package.any,
            Some(architecture) => architecture == self.architecture,
        }
    }

    /// Says why a relation is satisfied by nothing.
    pub(super) fn lack(&self, relation: &Relation) -> String {
        let Some(candidate) = self.candidate(&relation.name) else {
            return if self.providers(&relation.name).is_empty() {
                format!("there is no `{}`", relation.name)
            } else {
                format!("no provider of `{}` will do", relation.name)
            };
        };
        if self.qualifies(&candidate, relation) {
            format!("`{}` is {}", relation.name, candidate.package.version)
        } else {
            format!("`{}` is not for other architectures", relation.name)
        }
    }

    /// Returns the problem of a requested name that means nothing.
    pub fn unknown(&self, name: &str) -> Problem {
        let providers = self.providers(name);
        if !providers.is_empty() {
            return Problem::Virtual {
                name: name.to_owned(),
                providers: providers.iter().map(|p| p.name().to_owned()).collect(),
            };
        }
        Problem::Unknown {
            name: name.to_owned(),
            architecture: self.architecture.to_owned(),
            suites: self.suites.join(", "),
            nearest: self.nearest(name),
        }
    }

    /// Returns known names that look like `name`, the most similar first.
    #[must_use]
    pub fn nearest(&self, name: &str) -> Vec<String> {
        let close = name.len() / 3 + 1;
        let mut found: Vec<(usize, &str)> = self
            .newest
            .keys()
            .filter(|other| other.len().abs_diff(name.len()) <= close)
            .map(|other| (strsim::damerau_levenshtein(name, other), *other))
            .filter(|(distance, _)| *distance <= close)
            .collect();
        found.sort_unstable();
        found
            .into_iter()
            .take(SUGGESTIONS)
            .map(|(_, name)| name.to_owned())
            .collect()
    }

    /// Takes back the pins that stand in the way of solving `problems`; tells whether there were any.
    pub fn unpin(&mut self, problems: &[Problem]) -> bool {
        let before = self.pinned.len();
        for name in problems.iter().flat_map(Problem::involved) {
            let newest = self.newest.get(name).map(|c| c.package.sha256);
            if self
                .pinned
                .get(name)
                .is_some_and(|c| Some(c.package.sha256) != newest)
            {
                self.pinned.remove(name);
            }
        }
        self.pinned.len() < before
    }
}

/// Returns what the candidate says it provides under `name`. What cannot be read is not provided.
fn provided(candidate: &Candidate<'_>, name: &str) -> impl Iterator<Item = Relation> {
    let field = &candidate.package.provides;
    let relations = if field.contains(name) {
        parse_list(field).unwrap_or_default()
    } else {
        Vec::new()
    };
    relations.into_iter().filter(move |r| r.name == name)
}
