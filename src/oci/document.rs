//! Manifests and indexes as they came: the raw bytes, which are what is kept, verified and passed on, and what they say,
//! as far as we need to know. Anybody may have written them. Nothing is fetched here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::media::TITLE;
use crate::digest::Digest;

/// The largest manifest or index that is read: what registries take (distribution-spec, "Pushing Manifests").
pub const MOST_DOCUMENT: u64 = 4 << 20;

/// `application/vnd.oci.image.manifest.v1+json`.
pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// `application/vnd.oci.image.index.v1+json`.
pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// Docker's manifest, schema 2.
const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
/// Docker's index.
const DOCKER_INDEX: &str = "application/vnd.docker.distribution.manifest.list.v2+json";

/// Every media type that is asked for and read.
pub const DOCUMENTS: [&str; 4] = [INDEX, MANIFEST, DOCKER_INDEX, DOCKER_MANIFEST];

/// What one document says of another blob (image-spec, "OCI Content Descriptors").
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// The blob's media type.
    pub media_type: String,
    /// The blob's digest.
    pub digest: Digest,
    /// The blob's size in bytes.
    pub size: u64,
    /// The `artifactType` of the manifest it points to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// The platform that the manifest it points to is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// Annotations.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// A platform (image-spec, "OCI Image Index Specification").
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Platform {
    /// `linux`.
    pub os: String,
    /// Go's name of an architecture.
    pub architecture: String,
    /// `v8`, for instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
}

/// A manifest or an index, verified.
#[derive(Clone, Debug)]
pub struct Document {
    /// The digest of the raw bytes.
    pub digest: Digest,
    /// The bytes as they came.
    pub raw: Vec<u8>,
    /// Its media type.
    pub media_type: String,
    /// What kind of artifact it is.
    pub artifact_type: Option<String>,
    /// What it refers to.
    pub subject: Option<Descriptor>,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
    /// What it lists.
    pub body: Body,
}

/// What a document lists.
#[derive(Clone, Debug)]
pub enum Body {
    /// Manifests, or further indexes.
    Index(Vec<Descriptor>),
    /// A config and files.
    Manifest {
        /// The config.
        config: Descriptor,
        /// The layers, in order.
        layers: Vec<Descriptor>,
    },
}

/// Bytes are no document that can be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// They are not JSON of the form.
    #[error("it is not a manifest: {0}")]
    Json(String),
    /// The media type is none that is read.
    #[error("its media type is `{0}`, which is neither a manifest nor an index")]
    MediaType(String),
    /// The server and the document contradict each other.
    #[error("it was announced as `{told}` and says that it is `{says}`")]
    Contradiction {
        /// What was announced.
        told: String,
        /// What it says.
        says: String,
    },
    /// It is a manifest and an index at once, or neither.
    #[error("it has the parts of {0}")]
    Parts(&'static str),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Raw {
    schema_version: u32,
    media_type: Option<String>,
    artifact_type: Option<String>,
    config: Option<Descriptor>,
    layers: Option<Vec<Descriptor>>,
    manifests: Option<Vec<Descriptor>>,
    subject: Option<Descriptor>,
    #[serde(default)]
    annotations: Option<BTreeMap<String, String>>,
}

impl Document {
    /// Reads a document. `told` is the media type that its descriptor or the server gave.
    ///
    /// # Errors
    /// It is none, or it could be read in two ways.
    pub fn read(raw: Vec<u8>, told: Option<&str>) -> Result<Self, DocumentError> {
        let parsed: Raw =
            serde_json::from_slice(&raw).map_err(|error| DocumentError::Json(error.to_string()))?;
        if parsed.schema_version != 2 {
            let version = parsed.schema_version;
            return Err(DocumentError::Json(format!(
                "schemaVersion is {version}, not 2"
            )));
        }
        // Two readers that take one text for two things could be shown two artifacts under one digest.
        let media_type = match (told, parsed.media_type) {
            (Some(told), Some(says)) if told != says => {
                let told = told.to_owned();
                return Err(DocumentError::Contradiction { told, says });
            }
            (_, Some(says)) => says,
            (Some(told), None) => told.to_owned(),
            (None, None) if parsed.manifests.is_some() => INDEX.to_owned(),
            (None, None) => MANIFEST.to_owned(),
        };
        let body = match (
            media_type.as_str(),
            parsed.config,
            parsed.layers,
            parsed.manifests,
        ) {
            (INDEX | DOCKER_INDEX, None, None, Some(manifests)) => Body::Index(manifests),
            (MANIFEST | DOCKER_MANIFEST, Some(config), Some(layers), None) => {
                Body::Manifest { config, layers }
            }
            (INDEX | DOCKER_INDEX | MANIFEST | DOCKER_MANIFEST, config, layers, manifests) => {
                let parts = match (config.is_some() || layers.is_some(), manifests.is_some()) {
                    (true, true) => "a manifest and of an index",
                    _ => "neither a manifest nor an index of its type",
                };
                return Err(DocumentError::Parts(parts));
            }
            _ => return Err(DocumentError::MediaType(media_type)),
        };
        let artifact_type = parsed.artifact_type.or_else(|| match &body {
            // Before image-spec 1.1 the config's type said what an artifact is.
            Body::Manifest { config, .. } if config.media_type != IMAGE_CONFIG => {
                Some(config.media_type.clone())
            }
            _ => None,
        });
        Ok(Self {
            digest: Digest::of(&raw),
            raw,
            media_type,
            artifact_type,
            subject: parsed.subject,
            annotations: parsed.annotations.unwrap_or_default(),
            body,
        })
    }

    /// Returns the descriptor of this document.
    #[must_use]
    pub fn descriptor(&self) -> Descriptor {
        Descriptor {
            media_type: self.media_type.clone(),
            digest: self.digest,
            size: self.raw.len() as u64,
            artifact_type: self.artifact_type.clone(),
            platform: None,
            annotations: BTreeMap::new(),
        }
    }

    /// Returns what an index lists; nothing for a manifest.
    #[must_use]
    pub fn children(&self) -> &[Descriptor] {
        match &self.body {
            Body::Index(children) => children,
            Body::Manifest { .. } => &[],
        }
    }

    /// Returns the config and the layers of a manifest; nothing for an index.
    #[must_use]
    pub fn blobs(&self) -> Vec<&Descriptor> {
        match &self.body {
            Body::Index(_) => Vec::new(),
            Body::Manifest { config, layers } => std::iter::once(config).chain(layers).collect(),
        }
    }
}

/// The config of an ordinary image.
pub const IMAGE_CONFIG: &str = "application/vnd.oci.image.config.v1+json";

/// Tells whether a media type is that of a manifest or an index.
#[must_use]
pub fn is_document(media_type: &str) -> bool {
    DOCUMENTS.contains(&media_type)
}

impl Descriptor {
    /// Returns the file name of a layer, when it has one.
    #[must_use]
    pub fn title(&self) -> Option<&str> {
        self.annotations.get(TITLE).map(String::as_str)
    }
}

impl std::fmt::Display for Platform {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        match &self.variant {
            Some(variant) => write!(f, "/{variant}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn descriptor(media_type: &str) -> Value {
        json!({"mediaType": media_type, "digest": Digest::of(b""), "size": 0})
    }

    fn read(value: &Value, told: Option<&str>) -> Result<Document, DocumentError> {
        Document::read(value.to_string().into_bytes(), told)
    }

    #[test]
    fn a_manifest_keeps_its_bytes_and_says_what_it_lists() {
        let layer = json!({
            "mediaType": "text/plain", "digest": Digest::of(b"x"), "size": 1, "unknown": 1,
            "annotations": {"org.opencontainers.image.title": "x"},
        });
        let value = json!({
            "schemaVersion": 2, "mediaType": MANIFEST, "config": descriptor("a/b"), "layers": [layer], "more": true,
        });
        let document = read(&value, Some(MANIFEST)).unwrap();
        assert_eq!(document.raw, value.to_string().into_bytes());
        assert_eq!(document.digest, Digest::of(&document.raw));
        assert_eq!(document.artifact_type.as_deref(), Some("a/b"));
        assert_eq!(document.blobs().len(), 2);
        assert_eq!(document.blobs()[1].title(), Some("x"));
    }

    #[test]
    fn a_document_that_can_be_read_in_two_ways_is_refused() {
        let both = json!({
            "schemaVersion": 2, "mediaType": INDEX, "manifests": [], "config": descriptor("a/b"), "layers": [],
        });
        assert!(matches!(read(&both, None), Err(DocumentError::Parts(_))));
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": []});
        assert!(matches!(
            read(&index, Some(MANIFEST)),
            Err(DocumentError::Contradiction { .. })
        ));
        let untyped = json!({"schemaVersion": 2, "manifests": []});
        assert!(matches!(
            read(&untyped, Some(MANIFEST)),
            Err(DocumentError::Parts(_))
        ));
        assert!(read(&untyped, Some(INDEX)).is_ok());
    }

    #[test]
    fn what_is_no_document_of_ours_is_refused() {
        let html = Document::read(b"<html>".to_vec(), None);
        assert!(matches!(html, Err(DocumentError::Json(_))));
        let old = json!({"schemaVersion": 1, "manifests": []});
        assert!(matches!(read(&old, None), Err(DocumentError::Json(_))));
        let other = json!({"schemaVersion": 2, "mediaType": "text/html", "manifests": []});
        assert_eq!(
            read(&other, None).unwrap_err(),
            DocumentError::MediaType("text/html".to_owned())
        );
        let mut negative = descriptor("a/b");
        negative["size"] = json!(-1);
        let negative = json!({"schemaVersion": 2, "manifests": [negative]});
        assert!(matches!(read(&negative, None), Err(DocumentError::Json(_))));
        let mut sha512 = descriptor("a/b");
        sha512["digest"] = json!("sha512:00");
        let sha512 = json!({"schemaVersion": 2, "manifests": [sha512]});
        assert!(matches!(read(&sha512, None), Err(DocumentError::Json(_))));
    }
}
