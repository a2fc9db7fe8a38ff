//! From a tree's top file to a [`Tree`]: files are followed where they source each other, blocks are matched, and every
//! mistake is collected. The statements' parts and the blocks are told apart elsewhere.

use std::{mem, path::Path};

use super::{
    attribute,
    blocks::Blocks,
    error::{KconfigError, MOST_PROBLEMS, Problem, Refusal},
    expression::Cursor,
    files::{Failure, Files, Need, Seek, Sourcing},
    lex::{Desk, Key, Token},
    macros::{self, Assign, Here, Macros},
    names::Names,
    oracle::Oracle,
    statement,
    syntax::{Name, Place, Tree},
};

/// As many statements may a tree have. Linux 6.12 has 110,000.
const MOST_STATEMENTS: usize = 2_000_000;
/// As many notices are kept.
const MOST_NOTICES: usize = 100;

/// How far reading came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// The whole tree is read.
    Done(Box<Tree>, Vec<Notice>),
    /// The oracle does not know what these commands print, each once and in order. Reading again with the answers may
    /// lead to further ones.
    Asks(Vec<String>),
}

/// Something that the kernel's `conf` would only warn of, or that the files themselves say with `warning-if` or `info`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Where.
    pub at: Place,
    /// What.
    pub says: String,
}

/// Reads the tree of Kconfig files that begins with `top`, a file in the directory `root`.
///
/// # Errors
///
/// The files hold mistakes, all of which are told, or cannot be read. What the `conf` of some kernel from 6.1 to 7.2
/// accepts is none, even where another's is stricter.
pub fn read(root: &Path, top: &str, oracle: &mut dyn Oracle) -> Result<Reading, KconfigError> {
    let mut macros = Macros::new(oracle);
    let srctree = macros.environment("srctree");
    let files = match Files::open(root, top, srctree) {
        Ok(files) => files,
        Err(Failure::Mistake(problem) | Failure::Last(problem)) => {
            return Err(KconfigError::Syntax {
                problems: vec![problem],
            });
        }
        Err(Failure::Broken(error)) => return Err(error),
    };
    let mut reader = Reader {
        files,
        names: Names::default(),
        macros,
        blocks: Blocks::default(),
        title: None,
        modules: None,
        statements: 0,
        problems: Vec::new(),
        notices: Vec::new(),
    };
    match reader.statements() {
        Ok(()) | Err(Stop::Noted) => reader.done(),
        Err(Stop::Broken(error)) => Err(error),
    }
}

/// A tree that is being read.
pub(super) struct Reader<'o> {
    pub(super) files: Files,
    pub(super) names: Names,
    pub(super) macros: Macros<'o>,
    pub(super) blocks: Blocks,
    pub(super) title: Option<String>,
    pub(super) modules: Option<Name>,
    pub(super) statements: usize,
    problems: Vec<Problem>,
    notices: Vec<Notice>,
}

/// Why reading ends early.
pub(super) enum Stop {
    /// A mistake that leaves nothing to go on with; it is noted.
    Noted,
    Broken(KconfigError),
}

impl Reader<'_> {
    fn done(self) -> Result<Reading, KconfigError> {
        let unanswered = self.macros.into_unanswered();
        if !unanswered.is_empty() {
            return Ok(Reading::Asks(unanswered));
        }
        if !self.problems.is_empty() {
            return Err(KconfigError::Syntax {
                problems: self.problems,
            });
        }
        let tree = Tree {
            files: self.files.into_names(),
            title: self.title,
            entries: self.blocks.into_entries(),
        };
        Ok(Reading::Done(Box::new(tree), self.notices))
    }

    fn statements(&mut self) -> Result<(), Stop> {
        let mut tokens = Vec::new();
        let mut warnings = Vec::new();
        while let Some(file) = self.files.current() {
            let mut desk = Desk {
                macros: &mut self.macros,
                names: &mut self.names,
                warnings: &mut warnings,
                file: &file.written,
            };
            let begins = file.scanner.statement(&mut tokens, &mut desk);
            let (file, now) = (file.number, file.scanner.line());
            for (line, says) in mem::take(&mut warnings) {
                self.notice(Place { file, line }, says);
            }
            for (line, says) in mem::take(&mut self.macros.said) {
                self.notice(Place { file, line }, says);
            }
            match begins {
                Ok(Some(line)) => self.statement(Place { file, line }, &tokens)?,
                Ok(None) => self.close_file()?,
                Err(refusal) => {
                    self.problem(Place { file, line: now }, refusal)?;
                    return Err(Stop::Noted);
                }
            }
        }
        Ok(())
    }

    fn statement(&mut self, at: Place, tokens: &[Token]) -> Result<(), Stop> {
        self.statements += 1;
        if self.statements > MOST_STATEMENTS {
            self.problem(
                at,
                Refusal::new(format!(
                    "the tree has more than {MOST_STATEMENTS} statements"
                )),
            )?;
            return Err(Stop::Noted);
        }
        let Some((first, rest)) = tokens.split_first() else {
            return Ok(());
        };
        let done = match first {
            Token::Key(Key::Help) => self.help(at, rest),
            Token::Key(key) if attribute::is_attribute(*key) => self.attribute(*key, at, rest),
            Token::Key(Key::Source) => return self.source(at, rest, Seek::Top, Need::Must),
            Token::Key(key) => {
                let entry = self.entry(*key, at, rest);
                if entry.is_err() {
                    self.blocks.stand_in(*key, at);
                }
                entry
            }
            // Perhaps it is nothing at all once the command is answered.
            Token::Word(word) if macros::is_unanswered(word.as_bytes()) => Ok(()),
            Token::Word(word) => match (&**word, rest) {
                ("rsource", [Token::Quoted(_)]) => {
                    return self.source(at, rest, Seek::Here, Need::Must);
                }
                ("osource", [Token::Quoted(_)]) => {
                    return self.source(at, rest, Seek::Top, Need::May);
                }
                ("orsource", [Token::Quoted(_)]) => {
                    return self.source(at, rest, Seek::Here, Need::May);
                }
                _ => match statement::assignment(rest) {
                    Some((how, value)) => return self.assign(word, how, value, at),
                    None => self.word(word, at, rest),
                },
            },
            other => Err(Refusal::new(format!(
                "a statement cannot begin with {}",
                other.shown()
            ))),
        };
        match done {
            Ok(()) => Ok(()),
            Err(refusal) => self.problem(at, refusal),
        }
    }

    fn source(&mut self, at: Place, rest: &[Token], seek: Seek, need: Need) -> Result<(), Stop> {
        let found = {
            let mut line = Cursor::new(rest, &mut self.names);
            line.text().and_then(|name| line.end().map(|()| name))
        };
        let written = match found {
            Ok(_) if self.blocks.are_in_choice() => {
                return self.problem(at, Refusal::new("`source` cannot stand in a choice"));
            }
            Ok(written) => written,
            Err(refusal) => return self.problem(at, refusal),
        };
        self.blocks.rest();
        // What it means is known only after a command has been answered.
        if macros::is_unanswered(written.as_bytes()) {
            return Ok(());
        }
        let opened = self.files.source(Sourcing {
            written,
            seek,
            need,
            at,
            blocks: self.blocks.depth(),
        });
        self.note(opened)
    }

    fn assign(&mut self, name: &Name, how: Assign, value: &[u8], at: Place) -> Result<(), Stop> {
        if self.blocks.are_in_choice() {
            return self.problem(
                at,
                Refusal::new("a variable cannot be assigned in a choice"),
            );
        }
        self.blocks.rest();
        let file = self.files.written();
        let here = Here {
            file,
            line: at.line,
        };
        match self.macros.assign(name.as_bytes(), value, how, here) {
            Ok(()) => Ok(()),
            Err(refusal) => {
                self.problem(at, refusal)?;
                Err(Stop::Noted)
            }
        }
    }

    fn close_file(&mut self) -> Result<(), Stop> {
        for (kind, opened) in self.blocks.end_of_file(self.files.blocks()) {
            let says = format!("`{}` is not closed in this file", kind.as_str());
            let help = format!("add `end{}`", kind.as_str());
            self.problem(opened, Refusal::with_help(says, help))?;
        }
        let opened = self.files.close();
        self.note(opened)
    }

    /// Notes why a file was not opened.
    fn note(&mut self, opened: Result<(), Failure>) -> Result<(), Stop> {
        match opened {
            Ok(()) => Ok(()),
            Err(Failure::Mistake(problem)) => self.add(problem),
            Err(Failure::Last(problem)) => {
                self.add(problem)?;
                Err(Stop::Noted)
            }
            Err(Failure::Broken(error)) => Err(Stop::Broken(error)),
        }
    }

    fn notice(&mut self, at: Place, says: String) {
        if self.notices.len() < MOST_NOTICES {
            self.notices.push(Notice { at, says });
        }
    }

    pub(super) fn problem(&mut self, at: Place, refusal: Refusal) -> Result<(), Stop> {
        self.add(self.files.problem(at, refusal))
    }

    /// Notes a mistake. Reading ends when there are enough.
    fn add(&mut self, problem: Problem) -> Result<(), Stop> {
        if self.problems.len() < MOST_PROBLEMS {
            self.problems.push(problem);
        }
        match self.problems.len() < MOST_PROBLEMS {
            true => Ok(()),
            false => Err(Stop::Noted),
        }
    }
}
