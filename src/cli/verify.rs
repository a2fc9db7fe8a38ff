//! `verify`: hashes again what is named by its digest.

use super::{
    failure::Failure,
    output::{json, result},
    session::Session,
};
use crate::{
    event::{count, size},
    store::{StoreError, Verified},
};

/// Verify that what is named by its digest has it
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kata-artifacts verify store          hash every blob of the store again
  kata-artifacts verify store --json   the result for programs")]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    Store(StoreArgs),
}

/// Hash every blob of the store again, and read every result
///
/// What is damaged is removed and told; the next build that needs it makes or fetches it again. The exit status is 1
/// when anything was damaged. Unpacked trees have no digest and are not looked at.
#[derive(Debug, clap::Args)]
struct StoreArgs {
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

impl Args {
    pub(crate) fn run(self, session: &Session) -> Result<(), Failure> {
        let What::Store(args) = self.what;
        let verified = session.store()?.verify(&session.cancel);
        let verified = verified.map_err(|error| match error {
            StoreError::Interrupted(_) => Failure::Interrupted,
            error => Failure::work(error),
        })?;
        if args.json {
            json(&serde_json::json!({"schema": 1, "ok": verified.is_sound(), "store": verified}));
        } else {
            result(&told(&verified));
        }
        if verified.is_sound() {
            Ok(())
        } else {
            Err(Failure::Verdict)
        }
    }
}

fn told(verified: &Verified) -> String {
    let damaged = verified
        .damaged_blobs
        .iter()
        .chain(&verified.damaged_results);
    let mut lines: Vec<String> = damaged
        .map(|path| format!("damaged, and removed: {path}"))
        .collect();
    let blobs = count(verified.blobs, "blob", "blobs");
    let results = count(verified.results, "result", "results");
    let all = format!("{blobs} ({}) and {results}", size(verified.bytes));
    lines.push(match lines.len() {
        0 => format!("{all}: all as they should be"),
        damaged => {
            format!("{all}: {damaged} damaged; the next build that needs them makes them again")
        }
    });
    lines.join("\n")
}
