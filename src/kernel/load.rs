//! Reading a profile and its fragments from disk, as texts for the configure step. What they say is for `profile` and
//! `fragment`.

use std::{fs, path::Path};

use super::{
    KernelError,
    badfile::{BadFile, Problem},
    fragment::Fragment,
    profile::{Profile, fragments_for},
    yamlline,
};
use crate::arch::Arch;

/// A profile and its fragments as texts: what the configure step is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadedProfile {
    /// The profile's name in messages.
    pub profile_name: String,
    /// The profile's text.
    pub profile_text: String,
    /// Every fragment for the architecture with its name, in merging order.
    pub fragments: Vec<(String, String)>,
}

/// Reads a profile and its fragments for `arch` from disk. Their content is checked too, so that a plan made of them
/// does not fail later for what can be seen now.
///
/// # Errors
/// A file cannot be read, or everything that is wrong with all of them.
pub fn load(profile_path: &Path, arch: Arch) -> Result<LoadedProfile, KernelError> {
    let read = |path: &Path| {
        fs::read(path).map_err(|cause| KernelError::Read {
            path: path.to_owned(),
            cause,
        })
    };
    let file = profile_path.file_name().unwrap_or_default();
    let profile_name = format!("profiles/{}", file.display());
    let bytes = read(profile_path)?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let profile =
        Profile::parse(&profile_name, &text).map_err(|bad| KernelError::bad_input(vec![bad]))?;
    // `a/profiles/x.yaml` and `x.yaml` in the current directory both have a directory above them.
    let room = profile_path.parent().unwrap_or(Path::new("")).join("..");
    let mut bad = Vec::new();
    let mut missing = Vec::new();
    let mut fragments = Vec::new();
    for path in fragments_for(&profile, arch) {
        let name = path.display().to_string();
        let Ok(bytes) = fs::read(room.join(&path)) else {
            let told = format!("there is no readable file `{name}` beside `profiles/`");
            missing.push(Problem::new(yamlline::holding(&text, &name), told));
            continue;
        };
        match Fragment::parse(&name, &bytes) {
            Ok(_) => fragments.push((name, String::from_utf8_lossy(&bytes).into_owned())),
            Err(wrong) => bad.push(wrong),
        }
    }
    if !missing.is_empty() {
        bad.insert(0, BadFile::new(&profile_name, &text, &missing));
    }
    if bad.is_empty() {
        Ok(LoadedProfile {
            profile_name,
            profile_text: text,
            fragments,
        })
    } else {
        Err(KernelError::bad_input(bad))
    }
}
