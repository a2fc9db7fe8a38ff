//! Says of one operand of a condition why it does not hold, and of `||` which alternatives there are. Which operands are
//! in question is known in `chain`.

use super::{
    super::{
        model::SymbolId,
        syntax::{Place, Type},
        terms::{ExprId, Shape},
        tristate::Tristate,
    },
    Kind, Reason, Wanted,
    chain::{Chain, Detail, SHOWN, written},
};

/// A part of a condition, with what it belongs to.
pub(super) struct Part<'a> {
    pub(super) owner: String,
    pub(super) manner: &'a str,
    pub(super) at: Place,
    pub(super) wanted: Tristate,
}

impl Chain<'_> {
    /// Says why one operand does not hold.
    pub(super) fn operand(&mut self, part: &Part<'_>, expr: ExprId) -> Reason {
        let model = self.values.model();
        let (condition, at) = (model.written(expr), model.place(part.at));
        let bound = format!("{} {} {condition} ({at})", part.owner, part.manner);
        let (clause, because) = match model.shape(expr) {
            Shape::Symbol(id) if id <= SymbolId::YES || model.symbol(id).constant => {
                (self.constant(part.at), Vec::new())
            }
            Shape::Symbol(id) => {
                let why = self.deeper(|chain| chain.why_low(id, part.wanted, Detail::Whole));
                (
                    format!(", which is {}: {}", self.values.shown(id), why.clause),
                    why.because,
                )
            }
            Shape::Or(..) => (
                ", and neither holds".to_owned(),
                self.deeper(|chain| chain.alternatives(expr, part.wanted)),
            ),
            _ => {
                let (clause, because) = self.state_of(expr, part.wanted, Detail::Whole);
                (format!(", but {clause}"), because)
            }
        };
        Reason {
            kind: Kind::Unmet,
            symbol: part.owner.clone(),
            condition: Some(condition),
            at: Some(at),
            request: self.blamed(expr),
            says: bound + &clause,
            because,
        }
    }

    /// Tells each operand of `||` in brief; the only one that can reasonably be had is followed.
    fn alternatives(&mut self, expr: ExprId, wanted: Tristate) -> Vec<Reason> {
        let model = self.values.model();
        let (mut all, mut rest) = (Vec::new(), vec![expr]);
        while let Some(expr) = rest.pop() {
            match model.shape(expr) {
                Shape::Or(left, right) => rest.extend([right, left]),
                _ => all.push(expr),
            }
        }
        let idle = |expr: &ExprId| {
            let mut named = model.mentioned(*expr).map(|id| model.symbol(id));
            named.any(|symbol| {
                symbol.kind.is_none() || matches!(&*symbol.name, "COMPILE_TEST" | "BROKEN")
            })
        };
        let able: Vec<ExprId> = all.iter().copied().filter(|expr| !idle(expr)).collect();
        let told = if able.is_empty() { &all } else { &able };
        let detail = if told.len() == 1 {
            Detail::Whole
        } else {
            Detail::Brief
        };
        let mut because = Vec::new();
        for expr in told.iter().take(SHOWN) {
            let (says, behind) = self.state_of(*expr, wanted, detail);
            let condition = model.written(*expr);
            let leaf = Reason::leaf(Kind::Alternative, &condition, says);
            because.push(Reason {
                condition: Some(condition.clone()),
                request: self.blamed(*expr),
                because: behind,
                ..leaf
            });
        }
        if told.len() > SHOWN {
            let says = format!("nor does any of {} more", told.len() - SHOWN);
            because.push(Reason::leaf(Kind::Alternative, &model.written(expr), says));
        }
        because
    }

    /// Says what an expression that does not hold comes to: `X is n: nobody requests it`.
    fn state_of(
        &mut self,
        expr: ExprId,
        wanted: Tristate,
        detail: Detail,
    ) -> (String, Vec<Reason>) {
        let model = self.values.model();
        match model.shape(expr) {
            Shape::Symbol(id) => {
                let why = self.deeper(|chain| chain.why_low(id, wanted, detail));
                (
                    format!(
                        "{} is {}: {}",
                        self.name(id),
                        self.values.shown(id),
                        why.clause
                    ),
                    why.because,
                )
            }
            Shape::Not(inner) => match model.shape(inner) {
                Shape::Symbol(id) => self.state_of_high(id, detail),
                _ => (format!("{} holds", model.written(inner)), Vec::new()),
            },
            Shape::Compare(_, left, right) => {
                match [left, right].into_iter().find(|id| !self.is_fixed(*id)) {
                    Some(id) if self.is_off(id) => {
                        let why = self.deeper(|chain| chain.why_low(id, wanted, detail));
                        (
                            format!("{} is n: {}", self.name(id), why.clause),
                            why.because,
                        )
                    }
                    Some(id) => self.state_of_high(id, detail),
                    None => (format!("{} is false", model.written(expr)), Vec::new()),
                }
            }
            Shape::And(..) => {
                let conjuncts = model.conjuncts(expr);
                let low = conjuncts
                    .into_iter()
                    .find(|operand| self.values.value(*operand) < wanted);
                let (says, because) = low.map_or_else(Default::default, |operand| {
                    self.state_of(operand, wanted, detail)
                });
                (says, because)
            }
            Shape::Or(..) => (format!("none of {} holds", model.written(expr)), Vec::new()),
        }
    }

    fn state_of_high(&mut self, id: SymbolId, detail: Detail) -> (String, Vec<Reason>) {
        let why = self.deeper(|chain| chain.why_is(id, detail));
        let value = self.values.shown(id);
        let value = if value.is_empty() { "empty" } else { value };
        (
            format!("{} is {value}: {}", self.name(id), why.clause),
            why.because,
        )
    }

    /// Returns the request for the symbol that an expression is about.
    fn blamed(&self, expr: ExprId) -> Option<Wanted> {
        let model = self.values.model();
        let id = match model.shape(expr) {
            Shape::Symbol(id) => id,
            Shape::Not(inner) => return self.blamed(inner),
            Shape::Compare(_, left, right) => {
                [left, right].into_iter().find(|id| !self.is_fixed(*id))?
            }
            Shape::And(..) | Shape::Or(..) => return None,
        };
        self.asked.wanted(&model.symbol(id).name)
    }

    fn is_off(&self, id: SymbolId) -> bool {
        let truth = matches!(
            self.values.model().symbol(id).kind,
            Some(Type::Bool | Type::Tristate)
        );
        truth && self.values.state(id).truth == Tristate::No
    }

    fn is_fixed(&self, id: SymbolId) -> bool {
        let symbol = self.values.model().symbol(id);
        symbol.constant || symbol.kind.is_none()
    }

    /// A constant stands where a macro was expanded, unless somebody wrote it.
    fn constant(&self, at: Place) -> String {
        match written(self.values.model(), self.knowledge, at) {
            Some(line) if line.contains("$(") => format!(", the answer to `{line}`"),
            Some(line) => format!(", written `{line}`"),
            None => ", written so or a macro's answer".to_owned(),
        }
    }
}
