//! Places that have manifests and blobs: a registry, an image layout, an archive of one. What is done with an artifact is
//! written once, for all of them; what a place is made of is decided in its file.

mod archive;
mod attach;
mod carry;
#[cfg(test)]
mod carry_tests;
mod directory;
mod error;
mod files;
mod select;
#[cfg(test)]
mod tests;

use std::path::Path;

pub use attach::{Attachment, attach};
pub use carry::{Carried, Referrers, carry};
pub(super) use directory::reader;
pub(super) use error::disk;
pub use error::{BadTitle, PlaceError};
pub use files::{TitledFile, Written, find_file, titled_files, write_files, write_tree};
pub use select::{PlatformWish, root, select};

use super::{
    document::{Descriptor, Document},
    reference::{Name, Reference},
    registry::{Bearings, Extent, Offer, Repository, Settings},
};
use crate::digest::Digest;
use archive::{Archive, Staged};
use directory::Directory;

/// A place that has manifests and blobs.
pub struct Place<'a> {
    kind: Kind<'a>,
    bearings: Bearings<'a>,
    shown: String,
}

enum Kind<'a> {
    Directory(Directory),
    Archive(Archive),
    Staged(Staged),
    Registry(Box<Repository<'a>>),
}

/// What a document is in the place that it is written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role<'a> {
    /// It is found through another that lists it.
    Child,
    /// It is found by its digest, or through its subject.
    Untagged,
    /// It is found by this tag.
    Tagged(&'a str),
}

/// How a blob came to be in a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// It was there.
    Present,
    /// A registry took it from another of its repositories.
    Mounted,
    /// It was brought.
    Brought,
}

impl<'a> Place<'a> {
    /// Returns the place that a reference names, to read from.
    ///
    /// # Errors
    /// There is no layout or archive there; what reaching the registry needs cannot be used.
    pub fn open(
        reference: &Reference,
        settings: &Settings,
        bearings: Bearings<'a>,
    ) -> Result<Self, PlaceError> {
        let kind = match reference {
            Reference::Registry(remote) => {
                Kind::Registry(Box::new(Repository::new(remote, settings, bearings)?))
            }
            Reference::Layout(local) => Kind::Directory(Directory::open(&local.path)?),
            Reference::Archive(local) => Kind::Archive(Archive::open(&local.path)?),
        };
        Ok(Self {
            kind,
            bearings,
            shown: reference.with(None).to_string(),
        })
    }

    /// As [`Place::open`], to write to: a layout or archive that is not there is made. Ends with [`Place::finish`].
    ///
    /// # Errors
    /// As [`Place::open`]; it cannot be made.
    pub fn create(
        reference: &Reference,
        settings: &Settings,
        bearings: Bearings<'a>,
    ) -> Result<Self, PlaceError> {
        let kind = match reference {
            Reference::Registry(_) => return Self::open(reference, settings, bearings),
            Reference::Layout(local) => Kind::Directory(Directory::create(&local.path)?),
            Reference::Archive(local) => Kind::Staged(Staged::begin(&local.path)?),
        };
        Ok(Self {
            kind,
            bearings,
            shown: reference.with(None).to_string(),
        })
    }

    /// Ends writing: an archive appears now, whole.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn finish(self) -> Result<(), PlaceError> {
        match self.kind {
            Kind::Staged(staged) => staged.finish(),
            _ => Ok(()),
        }
    }

    /// Returns the manifest or index of this name, verified.
    ///
    /// # Errors
    /// There is none; what is there is not what it should be.
    pub fn document(&self, name: &Name) -> Result<Document, PlaceError> {
        match &self.kind {
            Kind::Registry(repository) => Ok(repository.document(name)?),
            Kind::Directory(directory) => directory.document(name, self),
            Kind::Staged(staged) => staged.directory().document(name, self),
            Kind::Archive(archive) => archive.document(name, self),
        }
    }

    /// Returns the document that a descriptor describes, verified, also in its size.
    ///
    /// # Errors
    /// As [`Place::document`].
    pub fn described(&self, descriptor: &Descriptor) -> Result<Document, PlaceError> {
        let document = self.document(&Name::Digest(descriptor.digest))?;
        let size = document.raw.len() as u64;
        if size != descriptor.size || document.media_type != descriptor.media_type {
            return Err(PlaceError::Untrue {
                what: format!("{}@{}", self.shown, descriptor.digest),
                why: format!(
                    "it is a {} of {size} bytes, and was listed as a {} of {}",
                    document.media_type, descriptor.media_type, descriptor.size
                ),
            });
        }
        Ok(document)
    }

    /// Returns every tag, and what it names where that is known without asking.
    ///
    /// # Errors
    /// The place cannot be read.
    pub fn tags(&self) -> Result<Vec<(String, Option<Descriptor>)>, PlaceError> {
        match &self.kind {
            Kind::Registry(repository) => {
                let tags = repository.tags()?;
                Ok(tags.into_iter().map(|tag| (tag, None)).collect())
            }
            _ => Ok(self
                .entries()?
                .into_iter()
                .filter_map(|entry| Some((directory::tag_of(&entry)?.to_owned(), Some(entry))))
                .collect()),
        }
    }

    /// Returns what a layout's `index.json` lists; nothing for a registry, which has no such list.
    fn entries(&self) -> Result<Vec<Descriptor>, PlaceError> {
        match &self.kind {
            Kind::Registry(_) => Ok(Vec::new()),
            Kind::Directory(directory) => directory.entries(),
            Kind::Staged(staged) => staged.directory().entries(),
            Kind::Archive(archive) => archive.entries(),
        }
    }

    /// Returns where a blob's bytes are on this machine, after fetching them when they were not. They are as many as they
    /// should be; whoever uses bytes of a layout verifies them.
    ///
    /// # Errors
    /// It is not there, or not as long as it should be.
    pub fn blob(&self, blob: &Descriptor, name: &str) -> Result<Extent, PlaceError> {
        let extent = match &self.kind {
            Kind::Registry(repository) => {
                repository.fetch(blob, name)?;
                let path = self.bearings.store.need_blob(blob.digest)?;
                directory::extent(path)?
            }
            Kind::Directory(directory) => directory.blob(blob.digest)?,
            Kind::Staged(staged) => staged.directory().blob(blob.digest)?,
            Kind::Archive(archive) => archive.blob(blob.digest)?,
        };
        if extent.size != blob.size {
            return Err(PlaceError::Untrue {
                what: format!("{name} in {}", self.shown),
                why: format!("it has {} bytes instead of {}", extent.size, blob.size),
            });
        }
        Ok(extent)
    }

    /// Brings a blob of another place here, unless it is here.
    ///
    /// # Errors
    /// It cannot be read there or written here.
    pub fn bring(&self, blob: &Descriptor, from: &Self, name: &str) -> Result<Arrival, PlaceError> {
        match &self.kind {
            Kind::Registry(repository) => {
                match repository.offer(blob.digest, from.neighbour(repository))? {
                    Offer::Present => Ok(Arrival::Present),
                    Offer::Mounted => Ok(Arrival::Mounted),
                    Offer::Wanted(wanted) => {
                        repository.upload(blob, wanted, from.blob(blob, name)?, name)?;
                        Ok(Arrival::Brought)
                    }
                }
            }
            Kind::Directory(directory) => directory.bring(blob, from, name),
            Kind::Staged(staged) => staged.directory().bring(blob, from, name),
            Kind::Archive(_) => Err(PlaceError::ReadOnly(self.shown.clone())),
        }
    }

    /// Returns this repository's name when a blob can be mounted from it there.
    fn neighbour(&self, there: &Repository<'_>) -> Option<&str> {
        match &self.kind {
            Kind::Registry(here) if here.host == there.host => Some(&here.repository),
            _ => None,
        }
    }

    /// Writes a document. What it refers to must be there already.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn put(&self, document: &Document, role: Role<'_>) -> Result<(), PlaceError> {
        match &self.kind {
            Kind::Registry(repository) => {
                let name = match role {
                    Role::Tagged(tag) => Name::Tag(tag.to_owned()),
                    Role::Child | Role::Untagged => Name::Digest(document.digest),
                };
                Ok(repository.put_document(document, &name)?)
            }
            Kind::Directory(directory) => directory.put(document, role),
            Kind::Staged(staged) => staged.directory().put(document, role),
            Kind::Archive(_) => Err(PlaceError::ReadOnly(self.shown.clone())),
        }
    }

    /// Returns what refers to a manifest, sorted by digest.
    ///
    /// # Errors
    /// The place cannot be read.
    pub fn referrers(&self, subject: Digest) -> Result<Vec<Descriptor>, PlaceError> {
        let mut found = match &self.kind {
            Kind::Registry(repository) => repository.referrers(subject)?,
            _ => self.local_referrers(subject)?,
        };
        found.sort_by_key(|it| it.digest);
        found.dedup_by_key(|it| it.digest);
        Ok(found)
    }

    fn local_referrers(&self, subject: Digest) -> Result<Vec<Descriptor>, PlaceError> {
        let mut found = Vec::new();
        for entry in self.entries()? {
            if directory::tag_of(&entry)
                .is_some_and(|tag| tag == format!("sha256-{}", subject.hex()))
            {
                found.extend_from_slice(self.described(&entry)?.children());
                continue;
            }
            let document = self.described(&entry)?;
            if document
                .subject
                .as_ref()
                .is_some_and(|it| it.digest == subject)
            {
                let mut descriptor = document.descriptor();
                descriptor.annotations.clone_from(&document.annotations);
                found.push(descriptor);
            }
        }
        Ok(found)
    }

    /// Puts bytes into a place as a blob: what an attachment is made of.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn put_bytes(
        &self,
        file: &Path,
        media_type: &str,
        name: &str,
    ) -> Result<Descriptor, PlaceError> {
        let (digest, size) = self.bearings.store.put_file(file)?;
        let descriptor = Descriptor {
            media_type: media_type.to_owned(),
            digest,
            size,
            artifact_type: None,
            platform: None,
            annotations: std::collections::BTreeMap::new(),
        };
        let extent = directory::extent(self.bearings.store.need_blob(digest)?)?;
        match &self.kind {
            Kind::Registry(repository) => {
                if let Offer::Wanted(wanted) = repository.offer(digest, None)? {
                    repository.upload(&descriptor, wanted, extent, name)?;
                }
            }
            Kind::Directory(directory) => directory.write(&descriptor, &extent)?,
            Kind::Staged(staged) => staged.directory().write(&descriptor, &extent)?,
            Kind::Archive(_) => return Err(PlaceError::ReadOnly(self.shown.clone())),
        }
        Ok(descriptor)
    }
}

impl std::fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.shown)
    }
}
