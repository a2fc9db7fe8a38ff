//! Says why a symbol has its value: which request was read, what it depends on that does not hold and who is to blame
//! for that, who selects it, which default, range or choice decided. What to write instead is in `remedy`.

mod chain;
mod layout;
mod manner;
mod nearest;
mod operand;
mod origin;
mod request;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod value_tests;

use serde::Serialize;

use self::chain::Chain;
pub(super) use self::{
    chain::written,
    layout::paragraph,
    request::{is_met, letter},
};
use super::{
    dotconfig::Request,
    evaluate::Values,
    model::{NodeKind, Symbol, SymbolId},
    syntax::{Place, Type},
};

/// Requests, in the order in which they are read, with the names of the files they stand in.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The requests.
    pub requests: &'a [Request],
    /// The names that the places of the requests mean by their number.
    pub files: &'a [String],
}

/// What others know of kernels and of the tree's files. Without it, explanations are shorter.
#[derive(Clone, Copy)]
pub struct Knowledge<'a> {
    /// Says in which versions a symbol existed: `5.4 to 6.1`.
    pub versions: &'a dyn Fn(&str) -> Option<String>,
    /// Returns a line of a file of the tree as it is written: macros are not expanded there.
    pub line: &'a dyn Fn(&str, u32) -> Option<String>,
}

/// Why a symbol has its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The symbol, without `CONFIG_`.
    pub symbol: String,
    /// What was requested, in order: the last one counts.
    pub requests: Vec<Wanted>,
    /// What is.
    #[serde(flatten)]
    pub finding: Finding,
}

/// A requested value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Wanted {
    /// The value, as written.
    pub value: String,
    /// `file:line`.
    pub at: String,
}

/// What a tree says of a symbol.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "status", rename_all = "kebab-case")]
pub enum Finding {
    /// No file that was read defines it.
    Unknown(Unknown),
    /// It is defined.
    Defined(Known),
}

/// A symbol that no file defines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unknown {
    /// Symbols with similar names, the most similar first.
    pub nearest: Vec<Near>,
    /// The versions that had it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub versions: Option<String>,
    /// Places that mention it nevertheless: such a symbol is often another architecture's.
    pub mentioned: Vec<String>,
}

/// A symbol with a similar name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Near {
    /// The symbol.
    pub symbol: String,
    /// Its value.
    pub value: String,
    /// What menus call it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
}

/// A symbol that is defined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Known {
    /// `bool`, `tristate`, `string`, `hex`, `int`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The final value, as `.config` has it but without quotes.
    pub value: String,
    /// Whether that is what was requested.
    pub outcome: Outcome,
    /// What menus call it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// Where it is defined.
    pub defined: Vec<String>,
    /// The menus above it, outermost first.
    pub menus: Vec<String>,
    /// Why it has this value.
    pub because: Vec<Reason>,
}

/// What became of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Nobody requests a value.
    NotRequested,
    /// The value is the requested one.
    Met,
    /// It is not.
    Lost,
}

/// One step of a chain of reasons.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// What kind of step.
    pub kind: Kind,
    /// The symbol that this is about.
    pub symbol: String,
    /// The expression in question, as written in Kconfig.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// Where the tree says so: `file:line`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// The request for the symbol that the condition names, or that selects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<Wanted>,
    /// The whole step as a sentence without its period.
    pub says: String,
    /// The steps behind it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub because: Vec<Reason>,
}

/// A kind of step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A request decided.
    Request,
    /// A request has a value that the symbol's type does not take.
    Invalid,
    /// A dependency or a prompt's condition does not hold.
    Unmet,
    /// One of several expressions of which one would do.
    Alternative,
    /// Another symbol selects it, or would.
    Select,
    /// Another symbol implies it, or would.
    Imply,
    /// A default decided, or would.
    Default,
    /// A range decided.
    Range,
    /// A choice decided.
    Choice,
    /// Nothing speaks for it.
    Nothing,
}

impl Asked<'_> {
    /// Returns the request that counts.
    #[must_use]
    pub fn last(&self, name: &str) -> Option<&Request> {
        self.requests
            .iter()
            .rev()
            .find(|request| &*request.name == name)
    }

    /// Returns the request that counts, as it is told.
    fn wanted(&self, name: &str) -> Option<Wanted> {
        let request = self.last(name)?;
        let (value, at) = (request.value.clone(), self.place(request.at));
        Some(Wanted { value, at })
    }

    /// Returns a request's place as `file:line`, or what stands for a file where there are no lines.
    #[must_use]
    pub fn place(&self, at: Place) -> String {
        let file = self.files.get(at.file as usize).map_or("?", String::as_str);
        if at.line == 0 {
            file.to_owned()
        } else {
            format!("{file}:{}", at.line)
        }
    }
}

impl Knowledge<'_> {
    /// Knows nothing.
    pub const NONE: Knowledge<'static> = Knowledge {
        versions: &|_| None,
        line: &|_, _| None,
    };
}

/// Explains the value of the symbol of this name, given without `CONFIG_`. The values must be those of these requests.
#[must_use]
pub fn explain(
    values: &Values<'_>,
    asked: Asked<'_>,
    knowledge: Knowledge<'_>,
    name: &str,
) -> Explanation {
    let requests = asked
        .requests
        .iter()
        .filter(|request| &*request.name == name);
    let requests = requests
        .map(|request| Wanted {
            value: request.value.clone(),
            at: asked.place(request.at),
        })
        .collect();
    let model = values.model();
    let known = model.find(name).filter(|id| *id > SymbolId::YES);
    let known = known.and_then(|id| Some((id, model.symbol(id).kind?)));
    let finding = match known {
        Some((id, kind)) => Finding::Defined(known_symbol(values, asked, knowledge, id, kind)),
        None => Finding::Unknown(Unknown {
            nearest: nearest::nearest(values, name),
            versions: (knowledge.versions)(name),
            mentioned: nearest::mentioned(model, name),
        }),
    };
    Explanation {
        symbol: name.to_owned(),
        requests,
        finding,
    }
}

fn known_symbol(
    values: &Values<'_>,
    asked: Asked<'_>,
    knowledge: Knowledge<'_>,
    id: SymbolId,
    kind: Type,
) -> Known {
    let model = values.model();
    let symbol = model.symbol(id);
    let outcome = match asked.last(&symbol.name) {
        None => Outcome::NotRequested,
        Some(request) if is_met(values, id, kind, &request.value) => Outcome::Met,
        Some(_) => Outcome::Lost,
    };
    let mut chain = Chain::new(values, asked, knowledge);
    let because = match kind {
        Type::Bool | Type::Tristate => chain.truth(id, outcome),
        Type::String | Type::Hex | Type::Int => chain.text(id, kind),
    };
    Known {
        kind: word(kind).to_owned(),
        value: values.shown(id).to_owned(),
        outcome,
        prompt: symbol.prompts.first().map(|prompt| prompt.text.clone()),
        defined: symbol
            .definitions
            .iter()
            .map(|definition| model.place(definition.at))
            .collect(),
        menus: menus(values, symbol),
        because,
    }
}

fn menus(values: &Values<'_>, symbol: &Symbol) -> Vec<String> {
    let model = values.model();
    let shown = symbol.prompts.first().map(|prompt| prompt.at);
    let holds = |at: &Place| shown.is_none_or(|shown| shown.file == at.file && *at <= shown);
    let Some(first) = symbol
        .definitions
        .iter()
        .map(|definition| definition.at)
        .rfind(holds)
    else {
        return Vec::new();
    };
    let nodes = manner::above(model, first);
    let titles = nodes.into_iter().filter_map(|node| match &node.is {
        NodeKind::Menu(title) => Some(title.clone()),
        _ => None,
    });
    titles.collect()
}

pub(super) fn word(kind: Type) -> &'static str {
    match kind {
        Type::Bool => "bool",
        Type::Tristate => "tristate",
        Type::String => "string",
        Type::Hex => "hex",
        Type::Int => "int",
    }
}

impl Reason {
    fn leaf(kind: Kind, symbol: &str, says: String) -> Self {
        Self {
            kind,
            symbol: symbol.to_owned(),
            condition: None,
            at: None,
            request: None,
            says,
            because: Vec::new(),
        }
    }
}
