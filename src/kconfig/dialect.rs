//! Which of two generations of the kernel's `conf` a tree brings. They read the same files; what comes out differs.

use std::{fs, io, path::Path};

/// A generation of `conf`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dialect {
    /// Until 6.10: a choice is a symbol with a value of its own, may be tristate or optional, and remembers one winner.
    /// A number without a default is empty.
    ChoiceSymbols,
    /// From 6.11: a choice is a list of members, of which the one that was asked for last wins. A number without a
    /// default is zero.
    ChoiceMembers,
}

impl Dialect {
    /// Tells from the text of the tree's `scripts/kconfig/expr.h`: only the newer generation keeps lists of choice
    /// members. A version number would be wrong for backports.
    #[must_use]
    pub fn of(expr_h: &str) -> Self {
        if expr_h.contains("choice_members") {
            Self::ChoiceMembers
        } else {
            Self::ChoiceSymbols
        }
    }

    /// Tells from a kernel tree.
    ///
    /// # Errors
    ///
    /// When `scripts/kconfig/expr.h` cannot be read.
    pub fn of_tree(tree: &Path) -> io::Result<Self> {
        let text = fs::read(tree.join("scripts/kconfig/expr.h"))?;
        Ok(Self::of(&String::from_utf8_lossy(&text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_choice_members_marks_the_newer_generation() {
        assert_eq!(
            Dialect::of("struct menu {\n\tstruct list_head choice_members;\n"),
            Dialect::ChoiceMembers
        );
        assert_eq!(
            Dialect::of("enum prop_type { P_CHOICE }"),
            Dialect::ChoiceSymbols
        );
    }
}
