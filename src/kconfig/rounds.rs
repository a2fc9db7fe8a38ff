//! Reading a tree together with who runs its commands: answers lead to further commands, until none is left.

use std::{collections::BTreeMap, path::Path};

use super::{
    KconfigError,
    oracle::{Answers, Asked, Recorded},
    parse::{self, Notice, Reading},
    syntax::Tree,
};

/// As often are commands run. Linux needs three rounds: which compiler, its version, and what follows from both.
const MOST_ROUNDS: usize = 12;

/// A tree, and what it was read with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The tree.
    pub tree: Tree,
    /// What the kernel's `conf` would only warn of.
    pub notices: Vec<Notice>,
    /// Variables and commands it asked for. With the answers to these it always reads the same.
    pub asked: Asked,
}

/// Reads the tree that begins with `top` in the directory `root`. Commands that `answers` does not know are handed to
/// `run`, all of a round at once, and what they print is added to `answers`.
///
/// # Errors
///
/// The files hold mistakes or cannot be read, commands lead to commands without end, or `run` fails.
pub fn read<E: From<KconfigError>>(
    root: &Path,
    top: &str,
    variables: &BTreeMap<String, String>,
    answers: &mut Answers,
    mut run: impl FnMut(&[String]) -> Result<Vec<Vec<u8>>, E>,
) -> Result<Known, E> {
    let mut rounds = 0;
    loop {
        let mut oracle = Recorded::new(variables, answers);
        match parse::read(root, top, &mut oracle)? {
            Reading::Done(tree, notices) => {
                return Ok(Known {
                    tree: *tree,
                    notices,
                    asked: oracle.into_asked(),
                });
            }
            Reading::Asks(commands) if rounds == MOST_ROUNDS => {
                let command = commands.into_iter().next().unwrap_or_default();
                return Err(KconfigError::Rounds { rounds, command }.into());
            }
            Reading::Asks(commands) => {
                let printed = run(&commands)?;
                answers.extend(commands, printed);
                rounds += 1;
            }
        }
    }
}
