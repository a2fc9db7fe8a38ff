//! A source tree on disk: what it holds, as one digest, and a copy of it that nobody changes under a build. `.git` and
//! times of files do not count: neither is a part of the source.

use std::{
    fs, io,
    os::unix::{ffi::OsStrExt, fs::PermissionsExt},
    path::{Path, PathBuf},
};

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use walkdir::WalkDir;

use super::{
    tree::{Limits, Links, NewFile, Refusal, Tree},
    unpack::products,
};
use crate::{
    bench::Bench,
    cancel::{Cancel, Interrupted},
    digest::Digest,
    plan::action::Import,
    step::Products,
    store::StoreError,
};

/// A tree on disk could not be taken.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum ImportError {
    /// Something in it cannot be read.
    #[error("cannot read `{}`", path.display())]
    #[diagnostic(code(source::import))]
    Read {
        /// What.
        path: PathBuf,
        /// The cause.
        #[source]
        cause: io::Error,
    },
    /// It holds something that is no source.
    #[error("`{}` is a device, a pipe or a socket", path.display())]
    #[diagnostic(
        code(source::import_special),
        help("remove it: no kernel source holds one")
    )]
    Special {
        /// What.
        path: PathBuf,
    },
    /// It cannot be copied.
    #[error("cannot copy the tree `{}`", path.display())]
    #[diagnostic(code(source::import_copy))]
    Copy {
        /// The tree.
        path: PathBuf,
        /// The cause.
        #[source]
        cause: Box<Refusal>,
    },
    /// It changed while it was being read.
    #[error("the tree `{}` changed while it was being copied", path.display())]
    #[diagnostic(
        code(source::import_changed),
        help("run the same command again once nothing writes to it")
    )]
    Changed {
        /// The tree.
        path: PathBuf,
    },
    /// The store failed.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Store(#[from] StoreError),
    /// The work was stopped.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Interrupted(#[from] Interrupted),
}

/// What lies at a path.
enum Kind {
    Directory,
    File { executable: bool },
    Link(PathBuf),
}

/// Copies a tree on disk into the store. Products: `tree`; `epoch`, `0`, since times of files do not count.
///
/// # Errors
/// It cannot be read, is not what its listing says, or holds something else than files, directories and links.
pub fn import(bench: &Bench<'_>, action: &Import) -> Result<Products, ImportError> {
    let from = Path::new(&action.path);
    let written = bench.store.write_tree(bench.key)?;
    let to = written.path()?;
    let owners = vec![format!("`{}`", from.display())];
    // Where links lead is the owner's business: their targets are a part of the listing.
    let tree = Tree::new(&to, Links::Anywhere, Limits::GENEROUS, owners);
    let refused = |cause| ImportError::Copy {
        path: from.to_owned(),
        cause: Box::new(cause),
    };
    let mut files = Vec::new();
    for (name, kind) in walk(from)? {
        bench.cancel.check()?;
        let bytes = name.as_os_str().as_bytes();
        match kind {
            Kind::Directory => tree.directory(0, bytes, 0o755, 0).map_err(refused)?,
            Kind::Link(target) => tree
                .link(0, bytes, target.as_os_str().as_bytes(), 0)
                .map_err(refused)?,
            Kind::File { executable } => {
                let mode = if executable { 0o755 } else { 0o644 };
                let file = tree.file(0, bytes, mode, 0, 0).map_err(refused)?;
                files.push((from.join(&name), file));
            }
        }
    }
    let copied: Result<(), ImportError> = files
        .par_iter()
        .map(|(path, file)| copy(path, file, bench.cancel))
        .reduce(|| Ok(()), Result::and);
    copied?;
    tree.finish().map_err(refused)?;
    if listed(&to, bench.cancel)? != action.listing {
        return Err(ImportError::Changed {
            path: from.to_owned(),
        });
    }
    written.finish()?;
    products(bench, 0)
}

fn copy(path: &Path, file: &NewFile, cancel: &Cancel) -> Result<(), ImportError> {
    cancel.check()?;
    let copied = || {
        // Where the file system can, the copy shares its blocks with the original.
        let mut made = file.create()?;
        io::copy(&mut fs::File::open(path)?, &mut made)?;
        file.dress(&made)
    };
    copied().map_err(failed(path))
}

/// Returns the digest of everything that counts in the tree at `path`: names, kinds, whether files are executable,
/// targets of links, contents. Part of the format of step keys.
///
/// # Errors
/// Something in it cannot be read, or is a device, pipe or socket.
pub fn listing(path: &Path) -> Result<Digest, ImportError> {
    listed(path, &Cancel::new())
}

fn listed(path: &Path, cancel: &Cancel) -> Result<Digest, ImportError> {
    let entries = walk(path)?;
    let lines: Result<Vec<Vec<u8>>, ImportError> = entries
        .par_iter()
        .map(|(name, kind)| {
            cancel.check()?;
            line(path, name, kind)
        })
        .collect();
    Ok(Digest::of(&lines?.concat()))
}

fn line(root: &Path, name: &Path, kind: &Kind) -> Result<Vec<u8>, ImportError> {
    let shown = name.as_os_str().as_bytes();
    // A name cannot hold a zero byte, so no two trees have the same listing.
    Ok(match kind {
        Kind::Directory => [b"directory\0", shown, b"\0"].concat(),
        Kind::Link(target) => [
            b"link\0",
            shown,
            b"\0",
            target.as_os_str().as_bytes(),
            b"\0",
        ]
        .concat(),
        Kind::File { executable } => {
            let path = root.join(name);
            let (digest, _) = Digest::of_file(&path).map_err(failed(&path))?;
            let word: &[u8] = if *executable { b"program\0" } else { b"file\0" };
            [word, shown, b"\0", digest.hex().as_bytes(), b"\0"].concat()
        }
    })
}

/// Returns what lies below `root`, by relative path, in the order of the paths' bytes.
fn walk(root: &Path) -> Result<Vec<(PathBuf, Kind)>, ImportError> {
    let mut entries = Vec::new();
    let walk = WalkDir::new(root).min_depth(1).into_iter();
    for entry in walk.filter_entry(|entry| entry.depth() == 0 || entry.file_name() != ".git") {
        let entry = entry.map_err(|error| {
            let path = error.path().unwrap_or(root).to_owned();
            let cause = error.into_io_error();
            let cause = cause.unwrap_or_else(|| io::Error::other("links lead in a circle"));
            ImportError::Read { path, cause }
        })?;
        let path = entry.path();
        let kind = entry.file_type();
        let kind = if kind.is_dir() {
            Kind::Directory
        } else if kind.is_symlink() {
            Kind::Link(fs::read_link(path).map_err(failed(path))?)
        } else if kind.is_file() {
            let metadata = entry
                .metadata()
                .map_err(|error| failed(path)(error.into()))?;
            Kind::File {
                executable: metadata.permissions().mode() & 0o111 != 0,
            }
        } else {
            return Err(ImportError::Special {
                path: path.to_owned(),
            });
        };
        let name = path
            .strip_prefix(root)
            .expect("a walk stays below its root");
        entries.push((name.to_owned(), kind));
    }
    entries
        .sort_by(|(one, _), (two, _)| one.as_os_str().as_bytes().cmp(two.as_os_str().as_bytes()));
    Ok(entries)
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> ImportError {
    let path = path.to_owned();
    move |cause| ImportError::Read { path, cause }
}

#[cfg(test)]
mod tests {
    use std::os::unix::{fs::symlink, net::UnixListener};

    use super::*;
    use crate::source::craft::{World, show};

    fn tree() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        fs::create_dir_all(root.join("scripts/empty")).unwrap();
        fs::create_dir(root.join(".git")).unwrap();
        fs::write(root.join(".git/HEAD"), "x").unwrap();
        fs::write(root.join("Makefile"), "all:").unwrap();
        fs::write(root.join("scripts/run"), "#!").unwrap();
        set_mode(&root.join("scripts/run"), 0o700);
        symlink("../Makefile", root.join("scripts/up")).unwrap();
        dir
    }

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_tree_is_copied_as_it_is_without_git() {
        let (world, dir) = (World::new(), tree());
        let action = Import {
            path: dir.path().to_str().unwrap().to_owned(),
            listing: listing(dir.path()).unwrap(),
        };
        let products = import(&world.bench(), &action).unwrap();
        insta::assert_snapshot!(show(&world.tree(&products)), @r"
        f644 Makefile all:
        d755 scripts
        d755 scripts/empty
        f755 scripts/run #!
        l scripts/up -> ../Makefile
        ");
        assert_eq!(world.store.read(products["epoch"].digest()).unwrap(), b"0");
        // The copy is nobody's but the store's.
        fs::write(dir.path().join("Makefile"), "none:").unwrap();
        let copy = world.tree(&products).join("Makefile");
        assert_eq!(fs::read(copy).unwrap(), b"all:");
    }

    #[test]
    fn a_tree_that_is_not_what_its_listing_says_is_not_taken() {
        let (world, dir) = (World::new(), tree());
        let action = Import {
            path: dir.path().to_str().unwrap().to_owned(),
            listing: listing(dir.path()).unwrap(),
        };
        fs::write(dir.path().join("Makefile"), "none:").unwrap();
        let result = import(&world.bench(), &action);
        assert!(matches!(result, Err(ImportError::Changed { .. })));
        assert!(world.has_no_tree());
    }

    #[test]
    fn a_listing_depends_on_what_counts_and_on_nothing_else() {
        let dir = tree();
        let root = dir.path();
        let before = listing(root).unwrap();
        assert_eq!(before, listing(tree().path()).unwrap());
        fs::write(root.join(".git/HEAD"), "y").unwrap();
        set_mode(&root.join("Makefile"), 0o600);
        assert_eq!(listing(root).unwrap(), before);
        let mut seen = vec![before];
        let mut changed = |change: &dyn Fn()| {
            change();
            let now = listing(root).unwrap();
            assert!(!seen.contains(&now));
            seen.push(now);
        };
        changed(&|| set_mode(&root.join("Makefile"), 0o755));
        changed(&|| fs::write(root.join("Makefile"), "none:").unwrap());
        changed(&|| fs::rename(root.join("Makefile"), root.join("makefile")).unwrap());
        changed(&|| fs::remove_dir(root.join("scripts/empty")).unwrap());
        changed(&|| {
            fs::remove_file(root.join("scripts/up")).unwrap();
            symlink("../makefile", root.join("scripts/up")).unwrap();
        });
    }

    #[test]
    fn a_socket_is_named_and_refused() {
        let dir = tree();
        let path = dir.path().join("socket");
        let _socket = UnixListener::bind(&path).unwrap();
        let error = listing(dir.path()).unwrap_err();
        assert!(error.to_string().contains("socket` is a device"), "{error}");
    }
}
