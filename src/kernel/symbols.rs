//! Which symbols a kernel tree defines, and where. What they depend on is for `kconfig`.

use std::collections::BTreeMap;

use super::{fragment::Origin, value::Symbol};

/// The symbols of a tree for one architecture.
pub type Symbols = BTreeMap<Symbol, Definition>;

/// Where a symbol is first defined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// The file, relative to the tree, and the line.
    pub origin: Origin,
}
