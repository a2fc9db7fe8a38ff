//! Lines inside an entry: what each says of a symbol, a choice, a menu or a comment, and where which may stand.

use super::{
    error::Refusal,
    expression::Cursor,
    lex::{Key, Token},
    syntax::{Expr, Says, Term, Type},
};

/// What the lines that are being read belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    Config,
    Choice,
    Menu,
    Comment,
}

impl Owner {
    /// Returns the word that begins it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Choice => "choice",
            Self::Menu => "menu",
            Self::Comment => "comment",
        }
    }

    /// Returns whether lines that begin with this word may belong to it. `help` is read elsewhere.
    pub(super) fn takes(self, key: Key) -> bool {
        match key {
            Key::Depends => true,
            Key::Visible => self == Self::Menu,
            Key::Help | Key::Prompt | Key::Default | Key::Bool | Key::Tristate => {
                matches!(self, Self::Config | Self::Choice)
            }
            _ => self == Self::Config,
        }
    }
}

/// Returns whether the word begins a line inside an entry.
pub(super) fn is_attribute(key: Key) -> bool {
    matches!(
        key,
        Key::Bool
            | Key::Tristate
            | Key::Int
            | Key::Hex
            | Key::String
            | Key::DefBool
            | Key::DefTristate
            | Key::Default
            | Key::Prompt
            | Key::Depends
            | Key::Select
            | Key::Imply
            | Key::Range
            | Key::Visible
            | Key::Modules
            | Key::Help
    )
}

/// Reads what the line says, after its first word: one or two things.
pub(super) fn read(
    key: Key,
    owner: Owner,
    line: &mut Cursor<'_>,
) -> Result<(Says, Option<Says>), Refusal> {
    let says = match key {
        Key::Bool => typed(Type::Bool, line)?,
        Key::Tristate => typed(Type::Tristate, line)?,
        Key::Int => typed(Type::Int, line)?,
        Key::Hex => typed(Type::Hex, line)?,
        Key::String => typed(Type::String, line)?,
        Key::DefBool => (Says::Type(Type::Bool), Some(default(line)?)),
        Key::DefTristate => (Says::Type(Type::Tristate), Some(default(line)?)),
        Key::Default if owner == Owner::Choice => (choice_default(line)?, None),
        Key::Default => (default(line)?, None),
        Key::Prompt => (prompt(line.text()?, line)?, None),
        Key::Select => {
            let (target, condition) = (line.symbol()?, line.condition()?);
            (Says::Select { target, condition }, None)
        }
        Key::Imply => {
            let (target, condition) = (line.symbol()?, line.condition()?);
            (Says::Imply { target, condition }, None)
        }
        Key::Range => {
            let (low, high, condition) = (line.term()?, line.term()?, line.condition()?);
            (
                Says::Range {
                    low,
                    high,
                    condition,
                },
                None,
            )
        }
        Key::Depends => (depends(line)?, None),
        Key::Visible => {
            let always = || Expr::Term(Term::Constant("y".into()));
            (
                Says::VisibleIf(line.condition()?.unwrap_or_else(always)),
                None,
            )
        }
        Key::Modules => (Says::Modules, None),
        other => {
            return Err(Refusal::new(format!(
                "`{}` says nothing here",
                other.as_str()
            )));
        }
    };
    line.end()?;
    Ok(says)
}

/// Reads a line whose first word means something only here: `transitional`, `optional`, `option modules`.
pub(super) fn read_word(
    word: &str,
    owner: Owner,
    line: &mut Cursor<'_>,
) -> Result<Option<Says>, Refusal> {
    let says = match (word, owner) {
        ("transitional", Owner::Config) => Says::Transitional,
        ("optional", Owner::Choice) => Says::Optional,
        ("option", Owner::Config) if line.take(&Token::Key(Key::Modules)) => Says::Modules,
        ("option", Owner::Config) => {
            return Err(Refusal::with_help(
                "of the old `option` lines only `option modules` is known",
                "kernels before 5.13 are not read",
            ));
        }
        _ => return Ok(None),
    };
    line.end()?;
    Ok(Some(says))
}

fn typed(kind: Type, line: &mut Cursor<'_>) -> Result<(Says, Option<Says>), Refusal> {
    let prompt = match line.text_if_any() {
        Some(text) => Some(prompt(text, line)?),
        None => None,
    };
    Ok((Says::Type(kind), prompt))
}

fn prompt(text: String, line: &mut Cursor<'_>) -> Result<Says, Refusal> {
    Ok(Says::Prompt {
        text: title(text),
        condition: line.condition()?,
    })
}

fn default(line: &mut Cursor<'_>) -> Result<Says, Refusal> {
    Ok(Says::Default {
        value: line.expression()?,
        condition: line.condition()?,
    })
}

fn choice_default(line: &mut Cursor<'_>) -> Result<Says, Refusal> {
    Ok(Says::Default {
        value: Expr::Term(Term::Word(line.symbol()?)),
        condition: line.condition()?,
    })
}

fn depends(line: &mut Cursor<'_>) -> Result<Says, Refusal> {
    if !line.take(&Token::Key(Key::On)) {
        return Err(line.expected("`on`"));
    }
    let needed = line.expression()?;
    Ok(match line.condition()? {
        Some(condition) => Says::DependsOnIf(needed, condition),
        None => Says::DependsOn(needed),
    })
}

/// Returns a title as menus show it: the kernel leaves out blanks at its beginning.
pub(super) fn title(text: String) -> String {
    match text.starts_with(is_space) {
        true => text.trim_start_matches(is_space).to_owned(),
        false => text,
    }
}

fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c')
}
