//! The manifest's text: which bytes are text at all, and where its characters are. CRLF is read as LF, a byte order
//! mark is dropped.

use miette::SourceSpan;

use super::{LARGEST, LONGEST_LINE};
use crate::manifest::problem::{Mistake, Problem};

/// A text with the byte of each of its characters.
pub(in crate::manifest) struct Text {
    /// What positions are counted in, and what messages show.
    pub(in crate::manifest) shown: String,
    /// The byte at which each character begins; empty when every character is a byte.
    starts: Vec<usize>,
    /// Control characters, by the byte at which each is shown.
    controls: Vec<(usize, char)>,
}

impl Text {
    pub(in crate::manifest) fn new(text: &str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut shown = String::with_capacity(text.len());
        let mut controls = Vec::new();
        for character in text.replace("\r\n", "\n").chars() {
            let picture = picture(character);
            if picture != character {
                controls.push((shown.len(), character));
            }
            shown.push(picture);
        }
        let starts = if shown.is_ascii() || shown.len() > LARGEST {
            Vec::new()
        } else {
            shown.char_indices().map(|(start, _)| start).collect()
        };
        Self {
            shown,
            starts,
            controls,
        }
    }

    /// Returns the bytes from the character numbered `from` to the one numbered `to`, within the text.
    pub(super) fn span(&self, from: usize, to: usize) -> SourceSpan {
        let (from, to) = (self.byte(from), self.byte(to));
        (from, to.saturating_sub(from)).into()
    }

    pub(super) fn byte(&self, character: usize) -> usize {
        let end = self.shown.len();
        if self.starts.is_empty() {
            return character.min(end);
        }
        self.starts.get(character).copied().unwrap_or(end)
    }

    /// Returns what the span covers.
    pub(super) fn covered(&self, span: SourceSpan) -> &str {
        self.shown
            .get(span.offset()..span.offset() + span.len())
            .unwrap_or_default()
    }

    /// Returns the line that holds the byte at `offset`: its first byte, and its text.
    pub(super) fn line(&self, offset: usize) -> (usize, &str) {
        let before = self.shown.get(..offset).unwrap_or(&self.shown);
        let start = before.rfind('\n').map_or(0, |end| end + 1);
        let line = self.shown[start..].lines().next().unwrap_or_default();
        (start, line)
    }

    /// Refuses what cannot be read or shown.
    pub(super) fn limits(&self) -> Result<(), Vec<Problem>> {
        if self.shown.len() > LARGEST {
            return Err(vec![too_large()]);
        }
        let long = self
            .shown
            .lines()
            .position(|line| line.len() > LONGEST_LINE);
        if let Some(index) = long {
            let message = format!("line {} is longer than {LONGEST_LINE} bytes", index + 1);
            return Err(vec![Problem::new(Mistake::TooLarge, message).help(
                "keep long contents in a file of their own, and name it with `path`",
            )]);
        }
        let problem = |&(at, character): &(usize, char)| {
            let message = format!("the control character U+{:04X}", u32::from(character));
            Problem::new(Mistake::NotText, message)
                .at((at, picture(character).len_utf8()).into(), "")
                .help("remove it, or write it as an escape between double quotes, like \"\\e\"")
        };
        let wrong: Vec<Problem> = self.controls.iter().map(problem).collect();
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }
}

/// Bytes that are not text.
pub(in crate::manifest) struct Unreadable {
    /// What can be shown of them.
    pub(in crate::manifest) shown: String,
    /// What is wrong.
    pub(in crate::manifest) problem: Problem,
}

/// Returns `bytes` as text.
pub(in crate::manifest) fn decode(bytes: &[u8]) -> Result<&str, Box<Unreadable>> {
    std::str::from_utf8(bytes).map_err(|error| {
        let good = error.valid_up_to();
        let shown = String::from_utf8_lossy(bytes);
        let shown = shown
            .get(..good + '\u{fffd}'.len_utf8())
            .unwrap_or_default();
        let shown: String = shown.chars().map(picture).collect();
        let at = shown.len().saturating_sub('\u{fffd}'.len_utf8());
        let problem = Problem::new(Mistake::NotText, "not UTF-8")
            .at((at, '\u{fffd}'.len_utf8()).into(), "not a character")
            .help("save the file as UTF-8");
        Box::new(Unreadable { shown, problem })
    })
}

/// Returns the problem of a manifest that is larger than [`LARGEST`].
pub(in crate::manifest) fn too_large() -> Problem {
    Problem::new(Mistake::TooLarge, "a manifest has at most 1 MiB")
        .help("keep long contents in files of their own, and name them with `path`")
}

/// Returns what stands for a control character in messages, so that none reaches a terminal: its picture (U+2400…).
fn picture(character: char) -> char {
    match character {
        '\n' | '\t' => character,
        '\u{7f}' => '\u{2421}',
        control if control.is_control() => char::from_u32(0x2400 + u32::from(control))
            .filter(|_| control < ' ')
            .unwrap_or('\u{fffd}'),
        other => other,
    }
}
