//! `attach`: a file that refers to an artifact.

use std::{collections::BTreeMap, path::PathBuf};

use super::{
    failure::Failure,
    output::result,
    registry::{Registries, failed},
    session::Session,
};
use crate::oci::{
    place::{self, Attachment, PlatformWish},
    reference::Reference,
};

/// Attach a file to an artifact: an SBOM, provenance, a test result
///
/// The artifact and its digest stay as they are. Registries list what refers to it; for those without that list, a tag
/// `sha256-…` is kept. Attaching the same file twice changes nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kata-artifacts attach registry.example/kata:6.12 sbom.json --type application/spdx+json
  kata-artifacts attach oci:out/kata/oci boot.json --type application/json --platform arm64")]
pub(crate) struct Args {
    /// The artifact
    reference: Reference,

    /// The file
    file: PathBuf,

    /// What the file is: a media type
    #[arg(long = "type", value_name = "MEDIA-TYPE", value_parser = media_type)]
    media_type: String,

    /// Attach it to the manifest for this platform [default: to what the name means, perhaps an index]
    #[arg(long, value_name = "OS/ARCH")]
    platform: Option<PlatformWish>,

    /// Annotate it
    #[arg(long, value_name = "KEY=VALUE", value_parser = annotation)]
    annotation: Vec<(String, String)>,

    #[command(flatten)]
    registries: Registries,
}

fn media_type(text: &str) -> Result<String, String> {
    let plain = |part: &str| {
        let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte);
        (1..=127).contains(&part.len()) && part.bytes().all(letter)
    };
    match text.split_once('/') {
        Some((kind, name)) if plain(kind) && plain(name) => Ok(text.to_owned()),
        _ => Err("write it as application/spdx+json".to_owned()),
    }
}

fn annotation(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write it as KEY=VALUE".to_owned()),
    }
}

impl Args {
    pub(crate) fn run(self, session: &Session) -> Result<(), Failure> {
        let store = session.store()?;
        // Read first: a place that is not there is not made.
        let there = self
            .registries
            .open(&self.reference, "attach", session, &store)?;
        let subject = place::root(&there, self.reference.name())
            .and_then(|root| match &self.platform {
                Some(wish) => place::select(&there, root, wish),
                None => Ok(root),
            })
            .map_err(|error| failed(error, session))?;
        let place = self
            .registries
            .create(&self.reference, "attach", session, &store)?;
        let title = self.file.file_name().unwrap_or_default().to_string_lossy();
        let attachment = Attachment {
            artifact_type: &self.media_type,
            file: &self.file,
            title: &title,
            annotations: self.annotation.iter().cloned().collect::<BTreeMap<_, _>>(),
        };
        let digest = place::attach(&place, &subject, &attachment)
            .and_then(|digest| place.finish().map(|()| digest))
            .map_err(|error| failed(error, session))?;
        result(&format!("{}@{digest}", self.reference.with(None)));
        Ok(())
    }
}
