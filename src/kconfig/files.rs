//! Which file is read now: those that source it are kept open, and where each is found is decided here. What a file says
//! is not known here.

use std::{collections::BTreeMap, path::Path};

use super::{
    error::{KconfigError, Problem, Refusal},
    lex::Scanner,
    source::{self, Missing, Sources},
    syntax::Place,
};

/// As deep may files source each other. Linux 6.12 goes 8 deep.
const DEEPEST: usize = 64;

/// The files of a tree, and those that are being read, outermost first.
pub(super) struct Files {
    sources: Sources,
    /// What the tree's top is called in names.
    srctree: Option<String>,
    names: Vec<String>,
    numbers: BTreeMap<String, u32>,
    open: Vec<Opened>,
}

/// A file that is being read.
pub(super) struct Opened {
    pub(super) scanner: Scanner,
    pub(super) number: u32,
    /// Its name as it was written.
    pub(super) written: String,
    /// How many blocks were open when it was opened.
    pub(super) blocks: usize,
    /// Where it is sourced.
    at: Option<Place>,
    /// The files that the same statement sources after it, the next one last.
    then: Vec<String>,
}

/// A statement that sources files.
pub(super) struct Sourcing {
    pub(super) written: String,
    pub(super) seek: Seek,
    pub(super) need: Need,
    pub(super) at: Place,
    /// How many blocks are open.
    pub(super) blocks: usize,
}

/// From where a sourced file is named.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Seek {
    /// The tree's top.
    Top,
    /// The directory of the file that sources it.
    Here,
}

/// Whether a sourced file has to be there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    Must,
    May,
}

/// Why a file is not opened.
pub(super) enum Failure {
    /// A mistake; what follows can still be read.
    Mistake(Problem),
    /// A mistake after which nothing is read any more.
    Last(Problem),
    /// The disk fails.
    Broken(KconfigError),
}

impl Files {
    /// Opens a tree's top file.
    pub(super) fn open(root: &Path, top: &str, srctree: Option<String>) -> Result<Self, Failure> {
        let mut files = Self {
            sources: Sources::open(root).map_err(Failure::Broken)?,
            srctree,
            names: Vec::new(),
            numbers: BTreeMap::new(),
            open: Vec::new(),
        };
        let bytes = files.sources.read(top).map_err(|missing| match missing {
            Missing::Absent => Failure::Broken(KconfigError::NoTop {
                root: root.to_owned(),
                top: top.to_owned(),
            }),
            Missing::Refused(refusal) => Failure::Last(refusal.at(top, 1)),
            Missing::Broken(error) => Failure::Broken(error),
        })?;
        files.begin(top.to_owned(), top.to_owned(), bytes, 0, None, Vec::new())?;
        Ok(files)
    }

    /// Returns the file that is being read.
    pub(super) fn current(&mut self) -> Option<&mut Opened> {
        self.open.last_mut()
    }

    /// Returns the name that the file being read was given where it is sourced.
    pub(super) fn written(&self) -> &str {
        self.open.last().map_or("", |file| &file.written)
    }

    /// Returns how many blocks were open when the file being read was opened.
    pub(super) fn blocks(&self) -> usize {
        self.open.last().map_or(0, |file| file.blocks)
    }

    /// Returns the name of a file.
    pub(super) fn name(&self, number: u32) -> &str {
        self.names.get(number as usize).map_or("", String::as_str)
    }

    /// Returns the names of all files, in the order of their numbers.
    pub(super) fn into_names(self) -> Vec<String> {
        self.names
    }

    /// Opens the files that a statement sources: the first now, the others when it ends.
    pub(super) fn source(&mut self, sourcing: Sourcing) -> Result<(), Failure> {
        let Sourcing {
            written,
            seek,
            need,
            at,
            blocks,
        } = sourcing;
        let from = match seek {
            Seek::Top => "",
            Seek::Here => self
                .name(at.file)
                .rsplit_once('/')
                .map_or("", |(folder, _)| folder),
        };
        let name = source::inside(&written, from, self.srctree.as_deref())
            .map_err(|refusal| Failure::Mistake(self.problem(at, refusal)))?;
        let missing = match self.sources.read(&name) {
            Ok(bytes) => return self.follow(written, name, bytes, blocks, at, Vec::new()),
            Err(missing) => missing,
        };
        match missing {
            Missing::Absent if source::is_pattern(&name) => {
                let mut names = match self.sources.matching(&name) {
                    Ok(names) => names,
                    Err(missing) => return Err(self.failure(at, missing, &written)),
                };
                if names.is_empty() && need == Need::Must {
                    return Err(self.failure(at, Missing::Absent, &written));
                }
                names.reverse();
                self.next(at, blocks, names)
            }
            Missing::Absent if need == Need::May => Ok(()),
            missing => Err(self.failure(at, missing, &written)),
        }
    }

    /// Ends the file being read, and opens the next that the same statement sources.
    pub(super) fn close(&mut self) -> Result<(), Failure> {
        let Some(ended) = self.open.pop() else {
            return Ok(());
        };
        if let Some(file) = self.open.last_mut() {
            file.scanner.go_on_after(&ended.scanner);
        }
        match ended.at {
            Some(at) => self.next(at, ended.blocks, ended.then),
            None => Ok(()),
        }
    }

    /// Returns what is wrong at a place.
    pub(super) fn problem(&self, at: Place, refusal: Refusal) -> Problem {
        refusal.at(self.name(at.file), at.line)
    }

    fn next(&mut self, at: Place, blocks: usize, mut names: Vec<String>) -> Result<(), Failure> {
        let Some(name) = names.pop() else {
            return Ok(());
        };
        match self.sources.read(&name) {
            Ok(bytes) => self.follow(name.clone(), name, bytes, blocks, at, names),
            Err(missing) => Err(self.failure(at, missing, &name)),
        }
    }

    fn follow(
        &mut self,
        written: String,
        name: String,
        bytes: Vec<u8>,
        blocks: usize,
        at: Place,
        then: Vec<String>,
    ) -> Result<(), Failure> {
        let says = if self.open.iter().any(|file| self.name(file.number) == name) {
            format!("`{name}` is sourced while it is being read")
        } else if self.open.len() == DEEPEST {
            format!("files source each other more than {DEEPEST} deep")
        } else {
            return self.begin(written, name, bytes, blocks, Some(at), then);
        };
        Err(Failure::Last(self.problem(at, Refusal::new(says))))
    }

    fn begin(
        &mut self,
        written: String,
        name: String,
        bytes: Vec<u8>,
        blocks: usize,
        at: Option<Place>,
        then: Vec<String>,
    ) -> Result<(), Failure> {
        let scanner = Scanner::new(bytes).map_err(|line| {
            let refusal = Refusal::with_help("a NUL byte", "this is no text file: was it damaged?");
            Failure::Last(refusal.at(&name, line))
        })?;
        let number = match self.numbers.get(&name) {
            Some(number) => *number,
            None => {
                let number = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
                self.names.push(name.clone());
                self.numbers.insert(name, number);
                number
            }
        };
        self.open.push(Opened {
            scanner,
            number,
            written,
            blocks,
            at,
            then,
        });
        Ok(())
    }

    fn failure(&self, at: Place, missing: Missing, written: &str) -> Failure {
        match missing {
            Missing::Absent => {
                let refusal = Refusal::new(format!("there is no file `{written}`"));
                Failure::Mistake(self.problem(at, refusal))
            }
            Missing::Refused(refusal) => Failure::Last(self.problem(at, refusal)),
            Missing::Broken(error) => Failure::Broken(error),
        }
    }
}
