//! Paths: references to files of this machine, which must be there, and paths of a guest, which are only words here.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use miette::SourceSpan;

use super::Check;
use crate::manifest::{
    file::Kind,
    problem::{Mistake, Problem},
    raw::Node,
    words::{nearest, quoted},
};

/// Bytes of a path, and of each of its parts: Linux's limits.
const LONGEST_PATH: usize = 4095;
const LONGEST_PART: usize = 255;

impl Check<'_> {
    /// Reads a reference to a file of OpenPGP certificates.
    pub(super) fn key_file(&mut self, node: &Node) -> Option<PathBuf> {
        self.file(node, "a key file")
    }

    /// Reads a reference to a file that is there.
    pub(super) fn file(&mut self, node: &Node, what: &str) -> Option<PathBuf> {
        self.reference(node, what, Kind::File)
    }

    /// Reads a reference to a directory that is there.
    pub(super) fn directory(&mut self, node: &Node, what: &str) -> Option<PathBuf> {
        self.reference(node, what, Kind::Directory)
    }

    fn reference(&mut self, node: &Node, what: &str, wanted: Kind) -> Option<PathBuf> {
        let text = self.line(node, what)?;
        let path = self.directory.join(text);
        let found = self.files.kind(&path);
        if found == Some(wanted) {
            return Some(path);
        }
        let shown = quoted(&path.display().to_string());
        let problem = match found {
            None => Problem::new(
                Mistake::BadReference,
                format!("{} does not exist", quoted(text)),
            )
            .help(self.suggestion(text, &path).unwrap_or_else(|| {
                format!("looked for {shown}: paths are relative to the manifest's directory")
            })),
            Some(other) => {
                let words = |kind| match kind {
                    Kind::File => "a file",
                    Kind::Directory => "a directory",
                    Kind::Other => "neither a file nor a directory",
                };
                let message = format!("{} is {}", quoted(text), words(other));
                Problem::new(Mistake::BadReference, message)
                    .help(format!("{what} has to be {}", words(wanted)))
            }
        };
        self.report(node, problem);
        None
    }

    /// Returns what was probably meant by a path to nothing.
    fn suggestion(&self, text: &str, path: &Path) -> Option<String> {
        if text.starts_with('~') {
            return Some("`~` is only expanded by a shell: write the directory".to_owned());
        }
        let name = path.file_name()?.to_str()?;
        let names = self.files.names(path.parent()?);
        let meant = nearest(name, names.iter().map(String::as_str))?;
        let parent = Path::new(text).parent()?.join(meant);
        Some(format!(
            "did you mean {}?",
            quoted(&parent.display().to_string())
        ))
    }

    /// Reads a list of guest paths.
    pub(super) fn guest_paths(&mut self, node: &Node) -> Option<Vec<String>> {
        self.list(node, "directory", |check, node| {
            let text = check.line(node, "a path")?;
            check.guest_path(node, node.span, text)
        })
    }

    /// Reads a mapping from guest paths; a value is read even when its path is wrong.
    pub(super) fn by_path<T>(
        &mut self,
        node: &Node,
        mut read: impl FnMut(&mut Self, &Node) -> Option<T>,
    ) -> Option<BTreeMap<String, T>> {
        let entries = self.mapping(node)?;
        let mut map = BTreeMap::new();
        for (key, node) in entries {
            let path = self.guest_path(node, key.span, &key.text);
            let value = read(self, node);
            if let (Some(path), Some(value)) = (path, value) {
                map.insert(path, value);
            }
        }
        (map.len() == entries.len()).then_some(map)
    }

    /// Judges a path inside a guest or root, which stands at `span`.
    fn guest_path(&mut self, node: &Node, span: SourceSpan, text: &str) -> Option<String> {
        let Err((wrong, help)) = plain(text) else {
            return Some(text.to_owned());
        };
        let problem = Problem::new(Mistake::BadGuestPath, format!("{} {wrong}", quoted(text)));
        self.report(node, problem.at(span, "").help(help));
        None
    }

    /// Reads a symbolic link's target: anything, because it is followed inside the guest.
    pub(super) fn target(&mut self, node: &Node) -> Option<String> {
        let text = self.line(node, "a link's target")?;
        if text.len() > LONGEST_PATH {
            let message = "a link's target is longer than Linux allows".to_owned();
            return self.bad(node, message, format!("at most {LONGEST_PATH} bytes"));
        }
        Some(text.to_owned())
    }
}

/// Returns what is wrong with a guest's path, and what to do.
fn plain(text: &str) -> Result<(), (&'static str, String)> {
    let write = || {
        let parts = text.split('/').filter(|part| !["", "."].contains(part));
        let clean: String = parts.flat_map(|part| ["/", part]).collect();
        format!("write {}", quoted(&clean))
    };
    let any = |test: fn(&str) -> bool| text.split('/').skip(1).any(test);
    if text.contains(char::is_control) {
        return Err(("has control characters", "use a plain path".to_owned()));
    }
    if text.split('/').any(|part| part == "..") {
        let help = "write the absolute path it leads to, without `..`";
        return Err(("goes up", help.to_owned()));
    }
    if text.is_empty() || text.chars().all(|c| c == '/') {
        let help = "the root is always there: name a path below it";
        return Err(("is not below the root", help.to_owned()));
    }
    if !text.starts_with('/') {
        return Err(("is not absolute", write()));
    }
    if any(|part| part.is_empty() || part == ".") {
        return Err(("is not plain", write()));
    }
    if text.len() > LONGEST_PATH || any(|part| part.len() > LONGEST_PART) {
        let help = format!("at most {LONGEST_PATH} bytes, and {LONGEST_PART} between slashes");
        return Err(("is longer than Linux allows", help));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guest_paths_are_absolute_and_plain() {
        for good in ["/a", "/etc/resolv.conf", "/a b", "/..a/...", "/ä"] {
            assert_eq!(plain(good), Ok(()), "{good}");
        }
        let long = format!("/{}", "x".repeat(256));
        for bad in [
            "", "/", "//", "a", "a/b", "/a/", "/a//b", "/a/./b", "/a/../b", "../a", "/a\0", &long,
        ] {
            assert!(plain(bad).is_err(), "{bad}");
        }
    }
}
