//! `clean`: frees what nothing on this machine needs any more. What that is, is decided here: locks and layouts that are
//! still there, and the last builds of manifests that still have one.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use miette::Diagnostic;

use super::{
    failure::Failure,
    output::{json, result, tell},
    session::Session,
};
use crate::{
    digest::Digest,
    event::{count, size},
    store::{Cleaning, Freed, Keep, Root, StoreError},
};

/// Free what nothing needs any more in the store
///
/// Every manifest that was built here and still has its lock or its layout keeps what its last build made and what its
/// lock pins. The rest goes: results, trees, downloads. What is gone is made or fetched again when it is needed. While
/// another process uses the store, nothing is removed.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kata-artifacts clean --dry-run       say what would be freed
  kata-artifacts clean --older 30d     leave alone what is younger than 30 days
  kata-artifacts clean --keep-last 3   keep the last three builds of every manifest
  kata-artifacts clean --all           free everything")]
pub(crate) struct Args {
    /// Remove only what is older than this: 45m, 12h, 30d
    #[arg(long, value_name = "AGE", value_parser = age)]
    older: Option<Duration>,

    /// Keep what this many builds of each manifest need
    #[arg(long, value_name = "N", default_value_t = 1)]
    keep_last: usize,

    /// Remove everything, whoever needs it
    #[arg(long, conflicts_with_all = ["older", "keep_last"])]
    all: bool,

    /// Remove nothing, say what would be removed
    #[arg(long)]
    dry_run: bool,

    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// The store cannot be cleaned now.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("another process uses the store `{}`", store.display())]
#[diagnostic(
    code(cli::in_use),
    help(
        "a running build keeps what it needs: clean again when it has ended, or look with `--dry-run`"
    )
)]
struct InUse {
    store: PathBuf,
}

impl Args {
    pub(crate) fn run(self, session: &Session) -> Result<(), Failure> {
        let store = session.store()?;
        if !self.dry_run && !store.alone() {
            let store = store.root().to_owned();
            return Err(Failure::work(InUse { store }));
        }
        let cleaning = if self.dry_run {
            Cleaning::Count
        } else {
            Cleaning::Remove
        };
        let mut keep = Keep {
            younger: self.older,
            ..Keep::default()
        };
        if !self.all {
            for root in store.roots()?.iter().filter(|root| is_alive(root)) {
                tell(&format!("kept: what {} needs", root.manifest.display()));
                protect(root, self.keep_last, &mut keep);
            }
        }
        if cleaning == Cleaning::Remove {
            store.forget(|root| self.all || !is_alive(root))?;
        }
        let freed = store.clean(&keep, cleaning, &session.cancel);
        let freed = freed.map_err(|error| match error {
            StoreError::Interrupted(_) => Failure::Interrupted,
            error => Failure::work(error),
        })?;
        if self.json {
            json(&serde_json::json!({"schema": 1, "removed": !self.dry_run, "freed": freed}));
        } else {
            result(&summary(freed, cleaning));
        }
        Ok(())
    }
}

/// Tells whether a manifest's lock or its layout is still there.
fn is_alive(root: &Root) -> bool {
    let layout = root.layout.as_ref();
    root.lock.is_file() || layout.is_some_and(|layout| layout.join("index.json").is_file())
}

fn protect(root: &Root, builds: usize, keep: &mut Keep) {
    for build in root.builds.iter().take(builds) {
        keep.steps.extend(&build.steps);
        keep.blobs.extend(&build.blobs);
    }
    // What the lock says now, which may be newer than the last build; also when it has mistakes.
    let lock = fs::read_to_string(&root.lock).unwrap_or_default();
    keep.blobs.extend(digests(&lock));
    if let Some(layout) = &root.layout {
        keep.blobs.extend(blobs(layout));
    }
}

/// Returns every digest that stands in a text.
fn digests(text: &str) -> impl Iterator<Item = Digest> {
    text.split(|c: char| !c.is_ascii_hexdigit())
        .filter(|word| word.len() == 64)
        .filter_map(|word| word.parse().ok())
}

/// Returns what a layout holds.
fn blobs(layout: &Path) -> impl Iterator<Item = Digest> {
    let entries = fs::read_dir(layout.join("blobs/sha256"));
    let entries = entries.into_iter().flatten().filter_map(Result::ok);
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn summary(freed: Freed, cleaning: Cleaning) -> String {
    let Freed {
        results,
        trees,
        blobs,
        partial,
        bytes,
    } = freed;
    if freed == Freed::default() {
        return "nothing to free".to_owned();
    }
    let verb = match cleaning {
        Cleaning::Remove => "freed",
        Cleaning::Count => "would free",
    };
    let parts = [
        count(results, "result", "results"),
        count(trees, "tree", "trees"),
        count(blobs, "blob", "blobs"),
        count(partial, "unfinished download", "unfinished downloads"),
    ];
    let parts: Vec<String> = parts
        .into_iter()
        .filter(|part| !part.starts_with("0 "))
        .collect();
    format!("{verb} {}: {}", size(bytes), parts.join(", "))
}

/// Reads an age: a number and `m`, `h` or `d`.
fn age(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is no age: write minutes, hours or days, as in 45m, 12h, 30d");
    let unit = text.chars().last().ok_or_else(wrong)?;
    let seconds: u64 = match unit {
        'm' => 60,
        'h' => 60 * 60,
        'd' => 24 * 60 * 60,
        _ => return Err(wrong()),
    };
    let number: u64 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
    number
        .checked_mul(seconds)
        .map(Duration::from_secs)
        .ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_minutes_hours_or_days() {
        assert_eq!(age("45m"), Ok(Duration::from_secs(45 * 60)));
        assert_eq!(age("30d"), Ok(Duration::from_secs(30 * 86_400)));
        for wrong in ["", "30", "d", "-1d", "1w", "1é", "99999999999999999999d"] {
            assert!(age(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_digest_of_a_lock_is_seen_and_nothing_else() {
        let digest = "ab".repeat(32);
        let text = format!(
            "sha256: \"{digest}\"\nkey: {}\nC816E2F8DC02C47579EABDBE63358574913C2E3E",
            "0".repeat(63)
        );
        let seen: Vec<String> = digests(&text).map(|digest| digest.hex()).collect();
        assert_eq!(seen, [digest]);
    }
}
