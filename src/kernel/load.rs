//! Reading a profile and all it names from disk, as texts for the configure step and for comparisons. What they say is
//! for `profile`, `fragment` and `features`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    KernelError,
    badfile::{BadFile, Problem},
    features::Features,
    fragment::{Fragment, Request},
    kata,
    profile::{Profile, fragments_for, path_of},
    profile_form::Form,
    shipped, yamlline,
};
use crate::arch::Arch;

/// A profile and what it names, as texts: what the configure step is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadedProfile {
    /// The profile's name in messages.
    pub profile_name: String,
    /// The profile's text.
    pub profile_text: String,
    /// Every profile that it extends and every list of waivers in Kata's form, with its name.
    pub more: Vec<(String, String)>,
    /// The table of features with its name, when the profile names one.
    pub features: Option<(String, String)>,
    /// Every fragment for the architecture with its name, in merging order.
    pub fragments: Vec<(String, String)>,
}

impl LoadedProfile {
    /// Reads the profile itself, together with those that it extends.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn profile(&self) -> Result<Profile, KernelError> {
        let first = (self.profile_name.clone(), self.profile_text.clone());
        let files: Vec<_> = [first].into_iter().chain(self.more.clone()).collect();
        Profile::assemble(&files).map_err(KernelError::bad_input)
    }

    /// Reads the profile, the table of features, and the requests of all fragments in merging order.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn read(&self) -> Result<(Profile, Features, Vec<Request>), KernelError> {
        let mut bad = Vec::new();
        let profile = match self.profile() {
            Ok(profile) => profile,
            Err(KernelError::BadInput { files }) => {
                bad.extend(files);
                Profile::default()
            }
            Err(other) => return Err(other),
        };
        let features = match &self.features {
            Some((name, text)) => Features::parse(name, text).unwrap_or_else(|wrong| {
                bad.push(wrong);
                Features::default()
            }),
            None => Features::default(),
        };
        let known = self.features.is_some() && bad.is_empty();
        let mut requests = Vec::new();
        for (name, text) in &self.fragments {
            match Fragment::parse(name, text.as_bytes()) {
                Ok(fragment) => {
                    let wrong = unknown_features(&fragment.requests, &features);
                    if known && !wrong.is_empty() {
                        bad.push(BadFile::new(name, text, &wrong));
                    }
                    requests.extend(fragment.requests);
                }
                Err(wrong) => bad.push(wrong),
            }
        }
        if known {
            bad.extend(self.unknown_in_profile(&profile, &features));
        }
        if bad.is_empty() {
            Ok((profile, features, requests))
        } else {
            Err(KernelError::bad_input(bad))
        }
    }

    /// Returns the files that name features which the table does not have. A level is told at the profile itself,
    /// whichever of the profiles it stands in.
    fn unknown_in_profile(&self, profile: &Profile, features: &Features) -> Vec<BadFile> {
        let own = &self.profile_name;
        let place = |name| (own, yamlline::entry(&self.profile_text, "levels", name));
        let levels = profile.levels.keys().map(|name| (name, place(name)));
        let forbidden = profile.forbidden.iter().filter_map(|clause| {
            let place = (&clause.origin.file, clause.origin.line);
            Some((clause.feature.as_ref()?, place))
        });
        let wrong: Vec<_> = levels
            .chain(forbidden)
            .filter(|(name, _)| features.named(name).is_none())
            .collect();
        let files = [(own, &self.profile_text)].into_iter();
        files
            .chain(self.more.iter().map(|(file, text)| (file, text)))
            .filter_map(|(file, text)| {
                let here = wrong.iter().filter(|(_, (other, _))| *other == file);
                let problems: Vec<_> = here
                    .map(|(name, (_, line))| Problem::new(*line, features.unknown(name)))
                    .collect();
                (!problems.is_empty()).then(|| BadFile::new(file, text, &problems))
            })
            .collect()
    }
}

fn unknown_features(requests: &[Request], features: &Features) -> Vec<Problem> {
    let mut wrong = Vec::new();
    let mut last = None;
    for request in requests {
        // One message for a group, at the first option below the comment.
        if last == Some(&request.features) {
            continue;
        }
        last = Some(&request.features);
        for name in request
            .features
            .iter()
            .filter(|name| features.named(name).is_none())
        {
            wrong.push(Problem::new(request.origin.line, features.unknown(name)));
        }
    }
    wrong
}

/// Reads a profile and all it names for `arch` from disk. Their content is checked too, so that a plan made of them
/// does not fail later for what can be seen now.
///
/// # Errors
/// A file cannot be read, or everything that is wrong with all of them.
pub fn load(profile_path: &Path, arch: Arch) -> Result<LoadedProfile, KernelError> {
    let bytes = fs::read(profile_path).map_err(|cause| KernelError::Read {
        path: profile_path.to_owned(),
        cause,
    })?;
    let file = profile_path.file_name().unwrap_or_default();
    let profile_name = format!("profiles/{}", file.display());
    // `a/profiles/x.yaml` and `x.yaml` in the current directory both have a directory above them.
    let beside = profile_path.parent().unwrap_or(Path::new("")).to_owned();
    let room = Room::Disk {
        above: beside.join(".."),
        beside,
    };
    room.load(
        profile_name,
        String::from_utf8_lossy(&bytes).into_owned(),
        arch,
    )
}

/// Takes a profile and all it names for `arch` from what the program carries.
///
/// # Errors
/// There is no such profile, or everything that is wrong with it.
pub fn load_shipped(name: &str, arch: Arch) -> Result<LoadedProfile, KernelError> {
    let profile_name = path_of(name);
    match shipped::file(&profile_name) {
        Some(text) => Room::Shipped.load(profile_name, text.to_owned(), arch),
        None => Err(KernelError::NoProfile {
            name: name.to_owned(),
            known: shipped::profiles().collect::<Vec<_>>().join(", "),
        }),
    }
}

/// Where the files of a profile are.
enum Room {
    /// On a disk.
    Disk {
        /// The directory of profiles.
        beside: PathBuf,
        /// The directory above it.
        above: PathBuf,
    },
    /// In the program.
    Shipped,
}

impl Room {
    /// Reads the profile with this name.
    fn profile(&self, name: &str) -> Option<String> {
        match self {
            Self::Disk { beside, .. } => text(&beside.join(format!("{name}.yaml"))),
            Self::Shipped => shipped::file(&path_of(name)).map(str::to_owned),
        }
    }

    /// Reads a file by its path relative to the directory above the profiles.
    fn text(&self, name: &str) -> Option<String> {
        match self {
            Self::Disk { above, .. } => text(&above.join(name)),
            Self::Shipped => shipped::file(name).map(str::to_owned),
        }
    }

    fn load(&self, name: String, text: String, arch: Arch) -> Result<LoadedProfile, KernelError> {
        let mut files = vec![(name, text)];
        let mut next = 0;
        while let Some((name, text)) = files.get(next) {
            let (form, _) = Form::parse(name, text);
            for (parent, _) in form.extends {
                let path = path_of(&parent);
                let known = files.iter().any(|(name, _)| *name == path);
                if let (false, Some(text)) = (known, self.profile(&parent)) {
                    files.push((path, text));
                }
            }
            next += 1;
        }
        let profile = Profile::assemble(&files).map_err(KernelError::bad_input)?;
        if let Some(wrong) = other_architecture(&files[0], &profile, arch) {
            return Err(KernelError::bad_input(vec![wrong]));
        }
        let mut missing = Missing {
            files: &files,
            problems: vec![Vec::new(); files.len()],
        };
        let mut fragments = Vec::new();
        let mut whitelists = Vec::new();
        if let Some(kata) = &profile.kata {
            let found = match self {
                Self::Disk { above, .. } => kata::read(above, kata, arch),
                Self::Shipped => Err("the program carries no directory of Kata's".to_owned()),
            };
            match found {
                Ok(found) => (fragments, whitelists) = (found.fragments, found.whitelists),
                Err(told) => missing.tell(&kata.directory, &told),
            }
        }
        for path in fragments_for(&profile, arch) {
            let name = path.display().to_string();
            fragments.extend(self.file(&name, &mut missing));
        }
        let features = profile.features.as_deref();
        let features = features.and_then(|name| self.file(name, &mut missing));
        let bad = missing.bad();
        files.extend(whitelists);
        let mut files = files.into_iter();
        let (profile_name, profile_text) = files.next().unwrap_or_default();
        let loaded = LoadedProfile {
            profile_name,
            profile_text,
            more: files.collect(),
            features,
            fragments,
        };
        match loaded.read() {
            Ok(_) if bad.is_empty() => Ok(loaded),
            Ok(_) => Err(KernelError::bad_input(bad)),
            Err(KernelError::BadInput { files }) => Err(KernelError::bad_input(
                bad.into_iter().chain(files).collect(),
            )),
            Err(other) => Err(other),
        }
    }

    /// Reads one file that a profile names.
    fn file(&self, name: &str, missing: &mut Missing<'_>) -> Option<(String, String)> {
        match self.text(name) {
            Some(text) => Some((name.to_owned(), text)),
            None => {
                let told = format!("there is no readable file `{name}` beside `profiles/`");
                missing.tell(name, &told);
                None
            }
        }
    }
}

fn other_architecture(
    (file, text): &(String, String),
    profile: &Profile,
    arch: Arch,
) -> Option<BadFile> {
    let known = profile.architectures.as_ref()?;
    let names: Vec<_> = known.iter().map(|arch| arch.name()).collect();
    let told = format!(
        "this profile is for {}, and not for {arch}",
        names.join(", ")
    );
    let line = yamlline::key(text, "architectures");
    (!known.contains(&arch)).then(|| BadFile::new(file, text, &[Problem::new(line, told)]))
}

fn text(path: &Path) -> Option<String> {
    let bytes = fs::read(path).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// What profiles name and nobody can read.
struct Missing<'a> {
    files: &'a [(String, String)],
    problems: Vec<Vec<Problem>>,
}

impl Missing<'_> {
    /// Tells it where `name` is written: in the first of the profiles that has it.
    fn tell(&mut self, name: &str, told: &str) {
        let place = self.files.iter().position(|(_, text)| text.contains(name));
        let place = place.unwrap_or(0);
        let line = yamlline::holding(&self.files[place].1, name);
        self.problems[place].push(Problem::new(line, told));
    }

    fn bad(self) -> Vec<BadFile> {
        self.files
            .iter()
            .zip(self.problems)
            .filter(|(_, problems)| !problems.is_empty())
            .map(|((file, text), problems)| BadFile::new(file, text, &problems))
            .collect()
    }
}
