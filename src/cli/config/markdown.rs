//! The result of `config check` as Markdown: for issues, merge requests and pages of a CI.

use std::fmt::Write;

use super::check::{Checked, detail};
use crate::kernel::fit::State;

/// Returns the whole result.
pub(super) fn report(kernels: &[Checked]) -> String {
    let reports: Vec<_> = kernels.iter().map(of).collect();
    reports.join("\n")
}

fn of(kernel: &Checked) -> String {
    let mut text = format!("## {}\n\n{}\n", cell(&kernel.title()), kernel.summary());
    if kernel.fit.wanting().next().is_some() {
        text +=
            "\n| feature | option | state | why | without the feature |\n|---|---|---|---|---|\n";
    }
    for row in kernel.fit.wanting().flatten() {
        let requirement = &row.requirement;
        let state = match row.state {
            State::Met => continue,
            State::Missing => "missing",
            State::Forbidden => "must be off",
            State::Advised => "recommended",
            State::Module => "a module",
        };
        let state = match detail(row) {
            Some(detail) => format!("{state}: {detail}"),
            None => state.to_owned(),
        };
        let _ = writeln!(
            text,
            "| {} | `{}` | {} | {} | {} |",
            cell(&requirement.title),
            requirement.symbol,
            cell(&state),
            cell(requirement.reason.as_deref().unwrap_or_default()),
            cell(requirement.cost.as_deref().unwrap_or_default()),
        );
    }
    for (what, modules) in [
        ("Modules that an initrd must hold", &kernel.modules.required),
        (
            "Modules for what is only recommended",
            &kernel.modules.recommended,
        ),
    ] {
        if !modules.is_empty() {
            let _ = writeln!(text, "\n{what}: `{}`", modules.join("` `"));
        }
    }
    text
}

/// Returns a text that does not end a cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
