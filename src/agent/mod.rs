//! The guest's first program, whoever makes it: embedded here and compiled by the toolchain (`sources`, `crates`,
//! `compile`), or brought along. Decides what may be one: a static executable for the guest's architecture (`program`).
//! Taking one out of an archive is `source`'s; putting it into a tree is `rootfs`'s.

mod compile;
mod crates;
mod lockfile;
mod program;
mod sources;

pub use compile::build;
pub use crates::crates;
#[cfg(test)]
pub(crate) use program::tiny_elf;
pub use program::{NotInit, check};
pub use sources::{LOCK, MANIFEST, SOURCES, import_sources, version};

use crate::{cancel::Interrupted, digest::Digest, store::StoreError, tool::ToolError};

/// Something that kept the embedded agent from being made.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum AgentError {
    /// The agent's `Cargo.lock` says something that this program does not understand.
    #[error("the agent's Cargo.lock cannot be used: {what} (line {line})")]
    #[diagnostic(
        code(agent::lock),
        help("`cargo generate-lockfile` in agent/ writes a sound one")
    )]
    Lock {
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        what: String,
    },
    /// Crates are needed that are not in the store, and the network may not be used.
    #[error("{} of the agent's crates are not in the store: {}", missing.len(), missing.join(", "))]
    #[diagnostic(
        code(agent::offline),
        help("{by} forbids the network; run once without it to fetch them")
    )]
    Offline {
        /// What forbade the network.
        by: &'static str,
        /// The crates.
        missing: Vec<String>,
    },
    /// Cargo ended well, but a crate is not where it keeps downloads.
    #[error("cargo did not download {name}")]
    #[diagnostic(
        code(agent::not_downloaded),
        help(
            "a source replacement in cargo's configuration that is a directory keeps no `.crate` files; a registry mirror does"
        )
    )]
    NotDownloaded {
        /// The crate and its version.
        name: String,
    },
    /// A crate's bytes are not those that the lock names.
    #[error("crate {name} has digest {actual}, but Cargo.lock names {expected}")]
    #[diagnostic(code(agent::wrong_crate))]
    WrongCrate {
        /// The crate and its version.
        name: String,
        /// The digest in the lock.
        expected: Digest,
        /// The digest of what came.
        actual: Digest,
    },
    /// A crate could not be unpacked.
    #[error("cannot unpack crate {name}: {what}")]
    #[diagnostic(code(agent::unpack))]
    Unpack {
        /// The crate and its version.
        name: String,
        /// What is wrong, and with which file.
        what: String,
    },
    /// What was compiled cannot be a guest's first program.
    #[error("the compiled agent cannot be used: {0}")]
    #[diagnostic(code(agent::not_init))]
    NotInit(#[from] NotInit),
    /// A program failed.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Tool(#[from] ToolError),
    /// The store failed.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Store(#[from] StoreError),
    /// The build was stopped.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Interrupted(#[from] Interrupted),
}
