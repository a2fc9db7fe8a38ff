//! How much a request matters and what else would do: the parts of a requirement that a build never needs, because it
//! asks for one value and accepts no other. Read from comments of fragments and from the table of features.

use std::{fmt, str::FromStr};

use serde::Serialize;

use super::value::Value;

/// How much a requirement matters to a guest that runs some other kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// It must be on: without it the guest does not do what the profile is for.
    Required,
    /// It should be on: some users lose something without it.
    Recommended,
    /// It must be off.
    Forbidden,
}

/// How much a request matters to others: a level, or nothing at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Every kernel for the guest is asked for it.
    OfAll(Level),
    /// It is a matter of the kernels that are built from the profile, and asked of no other.
    OfOurs,
}

/// A text does not say how much a request matters.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a level: write `required`, `recommended` or `none`")]
pub struct NotALevel(String);

/// One thing that a symbol may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Accept {
    /// This value.
    Exactly(Value),
    /// A number that is not smaller.
    AtLeast(u64),
    /// Any value, as long as the symbol is on.
    Any,
}

/// A text says nothing about values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no value: write `y`, `m`, `n`, a number, a string in quotes, `>=64` or `any`")]
pub struct NotAccepted(String);

/// What a fragment's comments say about a request besides its value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Demand {
    /// The level, when it is not the feature's.
    pub level: Option<Asked>,
    /// What does as well as the requested value.
    pub accept: Vec<Accept>,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Required => "required",
            Self::Recommended => "recommended",
            Self::Forbidden => "forbidden",
        })
    }
}

impl FromStr for Asked {
    type Err = NotALevel;

    /// Reads the level of something that should be on; what must be off is not a request.
    fn from_str(text: &str) -> Result<Self, NotALevel> {
        match text {
            "required" => Ok(Self::OfAll(Level::Required)),
            "recommended" => Ok(Self::OfAll(Level::Recommended)),
            "none" => Ok(Self::OfOurs),
            _ => Err(NotALevel(text.to_owned())),
        }
    }
}

impl Accept {
    /// Tells whether `actual` is one of the values meant.
    #[must_use]
    pub fn holds(&self, actual: &Value) -> bool {
        match self {
            Self::Exactly(value) => value.means(actual),
            Self::AtLeast(least) => actual.count().is_some_and(|number| number >= *least),
            Self::Any => actual.is_on(),
        }
    }
}

impl FromStr for Accept {
    type Err = NotAccepted;

    fn from_str(text: &str) -> Result<Self, NotAccepted> {
        let wrong = || NotAccepted(text.to_owned());
        if text == "any" {
            return Ok(Self::Any);
        }
        if let Some(least) = text.strip_prefix(">=") {
            let value = Value::parse(least.trim()).map_err(|_| wrong())?;
            return value.count().map(Self::AtLeast).ok_or_else(wrong);
        }
        Value::parse(text).map(Self::Exactly).map_err(|_| wrong())
    }
}

impl fmt::Display for Accept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly(value) => value.fmt(f),
            Self::AtLeast(least) => write!(f, ">={least}"),
            Self::Any => f.write_str("any"),
        }
    }
}

impl Serialize for Accept {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(accept: &str, actual: &str) -> bool {
        let accept: Accept = accept.parse().unwrap();
        accept.holds(&Value::parse(actual).unwrap())
    }

    #[test]
    fn values_bounds_and_anything_are_told_apart() {
        assert!(holds("m", "m") && !holds("m", "y"));
        assert!(holds(">=64", "64") && holds(">= 0x40", "8192") && !holds(">=64", "63"));
        assert!(!holds(">=64", "y") && !holds(">=64", "-70") && !holds(">=64", "n"));
        assert!(holds("any", "\"x\"") && holds("any", "7") && !holds("any", "n"));
        for text in ["", "yes", ">=y", ">=", ">=-1", "~"] {
            assert!(text.parse::<Accept>().is_err(), "{text}");
        }
        assert!("forbidden".parse::<Asked>().is_err());
    }
}
