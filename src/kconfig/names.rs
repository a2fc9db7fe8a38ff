//! Names, each kept once.

use std::sync::Arc;

use super::syntax::Name;

/// The names of a tree.
#[derive(Default)]
pub(super) struct Names {
    #[expect(
        clippy::disallowed_types,
        reason = "it is only asked for one name, so its order is never seen, and it is asked 200,000 times"
    )]
    known: std::collections::HashSet<Name>,
}

impl Names {
    /// Returns the shared form of a name.
    pub(super) fn name(&mut self, text: &str) -> Name {
        if let Some(name) = self.known.get(text) {
            return name.clone();
        }
        let name: Name = Arc::from(text);
        self.known.insert(name.clone());
        name
    }
}
