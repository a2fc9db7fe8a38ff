//! Verifying: hashes every blob again and reads every result. What is damaged goes, so that it is made again. Trees have
//! no digest of their own: they are trusted until the machine restarts.

use std::{fs, path::Path};

use rayon::prelude::*;
use serde::Serialize;

use super::{Store, StoreError, failed, roots::list};
use crate::{cancel::Cancel, digest::Digest};

/// What verifying a store found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// Blobs that were hashed.
    pub blobs: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Results that were read.
    pub results: usize,
    /// Blobs with other content than their names say, as files of the store. They were removed.
    pub damaged_blobs: Vec<String>,
    /// Results that cannot be read, as files of the store. They were removed.
    pub damaged_results: Vec<String>,
}

impl Verified {
    /// Tells whether everything was as it should be.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.damaged_blobs.is_empty() && self.damaged_results.is_empty()
    }
}

impl Store {
    /// Verifies everything that has a digest, and removes what is damaged.
    ///
    /// # Errors
    /// Something cannot be read or removed, or `cancel` was raised.
    pub fn verify(&self, cancel: &Cancel) -> Result<Verified, StoreError> {
        let mut blobs = Vec::new();
        for directory in self.files("blobs/sha256")? {
            blobs.extend(list(&directory)?);
        }
        let sizes: Vec<Option<u64>> = blobs
            .par_iter()
            .map(|path| {
                cancel.check()?;
                // Who uses the store meanwhile may have found it damaged first.
                let (digest, size) = match Digest::of_file(path) {
                    Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {
                        return Ok(Some(0));
                    }
                    other => other.map_err(failed("read", path))?,
                };
                Ok((name(path) == digest.hex()).then_some(size))
            })
            .collect::<Result<_, StoreError>>()?;
        let mut verified = Verified {
            blobs: blobs.len(),
            bytes: sizes.iter().flatten().sum(),
            ..Verified::default()
        };
        for (path, size) in blobs.iter().zip(&sizes) {
            if size.is_none() {
                remove(path)?;
                verified.damaged_blobs.push(self.shown(path));
            }
        }
        for path in self.files("results")? {
            let name = name(&path);
            let Some(key) = name.strip_suffix(".json") else {
                continue;
            };
            verified.results += 1;
            let key = key.parse().map(crate::step::StepKey);
            if key.map_or(true, |key| self.record(key).is_none()) {
                remove(&path)?;
                verified.damaged_results.push(self.shown(&path));
            }
        }
        Ok(verified)
    }

    fn shown(&self, path: &Path) -> String {
        let below = path.strip_prefix(&self.root).unwrap_or(path);
        below.display().to_string()
    }
}

fn name(path: &Path) -> &str {
    path.file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default()
}

fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
            Err(failed("remove", path)(cause))
        }
        _ => Ok(()),
    }
}
