//! Entries of a file system that cannot exist together: two at one path, and one below what is no directory.

use std::collections::BTreeMap;

use miette::SourceSpan;

use super::{Check, fields::Fields};
use crate::manifest::{
    problem::{Mistake, Problem},
    raw::{Node, Value},
    words::quoted,
};

/// What a manifest wants at a path.
pub(super) struct Entry<'n> {
    /// The path, absolute.
    pub(super) path: &'n str,
    /// `a directory`, `a file`, `a link`, `a device`.
    pub(super) kind: &'static str,
    /// Where it is said; absent for what the product itself puts there.
    pub(super) said: Option<(&'n Node, SourceSpan)>,
}

/// Returns the entries of a field that lists paths.
pub(super) fn listed<'n>(fields: &Fields<'n>, name: &str, kind: &'static str) -> Vec<Entry<'n>> {
    let Some(Value::List(nodes)) = fields.get(name).map(|node| &node.value) else {
        return Vec::new();
    };
    let entry = |node: &'n Node| match &node.value {
        Value::Scalar(scalar) => Some(Entry {
            path: &scalar.text,
            kind,
            said: Some((node, node.span)),
        }),
        Value::List(_) | Value::Map(_) => None,
    };
    nodes.iter().filter_map(entry).collect()
}

/// Returns the entries of a field whose keys are paths.
pub(super) fn keyed<'n>(fields: &Fields<'n>, name: &str, kind: &'static str) -> Vec<Entry<'n>> {
    let Some(Value::Map(entries)) = fields.get(name).map(|node| &node.value) else {
        return Vec::new();
    };
    let entry = |(key, node): &'n (crate::manifest::raw::Key, Node)| Entry {
        path: &key.text,
        kind,
        said: Some((node, key.span)),
    };
    entries.iter().map(entry).collect()
}

/// Reports entries at one path and entries below what is no directory.
pub(super) fn conflicts(check: &mut Check<'_>, mut entries: Vec<Entry<'_>>) {
    // What the product puts there comes first, then the order of the text: the later one is the mistake.
    entries.sort_by_key(|entry| entry.said.map(|(_, span)| span.offset()));
    let mut at: BTreeMap<&str, &Entry<'_>> = BTreeMap::new();
    for entry in &entries {
        let Some(first) = at.get(entry.path) else {
            at.insert(entry.path, entry);
            continue;
        };
        // The same path twice in one list was reported there.
        if first.kind != entry.kind {
            let message = format!(
                "{} is {} and {}",
                quoted(entry.path),
                first.kind,
                entry.kind
            );
            report(check, entry, first, message, "keep one of them");
        }
    }
    for entry in &entries {
        let parents = entry
            .path
            .match_indices('/')
            .map(|(end, _)| &entry.path[..end]);
        for parent in parents.filter_map(|path| at.get(path)) {
            if parent.kind != "a directory" {
                let message = format!("{} is below {}", quoted(entry.path), parent.kind);
                let help = "only a directory has something below it";
                report(check, entry, parent, message, help);
            }
        }
    }
}

fn report(
    check: &mut Check<'_>,
    entry: &Entry<'_>,
    first: &Entry<'_>,
    message: String,
    help: &str,
) {
    let problem = Problem::new(Mistake::Conflict, message);
    match (entry.said, first.said) {
        (Some((node, span)), Some((_, other))) => {
            let problem = problem
                .at(span, entry.kind)
                .other(other, first.kind)
                .help(help);
            check.report(node, problem);
        }
        (Some((node, span)), None) | (None, Some((node, span))) => {
            let help = format!(
                "the agent is put at {}: {help}",
                quoted(super::rootfs::AGENT)
            );
            check.report(node, problem.at(span, "").help(help));
        }
        (None, None) => {}
    }
}
