//! Why a step would run: what changed since the last step of that name, in words.

use std::fmt;

use serde_json::Value;

use super::{action::Ready, key::canonical};
use crate::store::Store;

/// Why a step would run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// No step of this name was ever recorded in this store.
    NeverMade,
    /// It was made, but its products are no longer in the store.
    Gone,
    /// These parts of its description differ from the last time; each is a path into the action and both values.
    Changed(Vec<Change>),
}

/// One difference between two descriptions of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which part: `fragments virtio.conf`, `config`.
    pub part: String,
    /// What it was, when it was there.
    pub before: Option<String>,
    /// What it is, when it is there.
    pub now: Option<String>,
}

/// Compares a step with the last recorded one of the same name.
pub(super) fn why(plan: &str, ready: &Ready, store: &Store) -> Why {
    if store.record(ready.key()).is_some() {
        return Why::Gone;
    }
    let Some(before) = store.latest(plan, &ready.id) else {
        return Why::NeverMade;
    };
    let mut changes = Vec::new();
    compare(
        "",
        Some(&before.action),
        Some(&canonical(&ready.action)),
        &mut changes,
    );
    Why::Changed(changes)
}

fn compare(part: &str, before: Option<&Value>, now: Option<&Value>, changes: &mut Vec<Change>) {
    if before == now {
        return;
    }
    if let (Some(Value::Object(before)), Some(Value::Object(now))) = (before, now) {
        let mut keys: Vec<_> = before.keys().chain(now.keys()).collect();
        keys.sort();
        keys.dedup();
        for key in keys {
            compare(&join(part, key), before.get(key), now.get(key), changes);
        }
        return;
    }
    if let (Some(Value::Array(before)), Some(Value::Array(now))) = (before, now) {
        compare_lists(part, before, now, changes);
        return;
    }
    changes.push(Change {
        part: part.to_owned(),
        before: before.map(brief),
        now: now.map(brief),
    });
}

/// Lists of named things are compared by name; other lists by place.
fn compare_lists(part: &str, before: &[Value], now: &[Value], changes: &mut Vec<Change>) {
    let name = |value: &Value| value.get("name").and_then(Value::as_str).map(str::to_owned);
    let mut names: Vec<String> = before.iter().chain(now).filter_map(name).collect();
    if names.is_empty() {
        for index in 0..before.len().max(now.len()) {
            compare(
                &join(part, &index.to_string()),
                before.get(index),
                now.get(index),
                changes,
            );
        }
        return;
    }
    names.sort();
    names.dedup();
    let find = |list: &'_ [Value], wanted: &str| {
        list.iter()
            .find(|value| name(value).as_deref() == Some(wanted))
            .and_then(|value| value.get("input").cloned())
    };
    for wanted in names {
        let (before, now) = (find(before, &wanted), find(now, &wanted));
        compare(&join(part, &wanted), before.as_ref(), now.as_ref(), changes);
    }
}

fn join(part: &str, key: &str) -> String {
    if part.is_empty() {
        key.to_owned()
    } else {
        format!("{part} {key}")
    }
}

fn brief(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match text.strip_prefix("sha256:") {
        Some(hex) => hex.chars().take(12).collect(),
        None => text,
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NeverMade => f.write_str("never made here"),
            Self::Gone => f.write_str("its products are no longer in the store"),
            Self::Changed(changes) if changes.is_empty() => f.write_str("its recipe is newer"),
            Self::Changed(changes) => {
                let shown: Vec<String> = changes.iter().take(3).map(ToString::to_string).collect();
                f.write_str(&shown.join("; "))?;
                match changes.len().saturating_sub(shown.len()) {
                    0 => Ok(()),
                    more => write!(f, "; and {more} more"),
                }
            }
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.before, &self.now) {
            (Some(before), Some(now)) => write!(f, "{}: {before} -> {now}", self.part),
            (None, Some(_)) => write!(f, "{}: new", self.part),
            (Some(_), None) => write!(f, "{}: gone", self.part),
            (None, None) => f.write_str(&self.part),
        }
    }
}
