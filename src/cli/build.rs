//! `build`: makes everything that a manifest describes.

use std::{
    collections::BTreeMap,
    fmt::Write,
    path::{Path, PathBuf},
};

use miette::Diagnostic;
use serde::Serialize;

use super::{
    MANIFEST,
    failure::Failure,
    output::{json, result},
    pinned::{newest, pinned},
    session::Session,
};
use crate::{
    arch::Arch,
    bench::Bench,
    digest::Digest,
    event::{count, size},
    exec::{Shop, Trouble, carry_out, execute},
    lock::{PinGone, Pinned},
    manifest::Manifest,
    oci::{self, LayoutList, PlainFile},
    plan::{
        self, Assessment, Plan, Standing,
        action::{Action, Fetch, Origin},
    },
    source::{self, FetchError, Network},
    step::Products,
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

/// What a build needs is not in the store, and it may not be fetched.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("{downloads} not in the store ({size}), and {option} forbids the network: {names}")]
#[diagnostic(
    code(source::offline),
    help("run once without {option}: what is fetched stays in the store")
)]
struct NotFetched {
    downloads: String,
    size: String,
    names: String,
    option: &'static str,
}

impl Args {
    pub(crate) fn run(self, session: &Session) -> Result<(), Failure> {
        let store = session.store()?;
        let (pinned, texts) = pinned(&self.manifest, "build", session, &store)?;
        let inputs = plan::gather(&pinned, &texts.manifest, &texts.lock, &session.path, &store)
            .map_err(Failure::input)?;
        let plan = plan::draft(&pinned, &inputs, Arch::host());
        let out = self.out.join(&pinned.manifest.name);
        let products = make(&plan, &pinned.manifest, self.jobs, &out, session, &store)?;
        let list = LayoutList::read(&store, products["layout"].digest()).map_err(Failure::work)?;
        oci::publish(&store, &list, &out.join("oci")).map_err(Failure::work)?;
        oci::publish_files(&store, &list, &out).map_err(Failure::work)?;
        if self.json {
            json(&built(&pinned, &list, &out));
        } else {
            result(&summary(&pinned, &list, &out, &self.again()));
        }
        Ok(())
    }
}

impl Args {
    /// Returns the arguments that name this manifest and place again, to a verb with the same defaults.
    fn again(&self) -> Vec<String> {
        let manifest = named(&self.manifest).map(|manifest| format!(" {manifest}"));
        let out = (self.out != Path::new("out")).then(|| format!(" --out {}", self.out.display()));
        manifest.into_iter().chain(out).collect()
    }
}

/// Returns how a manifest must be named on a command line; `None` when that is not needed.
fn named(manifest: &Path) -> Option<String> {
    (manifest != Path::new(MANIFEST)).then(|| manifest.display().to_string())
}

/// Makes the goal of a plan for this manifest, with this session's surroundings; logs go below `out`.
pub(super) fn make(
    plan: &Plan,
    manifest: &Manifest,
    jobs: Option<u16>,
    out: &Path,
    session: &Session,
    store: &Store,
) -> Result<Products, Failure> {
    refuse_offline(plan, session, store)?;
    let shop = Shop {
        store,
        network: &session.network,
        jobs: Session::jobs(jobs),
        cancel: &session.cancel,
        sink: session.sink.as_ref(),
        logs: out.join("logs"),
        host_path: session.path.clone(),
    };
    // A pin that is gone from the mirrors is told with what would replace it, which the index must be asked for.
    let carry = |bench: &Bench<'_>, action: &Action<Digest>| match action {
        Action::Fetch(fetch) => source::fetch_step(bench, fetch)
            .map_err(|error| gone(fetch, error, manifest, session, store)),
        other => carry_out(bench, other),
    };
    Ok(execute(plan, &shop, &carry)?)
}

/// Refuses at once what a session without network cannot fetch.
fn refuse_offline(plan: &Plan, session: &Session, store: &Store) -> Result<(), Failure> {
    let Network::Off(option) = session.network else {
        return Ok(());
    };
    let standings = Assessment::new(plan, store).standings();
    let missing: Vec<&Fetch> = standings
        .iter()
        .filter(|(_, standing)| matches!(standing, Standing::Runnable(..)))
        .filter_map(|(id, _)| match &plan.step(id).action {
            Action::Fetch(fetch) => Some(fetch),
            _ => None,
        })
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let bytes = missing.iter().filter_map(|fetch| fetch.size).sum();
    let mut names: Vec<String> = missing.iter().take(3).map(|it| it.origin.name()).collect();
    if missing.len() > names.len() {
        names.push(format!("and {} more", missing.len() - names.len()));
    }
    Err(Failure::work(NotFetched {
        downloads: count(missing.len(), "download is", "downloads are"),
        size: size(bytes),
        names: names.join(", "),
        option,
    }))
}

fn gone(
    fetch: &Fetch,
    error: FetchError,
    manifest: &Manifest,
    session: &Session,
    store: &Store,
) -> Trouble {
    let Origin::Package { name, version, .. } = &fetch.origin else {
        return error.into();
    };
    let update = match named(&manifest.path) {
        Some(path) => format!("kata-artifacts update {name} -m {path}"),
        None => format!("kata-artifacts update {name}"),
    };
    match PinGone::explain(name, version, update, error, || {
        newest(name, manifest, session, store)
    }) {
        Ok(gone) => gone.into(),
        Err(error) => error.into(),
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
