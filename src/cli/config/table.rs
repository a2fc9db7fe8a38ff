//! The result of `config check` for a person: by feature, what is wrong and what it costs.

use std::fmt::Write;

use super::check::{Checked, detail};
use crate::kernel::fit::{Row, State};

/// How wide lines are.
const WIDTH: usize = 100;
/// Where the text of a row begins.
const INDENT: usize = 15;

/// Returns the whole result.
pub(super) fn report(kernels: &[Checked]) -> String {
    let reports: Vec<_> = kernels.iter().map(of).collect();
    reports.join("\n")
}

fn of(kernel: &Checked) -> String {
    let mut text = format!("{}\n", kernel.title());
    for rows in kernel.fit.wanting() {
        let first = &rows[0].requirement;
        let _ = writeln!(text, "\n{}", first.title);
        let lost = |row: &Row| matches!(row.state, State::Missing | State::Advised);
        if let (Some(cost), true) = (&first.cost, rows.iter().any(lost)) {
            text += &wrapped("  without it:  ", cost);
        }
        for (state, reason, group) in groups(rows) {
            let symbols: Vec<_> = group.iter().map(|row| symbol(row)).collect();
            text += &wrapped(&format!("  {:<13}", word(state)), &symbols.join(", "));
            if let (Some(reason), true) = (reason, state != State::Module) {
                text += &wrapped(&" ".repeat(INDENT), reason);
            }
        }
    }
    for (what, modules) in [
        (
            "An initrd for this kernel must hold these modules",
            &kernel.modules.required,
        ),
        (
            "and these, for what is only recommended",
            &kernel.modules.recommended,
        ),
    ] {
        if !modules.is_empty() {
            let _ = write!(text, "\n{what}:\n{}", wrapped("  ", &modules.join(" ")));
        }
    }
    let _ = writeln!(text, "\n{}", kernel.summary());
    text
}

/// Returns the rows that are not met by state and reason; modules together.
fn groups(rows: &[Row]) -> Vec<(State, Option<&str>, Vec<&Row>)> {
    let mut groups: Vec<(State, Option<&str>, Vec<&Row>)> = Vec::new();
    for row in rows.iter().filter(|row| row.state != State::Met) {
        let reason = match row.state {
            State::Module => None,
            _ => row.requirement.reason.as_deref(),
        };
        match groups
            .iter_mut()
            .find(|it| (it.0, it.1) == (row.state, reason))
        {
            Some(group) => group.2.push(row),
            None => groups.push((row.state, reason, vec![row])),
        }
    }
    groups.sort_by_key(|(state, ..)| *state);
    groups
}

fn word(state: State) -> &'static str {
    match state {
        State::Missing => "missing",
        State::Forbidden => "forbidden",
        State::Advised => "recommended",
        State::Module => "a module",
        State::Met => "met",
    }
}

fn symbol(row: &Row) -> String {
    match detail(row) {
        Some(detail) => format!("{} ({detail})", row.requirement.symbol),
        None => row.requirement.symbol.to_string(),
    }
}

/// Returns `text` broken between words, with `first` before it and blanks before its other lines.
fn wrapped(first: &str, text: &str) -> String {
    let mut out = String::new();
    let mut line = first.to_owned();
    let indent = first.chars().count();
    let mut is_empty = true;
    for word in text.split(' ') {
        if !is_empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
            out += line.trim_end();
            out.push('\n');
            line = " ".repeat(indent);
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line += word;
        is_empty = false;
    }
    out += line.trim_end();
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_broken_between_words_below_its_start() {
        let text = wrapped("  missing      ", &"WORD ".repeat(40));
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        assert!(lines.iter().all(|line| line.len() <= WIDTH));
        assert!(lines[1].starts_with("               WORD"));
        assert_eq!(wrapped("a ", "b"), "a b\n");
    }
}
