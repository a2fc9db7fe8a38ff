//! Symbols and values of a kernel configuration, as fragments and `.config` files write them.
//! Knows nothing of which symbols a kernel has.

use std::{borrow::Cow, fmt, str::FromStr};

use serde::{Serialize, Serializer};

/// A Kconfig symbol's name, without `CONFIG_`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Symbol(String);

/// A text is not the name of a symbol.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotASymbol {
    /// It carries the prefix that only configuration files use.
    #[error("a symbol is named without `CONFIG_`: write `{0}`")]
    Prefixed(String),
    /// It is empty or has a character that no symbol has.
    #[error("`{0}` is not a symbol: expected letters, digits and `_`")]
    Malformed(String),
}

/// A symbol's value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// `y`: built in.
    Yes,
    /// `m`: a module.
    Module,
    /// `n`, or `is not set`, or not in the file at all.
    No,
    /// An integer, decimal or `0x…`, as it was written.
    Number(String),
    /// A string, without quotes and escapes.
    Text(String),
}

impl Symbol {
    /// Returns the name, without `CONFIG_`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Symbol {
    type Err = NotASymbol;

    fn from_str(text: &str) -> Result<Self, NotASymbol> {
        let well_formed = |text: &str| {
            !text.is_empty()
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        match text.strip_prefix("CONFIG_") {
            Some(name) if well_formed(name) => Err(NotASymbol::Prefixed(name.to_owned())),
            None if well_formed(text) => Ok(Self(text.to_owned())),
            _ => Err(NotASymbol::Malformed(text.to_owned())),
        }
    }
}

impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Symbol {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl Value {
    /// Reads what stands right of `=`. The error says what may stand there.
    ///
    /// # Errors
    /// It is none of `y`, `m`, `n`, an integer, or a string in quotes that ends on the line.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "y" => return Ok(Self::Yes),
            "m" => return Ok(Self::Module),
            "n" => return Ok(Self::No),
            _ => {}
        }
        if let Some(rest) = text.strip_prefix('"') {
            return unescape(rest).map(Self::Text);
        }
        if number(text).is_some() {
            return Ok(Self::Number(text.to_owned()));
        }
        Err(match text {
            "" => "nothing after `=`: write `y`, `m`, `n`, a number or a string in quotes".into(),
            "Y" | "M" | "N" => format!("write `{}`", text.to_ascii_lowercase()),
            "yes" | "true" | "on" => "write `y`".into(),
            "no" | "false" | "off" => "write `n`".into(),
            _ => format!("write `y`, `m`, `n`, a number, or the string `\"{text}\"` in quotes"),
        })
    }

    /// Tells whether the symbol is on, with whatever value.
    #[must_use]
    pub fn is_on(&self) -> bool {
        !matches!(self, Self::No)
    }

    /// Returns the number, when the value is one that counts something.
    #[must_use]
    pub fn count(&self) -> Option<u64> {
        match self {
            Self::Number(digits) => u64::try_from(number(digits)?).ok(),
            _ => None,
        }
    }

    /// Tells whether both mean the same to the kernel: numbers are compared by what they count.
    #[must_use]
    pub fn means(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Number(one), Self::Number(two)) => number(one) == number(two),
            _ => self == other,
        }
    }

    /// Returns the line that gives `symbol` this value in a `.config` or fragment.
    #[must_use]
    pub fn line_for(&self, symbol: &Symbol) -> String {
        match self {
            Self::No => format!("# CONFIG_{symbol} is not set"),
            other => format!("CONFIG_{symbol}={other}"),
        }
    }
}

/// Prints the value as it stands right of `=`.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text: Cow<'_, str> = match self {
            Self::Yes => "y".into(),
            Self::Module => "m".into(),
            Self::No => "n".into(),
            Self::Number(digits) => digits.into(),
            Self::Text(text) => {
                format!("\"{}\"", text.replace('\\', r"\\").replace('"', "\\\"")).into()
            }
        };
        f.write_str(&text)
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

fn number(text: &str) -> Option<i128> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) if !hex.starts_with(['+', '-']) => i128::from_str_radix(hex, 16).ok(),
        Some(_) => None,
        None if text.starts_with('+') => None,
        None => text.parse().ok(),
    }
}

/// Reads a string up to its closing quote, which must end the text.
fn unescape(rest: &str) -> Result<String, String> {
    let mut text = String::new();
    let mut chars = rest.chars();
    loop {
        match chars.next() {
            Some('\\') => text.extend(chars.next()),
            Some('"') if chars.as_str().is_empty() => return Ok(text),
            Some('"') => return Err("nothing may follow the closing quote".into()),
            Some(other) => text.push(other),
            None => return Err("the string does not end: add `\"`".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_reads_back_what_it_writes() {
        for text in ["y", "m", "n", "0", "-1", "0x1F", "\"\"", r#""a\"b\\c""#] {
            assert_eq!(Value::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_wrong_value_says_what_to_write() {
        for (text, hint) in [
            ("", "nothing after"),
            ("Y", "write `y`"),
            ("true", "write `y`"),
            ("no", "write `n`"),
            ("ttyS0", "\"ttyS0\""),
            ("\"open", "does not end"),
            ("\"a\" b", "closing quote"),
            ("0xzz", "a number"),
        ] {
            let told = Value::parse(text).unwrap_err();
            assert!(told.contains(hint), "{text}: {told}");
        }
    }

    #[test]
    fn numbers_are_compared_by_what_they_count() {
        let value = |text| Value::parse(text).unwrap();
        assert!(value("0x10").means(&value("16")));
        assert!(!value("0x10").means(&value("10")));
        assert!(!value("1").means(&value("\"1\"")));
    }

    #[test]
    fn a_symbol_has_no_prefix() {
        assert_eq!(
            "CONFIG_NET".parse::<Symbol>(),
            Err(NotASymbol::Prefixed("NET".into()))
        );
        assert!("64BIT".parse::<Symbol>().is_ok());
        for wrong in ["", "CONFIG_", "A-B", "A B"] {
            assert!(matches!(
                wrong.parse::<Symbol>(),
                Err(NotASymbol::Malformed(_))
            ));
        }
    }
}
