//! Sizes: `80MiB`, `512KiB`, `2GiB`, or bytes.

use super::Check;
use crate::manifest::{
    problem::{Mistake, Problem},
    raw::Node,
    words::quoted,
};

/// Bytes of a MiB.
const MIB: u64 = 1024 * 1024;
const UNITS: [(&str, u64); 3] = [("KiB", 1024), ("MiB", MIB), ("GiB", 1024 * MIB)];
/// Memory that a guest can have, in MiB.
const MEMORY: std::ops::RangeInclusive<u64> = 64..=1024 * 1024;

impl Check<'_> {
    /// Reads a size in bytes, at least 1.
    pub(super) fn size(&mut self, node: &Node) -> Option<u64> {
        let text = self.lexeme(node, "a size")?;
        let (digits, unit) = split(text);
        let factor = match unit {
            "" => Some(1),
            unit => UNITS
                .iter()
                .find(|(name, _)| *name == unit)
                .map(|(_, factor)| *factor),
        };
        let number = digits.parse::<u64>().ok();
        let problem = match (number, factor) {
            (Some(0), Some(_)) => Problem::new(Mistake::OutOfRange, "a size of nothing")
                .help("leave it out, or write how much is allowed"),
            (Some(number), Some(factor)) => match number.checked_mul(factor) {
                Some(bytes) => return Some(bytes),
                None => too_much(text),
            },
            (None, Some(_)) if !digits.is_empty() => too_much(text),
            _ => Problem::new(Mistake::BadValue, format!("{} is not a size", quoted(text)))
                .help(help(digits, unit)),
        };
        self.report(node, problem);
        None
    }

    /// Reads a guest's memory, and returns MiB.
    pub(super) fn memory(&mut self, node: &Node) -> Option<u32> {
        let bytes = self.size(node)?;
        let problem = if bytes % MIB != 0 {
            let problem = Problem::new(Mistake::BadValue, "memory is counted in whole MiB");
            match split(self.lexeme(node, "a size")?) {
                (digits, "") => problem.help(format!(
                    "without a unit these are bytes; did you mean `{digits}MiB`?"
                )),
                _ => problem.help("write it with the unit MiB or GiB"),
            }
        } else if MEMORY.contains(&(bytes / MIB)) {
            return u32::try_from(bytes / MIB).ok();
        } else {
            let text = quoted(self.lexeme(node, "a size")?);
            let message = format!("a guest cannot have {text} of memory");
            Problem::new(Mistake::OutOfRange, message).help(format!(
                "{}MiB to {}GiB is possible",
                MEMORY.start(),
                MEMORY.end() / 1024
            ))
        };
        self.report(node, problem);
        None
    }
}

fn split(text: &str) -> (&str, &str) {
    text.split_at(text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len())
}

fn too_much(text: &str) -> Problem {
    Problem::new(
        Mistake::OutOfRange,
        format!("{} is larger than any file", quoted(text)),
    )
    .help("write how much is allowed, for instance `80MiB`")
}

fn help(digits: &str, unit: &str) -> String {
    let letter = unit.trim().chars().next().map(|c| c.to_ascii_uppercase());
    let meant = UNITS
        .iter()
        .find(|(name, _)| letter.is_some_and(|letter| name.starts_with(letter)));
    match meant {
        Some((name, _)) if !digits.is_empty() => format!("did you mean `{digits}{name}`?"),
        _ => "write a whole number with KiB, MiB or GiB, or bytes alone".to_owned(),
    }
}
