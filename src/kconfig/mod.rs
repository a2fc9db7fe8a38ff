//! The Kconfig language: reading a kernel's option tree, and saying what values a request leads to and why. What it
//! knows of the world (files, variables, the compiler's answers) is handed in; it starts no program and knows no make.

mod attribute;
pub mod batch;
#[cfg(test)]
mod batch_tests;
mod blocks;
mod build;
mod choice;
#[cfg(test)]
mod choice_tests;
mod clause;
pub mod dialect;
pub mod dotconfig;
#[cfg(test)]
mod dotconfig_tests;
mod error;
pub mod evaluate;
#[cfg(test)]
mod evaluate_tests;
pub mod explain;
mod expression;
#[cfg(test)]
mod file_tests;
mod files;
#[cfg(test)]
mod hostile_tests;
mod lex;
mod lower;
#[cfg(test)]
mod macro_tests;
mod macros;
mod membership;
pub mod model;
pub mod modes;
mod names;
mod number;
pub mod oracle;
mod order;
pub mod parse;
#[cfg(test)]
mod parse_tests;
mod range;
pub mod remedy;
pub mod request;
pub mod rounds;
#[cfg(test)]
mod sketch;
mod source;
mod statement;
mod symbols;
pub mod syntax;
pub mod terms;
pub mod tristate;

pub use error::{KconfigError, Problem};
