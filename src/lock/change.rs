//! What moved between two locks, for people and for `--json`. Nothing is judged.

use std::{collections::BTreeMap, fmt};

use serde::Serialize;

use super::{Lock, Package};
use crate::arch::Arch;

/// One package that is not as it was.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Change {
    /// The architecture of the machine that uses it.
    pub machine: Arch,
    /// The package's name.
    pub name: String,
    /// Its version before; absent when it was not there.
    pub from: Option<String>,
    /// Its version now; absent when it is no longer there.
    pub to: Option<String>,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            machine,
            name,
            from,
            to,
        } = self;
        match (from, to) {
            (Some(from), Some(to)) if from == to => write!(f, "{name} {to}: other bytes"),
            (Some(from), Some(to)) => write!(f, "{name} {from} -> {to}"),
            (None, Some(to)) => write!(f, "{name} {to} added"),
            (Some(from), None) => write!(f, "{name} {from} removed"),
            (None, None) => f.write_str(name),
        }?;
        write!(f, " ({machine})")
    }
}

/// Returns what moved between two locks, by machine and name. A package with the same bytes has not moved.
#[must_use]
pub fn changes(before: &Lock, after: &Lock) -> Vec<Change> {
    let (before, after) = (by_name(before), by_name(after));
    let mut changes: Vec<_> = before
        .iter()
        .filter(|(key, old)| after.get(*key).is_none_or(|new| new.sha256 != old.sha256))
        .map(|(&(machine, name), old)| Change {
            machine,
            name: name.to_owned(),
            from: Some(old.version.clone()),
            to: after.get(&(machine, name)).map(|new| new.version.clone()),
        })
        .collect();
    let added = after.iter().filter(|(key, _)| !before.contains_key(*key));
    changes.extend(added.map(|(&(machine, name), new)| Change {
        machine,
        name: name.to_owned(),
        from: None,
        to: Some(new.version.clone()),
    }));
    changes.sort();
    changes
}

fn by_name(lock: &Lock) -> BTreeMap<(Arch, &str), &Package> {
    lock.packages
        .iter()
        .flat_map(|(machine, packages)| packages.iter().map(|p| ((*machine, p.name.as_str()), p)))
        .collect()
}
