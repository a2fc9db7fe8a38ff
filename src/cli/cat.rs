//! `cat`: one file of an artifact, to standard output.

use std::io::{self, Read, Write};

use super::{
    failure::Failure,
    registry::{Registries, failed},
    session::Session,
};
use crate::{
    arch::Arch,
    oci::{
        place::{self, PlatformWish},
        reference::Reference,
    },
};

/// Print one file of an artifact
///
/// The file is verified before its first byte is printed.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kata-artifacts cat registry.example/kata:6.12-default kconfig   the kernel's configuration
  kata-artifacts cat oci:out/kata/oci kata-artifacts.lock         the lock it was built from")]
pub(crate) struct Args {
    /// The artifact
    reference: Reference,

    /// The file: its name, or its name without what follows the first dot
    #[arg(value_name = "FILE")]
    file: String,

    /// Print the file for this platform [default: this machine's]
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
            .open(&self.reference, "cat", session, &store)?;
        let wish = self
            .platform
            .clone()
            .unwrap_or_else(|| PlatformWish::of(Arch::host()));
        let what = self.reference.to_string();
        let room = store.scratch("cat")?;
        let path = place::root(&place, self.reference.name())
            .and_then(|root| place::select(&place, root, &wish))
            .and_then(|manifest| {
                let files = place::titled_files(&manifest, &what)?;
                let file = place::find_file(&files, &self.file, &what)?.clone();
                let path = room.path().join(&file.title);
                place::write_files(&place, &[file], room.path())?;
                Ok(path)
            })
            .map_err(|error| failed(error, session))?;
        let read = |cause| Failure::work(crate::store::failed("read", &path)(cause));
        let mut file = std::fs::File::open(&path).map_err(read)?;
        let (mut out, mut buffer) = (io::stdout().lock(), vec![0; 64 << 10]);
        loop {
            let size = file.read(&mut buffer).map_err(read)?;
            // A reader that has gone away is no error: there is nobody left to tell.
            if size == 0 || out.write_all(&buffer[..size]).is_err() {
                let _ = out.flush();
                return Ok(());
            }
        }
    }
}
