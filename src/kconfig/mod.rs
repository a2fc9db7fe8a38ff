//! The Kconfig language: reading a kernel's option tree, and saying what values a request leads to and why. What it
//! knows of the world (files, variables, the compiler's answers) is handed in; it starts no program and knows no make.

mod attribute;
pub mod batch;
mod blocks;
mod error;
mod expression;
mod lex;
mod macros;
mod names;
pub mod oracle;
pub mod parse;
mod source;
pub mod syntax;

pub use error::{KconfigError, Problem};
