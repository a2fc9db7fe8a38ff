//! `copy`: carries artifacts between any two places.

use super::{
    failure::Failure,
    output::{json, result},
    push::{Wishes, as_json, carry, summary},
    registry::{Registries, failed},
    session::Session,
};
use crate::oci::{
    place::{PlatformWish, Referrers},
    reference::Reference,
};

/// Copy artifacts between registries, image layouts and archives
///
/// Bytes are copied as they are, so digests stay. Between repositories of one registry, blobs are mounted instead of
/// sent. Without a tag on either side, everything that has a tag is copied.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kata-artifacts copy registry.example/kata:6.12 oci:kata            to a directory
  kata-artifacts copy oci:kata oci-archive:kata.tar                  everything, as one file
  kata-artifacts copy registry.example/a:t registry.example/b:t -r   with SBOMs, signatures")]
pub(crate) struct Args {
    /// What to copy: REGISTRY/REPOSITORY[:TAG|@DIGEST], oci:DIR[:TAG], oci-archive:FILE[:TAG]
    source: Reference,

    /// Where to, in the same forms
    target: Reference,

    /// Copy only the manifest for this platform
    #[arg(long, value_name = "OS/ARCH")]
    platform: Option<PlatformWish>,

    /// Copy what refers to the artifacts too: SBOMs, provenance, signatures
    #[arg(long, short)]
    recursive: bool,

    /// Print the result as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    registries: Registries,
}

impl Args {
    pub(crate) fn run(self, session: &Session) -> Result<(), Failure> {
        let store = session.store()?;
        let from = self
            .registries
            .open(&self.source, "copy", session, &store)?;
        let to = self
            .registries
            .create(&self.target, "copy", session, &store)?;
        let wishes = Wishes {
            platform: self.platform.as_ref(),
            referrers: if self.recursive {
                Referrers::Taken
            } else {
                Referrers::Left
            },
        };
        let carried = carry(&from, &to, self.source.name(), self.target.name(), &wishes)
            .and_then(|carried| to.finish().map(|()| carried))
            .map_err(|error| failed(error, session))?;
        if self.json {
            json(
                &serde_json::json!({"schema": 1, "target": self.target.with(None).to_string(), "artifacts": as_json(&carried)}),
            );
        } else {
            result(&summary(&carried, &self.target));
        }
        Ok(())
    }
}
