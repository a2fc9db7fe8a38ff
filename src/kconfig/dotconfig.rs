//! The text of a `.config` and of a fragment: reading requests out of it, and writing values into it. What a request
//! leads to is not here.

use super::{
    dialect::Dialect,
    evaluate::Values,
    model::{Node, NodeKind},
    syntax::{Name, Place, Type},
    tristate::Tristate,
};

/// A line that asks for a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The symbol, without `CONFIG_`.
    pub name: Name,
    /// The value as written: `y`, `0x1000`, `"text"`; `n` for `# CONFIG_X is not set`.
    pub value: String,
    /// Where: the file is the caller's number.
    pub at: Place,
}

/// What was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requests {
    /// The requests, in order.
    pub requests: Vec<Request>,
    /// Lines that are neither a request nor a comment: `conf` warns of them and goes on.
    pub strange: Vec<(Place, String)>,
}

impl Requests {
    /// Reads lines as the kernel's `conf` does. `file` is put into the places.
    #[must_use]
    pub fn read(text: &[u8], file: u32, dialect: Dialect) -> Self {
        let mut read = Self::default();
        for (index, line) in text.split_inclusive(|byte| *byte == b'\n').enumerate() {
            let at = Place {
                file,
                line: u32::try_from(index + 1).unwrap_or(u32::MAX),
            };
            let line = match line.strip_suffix(b"\n") {
                Some(line) => line.strip_suffix(b"\r").unwrap_or(line),
                None => line,
            };
            let line = line.split(|byte| *byte == 0).next().unwrap_or_default();
            read.line(&String::from_utf8_lossy(line), at, dialect);
        }
        read
    }

    fn line(&mut self, line: &str, at: Place, dialect: Dialect) {
        let request = |name: &str, value: &str| Request {
            name: Name::from(name),
            value: value.to_owned(),
            at,
        };
        if let Some(comment) = line.strip_prefix('#') {
            let Some((name, rest)) = comment
                .strip_prefix(" CONFIG_")
                .and_then(|rest| rest.split_once(' '))
            else {
                return;
            };
            let unset = match dialect {
                Dialect::ChoiceSymbols => rest.starts_with("is not set"),
                Dialect::ChoiceMembers => rest == "is not set",
            };
            if unset {
                self.requests.push(request(name, "n"));
            }
        } else if let Some((name, value)) = line
            .strip_prefix("CONFIG_")
            .and_then(|rest| rest.split_once('='))
        {
            self.requests.push(request(name, value));
        } else if !line.is_empty() {
            self.strange.push((at, line.to_owned()));
        }
    }
}

/// Drops each request that a later one for the same symbol replaces, as `merge_config.sh` does.
#[must_use]
pub fn last_of_each(requests: Vec<Request>) -> Vec<Request> {
    let mut seen = std::collections::BTreeSet::new();
    let mut kept: Vec<Request> = requests
        .into_iter()
        .rev()
        .filter(|request| seen.insert(request.name.clone()))
        .collect();
    kept.reverse();
    kept
}

/// Takes a string's value out of its quotes. Nothing when it does not begin with one, an error when it does not end.
pub(super) fn unquote(value: &str) -> Option<Result<String, ()>> {
    let mut characters = value.strip_prefix('"')?.chars();
    let mut text = String::new();
    while let Some(character) = characters.next() {
        match character {
            '"' => return Some(Ok(text)),
            '\\' => text.extend(characters.next()),
            character => text.push(character),
        }
    }
    Some(Err(()))
}

impl Values<'_> {
    /// Returns the whole `.config`, byte for byte as the kernel's `conf` writes it.
    #[must_use]
    pub fn dot_config(&self) -> String {
        let mut writer = Writer {
            values: self,
            text: String::new(),
            gap: false,
            written: Vec::new(),
        };
        writer.write();
        writer.text
    }
}

struct Writer<'v, 'm> {
    values: &'v Values<'m>,
    text: String,
    /// The end of a menu was written last: an empty line comes before the next symbol.
    gap: bool,
    written: Vec<bool>,
}

impl Writer<'_, '_> {
    fn write(&mut self) {
        let model = self.values.model;
        self.written = vec![false; model.symbols.len()];
        self.text = format!(
            "#\n# Automatically generated file; DO NOT EDIT.\n# {}\n#\n",
            model.title.trim_start()
        );
        let mut open: Vec<(usize, &str)> = Vec::new();
        for (at, node) in model.nodes.iter().enumerate() {
            self.end(&mut open, at);
            match &node.is {
                NodeKind::Menu(title) | NodeKind::Comment(title) if self.visible(node) => {
                    self.push(&["\n#\n# ", title, "\n#\n"]);
                    self.gap = false;
                    if matches!(node.is, NodeKind::Menu(_)) {
                        open.push((at + node.inside as usize, title));
                    }
                }
                NodeKind::Symbol(symbol) => self.symbol(symbol.index()),
                _ => {}
            }
        }
        self.end(&mut open, model.nodes.len());
    }

    /// Ends the menus of which this place is no longer part.
    fn end(&mut self, open: &mut Vec<(usize, &str)>, at: usize) {
        while let Some((_, title)) = open.pop_if(|(last, _)| *last < at) {
            self.push(&["# end of ", title, "\n"]);
            self.gap = true;
        }
    }

    fn visible(&self, node: &Node) -> bool {
        [node.depends, node.visible]
            .iter()
            .all(|condition| self.values.holds(*condition) != Tristate::No)
    }

    fn symbol(&mut self, index: usize) {
        let state = &self.values.states[index];
        let symbol = &self.values.model.symbols[index];
        let Some(kind) = symbol
            .kind
            .filter(|_| state.written && !self.written[index])
        else {
            return;
        };
        self.written[index] = true;
        if std::mem::take(&mut self.gap) {
            self.text.push('\n');
        }
        match kind {
            Type::Bool | Type::Tristate if state.truth == Tristate::No => {
                self.push(&["# CONFIG_", &symbol.name, " is not set\n"]);
            }
            Type::Bool | Type::Tristate => {
                self.push(&["CONFIG_", &symbol.name, "=", state.truth.letter(), "\n"])
            }
            Type::Int | Type::Hex => self.push(&["CONFIG_", &symbol.name, "=", &state.text, "\n"]),
            Type::String => {
                let quoted = state.text.replace('\\', "\\\\").replace('"', "\\\"");
                self.push(&["CONFIG_", &symbol.name, "=\"", &quoted, "\"\n"]);
            }
        }
    }

    fn push(&mut self, parts: &[&str]) {
        parts.iter().for_each(|part| self.text.push_str(part));
    }
}
