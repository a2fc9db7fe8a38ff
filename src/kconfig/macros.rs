//! The macro language: variables, user functions and built-in functions are expanded here, into bytes. Where the kernel's
//! preprocessor is odd, so is this; only its patience is shorter. Tokens are not known here.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use super::{
    clause::{argument_number, as_text, closing, split},
    error::Refusal,
    oracle::{Answer, Oracle},
};

/// As deep may references stand in each other or lead to each other.
const DEEPEST: u32 = 200;
/// As long may an expansion become, in bytes.
const LONGEST: usize = 1 << 20;
/// As many bytes may all expansions of a tree handle. Linux 6.12 needs a hundredth.
const MOST_WORK: usize = 64 << 20;
/// As many different commands may a tree ask for. Linux 6.12 asks for some 110.
const MOST_COMMANDS: usize = 10_000;
/// As many arguments may a reference have, its name included: the kernel's limit.
const MOST_ARGUMENTS: usize = 16;
/// Stands for the output of a command that has not been run. It is a word, so that what contains it still parses.
const UNANSWERED: &[u8] = b"\x01unanswered\x01";

/// How a variable is assigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Assign {
    /// `=`: expanded whenever it is used.
    Recursive,
    /// `:=`: expanded once.
    Simple,
    /// `+=`: as it was first assigned.
    Append,
}

/// Where an expansion takes place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Here<'a> {
    /// The file, as it was written where it is sourced.
    pub(super) file: &'a str,
    pub(super) line: u32,
}

/// The state of the macro language: variables so far, and what the world was asked. After a refusal nothing can be
/// expanded any more.
pub(super) struct Macros<'o> {
    oracle: &'o mut dyn Oracle,
    variables: BTreeMap<Vec<u8>, Variable>,
    unanswered: BTreeSet<String>,
    /// What `info` and `warning-if` said, with its line.
    pub(super) said: Vec<(u32, String)>,
    depth: u32,
    work: usize,
}

struct Variable {
    value: Rc<[u8]>,
    simple: bool,
    expanding: u32,
}

/// Returns whether what a command prints is missing in this text.
pub(super) fn is_unanswered(text: &[u8]) -> bool {
    memchr::memmem::find(text, UNANSWERED).is_some()
}

impl<'o> Macros<'o> {
    pub(super) fn new(oracle: &'o mut dyn Oracle) -> Self {
        Self {
            oracle,
            variables: BTreeMap::new(),
            unanswered: BTreeSet::new(),
            said: Vec::new(),
            depth: 0,
            work: 0,
        }
    }

    /// Returns the commands whose answers are missing.
    pub(super) fn into_unanswered(self) -> Vec<String> {
        self.unanswered.into_iter().collect()
    }

    /// Returns a variable of the environment.
    pub(super) fn environment(&mut self, name: &str) -> Option<String> {
        if name.is_empty() {
            return None;
        }
        self.oracle.variable(name)
    }

    /// Assigns a variable.
    pub(super) fn assign(
        &mut self,
        name: &[u8],
        value: &[u8],
        how: Assign,
        here: Here,
    ) -> Result<(), Refusal> {
        let known = self
            .variables
            .get(name)
            .map(|variable| (variable.simple, variable.value.clone()));
        let simple = match (how, &known) {
            (Assign::Append, Some((simple, _))) => *simple,
            (how, _) => how == Assign::Simple,
        };
        let mut text = match simple {
            true => self.text(value, &[], here)?,
            false => value.to_vec(),
        };
        if let (Assign::Append, Some((_, before))) = (how, known) {
            text = [&before, b" ".as_slice(), &text].concat();
        }
        self.spend(text.len())?;
        if text.len() > LONGEST {
            return Err(too_long());
        }
        let variable = Variable {
            value: text.into(),
            simple,
            expanding: 0,
        };
        self.variables.insert(name.to_vec(), variable);
        Ok(())
    }

    /// Expands a word that begins where `line` does. Returns it and how many bytes of the line it takes.
    pub(super) fn word(&mut self, line: &[u8], here: Here) -> Result<(Vec<u8>, usize), Refusal> {
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        let mut out = Vec::new();
        let mut at = 0;
        while let Some(&byte) = line.get(at) {
            if byte == b'$' {
                let (text, taken) = self.reference(&line[at + 1..], &[], here)?;
                append(&mut out, &text)?;
                at += 1 + taken;
            } else if is_word(byte) {
                out.push(byte);
                at += 1;
            } else {
                break;
            }
        }
        Ok((out, at))
    }

    /// Expands what follows a `$`. Returns it and how many bytes of the line it takes.
    pub(super) fn after_dollar(
        &mut self,
        line: &[u8],
        here: Here,
    ) -> Result<(Vec<u8>, usize), Refusal> {
        self.reference(line, &[], here)
    }

    fn text(&mut self, text: &[u8], arguments: &[Vec<u8>], here: Here) -> Result<Vec<u8>, Refusal> {
        let mut out = Vec::new();
        let mut rest = text;
        while let Some(dollar) = memchr::memchr(b'$', rest) {
            append(&mut out, &rest[..dollar])?;
            let (expanded, taken) = self.reference(&rest[dollar + 1..], arguments, here)?;
            append(&mut out, &expanded)?;
            rest = &rest[dollar + 1 + taken..];
        }
        append(&mut out, rest)?;
        self.spend(out.len())?;
        Ok(out)
    }

    fn reference(
        &mut self,
        text: &[u8],
        arguments: &[Vec<u8>],
        here: Here,
    ) -> Result<(Vec<u8>, usize), Refusal> {
        if text.first() != Some(&b'(') {
            return Ok((b"$".to_vec(), 0));
        }
        let inside = &text[1..];
        let Some(end) = closing(inside) else {
            let shown = String::from_utf8_lossy(&inside[..inside.len().min(60)]).into_owned();
            return Err(Refusal::with_help(
                format!("the reference `$({shown}` is not closed"),
                "`$(` needs its `)` on the same line",
            ));
        };
        if self.depth == DEEPEST {
            return Err(Refusal::new(format!(
                "references lead to each other more than {DEEPEST} deep"
            )));
        }
        self.depth += 1;
        self.spend(end + 64)?;
        let expanded = self.clause(&inside[..end], arguments, here)?;
        self.depth -= 1;
        Ok((expanded, end + 2))
    }

    /// Expands what stands between `$(` and `)`.
    fn clause(
        &mut self,
        clause: &[u8],
        arguments: &[Vec<u8>],
        here: Here,
    ) -> Result<Vec<u8>, Refusal> {
        if let Some(argument) =
            argument_number(clause).and_then(|number| arguments.get(number.checked_sub(1)?))
        {
            return Ok(argument.clone());
        }
        let parts = split(clause);
        if parts.len() > MOST_ARGUMENTS {
            return Err(Refusal::new(format!(
                "a reference has more than {} arguments",
                MOST_ARGUMENTS - 1
            )));
        }
        let name = self.text(parts[0], arguments, here)?;
        let mut given = Vec::with_capacity(parts.len() - 1);
        for part in &parts[1..] {
            given.push(self.text(part, arguments, here)?);
        }
        if let Some(value) = self.variable(&name, &given, here)? {
            return Ok(value);
        }
        if let Some(value) = self.builtin(&name, &given, here)? {
            return Ok(value);
        }
        if given.is_empty()
            && let Ok(name) = str::from_utf8(&name)
            && let Some(value) = self.environment(name)
        {
            return Ok(value.into_bytes());
        }
        Ok(Vec::new())
    }

    fn variable(
        &mut self,
        name: &[u8],
        given: &[Vec<u8>],
        here: Here,
    ) -> Result<Option<Vec<u8>>, Refusal> {
        let Some(variable) = self.variables.get_mut(name) else {
            return Ok(None);
        };
        if given.is_empty() && variable.expanding > 0 {
            let name = String::from_utf8_lossy(name);
            return Err(Refusal::new(format!(
                "the variable `{name}` refers to itself"
            )));
        }
        let value = variable.value.clone();
        if variable.simple {
            return Ok(Some(value.to_vec()));
        }
        variable.expanding += 1;
        let expanded = self.text(&value, given, here)?;
        if let Some(variable) = self.variables.get_mut(name) {
            variable.expanding -= 1;
        }
        Ok(Some(expanded))
    }

    fn builtin(
        &mut self,
        name: &[u8],
        given: &[Vec<u8>],
        here: Here,
    ) -> Result<Option<Vec<u8>>, Refusal> {
        let wants = match name {
            b"filename" | b"lineno" => 0,
            b"info" | b"shell" => 1,
            b"error-if" | b"warning-if" => 2,
            _ => return Ok(None),
        };
        if given.len() != wants {
            let (name, got) = (String::from_utf8_lossy(name), given.len());
            return Err(Refusal::new(format!(
                "the function `{name}` takes {wants} arguments, not {got}"
            )));
        }
        let said = |text: &[u8]| String::from_utf8_lossy(text).into_owned();
        Ok(Some(match name {
            b"filename" => here.file.as_bytes().to_vec(),
            b"lineno" => here.line.to_string().into_bytes(),
            b"shell" => self.shell(&given[0])?,
            b"info" => {
                self.said.push((here.line, said(&given[0])));
                Vec::new()
            }
            b"error-if" if given[0] == b"y" => {
                return Err(Refusal::with_help(
                    said(&given[1]),
                    "the kernel's Kconfig files refuse to go on with this toolchain or environment",
                ));
            }
            b"warning-if" if given[0] == b"y" => {
                self.said.push((here.line, said(&given[1])));
                Vec::new()
            }
            _ => Vec::new(),
        }))
    }

    fn shell(&mut self, command: &[u8]) -> Result<Vec<u8>, Refusal> {
        // Its text is not known before other commands are answered.
        if is_unanswered(command) {
            return Ok(UNANSWERED.to_vec());
        }
        let Ok(command) = str::from_utf8(command) else {
            return Err(Refusal::new("a command is not UTF-8 text"));
        };
        match self.oracle.shell(command) {
            Answer::Printed(printed) => Ok(as_text(&printed)),
            Answer::Unknown if self.unanswered.len() == MOST_COMMANDS => {
                // None of them is to be run.
                self.unanswered.clear();
                Err(Refusal::new(format!(
                    "more than {MOST_COMMANDS} commands are to be run"
                )))
            }
            Answer::Unknown => {
                self.unanswered.insert(command.to_owned());
                Ok(UNANSWERED.to_vec())
            }
        }
    }

    fn spend(&mut self, bytes: usize) -> Result<(), Refusal> {
        self.work += bytes;
        match self.work > MOST_WORK {
            true => Err(Refusal::new("the macros of these files expand without end")),
            false => Ok(()),
        }
    }
}

fn append(out: &mut Vec<u8>, text: &[u8]) -> Result<(), Refusal> {
    if out.len() + text.len() > LONGEST {
        return Err(too_long());
    }
    out.extend_from_slice(text);
    Ok(())
}

fn too_long() -> Refusal {
    Refusal::new(format!("a macro expands to more than {LONGEST} bytes"))
}
