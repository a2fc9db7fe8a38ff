//! Numbers and their ranges: the first range whose condition holds counts, and a number outside it is put at its bound.

use super::{
    evaluate::{Rule, Values},
    model::{Model, SymbolId},
    number,
    syntax::Type,
    terms::Reader,
    tristate::Tristate,
};

impl<'m> Values<'m> {
    /// Puts a number that does not keep the range that counts at the bound that it passes.
    pub(super) fn keep_range(&mut self, id: SymbolId, kind: Type) {
        let model: &'m Model = self.model;
        let ranges = &model.symbols[id.index()].ranges;
        let Some(index) = ranges
            .iter()
            .position(|range| self.holds(range.when) != Tristate::No)
        else {
            return;
        };
        let base = if kind == Type::Hex { 16 } else { 10 };
        let value = number::leading(&self.states[id.index()].text, base);
        let range = ranges[index];
        let bound = if value < self.bound(range.low, base) {
            range.low
        } else if value > self.bound(range.high, base) {
            range.high
        } else {
            return;
        };
        let text = self.states[bound.index()].text.clone();
        let state = &mut self.states[id.index()];
        (state.text, state.rule) = (text, Rule::Range(u32::try_from(index).unwrap_or(u32::MAX)));
    }

    /// Tells whether a number keeps the range that counts.
    pub(super) fn in_range(&self, id: SymbolId, kind: Type, text: &str) -> bool {
        let ranges = &self.model.symbols[id.index()].ranges;
        let base = if kind == Type::Hex { 16 } else { 10 };
        let value = number::leading(text, base);
        ranges
            .iter()
            .find(|range| self.holds(range.when) != Tristate::No)
            .is_none_or(|range| {
                value >= self.bound(range.low, base) && value <= self.bound(range.high, base)
            })
    }

    /// Reads a bound by its own type, or else by that of the number.
    fn bound(&self, id: SymbolId, base: u32) -> i64 {
        let base = match self.kind(id) {
            Some(Type::Int) => 10,
            Some(Type::Hex) => 16,
            _ => base,
        };
        number::leading(&self.states[id.index()].text, base)
    }
}
