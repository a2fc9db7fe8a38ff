//! `build`: makes everything that a manifest describes.

use std::{
    collections::BTreeMap,
    fmt::Write,
    path::{Path, PathBuf},
};

use serde::Serialize;

use super::{
    MANIFEST,
    failure::Failure,
    make::{make, named},
    output::{json, result},
    pinned::pinned,
    session::Session,
};
use crate::{
    arch::Arch,
    digest::Digest,
    event::{Event, size},
    exec::{MENDED, is_mendable},
    lock::Pinned,
    manifest::Manifest,
    oci::{self, LayoutList, PlainFile},
    plan::{self, Plan},
    store::Store,
};

/// Make every kernel, initrd and artifact that a manifest describes
///
/// Fetches what the lock pins, verifies it, compiles in a sandbox, checks the products and writes them below `--out`:
/// plain files in NAME/ARCH/, an OCI image layout in NAME/oci, logs in NAME/logs. Steps whose inputs have not changed
/// are reused. Without a lock, resolves one, writes it and says so.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kata-artifacts build                                  manifests/kata.yaml -> out/kata
  kata-artifacts build manifests/small.yaml --jobs 8    another manifest, eight compilers at once
  kata-artifacts build --offline --json                 from the store only; the result for programs")]
pub(crate) struct Args {
    /// The manifest
    #[arg(default_value = MANIFEST)]
    manifest: PathBuf,

    /// Write results below this directory
    #[arg(long, short, value_name = "DIR", default_value = "out")]
    out: PathBuf,

    /// Run this many compilers at once [default: one for each processor]
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,

    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// What `build --json` prints.
#[derive(Serialize)]
struct Built {
    schema: u32,
    manifest: String,
    /// The digest of the guest's index: what the build is known by.
    index: Digest,
    layout: PathBuf,
    tags: BTreeMap<String, Digest>,
    files: BTreeMap<Arch, Vec<BuiltFile>>,
}

#[derive(Serialize)]
struct BuiltFile {
    path: PathBuf,
    digest: Digest,
    size: u64,
}

impl Args {
    pub(crate) fn run(self, session: &Session) -> Result<(), Failure> {
        let store = session.store()?;
        let (pinned, texts) = pinned(&self.manifest, "build", session, &store)?;
        let inputs = plan::gather(&pinned, &texts.manifest, &texts.lock, &session.path, &store)
            .map_err(Failure::input)?;
        let plan = plan::draft(&pinned, &inputs, Arch::host());
        let out = self.out.join(&pinned.manifest.name);
        let list = self.lay_out(&plan, &pinned.manifest, &out, session, &store)?;
        if self.json {
            json(&built(&pinned, &list, &out));
        } else {
            result(&summary(&pinned, &list, &out, &self.again()));
        }
        Ok(())
    }
}

impl Args {
    /// Makes the layout and writes it. A blob that turns out to be damaged when it is copied is made again.
    fn lay_out(
        &self,
        plan: &Plan,
        manifest: &Manifest,
        out: &Path,
        session: &Session,
        store: &Store,
    ) -> Result<LayoutList, Failure> {
        let mut damaged = 0;
        loop {
            let products = make(plan, manifest, self.jobs, out, session, store)?;
            let written = LayoutList::read(store, products["layout"].digest()).and_then(|list| {
                oci::publish(store, &list, &out.join("oci"))?;
                oci::publish_files(store, &list, out)?;
                Ok(list)
            });
            match written {
                Err(error) if is_mendable(&error) && damaged < MENDED => {
                    damaged += 1;
                    let text = format!("{error}: it is made again");
                    session.sink.take(Event::Warning { step: None, text });
                }
                other => return other.map_err(Failure::work),
            }
        }
    }

    /// Returns the arguments that name this manifest and place again, to a verb with the same defaults.
    fn again(&self) -> Vec<String> {
        let manifest = named(&self.manifest).map(|manifest| format!(" {manifest}"));
        let out = (self.out != Path::new("out")).then(|| format!(" --out {}", self.out.display()));
        manifest.into_iter().chain(out).collect()
    }
}

fn built(pinned: &Pinned, list: &LayoutList, out: &Path) -> Built {
    let file = |arch: Arch, file: &PlainFile| BuiltFile {
        path: out.join(arch.name()).join(&file.name),
        digest: file.digest,
        size: file.size,
    };
    Built {
        schema: 1,
        manifest: pinned.manifest.name.clone(),
        index: list.index,
        layout: out.join("oci"),
        tags: list.tags.clone(),
        files: list
            .files
            .iter()
            .map(|(&arch, files)| (arch, files.iter().map(|it| file(arch, it)).collect()))
            .collect(),
    }
}

fn summary(pinned: &Pinned, list: &LayoutList, out: &Path, again: &[String]) -> String {
    let mut text = format!("{} {}\n", pinned.manifest.name, pinned.manifest.version);
    for (arch, files) in &list.files {
        for file in files {
            let path = out.join(arch.name()).join(&file.name);
            let _ = writeln!(
                text,
                "  {:<48} {:>10}  {}",
                path.display(),
                size(file.size),
                file.digest.short()
            );
        }
    }
    let _ = writeln!(
        text,
        "  {:<48} {:>10}  {}",
        out.join("oci").display(),
        "index",
        list.index
    );
    for (tag, digest) in &list.tags {
        let _ = writeln!(text, "    {tag:<46} {:>10}  {}", "", digest.short());
    }
    let _ = write!(
        text,
        "Next: `kata-artifacts test{}` boots it.",
        again.concat()
    );
    text
}
