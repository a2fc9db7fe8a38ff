//! What Kconfig files say, entry by entry, with places. Nothing is resolved here: conditions are as written, an entry
//! stands once per definition, and macros are already expanded.

use std::{fmt, sync::Arc};

/// A name, shared by all that mention it.
pub type Name = Arc<str>;

/// Where something is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Index into [`Tree::files`].
    pub file: u32,
    /// Line, from 1.
    pub line: u32,
}

/// A tree of Kconfig files, read from its top file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    /// The files that were read, relative to the tree's top, in reading order. A file sourced twice stands once.
    pub files: Vec<String>,
    /// The title that `mainmenu` gives.
    pub title: Option<String>,
    /// What the top file says, in order.
    pub entries: Vec<Entry>,
}

/// One thing that a Kconfig file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// `config NAME` or `menuconfig NAME`.
    Config(Config),
    /// `choice … endchoice`.
    Choice(Choice),
    /// `menu "…" … endmenu`.
    Menu(Menu),
    /// `if EXPR … endif`.
    If(If),
    /// `comment "…"`.
    Comment(Comment),
}

/// One definition of a symbol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The symbol, without `CONFIG_`.
    pub name: Name,
    /// Written with `menuconfig`.
    pub menu: bool,
    /// What it says of the symbol, in order.
    pub attributes: Vec<Attribute>,
    /// Where it begins.
    pub at: Place,
}

/// A choice: of its members one is on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Its name, which kernels up to 6.8 may give it.
    pub name: Option<Name>,
    /// What it says of itself, in order.
    pub attributes: Vec<Attribute>,
    /// Members, and whatever else stands inside.
    pub entries: Vec<Entry>,
    /// Where it begins.
    pub at: Place,
}

/// A menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Menu {
    /// Its title.
    pub title: String,
    /// `depends on` and `visible if`, in order.
    pub attributes: Vec<Attribute>,
    /// What stands inside.
    pub entries: Vec<Entry>,
    /// Where it begins.
    pub at: Place,
}

/// A block that holds under a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct If {
    /// The condition.
    pub condition: Expr,
    /// What stands inside.
    pub entries: Vec<Entry>,
    /// Where it begins.
    pub at: Place,
}

/// A comment that menus show and `.config` carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// Its text.
    pub text: String,
    /// `depends on`, in order.
    pub attributes: Vec<Attribute>,
    /// Where it begins.
    pub at: Place,
}

/// A line inside an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// What it says.
    pub says: Says,
    /// Where.
    pub at: Place,
}

/// What a line inside an entry says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Says {
    /// `bool`, `tristate`, `string`, `hex`, `int`: without a prompt. A prompt on the same line is a [`Says::Prompt`]
    /// that follows, and the value of `def_bool` a [`Says::Default`] that follows.
    Type(Type),
    /// `prompt "…" if …`, also when written beside the type.
    Prompt {
        /// What menus show.
        text: String,
        /// When.
        condition: Option<Expr>,
    },
    /// `default EXPR if …`.
    Default {
        /// The value: an expression for bool and tristate, a lone term otherwise.
        value: Expr,
        /// When.
        condition: Option<Expr>,
    },
    /// `select NAME if …`.
    Select {
        /// What is turned on.
        target: Name,
        /// When.
        condition: Option<Expr>,
    },
    /// `imply NAME if …`.
    Imply {
        /// What is turned on where nothing speaks against it.
        target: Name,
        /// When.
        condition: Option<Expr>,
    },
    /// `depends on EXPR`.
    DependsOn(Expr),
    /// `depends on EXPR if …` keeps both parts (newest kernels write it): the dependency holds only under the condition.
    DependsOnIf(Expr, Expr),
    /// `visible if EXPR`, in menus.
    VisibleIf(Expr),
    /// `range LOW HIGH if …`.
    Range {
        /// Smallest value.
        low: Term,
        /// Largest value.
        high: Term,
        /// When.
        condition: Option<Expr>,
    },
    /// `modules`, or `option modules` in old kernels: the symbol that decides whether `m` exists.
    Modules,
    /// `transitional`: a symbol that only hands an old value to a new name.
    Transitional,
    /// `optional`, in choices of kernels up to 6.8.
    Optional,
    /// `help`: its text without the indentation.
    Help(String),
}

/// The type of a symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Type {
    /// `y` or `n`.
    Bool,
    /// `y`, `m` or `n`.
    Tristate,
    /// Any text.
    String,
    /// A hexadecimal number.
    Hex,
    /// A decimal number.
    Int,
}

/// A symbol or a constant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Term {
    /// An unquoted word: a symbol, or a number or word that no file defines. `y`, `m` and `n` are constants already.
    Word(Name),
    /// A constant: quoted text, or `y`, `m`, `n`.
    Constant(Name),
}

/// An expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expr {
    /// A symbol or constant alone.
    Term(Term),
    /// `!EXPR`.
    Not(Box<Expr>),
    /// `EXPR && EXPR`.
    And(Box<Expr>, Box<Expr>),
    /// `EXPR || EXPR`.
    Or(Box<Expr>, Box<Expr>),
    /// `TERM = TERM` and its like.
    Compare(Relation, Term, Term),
}

/// How two terms are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Relation {
    /// `=`
    Equal,
    /// `!=`
    Unequal,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
}

impl fmt::Display for Relation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Equal => "=",
            Self::Unequal => "!=",
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::Greater => ">",
            Self::AtLeast => ">=",
        })
    }
}
