//! The result of `config check` as JUnit XML, as CI servers read it: a suite for each kernel, a case for each option. What
//! is only recommended is skipped, not failed.

use std::fmt::Write;

use super::check::{Checked, detail};
use crate::kernel::fit::{Row, State};

/// Returns the whole file.
pub(super) fn report(kernels: &[Checked]) -> String {
    let mut text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"kata-artifacts config check\">\n".to_owned();
    for kernel in kernels {
        let fit = &kernel.fit;
        let _ = writeln!(
            text,
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"{}\">",
            escaped(&kernel.title()),
            fit.rows.len(),
            fit.count(State::Missing) + fit.count(State::Forbidden),
            fit.count(State::Advised),
        );
        for row in &fit.rows {
            text += &case(row, &kernel.profile);
        }
        text += "  </testsuite>\n";
    }
    text += "</testsuites>\n";
    text
}

fn case(row: &Row, profile: &str) -> String {
    let requirement = &row.requirement;
    let head = format!(
        "    <testcase classname=\"{}.{}\" name=\"CONFIG_{}\"",
        escaped(profile),
        escaped(&requirement.feature),
        requirement.symbol
    );
    let detail = detail(row).map_or(String::new(), |detail| format!(" ({detail})"));
    let why = requirement.reason.as_deref().unwrap_or_default();
    let cost = requirement.cost.as_ref();
    let cost = cost.map_or(String::new(), |cost| {
        format!(" Without the feature: {cost}.")
    });
    let body = escaped(&format!("{why}{cost} ({})", requirement.origin));
    let (element, message) = match row.state {
        State::Met | State::Module => return format!("{head}/>\n"),
        State::Missing => ("failure", format!("missing{detail}")),
        State::Forbidden => ("failure", format!("must be off{detail}")),
        State::Advised => ("skipped", format!("recommended{detail}")),
    };
    let message = escaped(&message);
    format!("{head}>\n      <{element} message=\"{message}\">{body}</{element}>\n    </testcase>\n")
}

/// Returns a text for an attribute or an element. What XML cannot carry at all becomes a blank.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for char in text.chars() {
        match char {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\t' | '\n' => out.push(' '),
            char if char < ' ' || char == '\u{fffe}' || char == '\u{ffff}' => out.push(' '),
            char => out.push(char),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_ends_an_element() {
        assert_eq!(
            escaped("a<b>&\"c\"\u{1}d\n"),
            "a&lt;b&gt;&amp;&quot;c&quot; d "
        );
    }
}
