//! Where a value comes from: a request, a selector, a default, a range, a choice. Why a value is missing is in `chain`.

use super::{
    super::{
        evaluate::Rule,
        model::{Link, SymbolId},
        syntax::Type,
        terms::Shape,
        tristate::Tristate,
    },
    Kind, Reason,
    chain::{Chain, Detail, SHOWN, Why},
};

impl Chain<'_> {
    /// Why a symbol is on: what decided, then who else selects or implies it.
    pub(super) fn high(&mut self, id: SymbolId) -> Vec<Reason> {
        let name = self.name(id);
        let why = self.why_is(id, Detail::Whole);
        let says = format!("{name} is {}: {}", self.values.shown(id), why.clause);
        let mut because = Vec::new();
        // Whoever reads the request knows that it decides.
        if why.kind != Kind::Request {
            because.push(Reason {
                because: why.because,
                ..Reason::leaf(why.kind, &name, says)
            });
        }
        let symbol = self.values.model().symbol(id);
        for (kind, links, verbs) in [
            (Kind::Select, &symbol.selected_by, ["selects", "select"]),
            (Kind::Imply, &symbol.implied_by, ["implies", "imply"]),
        ] {
            let active = self.active(links);
            if why.kind != kind && !active.is_empty() {
                because.push(Reason::leaf(
                    kind,
                    &name,
                    format!(
                        "{} {} it too",
                        self.list(&active),
                        verbs[usize::from(active.len() > 1)]
                    ),
                ));
            }
        }
        because
    }

    /// Returns why a symbol has its value, if it is on, a number or a string.
    pub(super) fn why_is(&mut self, id: SymbolId, detail: Detail) -> Why {
        let model = self.values.model();
        let symbol = model.symbol(id);
        let state = self.values.state(id);
        let leaf = |kind, clause: String| Why {
            kind,
            clause,
            because: Vec::new(),
        };
        match state.rule {
            Rule::Given => leaf(Kind::Nothing, "that is its name and its value".to_owned()),
            Rule::Nothing => leaf(
                Kind::Nothing,
                "nobody requests it, and it has no default".to_owned(),
            ),
            Rule::Answered if state.truth == Tristate::No => {
                leaf(Kind::Nothing, "nobody requests it".to_owned())
            }
            Rule::Answered => leaf(
                Kind::Nothing,
                "nobody requests it, and the base turns on all it can".to_owned(),
            ),
            Rule::Requested(number) => {
                let request = self.asked.requests.get(number as usize);
                let said = request.map(|request| {
                    format!(
                        "requested {} ({})",
                        request.value,
                        self.asked.place(request.at)
                    )
                });
                leaf(
                    Kind::Request,
                    said.unwrap_or_else(|| "requested".to_owned()),
                )
            }
            Rule::Selected => self.brought(id, Kind::Select, detail),
            Rule::Implied => self.brought(id, Kind::Imply, detail),
            Rule::Default(number) => self.by_default(id, number as usize, detail),
            Rule::Choice(_) => {
                let choice = symbol
                    .choice
                    .map(|choice| model.place(model.choice(choice).at))
                    .unwrap_or_default();
                let by = match self.asked.last(&symbol.name) {
                    Some(request) => format!(
                        "requested {} ({})",
                        request.value,
                        self.asked.place(request.at)
                    ),
                    None => "by its default".to_owned(),
                };
                leaf(
                    Kind::Choice,
                    format!("its choice ({choice}) takes it, {by}"),
                )
            }
            Rule::Range(number) => leaf(Kind::Range, self.range(id, number as usize)),
        }
    }

    /// Why a number or string has its value.
    pub(super) fn text(&mut self, id: SymbolId, kind: Type) -> Vec<Reason> {
        let (model, name) = (self.values.model(), self.name(id));
        let mut because: Vec<Reason> = self.invalid(&name).into_iter().collect();
        let invalid = !because.is_empty();
        let state = self.values.state(id);
        let asked = self.asked.last(&name).is_some();
        if asked && !invalid && state.visible == Tristate::No {
            if model.symbol(id).prompts.is_empty() {
                let says = format!("{name} has no prompt, so a request is without effect");
                because.push(Reason::leaf(Kind::Nothing, &name, says));
            } else {
                because.extend(self.low(id, Tristate::Yes));
            }
        }
        let why = self.why_is(id, Detail::Whole);
        let shown = self.values.shown(id);
        let shown = if kind == Type::String {
            format!("\"{shown}\"")
        } else {
            shown.to_owned()
        };
        let shown = if shown.is_empty() {
            "empty".to_owned()
        } else {
            shown
        };
        let says = format!("{name} is {shown}: {}", why.clause);
        because.push(Reason {
            because: why.because,
            ..Reason::leaf(why.kind, &name, says)
        });
        let range = model
            .symbol(id)
            .ranges
            .iter()
            .position(|range| self.values.holds(range.when) != Tristate::No);
        if let Some(number) = range.filter(|_| !matches!(state.rule, Rule::Range(_))) {
            because.push(Reason::leaf(
                Kind::Range,
                &name,
                format!("its {}", self.bounds(id, number)),
            ));
        }
        because
    }

    /// Says which selectors that are off could turn a symbol on.
    pub(super) fn could_select(&self, id: SymbolId) -> Option<Reason> {
        let symbol = self.values.model().symbol(id);
        let mut off: Vec<Link> = symbol.selected_by.clone();
        off.retain(|link| {
            self.values.state(link.symbol).truth == Tristate::No
                && !self.name(link.symbol).starts_with("the ")
        });
        if off.is_empty() {
            return None;
        }
        let verb = if off.len() == 1 {
            "would select it, but is off"
        } else {
            "would select it, but are off"
        };
        Some(Reason::leaf(
            Kind::Select,
            &symbol.name,
            format!("{} {verb}", self.list(&off)),
        ))
    }

    /// Says who won the choice.
    pub(super) fn choice_went_to(&self, id: SymbolId, winner: SymbolId) -> String {
        let model = self.values.model();
        let at = model
            .symbol(id)
            .choice
            .map(|choice| model.place(model.choice(choice).at))
            .unwrap_or_default();
        let winner = model.symbol(winner);
        let own = self.asked.last(&model.symbol(id).name);
        match (self.asked.last(&winner.name), own) {
            (Some(request), _) if request.value.starts_with('y') => {
                let place = self.asked.place(request.at);
                format!(
                    "its choice ({at}) takes {}, requested y ({place})",
                    winner.name
                )
            }
            (_, Some(own)) if own.value.starts_with('n') => {
                format!(
                    "requested {} ({}), and its choice ({at}) takes {}",
                    own.value,
                    self.asked.place(own.at),
                    winner.name
                )
            }
            _ => format!(
                "its choice ({at}) takes {} by default, and nobody requests another",
                winner.name
            ),
        }
    }

    fn active(&self, links: &[Link]) -> Vec<Link> {
        let on = |link: &&Link| {
            self.values
                .state(link.symbol)
                .truth
                .min(self.values.holds(link.when))
                != Tristate::No
        };
        links.iter().filter(on).copied().collect()
    }

    /// Names the first of some links with their places.
    fn list(&self, links: &[Link]) -> String {
        let named = links.iter().take(SHOWN);
        let named = named.map(|link| {
            format!(
                "{} ({})",
                self.name(link.symbol),
                self.values.model().place(link.at)
            )
        });
        let mut named: Vec<String> = named.collect();
        if links.len() > SHOWN {
            named.push(format!("{} more", links.len() - SHOWN));
        }
        let last = named.pop().unwrap_or_default();
        if named.is_empty() {
            last
        } else {
            format!("{} and {last}", named.join(", "))
        }
    }

    /// Says who selects or implies a symbol, and why those are on.
    fn brought(&mut self, id: SymbolId, kind: Kind, detail: Detail) -> Why {
        let symbol = self.values.model().symbol(id);
        let (links, verb) = match kind {
            Kind::Imply => (&symbol.implied_by, "implied"),
            _ => (&symbol.selected_by, "selected"),
        };
        let active = self.active(links);
        let request = self
            .asked
            .last(&symbol.name)
            .filter(|request| request.value.starts_with('n'));
        let against =
            request.map(|request| format!("requested n ({}), but ", self.asked.place(request.at)));
        let clause = format!(
            "{}{verb} by {}",
            against.unwrap_or_default(),
            self.list(&active)
        );
        let mut because = Vec::new();
        if detail == Detail::Whole && self.enter(id) {
            for link in active.iter().take(SHOWN) {
                let why = self.deeper(|chain| chain.why_is(link.symbol, detail));
                let name = self.name(link.symbol);
                let says = format!(
                    "{name} is {}: {}",
                    self.values.shown(link.symbol),
                    why.clause
                );
                because.push(Reason {
                    because: why.because,
                    request: self.asked.wanted(&name),
                    ..Reason::leaf(why.kind, &name, says)
                });
            }
        }
        Why {
            kind,
            clause,
            because,
        }
    }

    fn by_default(&mut self, id: SymbolId, number: usize, detail: Detail) -> Why {
        let model = self.values.model();
        let Some(default) = model.symbol(id).defaults.get(number).copied() else {
            return Why {
                kind: Kind::Default,
                clause: "its default".to_owned(),
                because: Vec::new(),
            };
        };
        let own = model.condition(default.when);
        let depends = model
            .symbol(id)
            .definitions
            .iter()
            .any(|definition| definition.depends == default.when);
        let condition = own
            .expr
            .filter(|_| !depends)
            .map(|expr| format!(" if {}", model.written(expr)));
        let (value, at) = (model.written(default.value), model.place(default.at));
        let mut clause = format!(
            "its default is {value}{} ({at})",
            condition.unwrap_or_default()
        );
        if let Some(line) = self.macro_at(default.at) {
            clause += &format!(", the answer to `{line}`");
        }
        let mut because = Vec::new();
        if let Shape::Symbol(source) = model.shape(default.value)
            && !model.symbol(source).constant
            && model.symbol(source).kind.is_some()
            && detail == Detail::Whole
            && self.enter(id)
        {
            let why = self.deeper(|chain| chain.why_is(source, detail));
            let name = self.name(source);
            let says = format!("{name} is {}: {}", self.values.shown(source), why.clause);
            because.push(Reason {
                because: why.because,
                request: self.asked.wanted(&name),
                ..Reason::leaf(why.kind, &name, says)
            });
        }
        Why {
            kind: Kind::Default,
            clause,
            because,
        }
    }

    /// Says which bound took the place of a value.
    fn range(&self, id: SymbolId, number: usize) -> String {
        let symbol = self.values.model().symbol(id);
        let asked = self
            .asked
            .last(&symbol.name)
            .filter(|_| self.values.state(id).visible != Tristate::No);
        let was = asked.map_or("its default".to_owned(), |request| {
            format!(
                "requested {} ({})",
                request.value,
                self.asked.place(request.at)
            )
        });
        format!("{was} is outside the {}", self.bounds(id, number))
    }

    fn bounds(&self, id: SymbolId, number: usize) -> String {
        let model = self.values.model();
        let Some(range) = model.symbol(id).ranges.get(number) else {
            return "range".to_owned();
        };
        let bound = |bound: SymbolId| {
            let (name, value) = (&model.symbol(bound).name, self.values.shown(bound));
            if **name == *value {
                value.to_owned()
            } else {
                format!("{name} (which is {value})")
            }
        };
        format!(
            "range {} to {} ({})",
            bound(range.low),
            bound(range.high),
            model.place(range.at)
        )
    }
}
