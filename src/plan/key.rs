//! Step keys. Never in a key: ids, paths of this machine, job counts, host names, time.

use serde_json::Value;

use super::action::{Action, Ready};
use crate::{digest::Digest, step::StepKey};

/// The recipe number of each trade: bumped when the trade's code makes other products from the same inputs.
/// Part of the key's format; a change makes every earlier result of that trade unused.
fn recipe(action: &Action<Digest>) -> u32 {
    match action {
        Action::Fetch(_)
        | Action::Toolchain(_)
        | Action::HostTools(_)
        | Action::Unpack(_)
        | Action::Import(_)
        | Action::Patch(_)
        | Action::Probe(_)
        | Action::Configure(_)
        | Action::Compile(_)
        | Action::Crates(_)
        | Action::BuildAgent(_)
        | Action::ExtractAgent(_)
        | Action::PackInitrd(_) => 1,
        // 2: what their lists refer to are products too.
        Action::Assemble(_) | Action::Pack(_) => 2,
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

impl Ready {
    /// Returns the step's key: the digest of its action's canonical JSON and its trade's recipe number.
    #[must_use]
    pub fn key(&self) -> StepKey {
        // Object keys of `Value` are sorted, so the text is canonical.
        let text = format!("{}\n{}", recipe(&self.action), canonical(&self.action));
        StepKey(Digest::of(text.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        plan::action::{Fetch, Import, Origin},
        step::StepId,
    };

    fn key(id: &str, action: Action<Digest>) -> StepKey {
        let id = StepId::new(id);
        Ready { id, action }.key()
    }

    #[test]
    fn neither_names_nor_places_are_in_a_key() {
        let fetch = |url: &str| {
            Action::Fetch(Fetch {
                sha256: Digest::of(b""),
                size: None,
                origin: Origin::Urls(vec![url.to_owned()]),
            })
        };
        let import = |path: &str| {
            let path = path.to_owned();
            let listing = Digest::of(b"");
            Action::Import(Import { path, listing })
        };
        assert_eq!(
            key("a", fetch("http://one.example/")),
            key("b", fetch("http://two.example/"))
        );
        assert_eq!(key("a", import("/one")), key("a", import("/two")));
        assert_ne!(
            key("a", fetch("http://one.example/")),
            key("a", import("/one"))
        );
    }

    #[test]
    fn the_keys_of_this_version_are_pinned() {
        // A change here makes every result in everybody's store unused: a commit of its own, with the reason.
        let import = Action::Import(Import {
            path: "/src".to_owned(),
            listing: Digest::of(b"tree"),
        });
        let text = canonical(&import).to_string();
        assert_eq!(
            text,
            format!(
                r#"{{"action":"import","listing":"{}"}}"#,
                Digest::of(b"tree")
            )
        );
    }

    #[test]
    fn json_objects_are_sorted_whatever_features_other_crates_ask_for() {
        let value: Value = serde_json::from_str(r#"{"b":1,"a":2}"#).unwrap();
        assert_eq!(value.to_string(), r#"{"a":2,"b":1}"#);
    }
}
