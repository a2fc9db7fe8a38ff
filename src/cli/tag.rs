//! `tag`: gives an artifact further names.

use super::{
    failure::Failure,
    output::result,
    registry::{Registries, failed},
    session::Session,
};
use crate::oci::{
    place::{self, Role},
    reference::{Reference, is_tag},
};

/// Give an artifact further tags in its place
///
/// Moves no blobs. A tag that is there moves.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kata-artifacts tag registry.example/kata:6.12.117-default stable   one more tag
  kata-artifacts tag oci:out/kata/oci stable 6.12                    two more, in an image layout")]
pub(crate) struct Args {
    /// The artifact
    reference: Reference,

    /// The tags
    #[arg(required = true, value_parser = tag)]
    tags: Vec<String>,

    #[command(flatten)]
    registries: Registries,
}

fn tag(text: &str) -> Result<String, String> {
    if is_tag(text) {
        Ok(text.to_owned())
    } else {
        Err("a tag is at most 128 letters, digits, dots, hyphens and underscores".to_owned())
    }
}

impl Args {
    pub(crate) fn run(self, session: &Session) -> Result<(), Failure> {
        let store = session.store()?;
        // Read first: a place that is not there is not made.
        let work = self
            .registries
            .open(&self.reference, "tag", session, &store)?;
        let document = place::root(&work, self.reference.name());
        let document = document.map_err(|error| failed(error, session))?;
        let place = self
            .registries
            .create(&self.reference, "tag", session, &store)?;
        self.tags
            .iter()
            .try_for_each(|tag| place.put(&document, Role::Tagged(tag)))
            .and_then(|()| place.finish())
            .map_err(|error| failed(error, session))?;
        let place = self.reference.with(None);
        let lines: Vec<String> = self
            .tags
            .iter()
            .map(|tag| format!("{place}:{tag}@{}", document.digest))
            .collect();
        result(&lines.join("\n"));
        Ok(())
    }
}
