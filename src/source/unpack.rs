//! A kernel's source out of its archive: from a Debian source package or a tar, decompressed, parsed and written at the
//! same time, its signature verified before anybody can see the tree. Patches are not applied here.

use std::{
    fs::File,
    io::{self, BufReader, Read},
};

use super::{
    compression::{Bounded, decompress, threads},
    entries::{EntryError, Top, unpack_tar},
    package::{self, PackageError},
    signature::{SignatureError, Verifier},
    tree::{Limits, Links, Refusal, Tree},
    writers::{Writers, with_writers},
};
use crate::{
    bench::Bench,
    cancel::Interrupted,
    digest::Digest,
    plan::action::{ArchiveForm, Signature, Unpack},
    step::{Product, Products},
    store::StoreError,
};

const BUFFER: usize = 256 << 10;
/// Threads that write. One suffices to keep up with two that decompress.
const WRITERS: usize = 2;

/// A source archive could not be unpacked.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum UnpackError {
    /// The archive is damaged, or the disk is full.
    #[error("cannot unpack the archive {archive}")]
    #[diagnostic(
        code(source::unpack),
        help(
            "the archive matched its digest: a full disk, or an archive that is none, are the likely causes"
        )
    )]
    Archive {
        /// The archive.
        archive: Digest,
        /// The cause.
        #[source]
        cause: io::Error,
    },
    /// The archive holds something that is not unpacked.
    #[error("cannot unpack the archive {archive}")]
    #[diagnostic(
        code(source::refused),
        help("a kernel's source never holds such a thing")
    )]
    Refused {
        /// The archive.
        archive: Digest,
        /// What is refused.
        #[source]
        cause: Box<Refusal>,
    },
    /// The archive is not a Debian package.
    #[error("cannot unpack the archive {archive}")]
    #[diagnostic(code(source::package))]
    Package {
        /// The archive.
        archive: Digest,
        /// What is wrong with it.
        #[source]
        cause: PackageError,
    },
    /// A source package has no source in it, or more than one.
    #[error("the package {archive} has {found} archives `usr/src/*.tar.*`, expected one")]
    #[diagnostic(
        code(source::no_source),
        help("a package like `linux-source-6.12` holds the kernel's source")
    )]
    Sources {
        /// The archive.
        archive: Digest,
        /// How many there are.
        found: usize,
    },
    /// The signature over the archive is not good.
    #[error("the signature of the archive {archive} does not hold")]
    #[diagnostic(
        code(source::signature),
        help(
            "the signature is over the decompressed tar, as kernel.org's are; does the manifest name the right keys?"
        )
    )]
    Signature {
        /// The archive.
        archive: Digest,
        /// What is wrong.
        #[source]
        cause: SignatureError,
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

/// Unpacks a kernel's source. Products: `tree`, without the archive's top directory; `epoch`, the newest time in the
/// archive, as decimal seconds.
///
/// # Errors
/// The archive is damaged, holds something that is refused, or its signature is not good. Then there is no tree.
pub fn unpack(bench: &Bench<'_>, action: &Unpack<Digest>) -> Result<Products, UnpackError> {
    let archive = action.archive;
    let verifier = action
        .signature
        .as_ref()
        .map(|signature| verifier(bench, archive, signature))
        .transpose()?;
    let written = bench.store.write_tree(bench.key)?;
    let owners = vec!["the archive".to_owned()];
    let tree = Tree::new(&written.path()?, Links::Inside, Limits::GENEROUS, owners);
    let reader = watch(bench, archive)?;
    let result = with_writers(WRITERS, |writers| {
        let source = Source {
            tree: &tree,
            archive,
            verifier,
            writers,
        };
        match action.form {
            ArchiveForm::Tar => source.unpack(reader),
            ArchiveForm::DebianSource => source.unpack_package(reader),
        }
    });
    // Whatever else went wrong was the consequence.
    bench.cancel.check()?;
    let epoch = result.map_err(|error| error.of(archive))?;
    tree.finish()
        .map_err(|refusal| Failure::Entry(refusal.into()).of(archive))?;
    written.finish()?;
    products(bench, epoch)
}

/// Names a tree and its epoch as products.
pub(super) fn products<E: From<StoreError>>(bench: &Bench<'_>, epoch: u64) -> Result<Products, E> {
    let (digest, size) = bench.store.put(epoch.to_string().as_bytes())?;
    let tree = Product::Tree { key: bench.key };
    let epoch = Product::Blob { digest, size };
    Ok([("tree".to_owned(), tree), ("epoch".to_owned(), epoch)].into())
}

fn verifier(
    bench: &Bench<'_>,
    archive: Digest,
    signature: &Signature<Digest>,
) -> Result<Verifier, UnpackError> {
    let keys = signature.keys.iter().map(|key| bench.store.read(*key));
    let keys: Vec<Vec<u8>> = keys.collect::<Result<_, _>>()?;
    let bytes = bench.store.read(signature.signature)?;
    Verifier::new(&bytes, &keys).map_err(|cause| UnpackError::Signature { archive, cause })
}

/// What can go wrong inside the threads, where the archive's name is not known.
enum Failure {
    Io(io::Error),
    Entry(EntryError),
    Unpack(UnpackError),
    Package(PackageError),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<EntryError> for Failure {
    fn from(error: EntryError) -> Self {
        Self::Entry(error)
    }
}

impl From<PackageError> for Failure {
    fn from(error: PackageError) -> Self {
        Self::Package(error)
    }
}

impl Failure {
    fn of(self, archive: Digest) -> UnpackError {
        match self {
            Self::Io(cause) | Self::Entry(EntryError::Io(cause)) => {
                UnpackError::Archive { archive, cause }
            }
            Self::Entry(EntryError::Refused(cause)) => UnpackError::Refused {
                archive,
                cause: Box::new(cause),
            },
            Self::Package(cause) => UnpackError::Package { archive, cause },
            Self::Unpack(error) => error,
        }
    }
}

/// A source on its way into its tree.
struct Source<'a> {
    tree: &'a Tree,
    archive: Digest,
    verifier: Option<Verifier>,
    writers: &'a mut Writers,
}

impl Source<'_> {
    /// Unpacks a tar, compressed or not; returns the newest time in it.
    fn unpack(self, reader: impl Read) -> Result<u64, Failure> {
        let tar = decompress(reader, threads())?;
        let tar = Bounded::new(tar, self.tree.limits().archive());
        let Some(verifier) = self.verifier else {
            let tar = BufReader::with_capacity(BUFFER, tar);
            return Ok(unpack_tar(tar, self.tree, 0, Top::Stripped, self.writers)?);
        };
        let (tar, verdict) = verifier.watch(tar);
        let tar = BufReader::with_capacity(BUFFER, tar);
        let newest = unpack_tar(tar, self.tree, 0, Top::Stripped, self.writers)?;
        let archive = self.archive;
        verdict
            .wait()
            .map_err(|cause| Failure::Unpack(UnpackError::Signature { archive, cause }))?;
        Ok(newest)
    }

    /// Unpacks the one `usr/src/*.tar.*` of a package.
    fn unpack_package(self, reader: impl Read) -> Result<u64, Failure> {
        let (archive, most) = (self.archive, self.tree.limits().archive());
        let mut source = Some(self);
        package::read(
            reader,
            most,
            1,
            |_| Ok(()),
            |data| {
                let (mut newest, mut found) = (0, 0);
                let mut outer = tar::Archive::new(BufReader::with_capacity(BUFFER, data));
                for entry in outer.entries()?.raw(true) {
                    let entry = entry?;
                    if !is_source(&entry.path_bytes()) {
                        continue;
                    }
                    found += 1;
                    if let Some(source) = source.take() {
                        newest = source.unpack(entry)?;
                    }
                }
                if found != 1 {
                    return Err(Failure::Unpack(UnpackError::Sources { archive, found }));
                }
                io::copy(&mut outer.into_inner(), &mut io::sink())?;
                Ok(newest)
            },
        )
    }
}

fn is_source(name: &[u8]) -> bool {
    let name = name.strip_prefix(b"./").unwrap_or(name);
    let Some(file) = name.strip_prefix(b"usr/src/") else {
        return false;
    };
    !file.contains(&b'/') && file.windows(5).any(|part| part == b".tar.")
}

/// Returns a reader of a blob that tells the bench how far it is, and fails once the work must stop.
pub(super) fn watch<'b>(bench: &'b Bench<'_>, blob: Digest) -> Result<Watched<'b>, StoreError> {
    let path = bench.store.need_blob(blob)?;
    let failed = |cause| crate::store::failed("read", &path)(cause);
    let file = File::open(&path).map_err(failed)?;
    let total = file.metadata().map_err(failed)?.len();
    let progress = Box::new(move |done| bench.progress(done, Some(total)));
    Ok(Watched {
        file,
        done: 0,
        cancel: bench.cancel,
        progress,
    })
}

/// A file that is being read under the eyes of a bench.
pub struct Watched<'b> {
    file: File,
    done: u64,
    cancel: &'b crate::cancel::Cancel,
    progress: Box<dyn Fn(u64) + 'b>,
}

impl Read for Watched<'_> {
    fn read(&mut self, output: &mut [u8]) -> io::Result<usize> {
        // Not `ErrorKind::Interrupted`: readers take that as a wish to be asked again.
        self.cancel.check().map_err(io::Error::other)?;
        let read = self.file.read(output)?;
        self.done += read as u64;
        (self.progress)(self.done);
        Ok(read)
    }
}

#[cfg(test)]
mod tests;
