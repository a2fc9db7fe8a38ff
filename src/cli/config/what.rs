//! What the user names as WHAT: where it lies, and the configurations in it.

use std::path::{Path, PathBuf};

use miette::Diagnostic;

use super::super::failure::Failure;
use crate::{
    arch::Arch,
    kernel::{
        BadFile,
        configfile::{ConfigFile, Kernel, Stated},
        extract::{self, Found},
    },
    oci,
};

/// What the user says of the kernel.
#[derive(Debug, clap::Args)]
pub(super) struct KernelOptions {
    /// The kernel's architecture; of several kernels, those for it [default: what the configuration says]
    #[arg(long)]
    pub(super) arch: Option<Arch>,

    /// The kernel's version, such as 6.12; of several kernels, those of it [default: what the configuration says]
    #[arg(long, value_name = "VERSION")]
    pub(super) kernel_version: Option<String>,
}

/// A configuration and the kernel that it is for.
pub(super) struct Configuration {
    pub(super) file: ConfigFile,
    pub(super) kernel: Kernel,
}

/// WHAT cannot be used.
#[derive(Debug, thiserror::Error, Diagnostic)]
enum WhatError {
    /// Several files have mistakes.
    #[error("{} configurations cannot be used", files.len())]
    #[diagnostic(code(config::several))]
    Several {
        /// The files.
        #[related]
        files: Vec<BadFile>,
    },
    /// There are several kernels where one is asked for.
    #[error("`{what}` holds {} configurations: {}", names.len(), names.join(", "))]
    #[diagnostic(
        code(config::one),
        help("name one of them, or choose with `--kernel-version` or `--arch`")
    )]
    NotOne {
        /// What was named.
        what: String,
        /// The configurations.
        names: Vec<String>,
    },
}

impl KernelOptions {
    pub(super) fn stated(&self) -> Stated {
        Stated {
            arch: self.arch,
            version: self.kernel_version.clone(),
        }
    }
}

/// Reads every configuration that `what` holds. With several, what the user says of the kernel chooses among them.
pub(super) fn read(what: &str, stated: &Stated) -> Result<Vec<Configuration>, Failure> {
    let found = find(what)?;
    let several = found.len() > 1;
    let (mut configurations, mut bad) = (Vec::new(), Vec::new());
    let mut passed_over = Vec::new();
    for Found { name, bytes } in found {
        let outcome = ConfigFile::parse(&name, &bytes).and_then(|file| {
            match file.kernel(stated) {
                Ok(kernel) => configurations.push(Configuration { file, kernel }),
                Err(other) if several && file.kernel(&Stated::default()).is_ok() => {
                    passed_over.push(other);
                }
                Err(other) => return Err(other),
            }
            Ok(())
        });
        bad.extend(outcome.err());
    }
    if configurations.is_empty() {
        bad.append(&mut passed_over);
    }
    match (bad.len(), bad.pop()) {
        (0 | 1, None) => Ok(configurations),
        (1, Some(bad)) => Err(Failure::input(bad)),
        (_, last) => {
            bad.extend(last);
            Err(Failure::input(WhatError::Several { files: bad }))
        }
    }
}

/// Reads the one configuration that `what` holds.
pub(super) fn read_one(what: &str, stated: &Stated) -> Result<Configuration, Failure> {
    let mut configurations = read(what, stated)?;
    if configurations.len() == 1
        && let Some(configuration) = configurations.pop()
    {
        return Ok(configuration);
    }
    Err(Failure::input(WhatError::NotOne {
        what: what.to_owned(),
        names: configurations
            .into_iter()
            .map(|configuration| configuration.file.name)
            .collect(),
    }))
}

/// Finds the texts of the configurations.
fn find(what: &str) -> Result<Vec<Found>, Failure> {
    let path = Path::new(what);
    if what == "host" {
        let release = nix::sys::utsname::uname().map(|name| name.release().display().to_string());
        let release = release.unwrap_or_default();
        let found = extract::from_host(Path::new("/"), &release).map_err(Failure::input)?;
        return Ok(vec![found]);
    }
    if let Some(named) = what.strip_prefix("oci:") {
        let (layout, tag) = layout(named);
        return from_layout(&layout, tag.as_deref());
    }
    if path.join("oci-layout").is_file() {
        return from_layout(path, None);
    }
    let found = if path.is_dir() {
        extract::from_directory(path)
    } else {
        extract::from_file(path).map(|found| vec![found])
    };
    found.map_err(Failure::input)
}

/// Takes the tag off `DIR:TAG`. A directory whose name has a colon in it wins.
fn layout(named: &str) -> (PathBuf, Option<String>) {
    match named.rsplit_once(':') {
        Some((directory, tag)) if !Path::new(named).join("oci-layout").is_file() => {
            (directory.into(), Some(tag.to_owned()))
        }
        _ => (named.into(), None),
    }
}

fn from_layout(path: &Path, tag: Option<&str>) -> Result<Vec<Found>, Failure> {
    let layout = oci::open_layout(path).map_err(Failure::input)?;
    let files = layout.configurations(tag).map_err(Failure::input)?;
    files
        .into_iter()
        .map(|(name, file)| {
            let found = extract::from_file(&file).map_err(Failure::input)?;
            let name = format!("{}: {name}", path.display());
            Ok(Found { name, ..found })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_what_follows_the_last_colon() {
        assert_eq!(layout("a/b:6.12"), ("a/b".into(), Some("6.12".to_owned())));
        assert_eq!(layout("a/b"), ("a/b".into(), None));
        let dir = tempfile::tempdir().unwrap();
        let named = dir.path().join("a:b");
        std::fs::create_dir(&named).unwrap();
        std::fs::write(named.join("oci-layout"), "{}").unwrap();
        assert_eq!(layout(&named.display().to_string()), (named, None));
    }
}
