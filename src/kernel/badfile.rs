//! How everything that is wrong with one input file is told: the file's text, with each wrong line marked.

use miette::{Diagnostic, LabeledSpan, NamedSource};

/// One mistake in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    line: usize,
    text: String,
}

/// A file with mistakes in it.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("`{name}` has {}", count(lines.len()))]
#[diagnostic(code(kernel::bad_file))]
pub struct BadFile {
    name: String,
    // The line of each label, counted from 1.
    lines: Vec<usize>,
    #[source_code]
    text: NamedSource<String>,
    #[label(collection)]
    labels: Vec<LabeledSpan>,
}

impl Problem {
    /// Returns a mistake in this line, counted from 1.
    pub(super) fn new(line: usize, text: impl Into<String>) -> Self {
        Self {
            line,
            text: text.into(),
        }
    }

    /// Returns the mistake with more said of it.
    pub(super) fn and(mut self, more: &str) -> Self {
        self.text += more;
        self
    }
}

impl BadFile {
    /// Returns the file with its mistakes, in the order of its lines.
    pub(super) fn new(name: &str, text: &str, problems: &[Problem]) -> Self {
        let mut problems = problems.to_vec();
        problems.sort_by_key(|problem| problem.line);
        Self {
            name: name.to_owned(),
            lines: problems.iter().map(|problem| problem.line).collect(),
            text: NamedSource::new(name, text.to_owned()),
            labels: problems
                .into_iter()
                .map(|problem| {
                    let (start, length) = span(text, problem.line);
                    LabeledSpan::new(Some(problem.text), start, length)
                })
                .collect(),
        }
    }

    /// Returns every mistake as `line N: what`.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        self.lines
            .iter()
            .zip(&self.labels)
            .map(|(line, label)| format!("line {line}: {}", label.label().unwrap_or_default()))
            .collect()
    }
}

fn count(problems: usize) -> String {
    match problems {
        1 => "a mistake".to_owned(),
        many => format!("{many} mistakes"),
    }
}

/// Returns where the line's text begins and how long it is, in bytes, without the blanks around it.
fn span(text: &str, line: usize) -> (usize, usize) {
    let mut start = 0;
    for (index, current) in text.split_inclusive('\n').enumerate() {
        if index + 1 == line {
            let indent = current.len() - current.trim_start().len();
            return match current.trim().len() {
                0 => (start, 0),
                length => (start + indent, length),
            };
        }
        start += current.len();
    }
    (text.len(), 0)
}
