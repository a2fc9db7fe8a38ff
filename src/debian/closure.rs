//! Dependency closures: a list of packages and all they need (`Pre-Depends`, `Depends`), chosen by a plain walk.
//!
//! The walk is breadth first from the requested packages, so it depends only on the universe and on the list. A group
//! of alternatives is settled by what is chosen already; otherwise by the first alternative that exists, a package
//! of that name before a provider of it. There is one candidate per name and no backtracking: a stable suite never
//! needs it, and a list that would is told what stands in its way. `Essential` implies nothing; `Recommends` is not read.

use std::collections::{BTreeMap, VecDeque};

use super::{
    problem::Problem,
    relation::{self, Relation},
    universe::{Candidate, Universe},
};

/// The packages that a list needs, with itself, by name.
pub type Closure<'a> = BTreeMap<&'a str, Candidate<'a>>;

/// Returns the closure of the requested packages.
///
/// # Errors
/// Every problem: unknown names, dependencies that nothing satisfies, packages that cannot be together.
pub fn close<'a>(
    universe: &Universe<'a>,
    requested: &[String],
) -> Result<Closure<'a>, Vec<Problem>> {
    let mut walk = Walk {
        universe,
        chosen: BTreeMap::new(),
        parents: BTreeMap::new(),
        queue: VecDeque::new(),
        problems: Vec::new(),
    };
    for name in requested {
        match universe.candidate(name) {
            Some(candidate) => walk.choose(candidate, None),
            None => walk.problems.push(universe.unknown(name)),
        }
    }
    while let Some(candidate) = walk.queue.pop_front() {
        walk.visit(candidate);
    }
    walk.find_conflicts();
    if walk.problems.is_empty() {
        Ok(walk.chosen)
    } else {
        Err(walk.problems)
    }
}

struct Walk<'u, 'a> {
    universe: &'u Universe<'a>,
    chosen: Closure<'a>,
    /// Who brought a package in; requested ones have no parent.
    parents: BTreeMap<&'a str, &'a str>,
    queue: VecDeque<Candidate<'a>>,
    problems: Vec<Problem>,
}

impl<'a> Walk<'_, 'a> {
    fn choose(&mut self, candidate: Candidate<'a>, parent: Option<&'a str>) {
        let name = candidate.name();
        if self.chosen.insert(name, candidate).is_some() {
            return;
        }
        if candidate.version().is_none() {
            self.problems.push(Problem::Unreadable {
                package: name.to_owned(),
                field: "Version",
                why: format!("`{}` is not a version", candidate.package.version),
            });
        }
        if let Some(parent) = parent {
            self.parents.insert(name, parent);
        }
        self.queue.push_back(candidate);
    }

    fn visit(&mut self, candidate: Candidate<'a>) {
        let package = candidate.package;
        for (field, text) in [
            ("Pre-Depends", &package.pre_depends),
            ("Depends", &package.depends),
        ] {
            match relation::parse(text) {
                Ok(groups) => {
                    for group in groups {
                        self.settle(candidate, &group);
                    }
                }
                Err(error) => self.unreadable(candidate, field, &error),
            }
        }
    }

    fn settle(&mut self, needing: Candidate<'a>, group: &[Relation]) {
        if group.iter().any(|relation| self.is_met(relation)) {
            return;
        }
        match group.iter().find_map(|relation| self.find(relation)) {
            Some(candidate) => self.choose(candidate, Some(needing.name())),
            None => self.problems.push(Problem::Unsatisfiable {
                package: needing.name().to_owned(),
                needs: join(group.iter().map(ToString::to_string), " | "),
                lack: join(group.iter().map(|r| self.universe.lack(r)), ", "),
                chain: self.chain(needing.name()),
                alternatives: group.iter().map(|r| r.name.clone()).collect(),
            }),
        }
    }

    fn is_met(&self, relation: &Relation) -> bool {
        let by_name = self.chosen.get(&*relation.name);
        by_name.is_some_and(|c| self.universe.satisfies(c, relation))
            || self
                .universe
                .providers(&relation.name)
                .iter()
                .any(|provider| {
                    self.chosen.contains_key(provider.name())
                        && self.universe.satisfies(provider, relation)
                })
    }

    fn find(&self, relation: &Relation) -> Option<Candidate<'a>> {
        self.universe
            .candidate(&relation.name)
            .into_iter()
            .chain(self.universe.providers(&relation.name))
            .find(|candidate| self.universe.satisfies(candidate, relation))
    }

    fn find_conflicts(&mut self) {
        let mut found = Vec::new();
        for candidate in self.chosen.values() {
            for (field, text) in ["Conflicts", "Breaks"]
                .iter()
                .zip(&candidate.package.conflicts)
            {
                match relation::parse_list(text) {
                    Ok(relations) => found.extend(
                        relations
                            .iter()
                            .flat_map(|relation| self.conflicts(*candidate, relation)),
                    ),
                    Err(error) => found.push(Problem::Unreadable {
                        package: candidate.name().to_owned(),
                        field,
                        why: error.to_string(),
                    }),
                }
            }
        }
        self.problems.append(&mut found);
    }

    fn conflicts(&self, candidate: Candidate<'a>, relation: &Relation) -> Vec<Problem> {
        let by_name = self.chosen.get(&*relation.name).copied();
        let providers = self.universe.providers(&relation.name).into_iter();
        by_name
            .into_iter()
            .chain(providers.filter(|p| self.chosen.contains_key(p.name())))
            // A package may conflict with a name that it provides: no other may (policy, 7.4).
            .filter(|other| other.name() != candidate.name())
            .filter(|other| self.universe.satisfies(other, relation))
            .map(|other| Problem::Conflict {
                package: candidate.name().to_owned(),
                other: other.name().to_owned(),
                relation: relation.to_string(),
                chain: self.chain(candidate.name()),
                other_chain: self.chain(other.name()),
            })
            .collect()
    }

    fn unreadable(
        &mut self,
        candidate: Candidate<'a>,
        field: &'static str,
        error: &relation::BadRelation,
    ) {
        self.problems.push(Problem::Unreadable {
            package: candidate.name().to_owned(),
            field,
            why: error.to_string(),
        });
    }

    /// Returns the names from the requested package down to this one.
    fn chain(&self, name: &str) -> Vec<String> {
        let mut chain = vec![name.to_owned()];
        let mut child = name;
        while let Some(parent) = self.parents.get(child) {
            chain.push((*parent).to_owned());
            child = parent;
        }
        chain.reverse();
        chain
    }
}

fn join(words: impl Iterator<Item = String>, between: &str) -> String {
    words.collect::<Vec<_>>().join(between)
}

#[cfg(test)]
mod tests;
