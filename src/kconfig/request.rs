//! Requests on their way to symbols: which of them a symbol's type accepts, and which member of a choice was asked for.
//! The text they come from is in `dotconfig`.

use std::collections::VecDeque;

use super::{
    dialect::Dialect,
    dotconfig::{self, Request},
    evaluate::Rule,
    model::{Model, SymbolId},
    number,
    syntax::{Name, Place, Type},
    tristate::Tristate,
};

/// Something about a request that `conf` warns of, and goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Where the request stands.
    pub at: Place,
    /// The symbol.
    pub name: Name,
    /// What is strange.
    pub kind: NoticeKind,
}

/// What is strange about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeKind {
    /// The tree has no such symbol.
    Unknown,
    /// An earlier request for the same symbol is replaced.
    Again,
    /// The symbol's type has no such value; the request is without effect.
    Invalid,
}

/// What is wished of one symbol.
#[derive(Clone, Debug, Default)]
pub(super) struct Wish {
    pub(super) set: bool,
    pub(super) truth: Tristate,
    pub(super) text: Option<Name>,
    /// The number of the request; nothing for an answer to all prompts.
    pub(super) rule: Option<u32>,
}

impl Wish {
    pub(super) fn rule(&self) -> Rule {
        self.rule.map_or(Rule::Answered, Rule::Requested)
    }
}

/// What is wished of all symbols.
#[derive(Clone, Debug)]
pub(super) struct Wishes {
    all: Vec<Wish>,
    /// For each choice: the members that were asked about, the last first, then the others in order. (From 6.11.)
    pub(super) ranks: Vec<VecDeque<SymbolId>>,
    /// For each choice: the member that was last asked to be on. (Until 6.10.)
    pub(super) winners: Vec<Option<SymbolId>>,
}

impl Wishes {
    pub(super) fn new(model: &Model) -> Self {
        Self {
            all: vec![Wish::default(); model.symbols.len()],
            ranks: model
                .choices
                .iter()
                .map(|choice| choice.members.iter().copied().collect())
                .collect(),
            winners: vec![None; model.choices.len()],
        }
    }

    pub(super) fn of(&self, id: SymbolId) -> &Wish {
        &self.all[id.index()]
    }

    pub(super) fn of_mut(&mut self, id: SymbolId) -> &mut Wish {
        &mut self.all[id.index()]
    }

    pub(super) fn put(
        &mut self,
        id: SymbolId,
        truth: Tristate,
        text: Option<Name>,
        rule: Option<u32>,
    ) {
        self.all[id.index()] = Wish {
            set: true,
            truth,
            text,
            rule,
        };
    }

    /// Reads requests one after the other.
    pub(super) fn read(&mut self, model: &Model, requests: &[Request]) -> Vec<Notice> {
        if model.dialect == Dialect::ChoiceSymbols {
            model
                .choices
                .iter()
                .for_each(|choice| self.of_mut(choice.symbol).set = true);
        }
        let mut notices = Vec::new();
        for (request, number) in requests.iter().zip(0_u32..) {
            let mut notice = |kind| {
                notices.push(Notice {
                    at: request.at,
                    name: request.name.clone(),
                    kind,
                })
            };
            let Some(id) = model.find(&request.name).filter(|id| *id > SymbolId::YES) else {
                notice(NoticeKind::Unknown);
                continue;
            };
            if self.of(id).set {
                notice(NoticeKind::Again);
            }
            let symbol = model.symbol(id);
            let Some(kind) = symbol.kind else {
                notice(NoticeKind::Unknown);
                continue;
            };
            match accept(kind, &request.value) {
                Accepted::Truth(truth) => self.put(id, truth, None, Some(number)),
                Accepted::Text(text) => {
                    self.put(id, Tristate::No, Some(Name::from(text)), Some(number))
                }
                Accepted::Ignored => {}
                Accepted::Invalid => {
                    notice(NoticeKind::Invalid);
                    continue;
                }
            }
            self.rank(model, id);
        }
        notices
    }

    /// Notes that a member of a choice was asked about.
    fn rank(&mut self, model: &Model, id: SymbolId) {
        let Some(choice) = model.symbol(id).choice else {
            return;
        };
        match model.dialect {
            Dialect::ChoiceMembers => {
                let ranks = &mut self.ranks[choice.index()];
                ranks.retain(|member| *member != id);
                ranks.push_front(id);
            }
            Dialect::ChoiceSymbols => {
                let truth = self.of(id).truth;
                let own = self.of_mut(model.choice(choice).symbol);
                match truth {
                    Tristate::Module if own.truth == Tristate::Yes => own.set = false,
                    Tristate::Yes => self.winners[choice.index()] = Some(id),
                    Tristate::No | Tristate::Module => {}
                }
                let own = self.of_mut(model.choice(choice).symbol);
                own.truth = own.truth.max(truth);
            }
        }
    }
}

enum Accepted<'v> {
    Truth(Tristate),
    Text(std::borrow::Cow<'v, str>),
    Ignored,
    Invalid,
}

/// Tells what a value means for a type. Of a truth value only the first letter counts.
fn accept(kind: Type, value: &str) -> Accepted<'_> {
    match (kind, value.as_bytes().first()) {
        (Type::Tristate, Some(b'm')) => Accepted::Truth(Tristate::Module),
        (Type::Bool | Type::Tristate, Some(b'y')) => Accepted::Truth(Tristate::Yes),
        (Type::Bool | Type::Tristate, Some(b'n')) => Accepted::Truth(Tristate::No),
        (Type::Bool | Type::Tristate, _) => Accepted::Invalid,
        (Type::String, _) => match dotconfig::unquote(value) {
            Some(Ok(text)) => Accepted::Text(text.into()),
            Some(Err(())) => Accepted::Invalid,
            None => Accepted::Ignored,
        },
        (Type::Int | Type::Hex, _) if number::valid(value, kind) => Accepted::Text(value.into()),
        (Type::Int | Type::Hex, _) => Accepted::Invalid,
    }
}
