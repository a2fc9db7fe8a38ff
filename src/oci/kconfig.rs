//! Small artifacts through ocipkg: its `OciArtifactBuilder` puts config and layers together, our `ImageBuilder` below it
//! puts them into the store. ocipkg holds blobs in memory, knows no index and writes hash maps in whatever order they
//! are, so kernels and guests do not go this way, and here too the manifest is written as canonical JSON. A test holds
//! both ways equal, byte for byte.

use std::str::FromStr;

use ocipkg::{
    ImageName,
    image::{Image, ImageBuilder, OciArtifactBuilder},
    oci_spec::image::{Digest as TheirDigest, ImageManifest, MediaType},
};

use super::{
    OciError,
    artifact::{Artifact, Blob},
    json::canonical,
    media::TITLE,
};
use crate::{digest::Digest, store::Store};

/// ocipkg's error, an `anyhow::Error`, which is not ours to name otherwise.
type Error = <ImageName as FromStr>::Err;

/// Writes an artifact whose files are all small: config and manifest go into the store. Returns the manifest.
///
/// # Errors
/// A layer is not in the store, or ocipkg refuses the artifact.
pub(super) fn write(store: &Store, artifact: &Artifact) -> Result<Blob, OciError> {
    let refused = |cause: Error| OciError::Ocipkg(cause.into());
    let kind = artifact.kind;
    let into = IntoStore { store };
    let mut builder =
        OciArtifactBuilder::new(into, other(&kind.artifact_type())).map_err(refused)?;
    builder
        .add_config(other(&kind.config_type()), &artifact.config, none())
        .map_err(refused)?;
    for layer in &artifact.layers {
        let bytes = store.read(layer.blob.0)?;
        let title = [(TITLE.to_owned(), layer.title.clone())].into();
        builder
            .add_layer(other(&layer.media_type), &bytes, title)
            .map_err(refused)?;
    }
    for (key, value) in &artifact.annotations {
        builder.add_annotation(key.clone(), value.clone());
    }
    let written = builder.build().map_err(refused)?;
    Ok(written.manifest)
}

/// Puts an image into the store.
struct IntoStore<'a> {
    store: &'a Store,
}

/// An image in the store, known by its manifest.
struct InStore<'a> {
    store: &'a Store,
    manifest: Blob,
}

impl<'a> ImageBuilder for IntoStore<'a> {
    type Image = InStore<'a>;

    fn add_blob(&mut self, data: &[u8]) -> Result<(TheirDigest, u64), Error> {
        let (digest, size) = self.store.put(data)?;
        Ok((digest.to_string().parse()?, size))
    }

    fn build(self, mut manifest: ImageManifest) -> Result<InStore<'a>, Error> {
        // The builder leaves the manifest's own type out, and says of a config without annotations that it has none.
        manifest.set_media_type(Some(MediaType::ImageManifest));
        let mut config = manifest.config().clone();
        config.set_annotations(None);
        manifest.set_config(config);
        Ok(InStore {
            store: self.store,
            manifest: self.store.put(&canonical(&manifest))?,
        })
    }
}

impl Image for InStore<'_> {
    fn get_name(&mut self) -> Result<ImageName, Error> {
        // Tags are the layout's, not the artifact's.
        ImageName::parse(&format!("sha256:{}", self.manifest.0.hex()))
    }

    fn get_blob(&mut self, digest: &TheirDigest) -> Result<Vec<u8>, Error> {
        Ok(self.store.read(digest.to_string().parse::<Digest>()?)?)
    }

    fn get_manifest(&mut self) -> Result<ImageManifest, Error> {
        Ok(serde_json::from_slice(&self.store.read(self.manifest.0)?)?)
    }
}

fn other(text: &str) -> MediaType {
    MediaType::Other(text.to_owned())
}

#[expect(clippy::disallowed_types, reason = "it is what ocipkg takes")]
fn none() -> std::collections::HashMap<String, String> {
    std::collections::HashMap::new()
}
