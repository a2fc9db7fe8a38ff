//! What a root file system holds, from the manifest, the overlay directory and the agent, and everything that is wrong
//! with it at once. Bytes are handed to an importer: this file knows digests, not the store's layout.

use std::{collections::BTreeMap, os::unix::fs::PermissionsExt, path::Path};

use walkdir::WalkDir;

use super::{Contradiction, RootfsError};
use crate::{
    digest::Digest,
    manifest::{Attributes, DeviceKind, FileContent, Rootfs},
    plan::action::{Entry, Input},
    store::{Store, StoreError},
};

/// Where the agent is put: what Kata's guests start.
pub const INIT: &str = "/sbin/init";

/// The longest path and link target that the kernel unpacks from an initrd (`PATH_MAX`, with the final NUL).
const PATH_MAX: usize = 4096;
/// Directories that nobody declared, and everything in the overlay, belong to root.
const ROOT: Attributes = Attributes {
    mode: 0o755,
    uid: 0,
    gid: 0,
};

/// Bytes to be brought into the store.
#[derive(Clone, Copy, Debug)]
pub enum Bytes<'a> {
    /// From the manifest itself.
    Text(&'a str),
    /// From a file on this disk.
    File(&'a Path),
}

/// Returns an importer that copies into `store`.
pub fn import_into(store: &Store) -> impl FnMut(Bytes<'_>) -> Result<Digest, StoreError> {
    |bytes| match bytes {
        Bytes::Text(text) => Ok(store.put(text.as_bytes())?.0),
        Bytes::File(path) => Ok(store.put_file(path)?.0),
    }
}

/// Returns an importer that only computes digests: for checking.
pub fn digest_only() -> impl FnMut(Bytes<'_>) -> Result<Digest, StoreError> {
    |bytes| match bytes {
        Bytes::Text(text) => Ok(Digest::of(text.as_bytes())),
        Bytes::File(path) => {
            let digest = Digest::of_file(path).map_err(crate::store::failed("read", path))?;
            Ok(digest.0)
        }
    }
}

/// Returns every entry of the root file system by its absolute guest path: what the manifest declares, the overlay with
/// modes as git keeps them (0755 for directories and executables, 0644 otherwise), the agent at [`INIT`], and every
/// directory above them. Nothing depends on the overlay's owners, times or order.
///
/// # Errors
/// [`RootfsError::Contradictions`] with all of them; the overlay cannot be read; the importer's own.
pub fn declare(
    rootfs: &Rootfs,
    agent: Input,
    import: &mut dyn FnMut(Bytes<'_>) -> Result<Digest, StoreError>,
) -> Result<BTreeMap<String, Entry<Input>>, RootfsError> {
    let mut draft = Draft::default();
    draft.add(INIT, "the agent", file(agent, ROOT));
    for (path, attributes) in &rootfs.directories {
        draft.add(path, "rootfs.directories", directory(*attributes));
    }
    for (path, declared) in &rootfs.files {
        let content = match &declared.content {
            FileContent::Text(text) => import(Bytes::Text(text))?,
            FileContent::Path(path) => import(Bytes::File(path))?,
        };
        let entry = file(Input::Blob(content), declared.attributes);
        draft.add(path, "rootfs.files", entry);
    }
    for (path, target) in &rootfs.links {
        draft.add_link(path, "rootfs.links", target.clone());
    }
    for (path, node) in &rootfs.devices {
        let Attributes { mode, uid, gid } = node.attributes;
        let entry = Entry::Device {
            block: node.kind == DeviceKind::Block,
            major: node.major,
            minor: node.minor,
            mode,
            uid,
            gid,
        };
        draft.add(path, "rootfs.devices", entry);
    }
    if let Some(overlay) = &rootfs.overlay {
        draft.add_overlay(overlay, import)?;
    }
    draft.finish()
}

/// A root file system being put together. Keeps who gave each path, for messages.
#[derive(Default)]
struct Draft {
    entries: BTreeMap<String, (Entry<Input>, &'static str)>,
    problems: Vec<Contradiction>,
}

impl Draft {
    fn add(&mut self, path: &str, by: &'static str, entry: Entry<Input>) {
        if let Some(why) = unusable(path) {
            self.problems.push(Contradiction::Path {
                path: path.to_owned(),
                by: by.to_owned(),
                why,
            });
            return;
        }
        if let Some((_, first)) = self.entries.get(path) {
            self.problems.push(Contradiction::Twice {
                path: path.to_owned(),
                first: (*first).to_owned(),
                second: by.to_owned(),
            });
            return;
        }
        self.entries.insert(path.to_owned(), (entry, by));
    }

    fn add_link(&mut self, path: &str, by: &'static str, target: String) {
        let why = match target.as_str() {
            "" => "a link needs a target",
            text if text.len() >= PATH_MAX => "its target is longer than 4095 bytes",
            text if text.contains('\0') => "its target has a NUL in it",
            _ => return self.add(path, by, Entry::Link { target }),
        };
        self.problems.push(Contradiction::Path {
            path: path.to_owned(),
            by: by.to_owned(),
            why,
        });
    }

    fn add_overlay(
        &mut self,
        overlay: &Path,
        import: &mut dyn FnMut(Bytes<'_>) -> Result<Digest, StoreError>,
    ) -> Result<(), RootfsError> {
        const BY: &str = "the overlay";
        for found in WalkDir::new(overlay).min_depth(1).sort_by_file_name() {
            let found = found.map_err(RootfsError::Overlay)?;
            let below = found
                .path()
                .strip_prefix(overlay)
                .expect("a walk stays below where it began");
            let Some(name) = below.to_str() else {
                self.problems
                    .push(Contradiction::NotText(found.into_path()));
                continue;
            };
            let path = format!("/{name}");
            let kind = found.file_type();
            if kind.is_dir() {
                // A declared directory says more than the overlay's: git keeps no modes of directories.
                if !matches!(self.entries.get(&path), Some((Entry::Directory { .. }, _))) {
                    self.add(&path, BY, directory(ROOT));
                }
            } else if kind.is_file() {
                let metadata = found.metadata().map_err(RootfsError::Overlay)?;
                let executable = metadata.permissions().mode() & 0o100 != 0;
                let mode = if executable { 0o755 } else { 0o644 };
                let content = Input::Blob(import(Bytes::File(found.path()))?);
                self.add(&path, BY, file(content, Attributes { mode, ..ROOT }));
            } else if kind.is_symlink() {
                let target = std::fs::read_link(found.path())
                    .map_err(crate::store::failed("read", found.path()))?;
                match target.into_os_string().into_string() {
                    Ok(target) => self.add_link(&path, BY, target),
                    Err(_) => self
                        .problems
                        .push(Contradiction::NotText(found.into_path())),
                }
            } else {
                self.problems
                    .push(Contradiction::Special(found.into_path()));
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<BTreeMap<String, Entry<Input>>, RootfsError> {
        let paths: Vec<_> = self
            .entries
            .iter()
            .map(|(path, (_, by))| (path.clone(), *by))
            .collect();
        for (path, by) in paths {
            for above in parents(&path) {
                match self.entries.get(above) {
                    None => {
                        let made = (directory(ROOT), "its contents");
                        self.entries.insert(above.to_owned(), made);
                    }
                    Some((Entry::Directory { .. }, _)) => {}
                    Some((entry, above_by)) => {
                        self.problems.push(Contradiction::Below {
                            path: path.clone(),
                            by: by.to_owned(),
                            above: above.to_owned(),
                            what: kind(entry),
                            above_by: (*above_by).to_owned(),
                        });
                        break;
                    }
                }
            }
        }
        if !self.problems.is_empty() {
            return Err(RootfsError::Contradictions(self.problems));
        }
        Ok(self
            .entries
            .into_iter()
            .map(|(path, (entry, _))| (path, entry))
            .collect())
    }
}

/// Returns the directories above an absolute path, the topmost first, without `/` itself.
fn parents(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/')
        .skip(1)
        .map(|(slash, _)| &path[..slash])
}

/// Tells why a text cannot be a path of a guest.
fn unusable(path: &str) -> Option<&'static str> {
    let mut parts = path.split('/');
    if parts.next() != Some("") {
        return Some("it does not start with `/`");
    }
    if path == "/" {
        return Some("the root itself is always there, as root's, with mode 0755");
    }
    if parts.any(|part| matches!(part, "" | "." | "..")) {
        return Some("an empty part, `.` or `..` is in it");
    }
    if path.len() >= PATH_MAX {
        return Some("it is longer than 4095 bytes");
    }
    if path.contains('\0') {
        return Some("a NUL is in it");
    }
    // An entry of this name ends a cpio archive.
    (path == "/TRAILER!!!").then_some("the archive format uses this name to mark its end")
}

fn directory(Attributes { mode, uid, gid }: Attributes) -> Entry<Input> {
    Entry::Directory { mode, uid, gid }
}

fn file(content: Input, Attributes { mode, uid, gid }: Attributes) -> Entry<Input> {
    Entry::File {
        content,
        mode,
        uid,
        gid,
    }
}

fn kind(entry: &Entry<Input>) -> &'static str {
    match entry {
        Entry::Directory { .. } => "a directory",
        Entry::File { .. } => "a file",
        Entry::Link { .. } => "a symbolic link",
        Entry::Device { .. } => "a device",
    }
}

#[cfg(test)]
#[path = "tree_tests.rs"]
mod tests;
