//! What a Kconfig tree may ask of the world: variables of the environment, and commands for a shell. It also keeps what
//! was asked, from which a cache key is made. No command is run here.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// Knows the world outside the Kconfig files.
pub trait Oracle {
    /// Returns a variable of the environment, or nothing where it is not set.
    fn variable(&mut self, name: &str) -> Option<String>;

    /// Returns what the command prints. Equal commands must have equal answers.
    fn shell(&mut self, command: &str) -> Answer;
}

/// What is known of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Its standard output, of which 4095 bytes count, as the kernel's `conf` reads it.
    Printed(Vec<u8>),
    /// It has not been run.
    Unknown,
}

/// What commands printed, by their text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Answers {
    printed: BTreeMap<String, Vec<u8>>,
}

impl Answers {
    /// Adds what these commands printed, in the same order.
    pub fn extend(&mut self, commands: Vec<String>, printed: Vec<Vec<u8>>) {
        self.printed.extend(commands.into_iter().zip(printed));
    }

    /// Returns what the command printed.
    #[must_use]
    pub fn answer(&self, command: &str) -> Option<&[u8]> {
        self.printed.get(command).map(Vec::as_slice)
    }

    /// Returns how many commands are answered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.printed.len()
    }

    /// Returns whether no command is answered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.printed.is_empty()
    }
}

/// An oracle that answers from what is written down, and writes down what it was asked.
#[derive(Debug)]
pub struct Recorded<'a> {
    variables: &'a BTreeMap<String, String>,
    answers: &'a Answers,
    asked: Asked,
}

/// All that a tree asked of the world. Together with the answers it decides how the tree reads.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Variables, with their values, nothing where they were not set.
    pub variables: BTreeMap<String, Option<String>>,
    /// Commands.
    pub commands: BTreeSet<String>,
}

impl<'a> Recorded<'a> {
    /// Returns an oracle with these variables and answers.
    #[must_use]
    pub fn new(variables: &'a BTreeMap<String, String>, answers: &'a Answers) -> Self {
        Self {
            variables,
            answers,
            asked: Asked::default(),
        }
    }

    /// Returns what was asked.
    #[must_use]
    pub fn into_asked(self) -> Asked {
        self.asked
    }
}

impl Oracle for Recorded<'_> {
    fn variable(&mut self, name: &str) -> Option<String> {
        let value = self.variables.get(name).cloned();
        if !self.asked.variables.contains_key(name) {
            self.asked.variables.insert(name.to_owned(), value.clone());
        }
        value
    }

    fn shell(&mut self, command: &str) -> Answer {
        if !self.asked.commands.contains(command) {
            self.asked.commands.insert(command.to_owned());
        }
        match self.answers.answer(command) {
            Some(printed) => Answer::Printed(printed.to_vec()),
            None => Answer::Unknown,
        }
    }
}
