//! The blocks that are open while a tree is read, and the entry whose lines follow. Places tell which file they belong to.

use super::{
    attribute::Owner,
    error::Refusal,
    lex::Key,
    syntax::{Attribute, Choice, Comment, Config, Entry, Expr, If, Menu, Name, Place, Term},
};

/// As deep may blocks stand in each other. Linux 6.12 goes 11 deep.
const DEEPEST: usize = 200;

/// The kind of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Menu,
    Choice,
    If,
}

/// The open blocks, outermost first.
#[derive(Default)]
pub(super) struct Blocks {
    top: Vec<Entry>,
    open: Vec<Block>,
    lines: Lines,
}

struct Block {
    head: Head,
    attributes: Vec<Attribute>,
    entries: Vec<Entry>,
    at: Place,
}

enum Head {
    Menu(String),
    Choice(Option<Name>),
    If(Expr),
}

/// What the next lines belong to.
#[derive(Default)]
enum Lines {
    #[default]
    Nothing,
    Config(Config),
    Comment(Comment),
    /// The innermost block.
    Block,
}

impl Kind {
    /// Returns the word that opens it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Menu => "menu",
            Self::Choice => "choice",
            Self::If => "if",
        }
    }
}

impl Blocks {
    /// Begins a symbol's entry.
    pub(super) fn config(&mut self, config: Config) {
        self.rest();
        self.lines = Lines::Config(config);
    }

    /// Begins a comment.
    pub(super) fn comment(&mut self, comment: Comment) {
        self.rest();
        self.lines = Lines::Comment(comment);
    }

    /// Opens a menu.
    pub(super) fn menu(&mut self, title: String, at: Place) -> Result<(), Refusal> {
        self.begin(Head::Menu(title), at)?;
        self.lines = Lines::Block;
        Ok(())
    }

    /// Opens a choice.
    pub(super) fn choice(&mut self, name: Option<Name>, at: Place) -> Result<(), Refusal> {
        self.begin(Head::Choice(name), at)?;
        self.lines = Lines::Block;
        Ok(())
    }

    /// Opens an `if`.
    pub(super) fn condition(&mut self, condition: Expr, at: Place) -> Result<(), Refusal> {
        self.begin(Head::If(condition), at)
    }

    /// Begins something nameless in place of what could not be read, so that its lines and its end are not mistakes too.
    pub(super) fn stand_in(&mut self, key: Key, at: Place) {
        let _ = match key {
            Key::Menu => self.menu(String::new(), at),
            Key::Choice => self.choice(None, at),
            Key::If => self.condition(Expr::Term(Term::Constant("n".into())), at),
            Key::Config | Key::MenuConfig | Key::Comment => {
                let (name, attributes) = ("".into(), Vec::new());
                self.config(Config {
                    name,
                    menu: false,
                    attributes,
                    at,
                });
                Ok(())
            }
            _ => Ok(()),
        };
    }

    /// Adds a line to the entry that is being read.
    pub(super) fn say(&mut self, line: Attribute) {
        match &mut self.lines {
            Lines::Config(config) => config.attributes.push(line),
            Lines::Comment(comment) => comment.attributes.push(line),
            Lines::Block => {
                if let Some(block) = self.open.last_mut() {
                    block.attributes.push(line);
                }
            }
            Lines::Nothing => {}
        }
    }

    /// Returns what the next line would belong to.
    pub(super) fn owner(&self) -> Option<Owner> {
        match (&self.lines, self.open.last().map(Block::kind)) {
            (Lines::Config(_), _) => Some(Owner::Config),
            (Lines::Comment(_), _) => Some(Owner::Comment),
            (Lines::Block, Some(Kind::Menu)) => Some(Owner::Menu),
            (Lines::Block, Some(Kind::Choice)) => Some(Owner::Choice),
            _ => None,
        }
    }

    /// Returns the symbol whose entry is being read.
    pub(super) fn symbol(&self) -> Option<Name> {
        match &self.lines {
            Lines::Config(config) => Some(config.name.clone()),
            _ => None,
        }
    }

    /// Returns whether a choice is open.
    pub(super) fn are_in_choice(&self) -> bool {
        self.open.iter().any(|block| block.kind() == Kind::Choice)
    }

    /// Returns how many blocks are open.
    pub(super) fn depth(&self) -> usize {
        self.open.len()
    }

    /// Ends the entry that is being read: no more lines belong to it.
    pub(super) fn rest(&mut self) {
        let entry = match std::mem::take(&mut self.lines) {
            Lines::Config(config) => Entry::Config(config),
            Lines::Comment(comment) => Entry::Comment(comment),
            Lines::Nothing | Lines::Block => return,
        };
        self.entries().push(entry);
    }

    /// Closes the innermost block of this kind, if there is one beyond the first `below`, and those inside it. Returns
    /// those inside it, innermost first.
    ///
    /// # Errors
    ///
    /// There is none. The place is that of a block among the first `below` that would have been closed.
    pub(super) fn end(
        &mut self,
        kind: Kind,
        below: usize,
    ) -> Result<Vec<(Kind, Place)>, Option<Place>> {
        self.rest();
        let Some(at) = self.open[below..]
            .iter()
            .rposition(|block| block.kind() == kind)
        else {
            let foreign = self.open[..below]
                .last()
                .filter(|block| block.kind() == kind);
            return Err(foreign
                .filter(|_| self.open.len() == below)
                .map(|block| block.at));
        };
        let unclosed = self.end_of_file(below + at + 1);
        self.close();
        Ok(unclosed)
    }

    /// Closes the blocks beyond the first `below`, and returns them, innermost first.
    pub(super) fn end_of_file(&mut self, below: usize) -> Vec<(Kind, Place)> {
        let unclosed = self.open[below..]
            .iter()
            .rev()
            .map(|block| (block.kind(), block.at))
            .collect();
        while self.open.len() > below {
            self.rest();
            self.close();
        }
        unclosed
    }

    /// Returns all that was read.
    pub(super) fn into_entries(mut self) -> Vec<Entry> {
        self.rest();
        self.end_of_file(0);
        self.top
    }

    fn begin(&mut self, head: Head, at: Place) -> Result<(), Refusal> {
        self.rest();
        if self.open.len() == DEEPEST {
            return Err(Refusal::new(format!(
                "blocks stand more than {DEEPEST} deep in each other"
            )));
        }
        self.open.push(Block {
            head,
            attributes: Vec::new(),
            entries: Vec::new(),
            at,
        });
        Ok(())
    }

    fn entries(&mut self) -> &mut Vec<Entry> {
        match self.open.last_mut() {
            Some(block) => &mut block.entries,
            None => &mut self.top,
        }
    }

    fn close(&mut self) {
        if let Some(block) = self.open.pop() {
            self.lines = Lines::Nothing;
            self.entries().push(block.into_entry());
        }
    }
}

impl Block {
    fn kind(&self) -> Kind {
        match self.head {
            Head::Menu(_) => Kind::Menu,
            Head::Choice(_) => Kind::Choice,
            Head::If(_) => Kind::If,
        }
    }

    fn into_entry(self) -> Entry {
        let Self {
            head,
            attributes,
            mut entries,
            at,
        } = self;
        entries.shrink_to_fit();
        match head {
            Head::Menu(title) => Entry::Menu(Menu {
                title,
                attributes,
                entries,
                at,
            }),
            Head::Choice(name) => Entry::Choice(Choice {
                name,
                attributes,
                entries,
                at,
            }),
            Head::If(condition) => Entry::If(If {
                condition,
                entries,
                at,
            }),
        }
    }
}
