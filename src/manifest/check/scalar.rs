//! Values by type: text, numbers, lists, mappings, one of several words.

use std::{collections::BTreeMap, ops::RangeInclusive};

use miette::SourceSpan;

use super::Check;
use crate::manifest::{
    problem::{Mistake, Problem},
    raw::{Key, Node, Scalar, Value},
    words::{either, nearest, quoted},
};

/// What a plain scalar is to YAML 1.2's core schema, and to older readers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plain {
    Nothing,
    Truth,
    /// `yes`, `off`, …: truth for readers of YAML 1.1, text for others.
    OldTruth,
    Number,
    Text,
}

impl Check<'_> {
    /// Reads text that may have several lines. Numbers and truth values without quotes are none.
    pub(super) fn text<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n str> {
        let scalar = self.scalar(node, what)?;
        if scalar.quoted {
            return Some(&scalar.text);
        }
        let text = &scalar.text;
        let problem = match plain(text) {
            Plain::Text => return Some(text),
            Plain::Nothing => return self.nothing(node, what),
            Plain::OldTruth => Problem::new(
                Mistake::WrongType,
                format!(
                    "{} is text to some YAML readers and a truth value to others",
                    quoted(text)
                ),
            ),
            Plain::Truth => wrong_type(what, "a truth value"),
            Plain::Number => wrong_type(what, "a number"),
        };
        self.report(node, problem.help(format!("for text, write \"{text}\"")));
        None
    }

    /// Reads a line of text: not empty, no control characters.
    pub(super) fn line<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n str> {
        let text = self.text(node, what)?;
        let wrong = if text.is_empty() {
            "is empty"
        } else if text.contains(char::is_control) {
            "has control characters or several lines"
        } else {
            return Some(text);
        };
        self.report(
            node,
            Problem::new(Mistake::BadValue, format!("{what} {wrong}")),
        );
        None
    }

    /// Reads a scalar as it is written, for values whose own rules leave no doubt about quotes.
    pub(super) fn lexeme<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n str> {
        let scalar = self.scalar(node, what)?;
        if !scalar.quoted && plain(&scalar.text) == Plain::Nothing {
            return self.nothing(node, what);
        }
        Some(&scalar.text)
    }

    /// Reads a whole number in decimal digits.
    pub(super) fn number(
        &mut self,
        node: &Node,
        range: RangeInclusive<u64>,
        what: &str,
    ) -> Option<u64> {
        let text = self.lexeme(node, what)?;
        let possible = match (range.start(), range.end()) {
            (least, most) if least == most => format!("write `{least}`"),
            (least, most) => format!("{least} to {most} is possible"),
        };
        let decimal = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let leading = text.len() > 1 && text.starts_with('0');
        let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
        let problem = match text.parse::<u64>() {
            Ok(number) if decimal && !leading && range.contains(&number) => return Some(number),
            _ if decimal && !leading => {
                let message = format!("{what} cannot be {}", quoted(text));
                Problem::new(Mistake::OutOfRange, message).help(possible)
            }
            _ => {
                let message = format!("expected {what} in decimal digits, found {}", quoted(text));
                let bare = !digits.is_empty() && !leading;
                let help = if bare {
                    format!("write digits alone: `{digits}`")
                } else {
                    possible
                };
                Problem::new(Mistake::WrongType, message).help(help)
            }
        };
        self.report(node, problem);
        None
    }

    /// Reads one of several words.
    pub(super) fn choice<T: Clone, const N: usize>(
        &mut self,
        node: &Node,
        what: &str,
        words: [(&'static str, T); N],
    ) -> Option<T> {
        let text = self.lexeme(node, what)?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
            return Some(value.clone());
        }
        let names = || words.iter().map(|(word, _)| *word);
        let message = format!("{} is not {what}", quoted(text));
        let problem = Problem::new(Mistake::BadValue, message);
        let problem = match nearest(text, names()) {
            Some(meant) => problem.help(format!("did you mean `{meant}`?")),
            None => problem.help(format!("write {}", either(names()))),
        };
        self.report(node, problem);
        None
    }

    /// Reads a list, every item of which is read even when another is wrong. No item may stand twice.
    pub(super) fn list<T: Clone + Ord>(
        &mut self,
        node: &Node,
        item: &str,
        mut read: impl FnMut(&mut Self, &Node) -> Option<T>,
    ) -> Option<Vec<T>> {
        let Value::List(nodes) = &node.value else {
            return self.not_a_list(node, item);
        };
        let mut first: BTreeMap<T, SourceSpan> = BTreeMap::new();
        let mut values = Vec::new();
        for node in nodes {
            let Some(value) = read(self, node) else {
                continue;
            };
            if let Some(place) = first.get(&value) {
                let problem = Problem::new(
                    Mistake::DuplicateValue,
                    format!("this {item} stands here twice"),
                )
                .at(node.span, "again")
                .other(*place, "first here")
                .help("remove one of them");
                self.report(node, problem);
                continue;
            }
            first.insert(value.clone(), node.span);
            values.push(value);
        }
        (values.len() == nodes.len()).then_some(values)
    }

    /// Reads a list with at least one item.
    pub(super) fn some<T: Clone + Ord>(
        &mut self,
        node: &Node,
        item: &str,
        read: impl FnMut(&mut Self, &Node) -> Option<T>,
    ) -> Option<Vec<T>> {
        let list = self.list(node, item, read)?;
        if list.is_empty() {
            let message = format!("`{}` is empty", node.field);
            let help = format!("name at least one {item}");
            self.report(node, Problem::new(Mistake::BadValue, message).help(help));
            return None;
        }
        Some(list)
    }

    /// Reads a mapping.
    pub(super) fn mapping<'n>(&mut self, node: &'n Node) -> Option<&'n [(Key, Node)]> {
        if let Value::Map(entries) = &node.value {
            return Some(entries);
        }
        let what = match node.field.as_str() {
            "" => "fields at the manifest's top".to_owned(),
            field => format!("fields in `{field}`"),
        };
        let problem = wrong_type(&what, found(node));
        let nothing = matches!(&node.value, Value::Scalar(scalar) if !scalar.quoted && plain(&scalar.text) == Plain::Nothing);
        let problem = if nothing {
            problem.help("indent its fields below it, write `{}`, or remove the line")
        } else {
            problem.help("write `field: value`, indented by two, one per line")
        };
        self.report(node, problem);
        None
    }

    fn scalar<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n Scalar> {
        if let Value::Scalar(scalar) = &node.value {
            return Some(scalar);
        }
        let problem = wrong_type(what, found(node)).help("write a single value");
        self.report(node, problem);
        None
    }

    fn nothing<T>(&mut self, node: &Node, what: &str) -> Option<T> {
        let problem = wrong_type(what, "nothing").help("give a value, or remove the line");
        self.report(node, problem);
        None
    }

    fn not_a_list<T>(&mut self, node: &Node, item: &str) -> Option<T> {
        let problem = wrong_type("a list", found(node));
        let problem = match &node.value {
            Value::Scalar(scalar) if plain(&scalar.text) == Plain::Nothing => {
                problem.help(format!("name a {item}: `- …` below it, or write `[]`"))
            }
            Value::Scalar(scalar) => {
                let text = quoted(&scalar.text);
                problem.help(format!("write `[{}]`", text.trim_matches('`')))
            }
            _ => problem.help(format!("begin each {item} with `- `")),
        };
        self.report(node, problem);
        None
    }
}

fn wrong_type(expected: &str, found: &str) -> Problem {
    Problem::new(
        Mistake::WrongType,
        format!("expected {expected}, found {found}"),
    )
}

/// Returns what a value is, in words.
fn found(node: &Node) -> &'static str {
    match &node.value {
        Value::List(_) => "a list",
        Value::Map(_) => "a mapping",
        Value::Scalar(scalar) if scalar.quoted => "text",
        Value::Scalar(scalar) => match plain(&scalar.text) {
            Plain::Nothing => "nothing",
            Plain::Truth => "a truth value",
            Plain::Number => "a number",
            Plain::OldTruth | Plain::Text => "text",
        },
    }
}

/// YAML 1.2.2, 10.3.2 "Tag Resolution"; the words of YAML 1.1 besides.
fn plain(text: &str) -> Plain {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Plain::Nothing,
        "true" | "True" | "TRUE" | "false" | "False" | "FALSE" => return Plain::Truth,
        ".nan" | ".NaN" | ".NAN" => return Plain::Number,
        _ => {}
    }
    let lower = text.to_ascii_lowercase();
    if ["yes", "no", "on", "off", "y", "n"].contains(&lower.as_str()) {
        return Plain::OldTruth;
    }
    let digits =
        |text: &str, radix: u32| !text.is_empty() && text.chars().all(|c| c.is_digit(radix));
    let based = lower.strip_prefix("0x").map(|rest| digits(rest, 16));
    let based = based.or_else(|| lower.strip_prefix("0o").map(|rest| digits(rest, 8)));
    let unsigned = lower.trim_start_matches(['-', '+']);
    let decimal = unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && lower.parse::<f64>().is_ok();
    if based == Some(true) || decimal || unsigned == ".inf" {
        Plain::Number
    } else {
        Plain::Text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_are_what_yaml_says_they_are() {
        for (text, meaning) in [
            ("", Plain::Nothing),
            ("~", Plain::Nothing),
            ("true", Plain::Truth),
            ("No", Plain::OldTruth),
            ("0755", Plain::Number),
            ("0o755", Plain::Number),
            ("0xff", Plain::Number),
            ("1.0", Plain::Number),
            ("-1e3", Plain::Number),
            (".inf", Plain::Number),
            ("0.1.0", Plain::Text),
            ("nan", Plain::Text),
            ("infinity", Plain::Text),
            ("-kata", Plain::Text),
            ("x86_64", Plain::Text),
        ] {
            assert_eq!(plain(text), meaning, "{text}");
        }
    }
}
