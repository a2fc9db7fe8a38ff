//! How an explanation looks to a person: the chain of reasons indented, 100 columns wide, readable without colour.

use std::fmt::{self, Write};

use super::{Explanation, Finding, Known, Outcome, Reason, Unknown};

/// Columns of a line.
const WIDTH: usize = 100;

impl fmt::Display for Explanation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let asked = match &self.requests[..] {
            [] => String::new(),
            [.., first, last] if first.value != last.value => {
                format!(
                    "requested {} ({}), then {} ({})",
                    first.value, first.at, last.value, last.at
                )
            }
            [.., last] => format!("requested {} ({})", last.value, last.at),
        };
        match &self.finding {
            Finding::Unknown(unknown) => {
                let asked = if asked.is_empty() {
                    asked
                } else {
                    asked + ", but "
                };
                paragraph(
                    out,
                    0,
                    &format!("{}  {asked}this tree has no such symbol", self.symbol),
                )?;
                unknown.lay_out(out)
            }
            Finding::Defined(known) => {
                let value = known.shown();
                let says = match known.outcome {
                    Outcome::NotRequested => format!("is {value}, and nobody requests it"),
                    Outcome::Met => format!("{asked}, is {value}"),
                    Outcome::Lost => format!("{asked}, but is {value}"),
                };
                paragraph(out, 0, &format!("{}  {says}", self.symbol))?;
                known.lay_out(out)
            }
        }
    }
}

impl Unknown {
    fn lay_out(&self, out: &mut dyn Write) -> fmt::Result {
        if let Some(versions) = &self.versions {
            paragraph(out, 2, &format!("Linux {versions} had it"))?;
        }
        if !self.mentioned.is_empty() {
            let places = self.mentioned.join(", ");
            paragraph(
                out,
                2,
                &format!("it is mentioned at {places}: another architecture may define it"),
            )?;
        }
        if !self.nearest.is_empty() {
            paragraph(out, 2, "similar names")?;
        }
        for near in &self.nearest {
            let prompt = near
                .prompt
                .as_ref()
                .map(|prompt| format!("  \"{prompt}\""))
                .unwrap_or_default();
            paragraph(out, 4, &format!("{}={}{prompt}", near.symbol, near.value))?;
        }
        Ok(())
    }
}

impl Known {
    fn shown(&self) -> String {
        match (self.kind.as_str(), self.value.as_str()) {
            ("string", value) => format!("\"{value}\""),
            (_, "") => "empty".to_owned(),
            (_, value) => value.to_owned(),
        }
    }

    fn lay_out(&self, out: &mut dyn Write) -> fmt::Result {
        let prompt = self
            .prompt
            .as_ref()
            .map_or("no prompt".to_owned(), |prompt| format!("\"{prompt}\""));
        paragraph(
            out,
            2,
            &format!(
                "{}, {prompt}, defined at {}",
                self.kind,
                self.defined.join(", ")
            ),
        )?;
        if !self.menus.is_empty() {
            paragraph(out, 2, &format!("in the menu {}", self.menus.join(" > ")))?;
        }
        if !self.because.is_empty() {
            paragraph(out, 2, "because")?;
        }
        self.because
            .iter()
            .try_for_each(|reason| reason.lay_out(out, 4))
    }
}

impl Reason {
    pub(in super::super) fn lay_out(&self, out: &mut dyn Write, indent: usize) -> fmt::Result {
        paragraph(out, indent, &self.says)?;
        self.because
            .iter()
            .try_for_each(|reason| reason.lay_out(out, indent + 2))
    }
}

/// Writes a text in lines of at most 100 columns; those after the first are indented by four more.
pub(in super::super) fn paragraph(out: &mut dyn Write, indent: usize, text: &str) -> fmt::Result {
    let mut column = 0;
    for (index, word) in text.split(' ').enumerate() {
        let width = word.chars().count();
        if index > 0 && column + 1 + width <= WIDTH {
            write!(out, " {word}")?;
            column += 1 + width;
        } else {
            let indent = if index > 0 { indent + 4 } else { indent };
            let end = if index > 0 { "\n" } else { "" };
            write!(out, "{end}{:indent$}{word}", "")?;
            column = indent + width;
        }
    }
    writeln!(out)
}
