//! The files of a tree: found by the name that `source` gives, read whole, and never from outside the tree. What they say
//! is not known here.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use super::error::{KconfigError, Refusal};

/// As large may one file be. The largest of Linux 6.12 has 100 KiB.
const LARGEST: u64 = 4 << 20;
/// As much may all files together hold, those that are sourced twice counted twice. Linux 6.12 has 6.5 MiB.
const MOST_BYTES: u64 = 64 << 20;
/// As many files may be sourced. Linux 6.12 sources 1600.
const MOST_FILES: usize = 50_000;

/// The files under a tree's top.
pub(super) struct Sources {
    root: PathBuf,
    /// Directories that were seen to lie in the tree.
    inside: BTreeSet<PathBuf>,
    bytes: u64,
    files: usize,
}

/// Why a file is not read.
pub(super) enum Missing {
    /// There is none.
    Absent,
    /// It must not be read.
    Refused(Refusal),
    /// The disk fails.
    Broken(KconfigError),
}

impl Sources {
    /// Opens a tree.
    pub(super) fn open(root: &Path) -> Result<Self, KconfigError> {
        let root = fs::canonicalize(root).map_err(|cause| KconfigError::Read {
            path: root.to_owned(),
            cause,
        })?;
        Ok(Self {
            inside: BTreeSet::from([root.clone()]),
            root,
            bytes: 0,
            files: 0,
        })
    }

    /// Reads a file, named relative to the tree's top as [`inside`] returns it.
    pub(super) fn read(&mut self, name: &str) -> Result<Vec<u8>, Missing> {
        let path = self.root.join(name);
        let broken = |cause| match is_absence(&cause) {
            true => Missing::Absent,
            false => Missing::Broken(KconfigError::Read {
                path: path.clone(),
                cause,
            }),
        };
        if !self.lies_inside(&path).map_err(broken)? {
            return Err(Missing::Refused(outside(name)));
        }
        let about = fs::metadata(&path).map_err(broken)?;
        if !about.is_file() {
            return Err(Missing::Refused(Refusal::new(format!(
                "`{name}` is not a file"
            ))));
        }
        self.bytes += about.len();
        self.files += 1;
        if about.len() > LARGEST {
            let mib = LARGEST >> 20;
            return Err(Missing::Refused(Refusal::new(format!(
                "`{name}` is larger than {mib} MiB"
            ))));
        }
        if self.bytes > MOST_BYTES || self.files > MOST_FILES {
            let mib = MOST_BYTES >> 20;
            return Err(Missing::Refused(Refusal::with_help(
                format!("with `{name}` more than {mib} MiB or {MOST_FILES} files are sourced"),
                "do files source each other again and again?",
            )));
        }
        fs::read(&path).map_err(broken)
    }

    /// Returns the files whose names fit a pattern such as `drivers/*/Kconfig`, in the order of their bytes.
    pub(super) fn matching(&mut self, pattern: &str) -> Result<Vec<String>, Missing> {
        let mut found = vec![String::new()];
        for part in pattern.split('/') {
            let mut next = Vec::new();
            for name in &found {
                let join = |part: &str| match name.is_empty() {
                    true => part.to_owned(),
                    false => format!("{name}/{part}"),
                };
                match is_pattern(part) {
                    false => next.push(join(part)),
                    true => next.extend(
                        self.listed(name)?
                            .iter()
                            .filter(|entry| fits(part, entry))
                            .map(|e| join(e)),
                    ),
                }
            }
            if next.len() > MOST_FILES {
                return Err(Missing::Refused(Refusal::new(format!(
                    "`{pattern}` fits more than {MOST_FILES} files"
                ))));
            }
            found = next;
        }
        found.retain(|name| self.root.join(name).is_file());
        found.sort_unstable();
        Ok(found)
    }

    /// Returns the names in a directory of the tree, except hidden ones.
    fn listed(&mut self, name: &str) -> Result<Vec<String>, Missing> {
        let path = self.root.join(name);
        let broken = |cause| {
            Missing::Broken(KconfigError::Read {
                path: path.clone(),
                cause,
            })
        };
        match self.lies_inside(&path.join("x")) {
            Ok(true) if path.is_dir() => {}
            _ => return Ok(Vec::new()),
        }
        let mut names = Vec::new();
        for entry in fs::read_dir(&path).map_err(broken)? {
            if let Ok(name) = entry.map_err(broken)?.file_name().into_string()
                && !name.starts_with('.')
            {
                names.push(name);
            }
        }
        Ok(names)
    }

    /// Returns whether links lead a path of the tree to a place in the tree. Looks at each directory once.
    fn lies_inside(&mut self, path: &Path) -> io::Result<bool> {
        let parent = path.parent().unwrap_or(&self.root);
        if !self.inside.contains(parent) {
            if !fs::canonicalize(parent)?.starts_with(&self.root) {
                return Ok(false);
            }
            self.inside.insert(parent.to_owned());
        }
        match fs::symlink_metadata(path) {
            Ok(about) if about.is_symlink() => Ok(fs::canonicalize(path)?.starts_with(&self.root)),
            _ => Ok(true),
        }
    }
}

/// Returns the name relative to the tree's top that a written name means, seen from a directory of the tree.
///
/// # Errors
///
/// The name leads out of the tree.
pub(super) fn inside(written: &str, from: &str, srctree: Option<&str>) -> Result<String, Refusal> {
    let below = |top: &str| {
        let name = written.strip_prefix(top.trim_end_matches('/'))?;
        name.starts_with('/').then(|| name.trim_start_matches('/'))
    };
    let (name, from) = match srctree.filter(|top| !top.is_empty()).and_then(below) {
        Some(name) => (name, ""),
        None => (written, from),
    };
    if name.starts_with('/') {
        return Err(outside(written));
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in from.split('/').chain(name.split('/')) {
        match part {
            "" | "." => {}
            ".." if parts.pop().is_none() => return Err(outside(written)),
            ".." => {}
            part => parts.push(part),
        }
    }
    Ok(parts.join("/"))
}

/// Returns whether the name has characters of a pattern.
pub(super) fn is_pattern(name: &str) -> bool {
    name.contains(['*', '?', '['])
}

fn outside(name: &str) -> Refusal {
    Refusal::with_help(
        format!("`{name}` lies outside the kernel tree"),
        "only files of the tree itself are read",
    )
}

fn is_absence(cause: &io::Error) -> bool {
    matches!(
        cause.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::InvalidFilename
    )
}

/// Returns whether a name fits a pattern of `*`, `?` and `[…]`.
fn fits(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut p, mut n) = (0, 0);
    // Where to go on when what follows the last star does not fit.
    let mut star = None;
    while n < name.len() {
        if pattern.get(p) == Some(&b'*') {
            star = Some((p, n));
            p += 1;
        } else if let Some(taken) = fits_one(&pattern[p..], name[n]) {
            p += taken;
            n += 1;
        } else if let Some((at, from)) = star {
            star = Some((at, from + 1));
            (p, n) = (at + 1, from + 1);
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

/// Returns how many bytes of the pattern stand for this byte, if they do.
fn fits_one(pattern: &[u8], byte: u8) -> Option<usize> {
    match pattern {
        [b'?', ..] => Some(1),
        [b'[', rest @ ..] => {
            let (not, rest) = match rest {
                [b'!' | b'^', rest @ ..] => (true, rest),
                rest => (false, rest),
            };
            // A bracket that comes first stands for itself.
            let end = 1 + rest.get(1..)?.iter().position(|byte| *byte == b']')?;
            let mut has = false;
            let mut set = &rest[..end];
            while let [low, tail @ ..] = set {
                set = match tail {
                    [b'-', high, tail @ ..] => {
                        has |= (*low..=*high).contains(&byte);
                        tail
                    }
                    tail => {
                        has |= *low == byte;
                        tail
                    }
                };
            }
            (has != not).then_some(2 + usize::from(not) + end)
        }
        [first, ..] if *first == byte => Some(1),
        _ => None,
    }
}
