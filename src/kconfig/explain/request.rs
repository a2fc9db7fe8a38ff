//! What becomes of a request: whether it is met, whether its value fits, and what a bool or tristate has instead.

use super::{
    super::{
        dotconfig,
        evaluate::{Rule, Values},
        model::SymbolId,
        number::Number,
        request::{Notice, NoticeKind},
        syntax::Type,
        tristate::Tristate,
    },
    Kind, Outcome, Reason,
    chain::Chain,
    word,
};

/// Tells whether a value is what a request asks for.
pub(in super::super) fn is_met(values: &Values<'_>, id: SymbolId, kind: Type, value: &str) -> bool {
    match kind {
        Type::Bool | Type::Tristate => letter(value) == Some(values.state(id).truth),
        Type::String => {
            dotconfig::unquote(value).is_some_and(|text| text.as_deref() == Ok(values.shown(id)))
        }
        Type::Hex | Type::Int => {
            let read = |text: &str| Number::read(text, Some(kind));
            values.shown(id) == value
                || read(value).is_some_and(|wanted| read(values.shown(id)) == Some(wanted))
        }
    }
}

/// Reads the value of a request for a bool or tristate: only its first letter counts.
pub(in super::super) fn letter(value: &str) -> Option<Tristate> {
    match value.as_bytes().first()? {
        b'y' => Some(Tristate::Yes),
        b'm' => Some(Tristate::Module),
        b'n' => Some(Tristate::No),
        _ => None,
    }
}

impl Chain<'_> {
    /// Why a bool or tristate is what it is: first what decided it, then what else could.
    pub(super) fn truth(&mut self, id: SymbolId, outcome: Outcome) -> Vec<Reason> {
        let (values, name) = (self.values, self.name(id));
        let is = values.state(id).truth;
        let request = self.asked.last(&name).cloned();
        let wanted = request.as_ref().and_then(|request| letter(&request.value));
        let mut because = self.invalid(&name).into_iter().collect::<Vec<_>>();
        if let (Some(Tristate::Module), Some(request), false) = (wanted, &request, values.modules) {
            let at = self.asked.place(request.at);
            let says = format!(
                "{name} is requested m ({at}), but there are no modules here, so m counts as y"
            );
            because.push(Reason::leaf(Kind::Request, &name, says));
        }
        let aim = match (wanted, outcome) {
            (Some(Tristate::No) | None, Outcome::Met | Outcome::NotRequested) => Tristate::Yes,
            (Some(wanted), _) => wanted,
            (None, Outcome::Lost) => Tristate::Yes,
        };
        let low = is < aim
            && !matches!(values.state(id).rule, Rule::Requested(_) if outcome == Outcome::Met);
        if low || is == Tristate::No {
            because.extend(self.low(id, aim));
        } else {
            because.extend(self.high(id));
        }
        because
    }

    /// A request whose value the type does not take is without effect.
    pub(super) fn invalid(&self, name: &str) -> Option<Reason> {
        let request = self.asked.last(name)?;
        let notices = self.values.notices();
        let is_this = |notice: &&Notice| {
            notice.kind == NoticeKind::Invalid && *notice.name == *name && notice.at == request.at
        };
        notices.iter().find(is_this)?;
        let kind = self
            .values
            .model()
            .symbol(self.values.model().find(name)?)
            .kind?;
        let (value, at, kind) = (&request.value, self.asked.place(request.at), word(kind));
        let says = format!(
            "`{value}` ({at}) is no value for type {kind}, so the request is without effect"
        );
        Some(Reason::leaf(Kind::Invalid, name, says))
    }
}
