//! The ways to a goal as a graph: what must hold together, of what one is enough, what can be written. Each part is
//! there once. What a way costs is in `cost`; that it works is for the evaluator to say.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{
    super::{
        evaluate::Values,
        model::{ConditionId, Model, Symbol, SymbolId},
        syntax::Place,
        terms::{ExprId, Shape},
        tristate::Tristate,
    },
    Assigned,
};

/// So many parts may a graph have; what lies beyond counts as out of reach.
const LARGEST: usize = 40_000;

/// A part of the graph.
#[derive(Clone, Debug)]
pub(super) enum Part {
    /// It holds already.
    Holds,
    /// All must hold.
    All(Vec<usize>),
    /// One must hold.
    Any(Vec<usize>),
    /// A request, which has an effect once the other part holds.
    Write(SymbolId, Assigned, usize),
    /// It cannot be had.
    Never(Obstacle),
}

/// Why something cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Obstacle {
    /// No file defines the symbol.
    Undefined(SymbolId),
    /// The symbol marks what does not work, or serves compile tests alone.
    Unwanted(SymbolId),
    /// Nothing can turn the symbol on.
    Fixed(SymbolId),
    /// Nothing can turn the symbol off.
    Stays(SymbolId),
    /// The constant that is written there.
    Constant(SymbolId, Place),
    /// It can be nothing but a module, as is written there.
    Module(SymbolId, Place),
    /// A comparison that no request can decide.
    Comparison(ExprId),
    /// The value is outside the range of this number.
    OutOfRange(SymbolId, usize),
    /// The search ended here.
    Beyond,
}

/// What a part stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    /// A symbol is at least this, or off.
    Symbol(SymbolId, Tristate),
    /// An expression is at least this, or off.
    Expr(ExprId, Tristate),
    /// A condition is at least this, or off; what is written there is of this symbol.
    Condition(ConditionId, Tristate, SymbolId),
}

/// The ways to one goal.
pub(super) struct Graph<'a> {
    pub(super) values: &'a Values<'a>,
    pub(super) model: &'a Model,
    pub(super) parts: Vec<Part>,
    keys: BTreeMap<Key, usize>,
    rest: VecDeque<(Key, usize)>,
    pub(super) banned: &'a BTreeSet<SymbolId>,
}

impl<'a> Graph<'a> {
    /// Builds the graph; the goal is its first part. No way writes a banned symbol.
    pub(super) fn new(
        values: &'a Values<'a>,
        goal: SymbolId,
        value: &Assigned,
        banned: &'a BTreeSet<SymbolId>,
    ) -> Self {
        let mut graph = Self {
            values,
            model: values.model(),
            parts: vec![Part::Holds],
            keys: BTreeMap::new(),
            rest: VecDeque::new(),
            banned,
        };
        graph.parts[0] = match value {
            Assigned::Text(text) => graph.text(goal, text),
            Assigned::Truth(Tristate::Module) => graph.module(goal),
            Assigned::Truth(truth) => Part::All(vec![graph.part(Key::Symbol(goal, *truth))]),
        };
        while let Some((key, at)) = graph.rest.pop_front() {
            let part = if graph.parts.len() > LARGEST {
                Part::Never(Obstacle::Beyond)
            } else {
                graph.expand(key)
            };
            graph.parts[at] = part;
        }
        graph
    }

    pub(super) fn part(&mut self, key: Key) -> usize {
        if let Some(at) = self.keys.get(&key) {
            return *at;
        }
        let at = self.push(Part::Never(Obstacle::Beyond));
        self.keys.insert(key, at);
        self.rest.push_back((key, at));
        at
    }

    pub(super) fn push(&mut self, part: Part) -> usize {
        self.parts.push(part);
        self.parts.len() - 1
    }

    fn expand(&mut self, key: Key) -> Part {
        let reached = |is: Tristate, aim: Tristate| {
            if aim == Tristate::No {
                is == aim
            } else {
                is >= aim
            }
        };
        let (is, aim) = match key {
            Key::Symbol(id, aim) => (self.values.state(id).truth, aim),
            Key::Expr(expr, aim) => (self.values.value(expr), aim),
            Key::Condition(condition, aim, _) => (self.values.holds(condition), aim),
        };
        if reached(is, aim) {
            return Part::Holds;
        }
        match key {
            Key::Symbol(id, Tristate::No) => self.off(id),
            Key::Symbol(id, aim) => self.on(id, aim),
            Key::Expr(expr, aim) => self.expr(expr, aim),
            Key::Condition(condition, aim, owner) => self.condition(condition, aim, owner),
        }
    }

    fn condition(&mut self, condition: ConditionId, aim: Tristate, owner: SymbolId) -> Part {
        let mut needs = Vec::new();
        for (expr, at) in self.model.parts(condition) {
            for operand in self.model.conjuncts(expr) {
                let low = aim != Tristate::No && self.values.value(operand) < aim;
                needs.push(match self.model.shape(operand) {
                    Shape::Symbol(SymbolId::MODULE) if low => {
                        self.push(Part::Never(Obstacle::Module(owner, at)))
                    }
                    Shape::Symbol(id)
                        if low && (id <= SymbolId::YES || self.model.symbol(id).constant) =>
                    {
                        self.push(Part::Never(Obstacle::Constant(owner, at)))
                    }
                    _ => self.part(Key::Expr(operand, aim)),
                });
            }
        }
        if aim == Tristate::No {
            Part::Any(needs)
        } else {
            Part::All(needs)
        }
    }

    fn expr(&mut self, expr: ExprId, aim: Tristate) -> Part {
        let opposite = if aim == Tristate::No {
            Tristate::Yes
        } else {
            Tristate::No
        };
        match self.model.shape(expr) {
            Shape::Symbol(id) => Part::All(vec![self.part(Key::Symbol(id, aim))]),
            Shape::Not(inner) => Part::All(vec![self.part(Key::Expr(inner, opposite))]),
            Shape::Compare(relation, left, right) => {
                self.compare(expr, relation, left, right, aim != Tristate::No)
            }
            shape @ (Shape::And(left, right) | Shape::Or(left, right)) => {
                let both = vec![
                    self.part(Key::Expr(left, aim)),
                    self.part(Key::Expr(right, aim)),
                ];
                let all = matches!(shape, Shape::And(..)) == (aim != Tristate::No);
                if all {
                    Part::All(both)
                } else {
                    Part::Any(both)
                }
            }
        }
    }

    pub(super) fn is_fixed(&self, id: SymbolId) -> bool {
        let symbol = self.model.symbol(id);
        id <= SymbolId::YES || symbol.constant || symbol.kind.is_none()
    }

    pub(super) fn prompts(
        &mut self,
        id: SymbolId,
        symbol: &Symbol,
        value: &Assigned,
        aim: Tristate,
    ) -> Part {
        let ways = symbol
            .prompts
            .iter()
            .map(|prompt| self.part(Key::Condition(prompt.when, aim, id)));
        let shown = ways.collect();
        let shown = self.push(Part::Any(shown));
        Part::Write(id, value.clone(), shown)
    }
}
