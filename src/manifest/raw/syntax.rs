//! What the YAML parser complains of, in words for people who do not know its grammar.

use miette::SourceSpan;
use saphyr_parser::ScanError;

use super::Text;
use crate::manifest::problem::{Mistake, Problem};

/// A part of the parser's complaint, what it means, what to do.
const MEANINGS: [(&str, &str, &str); 9] = [
    (
        "mapping values are not allowed",
        "a `:` where no field can be",
        "one field per line; text with `: ` in it needs quotes",
    ),
    (
        "simple key expect",
        "a line that is no field",
        "write `field: value`, or begin a list's item with `- `",
    ),
    (
        "did not find expected key",
        "the indentation fits nothing above it",
        "fields of one mapping begin in one column",
    ),
    (
        "did not find expected '-'",
        "the indentation fits nothing above it",
        "a list's items all begin with `- `, in one column",
    ),
    (
        "block sequence entries are not allowed",
        "a list's item where none can be",
        "begin the list on its own line, or write it as `[a, b]`",
    ),
    (
        "unknown anchor",
        "an alias that names nothing",
        "text that begins with `*` needs quotes",
    ),
    (
        "unexpected character",
        "a character that no plain text can begin with",
        "put the text between double quotes",
    ),
    (
        "in quoted scalar",
        "a quoted text that does not end on its line",
        "close the quotes",
    ),
    (
        "a quoted scalar",
        "a quoted text that does not end",
        "close the quotes; in double quotes, a `\\` begins an escape",
    ),
];

/// Returns the complaint as a problem. `open` is the bracket that was last opened and not closed.
pub(super) fn problem(text: &Text, error: &ScanError, open: Option<SourceSpan>) -> Problem {
    let at = text.byte(error.marker().index());
    if let Some(tab) = tab(text, at) {
        return Problem::new(Mistake::Syntax, "a tab where YAML wants spaces")
            .at((tab, 1).into(), "tab")
            .help("indent with spaces: two per level");
    }
    let info = error.info();
    let here = match info.contains("simple key expect") {
        // The parser notices at the next line.
        true => line_before(text, at),
        false => here(text, at),
    };
    if let Some(open) = open {
        let end = open.offset() + open.len();
        let bracket: SourceSpan = (end.saturating_sub(1), 1).into();
        let bracket_text = text.covered(bracket).to_owned();
        let close = if bracket_text == "[" { "]" } else { "}" };
        return Problem::new(
            Mistake::Syntax,
            format!("a `{bracket_text}` that is not closed"),
        )
        .at(bracket, "opened here")
        .other(here, "cannot be part of it")
        .help(format!(
            "close it with `{close}`; between items stands a `,`"
        ));
    }
    let known = MEANINGS.iter().find(|(part, _, _)| info.contains(part));
    match known {
        Some((_, message, help)) => Problem::new(Mistake::Syntax, *message).help(*help),
        None => Problem::new(Mistake::Syntax, format!("not YAML: {info}")),
    }
    .at(here, "here")
}

/// Finds the tab that the parser stumbled over: in the indentation of the line or the next, or at the place itself.
fn tab(text: &Text, at: usize) -> Option<usize> {
    let (start, line) = text.line(at);
    let next = start + line.len() + 1;
    let (next_start, next_line) = text.line(next.min(text.shown.len()));
    [(start, line), (next_start, next_line)]
        .into_iter()
        .find_map(|(start, line)| {
            let indentation = line.len() - line.trim_start_matches([' ', '\t']).len();
            Some(start + line[..indentation].find('\t')?)
        })
        .or_else(|| {
            let behind = text.shown.get(..at)?.ends_with('\t');
            let ahead = text.shown.get(at..)?.starts_with('\t');
            if ahead {
                Some(at)
            } else {
                behind.then(|| at - 1)
            }
        })
}

/// Returns the character at `at`; at the end of the text, the last one that is not white.
fn here(text: &Text, at: usize) -> SourceSpan {
    let rest = text.shown.get(at..).unwrap_or_default();
    match rest.chars().next() {
        Some(character) if !character.is_whitespace() => (at, character.len_utf8()).into(),
        _ => {
            let before = text.shown.get(..at).unwrap_or(&text.shown).trim_end();
            let last = before.chars().next_back().map_or(0, char::len_utf8);
            (before.len() - last, last).into()
        }
    }
}

/// Returns the last line before `at` that is not empty, without its indentation.
fn line_before(text: &Text, at: usize) -> SourceSpan {
    let before = text.shown.get(..at).unwrap_or(&text.shown).trim_end();
    let (start, line) = text.line(before.len());
    let indentation = line.len() - line.trim_start().len();
    (start + indentation, line.trim().len()).into()
}
