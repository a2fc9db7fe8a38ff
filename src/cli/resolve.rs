//! `resolve`: what a tag names now.

use super::{
    failure::Failure,
    output::result,
    registry::{Registries, failed},
    session::Session,
};
use crate::oci::{
    place::{self, PlatformWish},
    reference::Reference,
};

/// Print the digest that a tag names now
///
/// The manifest is read and verified; the digest is of its bytes, not what a registry says of them.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kata-artifacts resolve registry.example/kata:6.12          the digest of the index
  kata-artifacts resolve oci:out/kata/oci --platform arm64   the digest for a platform")]
pub(crate) struct Args {
    /// The artifact
    reference: Reference,

    /// Print the digest of the manifest for this platform
    #[arg(long, value_name = "OS/ARCH")]
    platform: Option<PlatformWish>,

    #[command(flatten)]
    registries: Registries,
}

impl Args {
    pub(crate) fn run(self, session: &Session) -> Result<(), Failure> {
        let store = session.store()?;
        let place = self
            .registries
            .open(&self.reference, "resolve", session, &store)?;
        let document = place::root(&place, self.reference.name())
            .and_then(|root| match &self.platform {
                Some(wish) => place::select(&place, root, wish),
                None => Ok(root),
            })
            .map_err(|error| failed(error, session))?;
        result(&document.digest.to_string());
        Ok(())
    }
}
