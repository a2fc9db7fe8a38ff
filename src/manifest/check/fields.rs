//! Mappings with fields of fixed names: unknown ones, missing ones, and forms that exclude each other.

use miette::SourceSpan;

use super::Check;
use crate::manifest::{
    fields::{Need, TABLES, Table},
    problem::{Mistake, Problem},
    raw::{Key, Node, Value},
    words::{either, nearest, quoted},
};

/// The fields of one mapping. Only fields of its table are in it.
pub(super) struct Fields<'n> {
    node: &'n Node,
    /// Field, key as written, value.
    entries: Vec<(&'static str, &'n Key, &'n Node)>,
    table: &'static Table,
}

impl<'n> Fields<'n> {
    /// Reads a mapping, reporting fields that do not exist and fields that are missing.
    pub(super) fn read(
        check: &mut Check<'_>,
        node: &'n Node,
        table: &'static Table,
    ) -> Option<Self> {
        let entries = check.mapping(node)?;
        let mut known: Vec<(&'static str, &Key, &Node)> = Vec::new();
        let mut misspelt = Vec::new();
        for (key, value) in entries {
            match table.names().find(|name| *name == key.text) {
                Some(name) => known.push((name, key, value)),
                None => misspelt.push((key, value)),
            }
        }
        for (key, value) in misspelt {
            check.problems.push(unknown(key, value, table));
            // A misspelt field is read as what it was meant to be: it is not missing, and its value may be wrong too.
            let meant = nearest(&key.text, table.names());
            let free = |name: &&str| known.iter().all(|(known, _, _)| known != name);
            if let Some(name) = meant.filter(free) {
                known.push((name, key, value));
            }
        }
        let fields = Self {
            node,
            entries: known,
            table,
        };
        for field in table.fields {
            if field.need == Need::Always && fields.get(field.name).is_none() {
                fields.missing(check, field.name);
            }
        }
        Some(fields)
    }

    /// Returns a field's value, when the field is there.
    pub(super) fn get(&self, name: &str) -> Option<&'n Node> {
        debug_assert!(
            self.table.names().any(|known| known == name),
            "`{name}` is in `fields`"
        );
        let (_, _, node) = self.entries.iter().find(|(known, _, _)| *known == name)?;
        Some(node)
    }

    /// Reads a field that is always there: its absence was reported.
    pub(super) fn must<T>(
        &self,
        name: &str,
        read: impl FnOnce(&'n Node) -> Option<T>,
    ) -> Option<T> {
        read(self.get(name)?)
    }

    /// Reads a field, or takes what is usual when it is not there.
    pub(super) fn may<T>(
        &self,
        name: &str,
        usual: impl FnOnce() -> T,
        read: impl FnOnce(&'n Node) -> Option<T>,
    ) -> Option<T> {
        match self.get(name) {
            Some(node) => read(node),
            None => Some(usual()),
        }
    }

    /// Returns the place of a field's name; of the mapping when it is not there.
    pub(super) fn span(&self, name: &str) -> SourceSpan {
        let entry = self.entries.iter().find(|(known, _, _)| *known == name);
        entry.map_or_else(|| self.place(), |(_, key, _)| key.span)
    }

    /// Reports that a field is missing.
    pub(super) fn missing(&self, check: &mut Check<'_>, name: &str) {
        let message = match self.node.field.as_str() {
            "" => format!("`{name}` is missing"),
            field => format!("`{name}` is missing in `{field}`"),
        };
        let problem = Problem::new(Mistake::MissingField, message)
            .at(self.place(), format!("needs `{name}`"))
            .help(example(self.table, name));
        check.report(self.node, problem);
    }

    /// Returns the one form that is there, of several that exclude each other; reports none and more than one.
    pub(super) fn only(
        &self,
        check: &mut Check<'_>,
        forms: &[&'static str],
    ) -> Option<&'static str> {
        let there: Vec<(&Key, &'static str)> = self
            .entries
            .iter()
            .filter(|(name, _, _)| forms.contains(name))
            .map(|(name, key, _)| (*key, *name))
            .collect();
        match there.as_slice() {
            [(_, form)] => Some(form),
            [] => {
                let problem = Problem::new(
                    Mistake::WrongForm,
                    format!("`{}` says nothing", self.node.field),
                )
                .at(self.place(), "")
                .help(format!("give one of {}", either(forms.iter().copied())));
                check.report(self.node, problem);
                None
            }
            [(first, name), rest @ ..] => {
                for (key, other) in rest {
                    let problem = Problem::new(
                        Mistake::WrongForm,
                        format!("`{other}` and `{name}` exclude each other"),
                    )
                    .at(key.span, "not both")
                    .other(first.span, "first here")
                    .help("keep one of them");
                    check.report(self.node, problem);
                }
                None
            }
        }
    }

    /// Where to point for what is not there: the mapping's key, or its first field.
    fn place(&self) -> SourceSpan {
        match (&self.node.value, self.node.field.as_str()) {
            (Value::Map(entries), "") => {
                entries.first().map_or(self.node.span, |(key, _)| key.span)
            }
            _ => self.node.span,
        }
    }
}

fn unknown(key: &Key, value: &Node, table: &'static Table) -> Problem {
    let name = quoted(&key.text);
    let message = match table.place {
        "" => format!("there is no field {name}"),
        place => format!("`{place}` has no field {name}"),
    };
    let help = if let Some(meant) = nearest(&key.text, table.names()) {
        format!("did you mean `{meant}`?")
    } else if let Some(home) = home(&key.text) {
        format!("it is a field of {home}")
    } else {
        format!("its fields are {}", listed(table))
    };
    Problem::new(Mistake::UnknownField, message)
        .at(key.span, "unknown")
        .field(&value.field)
        .help(help)
}

/// Returns where a field of this name belongs, when that is one place.
fn home(name: &str) -> Option<String> {
    let mut homes = TABLES
        .iter()
        .filter(|table| table.names().any(|known| known == name));
    let home = homes.next()?;
    homes.next().is_none().then(|| match home.place {
        "" => "the manifest's top".to_owned(),
        place => format!("`{place}`"),
    })
}

fn listed(table: &Table) -> String {
    let names: Vec<String> = table.names().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

/// Returns how a missing field could look.
fn example(table: &Table, name: &str) -> String {
    let value = match (table.place, name) {
        ("", "schema") => "schema: 1",
        ("", "name") => "name: my-guest",
        ("", "version") => "version: 0.1.0",
        ("", "architectures") => "architectures: [x86_64]",
        ("", "toolchain") => "toolchain: {packages: [gcc, make, …]}",
        ("", "kernel") => "kernel: {source: …, config: {profile: …}}",
        ("", "agent") => "agent: embedded",
        ("", "rootfs") => "rootfs: {overlay: …}",
        ("debian", "suites") => "suites: [trixie]",
        (_, "keys") => "keys: [keys/debian-archive-key-13.asc]",
        (_, "packages") => "packages: [gcc, make, …]",
        ("kernel", "source") => "source: {debian: linux-source-6.12}",
        ("kernel", "config") => "config: {profile: ../kernel/profiles/kata.yaml}",
        ("kernel.config", "profile") => "profile: ../kernel/profiles/kata.yaml",
        (_, "url") => "url: https://…",
        (_, "sha256") => "sha256: <64 hexadecimal digits>",
        (_, "type") => "type: char",
        (_, other) => return format!("add `{other}: …`; manifests/README.md has an example"),
    };
    format!("add `{value}`")
}
