//! Profiles: which fragments make a configuration, what must be off, and what may be missing from it and why.
//! Decides what a profile is together with those it extends; one file's form is for `profile_form`, and what a kernel
//! made of it is for `strict`.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use super::{
    badfile::{BadFile, Problem},
    clause::Clause,
    demand::{Asked, Demand},
    fragment::{AskedBy, Request},
    kata::{self, KataDirectory},
    profile_form::Form,
    value::Value,
    version::KernelVersion,
};
use crate::arch::Arch;

pub use super::load::{LoadedProfile, load, load_shipped};

/// A profile, with all that it takes from those it extends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// Its file's name in messages: `profiles/kata.yaml`.
    pub file: String,
    /// Its name.
    pub name: String,
    /// What it is for, in one line.
    pub summary: String,
    /// Which architectures it is for; all when absent.
    pub architectures: Option<BTreeSet<Arch>>,
    /// Fragments for every architecture, in merging order, as paths relative to the directory above `profiles/`.
    pub common: Vec<String>,
    /// Fragments merged after those, by architecture.
    pub own: BTreeMap<Arch, Vec<String>>,
    /// A directory of fragments in the form of Kata's, merged before all others.
    pub kata: Option<KataDirectory>,
    /// What must be off in a kernel that is built from this profile.
    pub off: Vec<Clause>,
    /// What must be off in any kernel that is used for it.
    pub forbidden: Vec<Clause>,
    /// Requests that may be lost.
    pub waivers: Vec<Clause>,
    /// What is not requested though Kata's own configuration does.
    pub omitted: Vec<Clause>,
    /// The table of features, as a path relative to the directory above `profiles/`.
    pub features: Option<String>,
    /// Levels of features that are not those of the table.
    pub levels: BTreeMap<String, Asked>,
}

impl Profile {
    /// Reads a profile that extends no other.
    ///
    /// # Errors
    /// Everything that is wrong with the file, at once.
    pub fn parse(file: &str, text: &str) -> Result<Self, BadFile> {
        Self::assemble(&[(file.to_owned(), text.to_owned())]).map_err(|mut bad| bad.remove(0))
    }

    /// Reads a profile, the first of `files`, with those that it extends and with Kata's lists of waivers, all given by
    /// name and text.
    ///
    /// # Errors
    /// Every file with mistakes in it, with all of its mistakes; there is at least one.
    pub fn assemble(files: &[(String, String)]) -> Result<Self, Vec<BadFile>> {
        let mut forms = BTreeMap::new();
        let mut problems: BTreeMap<&str, Vec<Problem>> = BTreeMap::new();
        let mut waivers = Vec::new();
        for (file, text) in files {
            if kata::is_whitelist(file) {
                let (clauses, wrong) = kata::whitelist(file, text);
                waivers.extend(clauses);
                problems.insert(file, wrong);
            } else {
                let (form, wrong) = Form::parse(file, text);
                forms.insert(file.as_str(), form);
                problems.insert(file, wrong);
            }
        }
        let mut line = Line {
            forms: &forms,
            above: Vec::new(),
            order: Vec::new(),
            problems: Vec::new(),
        };
        line.visit(files.first().map_or("", |(file, _)| file));
        for (file, problem) in line.problems {
            problems.entry(file).or_default().push(problem);
        }
        let mut profile = Self::default();
        for file in line.order {
            let wrong = profile.extend(forms[file].clone());
            problems.entry(file).or_default().extend(wrong);
        }
        profile.waivers.extend(waivers);
        let bad: Vec<_> = files
            .iter()
            .filter_map(|(file, text)| Some((file, text, problems.get(file.as_str())?)))
            .filter(|(_, _, problems)| !problems.is_empty())
            .map(|(file, text, problems)| BadFile::new(file, text, problems))
            .collect();
        if bad.is_empty() {
            Ok(profile)
        } else {
            Err(bad)
        }
    }

    /// Returns the requests of `off` and `forbidden` that hold for this kernel.
    pub fn off_requests(
        &self,
        version: KernelVersion,
        arch: Arch,
    ) -> impl Iterator<Item = Request> {
        self.off
            .iter()
            .chain(&self.forbidden)
            .filter(move |clause| clause.applies(version, arch))
            .map(move |clause| Request {
                symbol: clause.symbol.clone(),
                value: Value::No,
                origin: clause.origin.clone(),
                asked: AskedBy::Profile,
                reason: Some(clause.reason.clone()),
                features: clause.feature.iter().cloned().collect(),
                versions: clause.versions.clone(),
                demand: Demand::default(),
            })
    }

    /// Tells whether a request need not be met by this kernel.
    #[must_use]
    pub fn is_waived(&self, request: &Request, version: KernelVersion, arch: Arch) -> bool {
        let mut waivers = self.waivers.iter();
        waivers.any(|clause| clause.symbol == request.symbol && clause.applies(version, arch))
    }

    /// Puts what this profile says over what those before it said. Tells where it drops what was not there.
    fn extend(&mut self, form: Form) -> Vec<Problem> {
        let mut problems = Vec::new();
        let lists = |profile: &mut Self, visit: &mut dyn FnMut(&mut Vec<String>)| {
            visit(&mut profile.common);
            profile.own.values_mut().for_each(visit);
        };
        for (path, line) in &form.drop_fragments {
            let mut there = false;
            lists(self, &mut |list| {
                let before = list.len();
                list.retain(|other| other != path);
                there |= list.len() < before;
            });
            if !there {
                let told = format!("no profile that this one extends lists `{path}`");
                problems.push(Problem::new(*line, told));
            }
        }
        let sections = [
            ("off", &mut self.off, &form.drop_off),
            ("omitted", &mut self.omitted, &form.drop_omitted),
        ];
        for (section, clauses, drop) in sections {
            for (symbol, line) in drop {
                let before = clauses.len();
                clauses.retain(|clause| clause.symbol != *symbol);
                if clauses.len() == before {
                    let told =
                        format!("no profile that this one extends has {symbol} in `{section}`");
                    problems.push(Problem::new(*line, told));
                }
            }
        }
        let own = form.profile;
        let add = |list: &mut Vec<String>, more: Vec<String>| {
            for path in more {
                if !list.contains(&path) {
                    list.push(path);
                }
            }
        };
        add(&mut self.common, own.common);
        for (arch, more) in own.own {
            add(self.own.entry(arch).or_default(), more);
        }
        replace(&mut self.off, own.off);
        replace(&mut self.forbidden, own.forbidden);
        replace(&mut self.waivers, own.waivers);
        replace(&mut self.omitted, own.omitted);
        self.levels.extend(own.levels);
        self.architectures = own.architectures.or(self.architectures.take());
        self.features = own.features.or(self.features.take());
        self.kata = own.kata.or(self.kata.take());
        (self.file, self.name, self.summary) = (own.file, own.name, own.summary);
        problems
    }
}

/// Adds clauses, each in the place of one about the same kernels.
fn replace(clauses: &mut Vec<Clause>, more: Vec<Clause>) {
    for clause in more {
        clauses.retain(|other| !other.same_subject(&clause));
        clauses.push(clause);
    }
}

/// Puts the files of a profile in order: those that are extended before those that extend them, each once.
struct Line<'a> {
    forms: &'a BTreeMap<&'a str, Form>,
    /// The files that led to the one that is looked at.
    above: Vec<&'a str>,
    order: Vec<&'a str>,
    problems: Vec<(&'a str, Problem)>,
}

impl<'a> Line<'a> {
    fn visit(&mut self, file: &'a str) {
        let Some(form) = self.forms.get(file) else {
            return;
        };
        if self.order.contains(&file) {
            return;
        }
        self.above.push(file);
        for (parent, line) in &form.extends {
            let path = path_of(parent);
            let told = match self.forms.get_key_value(path.as_str()) {
                Some((path, _)) if self.above.contains(path) => {
                    format!("`{parent}` extends this profile in turn: break the circle")
                }
                Some((path, _)) => {
                    self.visit(path);
                    continue;
                }
                None => format!("there is no readable file `{path}` to extend"),
            };
            self.problems.push((file, Problem::new(*line, told)));
        }
        self.above.pop();
        self.order.push(file);
    }
}

/// Returns the name in messages of the profile with this name, and where it is read from.
pub(super) fn path_of(name: &str) -> String {
    format!("profiles/{name}.yaml")
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
