//! Carrying an artifact from one place to another, byte for byte: what it is made of first, four at a time, then what
//! lists it, and the name by which it is found last and once. Nothing is read that can be left alone.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

use serde::Serialize;

use super::{Arrival, Place, Role, error::PlaceError};
use crate::{
    digest::Digest,
    oci::document::{Descriptor, Document, is_document},
};

/// How many blobs are on their way at once.
const AT_ONCE: usize = 4;
/// How deep indexes may lie in indexes, and referrers refer to referrers.
const MOST_DEPTH: u32 = 4;

/// Whether what refers to an artifact goes with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Referrers {
    /// It stays.
    Left,
    /// It goes with it.
    Taken,
}

/// What was done to carry an artifact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Carried {
    /// The artifact's digest, which is the same on both sides.
    pub digest: Digest,
    /// Blobs that were brought.
    pub brought: usize,
    /// Bytes in them.
    pub bytes: u64,
    /// Blobs that a registry took from another of its repositories.
    pub mounted: usize,
    /// Blobs that were there.
    pub present: usize,
    /// Referrers that went with it.
    pub referrers: usize,
}

/// Carries an artifact, under these tags; with none, under its digest.
///
/// # Errors
/// Something of it cannot be read or written; what was written by then is not found by any tag.
pub fn carry(
    from: &Place<'_>,
    to: &Place<'_>,
    root: &Document,
    tags: &[String],
    referrers: Referrers,
) -> Result<Carried, PlaceError> {
    let mut load = Load::default();
    load.add(from, root.clone(), MOST_DEPTH)?;
    if referrers == Referrers::Taken {
        load.add_referrers(from)?;
    }
    let counts = Mutex::new(Carried {
        digest: root.digest,
        brought: 0,
        bytes: 0,
        mounted: 0,
        present: 0,
        referrers: load.referrers.len(),
    });
    let blobs: Vec<&Descriptor> = load.blobs.values().collect();
    in_parallel(&blobs, |blob| {
        from.bearings.cancel.check()?;
        let arrival = to.bring(blob, from, &name(blob))?;
        let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
        match arrival {
            Arrival::Present => counts.present += 1,
            Arrival::Mounted => counts.mounted += 1,
            Arrival::Brought => {
                counts.brought += 1;
                counts.bytes += blob.size;
            }
        }
        Ok(())
    })?;
    for document in &load.documents {
        from.bearings.cancel.check()?;
        if document.digest == root.digest {
            continue;
        }
        let role = if load.referrers.contains(&document.digest) {
            Role::Untagged
        } else {
            Role::Child
        };
        to.put(document, role)?;
    }
    if tags.is_empty() {
        to.put(root, Role::Untagged)?;
    }
    for tag in tags {
        to.put(root, Role::Tagged(tag))?;
    }
    Ok(counts.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// Returns what a blob is called in messages: a file name from a stranger, made harmless.
fn name(blob: &Descriptor) -> String {
    match blob.title() {
        Some(title) => title
            .chars()
            .filter(|it| !it.is_control())
            .take(80)
            .collect(),
        None => blob.digest.short(),
    }
}

/// What must be carried.
#[derive(Default)]
struct Load {
    /// Manifests and indexes, what is listed before what lists it.
    documents: Vec<Document>,
    seen: BTreeSet<Digest>,
    blobs: BTreeMap<Digest, Descriptor>,
    referrers: BTreeSet<Digest>,
}

impl Load {
    fn add(&mut self, from: &Place<'_>, document: Document, depth: u32) -> Result<(), PlaceError> {
        if !self.seen.insert(document.digest) {
            return Ok(());
        }
        for child in document.children() {
            if !is_document(&child.media_type) {
                self.blobs.insert(child.digest, child.clone());
            } else if depth == 0 {
                return Err(PlaceError::Deep {
                    what: format!("{from}@{}", document.digest),
                });
            } else if !self.seen.contains(&child.digest) {
                self.add(from, from.described(child)?, depth - 1)?;
            }
        }
        for blob in document.blobs() {
            let known = self
                .blobs
                .entry(blob.digest)
                .or_insert_with(|| blob.clone());
            if known.size != blob.size {
                return Err(PlaceError::Untrue {
                    what: format!("{from}@{}", document.digest),
                    why: format!("{} is listed with two sizes", blob.digest),
                });
            }
        }
        self.documents.push(document);
        Ok(())
    }

    /// Adds what refers to what is there, and what refers to that.
    fn add_referrers(&mut self, from: &Place<'_>) -> Result<(), PlaceError> {
        let mut subjects: Vec<Digest> = self.documents.iter().map(|it| it.digest).collect();
        for _ in 0..MOST_DEPTH {
            let mut next = Vec::new();
            for subject in subjects {
                for referrer in from.referrers(subject)? {
                    if !self.seen.contains(&referrer.digest) {
                        self.add(from, from.described(&referrer)?, 0)?;
                        self.referrers.insert(referrer.digest);
                        next.push(referrer.digest);
                    }
                }
            }
            subjects = next;
        }
        Ok(())
    }
}

/// Does some work on every item, a few at a time; stops at the first that fails.
pub(super) fn in_parallel<T: Sync>(
    items: &[T],
    work: impl Fn(&T) -> Result<(), PlaceError> + Sync,
) -> Result<(), PlaceError> {
    let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
    let error = Mutex::new(None);
    thread::scope(|scope| {
        for _ in 0..AT_ONCE.min(items.len()) {
            scope.spawn(|| {
                while let Some(item) = items.get(next.fetch_add(1, Ordering::SeqCst)) {
                    if failed.load(Ordering::SeqCst) {
                        return;
                    }
                    if let Err(cause) = work(item) {
                        failed.store(true, Ordering::SeqCst);
                        error
                            .lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .get_or_insert(cause);
                    }
                }
            });
        }
    });
    let error = error.into_inner().unwrap_or_else(PoisonError::into_inner);
    error.map_or(Ok(()), Err)
}
