//! The Kconfig language: reading a kernel's option tree, and saying what values a request leads to and why. What it
//! knows of the world (files, variables, the compiler's answers) is handed in; it starts no program and knows no make.

mod attribute;
pub mod batch;
#[cfg(test)]
mod batch_tests;
mod blocks;
mod error;
mod expression;
mod files;
#[cfg(test)]
mod hostile_tests;
mod lex;
#[cfg(test)]
mod macro_tests;
mod macros;
mod names;
pub mod oracle;
pub mod parse;
#[cfg(test)]
mod parse_tests;
pub mod rounds;
mod source;
mod statement;
pub mod syntax;

pub use error::{KconfigError, Problem};
