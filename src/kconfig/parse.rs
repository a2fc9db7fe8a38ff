//! From a tree's top file to a [`Tree`]: files are followed where they source each other, blocks are matched, and every
//! mistake is collected. The statements' parts and the blocks are told apart elsewhere.

use std::{collections::BTreeMap, mem, path::Path};

use super::{
    attribute::{self, Owner},
    blocks::{Blocks, Kind},
    error::{KconfigError, MOST_PROBLEMS, Problem, Refusal},
    expression::Cursor,
    lex::{Desk, Key, Scanner, Token},
    macros::{self, Assign, Here, Macros},
    names::Names,
    oracle::Oracle,
    source::{self, Missing, Sources},
    syntax::{Attribute, Comment, Config, Name, Place, Relation, Says, Tree},
};

/// As deep may files source each other. Linux 6.12 goes 7 deep.
const DEEPEST: usize = 64;
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
/// The files hold mistakes, all of which are told, or cannot be read.
pub fn read(root: &Path, top: &str, oracle: &mut dyn Oracle) -> Result<Reading, KconfigError> {
    let mut reader = Reader {
        sources: Sources::open(root)?,
        srctree: None,
        names: Names::default(),
        macros: Macros::new(oracle),
        files: Vec::new(),
        numbers: BTreeMap::new(),
        open: Vec::new(),
        blocks: Blocks::default(),
        title: None,
        modules: None,
        statements: 0,
        problems: Vec::new(),
        notices: Vec::new(),
    };
    reader.srctree = reader.macros.environment("srctree");
    match reader.sources.read(top) {
        Ok(bytes) => reader.open(top.to_owned(), top.to_owned(), bytes, Vec::new()),
        Err(Missing::Absent) => {
            return Err(KconfigError::NoTop {
                root: root.to_owned(),
                top: top.to_owned(),
            });
        }
        Err(Missing::Refused(refusal)) => {
            return Err(KconfigError::Syntax {
                problems: vec![refusal.at(top, 1)],
            });
        }
        Err(Missing::Broken(error)) => return Err(error),
    }
    reader.run()?;
    reader.done()
}

struct Reader<'o> {
    sources: Sources,
    srctree: Option<String>,
    names: Names,
    macros: Macros<'o>,
    files: Vec<String>,
    numbers: BTreeMap<String, u32>,
    open: Vec<Opened>,
    blocks: Blocks,
    title: Option<String>,
    modules: Option<Name>,
    statements: usize,
    problems: Vec<Problem>,
    notices: Vec<Notice>,
}

/// A file that is being read.
struct Opened {
    scanner: Scanner,
    number: u32,
    /// Its name as it was written.
    written: String,
    /// How many blocks were open when it was opened.
    blocks: usize,
    /// The files that the same statement sources after it, the next one last.
    then: Vec<String>,
}

/// Why reading ends early.
enum Stop {
    /// A mistake that leaves nothing to go on with; it is noted.
    Noted,
    Broken(KconfigError),
}

impl Reader<'_> {
    fn run(&mut self) -> Result<(), KconfigError> {
        match self.statements() {
            Ok(()) | Err(Stop::Noted) => Ok(()),
            Err(Stop::Broken(error)) => Err(error),
        }
    }

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
            files: self.files,
            title: self.title,
            entries: self.blocks.into_entries(),
        };
        Ok(Reading::Done(Box::new(tree), self.notices))
    }

    fn statements(&mut self) -> Result<(), Stop> {
        let mut tokens = Vec::new();
        let mut warnings = Vec::new();
        while let Some(file) = self.open.last_mut() {
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
            for says in mem::take(&mut self.macros.said) {
                self.notice(Place { file, line: now }, says);
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
            self.problem(at, Refusal::new(format!("the tree has more than {MOST_STATEMENTS} statements")))?;
            return Err(Stop::Noted);
        }
        let Some((first, rest)) = tokens.split_first() else {
            return Ok(());
        };
        let done = match first {
            Token::Key(Key::Help) => self.help(at, rest),
            Token::Key(key) if attribute::is_attribute(*key) => self.attribute(*key, at, rest),
            Token::Key(Key::Source) => return self.source(at, rest, Seek::Top, Need::Must),
            Token::Key(key) => self.entry(*key, at, rest),
            Token::Word(word) => match (&**word, rest) {
                ("rsource", [Token::Quoted(_)]) => return self.source(at, rest, Seek::Here, Need::Must),
                ("osource", [Token::Quoted(_)]) => return self.source(at, rest, Seek::Top, Need::May),
                ("orsource", [Token::Quoted(_)]) => return self.source(at, rest, Seek::Here, Need::May),
                _ => self.word(word, at, rest),
            },
            other => Err(Refusal::new(format!("a statement cannot begin with {}", other.shown()))),
        };
        match done {
            Ok(()) => Ok(()),
            Err(refusal) => self.problem(at, refusal),
        }
    }

    fn entry(&mut self, key: Key, at: Place, rest: &[Token]) -> Result<(), Refusal> {
        if self.blocks.are_in_choice() && matches!(key, Key::MenuConfig | Key::Menu | Key::Choice | Key::MainMenu) {
            return Err(Refusal::new(format!("`{}` cannot stand in a choice", key.as_str())));
        }
        let mut line = Cursor::new(rest, &mut self.names);
        match key {
            Key::Config | Key::MenuConfig => {
                let name = line.symbol()?;
                line.end()?;
                let menu = key == Key::MenuConfig;
                let attributes = Vec::new();
                self.blocks.config(Config { name, menu, attributes, at });
            }
            Key::Comment => {
                let text = attribute::title(line.text()?);
                line.end()?;
                let attributes = Vec::new();
                self.blocks.comment(Comment { text, attributes, at });
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
            other => return Err(Refusal::new(format!("a statement cannot begin with `{}`", other.as_str()))),
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
        let below = self.open.last().map_or(0, |file| file.blocks);
        let unclosed = self.blocks.end(kind, below).map_err(|opened| match opened {
            Some(opened) => Refusal::new(format!(
                "`{}` would close the `{}` at {}:{}, which another file opens",
                key.as_str(),
                kind.as_str(),
                self.files[opened.file as usize],
                opened.line
            )),
            None => Refusal::new(format!("`{}` closes nothing: no `{}` is open", key.as_str(), kind.as_str())),
        })?;
        for (kind, opened) in unclosed {
            let says = format!("`{}` is not closed before line {}", kind.as_str(), at.line);
            let _ = self.problem(opened, Refusal::new(says));
        }
        Ok(())
    }

    fn attribute(&mut self, key: Key, at: Place, rest: &[Token]) -> Result<(), Refusal> {
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

    fn help(&mut self, at: Place, rest: &[Token]) -> Result<(), Refusal> {
        let Some(file) = self.open.last_mut() else {
            return Ok(());
        };
        if !rest.is_empty() {
            return Cursor::new(rest, &mut self.names).end();
        }
        let text = file.scanner.help();
        self.owner("help", |owner| owner.takes(Key::Help))?;
        let text = String::from_utf8_lossy(text.trim_ascii_end()).into_owned();
        let says = Says::Help(text);
        self.blocks.say(Attribute { says, at });
        Ok(())
    }

    /// Reads a statement that begins with no word of the language.
    fn word(&mut self, word: &Name, at: Place, rest: &[Token]) -> Result<(), Refusal> {
        let (how, value) = match rest {
            [Token::Relation(Relation::Equal), Token::Value(value)] => (Assign::Recursive, value),
            [Token::AssignSimple, Token::Value(value)] => (Assign::Simple, value),
            [Token::AssignAppend, Token::Value(value)] => (Assign::Append, value),
            _ => {
                let mut line = Cursor::new(rest, &mut self.names);
                if let Some(owner) = self.blocks.owner()
                    && let Some(says) = attribute::read_word(word, owner, &mut line)?
                {
                    if says == Says::Modules {
                        self.modules()?;
                    }
                    self.blocks.say(Attribute { says, at });
                    return Ok(());
                }
                return Err(Refusal::new(format!("unknown statement {}", Token::Word(word.clone()).shown())));
            }
        };
        if self.blocks.are_in_choice() {
            return Err(Refusal::new("a variable cannot be assigned in a choice"));
        }
        self.blocks.rest();
        let file = self.open.last().map_or("", |file| &file.written);
        self.macros.assign(word.as_bytes(), value, how, Here { file, line: at.line })
    }

    /// Returns what a line belongs to, if it may.
    fn owner(&self, word: &str, takes: impl Fn(Owner) -> bool) -> Result<Owner, Refusal> {
        match self.blocks.owner() {
            Some(owner) if takes(owner) => Ok(owner),
            Some(owner) => Err(Refusal::new(format!("`{word}` cannot stand in a {}", owner.as_str()))),
            None => Err(Refusal::new(format!("`{word}` belongs to nothing: no entry is open"))),
        }
    }

    fn modules(&mut self) -> Result<(), Refusal> {
        let now = self.blocks.symbol();
        match (&self.modules, now) {
            (Some(before), Some(now)) if *before != now => {
                Err(Refusal::new(format!("`{now}` says `modules`, as `{before}` did before")))
            }
            (_, now) => {
                self.modules = now;
                Ok(())
            }
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
        let here = self.files[at.file as usize].rsplit_once('/').map_or("", |(folder, _)| folder);
        let from = match seek {
            Seek::Top => "",
            Seek::Here => here,
        };
        let name = match source::inside(&written, from, self.srctree.as_deref()) {
            Ok(name) => name,
            Err(refusal) => return self.problem(at, refusal),
        };
        match self.sources.read(&name) {
            Ok(bytes) => self.open_at(at, written, name, bytes, Vec::new()),
            Err(Missing::Absent) if source::is_pattern(&name) => {
                let mut names = match self.sources.matching(&name) {
                    Ok(names) => names,
                    Err(missing) => return self.missing(at, missing, &written),
                };
                if names.is_empty() && need == Need::Must {
                    return self.missing(at, Missing::Absent, &written);
                }
                names.reverse();
                self.open_next(at, names)
            }
            Err(Missing::Absent) if need == Need::May => Ok(()),
            Err(missing) => self.missing(at, missing, &written),
        }
    }

    fn missing(&mut self, at: Place, missing: Missing, written: &str) -> Result<(), Stop> {
        match missing {
            Missing::Absent => self.problem(at, Refusal::new(format!("there is no file `{written}`"))),
            Missing::Refused(refusal) => {
                self.problem(at, refusal)?;
                Err(Stop::Noted)
            }
            Missing::Broken(error) => Err(Stop::Broken(error)),
        }
    }

    /// Opens the last of these files, and keeps the others for when it ends.
    fn open_next(&mut self, at: Place, mut names: Vec<String>) -> Result<(), Stop> {
        let Some(name) = names.pop() else {
            return Ok(());
        };
        match self.sources.read(&name) {
            Ok(bytes) => self.open_at(at, name.clone(), name, bytes, names),
            Err(missing) => self.missing(at, missing, &name),
        }
    }

    fn open_at(
        &mut self,
        at: Place,
        written: String,
        name: String,
        bytes: Vec<u8>,
        then: Vec<String>,
    ) -> Result<(), Stop> {
        let again = self.open.iter().any(|file| self.files[file.number as usize] == name);
        if again || self.open.len() == DEEPEST {
            let says = match again {
                true => format!("`{name}` is sourced while it is being read"),
                false => format!("files source each other more than {DEEPEST} deep"),
            };
            self.problem(at, Refusal::new(says))?;
            return Err(Stop::Noted);
        }
        self.open(written, name, bytes, then);
        match self.problems.len() {
            MOST_PROBLEMS => Err(Stop::Noted),
            _ => Ok(()),
        }
    }

    fn open(&mut self, written: String, name: String, bytes: Vec<u8>, then: Vec<String>) {
        let number = match self.numbers.get(&name) {
            Some(number) => *number,
            None => {
                let number = u32::try_from(self.files.len()).unwrap_or(u32::MAX);
                self.files.push(name.clone());
                self.numbers.insert(name.clone(), number);
                number
            }
        };
        match Scanner::new(bytes) {
            Ok(scanner) => self.open.push(Opened {
                scanner,
                number,
                written,
                blocks: self.blocks.depth(),
                then,
            }),
            Err(line) => self.problems.push(Refusal::new("a NUL byte").at(&name, line)),
        }
    }

    fn close_file(&mut self) -> Result<(), Stop> {
        let Some(file) = self.open.pop() else {
            return Ok(());
        };
        for (kind, opened) in self.blocks.end_of_file(file.blocks) {
            let says = format!("`{}` is not closed in this file", kind.as_str());
            let help = format!("add `end{}`", kind.as_str());
            self.problem(opened, Refusal::with_help(says, help))?;
        }
        let line = file.scanner.line();
        self.open_next(Place { file: file.number, line }, file.then)
    }

    fn notice(&mut self, at: Place, says: String) {
        if self.notices.len() < MOST_NOTICES {
            self.notices.push(Notice { at, says });
        }
    }

    /// Notes a mistake. Reading ends when there are enough.
    fn problem(&mut self, at: Place, refusal: Refusal) -> Result<(), Stop> {
        if self.problems.len() < MOST_PROBLEMS {
            self.problems.push(refusal.at(&self.files[at.file as usize], at.line));
        }
        match self.problems.len() < MOST_PROBLEMS {
            true => Ok(()),
            false => Err(Stop::Noted),
        }
    }
}

/// From where a sourced file is named.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seek {
    /// The tree's top.
    Top,
    /// The directory of the file that sources it.
    Here,
}

/// Whether a sourced file has to be there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    Must,
    May,
}
