//! The three truth values of Kconfig. What has which value is not here.

use std::fmt;

/// A truth value. `&&` is the smaller of two, `||` the larger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tristate {
    /// `n`: off.
    #[default]
    No,
    /// `m`: a module.
    Module,
    /// `y`: built in.
    Yes,
}

impl Tristate {
    /// Returns the letter of the value.
    #[must_use]
    pub fn letter(self) -> &'static str {
        match self {
            Self::No => "n",
            Self::Module => "m",
            Self::Yes => "y",
        }
    }
}

impl std::ops::Not for Tristate {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Module => Self::Module,
            Self::Yes => Self::No,
        }
    }
}

impl From<bool> for Tristate {
    fn from(truth: bool) -> Self {
        if truth { Self::Yes } else { Self::No }
    }
}

impl fmt::Display for Tristate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.letter())
    }
}
