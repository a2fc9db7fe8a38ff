//! Making a plan's goal with a session's surroundings: what `build` and `test` share. What goes wrong on the way is told
//! with what to do about it, which only the command line knows.

use std::path::Path;

use miette::Diagnostic;

use super::{
    MANIFEST,
    failure::Failure,
    pinned::{lock_path, newest},
    session::Session,
};
use crate::{
    bench::Bench,
    digest::Digest,
    event::{count, size},
    exec::{Shop, Trouble, carry_out, execute},
    lock::PinGone,
    manifest::Manifest,
    plan::{
        Assessment, Plan, Standing,
        action::{Action, Fetch, Input, Origin},
    },
    source::{self, FetchError, Network},
    step::Products,
    store::{Needs, Root, Store},
};

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

/// Returns how a manifest must be named on a command line; `None` when that is not needed.
pub(super) fn named(manifest: &Path) -> Option<String> {
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
    let products = execute(plan, &shop, &carry)?;
    remember(plan, manifest, out, store)?;
    Ok(products)
}

/// Writes down what this build needs, for `clean`.
fn remember(plan: &Plan, manifest: &Manifest, out: &Path, store: &Store) -> Result<(), Failure> {
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let makes_layout = matches!(plan.step(plan.goal()).action, Action::Pack(_));
    let needs = Needs {
        steps: Assessment::new(plan, store).made(),
        blobs: plan.steps().flat_map(|step| blobs(&step.action)).collect(),
    };
    Ok(store.remember(&Root {
        manifest: absolute(&manifest.path),
        lock: absolute(&lock_path(&manifest.path)),
        goal: plan.goal().clone(),
        layout: makes_layout.then(|| absolute(&out.join("oci"))),
        builds: vec![needs],
    })?)
}

/// Returns the blobs that an action names: those it is given, and what it fetches.
fn blobs(action: &Action<Input>) -> Vec<Digest> {
    if let Action::Fetch(fetch) = action {
        return vec![fetch.sha256];
    }
    let given = |input| match input {
        Input::Blob(digest) => Some(digest),
        Input::Output(_) => None,
    };
    action.inputs().into_iter().filter_map(given).collect()
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
