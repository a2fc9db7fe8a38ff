//! What is meant when a name leaves a choice: which of a layout's artifacts, which of an index's platforms.

use super::{Kind, Place, directory::tag_of, error::PlaceError};
use crate::{
    arch::Arch,
    oci::{
        document::{Body, Descriptor, Document, Platform, is_document},
        media::Kind as ArtifactKind,
        reference::Name,
    },
};

/// How deep indexes may lie in indexes.
const MOST_DEPTH: u32 = 4;
/// How many tags an error lists.
const MOST_TAGS: usize = 20;

/// Which platform of an index is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlatformWish {
    os: String,
    architecture: String,
    variant: Option<String>,
}

/// A text names no platform.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a platform: write linux/amd64, or an architecture")]
pub struct NotAPlatform(String);

impl PlatformWish {
    /// Returns the platform of this architecture.
    #[must_use]
    pub fn of(arch: Arch) -> Self {
        Self {
            os: "linux".to_owned(),
            architecture: arch.oci().to_owned(),
            variant: None,
        }
    }

    fn takes(&self, platform: &Platform) -> bool {
        platform.os == self.os
            && platform.architecture == self.architecture
            && (self.variant.is_none() || platform.variant == self.variant)
    }
}

impl std::str::FromStr for PlatformWish {
    type Err = NotAPlatform;

    /// Reads `linux/arm64`, `linux/arm64/v8`, or an architecture by any of its names.
    fn from_str(text: &str) -> Result<Self, NotAPlatform> {
        if let Ok(arch) = text.parse() {
            return Ok(Self::of(arch));
        }
        let parts: Vec<&str> = text.split('/').collect();
        let (os, architecture, variant) = match parts.as_slice() {
            [os, architecture] => (*os, *architecture, None),
            [os, architecture, variant] => (*os, *architecture, Some((*variant).to_owned())),
            _ => return Err(NotAPlatform(text.to_owned())),
        };
        if parts.iter().any(|part| part.is_empty()) {
            return Err(NotAPlatform(text.to_owned()));
        }
        // Kata's and Debian's names are understood here too.
        let architecture = match architecture.parse::<Arch>() {
            Ok(arch) => arch.oci().to_owned(),
            Err(_) => architecture.to_owned(),
        };
        Ok(Self {
            os: os.to_owned(),
            architecture,
            variant,
        })
    }
}

impl std::fmt::Display for PlatformWish {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        self.variant
            .as_ref()
            .map_or(Ok(()), |variant| write!(f, "/{variant}"))
    }
}

/// Returns the document that a name means, or the only one there is; among several kinds of artifacts, the guest.
///
/// # Errors
/// There is none, or more than one.
pub fn root(place: &Place<'_>, name: Option<&Name>) -> Result<Document, PlaceError> {
    if let Some(name) = name {
        return place.document(name);
    }
    let unnamed = |tags: Vec<String>| {
        let more = tags.len().saturating_sub(MOST_TAGS);
        let mut list = tags[..tags.len() - more].join(", ");
        if more > 0 {
            list.push_str(&format!(", and {more} more"));
        }
        PlaceError::Unnamed {
            place: place.to_string(),
            tags: list,
        }
    };
    if matches!(place.kind, Kind::Registry(_)) {
        let tags = place.tags()?.into_iter().map(|(tag, _)| tag).collect();
        return Err(unnamed(tags));
    }
    let entries = place.entries()?;
    let guest = ArtifactKind::Guest.artifact_type();
    let is_guest = |entry: &&Descriptor| entry.artifact_type.as_ref() == Some(&guest);
    let all = entries.iter().collect();
    let guests = entries.iter().filter(is_guest).collect();
    match only(all).or_else(|| only(guests)) {
        Some(entry) => place.described(entry),
        None => Err(unnamed(
            entries
                .iter()
                .filter_map(tag_of)
                .map(str::to_owned)
                .collect(),
        )),
    }
}

/// Returns what all entries are, when that is one.
fn only(entries: Vec<&Descriptor>) -> Option<&Descriptor> {
    let first = *entries.first()?;
    entries
        .iter()
        .all(|it| it.digest == first.digest)
        .then_some(first)
}

/// Returns the manifest for a platform: the document itself when it is no index.
///
/// # Errors
/// There is none for it; indexes lie too deep.
pub fn select(
    place: &Place<'_>,
    document: Document,
    wish: &PlatformWish,
) -> Result<Document, PlaceError> {
    let what = format!("{place}@{}", document.digest);
    let mut there = Vec::new();
    let found = search(place, &document, wish, MOST_DEPTH, &mut there)?;
    if matches!(document.body, Body::Manifest { .. }) {
        return Ok(document);
    }
    there.sort();
    there.dedup();
    found.ok_or_else(|| PlaceError::Platform {
        what,
        wanted: wish.to_string(),
        there: if there.is_empty() {
            "nothing".to_owned()
        } else {
            there.join(", ")
        },
    })
}

fn search(
    place: &Place<'_>,
    document: &Document,
    wish: &PlatformWish,
    depth: u32,
    there: &mut Vec<String>,
) -> Result<Option<Document>, PlaceError> {
    let children = document.children();
    if depth == 0 && !children.is_empty() {
        return Err(PlaceError::Deep {
            what: format!("{place}@{}", document.digest),
        });
    }
    for child in children.iter().filter(|it| is_document(&it.media_type)) {
        match &child.platform {
            Some(platform) => {
                there.push(platform.to_string());
                if wish.takes(platform) {
                    return place.described(child).map(Some);
                }
            }
            None => {
                let inner = place.described(child)?;
                if let Body::Index(_) = inner.body {
                    if let Some(found) = search(place, &inner, wish, depth - 1, there)? {
                        return Ok(Some(found));
                    }
                } else if children.len() == 1 {
                    // It says nothing of platforms, and there is no other.
                    return Ok(Some(inner));
                }
            }
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_platform_is_read_by_any_name_of_its_architecture() {
        for text in ["aarch64", "arm64", "linux/arm64", "linux/aarch64"] {
            let wish: PlatformWish = text.parse().unwrap();
            assert_eq!(wish, PlatformWish::of(Arch::Aarch64), "{text}");
        }
        let wish: PlatformWish = "linux/arm64/v8".parse().unwrap();
        assert_eq!(wish.to_string(), "linux/arm64/v8");
        for text in ["", "linux", "linux/", "a/b/c/d", "/amd64"] {
            assert!(text.parse::<PlatformWish>().is_err(), "{text}");
        }
    }
}
