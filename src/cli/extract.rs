//! `extract`: the files of an artifact or of a plain image, as a tree.

use std::path::PathBuf;

use super::{
    failure::Failure,
    output::result,
    registry::{Registries, failed},
    session::Session,
};
use crate::{
    arch::Arch,
    oci::{
        image,
        place::{self, PlatformWish},
        reference::Reference,
    },
};

/// Unpack an artifact or a plain image into a new directory
///
/// Of an artifact, the files by their names; of an image of one layer, the tree that it holds. The directory appears whole
/// or not at all, and must not be there before, or be empty.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kata-artifacts extract oci:out/kata/oci --output kata              what a build packed
  kata-artifacts extract registry.example/kata:image --output root   a plain image's tree")]
pub(crate) struct Args {
    /// The artifact or image
    reference: Reference,

    /// The directory to make
    #[arg(long, short, value_name = "DIR")]
    output: PathBuf,

    /// Unpack what is for this platform [default: this machine's]
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
            .open(&self.reference, "extract", session, &store)?;
        let wish = self
            .platform
            .clone()
            .unwrap_or_else(|| PlatformWish::of(Arch::host()));
        let what = self.reference.to_string();
        let digest = place::root(&place, self.reference.name())
            .and_then(|root| place::select(&place, root, &wish))
            .and_then(|manifest| {
                let has_files = manifest.blobs().iter().any(|blob| blob.title().is_some());
                if has_files {
                    place::write_tree(
                        &place,
                        &place::titled_files(&manifest, &what)?,
                        &self.output,
                    )?;
                } else {
                    image::unpack_image(&place, &manifest, &self.output)?;
                }
                Ok(manifest.digest)
            })
            .map_err(|error| failed(error, session))?;
        let from = self.reference.with(None);
        result(&format!("{}: {from}@{digest}", self.output.display()));
        Ok(())
    }
}
