//! What can go wrong while a Kconfig tree is read: one error, which names every mistake with its file and line.

use std::{io, path::PathBuf};

use miette::Diagnostic;

/// As many mistakes are told at once.
pub(super) const MOST_PROBLEMS: usize = 20;

/// A Kconfig tree could not be read.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum KconfigError {
    /// The files do not say what a kernel's `conf` would accept.
    #[error("{}", headline(problems))]
    #[diagnostic(code(kconfig::syntax))]
    Syntax {
        /// The mistakes in the order of their discovery, at least one and at most 20.
        #[related]
        problems: Vec<Problem>,
    },
    /// A directory has no such top file.
    #[error("`{}` has no file `{top}`", root.display())]
    #[diagnostic(
        code(kconfig::top),
        help("the directory must be the top of a kernel source tree")
    )]
    NoTop {
        /// The directory.
        root: PathBuf,
        /// The file that was wanted in it.
        top: String,
    },
    /// A file or directory could not be read.
    #[error("cannot read `{}`", path.display())]
    #[diagnostic(code(kconfig::read))]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        cause: io::Error,
    },
    /// What ran the commands of a tree printed something else than their answers.
    #[error("the answers to {commands} commands of the Kconfig files are damaged: {detail}")]
    #[diagnostic(
        code(kconfig::answers),
        help(
            "they are printed by a script of ours: was its output cut off or mixed with another?"
        )
    )]
    Answers {
        /// How many commands there were.
        commands: usize,
        /// What is wrong.
        detail: String,
    },
    /// A command of the tree did not end.
    #[error("a command of the Kconfig files did not end within {seconds} s: `{command}`")]
    #[diagnostic(code(kconfig::endless))]
    Endless {
        /// The command.
        command: String,
        /// How long it was given.
        seconds: u32,
    },
    /// Answers lead to further commands without end.
    #[error(
        "the Kconfig files still ask for new commands after {rounds} rounds of answers, such as `{command}`"
    )]
    #[diagnostic(code(kconfig::rounds))]
    Rounds {
        /// How often all commands were answered.
        rounds: usize,
        /// The first that is still without an answer.
        command: String,
    },
}

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Diagnostic)]
#[error("{file}:{line}: {says}")]
pub struct Problem {
    /// The file, relative to the tree's top.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// What is wrong there.
    pub says: String,
    /// What to do.
    #[help]
    pub help: Option<String>,
}

/// Why something cannot be read, before it is known where it stands.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) says: String,
    pub(super) help: Option<String>,
}

impl Refusal {
    pub(super) fn new(says: impl Into<String>) -> Self {
        Self {
            says: says.into(),
            help: None,
        }
    }

    pub(super) fn with_help(says: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            says: says.into(),
            help: Some(help.into()),
        }
    }

    pub(super) fn at(self, file: &str, line: u32) -> Problem {
        Problem {
            file: file.to_owned(),
            line,
            says: self.says,
            help: self.help,
        }
    }
}

fn headline(problems: &[Problem]) -> String {
    match problems {
        [_] => "the Kconfig files have a mistake".to_owned(),
        all if all.len() < MOST_PROBLEMS => {
            format!("the Kconfig files have {} mistakes", all.len())
        }
        _ => format!("the Kconfig files have many mistakes; these are the first {MOST_PROBLEMS}"),
    }
}
