//! The ways to turn a symbol on or off: a request, those that select or imply it, a default, its choice.

use std::collections::BTreeSet;

use super::{
    super::{
        model::{ConditionId, Link, Symbol, SymbolId},
        syntax::Type,
        terms::{ExprId, Shape},
        tristate::Tristate,
    },
    Assigned,
    graph::{Graph, Key, Obstacle, Part},
};

impl Graph<'_> {
    /// Ways to turn a symbol on.
    pub(super) fn on(&mut self, id: SymbolId, aim: Tristate) -> Part {
        let model = self.model;
        let symbol = model.symbol(id);
        if symbol.kind.is_none() {
            return Part::Never(Obstacle::Undefined(id));
        }
        if self.is_fixed(id) || !matches!(symbol.kind, Some(Type::Bool | Type::Tristate)) {
            return Part::Never(Obstacle::Fixed(id));
        }
        if matches!(&*symbol.name, "COMPILE_TEST" | "BROKEN") {
            return Part::Never(Obstacle::Unwanted(id));
        }
        let whole = self.values.is_bool(id);
        let (value, enough) = if whole {
            (Tristate::Yes, Tristate::Module)
        } else {
            (aim, aim)
        };
        let mut ways = Vec::new();
        if symbol.name.starts_with('<') {
            // A choice is on once it is shown and one of its members is asked for.
            for prompt in &symbol.prompts {
                ways.push(self.part(Key::Condition(prompt.when, enough, id)));
            }
        } else if !symbol.prompts.is_empty() && !self.banned.contains(&id) {
            let part = self.prompts(id, symbol, &Assigned::Truth(value), enough);
            ways.push(self.push(part));
        }
        // Where a prompt is shown as soon as the dependencies hold, a request is the simplest way.
        let depends = |when| {
            symbol
                .definitions
                .iter()
                .any(|definition| definition.depends == when)
        };
        if symbol.choice.is_none() && !symbol.prompts.iter().any(|prompt| depends(prompt.when)) {
            for link in symbol.selected_by.clone() {
                ways.extend(self.selected(id, symbol, link, aim, enough));
            }
            // A symbol whose prompt is shown follows its request, and not what is implied or its default.
            if !self.will_be_shown(symbol) {
                for link in symbol.implied_by.clone() {
                    ways.extend(self.selected(id, symbol, link, aim, enough));
                }
                ways.extend(self.defaults(id, symbol, aim, enough));
            }
        }
        if ways.is_empty() {
            Part::Never(Obstacle::Fixed(id))
        } else {
            Part::Any(ways)
        }
    }

    /// Tells whether a prompt is shown as soon as the dependencies hold, as things are.
    fn will_be_shown(&self, symbol: &Symbol) -> bool {
        let depends = symbol
            .definitions
            .iter()
            .flat_map(|definition| self.model.parts(definition.depends));
        let depends: BTreeSet<ExprId> = depends.map(|(expr, _)| expr).collect();
        symbol.prompts.iter().any(|prompt| {
            let mut own = self
                .model
                .parts(prompt.when)
                .into_iter()
                .filter(|(expr, _)| !depends.contains(expr));
            own.all(|(expr, _)| self.values.value(expr) != Tristate::No)
        })
    }

    /// A selector turns a symbol on; its dependencies are to hold too, though `conf` would only warn.
    fn selected(
        &mut self,
        id: SymbolId,
        symbol: &Symbol,
        link: Link,
        aim: Tristate,
        enough: Tristate,
    ) -> Option<usize> {
        if link.symbol <= SymbolId::YES {
            return None;
        }
        let depends: Vec<ConditionId> = symbol
            .definitions
            .iter()
            .map(|definition| definition.depends)
            .collect();
        let depends = depends
            .into_iter()
            .map(|depends| self.part(Key::Condition(depends, enough, id)))
            .collect();
        let needs = vec![
            self.push(Part::Any(depends)),
            self.part(Key::Symbol(link.symbol, aim)),
            self.part(Key::Condition(link.when, enough, link.symbol)),
        ];
        Some(self.push(Part::All(needs)))
    }

    /// A default turns a symbol on when those before it do not hold.
    fn defaults(
        &mut self,
        id: SymbolId,
        symbol: &Symbol,
        aim: Tristate,
        enough: Tristate,
    ) -> Vec<usize> {
        let mut ways = Vec::new();
        for (index, default) in symbol.defaults.iter().enumerate() {
            let mut needs = Vec::new();
            for before in &symbol.defaults[..index] {
                if self.values.holds(before.when) != Tristate::No {
                    needs.push(self.part(Key::Condition(before.when, Tristate::No, id)));
                }
            }
            let constant = matches!(self.model.shape(default.value), Shape::Symbol(value) if self.is_fixed(value));
            if constant && self.values.value(default.value) < enough {
                needs.push(self.push(Part::Never(Obstacle::Constant(id, default.at))));
            } else {
                needs.push(self.part(Key::Expr(default.value, aim)));
            }
            needs.push(self.part(Key::Condition(default.when, enough, id)));
            ways.push(self.push(Part::All(needs)));
        }
        ways
    }

    /// Ways to turn a symbol off: all that selects it goes off, and then a request, its defaults or its dependencies.
    pub(super) fn off(&mut self, id: SymbolId) -> Part {
        let symbol = self.model.symbol(id);
        if self.is_fixed(id) || symbol.name.starts_with('<') {
            return Part::Never(Obstacle::Stays(id));
        }
        if let Some(choice) = symbol.choice {
            let others = self
                .model
                .choice(choice)
                .members
                .iter()
                .filter(|member| **member != id);
            return Part::Any(
                others
                    .map(|member| self.part(Key::Symbol(*member, Tristate::Yes)))
                    .collect(),
            );
        }
        let mut first = self.idle(&symbol.selected_by);
        let mut ways = Vec::new();
        if self.values.state(id).visible != Tristate::No {
            if !self.banned.contains(&id) {
                let selected = self.push(Part::All(first.clone()));
                ways.push(self.push(Part::Write(id, Assigned::Truth(Tristate::No), selected)));
            }
        } else {
            let mut needs = first.clone();
            needs.extend(self.idle(&symbol.implied_by));
            let default = symbol
                .defaults
                .iter()
                .find(|default| self.values.holds(default.when) != Tristate::No);
            if let Some(default) = default {
                let either = vec![
                    self.part(Key::Condition(default.when, Tristate::No, id)),
                    self.part(Key::Expr(default.value, Tristate::No)),
                ];
                needs.push(self.push(Part::Any(either)));
            }
            ways.push(self.push(Part::All(needs)));
        }
        for definition in &symbol.definitions {
            first.push(self.part(Key::Condition(definition.depends, Tristate::No, id)));
        }
        ways.push(self.push(Part::All(first)));
        Part::Any(ways)
    }

    /// Every link that is at work has to stop.
    fn idle(&mut self, links: &[Link]) -> Vec<usize> {
        let mut needs = Vec::new();
        for link in links {
            let (truth, when) = (
                self.values.state(link.symbol).truth,
                self.values.holds(link.when),
            );
            if truth.min(when) != Tristate::No {
                let either = vec![
                    self.part(Key::Symbol(link.symbol, Tristate::No)),
                    self.part(Key::Condition(link.when, Tristate::No, link.symbol)),
                ];
                needs.push(self.push(Part::Any(either)));
            }
        }
        needs
    }
}
