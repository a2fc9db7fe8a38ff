//! What each statement does to the tree that is being read. Files and the collecting of mistakes are elsewhere.

use super::{
    attribute::{self, Owner},
    blocks::Kind,
    error::Refusal,
    expression::Cursor,
    lex::{Key, Token},
    macros::Assign,
    parse::Reader,
    syntax::{Attribute, Comment, Config, Name, Place, Relation, Says},
};

/// Returns how a statement assigns what, if it begins with a word before these tokens.
pub(super) fn assignment(rest: &[Token]) -> Option<(Assign, &[u8])> {
    match rest {
        [sign, Token::Value(value)] => Some((assigns(sign)?, value)),
        [sign] => Some((assigns(sign)?, &[])),
        _ => None,
    }
}

fn assigns(sign: &Token) -> Option<Assign> {
    match sign {
        Token::Relation(Relation::Equal) => Some(Assign::Recursive),
        Token::AssignSimple => Some(Assign::Simple),
        Token::AssignAppend => Some(Assign::Append),
        _ => None,
    }
}

impl Reader<'_> {
    pub(super) fn entry(&mut self, key: Key, at: Place, rest: &[Token]) -> Result<(), Refusal> {
        if self.blocks.are_in_choice()
            && matches!(
                key,
                Key::MenuConfig | Key::Menu | Key::Choice | Key::MainMenu
            )
        {
            return Err(Refusal::new(format!(
                "`{}` cannot stand in a choice",
                key.as_str()
            )));
        }
        let mut line = Cursor::new(rest, &mut self.names);
        match key {
            Key::Config | Key::MenuConfig => {
                let name = line.symbol()?;
                line.end()?;
                let menu = key == Key::MenuConfig;
                let attributes = Vec::new();
                self.blocks.config(Config {
                    name,
                    menu,
                    attributes,
                    at,
                });
            }
            Key::Comment => {
                let text = attribute::title(line.text()?);
                line.end()?;
                let attributes = Vec::new();
                self.blocks.comment(Comment {
                    text,
                    attributes,
                    at,
                });
            }
            Key::Menu => {
                let title = attribute::title(line.text()?);
                line.end()?;
                self.blocks.menu(title, at)?;
            }
            Key::Choice => {
                let name = line.name_if_any();
                line.end()?;
                self.blocks.choice(name, at)?;
            }
            Key::If => {
                let condition = line.expression()?;
                line.end()?;
                self.blocks.condition(condition, at)?;
            }
            Key::EndMenu | Key::EndChoice | Key::EndIf => {
                line.end()?;
                return self.end(key, at);
            }
            Key::MainMenu => {
                let title = line.text()?;
                line.end()?;
                if self.statements > 1 {
                    return Err(Refusal::new("`mainmenu` is not the first statement"));
                }
                self.title = Some(attribute::title(title));
            }
            other => {
                return Err(Refusal::new(format!(
                    "a statement cannot begin with `{}`",
                    other.as_str()
                )));
            }
        }
        Ok(())
    }

    /// Closes the block that this word ends, and reports those inside it that were not closed.
    fn end(&mut self, key: Key, at: Place) -> Result<(), Refusal> {
        let kind = match key {
            Key::EndMenu => Kind::Menu,
            Key::EndChoice => Kind::Choice,
            _ => Kind::If,
        };
        let below = self.files.blocks();
        let unclosed = self
            .blocks
            .end(kind, below)
            .map_err(|opened| match opened {
                Some(opened) => Refusal::new(format!(
                    "`{}` would close the `{}` at {}:{}, which another file opens",
                    key.as_str(),
                    kind.as_str(),
                    self.files.name(opened.file),
                    opened.line
                )),
                None => Refusal::new(format!(
                    "`{}` closes nothing: no `{}` is open",
                    key.as_str(),
                    kind.as_str()
                )),
            })?;
        for (kind, opened) in unclosed {
            let says = format!("`{}` is not closed before line {}", kind.as_str(), at.line);
            let _ = self.problem(opened, Refusal::new(says));
        }
        Ok(())
    }

    pub(super) fn attribute(&mut self, key: Key, at: Place, rest: &[Token]) -> Result<(), Refusal> {
        let owner = self.owner(key.as_str(), |owner| owner.takes(key))?;
        let mut line = Cursor::new(rest, &mut self.names);
        let (says, more) = attribute::read(key, owner, &mut line)?;
        if says == Says::Modules {
            self.modules()?;
        }
        for says in [Some(says), more].into_iter().flatten() {
            self.blocks.say(Attribute { says, at });
        }
        Ok(())
    }

    pub(super) fn help(&mut self, at: Place, rest: &[Token]) -> Result<(), Refusal> {
        let Some(file) = self.files.current() else {
            return Ok(());
        };
        if !rest.is_empty() {
            return Cursor::new(rest, &mut self.names).end();
        }
        let text = file.scanner.help();
        self.owner("help", |owner| owner.takes(Key::Help))?;
        let text = text.trim_ascii_end();
        let text = match str::from_utf8(text) {
            Ok(text) => text.trim_start_matches('\n').to_owned(),
            Err(_) => String::from_utf8_lossy(text)
                .trim_start_matches('\n')
                .to_owned(),
        };
        let says = Says::Help(text);
        self.blocks.say(Attribute { says, at });
        Ok(())
    }

    /// Reads a statement that begins with no word of the language and assigns nothing.
    pub(super) fn word(&mut self, word: &Name, at: Place, rest: &[Token]) -> Result<(), Refusal> {
        if rest.first().and_then(assigns).is_some() {
            return Err(Refusal::with_help(
                format!("`{word}` cannot be assigned right after a help text"),
                "the kernel's own reader does not understand it there; move it above the entry",
            ));
        }
        let mut line = Cursor::new(rest, &mut self.names);
        let Some(owner) = self.blocks.owner() else {
            return Err(unknown(word));
        };
        let Some(says) = attribute::read_word(word, owner, &mut line)? else {
            return Err(unknown(word));
        };
        if says == Says::Modules {
            self.modules()?;
        }
        self.blocks.say(Attribute { says, at });
        Ok(())
    }

    /// Returns what a line belongs to, if it may.
    fn owner(&self, word: &str, takes: impl Fn(Owner) -> bool) -> Result<Owner, Refusal> {
        match self.blocks.owner() {
            Some(owner) if takes(owner) => Ok(owner),
            Some(owner) => Err(Refusal::new(format!(
                "`{word}` cannot stand in a {}",
                owner.as_str()
            ))),
            None => Err(Refusal::new(format!(
                "`{word}` belongs to nothing: no entry is open"
            ))),
        }
    }

    fn modules(&mut self) -> Result<(), Refusal> {
        let now = self.blocks.symbol();
        match (&self.modules, now) {
            (Some(before), Some(now)) => Err(Refusal::new(format!(
                "`{now}` says `modules`, as `{before}` did before"
            ))),
            (_, now) => {
                self.modules = now;
                Ok(())
            }
        }
    }
}

fn unknown(word: &Name) -> Refusal {
    let says = format!("unknown statement {}", Token::Word(word.clone()).shown());
    match Key::nearest(word) {
        Some(key) => Refusal::with_help(says, format!("did you mean `{}`?", key.as_str())),
        None => Refusal::new(says),
    }
}
