//! A tree's symbols with all that is said of each, wherever it is said: types, defaults, who selects whom, choices and
//! menus, every rule with the conditions of all that stands round it. What value follows is not here.

use std::collections::BTreeMap;

use super::{
    KconfigError, build,
    dialect::Dialect,
    order::{self, Unit},
    syntax::{Name, Place, Tree, Type},
    terms::{ExprId, Shape, Terms},
};

/// A symbol or a constant of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SymbolId(pub(super) u32);

/// A condition of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConditionId(pub(super) u32);

/// A choice of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChoiceId(pub(super) u32);

impl SymbolId {
    /// The constant `n`.
    pub const NO: Self = Self(0);
    /// The constant `m`.
    pub const MODULE: Self = Self(1);
    /// The constant `y`.
    pub const YES: Self = Self(2);

    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

impl ConditionId {
    /// The condition that nobody wrote: it holds.
    pub const ALWAYS: Self = Self(0);

    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

impl ChoiceId {
    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

/// A condition: all of its parts must hold, and the value is the smallest of theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Condition {
    /// The conditions of what stands round it.
    pub within: [ConditionId; 2],
    /// What is written here.
    pub expr: Option<ExprId>,
    /// Where.
    pub at: Place,
}

/// A symbol: an option, a constant, or a word that nobody defines.
#[derive(Clone, Debug)]
pub struct Symbol {
    /// Its name without `CONFIG_`, or the constant's text.
    pub name: Name,
    /// Its type; nothing when no file gives one.
    pub kind: Option<Type>,
    /// It was quoted.
    pub constant: bool,
    /// It only hands an old value on.
    pub transitional: bool,
    /// Its definitions, in order.
    pub definitions: Vec<Definition>,
    /// Its prompts, in order: where one is visible, a request counts.
    pub prompts: Vec<Prompt>,
    /// Its defaults: the first whose condition holds counts.
    pub defaults: Vec<Default>,
    /// Its ranges: the first whose condition holds counts.
    pub ranges: Vec<Range>,
    /// What it selects.
    pub selects: Vec<Link>,
    /// What it implies.
    pub implies: Vec<Link>,
    /// What selects it.
    pub selected_by: Vec<Link>,
    /// What implies it.
    pub implied_by: Vec<Link>,
    /// The choice that decides it.
    pub choice: Option<ChoiceId>,
    /// It stands in a choice, though perhaps below another member, where the choice does not decide it.
    pub in_choice: bool,
}

/// A definition of a symbol.
#[derive(Clone, Copy, Debug)]
pub struct Definition {
    /// What it and all round it depend on.
    pub depends: ConditionId,
    /// Where it begins.
    pub at: Place,
}

/// A prompt.
#[derive(Clone, Debug)]
pub struct Prompt {
    /// What menus show.
    pub text: String,
    /// When.
    pub when: ConditionId,
    /// Where.
    pub at: Place,
}

/// A default.
#[derive(Clone, Copy, Debug)]
pub struct Default {
    /// The value.
    pub value: ExprId,
    /// When.
    pub when: ConditionId,
    /// Where.
    pub at: Place,
}

/// A range.
#[derive(Clone, Copy, Debug)]
pub struct Range {
    /// Smallest value.
    pub low: SymbolId,
    /// Largest value.
    pub high: SymbolId,
    /// When.
    pub when: ConditionId,
    /// Where.
    pub at: Place,
}

/// One end of a `select` or `imply`.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    /// The symbol at the other end.
    pub symbol: SymbolId,
    /// When.
    pub when: ConditionId,
    /// Where.
    pub at: Place,
}

/// A choice.
#[derive(Clone, Debug)]
pub struct Choice {
    /// The symbol that stands for it: its prompts, its type in kernels up to 6.10.
    pub symbol: SymbolId,
    /// Its members, in order.
    pub members: Vec<SymbolId>,
    /// All symbols inside, in order.
    pub inside: Vec<SymbolId>,
    /// Which member is on by itself: the first that is visible and whose condition holds.
    pub defaults: Vec<Link>,
    /// Where it begins.
    pub at: Place,
}

/// A place in the menus, in the order of the files.
#[derive(Clone, Debug)]
pub struct Node {
    /// What stands there.
    pub is: NodeKind,
    /// What it and all round it depend on.
    pub depends: ConditionId,
    /// `visible if` of a menu.
    pub visible: ConditionId,
    /// When the prompt of this very place is shown.
    pub(super) shown: Option<ConditionId>,
    /// How many nodes follow that stand inside it.
    pub inside: u32,
    /// Where it begins.
    pub at: Place,
}

/// What a place in the menus shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeKind {
    /// A menu with its title.
    Menu(String),
    /// A comment.
    Comment(String),
    /// A block that holds under a condition.
    If,
    /// A choice.
    Choice(ChoiceId),
    /// A definition of a symbol.
    Symbol(SymbolId),
}

/// A tree, ready for being asked.
#[derive(Clone, Debug)]
pub struct Model {
    pub(super) dialect: Dialect,
    pub(super) title: String,
    pub(super) files: Vec<String>,
    pub(super) symbols: Vec<Symbol>,
    pub(super) names: BTreeMap<Name, SymbolId>,
    pub(super) choices: Vec<Choice>,
    pub(super) conditions: Vec<Condition>,
    pub(super) terms: Terms,
    pub(super) nodes: Vec<Node>,
    pub(super) modules: Option<SymbolId>,
    pub(super) order: Vec<Unit>,
}

impl Model {
    /// Gathers what a tree says.
    ///
    /// # Errors
    ///
    /// When symbols depend on themselves: the kernel's `conf` refuses such a tree too.
    pub fn new(tree: &Tree, dialect: Dialect) -> Result<Self, KconfigError> {
        let mut model = build::build(tree, dialect);
        model.order = order::order(&model)?;
        Ok(model)
    }

    /// Returns the generation of `conf` that is followed.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Returns the symbol of this name that a file defines or mentions, never a constant.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<SymbolId> {
        match name {
            "n" => Some(SymbolId::NO),
            "m" => Some(SymbolId::MODULE),
            "y" => Some(SymbolId::YES),
            name => self.names.get(name).copied(),
        }
    }

    /// Returns what is said of a symbol.
    #[must_use]
    pub fn symbol(&self, id: SymbolId) -> &Symbol {
        &self.symbols[id.index()]
    }

    /// Returns all symbols, constants and undefined words included.
    pub fn symbols(&self) -> impl Iterator<Item = (SymbolId, &Symbol)> {
        (0..).map(SymbolId).zip(&self.symbols)
    }

    /// Returns a choice.
    #[must_use]
    pub fn choice(&self, id: ChoiceId) -> &Choice {
        &self.choices[id.index()]
    }

    /// Returns a condition.
    #[must_use]
    pub fn condition(&self, id: ConditionId) -> &Condition {
        &self.conditions[id.index()]
    }

    /// Returns the parts of a condition, outermost first, each with the place where it is written.
    #[must_use]
    pub fn parts(&self, id: ConditionId) -> Vec<(ExprId, Place)> {
        let (mut found, mut rest) = (Vec::new(), vec![id]);
        while let Some(id) = rest.pop() {
            let condition = self.condition(id);
            found.extend(condition.expr.map(|expr| (expr, condition.at)));
            rest.extend(
                condition
                    .within
                    .iter()
                    .filter(|within| **within != ConditionId::ALWAYS),
            );
        }
        found.reverse();
        found
    }

    /// Returns what an expression is at its top.
    #[must_use]
    pub fn shape(&self, expr: ExprId) -> Shape {
        self.terms.shape(expr)
    }

    /// Returns the operands of `&&` at the top of an expression, in order.
    #[must_use]
    pub fn conjuncts(&self, expr: ExprId) -> Vec<ExprId> {
        self.terms.conjuncts(expr)
    }

    /// Returns the symbols in an expression, constants included, as often as they are named.
    pub fn mentioned(&self, expr: ExprId) -> impl Iterator<Item = SymbolId> + '_ {
        self.terms.symbols(expr)
    }

    /// Returns the expression as it would be written.
    #[must_use]
    pub fn written(&self, expr: ExprId) -> String {
        let word = |id: SymbolId| {
            let symbol = self.symbol(id);
            if symbol.constant && id > SymbolId::YES {
                format!("\"{}\"", symbol.name)
            } else {
                symbol.name.to_string()
            }
        };
        let inner = |expr: ExprId, plain: fn(Shape) -> bool| {
            if plain(self.shape(expr)) {
                self.written(expr)
            } else {
                format!("({})", self.written(expr))
            }
        };
        match self.shape(expr) {
            Shape::Symbol(symbol) => word(symbol),
            Shape::Compare(relation, left, right) => {
                format!("{}{relation}{}", word(left), word(right))
            }
            Shape::Not(of) => format!(
                "!{}",
                inner(of, |shape| matches!(
                    shape,
                    Shape::Symbol(_) | Shape::Not(_)
                ))
            ),
            Shape::And(left, right) => {
                let plain = |shape| !matches!(shape, Shape::Or(..));
                format!("{} && {}", inner(left, plain), inner(right, plain))
            }
            Shape::Or(left, right) => format!("{} || {}", self.written(left), self.written(right)),
        }
    }

    /// Returns the places in the menus, in the order of the files.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Returns the title of the main menu.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Returns a place as `file:line`.
    #[must_use]
    pub fn place(&self, at: Place) -> String {
        format!(
            "{}:{}",
            self.files.get(at.file as usize).map_or("?", String::as_str),
            at.line
        )
    }

    /// Returns the symbol that decides whether modules exist.
    #[must_use]
    pub fn modules(&self) -> Option<SymbolId> {
        self.modules
    }
}
