//! Expressions, and the other parts that statements are made of, read from a statement's tokens.

use super::{
    error::Refusal,
    lex::{Key, Token},
    names::Names,
    syntax::{Expr, Name, Term},
};

/// As deep may parentheses and negations stand in each other.
const DEEPEST: usize = 100;
/// As many terms may an expression have. What evaluates it may then walk it without care for the stack.
const MOST_TERMS: usize = 1000;

/// A statement's tokens, of which the first are read.
pub(super) struct Cursor<'a> {
    tokens: &'a [Token],
    names: &'a mut Names,
    terms: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(tokens: &'a [Token], names: &'a mut Names) -> Self {
        Self {
            tokens,
            names,
            terms: 0,
        }
    }

    /// Takes this token if it is next.
    pub(super) fn take(&mut self, token: &Token) -> bool {
        let is = self.tokens.first() == Some(token);
        if is {
            self.tokens = &self.tokens[1..];
        }
        is
    }

    /// Reads `if EXPR`, where it stands.
    pub(super) fn condition(&mut self) -> Result<Option<Expr>, Refusal> {
        match self.take(&Token::Key(Key::If)) {
            true => self.expression().map(Some),
            false => Ok(None),
        }
    }

    /// Reads an expression: `||` binds least, then `&&`, then `!` and comparisons of two terms.
    pub(super) fn expression(&mut self) -> Result<Expr, Refusal> {
        self.terms = 0;
        self.either(0)
    }

    /// Reads a symbol or a constant.
    pub(super) fn term(&mut self) -> Result<Term, Refusal> {
        match self.tokens.split_first() {
            Some((Token::Quoted(text), rest)) => {
                self.tokens = rest;
                Ok(Term::Constant(self.names.name(text)))
            }
            _ => {
                let name = self.word("a symbol or a value")?;
                Ok(match &*name {
                    "y" | "m" | "n" => Term::Constant(name),
                    _ => Term::Word(name),
                })
            }
        }
    }

    /// Reads the name of a symbol.
    pub(super) fn symbol(&mut self) -> Result<Name, Refusal> {
        self.word("the name of a symbol, without quotes")
    }

    /// Reads a name where one stands.
    pub(super) fn name_if_any(&mut self) -> Option<Name> {
        self.word("").ok()
    }

    /// Reads quoted text where it stands.
    pub(super) fn text_if_any(&mut self) -> Option<String> {
        let (Token::Quoted(text), rest) = self.tokens.split_first()? else {
            return None;
        };
        self.tokens = rest;
        Some(text.clone())
    }

    /// Reads quoted text.
    pub(super) fn text(&mut self) -> Result<String, Refusal> {
        match self.text_if_any() {
            Some(text) => Ok(text),
            None => Err(self.expected("text in quotes")),
        }
    }

    /// Makes sure that nothing follows.
    pub(super) fn end(&self) -> Result<(), Refusal> {
        match self.tokens {
            [] => Ok(()),
            _ => Err(self.expected("the end of the line")),
        }
    }

    /// Returns the complaint that something else stands here.
    pub(super) fn expected(&self, what: &str) -> Refusal {
        match self.tokens.first() {
            Some(found) => Refusal::new(format!("expected {what}, found {}", found.shown())),
            None => Refusal::new(format!("expected {what}, found the end of the line")),
        }
    }

    fn word(&mut self, what: &str) -> Result<Name, Refusal> {
        match self.tokens.split_first() {
            Some((Token::Word(name), rest)) => {
                self.tokens = rest;
                Ok(name.clone())
            }
            _ => Err(self.expected(what)),
        }
    }

    fn either(&mut self, depth: usize) -> Result<Expr, Refusal> {
        let mut left = self.both(depth)?;
        while self.take(&Token::Or) {
            left = Expr::Or(Box::new(left), Box::new(self.both(depth)?));
        }
        Ok(left)
    }

    fn both(&mut self, depth: usize) -> Result<Expr, Refusal> {
        let mut left = self.single(depth)?;
        while self.take(&Token::And) {
            left = Expr::And(Box::new(left), Box::new(self.single(depth)?));
        }
        Ok(left)
    }

    fn single(&mut self, depth: usize) -> Result<Expr, Refusal> {
        if depth > DEEPEST {
            return Err(Refusal::new(format!(
                "an expression is nested more than {DEEPEST} deep"
            )));
        }
        self.terms += 1;
        if self.terms > MOST_TERMS {
            return Err(Refusal::new(format!(
                "an expression has more than {MOST_TERMS} terms"
            )));
        }
        if self.take(&Token::Not) {
            return Ok(Expr::Not(Box::new(self.single(depth + 1)?)));
        }
        if self.take(&Token::Open) {
            let inner = self.either(depth + 1)?;
            return match self.take(&Token::Close) {
                true => Ok(inner),
                false => Err(self.expected("`)`")),
            };
        }
        let left = self.term()?;
        match self.tokens.split_first() {
            Some((Token::Relation(relation), rest)) => {
                self.tokens = rest;
                Ok(Expr::Compare(*relation, left, self.term()?))
            }
            _ => Ok(Expr::Term(left)),
        }
    }
}

impl Token {
    /// Returns it as it is shown in a message.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Word(name) => format!("`{}`", name.replace('\x01', "")),
            Self::Quoted(text) => format!("{text:?}"),
            Self::Key(key) => format!("`{}`", key.as_str()),
            Self::Relation(relation) => format!("`{relation}`"),
            Self::AssignSimple => "`:=`".to_owned(),
            Self::AssignAppend => "`+=`".to_owned(),
            Self::Value(_) => "a value".to_owned(),
            Self::And => "`&&`".to_owned(),
            Self::Or => "`||`".to_owned(),
            Self::Not => "`!`".to_owned(),
            Self::Open => "`(`".to_owned(),
            Self::Close => "`)`".to_owned(),
        }
    }
}
