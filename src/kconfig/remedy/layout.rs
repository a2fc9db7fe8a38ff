//! How a remedy looks below an explanation: what to write, what follows, or why nothing helps.

use std::fmt;

use super::{super::explain::paragraph, Found, Nothing, Remedy};

/// So many symbols are named.
const NAMED: usize = 12;

impl fmt::Display for Remedy {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotNeeded | Self::Unknown => Ok(()),
            Self::Found(found) => found.lay_out(out, "to get it"),
            Self::Nothing(nothing) => nothing.lay_out(out),
        }
    }
}

impl Found {
    fn lay_out(&self, out: &mut fmt::Formatter<'_>, goal: &str) -> fmt::Result {
        if !self.change.is_empty() {
            paragraph(out, 2, &format!("{goal}, change"))?;
            for change in &self.change {
                let (now, then) = (
                    super::line(&change.symbol, &change.from),
                    super::line(&change.symbol, &change.to),
                );
                paragraph(out, 4, &format!("{now} ({}) to {then}", change.at))?;
            }
        }
        if !self.add.is_empty() {
            if self.change.is_empty() {
                paragraph(out, 2, &format!("{goal}, add"))?;
            } else {
                paragraph(out, 2, "and add")?;
            }
            self.add
                .iter()
                .try_for_each(|line| paragraph(out, 4, &line.line))?;
        }
        for loss in self.loses.iter().take(NAMED) {
            let says = format!(
                "{} is then {}, but requested {} ({})",
                loss.symbol, loss.becomes, loss.requested, loss.at
            );
            paragraph(out, 2, &says)?;
        }
        if self.loses.len() > NAMED {
            paragraph(
                out,
                2,
                &format!("{} more requests are then lost", self.loses.len() - NAMED),
            )?;
        }
        for (what, names) in [("on", &self.turns_on), ("off", &self.turns_off)] {
            if !names.is_empty() {
                let count = names.len();
                let symbols = if count == 1 { "symbol" } else { "symbols" };
                paragraph(
                    out,
                    2,
                    &format!("this turns {what} {count} more {symbols}: {}", list(names)),
                )?;
            }
        }
        Ok(())
    }
}

impl Nothing {
    fn lay_out(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.because.is_empty() {
            paragraph(
                out,
                2,
                &format!(
                    "no way to get it was found; {} were tried",
                    self.evaluations
                ),
            )?;
        } else {
            paragraph(out, 2, "no request can get it")?;
            self.because
                .iter()
                .try_for_each(|says| paragraph(out, 4, says))?;
        }
        self.instead.as_ref().map_or(Ok(()), |found| {
            found.lay_out(out, &format!("to get {} instead", found.goal))
        })
    }
}

fn list(names: &[String]) -> String {
    let mut list = names
        .iter()
        .take(NAMED)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    if names.len() > NAMED {
        list += &format!(", … ({} more)", names.len() - NAMED);
    }
    list
}
