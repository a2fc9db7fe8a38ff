//! The Kconfig language: reading a kernel's option tree, and saying what values a request leads to and why. What it
//! knows of the world (files, variables, the compiler's answers) is handed in; it starts no program and knows no make.

pub mod syntax;
