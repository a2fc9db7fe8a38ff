//! A root: packages unpacked side by side into one tree that programs see as `/`. In which order the packages are
//! unpacked is chance; the tree, or the error, is not.

use std::{
    cmp::Reverse,
    fs::File,
    io::{self, Read},
    sync::atomic::{AtomicU64, Ordering},
};

use rayon::iter::{ParallelBridge, ParallelIterator};

use super::deb::{self, DebError};
use crate::{
    bench::Bench,
    cancel::{Cancel, Interrupted},
    digest::Digest,
    plan::action::Toolchain,
    source::tree::{Limits, Links, Refusal, Tree},
    step::{Product, Products},
    store::{StoreError, failed},
};

/// The package whose links (`/bin` and its like) others are unpacked through.
const BASE: &str = "base-files";
/// Progress is told each time this many bytes of packages were read.
const PROGRESS: u64 = 1 << 20;

/// A root could not be made.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum RootError {
    /// A package could not be unpacked.
    #[error("cannot unpack the package `{package}` ({digest})")]
    #[diagnostic(
        code(debian::unpack),
        help(
            "the package matched its digest: is the disk full? Otherwise the packages do not go together"
        )
    )]
    Package {
        /// Its name.
        package: String,
        /// Its digest.
        digest: Digest,
        /// The cause.
        #[source]
        cause: Box<DebError>,
    },
    /// A directory or link of the manifest could not be made.
    #[error("cannot make `{name}`, which the manifest declares, in the root")]
    #[diagnostic(
        code(debian::declared),
        help("`directories` and `links` declare only what no package ships")
    )]
    Declared {
        /// The directory or link.
        name: String,
        /// The cause.
        #[source]
        cause: Box<Refusal>,
    },
    /// The root could not be finished.
    #[error("cannot finish the root")]
    #[diagnostic(code(debian::root))]
    Finish {
        /// The cause.
        #[source]
        cause: Box<Refusal>,
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

/// Makes a root of packages, then the directories and links that their scripts would have left. Product: `tree`.
///
/// # Errors
/// A package is damaged or not the one it should be, two ship the same name, or something leads out of the root.
pub fn build(bench: &Bench<'_>, action: &Toolchain<Digest>) -> Result<Products, RootError> {
    let written = bench.store.write_tree(bench.key)?;
    let (first, mut rest) = packages(bench, action)?;
    let mut owners: Vec<String> = Vec::with_capacity(action.packages.len() + 1);
    owners.extend(action.packages.iter().map(|it| format!("`{}`", it.name)));
    owners.push("the manifest".to_owned());
    let manifest = owners.len() - 1;
    let tree = Tree::new(&written.path()?, Links::Rooted, Limits::GENEROUS, owners);
    let work = Work {
        bench,
        tree: &tree,
        done: AtomicU64::new(0),
        total: first.iter().chain(&rest).map(|it| it.size).sum(),
    };
    for package in &first {
        work.unpack(package).map_err(|(_, error)| error)?;
    }
    tree.settle();
    // The largest first: then no thread is left alone with one at the end.
    rest.sort_by_key(|package| Reverse(package.size));
    let failures: Vec<(usize, RootError)> = rest
        .iter()
        .par_bridge()
        .filter_map(|package| work.unpack(package).err())
        .collect();
    bench.cancel.check()?;
    if let Some((_, error)) = failures.into_iter().min_by_key(|(owner, _)| *owner) {
        return Err(error);
    }
    tree.settle();
    declare(&tree, manifest, action)?;
    tree.finish().map_err(|cause| RootError::Finish {
        cause: Box::new(cause),
    })?;
    written.finish()?;
    let product = Product::Tree { key: bench.key };
    Ok([("tree".to_owned(), product)].into())
}

fn declare(tree: &Tree, manifest: usize, action: &Toolchain<Digest>) -> Result<(), RootError> {
    let declared = |name: &str| {
        let name = name.to_owned();
        move |cause| RootError::Declared {
            name,
            cause: Box::new(cause),
        }
    };
    for name in &action.directories {
        tree.directory(manifest, relative(name), 0o755, 0)
            .map_err(declared(name))?;
    }
    for (name, target) in &action.links {
        tree.link(manifest, relative(name), target.as_bytes(), 0)
            .map_err(declared(name))?;
    }
    Ok(())
}

/// The manifest's paths begin at the root.
fn relative(name: &str) -> &[u8] {
    name.strip_prefix('/').unwrap_or(name).as_bytes()
}

/// A package to unpack.
struct Package<'a> {
    name: &'a str,
    owner: usize,
    digest: Digest,
    size: u64,
    file: File,
}

/// Opens every package. Returns those to unpack first, and the others.
fn packages<'a>(
    bench: &Bench<'_>,
    action: &'a Toolchain<Digest>,
) -> Result<(Vec<Package<'a>>, Vec<Package<'a>>), RootError> {
    let mut packages = Vec::with_capacity(action.packages.len());
    for (owner, package) in action.packages.iter().enumerate() {
        let path = bench.store.need_blob(package.input)?;
        let file = File::open(&path).map_err(failed("read", &path))?;
        let size = file.metadata().map_err(failed("read", &path))?.len();
        packages.push(Package {
            name: &package.name,
            owner,
            digest: package.input,
            size,
            file,
        });
    }
    Ok(packages.into_iter().partition(|it| it.name == BASE))
}

/// What all threads share.
struct Work<'a> {
    bench: &'a Bench<'a>,
    tree: &'a Tree,
    done: AtomicU64,
    total: u64,
}

impl Work<'_> {
    fn unpack(&self, package: &Package<'_>) -> Result<(), (usize, RootError)> {
        let reader = Watched {
            file: &package.file,
            cancel: self.bench.cancel,
        };
        deb::unpack(reader, package.name, self.tree, package.owner).map_err(|cause| {
            let error = RootError::Package {
                package: package.name.to_owned(),
                digest: package.digest,
                cause: Box::new(cause),
            };
            (package.owner, error)
        })?;
        let before = self.done.fetch_add(package.size, Ordering::Relaxed);
        let done = before + package.size;
        if done / PROGRESS != before / PROGRESS {
            self.bench.progress(done, Some(self.total));
        }
        Ok(())
    }
}

/// A package's file, unless the work must stop.
struct Watched<'a> {
    file: &'a File,
    cancel: &'a Cancel,
}

impl Read for Watched<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.cancel.check().map_err(io::Error::other)?;
        self.file.read(bytes)
    }
}

#[cfg(test)]
mod tests;
