//! Tries ways until the evaluator says that one works, then drops every line that is not needed, and looks whether another
//! way costs less. Nothing is offered that was not evaluated as it is offered.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    super::{
        dotconfig::Request,
        evaluate::Values,
        explain::{self, Asked},
        model::SymbolId,
        modes::{Base, evaluate},
        syntax::{Name, Place, Type},
        tristate::Tristate,
    },
    Assigned, Limits,
    cost::{self, Costs, Lines},
    graph::{Graph, Obstacle},
};

/// So often is a way that did not work mended.
const MENDED: usize = 6;
/// So many lost requests are tried to be kept.
const KEPT: usize = 3;
/// So many other ways are looked at once one works.
const OTHERS: usize = 12;

/// Lines that work.
#[derive(Clone, Debug)]
pub(super) struct Verified {
    pub(super) lines: Lines,
    /// The requests, by their number, that are met without these lines and not with them.
    pub(super) lost: Vec<usize>,
    /// How many symbols are on that were off.
    raised: usize,
}

/// A search for one goal.
pub(super) struct Search<'a> {
    pub(super) values: &'a Values<'a>,
    pub(super) asked: Asked<'a>,
    base: Base,
    limits: Limits,
    pub(super) goal: SymbolId,
    value: Assigned,
    /// The requests that count, by symbol: number and value.
    pub(super) requested: BTreeMap<SymbolId, (usize, Assigned)>,
    /// The requests that are met.
    met: Vec<(usize, SymbolId, Type)>,
    /// How often each symbol stands in a condition.
    mentions: Vec<u32>,
    pub(super) evaluations: u32,
    pub(super) obstacles: BTreeSet<Obstacle>,
}

impl<'a> Search<'a> {
    pub(super) fn new(
        values: &'a Values<'a>,
        asked: Asked<'a>,
        base: Base,
        limits: Limits,
        goal: SymbolId,
        value: Assigned,
    ) -> Self {
        let model = values.model();
        let mut requested = BTreeMap::new();
        for (number, request) in asked.requests.iter().enumerate() {
            if let Some(id) = model.find(&request.name)
                && let Some(kind) = model.symbol(id).kind
                && let Some(value) = Assigned::read(kind, &request.value)
            {
                requested.insert(id, (number, value));
            }
        }
        let met = requested.iter().filter_map(|(id, (number, value))| {
            let kind = model.symbol(*id).kind?;
            explain::is_met(values, *id, kind, &value.written()).then_some((*number, *id, kind))
        });
        let met = met.collect();
        Self {
            values,
            asked,
            base,
            limits,
            goal,
            value,
            requested,
            met,
            mentions: cost::mentions(model),
            evaluations: 0,
            obstacles: BTreeSet::new(),
        }
    }

    /// Returns the best lines that work.
    pub(super) fn run(&mut self) -> Option<Verified> {
        let mut banned = BTreeSet::new();
        let mut best = loop {
            match self.way(&banned) {
                Ok(verified) => break self.finished(verified, &banned),
                // What was written and had no effect is not tried again.
                Err(idle) => {
                    let before = banned.len();
                    banned.extend(idle);
                    if banned.len() == before || self.is_over() {
                        return None;
                    }
                }
            }
        };
        let others: Vec<SymbolId> = best
            .lines
            .iter()
            .map(|(id, _)| *id)
            .filter(|id| *id != self.goal)
            .collect();
        for other in others.into_iter().rev().take(OTHERS) {
            if self.is_over() {
                break;
            }
            let mut without = banned.clone();
            without.insert(other);
            if let Ok(verified) = self.way(&without) {
                let verified = self.finished(verified, &without);
                if self.rank(&verified) < self.rank(&best) {
                    best = verified;
                }
            }
        }
        Some(best)
    }

    fn is_over(&self) -> bool {
        self.evaluations >= self.limits.evaluations
    }

    /// Fewer lost requests are better, then fewer changed ones, cheaper lines, fewer symbols.
    fn rank(&self, verified: &Verified) -> (usize, u32, usize) {
        let (model, requested) = (self.values.model(), self.now());
        let lines = verified.lines.iter();
        let costs =
            lines.map(|(id, value)| cost::line(*id, value, model, &requested, &self.mentions));
        (
            verified.lost.len(),
            costs.fold(0, u32::saturating_add),
            verified.raised,
        )
    }

    /// Returns what is requested now.
    fn now(&self) -> BTreeMap<SymbolId, Assigned> {
        self.requested
            .iter()
            .map(|(id, (_, value))| (*id, value.clone()))
            .collect()
    }

    /// Finds one way that works, without writing what is banned. The error says what had no effect.
    fn way(&mut self, banned: &BTreeSet<SymbolId>) -> Result<Verified, Vec<SymbolId>> {
        let mut lines = Lines::new();
        let mut idle = Vec::new();
        let mut last: Option<Values<'a>> = None;
        for _ in 0..MENDED {
            let values = last.as_ref().unwrap_or(self.values);
            let more = match self.lines(values, self.goal, &self.value, &lines, banned) {
                Ok(more) => more,
                Err(obstacles) => {
                    if banned.is_empty() && self.obstacles.is_empty() {
                        self.obstacles = obstacles;
                    }
                    return Err(idle);
                }
            };
            let before = lines.clone();
            for (id, value) in more {
                // A request that stands as it is needs no line.
                if self
                    .requested
                    .get(&id)
                    .is_some_and(|(_, now)| *now == value)
                {
                    lines.retain(|(symbol, _)| *symbol != id);
                    continue;
                }
                match lines.iter_mut().find(|(symbol, _)| *symbol == id) {
                    Some((_, now)) => *now = value,
                    None => lines.push((id, value)),
                }
            }
            if lines == before || self.is_over() {
                return Err(idle);
            }
            let values = self.evaluated(&lines);
            if let Some(verified) = self.verified(&lines, &values) {
                return Ok(verified);
            }
            idle = self.without_effect(&lines, &values);
            last = Some(values);
        }
        Err(idle)
    }

    /// Returns the cheapest lines that should lead from these values to a goal. `written` counts as requested.
    /// The error says what stands in the way.
    fn lines(
        &self,
        values: &Values<'_>,
        goal: SymbolId,
        value: &Assigned,
        written: &Lines,
        banned: &BTreeSet<SymbolId>,
    ) -> Result<Lines, BTreeSet<Obstacle>> {
        let mut requested = self.now();
        requested.extend(written.iter().cloned());
        let graph = Graph::new(values, goal, value, banned);
        let costs = Costs::new(&graph.parts, values.model(), &requested, &self.mentions);
        let lines = costs.lines(&graph.parts);
        lines.ok_or_else(|| costs.obstacles(&graph.parts))
    }

    /// Returns the symbols of lines that the evaluator did not follow, and the goal where it did not matter.
    fn without_effect(&self, lines: &Lines, values: &Values<'_>) -> Vec<SymbolId> {
        let model = values.model();
        let idle = lines.iter().filter(|(id, value)| {
            let kind = model.symbol(*id).kind;
            *id != self.goal
                && kind.is_some_and(|kind| !explain::is_met(values, *id, kind, &value.written()))
        });
        let idle: Vec<SymbolId> = idle.map(|(id, _)| *id).collect();
        if !idle.is_empty() {
            return idle;
        }
        lines
            .iter()
            .rev()
            .map(|(id, _)| *id)
            .find(|id| *id != self.goal)
            .into_iter()
            .collect()
    }

    /// Gives lost requests back where lines can do that, and drops what is not needed.
    fn finished(&mut self, verified: Verified, banned: &BTreeSet<SymbolId>) -> Verified {
        let kept = self.kept(verified, banned);
        self.minimised(kept)
    }

    /// Adds lines that keep requests from being lost: `KASAN` loses `VMAP_STACK`, except with `KASAN_VMALLOC`.
    fn kept(&mut self, mut verified: Verified, banned: &BTreeSet<SymbolId>) -> Verified {
        for number in verified.lost.iter().copied().take(KEPT).collect::<Vec<_>>() {
            let known = self
                .requested
                .iter()
                .find(|(_, (request, _))| *request == number);
            let Some((id, value)) = known.map(|(id, (_, value))| (*id, value.clone())) else {
                continue;
            };
            if self.is_over() {
                break;
            }
            let values = self.evaluated(&verified.lines);
            let Ok(more) = self.lines(&values, id, &value, &verified.lines, banned) else {
                continue;
            };
            let mut lines = verified.lines.clone();
            lines.retain(|(id, _)| !more.iter().any(|(more, _)| more == id));
            let changes = more
                .iter()
                .any(|(id, value)| self.requested.get(id).is_some_and(|(_, now)| now != value));
            lines.extend(
                more.into_iter()
                    .filter(|(id, _)| !self.requested.contains_key(id)),
            );
            if changes {
                continue;
            }
            let values = self.evaluated(&lines);
            if let Some(better) = self.verified(&lines, &values)
                && better.lost.len() < verified.lost.len()
            {
                verified = better;
            }
        }
        verified
    }

    /// Drops each line without which the rest works as well, the most surprising ones first.
    fn minimised(&mut self, mut verified: Verified) -> Verified {
        let mut at = verified.lines.len();
        while at > 0 && verified.lines.len() > 1 && !self.is_over() {
            at -= 1;
            let mut lines = verified.lines.clone();
            lines.remove(at);
            let values = self.evaluated(&lines);
            if let Some(less) = self.verified(&lines, &values)
                && less.lost.len() <= verified.lost.len()
            {
                verified = less;
            }
        }
        verified
    }

    /// Returns the lines as verified if the goal is reached and depends on nothing that is off.
    fn verified(&self, lines: &Lines, values: &Values<'_>) -> Option<Verified> {
        let model = values.model();
        let symbol = model.symbol(self.goal);
        let kind = symbol.kind?;
        if !explain::is_met(values, self.goal, kind, &self.value.written()) {
            return None;
        }
        let state = values.state(self.goal);
        if state.truth != Tristate::No && symbol.choice.is_none() && state.depends < state.truth {
            return None;
        }
        let changed = |id: &SymbolId| lines.iter().any(|(symbol, _)| symbol == id);
        let lost = self.met.iter().filter(|(number, id, kind)| {
            let request = &self.asked.requests[*number];
            !changed(id) && !explain::is_met(values, *id, *kind, &request.value)
        });
        let lost = lost.map(|(number, ..)| *number).collect();
        let raised = model
            .symbols()
            .filter(|(id, _)| self.is_raised(*id, values))
            .count();
        Some(Verified {
            lines: lines.clone(),
            lost,
            raised,
        })
    }

    pub(super) fn is_raised(&self, id: SymbolId, values: &Values<'_>) -> bool {
        self.values.state(id).truth == Tristate::No && values.state(id).truth != Tristate::No
    }

    /// Evaluates the requests with these lines: a line for a requested symbol changes that request where it stands.
    pub(super) fn evaluated(&mut self, lines: &Lines) -> Values<'a> {
        self.evaluations += 1;
        let model = self.values.model();
        let mut requests = self.asked.requests.to_vec();
        for (id, value) in lines {
            let value = value.written();
            match self.requested.get(id) {
                Some((number, _)) => requests[*number].value = value,
                None => {
                    let name = Name::clone(&model.symbol(*id).name);
                    requests.push(Request {
                        name,
                        value,
                        at: Place {
                            file: u32::MAX,
                            line: 0,
                        },
                    });
                }
            }
        }
        evaluate(model, self.base, &requests)
    }
}
