//! Step keys. Never in a key: ids, paths of this machine, job counts, host names, time.

use serde_json::Value;

use super::action::Action;
use crate::{digest::Digest, step::StepKey};

/// The recipe number of each trade: bumped when the trade's code makes other products from the same inputs.
/// Part of the key's format; a change makes every earlier result of that trade unused.
fn recipe(action: &Action<Digest>) -> u32 {
    match action {
        Action::Fetch(_)
        | Action::Toolchain(_)
        | Action::Unpack(_)
        | Action::Import(_)
        | Action::Patch(_)
        | Action::Configure(_)
        | Action::Compile(_)
        | Action::Crates(_)
        | Action::BuildAgent(_)
        | Action::ExtractAgent(_)
        | Action::Assemble(_)
        | Action::PackInitrd(_)
        | Action::Pack(_) => 1,
    }
}

/// Returns the action as canonical JSON, without what must not be in a key.
pub(crate) fn canonical(action: &Action<Digest>) -> Value {
    match action {
        // Where a blob comes from does not matter: its digest says what it is.
        Action::Fetch(fetch) => serde_json::json!({"action": "fetch", "sha256": fetch.sha256}),
        Action::Import(import) => {
            serde_json::json!({"action": "import", "listing": import.listing})
        }
        other => serde_json::to_value(other).expect("an action is plain data"),
    }
}

/// Returns the key of an action whose inputs all exist.
pub(super) fn key(action: &Action<Digest>) -> StepKey {
    // Object keys of `Value` are sorted, so the text is canonical.
    let text = format!("{}\n{}", recipe(action), canonical(action));
    StepKey(Digest::of(text.as_bytes()))
}
