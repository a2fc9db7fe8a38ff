//! The patch step: makes a patched copy of a source tree. GNU patch works in a staging directory that holds nothing but
//! copies of the files that the patch names, so it can neither find another file by guessing nor write into the tree it
//! came from; the rest of the new tree are hard links.

use std::{
    collections::BTreeSet,
    fs, io,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
};

use serde::Serialize;
use walkdir::WalkDir;

use super::{KernelError, diff, error::unless_interrupted, make};
use crate::{
    bench::Bench,
    digest::Digest,
    plan::action::{Named, Patch},
    step::{Product, Products},
    tool::{Access, BUILD, Invocation, Place, SRC},
};

/// The version of the report's form.
const SCHEMA: u32 = 1;
/// The patch's name where GNU patch reads it.
const PATCH_FILE: &str = "this.patch";

#[derive(Serialize)]
struct Report {
    schema: u32,
    patches: Vec<Applied>,
}

/// One patch and what it changed.
#[derive(Serialize)]
struct Applied {
    name: String,
    digest: Digest,
    files: Vec<Change>,
}

/// One file before and after a patch; absent when it is not there.
#[derive(Serialize)]
struct Change {
    path: String,
    before: Option<State>,
    after: Option<State>,
}

#[derive(Clone, PartialEq, Eq, Serialize)]
struct State {
    digest: Digest,
    executable: bool,
}

/// Applies patches. Products: `tree`, `report`.
///
/// # Errors
/// A patch is malformed, does not apply exactly, is in the tree already, or changes something else than it names.
pub fn patch(bench: &Bench<'_>, action: &Patch<Digest>) -> Result<Products, KernelError> {
    let source = bench.tree(action.source)?;
    let place = bench.place(action.toolchain)?;
    let texts = read(bench, action)?;
    let scratch = bench.scratch()?;
    let staging = scratch.path().join("staging");
    let mut touched = BTreeSet::new();
    let mut report = Report {
        schema: SCHEMA,
        patches: Vec::new(),
    };
    make_dir(&staging)?;
    for (Named { name, input }, (bytes, files)) in action.patches.iter().zip(&texts) {
        for file in files {
            if touched.insert(file.clone()) {
                stage(name, &source, &staging, file)?;
            }
        }
        let changes = apply(bench, &place, &staging, name, bytes, files)?;
        refuse_strays(name, &staging, &touched)?;
        report.patches.push(Applied {
            name: name.clone(),
            digest: *input,
            files: changes,
        });
    }
    let writer = bench.store.write_tree(bench.key)?;
    let tree = writer.path()?;
    link(bench, &source, &tree, &touched)?;
    for file in &touched {
        let staged = staging.join(file);
        if staged.is_file() {
            let to = tree.join(file);
            make_dir(to.parent().expect("a file lies in a directory"))?;
            fs::rename(&staged, &to).map_err(write(&to))?;
        }
    }
    let text = serde_json::to_string_pretty(&report).expect("a report is plain data") + "\n";
    let report = make::blob(bench.store, text.as_bytes())?;
    writer.finish()?;
    Ok(Products::from([
        ("tree".to_owned(), Product::Tree { key: bench.key }),
        ("report".to_owned(), report),
    ]))
}

type Text = (Vec<u8>, BTreeSet<String>);

/// Reads every patch, telling what is wrong with all of them at once.
fn read(bench: &Bench<'_>, action: &Patch<Digest>) -> Result<Vec<Text>, KernelError> {
    let mut texts = Vec::new();
    let mut bad = Vec::new();
    for Named { name, input } in &action.patches {
        let bytes = bench.store.read(*input)?;
        match diff::touched(name, &bytes) {
            Ok(files) => texts.push((bytes, files)),
            Err(wrong) => bad.push(wrong),
        }
    }
    if bad.is_empty() {
        Ok(texts)
    } else {
        Err(KernelError::bad_input(bad))
    }
}

/// Copies one file of the tree to where patches are applied. A file that is not there is one that a patch will make.
fn stage(patch: &str, source: &Path, staging: &Path, file: &str) -> Result<(), KernelError> {
    let mut below = source.to_owned();
    for part in Path::new(file) {
        below.push(part);
        if below.is_symlink() {
            return Err(KernelError::PatchEffect {
                name: patch.to_owned(),
                what: format!("names `{file}`, which leads through a symbolic link in the tree"),
            });
        }
    }
    let to = staging.join(file);
    make_dir(to.parent().expect("a file lies in a directory"))?;
    match fs::copy(&below, &to) {
        Ok(_) => {
            let executable = is_executable(&to).map_err(write(&to))?;
            let mode = if executable { 0o755 } else { 0o644 };
            fs::set_permissions(&to, fs::Permissions::from_mode(mode)).map_err(write(&to))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(cause) => Err(KernelError::Read { path: below, cause }),
    }
}

/// Applies one patch to the staged files and returns what it changed.
fn apply(
    bench: &Bench<'_>,
    place: &Place,
    staging: &Path,
    name: &str,
    bytes: &[u8],
    files: &BTreeSet<String>,
) -> Result<Vec<Change>, KernelError> {
    let before = states(staging, files)?;
    let room = bench.scratch()?;
    make::write(&room.path().join(PATCH_FILE), bytes)?;
    let mut offsets = Vec::new();
    let outcome = bench.run_watched(place, &invocation(staging, room.path()), &mut |line| {
        if line.contains(" (offset ") {
            offsets.push(line.to_owned());
        }
    });
    outcome.map_err(|cause| {
        unless_interrupted(cause, |cause| KernelError::Patch {
            name: name.to_owned(),
            cause,
        })
    })?;
    for offset in offsets {
        bench.warn(format!("patch `{name}`: {offset}"));
    }
    let changes: Vec<_> = files
        .iter()
        .zip(before)
        .zip(states(staging, files)?)
        .filter(|((_, before), after)| before != after)
        .map(|((path, before), after)| Change {
            path: path.clone(),
            before,
            after,
        })
        .collect();
    if changes.is_empty() {
        return Err(KernelError::PatchEffect {
            name: name.to_owned(),
            what: "changes nothing".to_owned(),
        });
    }
    Ok(changes)
}

fn invocation(staging: &Path, room: &Path) -> Invocation {
    Invocation::new("patch")
        .args([
            "--strip=1",
            // A patch that fits somewhere near is a patch for another kernel.
            "--fuzz=0",
            // One that is in the tree already is refused, not reversed and not asked about.
            "--forward",
            "--no-backup-if-mismatch",
            "--reject-file=-",
        ])
        .args([
            format!("--directory={BUILD}"),
            format!("--input={SRC}/{PATCH_FILE}"),
        ])
        .env("LC_ALL", "C")
        .mount(SRC, room, Access::Read)
        .mount(BUILD, staging, Access::Write)
}

fn states(staging: &Path, files: &BTreeSet<String>) -> Result<Vec<Option<State>>, KernelError> {
    files
        .iter()
        .map(|file| {
            let path = staging.join(file);
            if !path.exists() {
                return Ok(None);
            }
            let read = |cause| KernelError::Read {
                path: path.clone(),
                cause,
            };
            let (digest, _) = Digest::of_file(&path).map_err(read)?;
            let executable = is_executable(&path).map_err(read)?;
            Ok(Some(State { digest, executable }))
        })
        .collect()
}

/// Fails when GNU patch left a file that no patch names: a reject, a backup, a file it made up.
fn refuse_strays(
    patch: &str,
    staging: &Path,
    touched: &BTreeSet<String>,
) -> Result<(), KernelError> {
    for entry in WalkDir::new(staging).into_iter().filter_map(Result::ok) {
        let path = entry.path().strip_prefix(staging).unwrap_or(entry.path());
        let named = path.to_str().is_some_and(|path| touched.contains(path));
        let kind = entry.file_type();
        let expected = kind.is_dir() || (kind.is_file() && named);
        if !expected {
            return Err(KernelError::PatchEffect {
                name: patch.to_owned(),
                what: format!("left `{}`, which it does not name", path.display()),
            });
        }
    }
    Ok(())
}

/// Makes a tree of hard links to everything in `source` but the touched files. Nothing writes to either tree afterwards.
fn link(
    bench: &Bench<'_>,
    source: &Path,
    tree: &Path,
    touched: &BTreeSet<String>,
) -> Result<(), KernelError> {
    for (count, entry) in WalkDir::new(source).into_iter().enumerate() {
        bench
            .cancel
            .check()
            .map_err(|stop| KernelError::Tool(stop.into()))?;
        let entry = entry.map_err(|error| KernelError::Read {
            path: source.to_owned(),
            cause: error.into(),
        })?;
        let path = entry
            .path()
            .strip_prefix(source)
            .expect("a walk stays below its root");
        let to = tree.join(path);
        let kind = entry.file_type();
        if kind.is_dir() {
            make_dir(&to)?;
        } else if kind.is_symlink() {
            let target = fs::read_link(entry.path()).map_err(write(&to))?;
            symlink(target, &to).map_err(write(&to))?;
        } else if !path.to_str().is_some_and(|path| touched.contains(path)) {
            // Another user's file, or a file system with few links: a copy is the same to everybody.
            fs::hard_link(entry.path(), &to)
                .or_else(|_| fs::copy(entry.path(), &to).map(drop))
                .map_err(write(&to))?;
        }
        if count % 8192 == 0 {
            bench.progress(count as u64, None);
        }
    }
    remove_empty(tree, touched)
}

/// Removes directories that hold nothing because a patch removed their last file; GNU patch does so in its own tree.
fn remove_empty(tree: &Path, touched: &BTreeSet<String>) -> Result<(), KernelError> {
    for file in touched {
        let mut directory = tree.join(file);
        while directory.pop() && directory != *tree {
            match fs::remove_dir(&directory) {
                Ok(()) => {}
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::NotFound
                    ) =>
                {
                    break;
                }
                Err(cause) => return Err(write(&directory)(cause)),
            }
        }
    }
    Ok(())
}

fn is_executable(path: &Path) -> io::Result<bool> {
    Ok(fs::metadata(path)?.permissions().mode() & 0o111 != 0)
}

fn make_dir(path: &Path) -> Result<(), KernelError> {
    fs::create_dir_all(path).map_err(write(path))
}

fn write(path: &Path) -> impl FnOnce(io::Error) -> KernelError {
    let path = path.to_owned();
    move |cause| KernelError::Write { path, cause }
}
