//! Runs a plan on a store: a ready queue, a thread per running step, and a record of every success. What a step does
//! is for the rooms of its trade; `carry` picks the room.

mod carry;
mod queue;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use miette::Diagnostic;

use crate::{
    bench::Bench,
    cancel::{Cancel, Interrupted},
    digest::Digest,
    event::Sink,
    plan::action::Action,
    source::Network,
    step::{Products, StepId},
    store::{Store, StoreError},
};

pub use carry::carry_out;
pub use queue::execute;

/// What carries out actions: [`carry_out`] in the product, a fake in tests of the queue.
pub type Carry<'a> = dyn Fn(&Bench<'_>, &Action<Digest>) -> Result<Products, Trouble> + Sync + 'a;

/// The error of a room, whatever room it was.
pub type Trouble = Box<dyn Diagnostic + Send + Sync>;

/// How often a run goes on after something was found damaged.
pub const MENDED: usize = 8;

/// Tells whether an error says that something was lost in the store, which is then made again by whoever made it.
#[must_use]
pub fn is_mendable(error: &dyn Diagnostic) -> bool {
    let lost = ["store::damaged", "store::missing", "store::missing_tree"];
    error
        .code()
        .is_some_and(|code| lost.contains(&code.to_string().as_str()))
}

/// What every step of a run shares.
pub struct Shop<'a> {
    /// Blobs, trees and results.
    pub store: &'a Store,
    /// How to reach mirrors.
    pub network: &'a Network,
    /// How many processes a tool may run at once.
    pub jobs: usize,
    /// Raised when the work must stop.
    pub cancel: &'a Cancel,
    /// Where events go.
    pub sink: &'a dyn Sink,
    /// Where the logs of steps go: a directory.
    pub logs: PathBuf,
    /// Where the host's tools are looked for, as in `PATH`: for `toolchain: host`.
    pub host_path: String,
}

/// A plan could not be carried out.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum ExecError {
    /// A step failed. The first to fail is reported; the others were stopped.
    #[error("step {step} failed")]
    #[diagnostic(code(exec::step))]
    Step {
        /// The step.
        step: StepId,
        /// Why.
        #[source]
        #[diagnostic_source]
        cause: Troubled,
    },
    /// A step's code has a fault.
    #[error("step {step} ended in a fault of this program: {message}")]
    #[diagnostic(
        code(exec::panicked),
        help("this is a bug: please report it, with what was printed above and the step's log")
    )]
    Panicked {
        /// The step.
        step: StepId,
        /// What the panic said.
        message: String,
    },
    /// The store failed between steps.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Store(#[from] StoreError),
    /// The log of a step could not be written.
    #[error("cannot write the log `{}`", path.display())]
    #[diagnostic(code(exec::log), help("`--out DIR` puts results and logs elsewhere"))]
    Log {
        /// The log.
        path: PathBuf,
        /// The cause.
        #[source]
        cause: std::io::Error,
    },
    /// The work was stopped.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Interrupted(#[from] Interrupted),
}

/// A room's error, as the cause of a failed step: says and shows what the room said.
pub struct Troubled(pub Trouble);

impl std::fmt::Debug for Troubled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(&self.0, f)
    }
}

impl std::fmt::Display for Troubled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(&self.0, f)
    }
}

impl std::error::Error for Troubled {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}

impl Diagnostic for Troubled {
    fn code<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        self.0.code()
    }

    fn severity(&self) -> Option<miette::Severity> {
        self.0.severity()
    }

    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        self.0.help()
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        self.0.source_code()
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = miette::LabeledSpan> + '_>> {
        self.0.labels()
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        self.0.related()
    }

    fn diagnostic_source(&self) -> Option<&dyn Diagnostic> {
        self.0.diagnostic_source()
    }
}
