//! From a manifest's path to a pinned manifest: reads both files, and resolves a lock where there is none.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use miette::Diagnostic;

use super::{failure::Failure, output::tell, session::Session};
use crate::{
    arch::Arch,
    debian::openpgp::Keyring,
    lock::{self, Lock, Pinned},
    manifest::{self, Manifest},
    source::Network,
    store::Store,
};

/// A pinned manifest with the texts it came from: both travel in the artifact.
pub(crate) struct Texts {
    /// The manifest's text.
    pub(crate) manifest: String,
    /// The lock's text.
    pub(crate) lock: String,
}

/// A file beside the manifest could not be read or written, or is missing.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub(crate) enum FileError {
    /// There is no manifest.
    #[error("there is no manifest `{}`", path.display())]
    #[diagnostic(
        code(cli::no_manifest),
        help(
            "run this in a directory that has one, or name it: `kata-artifacts {verb}{} path/to/manifest.yaml`",
            if *verb == "update" { " -m" } else { "" }
        )
    )]
    NoManifest {
        /// Where it was looked for.
        path: PathBuf,
        /// The verb that wants it.
        verb: &'static str,
    },
    /// There is no lock and none may be made.
    #[error("there is no lock `{}`, and {forbidden} forbids resolving one", path.display())]
    #[diagnostic(
        code(cli::no_lock),
        help("`kata-artifacts lock {}` resolves and writes it", manifest.display())
    )]
    NoLock {
        /// Where it was looked for.
        path: PathBuf,
        /// The manifest that it belongs to.
        manifest: PathBuf,
        /// The option that forbids it.
        forbidden: &'static str,
    },
    /// A file cannot be read.
    #[error("cannot read `{}`", path.display())]
    #[diagnostic(code(cli::read))]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        cause: io::Error,
    },
    /// A file cannot be written.
    #[error("cannot write `{}`", path.display())]
    #[diagnostic(code(cli::write))]
    Write {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        cause: io::Error,
    },
}

/// Reads the manifest that `verb` works on; returns its text too.
pub(crate) fn read_manifest(
    path: &Path,
    verb: &'static str,
) -> Result<(Manifest, String), Failure> {
    if !path.is_file() {
        return Err(Failure::input(FileError::NoManifest {
            path: path.to_owned(),
            verb,
        }));
    }
    let manifest = manifest::read(path).map_err(Failure::input)?;
    Ok((manifest, read(path)?))
}

/// Returns where the lock of a manifest is: beside it, ending in `.lock`.
pub(crate) fn lock_path(manifest: &Path) -> PathBuf {
    manifest.with_extension("lock")
}

/// Reads the lock beside a manifest: `None` when there is none.
pub(crate) fn read_lock(manifest: &Path) -> Result<Option<(Lock, String)>, Failure> {
    let path = lock_path(manifest);
    if !path.exists() {
        return Ok(None);
    }
    let text = read(&path)?;
    let lock = lock::read(&path, &text).map_err(Failure::input)?;
    Ok(Some((lock, text)))
}

/// Returns the pinned manifest. Where there is no lock, resolves one, writes it and says so.
pub(crate) fn pinned(
    path: &Path,
    verb: &'static str,
    session: &Session,
    store: &Store,
) -> Result<(Pinned, Texts), Failure> {
    let (manifest, manifest_text) = read_manifest(path, verb)?;
    let (lock, lock_text) = match read_lock(path)? {
        Some(found) => found,
        None => {
            let forbidden = match &session.network {
                Network::Off(forbidden) => forbidden,
                Network::On(..) => "",
            };
            if !forbidden.is_empty() {
                return Err(Failure::input(FileError::NoLock {
                    path: lock_path(path),
                    manifest: path.to_owned(),
                    forbidden,
                }));
            }
            tell(&format!(
                "there is no {}: resolving one",
                lock_path(path).display()
            ));
            let lock = resolve(&manifest, verb, session, store)?;
            let text = write_lock(path, &lock)?;
            tell(&format!(
                "{} is written: review it like code, and commit it",
                lock_path(path).display()
            ));
            (lock, text)
        }
    };
    let pinned = lock::pin(manifest, lock, Arch::host()).map_err(Failure::input)?;
    let texts = Texts {
        manifest: manifest_text,
        lock: lock_text,
    };
    Ok((pinned, texts))
}

/// Asks the mirrors what a manifest's names mean now.
pub(crate) fn resolve(
    manifest: &Manifest,
    verb: &'static str,
    session: &Session,
    store: &Store,
) -> Result<Lock, Failure> {
    let keys = keyring(manifest)?;
    let archive = session.remote(verb, store)?;
    tell_asking(manifest);
    lock::resolve(
        &lock::requests(manifest),
        &[Arch::host()],
        &keys,
        &archive,
        Timestamp::now(),
    )
    .map_err(|error| session.failure(error))
}

/// Says what takes a while: nothing, when nothing is asked.
pub(crate) fn tell_asking(manifest: &Manifest) {
    if !lock::requests(manifest).packages.is_empty() {
        tell(&format!(
            "asking the mirrors about {}",
            manifest.debian.suites.join(" and ")
        ));
    }
}

/// Returns the version of a package that the mirrors have now, when they can be asked.
pub(crate) fn newest(
    name: &str,
    manifest: &Manifest,
    session: &Session,
    store: &Store,
) -> Option<String> {
    lock::resolve::newest(
        name,
        Arch::host(),
        &lock::requests(manifest),
        &keyring(manifest).ok()?,
        &session.remote("build", store).ok()?,
        Timestamp::now(),
    )
}

/// Reads the certificates that a manifest trusts.
pub(crate) fn keyring(manifest: &Manifest) -> Result<Keyring, Failure> {
    let mut files = Vec::new();
    for path in &manifest.debian.keys {
        let bytes = fs::read(path).map_err(|cause| {
            Failure::input(FileError::Read {
                path: path.clone(),
                cause,
            })
        })?;
        files.push((path.display().to_string(), bytes));
    }
    Keyring::read(
        files
            .iter()
            .map(|(name, bytes)| (name.as_str(), bytes.as_slice())),
    )
    .map_err(Failure::input)
}

/// Writes a lock beside its manifest, whole or not at all; returns its text.
pub(crate) fn write_lock(manifest: &Path, lock: &Lock) -> Result<String, Failure> {
    let path = lock_path(manifest);
    let text = lock::write(lock);
    let written = tempfile::NamedTempFile::new_in(path.parent().unwrap_or(Path::new(".")))
        .and_then(|file| {
            fs::write(file.path(), &text)?;
            // A temporary file is its owner's alone; a lock is everybody's who has the checkout.
            fs::set_permissions(
                file.path(),
                std::os::unix::fs::PermissionsExt::from_mode(0o644),
            )?;
            file.as_file().sync_all()?;
            Ok(file.persist(&path)?)
        });
    match written {
        Ok(_) => Ok(text),
        Err(cause) => Err(Failure::work(FileError::Write { path, cause })),
    }
}

fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|cause| {
        Failure::input(FileError::Read {
            path: path.to_owned(),
            cause,
        })
    })
}
