//! The lock's file: YAML, written by hand so that one package is one block in a review and bytes are stable; read with
//! every doubt raised. What the values mean is not judged against a manifest here.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::{self, Write as _},
    marker::PhantomData,
    path::Path,
    sync::Arc,
};

use miette::{NamedSource, SourceSpan};
use serde::{Deserialize, Deserializer, de};

use super::{Lock, Package, SCHEMA};
use crate::{debian::index::is_below, debian::relation::is_name};

/// A lock larger than this, in bytes, is refused. A thousand packages take 300 KiB.
const LIMIT: usize = 16 << 20;

/// The first lines of every lock. Part of the format: changing it changes every lock's digest.
const HEADER: &str = "\
# What the names in the manifest meant when they were locked: every package with its digest, and the signed releases
# they came from. Written by `kata-artifacts lock` and `kata-artifacts update`: review it like code, do not edit it.
";

/// The last line of every lock: one that lacks it was cut short.
const END: &str = "...";

/// A lock that cannot be read.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("`{}` is not a lock: {why}", source_code.name())]
#[diagnostic(code(lock::text), help("{help}"))]
pub struct LockError {
    /// What is wrong.
    pub why: String,
    help: String,
    #[source_code]
    source_code: Arc<NamedSource<String>>,
    #[label("here")]
    line: Option<SourceSpan>,
}

/// What to do with a lock that is no good. `LOCK` stands for its path, `MANIFEST` for that of its manifest.
const RESTORE: &str = "restore the committed file; or remove LOCK, and `kata-artifacts lock MANIFEST` writes a new one";

/// Returns the lock's text: stable byte for byte.
#[must_use]
pub fn write(lock: &Lock) -> String {
    let mut text = String::from(HEADER);
    // Writing into a String cannot fail.
    let _ = write_to(&mut text, lock);
    text
}

fn write_to(out: &mut String, lock: &Lock) -> fmt::Result {
    writeln!(out, "schema: {}", lock.schema)?;
    writeln!(out, "requests:")?;
    writeln!(out, "  suites: {}", list(&lock.requests.suites))?;
    writeln!(out, "  components: {}", list(&lock.requests.components))?;
    empty_or_lines(out, "  packages:", lock.requests.packages.is_empty())?;
    for (what, names) in &lock.requests.packages {
        writeln!(out, "    {what}:")?;
        for name in names {
            writeln!(out, "      - {}", scalar(name))?;
        }
    }
    empty_or_lines(out, "releases:", lock.releases.is_empty())?;
    for (suite, release) in &lock.releases {
        writeln!(out, "  {}:", scalar(suite))?;
        writeln!(out, "    archive: {}", scalar(&release.archive))?;
        writeln!(out, "    version: {}", quoted(&release.version))?;
        writeln!(out, "    date: {}", quoted(&release.date))?;
        writeln!(out, "    sha256: {}", quoted(&release.sha256.hex()))?;
        writeln!(out, "    signed_by:")?;
        for key in &release.signed_by {
            writeln!(out, "      - {}", quoted(key))?;
        }
    }
    empty_or_lines(out, "packages:", lock.packages.is_empty())?;
    for (machine, packages) in &lock.packages {
        empty_or_lines(out, &format!("  {machine}:"), packages.is_empty())?;
        for package in packages {
            write_package(out, package)?;
        }
    }
    writeln!(out, "{END}")
}

fn write_package(out: &mut String, package: &Package) -> fmt::Result {
    let uses: Vec<_> = package.uses.iter().map(|u| u.name().to_owned()).collect();
    writeln!(out, "    - name: {}", scalar(&package.name))?;
    writeln!(out, "      version: {}", quoted(&package.version))?;
    writeln!(out, "      architecture: {}", scalar(&package.architecture))?;
    writeln!(out, "      suite: {}", scalar(&package.suite))?;
    writeln!(out, "      for: {}", list(&uses))?;
    writeln!(out, "      path: {}", scalar(&package.path))?;
    writeln!(out, "      size: {}", package.size)?;
    writeln!(out, "      sha256: {}", quoted(&package.sha256.hex()))
}

fn empty_or_lines(out: &mut String, key: &str, empty: bool) -> fmt::Result {
    writeln!(out, "{key}{}", if empty { " {}" } else { "" })
}

fn list(words: &[String]) -> String {
    let words: Vec<_> = words.iter().map(|word| scalar(word)).collect();
    format!("[{}]", words.join(", "))
}

/// Returns the text as YAML reads it back: bare where nothing else could be meant.
fn scalar(text: &str) -> String {
    let bare = text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| {
            c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+' | '/' | '~' | '%')
        })
        && !matches!(
            text,
            "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n"
        );
    if bare { text.to_owned() } else { quoted(text) }
}

fn quoted(text: &str) -> String {
    // JSON strings are YAML strings.
    serde_json::Value::from(text).to_string()
}

/// Reads a lock. `path` names it in messages.
///
/// # Errors
/// It is of another schema, cut short, left with conflict markers, or says something that no lock says.
pub fn read(path: &Path, text: &str) -> Result<Lock, LockError> {
    let advice = |help: &str| {
        let manifest = path.with_extension("yaml");
        help.replace("LOCK", &path.display().to_string())
            .replace("MANIFEST", &manifest.display().to_string())
    };
    let error = |why: String, help: &str, line: Option<usize>| LockError {
        why,
        help: advice(help),
        source_code: Arc::new(
            NamedSource::new(path.display().to_string(), text.to_owned()).with_language("yaml"),
        ),
        line: line.and_then(|line| span(text, line)),
    };
    if text.len() > LIMIT {
        return Err(LockError {
            why: format!("it is larger than {LIMIT} bytes"),
            help: advice(RESTORE),
            source_code: Arc::new(NamedSource::new(path.display().to_string(), String::new())),
            line: None,
        });
    }
    if let Some(line) = conflict_marker(text) {
        return Err(error(
            "it has the conflict markers of an unfinished merge".to_owned(),
            "take either side, then run `kata-artifacts lock MANIFEST`: it keeps the pins that are still right",
            Some(line),
        ));
    }
    let yaml = |cause: serde_yaml::Error| {
        let line = cause.location().map(|location| location.line());
        error(cause.to_string(), RESTORE, line)
    };
    let Schema { schema } = serde_yaml::from_str(text).map_err(yaml)?;
    if schema != SCHEMA {
        let line = text.lines().position(|line| line.starts_with("schema:"));
        return Err(error(
            format!("its schema is {schema}; this program reads {SCHEMA}"),
            "use the version of kata-artifacts that wrote it; or remove LOCK, and `kata-artifacts lock MANIFEST` writes a new one",
            line.map(|line| line + 1),
        ));
    }
    if text.lines().next_back() != Some(END) {
        return Err(error(
            format!("it is cut short: its last line is not `{END}`"),
            RESTORE,
            Some(text.lines().count()),
        ));
    }
    let lock: Lock = serde_yaml::from_str(text).map_err(yaml)?;
    judge(&lock).map_err(|(why, package)| {
        let line = package.and_then(|number| package_line(text, number));
        error(why, RESTORE, line)
    })?;
    Ok(lock)
}

#[derive(Deserialize)]
struct Schema {
    schema: u32,
}

/// Says what no lock says, and which package, counted over the whole file, says it.
fn judge(lock: &Lock) -> Result<(), (String, Option<usize>)> {
    for (suite, release) in &lock.releases {
        if release.date.parse::<jiff::Timestamp>().is_err() {
            return Err((format!("the date of release `{suite}` is not a time"), None));
        }
        if !is_below(&release.archive) || !is_below(suite) {
            return Err((format!("the archive of release `{suite}` is no path"), None));
        }
    }
    let mut number = 0;
    for (machine, packages) in &lock.packages {
        let mut seen = BTreeSet::new();
        for package in packages {
            let wrong = |why: String| Err((why, Some(number)));
            let name = &package.name;
            if !is_name(name) {
                return wrong(format!("`{name}` is not the name of a package"));
            }
            if !seen.insert(name) {
                return wrong(format!("package `{name}` is there twice for {machine}"));
            }
            if !lock.releases.contains_key(&package.suite) {
                return wrong(format!(
                    "package `{name}` is from suite `{}`, which is not under `releases`",
                    package.suite
                ));
            }
            if package.version.parse::<debversion::Version>().is_err() {
                return wrong(format!("the version of `{name}` is not one"));
            }
            if package.architecture != "all" && package.architecture != machine.debian() {
                return wrong(format!(
                    "package `{name}` is of architecture `{}`, which no {machine} machine runs",
                    package.architecture
                ));
            }
            if !is_below(&package.path) {
                return wrong(format!("the path of `{name}` leaves the archive"));
            }
            if let Some(version) = version_in_path(package)
                && ![&package.version, without_epoch(&package.version)].contains(&&*version)
            {
                return wrong(format!(
                    "the version of `{name}` is {}, and its file is of version {version}",
                    package.version
                ));
            }
            if package.uses.is_empty() || !package.uses.is_sorted_by(|a, b| a < b) {
                return wrong(format!(
                    "`for` of `{name}` is empty, unsorted or repeats itself"
                ));
            }
            number += 1;
        }
    }
    Ok(())
}

/// Returns the version in the name of a package's file, where that has the form that Debian's archives use:
/// `<name>_<version without epoch>_<architecture>.deb`, or with an epoch as `4%3a1.2`. Where it has not, the digest alone says what the file is.
fn version_in_path(package: &Package) -> Option<String> {
    let file = package.path.rsplit('/').next()?;
    let version = file
        .strip_prefix(package.name.as_str())?
        .strip_prefix('_')?;
    let (version, architecture) = version.strip_suffix(".deb")?.rsplit_once('_')?;
    (architecture == package.architecture).then(|| version.replace("%3a", ":"))
}

fn without_epoch(version: &str) -> &str {
    version.split_once(':').map_or(version, |(_, rest)| rest)
}

fn conflict_marker(text: &str) -> Option<usize> {
    let marker = |line: &str| {
        line.starts_with("<<<<<<<") || line.starts_with(">>>>>>>") || line.starts_with("=======")
    };
    text.lines().position(marker).map(|line| line + 1)
}

/// Returns the line, from 1, on which package number `number`, from 0, begins.
fn package_line(text: &str, number: usize) -> Option<usize> {
    text.lines()
        .enumerate()
        .filter(|(_, line)| line.trim_start().starts_with("- name:"))
        .nth(number)
        .map(|(line, _)| line + 1)
}

/// Returns where a line, counted from 1, is in the text.
fn span(text: &str, line: usize) -> Option<SourceSpan> {
    let mut start = 0;
    for (number, content) in text.split_inclusive('\n').enumerate() {
        if number + 1 == line {
            let content = content.trim_end();
            let indent = content.len() - content.trim_start().len();
            return Some((start + indent, content.len() - indent).into());
        }
        start += content.len();
    }
    None
}

/// Reads a map whose keys occur once: serde keeps the last of several without a word.
pub(super) fn unique<'de, D, K, V>(deserializer: D) -> Result<BTreeMap<K, V>, D::Error>
where
    D: Deserializer<'de>,
    K: Deserialize<'de> + Ord + fmt::Debug,
    V: Deserialize<'de>,
{
    struct Unique<K, V>(PhantomData<(K, V)>);

    impl<'de, K, V> de::Visitor<'de> for Unique<K, V>
    where
        K: Deserialize<'de> + Ord + fmt::Debug,
        V: Deserialize<'de>,
    {
        type Value = BTreeMap<K, V>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a map")
        }

        fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut read = BTreeMap::new();
            while let Some(key) = map.next_key::<K>()? {
                if read.contains_key(&key) {
                    return Err(de::Error::custom(format!("{key:?} is there twice")));
                }
                let value = map.next_value()?;
                read.insert(key, value);
            }
            Ok(read)
        }
    }

    deserializer.deserialize_map(Unique(PhantomData))
}
