//! In what way a condition binds a symbol: written at the symbol itself, or at a menu, a block or a choice that it stands
//! in. The condition's value is not looked at.

use std::collections::BTreeMap;

use super::super::{
    model::{Model, Node, NodeKind, SymbolId},
    syntax::Place,
    terms::ExprId,
};

/// For each part of a symbol's conditions, the words that join the symbol to it.
pub(super) struct Manner {
    words: BTreeMap<ExprId, String>,
}

impl Manner {
    pub(super) fn new(model: &Model, symbol: SymbolId) -> Self {
        let mut words = BTreeMap::new();
        let mut put = |condition, says: &dyn Fn() -> String| {
            for (expr, _) in model.parts(condition) {
                words.entry(expr).or_insert_with(says);
            }
        };
        for definition in &model.symbol(symbol).definitions {
            for node in above(model, definition.at) {
                match &node.is {
                    NodeKind::Menu(title) => {
                        put(node.depends, &|| {
                            format!("is in the menu \"{title}\", which depends on")
                        });
                        put(node.visible, &|| {
                            format!("is in the menu \"{title}\", which is visible only if")
                        });
                    }
                    NodeKind::If => put(node.depends, &|| {
                        "is in an `if` block that needs".to_owned()
                    }),
                    NodeKind::Choice(_) => put(node.depends, &|| {
                        "belongs to a choice that depends on".to_owned()
                    }),
                    NodeKind::Comment(_) | NodeKind::Symbol(_) => {}
                }
            }
            put(definition.depends, &|| "depends on".to_owned());
        }
        Self { words }
    }

    /// Returns the words for a part of a condition, or these when the part is of no dependency.
    pub(super) fn of<'s>(&'s self, expr: ExprId, otherwise: &'s str) -> &'s str {
        self.words.get(&expr).map_or(otherwise, String::as_str)
    }
}

/// Returns what stands round the symbol that is defined at a place, outermost first.
pub(super) fn above(model: &Model, at: Place) -> Vec<&Node> {
    let nodes = model.nodes();
    let mut open: Vec<(usize, &Node)> = Vec::new();
    for (index, node) in nodes.iter().enumerate() {
        while open.pop_if(|(end, _)| *end < index).is_some() {}
        if node.at == at && matches!(node.is, NodeKind::Symbol(_)) {
            break;
        }
        if node.inside > 0 {
            open.push((index + node.inside as usize, node));
        }
    }
    open.into_iter().map(|(_, node)| node).collect()
}
