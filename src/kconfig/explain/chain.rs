//! Follows what does not hold down to the symbol that is really off, and says who turned it off or that nobody turned it
//! on. Each symbol is followed once; a chain that grows long is cut.

use std::collections::BTreeSet;

use super::{
    super::{
        evaluate::{Rule, Values},
        model::{ConditionId, Link, Model, SymbolId},
        syntax::Place,
        tristate::Tristate,
    },
    Asked, Kind, Knowledge, Reason,
    manner::Manner,
    operand::Part,
};

/// So many steps may a chain have.
const DEEPEST: usize = 9;
/// So many selectors or alternatives are told one by one.
pub(super) const SHOWN: usize = 3;

/// Why a symbol is as it is, said after its value: `X is n: …`.
pub(super) struct Why {
    pub(super) kind: Kind,
    pub(super) clause: String,
    pub(super) because: Vec<Reason>,
}

/// How much is told.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Detail {
    /// With the reasons behind it.
    Whole,
    /// The first reason alone.
    Brief,
}

/// The state of one explanation.
pub(super) struct Chain<'a> {
    pub(super) values: &'a Values<'a>,
    pub(super) asked: Asked<'a>,
    pub(super) knowledge: Knowledge<'a>,
    seen: BTreeSet<SymbolId>,
    /// Expressions that do not hold and are told already.
    told: BTreeSet<String>,
    depth: usize,
}

impl<'a> Chain<'a> {
    pub(super) fn new(values: &'a Values<'a>, asked: Asked<'a>, knowledge: Knowledge<'a>) -> Self {
        Self {
            values,
            asked,
            knowledge,
            seen: BTreeSet::new(),
            told: BTreeSet::new(),
            depth: 0,
        }
    }

    /// Returns the name of a symbol; choices have none of their own.
    pub(super) fn name(&self, id: SymbolId) -> String {
        let symbol = self.values.model().symbol(id);
        match symbol.prompts.first() {
            Some(prompt) if symbol.name.starts_with('<') => {
                format!("the choice \"{}\"", prompt.text)
            }
            _ => symbol.name.to_string(),
        }
    }

    /// Why the symbol is lower than the value that is aimed at.
    pub(super) fn low(&mut self, id: SymbolId, aim: Tristate) -> Vec<Reason> {
        let name = self.name(id);
        let why = self.why_low(id, aim, Detail::Whole);
        let mut because = if why.kind == Kind::Unmet && !why.because.is_empty() {
            why.because
        } else {
            let says = format!("{name}: {}", why.clause);
            vec![Reason {
                because: why.because,
                ..Reason::leaf(why.kind, &name, says)
            }]
        };
        if !self.values.model().symbol(id).prompts.is_empty() {
            because.extend(self.could_select(id));
        }
        because
    }

    /// Returns why a symbol is lower than wanted.
    pub(super) fn why_low(&mut self, id: SymbolId, wanted: Tristate, detail: Detail) -> Why {
        let model = self.values.model();
        let symbol = model.symbol(id);
        let leaf = |kind, clause: String| Why {
            kind,
            clause,
            because: Vec::new(),
        };
        if symbol.kind.is_none() {
            let versions = (self.knowledge.versions)(&symbol.name);
            let had = versions
                .map(|versions| format!("; Linux {versions} had it"))
                .unwrap_or_default();
            return leaf(
                Kind::Nothing,
                format!("no file that this architecture reads defines it{had}"),
            );
        }
        let state = self.values.state(id);
        if let Rule::Choice(Some(winner)) = state.rule
            && state.visible != Tristate::No
        {
            return leaf(Kind::Choice, self.choice_went_to(id, winner));
        }
        let request = self.asked.last(&symbol.name);
        let place = |at| self.asked.place(at);
        if state.visible >= self.enough(id, wanted) {
            return match request {
                Some(request) => leaf(
                    Kind::Request,
                    format!("requested {} ({})", request.value, place(request.at)),
                ),
                None => leaf(Kind::Nothing, "nobody requests it".to_owned()),
            };
        }
        let follow = detail == Detail::Whole && self.depth < DEEPEST;
        let known = follow && !self.seen.insert(id);
        if symbol.prompts.is_empty() {
            let speaks = (symbol.selected_by.is_empty(), symbol.defaults.is_empty());
            let clause = match speaks {
                (true, true) => "it has no prompt and no default, and nothing selects it",
                (true, false) => "it has no prompt",
                (false, _) => "it has no prompt, and nothing that is on selects it",
            };
            let because = if known || !follow {
                Vec::new()
            } else {
                self.without_prompt(id, wanted)
            };
            let as_above = if known { ", as said above" } else { "" };
            return Why {
                kind: Kind::Nothing,
                clause: clause.to_owned() + as_above,
                because,
            };
        }
        let clause = match request {
            Some(request) => format!("requested {} ({})", request.value, place(request.at)),
            None => "nobody requests it".to_owned(),
        };
        if known {
            return leaf(Kind::Unmet, clause + ", as said above");
        }
        if !follow {
            return leaf(Kind::Unmet, clause + ", and what it depends on is off");
        }
        let prompts: Vec<_> = symbol.prompts.iter().map(|prompt| prompt.when).collect();
        let because = self.nearest_unmet(id, &prompts, "has a prompt only if", wanted);
        let above = if because.is_empty() {
            ", and waits for what is said above"
        } else {
            ""
        };
        Why {
            kind: Kind::Unmet,
            clause: clause + above,
            because,
        }
    }

    /// For a bool, `m` is enough to be `y`.
    fn enough(&self, id: SymbolId, wanted: Tristate) -> Tristate {
        if self.values.is_bool(id) {
            wanted.min(Tristate::Module)
        } else {
            wanted
        }
    }

    /// Without a prompt, defaults and selectors decide.
    fn without_prompt(&mut self, id: SymbolId, wanted: Tristate) -> Vec<Reason> {
        let model = self.values.model();
        let (symbol, name) = (model.symbol(id), self.name(id));
        let enough = self.enough(id, wanted);
        let mut because = Vec::new();
        let whens: Vec<_> = symbol.defaults.iter().map(|default| default.when).collect();
        match symbol
            .defaults
            .iter()
            .find(|default| self.values.holds(default.when) >= enough)
        {
            Some(default) => {
                let part = Part {
                    owner: name.clone(),
                    manner: "has the default",
                    at: default.at,
                    wanted: enough,
                };
                because.push(self.operand(&part, default.value));
            }
            None if !whens.is_empty() => {
                because.extend(self.nearest_unmet(id, &whens, "has its default only if", enough))
            }
            None => {
                let depends: Vec<_> = symbol
                    .definitions
                    .iter()
                    .map(|definition| definition.depends)
                    .collect();
                because.extend(self.nearest_unmet(id, &depends, "depends on", enough));
            }
        }
        let mut links: Vec<Link> = symbol.selected_by.clone();
        links.sort_by_key(|link| (self.missing(link, enough), link.symbol));
        let few = if links.len() == 1 {
            Detail::Whole
        } else {
            Detail::Brief
        };
        because.extend(
            links
                .iter()
                .take(SHOWN)
                .map(|link| self.selector(&name, link, enough, few)),
        );
        if links.len() > SHOWN {
            let says = format!("{} more would select {name}", links.len() - SHOWN);
            because.push(Reason::leaf(Kind::Select, &name, says));
        }
        because
    }

    /// Says why a selector does not select.
    fn selector(&mut self, name: &str, link: &Link, wanted: Tristate, detail: Detail) -> Reason {
        let (owner, at) = (self.name(link.symbol), self.values.model().place(link.at));
        if self.values.state(link.symbol).truth >= wanted {
            let mut unmet = self.unmet(
                link.symbol,
                link.when,
                &format!("selects {name} only if"),
                wanted,
            );
            if !unmet.is_empty() {
                return unmet.swap_remove(0);
            }
        }
        let value = self.values.shown(link.symbol).to_owned();
        let why = self.deeper(|chain| chain.why_low(link.symbol, wanted, detail));
        let says = format!(
            "{owner} would select {name} ({at}), but is {value}: {}",
            why.clause
        );
        Reason {
            at: Some(at),
            because: why.because,
            request: self.asked.wanted(&owner),
            ..Reason::leaf(Kind::Select, &owner, says)
        }
    }

    /// Counts what is missing for a selector to select.
    fn missing(&self, link: &Link, wanted: Tristate) -> usize {
        let symbol = self.values.model().symbol(link.symbol);
        let prompts = symbol
            .prompts
            .iter()
            .map(|prompt| self.count_unmet(prompt.when, wanted))
            .min();
        self.count_unmet(link.when, wanted) + prompts.unwrap_or(100)
    }

    fn count_unmet(&self, condition: ConditionId, wanted: Tristate) -> usize {
        let parts = self.values.model().parts(condition);
        parts
            .iter()
            .filter(|(expr, _)| self.values.value(*expr) < wanted)
            .count()
    }

    /// Says what is missing for the condition that is nearest to holding.
    fn nearest_unmet(
        &mut self,
        id: SymbolId,
        any: &[ConditionId],
        otherwise: &str,
        wanted: Tristate,
    ) -> Vec<Reason> {
        let enough = self.enough(id, wanted);
        let nearest = any
            .iter()
            .copied()
            .min_by_key(|condition| self.count_unmet(*condition, enough));
        nearest
            .map(|condition| self.unmet(id, condition, otherwise, enough))
            .unwrap_or_default()
    }

    /// Says which operands of the `&&` at the top of a condition's parts do not hold, and why.
    fn unmet(
        &mut self,
        id: SymbolId,
        condition: ConditionId,
        otherwise: &str,
        wanted: Tristate,
    ) -> Vec<Reason> {
        let model = self.values.model();
        let manner = Manner::new(model, id);
        let owner = self.name(id);
        let mut because = Vec::new();
        for (expr, at) in model.parts(condition) {
            for operand in model.conjuncts(expr) {
                if self.values.value(operand) < wanted && self.told.insert(model.written(operand)) {
                    let manner = manner.of(expr, otherwise);
                    let part = Part {
                        owner: owner.clone(),
                        manner,
                        at,
                        wanted,
                    };
                    because.push(self.operand(&part, operand));
                }
            }
        }
        because
    }

    /// Returns the line at a place if a macro is expanded there.
    pub(super) fn macro_at(&self, at: Place) -> Option<String> {
        written(self.values.model(), self.knowledge, at).filter(|line| line.contains("$("))
    }

    pub(super) fn deeper<T>(&mut self, follow: impl FnOnce(&mut Self) -> T) -> T {
        self.depth += 1;
        let found = follow(self);
        self.depth -= 1;
        found
    }

    /// Marks a symbol as followed. Returns whether it may be followed now.
    pub(super) fn enter(&mut self, id: SymbolId) -> bool {
        self.depth < DEEPEST && self.seen.insert(id)
    }
}

/// Returns the line at a place of the tree as it is written, trimmed.
pub(in super::super) fn written(
    model: &Model,
    knowledge: Knowledge<'_>,
    at: Place,
) -> Option<String> {
    let place = model.place(at);
    let (file, _) = place.rsplit_once(':')?;
    let line = (knowledge.line)(file, at.line)?;
    let line = line.trim();
    (!line.is_empty()).then(|| line.to_owned())
}
