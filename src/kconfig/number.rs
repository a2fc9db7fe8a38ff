//! Numbers as the kernel's `conf` reads them, which is as C's `strtoll` does. Which symbol has which is not here.

use std::cmp::Ordering;

use super::syntax::Type;

/// A number out of a symbol's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Number {
    /// Of an `int`, a truth value or a word.
    Signed(i64),
    /// Of a `hex`.
    Unsigned(u64),
}

impl Number {
    /// Reads the whole of a text by the symbol's type; nothing when it is no number.
    pub(super) fn read(text: &str, kind: Option<Type>) -> Option<Self> {
        let base = match kind {
            Some(Type::Bool | Type::Tristate) => {
                return Some(Self::Signed(match text {
                    "n" => 0,
                    "m" => 1,
                    "y" => 2,
                    _ => -1,
                }));
            }
            Some(Type::Int) => 10,
            Some(Type::Hex) => 16,
            Some(Type::String) | None => 0,
        };
        let read = digits(text, base);
        let whole =
            read.length == text.len() && text.as_bytes().last().is_some_and(u8::is_ascii_hexdigit);
        if !whole || read.length == 0 {
            return None;
        }
        if kind == Some(Type::Hex) {
            let value = read.magnitude?;
            return Some(Self::Unsigned(if read.negative {
                value.wrapping_neg()
            } else {
                value
            }));
        }
        read.signed().ok().map(Self::Signed)
    }

    /// Compares; a signed number beside an unsigned one counts as its bits.
    pub(super) fn compare(self, other: Self) -> Ordering {
        match (self, other) {
            (Self::Signed(left), Self::Signed(right)) => left.cmp(&right),
            (left, right) => left.bits().cmp(&right.bits()),
        }
    }

    fn bits(self) -> u64 {
        match self {
            Self::Signed(value) => value.cast_unsigned(),
            Self::Unsigned(value) => value,
        }
    }
}

/// Reads as much as is a number, like `strtoll`: nothing is zero, too much is the largest.
pub(super) fn leading(text: &str, base: u32) -> i64 {
    digits(text, base).signed().unwrap_or_else(|limit| limit)
}

/// Tells whether `.config` may give this text to an `int` or a `hex`.
pub(super) fn valid(text: &str, kind: Type) -> bool {
    if kind == Type::Hex {
        let digits = text
            .strip_prefix("0x")
            .or_else(|| text.strip_prefix("0X"))
            .unwrap_or(text);
        return !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty()
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && (digits == "0" || !digits.starts_with('0'))
}

struct Digits {
    negative: bool,
    /// Nothing when it does not fit.
    magnitude: Option<u64>,
    /// Bytes read, 0 when there is no digit.
    length: usize,
}

impl Digits {
    /// Returns the value, or the limit that it passes.
    fn signed(&self) -> Result<i64, i64> {
        let limit = if self.negative { i64::MIN } else { i64::MAX };
        let magnitude = i128::from(self.magnitude.ok_or(limit)?);
        i64::try_from(if self.negative { -magnitude } else { magnitude }).map_err(|_| limit)
    }
}

fn digits(text: &str, base: u32) -> Digits {
    let bytes = text.as_bytes();
    let mut at = bytes
        .iter()
        .take_while(|byte| matches!(**byte, b' ' | b'\t'..=b'\r'))
        .count();
    let negative = bytes.get(at) == Some(&b'-');
    at += usize::from(matches!(bytes.get(at), Some(b'-' | b'+')));
    let prefixed = bytes.get(at) == Some(&b'0')
        && matches!(bytes.get(at + 1), Some(b'x' | b'X'))
        && bytes.get(at + 2).is_some_and(u8::is_ascii_hexdigit);
    let base = match base {
        0 if prefixed => 16,
        0 if bytes.get(at) == Some(&b'0') => 8,
        0 => 10,
        base => base,
    };
    at += if base == 16 && prefixed { 2 } else { 0 };
    let first = at;
    let mut magnitude = Some(0_u64);
    while let Some(digit) = bytes
        .get(at)
        .and_then(|byte| char::from(*byte).to_digit(base))
    {
        magnitude =
            magnitude.and_then(|value| value.checked_mul(base.into())?.checked_add(digit.into()));
        at += 1;
    }
    Digits {
        negative,
        magnitude,
        length: if at == first { 0 } else { at },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_a_number_in_the_notation_of_c_and_a_hex_needs_no_prefix() {
        assert_eq!(Number::read("0x10", None), Some(Number::Signed(16)));
        assert_eq!(Number::read("010", None), Some(Number::Signed(8)));
        assert_eq!(
            Number::read("10", Some(Type::Hex)),
            Some(Number::Unsigned(16))
        );
        assert_eq!(Number::read("10x", None), None);
        assert_eq!(Number::read("", Some(Type::Int)), None);
        assert_eq!(
            Number::read("m", Some(Type::Tristate)),
            Some(Number::Signed(1))
        );
    }

    #[test]
    fn a_number_too_large_is_the_largest_for_a_range_and_text_for_a_comparison() {
        assert_eq!(leading("99999999999999999999", 10), i64::MAX);
        assert_eq!(leading("-99999999999999999999", 10), i64::MIN);
        assert_eq!(leading("abc", 10), 0);
        assert_eq!(leading("0x1fz", 16), 31);
        assert_eq!(Number::read("99999999999999999999", Some(Type::Int)), None);
    }

    #[test]
    fn a_config_gives_an_int_no_leading_zero_and_a_hex_its_digits_alone() {
        assert!(
            valid("-5", Type::Int)
                && valid("0", Type::Int)
                && !valid("05", Type::Int)
                && !valid("", Type::Int)
        );
        assert!(valid("ff", Type::Hex) && valid("0XfF", Type::Hex) && !valid("0x", Type::Hex));
    }
}
