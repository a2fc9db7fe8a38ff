//! Says what to write so that a symbol gets a value: the smallest set of requests that was found, and only what the
//! evaluator has verified. How ways are found is in `graph`, which are tried in `search`. Why it is lost is in `explain`.

mod compare;
mod cost;
mod graph;
mod layout;
mod obstacle;
mod search;
#[cfg(test)]
mod tests;
mod verified;
mod ways;

use serde::Serialize;

use self::search::Search;
use super::{
    evaluate::Values,
    explain::{self, Asked, Knowledge},
    model::SymbolId,
    modes::Base,
    syntax::Type,
    tristate::Tristate,
};

/// How long is searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// So many sets of requests are evaluated at most.
    pub evaluations: u32,
}

/// What to write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "status", rename_all = "kebab-case")]
pub enum Remedy {
    /// The symbol has the value.
    NotNeeded,
    /// These requests give it the value: the evaluator says so.
    Found(Found),
    /// Nothing was found.
    Nothing(Nothing),
    /// The tree has no such symbol.
    Unknown,
}

/// Requests that the evaluator verified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Found {
    /// What is to be got: a line of a fragment.
    pub goal: String,
    /// Lines to add, in an order that puts what is needed first.
    pub add: Vec<Line>,
    /// Lines to change.
    pub change: Vec<Change>,
    /// Other symbols that are on then and were off.
    pub turns_on: Vec<String>,
    /// Symbols that are off then and were on.
    pub turns_off: Vec<String>,
    /// Requests that are met now and not then.
    pub loses: Vec<Loss>,
    /// How many sets were evaluated.
    pub evaluations: u32,
}

/// A line of a fragment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Line {
    /// The symbol, without `CONFIG_`.
    pub symbol: String,
    /// The value, as written.
    pub value: String,
    /// The line: `CONFIG_X=y`.
    pub line: String,
}

/// A request to change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The symbol, without `CONFIG_`.
    pub symbol: String,
    /// The value requested now, as written.
    pub from: String,
    /// The value to request.
    pub to: String,
    /// Where: `file:line`.
    pub at: String,
}

/// A request that would no longer be met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Loss {
    /// The symbol, without `CONFIG_`.
    pub symbol: String,
    /// The requested value.
    pub requested: String,
    /// Where: `file:line`.
    pub at: String,
    /// The value it would have.
    pub becomes: String,
}

/// Why nothing was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Nothing {
    /// What was to be got: a line of a fragment.
    pub goal: String,
    /// What stands in the way, as sentences. Empty when ways exist on paper and none was verified.
    pub because: Vec<String>,
    /// What can be had instead: a module where `y` cannot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instead: Option<Found>,
    /// How many sets were evaluated.
    pub evaluations: u32,
}

impl Limits {
    /// Enough for the kernel's tree: a third of a second at most, a twentieth usually.
    pub const USUAL: Self = Self { evaluations: 30 };
}

/// Finds what to write so that the symbol of this name gets the value `wanted`, as fragments write it. The values must be
/// those of these requests on this base.
#[must_use]
pub fn remedy(
    values: &Values<'_>,
    asked: Asked<'_>,
    base: Base,
    knowledge: Knowledge<'_>,
    name: &str,
    wanted: &str,
    limits: Limits,
) -> Remedy {
    let model = values.model();
    let known = model.find(name).filter(|id| *id > SymbolId::YES);
    let goal = line(name, wanted);
    let nothing = |says: String| {
        Remedy::Nothing(Nothing {
            goal: goal.clone(),
            because: vec![says],
            instead: None,
            evaluations: 0,
        })
    };
    let Some((id, kind)) = known.and_then(|id| Some((id, model.symbol(id).kind?))) else {
        return if wanted == "n" {
            Remedy::NotNeeded
        } else {
            Remedy::Unknown
        };
    };
    let Some(value) = Assigned::read(kind, wanted) else {
        return nothing(format!(
            "`{wanted}` is no value for type {}",
            explain::word(kind)
        ));
    };
    if explain::is_met(values, id, kind, wanted) {
        return Remedy::NotNeeded;
    }
    let mut search = Search::new(values, asked, base, limits, id, value);
    match search.run() {
        Some(best) => Remedy::Found(search.told(&best, goal)),
        None => {
            let because = obstacle::told(&search.obstacles, values, asked, knowledge);
            let mut evaluations = search.evaluations;
            let mut instead = None;
            if kind == Type::Tristate && wanted == "y" {
                let rest = Limits {
                    evaluations: limits.evaluations.saturating_sub(evaluations),
                };
                let mut search = Search::new(
                    values,
                    asked,
                    base,
                    rest,
                    id,
                    Assigned::Truth(Tristate::Module),
                );
                instead = search.run().map(|best| search.told(&best, line(name, "m")));
                evaluations += search.evaluations;
            }
            Remedy::Nothing(Nothing {
                goal,
                because,
                instead,
                evaluations,
            })
        }
    }
}

/// A value for a symbol.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Assigned {
    Truth(Tristate),
    /// As written: a string has its quotes.
    Text(String),
}

impl Assigned {
    fn read(kind: Type, wanted: &str) -> Option<Self> {
        match kind {
            Type::Bool | Type::Tristate => {
                let truth = explain::letter(wanted)?;
                (kind == Type::Tristate || truth != Tristate::Module).then_some(Self::Truth(truth))
            }
            Type::String => super::dotconfig::unquote(wanted)?
                .ok()
                .map(|_| Self::Text(wanted.to_owned())),
            Type::Hex | Type::Int => {
                super::number::valid(wanted, kind).then(|| Self::Text(wanted.to_owned()))
            }
        }
    }

    fn written(&self) -> String {
        match self {
            Self::Truth(truth) => truth.letter().to_owned(),
            Self::Text(text) => text.clone(),
        }
    }
}

/// Returns a line of a fragment.
fn line(symbol: &str, value: &str) -> String {
    if value == "n" {
        format!("# CONFIG_{symbol} is not set")
    } else {
        format!("CONFIG_{symbol}={value}")
    }
}
