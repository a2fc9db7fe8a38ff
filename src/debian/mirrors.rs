//! Where Debian's archives are mirrored, from a base URL or from a host's apt configuration: pure readers of text, and
//! one function that opens the files. No host name is written here; asking the mirrors is for `source`.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use deb822_fast::Deb822;

use crate::source::{Mirrors, Registry};

/// The archives that suites come from.
const ARCHIVES: [&str; 2] = ["debian", "debian-security"];

/// Mirrors cannot be told from what was given.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum MirrorsError {
    /// The text is not the URL of a mirror.
    #[error("`{text}` is not the URL of a Debian mirror")]
    #[diagnostic(
        code(debian::mirror_url),
        help("give the archive's own directory, for instance `http://mirror.example/debian`")
    )]
    NotAUrl {
        /// The text.
        text: String,
    },
    /// apt's configuration cannot be read.
    #[error("cannot read apt's configuration `{}`", path.display())]
    #[diagnostic(
        code(debian::apt),
        help("`--debian-mirror URL` names a mirror without asking apt")
    )]
    Apt {
        /// The file or directory.
        path: PathBuf,
        /// The cause.
        #[source]
        cause: io::Error,
    },
}

impl Mirrors {
    /// Returns the mirrors below one base URL: `debian` is the base itself, `debian-security` its sibling, whose name
    /// ends in `-security`. `named_by` tells users where the URL came from.
    ///
    /// # Errors
    /// The text is not an `http` or `https` URL with a path.
    pub fn from_base(url: &str, named_by: &str) -> Result<Self, MirrorsError> {
        let base = url.trim().trim_end_matches('/');
        if !is_archive_url(base) {
            return Err(MirrorsError::NotAUrl {
                text: url.to_owned(),
            });
        }
        let archives = BTreeMap::from([
            ("debian".to_owned(), vec![base.to_owned()]),
            (
                "debian-security".to_owned(),
                vec![format!("{base}-security")],
            ),
        ]);
        Ok(Self::of(archives, named_by))
    }

    /// Returns the mirrors that apt's configuration names, given as (file name, content), or `None` when it names
    /// none. Files that end in `.sources` are read as deb822, others line by line. Third parties' archives are passed
    /// over, and so is what does not look like a source: apt is not judged here.
    #[must_use]
    pub fn from_apt(files: &[(String, String)]) -> Option<Self> {
        let mut archives: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut named_by = Vec::new();
        for (file, content) in files {
            let uris = if file.ends_with(".sources") {
                deb822_uris(content)
            } else {
                line_uris(content)
            };
            for uri in uris {
                let base = uri.trim_end_matches('/');
                let Some(archive) = archive_in(base) else {
                    continue;
                };
                let bases = archives.entry(archive.to_owned()).or_default();
                if !bases.iter().any(|other| other == base) {
                    bases.push(base.to_owned());
                }
                if !named_by.contains(file) {
                    named_by.push(file.clone());
                }
            }
        }
        if !archives.contains_key("debian-security") {
            let siblings = archives.get("debian")?.iter();
            let siblings = siblings.map(|base| format!("{base}-security")).collect();
            archives.insert("debian-security".to_owned(), siblings);
        }
        Some(Self::of(archives, &named_by.join(", ")))
    }

    /// Reads `sources.list` and `sources.list.d` below `apt` (usually `/etc/apt`), in apt's order, as
    /// [`Mirrors::from_apt`].
    ///
    /// # Errors
    /// A file is there and cannot be read.
    pub fn from_apt_directory(apt: &Path) -> Result<Option<Self>, MirrorsError> {
        let mut paths = vec![apt.join("sources.list")];
        let parts = apt.join("sources.list.d");
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |cause| MirrorsError::Apt { path, cause }
        };
        match fs::read_dir(&parts) {
            Ok(entries) => {
                let entries: Result<Vec<_>, _> = entries.collect();
                let mut entries: Vec<_> = entries
                    .map_err(failed(&parts))?
                    .iter()
                    .map(fs::DirEntry::path)
                    .filter(|path| {
                        path.extension()
                            .is_some_and(|e| e == "list" || e == "sources")
                    })
                    .collect();
                entries.sort();
                paths.append(&mut entries);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(&parts)(error)),
        }
        let mut files = Vec::new();
        for path in paths {
            match fs::read(&path) {
                Ok(content) => files.push((
                    path.display().to_string(),
                    String::from_utf8_lossy(&content).into_owned(),
                )),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                // What apt itself keeps from ordinary users is a third party's, with a password in it.
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
                Err(error) => return Err(failed(&path)(error)),
            }
        }
        Ok(Self::from_apt(&files))
    }

    fn of(archives: BTreeMap<String, Vec<String>>, named_by: &str) -> Self {
        let mut snapshots = Vec::new();
        for base in archives.values().flatten() {
            if let Some(snapshot) = snapshot_of(base)
                && !snapshots.contains(&snapshot)
            {
                snapshots.push(snapshot);
            }
        }
        Self {
            archives,
            snapshots,
            named_by: named_by.to_owned(),
            registry: Registry::default(),
        }
    }
}

/// Returns the snapshot service of a mirror's own domain, which may keep what the mirror drops:
/// `http://deb.name.example/debian` has `http://snapshot.name.example/archive`. A host without a domain above it, an
/// address, or a host with a port has none.
#[must_use]
pub fn snapshot_of(mirror_base: &str) -> Option<String> {
    let (scheme, rest) = mirror_base.split_once("://")?;
    let host = rest.split('/').next()?;
    let plain = |label: &str| {
        !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    let labels: Vec<&str> = host.split('.').collect();
    let [_, .., name, top] = labels[..] else {
        return None;
    };
    let numeric = top.chars().all(|c| c.is_ascii_digit());
    (labels.iter().all(|label| plain(label)) && !numeric)
        .then(|| format!("{scheme}://snapshot.{name}.{top}/archive"))
}

fn is_archive_url(url: &str) -> bool {
    let rest = url
        .strip_prefix("http://")
        .or_else(|| url.strip_prefix("https://"));
    let has_path = rest.and_then(|rest| rest.split_once('/'));
    has_path.is_some_and(|(host, path)| !host.is_empty() && !path.is_empty())
        && url
            .chars()
            .all(|c| c.is_ascii_graphic() && !matches!(c, '?' | '#'))
}

fn archive_in(base: &str) -> Option<&'static str> {
    let last = base.rsplit('/').next()?;
    let archive = ARCHIVES.into_iter().find(|archive| *archive == last)?;
    is_archive_url(base).then_some(archive)
}

/// Reads `deb [options] URI suite component…` lines.
fn line_uris(content: &str) -> Vec<String> {
    content
        .lines()
        .filter_map(|line| {
            let line = line.split('#').next().unwrap_or_default().trim();
            let rest = line.strip_prefix("deb")?;
            let rest = rest.strip_prefix(char::is_whitespace)?.trim_start();
            let rest = match rest.strip_prefix('[') {
                Some(options) => options.split_once(']')?.1,
                None => rest,
            };
            rest.split_whitespace().next().map(str::to_owned)
        })
        .collect()
}

/// Reads the enabled `Types: deb` paragraphs of a deb822 file.
fn deb822_uris(content: &str) -> Vec<String> {
    let Ok(paragraphs) = content.parse::<Deb822>() else {
        return Vec::new();
    };
    let no = ["no", "false", "0", "off", "disable", "without"];
    paragraphs
        .iter()
        .filter(|fields| {
            let has = |name: &str, word: &str| {
                fields
                    .get(name)
                    .unwrap_or_default()
                    .split_whitespace()
                    .any(|w| w == word)
            };
            has("Types", "deb") && !no.iter().any(|no| has("Enabled", no))
        })
        .flat_map(|fields| {
            let uris = fields.get("URIs").unwrap_or_default();
            uris.split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apt(file: &str, content: &str) -> Option<Mirrors> {
        Mirrors::from_apt(&[(file.to_owned(), content.to_owned())])
    }

    #[test]
    fn a_one_line_list_names_mirrors_and_third_parties_are_passed_over() {
        let mirrors = apt(
            "sources.list",
            "# deb http://old.example/debian trixie main\n\
             deb [arch=amd64 signed-by=/usr/share/keyrings/x.gpg] http://mirror.example/debian/ trixie main # ours\n\
             deb http://mirror.example/debian trixie-updates main\n\
             deb-src http://source.example/debian trixie main\n\
             deb https://vendor.example/apt/ stable main\n\
             deb cdrom:[Debian]/debian trixie main\n\
             deb\thttp://safe.example/pub/debian-security trixie-security main\n",
        )
        .unwrap();
        assert_eq!(mirrors.archives["debian"], ["http://mirror.example/debian"]);
        assert_eq!(
            mirrors.archives["debian-security"],
            ["http://safe.example/pub/debian-security"]
        );
        assert_eq!(mirrors.named_by, "sources.list");
    }

    #[test]
    fn a_deb822_file_names_mirrors_unless_it_is_disabled_or_for_sources_only() {
        let mirrors = apt(
            "debian.sources",
            "Types: deb deb-src\n\
             # a comment\n\
             URIs: http://a.example/debian\n http://b.example/debian/\n\
             Suites: trixie trixie-updates\nComponents: main\n\n\
             Types: deb\nURIs: http://off.example/debian\nSuites: trixie\nEnabled: no\n\n\
             Types: deb-src\nURIs: http://src.example/debian\nSuites: trixie\n",
        )
        .unwrap();
        assert_eq!(
            mirrors.archives["debian"],
            ["http://a.example/debian", "http://b.example/debian"]
        );
        assert_eq!(
            mirrors.archives["debian-security"],
            [
                "http://a.example/debian-security",
                "http://b.example/debian-security"
            ]
        );
    }

    #[test]
    fn a_host_of_another_distribution_names_none() {
        assert_eq!(
            apt(
                "ubuntu.sources",
                "Types: deb\nURIs: http://a.example/ubuntu\n"
            ),
            None
        );
        assert_eq!(apt("broken.sources", "no field\n"), None);
        assert_eq!(Mirrors::from_apt(&[]), None);
    }

    #[test]
    fn one_base_url_gives_both_archives() {
        let mirrors = Mirrors::from_base("http://127.0.0.1:80/debian/", "--debian-mirror").unwrap();
        assert_eq!(mirrors.archives["debian"], ["http://127.0.0.1:80/debian"]);
        assert_eq!(
            mirrors.archives["debian-security"],
            ["http://127.0.0.1:80/debian-security"]
        );
        assert_eq!(mirrors.snapshots, Vec::<String>::new());
        for wrong in [
            "",
            "mirror.example",
            "ftp://m.example/debian",
            "http://m.example",
            "http:///debian",
        ] {
            assert!(Mirrors::from_base(wrong, "").is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_snapshot_service_is_the_mirrors_own_domains() {
        for (mirror, snapshot) in [
            (
                "http://deb.name.example/debian",
                Some("http://snapshot.name.example/archive"),
            ),
            (
                "https://ftp.de.name.example/debian",
                Some("https://snapshot.name.example/archive"),
            ),
            ("http://mirror.example/debian", None),
            ("http://deb.name.example:8080/debian", None),
            ("http://user@deb.name.example/debian", None),
            ("http://10.0.0.1/debian", None),
            ("http://localhost/debian", None),
        ] {
            assert_eq!(snapshot_of(mirror).as_deref(), snapshot, "{mirror}");
        }
    }

    #[test]
    fn apts_files_are_read_in_order_and_absent_ones_are_no_error() {
        let apt = tempfile::tempdir().unwrap();
        assert_eq!(Mirrors::from_apt_directory(apt.path()).unwrap(), None);
        let parts = apt.path().join("sources.list.d");
        fs::create_dir(&parts).unwrap();
        let list = |name: &str, host: &str| {
            fs::write(
                parts.join(name),
                format!("deb http://{host}/debian trixie main\n"),
            )
            .unwrap();
        };
        list("b.list", "b.example");
        list("a.list", "a.example");
        list("c.list.disabled", "c.example");
        let mirrors = Mirrors::from_apt_directory(apt.path()).unwrap().unwrap();
        assert_eq!(
            mirrors.archives["debian"],
            ["http://a.example/debian", "http://b.example/debian"]
        );
    }
}
