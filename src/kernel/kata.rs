//! A directory of fragments in the form of Kata Containers' own, used as it is: which of its files are merged for an
//! architecture and in which order, and which symbols its lists let be lost. Nothing in it is changed or judged.
//!
//! The rules are those of Kata's `build-kernel.sh`: `common/*.conf` without the files tagged `# !s390x !confidential`,
//! then `<arch>/*.conf`, then what the options add. Two of them are read as they are meant and not as the script does
//! it: a tag may spell an architecture in any way, and a whitelisted name stands for itself and not for all that begin
//! with it.

use std::{collections::BTreeMap, fs, path::Path};

use serde_yaml::Value as Yaml;

use super::{
    badfile::Problem,
    clause::Clause,
    fragment::Origin,
    profile_form::unknown,
    version::{KernelVersion, VersionRange},
};
use crate::arch::Arch;

/// A directory of fragments, and what a build from it is for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KataDirectory {
    /// The directory, as the profile writes it: relative to the directory above `profiles/`.
    pub directory: String,
    /// For confidential guests, as with `-x`.
    pub confidential: bool,
    /// With a measured root file system, as with `-m`.
    pub measured: bool,
    /// With signed modules, as with `KBUILD_SIGN_PIN`.
    pub signing: bool,
    /// With what helps debugging, as with `KERNEL_DEBUG_ENABLED`.
    pub debug: bool,
    /// For a vendor's graphics processors, as with `-g`.
    pub gpu: Option<String>,
    /// For a build type, as with `-b`.
    pub build_type: Option<String>,
}

/// What a directory holds for one architecture and one set of options, as names and texts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Fragments in merging order.
    pub fragments: Vec<(String, String)>,
    /// Lists of symbols that may be lost.
    pub whitelists: Vec<(String, String)>,
}

impl KataDirectory {
    /// Reads what a profile says of it: a path, or a map with `directory:` and options.
    pub(super) fn read(yaml: &Yaml) -> Result<Self, Vec<String>> {
        const FIELDS: [&str; 7] = [
            "directory",
            "confidential",
            "measured",
            "signing",
            "debug",
            "gpu",
            "build_type",
        ];
        let form =
            || vec!["write `kata_fragments: PATH`, or a map with `directory: PATH`".to_owned()];
        let map = match yaml {
            Yaml::String(path) if !path.is_empty() => {
                return Ok(Self {
                    directory: path.clone(),
                    ..Self::default()
                });
            }
            Yaml::Mapping(map) => map,
            _ => return Err(form()),
        };
        let mut wrong = Vec::new();
        let mut kata = Self::default();
        for (key, value) in map {
            let key = key.as_str().unwrap_or_default();
            let text = value
                .as_str()
                .filter(|text| !text.is_empty())
                .map(str::to_owned);
            let switch = match key {
                "confidential" => &mut kata.confidential,
                "measured" => &mut kata.measured,
                "signing" => &mut kata.signing,
                "debug" => &mut kata.debug,
                "directory" | "gpu" | "build_type" => {
                    match (key, text) {
                        (_, None) => wrong.push(format!("write `{key}: NAME`")),
                        ("directory", Some(text)) => kata.directory = text,
                        ("gpu", text) => kata.gpu = text,
                        (_, text) => kata.build_type = text,
                    }
                    continue;
                }
                _ => {
                    wrong.push(unknown(key, &FIELDS));
                    continue;
                }
            };
            match value {
                Yaml::Bool(on) => *switch = *on,
                _ => wrong.push(format!("write `{key}: true` or `{key}: false`")),
            }
        }
        if !map.contains_key("directory") {
            wrong.extend(form());
        }
        if wrong.is_empty() {
            Ok(kata)
        } else {
            Err(wrong)
        }
    }

    /// Selects from `files`, which are all files of the directory by their path in it.
    ///
    /// # Errors
    /// What it asks for is not there.
    pub fn select(
        &self,
        files: &BTreeMap<String, String>,
        arch: Arch,
    ) -> Result<Selection, String> {
        let mut chosen: Vec<&str> = Vec::new();
        let own = own_directory(files, arch);
        let common = directly_in(files, "common/", ".conf");
        chosen.extend(common.filter(|path| !self.is_tagged(&files[*path], arch)));
        if chosen.is_empty() {
            return Err(
                "no fragments in its `common/`: this is not Kata's form of a directory".to_owned(),
            );
        }
        let before = chosen.len();
        if let Some(own) = &own {
            chosen.extend(directly_in(files, own, ".conf"));
        }
        if chosen.len() == before {
            return Err(format!("it has no fragments for {arch}"));
        }
        if let Some(build) = &self.build_type {
            let prefix = format!("build-type/{build}/");
            let below = files.keys().map(String::as_str);
            let mut found: Vec<_> = below
                .filter(|path| path.starts_with(&prefix) && path.ends_with(".conf"))
                .collect();
            if found.is_empty() {
                return Err(format!("it has no build type `{build}`"));
            }
            chosen.append(&mut found);
        }
        if let Some(vendor) = &self.gpu {
            chosen.push(gpu(files, vendor, arch)?);
        }
        let mut option = |on: bool, path: &str| {
            if let (true, Some((path, _))) = (on, files.get_key_value(path)) {
                chosen.push(path);
            }
        };
        option(
            self.measured,
            "common/confidential_containers/cryptsetup.conf",
        );
        if let (true, Some(own)) = (self.confidential, &own) {
            let below = format!("{own}confidential/");
            directly_in(files, &below, ".conf").for_each(|path| option(true, path));
        }
        option(
            self.confidential,
            "common/confidential_containers/tmpfs.conf",
        );
        option(self.signing, "common/signing/module_signing.conf");
        if self.debug {
            directly_in(files, "debug/", ".conf").for_each(|path| option(true, path));
        }
        let text = |path: &str| (path.to_owned(), linked(files, path).replace(SUFFIX, ""));
        Ok(Selection {
            fragments: chosen.into_iter().map(text).collect(),
            whitelists: files
                .keys()
                .filter(|path| is_whitelist(path))
                .map(|path| text(path))
                .collect(),
        })
    }

    /// Tells whether a fragment's tags exclude it.
    fn is_tagged(&self, text: &str, arch: Arch) -> bool {
        let comments = text.lines().filter_map(|line| line.strip_prefix('#'));
        comments
            .flat_map(|line| line.trim_start_matches('#').split_whitespace())
            .filter_map(|word| word.strip_prefix('!'))
            .any(|tag| match tag {
                "confidential" => self.confidential,
                other => other.parse().is_ok_and(|tag: Arch| tag == arch),
            })
    }
}

/// Kata fills this in from the environment, and leaves it empty.
const SUFFIX: &str = "${CONF_GUEST_SUFFIX}";

/// Reads a directory on disk. `above` is where its path is relative to.
pub(super) fn read(above: &Path, kata: &KataDirectory, arch: Arch) -> Result<Selection, String> {
    let top = above.join(&kata.directory);
    let mut files = BTreeMap::new();
    for entry in walkdir::WalkDir::new(&top).follow_links(true).max_depth(6) {
        let entry = entry.map_err(|error| match error.io_error() {
            Some(cause) => format!("`{}` cannot be read: {cause}", kata.directory),
            None => format!("`{}` has a link that leads back into it", kata.directory),
        })?;
        let name = entry.file_name().to_string_lossy();
        if !entry.file_type().is_file() || !(name.ends_with(".conf") || name.ends_with(".conf.in"))
        {
            continue;
        }
        let path = entry.path().strip_prefix(&top).unwrap_or(entry.path());
        let path = path.display().to_string();
        let bytes =
            fs::read(entry.path()).map_err(|error| format!("`{path}` cannot be read: {error}"))?;
        files.insert(path, String::from_utf8_lossy(&bytes).into_owned());
    }
    kata.select(&files, arch)
}

/// Returns the directory of an architecture, by whichever of its names there is one.
fn own_directory(files: &BTreeMap<String, String>, arch: Arch) -> Option<String> {
    let mut names = vec![arch.kernel(), arch.name()];
    names.extend((arch == Arch::X86_64).then_some("x86"));
    names
        .into_iter()
        .map(|name| format!("{name}/"))
        .find(|prefix| files.keys().any(|path| path.starts_with(prefix)))
}

/// Returns the files in `directory` and not below it, in the order of their names.
fn directly_in<'a>(
    files: &'a BTreeMap<String, String>,
    directory: &str,
    ending: &str,
) -> impl Iterator<Item = &'a str> {
    files
        .keys()
        .filter(move |path| {
            let name = path.strip_prefix(directory);
            name.is_some_and(|name| !name.contains('/') && name.ends_with(ending))
        })
        .map(String::as_str)
}

fn gpu<'a>(
    files: &'a BTreeMap<String, String>,
    vendor: &str,
    arch: Arch,
) -> Result<&'a str, String> {
    [arch.kernel(), arch.name()]
        .map(|arch| format!("gpu/{vendor}.{arch}.conf.in"))
        .into_iter()
        .chain([format!("gpu/{vendor}.conf")])
        .find_map(|path| files.get_key_value(&path))
        .map(|(path, _)| path.as_str())
        .ok_or_else(|| format!("it has no fragment for GPUs of `{vendor}` on {arch}"))
}

/// Returns the text of a file, or of the one it is a link to: a checkout without symbolic links has the link's target
/// as the file's text.
fn linked<'a>(files: &'a BTreeMap<String, String>, path: &str) -> &'a str {
    let text = &files[path];
    let one_line = text.lines().count() == 1 && text.trim().ends_with(".conf");
    let target = one_line.then(|| resolve(path, text.trim())).flatten();
    target.and_then(|target| files.get(&target)).unwrap_or(text)
}

/// Returns where a relative link in the file at `path` leads to.
fn resolve(path: &str, link: &str) -> Option<String> {
    let mut parts: Vec<&str> = path.split('/').collect();
    parts.pop();
    for part in link.split('/') {
        match part {
            ".." => drop(parts.pop()?),
            "." => {}
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// Tells whether a file is a list of symbols that may be lost.
pub(super) fn is_whitelist(path: &str) -> bool {
    path.starts_with("whitelist") && path.ends_with(".conf") && !path.contains('/')
}

/// Reads such a list. `whitelist-6.15.0-rc1-<commit>.conf` holds for that version alone.
pub(super) fn whitelist(file: &str, text: &str) -> (Vec<Clause>, Vec<Problem>) {
    let (mut clauses, mut problems) = (Vec::new(), Vec::new());
    let version = file.strip_prefix("whitelist-").and_then(|rest| {
        let number = rest.trim_end_matches(".conf").split('-').next()?;
        number.parse::<KernelVersion>().ok()
    });
    let versions = version.map_or_else(VersionRange::default, VersionRange::exactly);
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let name = line.strip_prefix("CONFIG_").unwrap_or(line);
        let Ok(symbol) = name.parse() else {
            let told = format!("`{line}` names no symbol: write one `CONFIG_NAME` on a line");
            problems.push(Problem::new(index + 1, told));
            continue;
        };
        let clause = Clause {
            symbol,
            reason: format!("{file} lists it"),
            feature: None,
            versions: versions.clone(),
            architectures: None,
            origin: Origin {
                file: file.to_owned(),
                line: index + 1,
            },
        };
        if !clauses.iter().any(|other| clause.same_subject(other)) {
            clauses.push(clause);
        }
    }
    (clauses, problems)
}
