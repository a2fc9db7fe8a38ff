//! How a choice decides its members, in both generations of the kernel's `conf`.

use super::{
    dialect::Dialect,
    evaluate::{Rule, Values},
    model::{Choice, ChoiceId, SymbolId},
    request::Wishes,
    syntax::Type,
    terms::Reader,
    tristate::Tristate,
};

impl Values<'_> {
    /// Decides the members of a choice.
    pub(super) fn members(&mut self, id: ChoiceId, wishes: &mut Wishes) {
        let model = self.model;
        let choice = model.choice(id);
        for member in &choice.members {
            self.look(*member);
        }
        match model.dialect {
            Dialect::ChoiceMembers => self.elect(choice, id, wishes),
            Dialect::ChoiceSymbols => self.follow(choice, id, wishes),
        }
    }

    fn visible(&self, id: SymbolId) -> bool {
        self.state(id).visible != Tristate::No
    }

    /// Returns the member that is on where nobody asks: by the choice's defaults, else the first that is visible.
    fn by_default(&self, choice: &Choice, members: &[SymbolId]) -> Option<SymbolId> {
        let defaults = choice
            .defaults
            .iter()
            .filter(|default| self.holds(default.when) != Tristate::No);
        defaults
            .map(|default| default.symbol)
            .chain(members.iter().copied())
            .find(|member| self.visible(*member))
    }

    /// From 6.11: of the visible members the one that was last asked for wins, else the default unless it was refused,
    /// else the first that nobody spoke of, else the one refused first.
    fn elect(&mut self, choice: &Choice, id: ChoiceId, wishes: &Wishes) {
        let ranks = &wishes.ranks[id.index()];
        let wanted =
            |member: SymbolId| wishes.of(member).set && wishes.of(member).truth == Tristate::Yes;
        let refused =
            |member: SymbolId| wishes.of(member).set && wishes.of(member).truth == Tristate::No;
        let visible = |member: &SymbolId| self.visible(*member);
        let winner = ranks
            .iter()
            .copied()
            .filter(visible)
            .find(|member| wanted(*member))
            .or_else(|| {
                self.by_default(choice, &choice.inside)
                    .filter(|member| !refused(*member))
            })
            .or_else(|| {
                choice
                    .inside
                    .iter()
                    .copied()
                    .filter(visible)
                    .find(|member| !wishes.of(*member).set)
            })
            .or_else(|| ranks.iter().rev().copied().find(visible));
        for member in choice
            .inside
            .iter()
            .filter(|member| self.model.symbol(**member).choice == Some(id))
        {
            let state = &mut self.states[member.index()];
            state.rule = Rule::Choice(winner);
            state.written = state.visible != Tristate::No;
            state.truth = (state.written && winner == Some(*member)).into();
        }
    }

    /// Until 6.10: the choice's own value says how much of it there is. With `y`, its winner is the member that was
    /// last asked to be on, else the default. With `m`, each member is a module or off by itself.
    fn follow(&mut self, choice: &Choice, id: ChoiceId, wishes: &mut Wishes) {
        let whole = self.truth(choice.symbol) == Tristate::Yes;
        for member in &choice.members {
            let modules = self.kind(*member) == Some(Type::Tristate);
            let state = &self.states[member.index()];
            if whole && modules && state.visible == Tristate::Module {
                self.states[member.index()].visible = Tristate::No;
            }
        }
        let winner = if whole {
            if choice
                .members
                .iter()
                .any(|member| self.visible(*member) && !wishes.of(*member).set)
            {
                wishes.of_mut(choice.symbol).set = false;
            }
            let asked = wishes.winners[id.index()].filter(|member| self.visible(*member));
            asked.or_else(|| self.by_default(choice, &choice.members))
        } else {
            None
        };
        for member in &choice.members {
            if self.state(*member).visible == Tristate::Yes {
                let state = &mut self.states[member.index()];
                state.rule = Rule::Choice(winner);
                state.written = true;
                state.truth = (winner == Some(*member)).into();
            } else {
                self.decide_truth(*member, wishes);
            }
        }
    }
}
