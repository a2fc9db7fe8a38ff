//! `pull`: brings the files of an artifact to a directory.

use std::{fmt::Write, path::PathBuf};

use super::{
    failure::Failure,
    output::{json, result},
    push::Form,
    registry::{Registries, failed},
    session::Session,
};
use crate::{
    arch::Arch,
    event::size,
    oci::{
        image,
        place::{self, PlatformWish},
        reference::Reference,
    },
};

/// Pull the files of an artifact into a directory
///
/// Asks once what the tag names, then takes that digest only. Four files come in at a time, each verified; one that broke
/// off goes on where it stopped, also in another process. Files that are there and right are left alone.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kata-artifacts pull registry.example/kata:6.12 --output kata     all files for this machine
  kata-artifacts pull registry.example/kata:6.12 --file vmlinux    one file
  kata-artifacts pull oci:out/kata/oci --platform arm64 -o arm64   without a network")]
pub(crate) struct Args {
    /// The artifact: REGISTRY/REPOSITORY:TAG, …@DIGEST, oci:DIR[:TAG], oci-archive:FILE[:TAG]
    reference: Reference,

    /// Write the files into this directory
    #[arg(long, short, value_name = "DIR", default_value = ".")]
    output: PathBuf,

    /// Pull only this file: its name, or its name without what follows the first dot
    #[arg(long, short, value_name = "NAME")]
    file: Vec<String>,

    /// Pull for this platform [default: this machine's]
    #[arg(long, value_name = "OS/ARCH")]
    platform: Option<PlatformWish>,

    /// Pull this form; of a plain image, its tree, into a new directory
    #[arg(long, value_enum, default_value = "artifact", conflicts_with = "file")]
    form: Form,

    /// Print the result as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    registries: Registries,
}

impl Args {
    pub(crate) fn run(self, session: &Session) -> Result<(), Failure> {
        let store = session.store()?;
        let place = self
            .registries
            .open(&self.reference, "pull", session, &store)?;
        let wish = self
            .platform
            .clone()
            .unwrap_or_else(|| PlatformWish::of(Arch::host()));
        let what = self.reference.to_string();
        let work = || {
            let root = place::root(&place, self.reference.name())?;
            let digest = root.digest;
            let manifest = place::select(&place, root, &wish)?;
            if self.form == Form::Image {
                image::unpack_image(&place, &manifest, &self.output)?;
                return Ok((digest, manifest.digest, Vec::new()));
            }
            let mut files = place::titled_files(&manifest, &what)?;
            if !self.file.is_empty() {
                let wanted = self.file.iter();
                let found = wanted.map(|name| place::find_file(&files, name, &what).cloned());
                files = found.collect::<Result<_, _>>()?;
                files.dedup();
            }
            let written = place::write_files(&place, &files, &self.output)?;
            Ok((digest, manifest.digest, written))
        };
        let (digest, manifest, written) = work().map_err(|error| failed(error, session))?;
        if self.json {
            let value = serde_json::json!({
                "schema": 1, "reference": what, "digest": digest, "manifest": manifest,
                "output": self.output, "files": written,
            });
            json(&value);
            return Ok(());
        }
        let mut text = String::new();
        for file in &written {
            let path = self.output.join(&file.title);
            let _ = writeln!(
                text,
                "{:<48} {:>10}  {}",
                path.display(),
                size(file.size),
                file.digest.short()
            );
        }
        let _ = write!(text, "{}@{digest}", self.reference.with(None));
        result(&text);
        Ok(())
    }
}
