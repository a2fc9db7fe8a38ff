//! The ways to decide a comparison: a truth value, a number or a string is given the value that it asks for.

use super::{
    super::{
        model::SymbolId,
        syntax::{Relation, Type},
        terms::ExprId,
        tristate::Tristate,
    },
    Assigned,
    graph::{Graph, Key, Obstacle, Part},
};

impl Graph<'_> {
    /// Ways to make a comparison true, or false.
    pub(super) fn compare(
        &mut self,
        expr: ExprId,
        relation: Relation,
        left: SymbolId,
        right: SymbolId,
        truth: bool,
    ) -> Part {
        let never = Part::Never(Obstacle::Comparison(expr));
        let (id, with, relation) = match (self.is_fixed(left), self.is_fixed(right)) {
            (false, true) => (left, right, relation),
            (true, false) => (right, left, turned(relation)),
            (false, false) if truth => return self.order(expr, relation, left, right),
            _ => return never,
        };
        let relation = if truth { relation } else { denied(relation) };
        let constant = self.values.shown(with).to_owned();
        let kind = self.model.symbol(id).kind;
        if matches!(kind, Some(Type::Bool | Type::Tristate)) {
            let aim = match (relation, &*constant) {
                (Relation::Equal, "m") => return self.module(id),
                (Relation::Equal, "y") => Tristate::Yes,
                (Relation::Unequal, "n") => Tristate::Module,
                (Relation::Equal, "n") | (Relation::Unequal, "y" | "m") => Tristate::No,
                _ => return never,
            };
            return Part::All(vec![self.part(Key::Symbol(id, aim))]);
        }
        let step = match relation {
            Relation::Equal | Relation::AtMost | Relation::AtLeast => 0,
            Relation::Greater => 1,
            Relation::Less => -1,
            Relation::Unequal => return never,
        };
        let text = match (kind, step) {
            (Some(Type::String), 0) => format!(
                "\"{}\"",
                constant.replace('\\', "\\\\").replace('"', "\\\"")
            ),
            (_, 0) => constant,
            (_, step) => match constant.parse::<i64>() {
                Ok(number) => (number.saturating_add(step)).to_string(),
                Err(_) => return never,
            },
        };
        self.text(id, &text)
    }

    /// Ways to make a symbol a module, neither more nor less.
    pub(super) fn module(&mut self, id: SymbolId) -> Part {
        let symbol = self.model.symbol(id);
        let Some(modules) = self
            .model
            .modules()
            .filter(|_| symbol.kind == Some(Type::Tristate))
        else {
            return Part::Never(Obstacle::Fixed(id));
        };
        let own = if symbol.prompts.is_empty() || self.banned.contains(&id) {
            self.part(Key::Symbol(id, Tristate::Module))
        } else {
            let write = self.prompts(
                id,
                symbol,
                &Assigned::Truth(Tristate::Module),
                Tristate::Module,
            );
            self.push(write)
        };
        Part::All(vec![self.part(Key::Symbol(modules, Tristate::Yes)), own])
    }

    /// Ways to make one truth value at least, or at most, another.
    fn order(&mut self, expr: ExprId, relation: Relation, left: SymbolId, right: SymbolId) -> Part {
        let (high, low) = match relation {
            Relation::AtLeast => (left, right),
            Relation::AtMost => (right, left),
            _ => return Part::Never(Obstacle::Comparison(expr)),
        };
        let truth = |id: SymbolId| {
            matches!(
                self.model.symbol(id).kind,
                Some(Type::Bool | Type::Tristate)
            )
        };
        if !truth(high) || !truth(low) {
            return Part::Never(Obstacle::Comparison(expr));
        }
        Part::Any(vec![
            self.part(Key::Symbol(high, Tristate::Yes)),
            self.part(Key::Symbol(low, Tristate::No)),
        ])
    }

    /// Ways to give a number or string a value.
    pub(super) fn text(&mut self, id: SymbolId, text: &str) -> Part {
        let symbol = self.model.symbol(id);
        if let Some(kind @ (Type::Int | Type::Hex)) = symbol.kind
            && !self.values.in_range(id, kind, text)
        {
            let number = symbol
                .ranges
                .iter()
                .position(|range| self.values.holds(range.when) != Tristate::No);
            return Part::Never(Obstacle::OutOfRange(id, number.unwrap_or_default()));
        }
        if symbol.prompts.is_empty() || self.banned.contains(&id) {
            return Part::Never(Obstacle::Fixed(id));
        }
        self.prompts(
            id,
            symbol,
            &Assigned::Text(text.to_owned()),
            Tristate::Module,
        )
    }
}

/// The relation with its sides exchanged.
fn turned(relation: Relation) -> Relation {
    match relation {
        Relation::Less => Relation::Greater,
        Relation::AtMost => Relation::AtLeast,
        Relation::Greater => Relation::Less,
        Relation::AtLeast => Relation::AtMost,
        same @ (Relation::Equal | Relation::Unequal) => same,
    }
}

/// The relation that holds where this one does not.
fn denied(relation: Relation) -> Relation {
    match relation {
        Relation::Equal => Relation::Unequal,
        Relation::Unequal => Relation::Equal,
        Relation::Less => Relation::AtLeast,
        Relation::AtMost => Relation::Greater,
        Relation::Greater => Relation::AtMost,
        Relation::AtLeast => Relation::Less,
    }
}
