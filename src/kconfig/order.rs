//! In which order values are found, so that each needs only those before it; and that no symbol depends on itself.

use super::{
    KconfigError, Problem,
    model::{ChoiceId, ConditionId, Model, SymbolId},
};

/// One thing that has a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Unit {
    Symbol(SymbolId),
    Condition(ConditionId),
    /// The members of a choice, which are decided together.
    Members(ChoiceId),
}

/// What is needed first; nothing for a need that may form a circle.
struct Need {
    unit: Unit,
    strict: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    New,
    Open,
    Done,
}

/// Returns all units, each behind what it needs. The symbol that decides about modules comes first with its needs.
///
/// # Errors
///
/// When a symbol depends on itself, with the circle.
pub(super) fn order(model: &Model) -> Result<Vec<Unit>, KconfigError> {
    let mut walk = Walk {
        model,
        marks: vec![Mark::New; model.conditions.len() + model.symbols.len() + model.choices.len()],
        order: Vec::new(),
    };
    let all = (0..)
        .map(SymbolId)
        .take(model.symbols.len())
        .map(|id| walk.unit(id));
    let conditions = (0..)
        .map(ConditionId)
        .take(model.conditions.len())
        .map(Unit::Condition);
    let first = model.modules.map(|id| walk.unit(id));
    let roots: Vec<Unit> = first.into_iter().chain(all).chain(conditions).collect();
    let mut problems = Vec::new();
    for root in roots {
        if let Some(circle) = walk.visit(root) {
            problems.push(problem(model, &circle));
            break;
        }
    }
    if problems.is_empty() {
        Ok(walk.order)
    } else {
        Err(KconfigError::Syntax { problems })
    }
}

struct Walk<'m> {
    model: &'m Model,
    marks: Vec<Mark>,
    order: Vec<Unit>,
}

impl Walk<'_> {
    /// Visits a unit and all it needs, without recursion. Returns the circle when there is one.
    fn visit(&mut self, root: Unit) -> Option<Vec<Unit>> {
        let mut path: Vec<(Unit, Vec<Need>)> = Vec::new();
        let mut next = Some(root);
        loop {
            if let Some(unit) = next.take() {
                let at = self.index(unit);
                if self.marks[at] == Mark::New {
                    self.marks[at] = Mark::Open;
                    let mut needs = self.needs(unit);
                    needs.reverse();
                    path.push((unit, needs));
                }
            }
            let (unit, needs) = path.last_mut()?;
            match needs.pop() {
                Some(need) => {
                    let open = self.marks[self.index(need.unit)] == Mark::Open;
                    if !open {
                        next = Some(need.unit);
                    } else if need.strict {
                        let from = path.iter().position(|(unit, _)| *unit == need.unit)?;
                        return Some(path[from..].iter().map(|(unit, _)| *unit).collect());
                    }
                }
                None => {
                    let unit = *unit;
                    let at = self.index(unit);
                    self.marks[at] = Mark::Done;
                    self.order.push(unit);
                    path.pop();
                }
            }
            if path.is_empty() && next.is_none() {
                return None;
            }
        }
    }

    fn index(&self, unit: Unit) -> usize {
        match unit {
            Unit::Condition(id) => id.index(),
            Unit::Symbol(id) => self.model.conditions.len() + id.index(),
            Unit::Members(id) => {
                self.model.conditions.len() + self.model.symbols.len() + id.index()
            }
        }
    }

    fn unit(&self, id: SymbolId) -> Unit {
        self.model
            .symbol(id)
            .choice
            .map_or(Unit::Symbol(id), Unit::Members)
    }

    fn needs(&self, unit: Unit) -> Vec<Need> {
        let model = self.model;
        let mut needs = Needs {
            walk: self,
            found: Vec::new(),
        };
        match unit {
            Unit::Condition(id) => {
                let condition = model.condition(id);
                condition
                    .within
                    .iter()
                    .for_each(|within| needs.condition(*within));
                if let Some(expr) = condition.expr {
                    model
                        .mentioned(expr)
                        .for_each(|symbol| needs.symbol(symbol));
                }
            }
            Unit::Symbol(id) => needs.rules(id),
            Unit::Members(id) => {
                let choice = model.choice(id);
                needs.symbol(choice.symbol);
                choice
                    .defaults
                    .iter()
                    .for_each(|default| needs.condition(default.when));
                for member in &choice.members {
                    needs.rules(*member);
                }
            }
        }
        needs.found
    }
}

struct Needs<'w, 'm> {
    walk: &'w Walk<'m>,
    found: Vec<Need>,
}

impl Needs<'_, '_> {
    fn condition(&mut self, id: ConditionId) {
        if id != ConditionId::ALWAYS {
            self.found.push(Need {
                unit: Unit::Condition(id),
                strict: true,
            });
        }
    }

    fn symbol(&mut self, id: SymbolId) {
        if id > SymbolId::YES {
            self.found.push(Need {
                unit: self.walk.unit(id),
                strict: true,
            });
        }
    }

    fn rules(&mut self, id: SymbolId) {
        let symbol = self.walk.model.symbol(id);
        symbol
            .definitions
            .iter()
            .for_each(|definition| self.condition(definition.depends));
        for link in symbol.selected_by.iter().chain(&symbol.implied_by) {
            self.symbol(link.symbol);
            self.condition(link.when);
        }
        symbol
            .prompts
            .iter()
            .for_each(|prompt| self.condition(prompt.when));
        for default in &symbol.defaults {
            self.condition(default.when);
            self.walk
                .model
                .mentioned(default.value)
                .for_each(|mentioned| self.symbol(mentioned));
        }
        for range in &symbol.ranges {
            self.condition(range.when);
            for bound in [range.low, range.high] {
                self.found.push(Need {
                    unit: self.walk.unit(bound),
                    strict: false,
                });
            }
        }
    }
}

/// Says who is in the circle, and where the first of them is defined.
fn problem(model: &Model, circle: &[Unit]) -> Problem {
    const SHOWN: usize = 12;
    let mut names: Vec<String> = Vec::new();
    let mut at = None;
    for unit in circle {
        let (name, place) = match unit {
            Unit::Symbol(id) => {
                let symbol = model.symbol(*id);
                (
                    symbol.name.to_string(),
                    symbol.definitions.first().map(|definition| definition.at),
                )
            }
            Unit::Members(id) => (
                format!("the choice at {}", model.place(model.choice(*id).at)),
                Some(model.choice(*id).at),
            ),
            Unit::Condition(_) => continue,
        };
        at = at.or(place);
        names.push(name);
    }
    let first = names.first().cloned().unwrap_or_default();
    let more = names.len().saturating_sub(SHOWN);
    names.truncate(SHOWN);
    names.push(if more > 0 {
        format!("… ({more} more) …, which needs {first}")
    } else {
        first
    });
    let at = at.unwrap_or_default();
    Problem {
        file: model.files.get(at.file as usize).cloned().unwrap_or_default(),
        line: at.line,
        says: format!("a symbol depends on itself: {}", names.join(" needs ")),
        help: Some("break the circle: turn one `select` into `depends on`, or drop one of the dependencies".to_owned()),
    }
}
