//! Attaching a file to an artifact: a manifest of its own that refers to it (image-spec 1.1, "Guidelines for Artifact
//! Usage"), so that what is attached to does not change.

use std::{collections::BTreeMap, path::Path};

use serde_json::json;

use super::{
    Place, Role,
    error::{PlaceError, disk},
};
use crate::{
    digest::Digest,
    oci::{
        document::{Document, MANIFEST},
        json::{canonical, carries},
        media::TITLE,
    },
};

/// The config of an artifact that has none.
const EMPTY: &str = "application/vnd.oci.empty.v1+json";

/// A file to attach.
#[derive(Clone, Debug)]
pub struct Attachment<'a> {
    /// What it is: `application/spdx+json`, for instance.
    pub artifact_type: &'a str,
    /// The file.
    pub file: &'a Path,
    /// Its name in the artifact.
    pub title: &'a str,
    /// Annotations of its manifest.
    pub annotations: BTreeMap<String, String>,
}

/// Attaches a file to what is in the place; returns the digest of its manifest. Attaching it twice changes nothing.
///
/// # Errors
/// The file cannot be read, or the place not written.
pub fn attach(
    place: &Place<'_>,
    subject: &Document,
    attachment: &Attachment<'_>,
) -> Result<Digest, PlaceError> {
    let texts = attachment
        .annotations
        .iter()
        .flat_map(|(key, value)| [key.as_str(), value]);
    let all = texts.chain([attachment.title, attachment.artifact_type]);
    if let Some(text) = all.into_iter().find(|text| !carries(text)) {
        return Err(PlaceError::Untrue {
            what: text.escape_default().to_string(),
            why: "it has a line end or another control character in it".to_owned(),
        });
    }
    let empty = tempfile::NamedTempFile::new().map_err(disk("write", Path::new("{}")))?;
    std::fs::write(empty.path(), "{}").map_err(disk("write", empty.path()))?;
    let config = place.put_bytes(empty.path(), EMPTY, "config")?;
    let mut layer = place.put_bytes(attachment.file, attachment.artifact_type, attachment.title)?;
    layer.annotations = BTreeMap::from([(TITLE.to_owned(), attachment.title.to_owned())]);
    let mut manifest = json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": attachment.artifact_type, "config": config,
        "layers": [layer],
        "subject": {"mediaType": subject.media_type, "digest": subject.digest, "size": subject.raw.len()},
    });
    if !attachment.annotations.is_empty() {
        manifest["annotations"] = json!(attachment.annotations);
    }
    let document = Document::read(canonical(&manifest), Some(MANIFEST)).map_err(|error| {
        PlaceError::Untrue {
            what: attachment.title.to_owned(),
            why: error.to_string(),
        }
    })?;
    place.put(&document, Role::Untagged)?;
    Ok(document.digest)
}
