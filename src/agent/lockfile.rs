//! Cargo's lock files, as far as the agent's crates need: name, version and checksum of each. Reads the form that cargo
//! writes, which is line by line; whatever else TOML allows is refused.

use super::AgentError;
use crate::digest::Digest;

/// A crate that a lock file names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LockedCrate {
    /// Its name.
    pub(super) name: String,
    /// Its version.
    pub(super) version: String,
    /// The digest of its `.crate` file.
    pub(super) checksum: Digest,
}

impl LockedCrate {
    /// Returns the name of the crate's directory and the stem of its file, `serde-1.0.229`.
    pub(super) fn directory(&self) -> String {
        format!("{}-{}", self.name, self.version)
    }
}

/// One `[[package]]` while it is read, and the line where it began.
#[derive(Default)]
struct Package<'a> {
    line: usize,
    name: Option<&'a str>,
    version: Option<&'a str>,
    source: Option<&'a str>,
    checksum: Option<&'a str>,
}

/// Returns every crate that a lock file takes from a registry, sorted. Crates without a source are the agent itself.
///
/// # Errors
/// [`AgentError::Lock`]: an unknown form, or a crate from elsewhere than a registry or without a checksum.
pub(super) fn read(text: &str) -> Result<Vec<LockedCrate>, AgentError> {
    let mut crates = Vec::new();
    let mut package: Option<Package<'_>> = None;
    for (index, line) in text.lines().enumerate() {
        let line_number = index + 1;
        if line.starts_with('[') {
            finish(package.take(), &mut crates)?;
            if line != "[[package]]" {
                return Err(wrong(line_number, format!("`{line}` is no known section")));
            }
            package = Some(Package {
                line: line_number,
                ..Package::default()
            });
        } else if let Some((key, value)) = line.split_once(" = ")
            && let Some(package) = &mut package
        {
            let field = match key {
                "name" => &mut package.name,
                "version" => &mut package.version,
                "source" => &mut package.source,
                "checksum" => &mut package.checksum,
                _ => continue,
            };
            let text = value
                .strip_prefix('"')
                .and_then(|text| text.strip_suffix('"'));
            *field = Some(text.ok_or_else(|| wrong(line_number, format!("`{key}` is no text")))?);
        } else if let Some(version) = line.strip_prefix("version = ")
            && !["3", "4"].contains(&version)
        {
            return Err(wrong(
                line_number,
                format!("version {version} is not known"),
            ));
        }
    }
    finish(package, &mut crates)?;
    crates.sort();
    Ok(crates)
}

fn finish(package: Option<Package<'_>>, crates: &mut Vec<LockedCrate>) -> Result<(), AgentError> {
    let Some(package) = package else {
        return Ok(());
    };
    let line = package.line;
    let (Some(name), Some(version)) = (package.name, package.version) else {
        return Err(wrong(
            line,
            "a package without a name or version".to_owned(),
        ));
    };
    // These become names of files.
    let plain = |text: &str| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.+".contains(&byte);
        !text.is_empty() && !text.starts_with('.') && text.bytes().all(allowed)
    };
    if !plain(name) || !plain(version) {
        return Err(wrong(
            line,
            format!("`{name}` `{version}` is no crate's name"),
        ));
    }
    let Some(source) = package.source else {
        return Ok(());
    };
    if !source.starts_with("registry+") && !source.starts_with("sparse+") {
        return Err(wrong(
            line,
            format!("{name} comes from `{source}`, not from a registry"),
        ));
    }
    let checksum = package
        .checksum
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| wrong(line, format!("{name} has no sound checksum")))?;
    crates.push(LockedCrate {
        name: name.to_owned(),
        version: version.to_owned(),
        checksum,
    });
    Ok(())
}

fn wrong(line: usize, what: String) -> AgentError {
    AgentError::Lock { line, what }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> String {
        read(text).unwrap_err().to_string()
    }

    #[test]
    fn the_agents_own_lock_is_read_whole() {
        let text = std::str::from_utf8(super::super::sources::source("Cargo.lock")).unwrap();
        let crates = read(text).unwrap();
        let checksums = text.matches("\nchecksum = ").count();
        assert_eq!(crates.len(), checksums);
        assert!(crates.iter().any(|locked| locked.name == "nix"));
    }

    #[test]
    fn what_cannot_be_verified_is_refused() {
        let package = |lines: &str| told(&format!("version = 4\n\n[[package]]\n{lines}"));
        let told = [
            told("version = 5\n"),
            told("[metadata]\n"),
            package("name = \"a\"\n"),
            package("name = [\n"),
            package("name = \"../a\"\nversion = \"1.0.0\"\n"),
            package("name = \"a\"\nversion = \"1.0.0\"\nsource = \"git+https://git.example/a\"\n"),
            package(
                "name = \"a\"\nversion = \"1.0.0\"\nsource = \"registry+https://index.example\"\n",
            ),
        ];
        insta::assert_snapshot!(told.join("\n"), @r#"
            the agent's Cargo.lock cannot be used: version 5 is not known (line 1)
            the agent's Cargo.lock cannot be used: `[metadata]` is no known section (line 1)
            the agent's Cargo.lock cannot be used: a package without a name or version (line 3)
            the agent's Cargo.lock cannot be used: `name` is no text (line 4)
            the agent's Cargo.lock cannot be used: `../a` `1.0.0` is no crate's name (line 3)
            the agent's Cargo.lock cannot be used: a comes from `git+https://git.example/a`, not from a registry (line 3)
            the agent's Cargo.lock cannot be used: a has no sound checksum (line 3)
        "#);
    }
}
