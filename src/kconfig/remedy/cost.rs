//! Which way through a graph is the cheapest: few lines, no change of what is requested, nothing surprising. Whether it
//! works is not known here.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    super::{
        model::{Model, SymbolId},
        tristate::Tristate,
    },
    Assigned,
    graph::{Obstacle, Part},
};

/// The cost of what cannot be had.
const NEVER: u32 = u32::MAX;
/// A line.
const LINE: u32 = 16;
/// A line that changes a request.
const CHANGE: u32 = 4_000;

/// Costs of all parts of a graph, and for each `Any` the part to take.
pub(super) struct Costs {
    costs: Vec<u32>,
    taken: Vec<usize>,
}

/// Lines to write: prerequisites first.
pub(super) type Lines = Vec<(SymbolId, Assigned)>;

impl Costs {
    /// Finds the least costs. `requested` says which symbols have a request now, and for which value.
    pub(super) fn new(
        parts: &[Part],
        model: &Model,
        requested: &BTreeMap<SymbolId, Assigned>,
        mentions: &[u32],
    ) -> Self {
        let mut found = Self {
            costs: vec![NEVER; parts.len()],
            taken: vec![0; parts.len()],
        };
        let own: Vec<u32> = parts
            .iter()
            .map(|part| own(part, model, requested, mentions))
            .collect();
        let mut changed = true;
        while changed {
            changed = false;
            // What a part needs was mostly found after it.
            for at in (0..parts.len()).rev() {
                let (cost, taken) = match &parts[at] {
                    Part::Holds => (0, 0),
                    Part::Never(_) => (NEVER, 0),
                    Part::All(needs) => (
                        needs
                            .iter()
                            .fold(0_u32, |sum, need| sum.saturating_add(found.costs[*need])),
                        0,
                    ),
                    Part::Any(ways) => {
                        let least = ways
                            .iter()
                            .map(|way| (found.costs[*way], *way))
                            .min()
                            .unwrap_or((NEVER, 0));
                        (least.0.saturating_add(1), least.1)
                    }
                    Part::Write(_, _, then) => (found.costs[*then].saturating_add(own[at]), 0),
                };
                if cost < found.costs[at] {
                    (found.costs[at], found.taken[at]) = (cost, taken);
                    changed = true;
                }
            }
        }
        found
    }

    /// Returns the lines of the cheapest way to the goal; nothing when there is none.
    pub(super) fn lines(&self, parts: &[Part]) -> Option<Lines> {
        if self.costs.first().is_none_or(|cost| *cost == NEVER) {
            return None;
        }
        let (mut lines, mut seen) = (Lines::new(), BTreeSet::new());
        let mut rest = vec![(0, false)];
        while let Some((at, left)) = rest.pop() {
            if left {
                if let Part::Write(id, value, _) = &parts[at] {
                    write(&mut lines, *id, value);
                }
                continue;
            }
            if !seen.insert(at) {
                continue;
            }
            match &parts[at] {
                Part::Holds | Part::Never(_) => {}
                Part::All(needs) => rest.extend(needs.iter().rev().map(|need| (*need, false))),
                Part::Any(_) => rest.push((self.taken[at], false)),
                Part::Write(_, _, then) => rest.extend([(at, true), (*then, false)]),
            }
        }
        Some(lines)
    }

    /// Returns what stands in the way where there is no way.
    pub(super) fn obstacles(&self, parts: &[Part]) -> BTreeSet<Obstacle> {
        let (mut found, mut seen, mut rest) = (BTreeSet::new(), BTreeSet::new(), vec![0]);
        while let Some(at) = rest.pop() {
            if self.costs[at] != NEVER || !seen.insert(at) {
                continue;
            }
            match &parts[at] {
                Part::Never(obstacle) => {
                    found.insert(*obstacle);
                }
                Part::Holds => {}
                Part::All(all) | Part::Any(all) => rest.extend(all),
                Part::Write(_, _, then) => rest.push(*then),
            }
        }
        found
    }
}

/// Counts how often each symbol stands in a condition.
pub(super) fn mentions(model: &Model) -> Vec<u32> {
    let mut counts = vec![0_u32; model.symbols().count()];
    for expr in model
        .conditions
        .iter()
        .filter_map(|condition| condition.expr)
    {
        for id in model.mentioned(expr) {
            counts[id.index()] += 1;
        }
    }
    counts
}

/// Puts a line down once: of two values for one symbol the larger counts.
fn write(lines: &mut Lines, id: SymbolId, value: &Assigned) {
    match lines.iter_mut().find(|(symbol, _)| *symbol == id) {
        Some((_, before)) => {
            if *before < *value {
                *before = value.clone();
            }
        }
        None => lines.push((id, value.clone())),
    }
}

/// The cost of a part itself.
fn own(
    part: &Part,
    model: &Model,
    requested: &BTreeMap<SymbolId, Assigned>,
    mentions: &[u32],
) -> u32 {
    match part {
        Part::Write(id, value, _) => line(*id, value, model, requested, mentions),
        _ => 0,
    }
}

/// The cost of a line: what is surprising in a kernel that is to run costs more.
pub(super) fn line(
    id: SymbolId,
    value: &Assigned,
    model: &Model,
    requested: &BTreeMap<SymbolId, Assigned>,
    mentions: &[u32],
) -> u32 {
    let symbol = model.symbol(id);
    let surprise = match &*symbol.name {
        "EXPERT" | "EMBEDDED" => 48,
        "STAGING" | "DEBUG_KERNEL" => 32,
        name if name.ends_with("_TEST") || name.contains("KUNIT") => 64,
        name if name.contains("DEBUG") => 12,
        _ => 0,
    };
    let selects = u32::try_from(symbol.selects.len()).unwrap_or(8).min(8);
    let rival = symbol.choice.is_some_and(|choice| {
        let members = &model.choice(choice).members;
        members.iter().any(|member| {
            *member != id && requested.get(member) == Some(&Assigned::Truth(Tristate::Yes))
        })
    });
    // What much depends on is not turned off lightly.
    let weight = match value {
        Assigned::Truth(Tristate::No) => mentions
            .get(id.index())
            .copied()
            .unwrap_or_default()
            .min(CHANGE),
        _ => 0,
    };
    match requested.get(&id) {
        Some(before) if before == value => 1,
        Some(_) => CHANGE + weight,
        None if rival => CHANGE,
        None => LINE + surprise + selects + weight,
    }
}
