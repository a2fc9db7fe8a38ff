//! `ls`: the tags of a place, or the files of an artifact.

use std::fmt::Write;

use super::{
    failure::Failure,
    output::{json, result},
    registry::{Registries, failed},
    session::Session,
};
use crate::{
    arch::Arch,
    event::size,
    oci::{
        place::{self, PlatformWish},
        reference::Reference,
    },
};

/// List the tags of a repository or layout, or the files of an artifact
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kata-artifacts ls registry.example/kata                its tags
  kata-artifacts ls registry.example/kata:6.12-default   the files for this machine
  kata-artifacts ls oci:out/kata/oci --json              the tags of an image layout")]
pub(crate) struct Args {
    /// A repository, an image layout, or an artifact in one
    reference: Reference,

    /// List the files for this platform [default: this machine's]
    #[arg(long, value_name = "OS/ARCH")]
    platform: Option<PlatformWish>,

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
            .open(&self.reference, "ls", session, &store)?;
        if self.reference.name().is_none() && self.platform.is_none() {
            let tags = place.tags().map_err(|error| failed(error, session))?;
            if self.json {
                let list = |(tag, entry): &(String, Option<_>)| match entry {
                    Some(descriptor) => serde_json::json!({"tag": tag, "descriptor": descriptor}),
                    None => serde_json::json!({"tag": tag}),
                };
                let tags: Vec<_> = tags.iter().map(list).collect();
                json(&serde_json::json!({"schema": 1, "tags": tags}));
            } else {
                let tags: Vec<String> = tags.into_iter().map(|(tag, _)| tag).collect();
                result(&tags.join("\n"));
            }
            return Ok(());
        }
        let wish = self
            .platform
            .clone()
            .unwrap_or_else(|| PlatformWish::of(Arch::host()));
        let what = self.reference.to_string();
        let (manifest, files) = place::root(&place, self.reference.name())
            .and_then(|root| place::select(&place, root, &wish))
            .and_then(|manifest| {
                let files = place::titled_files(&manifest, &what)?;
                Ok((manifest.digest, files))
            })
            .map_err(|error| failed(error, session))?;
        if self.json {
            let files: Vec<_> = files
                .iter()
                .map(|file| serde_json::json!({"title": file.title, "descriptor": file.blob}))
                .collect();
            json(&serde_json::json!({"schema": 1, "manifest": manifest, "files": files}));
            return Ok(());
        }
        let mut text = String::new();
        for file in &files {
            let _ = writeln!(
                text,
                "{:<32} {:>10}  {}  {}",
                file.title,
                size(file.blob.size),
                file.blob.digest.short(),
                file.blob.media_type
            );
        }
        result(&text);
        Ok(())
    }
}
