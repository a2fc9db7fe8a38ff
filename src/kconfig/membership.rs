//! Settles which symbols a choice decides. A member that depends on the member before it is shown below that one, as
//! menus do with any symbol, and is then no alternative to it.

use std::collections::VecDeque;

use super::{
    dialect::Dialect,
    model::{Condition, ConditionId, Model, NodeKind, SymbolId},
    syntax::{Relation, Type},
    terms::{Element, ExprId, Shape},
};

/// A place in the menus with what menus show below it.
struct Item {
    node: usize,
    below: Vec<Item>,
}

pub(super) fn settle(model: &mut Model) {
    let mut first_shown = vec![None; model.symbols.len()];
    for (at, node) in model.nodes.iter().enumerate() {
        if let (NodeKind::Symbol(symbol), Some(_)) = (&node.is, node.shown) {
            first_shown[symbol.index()].get_or_insert(at);
        }
    }
    for at in 0..model.nodes.len() {
        if let NodeKind::Choice(choice) = model.nodes[at].is {
            if model.dialect == Dialect::ChoiceSymbols {
                share_type(model, at, choice.index());
            }
            let shown: Vec<(usize, SymbolId)> = arrange(model, at)
                .iter()
                .filter_map(|item| symbol_at(model, item.node))
                .collect();
            match model.dialect {
                Dialect::ChoiceSymbols => {
                    for (_, symbol) in shown {
                        join(model, choice.index(), symbol);
                    }
                }
                Dialect::ChoiceMembers => {
                    for symbol in model.choices[choice.index()].inside.clone() {
                        if !model.symbols[symbol.index()].in_choice {
                            model.symbols[symbol.index()].in_choice = true;
                            model.choices[choice.index()].members.push(symbol);
                        }
                    }
                    for (node, symbol) in shown {
                        if first_shown[symbol.index()] == Some(node) {
                            model.symbols[symbol.index()].choice = Some(choice);
                        }
                    }
                }
            }
        }
    }
}

fn symbol_at(model: &Model, node: usize) -> Option<(usize, SymbolId)> {
    match model.nodes[node].is {
        NodeKind::Symbol(symbol) => Some((node, symbol)),
        _ => None,
    }
}

/// A choice without a type takes that of the first member with one, and gives it to members without.
fn share_type(model: &mut Model, at: usize, choice: usize) {
    let direct: Vec<SymbolId> = children(model, at)
        .filter_map(|node| Some(symbol_at(model, node)?.1))
        .collect();
    let own = model.choices[choice].symbol;
    let first = direct
        .iter()
        .find_map(|symbol| model.symbols[symbol.index()].kind);
    let kind = model.symbols[own.index()].kind.or(first);
    for symbol in direct.into_iter().chain([own]) {
        let symbol = &mut model.symbols[symbol.index()];
        symbol.kind = symbol.kind.or(kind);
    }
}

/// Makes a symbol a member of a choice that has a value of its own.
fn join(model: &mut Model, choice: usize, id: SymbolId) {
    if model.symbols[id.index()].in_choice {
        return;
    }
    let own = model.choices[choice].symbol;
    let strict = model.symbols[own.index()].kind == Some(Type::Tristate)
        && model.symbols[id.index()].kind != Some(Type::Tristate);
    if strict {
        // In a choice of modules, a member that cannot be one needs the choice to be `y`.
        let start = model.terms.start();
        model
            .terms
            .push(Element::Compare(Relation::Equal, own, SymbolId::YES));
        let expr = model.terms.finish(start);
        let at = model.choices[choice].at;
        let conditions = &mut model.conditions;
        let mut also = |when: &mut ConditionId| {
            let within = [*when, ConditionId::ALWAYS];
            *when = ConditionId(
                u32::try_from(conditions.len()).expect("less than 4,000,000,000 conditions"),
            );
            conditions.push(Condition {
                within,
                expr: Some(expr),
                at,
            });
        };
        let symbol = &mut model.symbols[id.index()];
        symbol
            .prompts
            .iter_mut()
            .for_each(|prompt| also(&mut prompt.when));
        symbol
            .defaults
            .iter_mut()
            .for_each(|default| also(&mut default.when));
        symbol
            .ranges
            .iter_mut()
            .for_each(|range| also(&mut range.when));
    }
    let symbol = &mut model.symbols[id.index()];
    symbol.in_choice = true;
    symbol.choice = Some(super::model::ChoiceId(
        u32::try_from(choice).expect("less than 4,000,000,000 choices"),
    ));
    model.choices[choice].members.push(id);
}

fn children(model: &Model, parent: usize) -> impl Iterator<Item = usize> + '_ {
    let end = parent + model.nodes[parent].inside as usize;
    let step = move |at: usize| (at <= end).then_some(at);
    std::iter::successors(step(parent + 1), move |at| {
        step(at + model.nodes[*at].inside as usize + 1)
    })
}

/// Returns what menus show directly below a place.
fn arrange(model: &Model, parent: usize) -> Vec<Item> {
    let nested = model.dialect == Dialect::ChoiceSymbols
        || !matches!(model.nodes[parent].is, NodeKind::Choice(_));
    let mut following: VecDeque<Item> = children(model, parent)
        .map(|node| Item {
            node,
            below: Vec::new(),
        })
        .collect();
    let mut arranged = Vec::new();
    while let Some(item) = following.pop_front() {
        arranged.push(gather(model, item, &mut following, nested));
    }
    flatten(model, arranged)
}

/// Puts below a symbol what follows it and depends on it.
fn gather(model: &Model, mut item: Item, following: &mut VecDeque<Item>, nested: bool) -> Item {
    if model.nodes[item.node].inside > 0 {
        item.below = arrange(model, item.node);
    } else if let (NodeKind::Symbol(symbol), true) = (&model.nodes[item.node].is, nested) {
        let mut below = Vec::new();
        while let Some(next) = following.pop_front() {
            if !belongs(model, next.node, item.node, *symbol) {
                following.push_front(next);
                break;
            }
            below.push(gather(model, next, following, true));
        }
        item.below = flatten(model, below);
    }
    item
}

/// What stands below a place that shows nothing takes that place's rank.
fn flatten(model: &Model, items: Vec<Item>) -> Vec<Item> {
    let mut rest: VecDeque<Item> = items.into();
    let mut flat = Vec::new();
    while let Some(mut item) = rest.pop_front() {
        if model.nodes[item.node].shown.is_none() {
            for below in std::mem::take(&mut item.below).into_iter().rev() {
                rest.push_front(below);
            }
        }
        flat.push(item);
    }
    flat
}

fn belongs(model: &Model, node: usize, above: usize, symbol: SymbolId) -> bool {
    let node = &model.nodes[node];
    let needs = conjuncts(model, node.shown.unwrap_or(node.depends));
    if !needs
        .iter()
        .any(|expr| model.mentioned(*expr).any(|mentioned| mentioned == symbol))
    {
        return false;
    }
    let depends = |expr: &ExprId| match model.shape(*expr) {
        Shape::Symbol(of) => of == symbol,
        Shape::Compare(Relation::Equal, of, value) => {
            of == symbol && matches!(value, SymbolId::YES | SymbolId::MODULE)
        }
        Shape::Compare(Relation::Unequal, of, value) => of == symbol && value == SymbolId::NO,
        _ => false,
    };
    let known = |expr: &ExprId| {
        needs
            .iter()
            .any(|need| model.terms.elements(*need) == model.terms.elements(*expr))
    };
    let round = model.nodes[above]
        .shown
        .map_or_else(Vec::new, |shown| conjuncts(model, shown));
    needs.iter().any(depends) || round.iter().all(known)
}

fn conjuncts(model: &Model, condition: ConditionId) -> Vec<ExprId> {
    model
        .parts(condition)
        .into_iter()
        .flat_map(|(expr, _)| model.conjuncts(expr))
        .collect()
}
