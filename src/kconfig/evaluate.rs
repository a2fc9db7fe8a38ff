//! Finds the value of every symbol, and which rule decided it, as the kernel's `conf` does: one pass in the order of
//! the model, no recursion. How a choice decides is in `choice`; in which order requests are read is in `modes`.

use std::sync::Arc;

use super::{
    dialect::Dialect,
    model::{ConditionId, Model, Symbol, SymbolId},
    order::Unit,
    request::Wishes,
    syntax::{Name, Type},
    terms::Reader,
    tristate::Tristate,
};

/// Which rule gave a symbol its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// It is a constant, or no file defines it.
    Given,
    /// A request, as far as visibility lets it: the number of the request.
    Requested(u32),
    /// A mode that answers all prompts alike.
    Answered,
    /// Selected above what else would hold.
    Selected,
    /// Implied above its default.
    Implied,
    /// Its default of this number.
    Default(u32),
    /// Nothing says more: off, empty or zero.
    Nothing,
    /// Its choice, which this member won.
    Choice(Option<SymbolId>),
    /// Its range of this number, which the value did not keep.
    Range(u32),
}

/// A symbol's value with what decided it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// The value of a bool or tristate; `n` for all others.
    pub truth: Tristate,
    /// The value of a string or number, a constant's text; `n` for a bool or tristate.
    pub text: Name,
    /// The largest value that a request can get.
    pub visible: Tristate,
    /// The value of its dependencies. Not found for members of a choice.
    pub depends: Tristate,
    /// What it is selected to.
    pub selected: Tristate,
    /// What it is implied to.
    pub implied: Tristate,
    /// It is in `.config`.
    pub written: bool,
    /// What decided the value.
    pub rule: Rule,
}

/// The values of all symbols.
#[derive(Clone, Debug)]
pub struct Values<'m> {
    pub(super) model: &'m Model,
    pub(super) states: Vec<State>,
    conditions: Vec<Tristate>,
    /// Modules exist.
    pub(super) modules: bool,
    /// What `conf` would have warned of while reading requests.
    pub(super) notices: Vec<super::request::Notice>,
}

impl Values<'_> {
    /// Returns the model that these values are of.
    #[must_use]
    pub fn model(&self) -> &Model {
        self.model
    }

    /// Returns a symbol's value and what decided it.
    #[must_use]
    pub fn state(&self, symbol: SymbolId) -> &State {
        &self.states[symbol.index()]
    }

    /// Returns the value of a condition.
    #[must_use]
    pub fn holds(&self, condition: ConditionId) -> Tristate {
        self.conditions[condition.index()]
    }

    /// Returns the value of an expression.
    #[must_use]
    pub fn value(&self, expr: super::terms::ExprId) -> Tristate {
        self.model.terms.value(expr, self, &mut Vec::new())
    }

    /// Returns the value as `.config` has it, without quotes.
    #[must_use]
    pub fn shown(&self, symbol: SymbolId) -> &str {
        self.text(symbol)
    }

    /// Returns what was strange about the requests.
    #[must_use]
    pub fn notices(&self) -> &[super::request::Notice] {
        &self.notices
    }
}

impl Reader for Values<'_> {
    fn truth(&self, symbol: SymbolId) -> Tristate {
        self.states[symbol.index()].truth
    }

    fn text(&self, symbol: SymbolId) -> &str {
        match self.kind(symbol) {
            Some(Type::Bool | Type::Tristate) => self.truth(symbol).letter(),
            _ => &self.states[symbol.index()].text,
        }
    }

    fn kind(&self, symbol: SymbolId) -> Option<Type> {
        self.model.symbols[symbol.index()].kind
    }
}

impl<'m> Values<'m> {
    /// Returns the values before the first is found.
    pub(super) fn new(model: &'m Model) -> Self {
        let [no, empty, zero, hex] = ["n", "", "0", "0x0"].map(Arc::<str>::from);
        let numbers = model.dialect == Dialect::ChoiceMembers;
        let states = model.symbols.iter().zip(0_u32..).map(|(symbol, id)| State {
            truth: if id == 2 {
                Tristate::Yes
            } else if id == 1 {
                Tristate::Module
            } else {
                Tristate::No
            },
            text: match symbol.kind {
                _ if symbol.constant => symbol.name.clone(),
                None => symbol.name.clone(),
                Some(Type::Bool | Type::Tristate) => no.clone(),
                Some(Type::Int) if numbers => zero.clone(),
                Some(Type::Hex) if numbers => hex.clone(),
                Some(Type::Int | Type::Hex | Type::String) => empty.clone(),
            },
            visible: Tristate::No,
            depends: Tristate::No,
            selected: Tristate::No,
            implied: Tristate::No,
            written: false,
            rule: Rule::Given,
        });
        Self {
            model,
            states: states.collect(),
            conditions: vec![Tristate::Yes; model.conditions.len()],
            modules: false,
            notices: Vec::new(),
        }
    }

    /// Finds all values anew. Whether modules exist is, until it is found, as it was: `conf` does so too.
    pub(super) fn find(&mut self, wishes: &mut Wishes) {
        let fresh = Self::new(self.model);
        self.states = fresh.states;
        let mut stack = Vec::new();
        for unit in &self.model.order {
            match *unit {
                Unit::Condition(id) => {
                    let condition = &self.model.conditions[id.index()];
                    let own = match condition.expr {
                        Some(expr) => self.model.terms.value(expr, self, &mut stack),
                        None => Tristate::Yes,
                    };
                    let [one, other] = condition
                        .within
                        .map(|within| self.conditions[within.index()]);
                    self.conditions[id.index()] = own.min(one).min(other);
                }
                Unit::Symbol(id) => {
                    self.symbol(id, wishes);
                    if self.model.modules == Some(id) {
                        self.modules = self.truth(id) != Tristate::No;
                    }
                }
                Unit::Members(id) => self.members(id, wishes),
            }
        }
    }

    /// Finds one value anew, and nothing that follows from it.
    pub(super) fn forget(&mut self, id: SymbolId, wishes: &mut Wishes) {
        self.states[id.index()] = Self::new(self.model).states.swap_remove(id.index());
        self.symbol(id, wishes);
    }

    /// Finds one value.
    pub(super) fn symbol(&mut self, id: SymbolId, wishes: &mut Wishes) {
        let model: &'m Model = self.model;
        let symbol = &model.symbols[id.index()];
        let Some(kind) = symbol
            .kind
            .filter(|_| id > SymbolId::YES && !symbol.constant)
        else {
            return;
        };
        self.look(id);
        self.states[id.index()].written = self.states[id.index()].visible != Tristate::No;
        let default = match kind {
            Type::Bool | Type::Tristate => self.decide_truth(id, wishes),
            Type::Int | Type::Hex | Type::String => self.decide_text(id, wishes),
        };
        self.inherit(id, default, wishes);
        if matches!(kind, Type::Int | Type::Hex) {
            self.keep_range(id, kind);
        }
        if symbol.transitional {
            self.states[id.index()].written = false;
        }
    }

    /// Finds what a symbol's value is made of: visibility, dependencies, who selects and who implies it.
    pub(super) fn look(&mut self, id: SymbolId) {
        let model: &'m Model = self.model;
        let symbol = &model.symbols[id.index()];
        if symbol.transitional {
            self.states[id.index()].visible = Tristate::Yes;
            return;
        }
        let bool = self.is_bool(id);
        let whole = |value: Tristate| {
            if value == Tristate::Module && bool {
                Tristate::Yes
            } else {
                value
            }
        };
        let visible = symbol
            .prompts
            .iter()
            .map(|prompt| self.holds(prompt.when))
            .max()
            .unwrap_or_default();
        self.states[id.index()].visible = whole(visible);
        if symbol.in_choice {
            return;
        }
        // A definition without any dependency counts only where no other has one.
        let depends = symbol
            .definitions
            .iter()
            .map(|definition| definition.depends);
        let depends = depends
            .filter(|depends| *depends != ConditionId::ALWAYS)
            .map(|depends| self.holds(depends))
            .max();
        let links = |links: &[super::model::Link]| {
            links
                .iter()
                .map(|link| self.truth(link.symbol).min(self.holds(link.when)))
                .max()
                .unwrap_or_default()
        };
        let (selected, implied) = (
            whole(links(&symbol.selected_by)),
            whole(links(&symbol.implied_by)),
        );
        let state = &mut self.states[id.index()];
        state.depends = whole(depends.unwrap_or(Tristate::Yes));
        (state.selected, state.implied) = (selected, implied);
    }

    /// Tells whether `m` means `y` for a symbol. Numbers and strings count, as their visibility is never `m`.
    pub(super) fn is_bool(&self, id: SymbolId) -> bool {
        self.kind(id) != Some(Type::Tristate) || !self.modules
    }

    /// Finds a truth value; returns the default that was looked at.
    pub(super) fn decide_truth(&mut self, id: SymbolId, wishes: &Wishes) -> Option<usize> {
        let model: &'m Model = self.model;
        let symbol = &model.symbols[id.index()];
        let wish = wishes.of(id);
        let State {
            visible,
            depends,
            selected,
            implied,
            ..
        } = self.states[id.index()];
        let (mut truth, mut rule, mut written, mut looked) =
            (Tristate::No, Rule::Nothing, visible != Tristate::No, None);
        if visible != Tristate::No && wish.set {
            truth = wish.truth.min(visible);
            rule = wish.rule();
        } else {
            written |= selected != Tristate::No;
            looked = self.default(symbol);
            if let Some(index) = looked {
                let default = symbol.defaults[index];
                truth = self.value(default.value).min(self.holds(default.when));
                written |= truth != Tristate::No;
                rule = Rule::Default(u32::try_from(index).unwrap_or(u32::MAX));
            }
            if implied != Tristate::No {
                written = true;
                if implied > truth {
                    rule = Rule::Implied;
                }
                truth = truth.max(implied).min(depends);
            }
        }
        if selected > truth {
            (truth, rule) = (selected, Rule::Selected);
        }
        if truth == Tristate::Module && self.is_bool(id) {
            truth = Tristate::Yes;
        }
        let state = &mut self.states[id.index()];
        (state.truth, state.rule, state.written) = (truth, rule, written);
        looked
    }

    /// Finds a text or number; returns the default that was looked at.
    fn decide_text(&mut self, id: SymbolId, wishes: &Wishes) -> Option<usize> {
        let model: &'m Model = self.model;
        let symbol = &model.symbols[id.index()];
        let wish = wishes.of(id);
        self.states[id.index()].rule = Rule::Nothing;
        if let Some(text) = wish
            .text
            .as_ref()
            .filter(|_| wish.set && self.states[id.index()].visible != Tristate::No)
        {
            let state = &mut self.states[id.index()];
            (state.text, state.rule) = (text.clone(), wish.rule());
            return None;
        }
        let index = self.default(symbol)?;
        if let super::terms::Shape::Symbol(source) = model.shape(symbol.defaults[index].value) {
            // The value of a bool as text is "n", whatever it is.
            let text = self.states[source.index()].text.clone();
            let state = &mut self.states[id.index()];
            (state.text, state.written) = (text, true);
            state.rule = Rule::Default(u32::try_from(index).unwrap_or(u32::MAX));
        }
        Some(index)
    }

    /// Returns the number of the default that counts.
    fn default(&self, symbol: &Symbol) -> Option<usize> {
        symbol
            .defaults
            .iter()
            .position(|default| self.holds(default.when) != Tristate::No)
    }

    /// A value handed on by a transitional symbol counts as requested from then on.
    fn inherit(&mut self, id: SymbolId, default: Option<usize>, wishes: &mut Wishes) {
        let Some(index) = default.filter(|_| !wishes.of(id).set) else {
            return;
        };
        if let super::terms::Shape::Symbol(source) = self
            .model
            .shape(self.model.symbols[id.index()].defaults[index].value)
            && self.model.symbols[source.index()].transitional
            && wishes.of(source).set
        {
            let (rule, state) = (wishes.of(source).rule, &self.states[id.index()]);
            wishes.put(id, state.truth, Some(state.text.clone()), rule);
        }
    }
}
