//! How a verb fails, and the exit status that says so.

use std::{io::IsTerminal, process::ExitCode, sync::Once};

use miette::{Diagnostic, MietteHandlerOpts, Report};

use super::output::tell;
use crate::exec::ExecError;

/// The exit status after a signal.
pub(crate) const INTERRUPTED: u8 = 130;

/// Why a verb did not succeed.
pub(crate) enum Failure {
    /// The command line, manifest or lock cannot be used: exit status 2.
    Input(Report),
    /// The work failed: exit status 1.
    Work(Report),
    /// The result says no, and has been printed: exit status 1.
    Verdict,
    /// What the user wrote cannot be used, and that has been printed: exit status 2.
    Unusable,
    /// Stopped by a signal: exit status 130.
    Interrupted,
}

impl Failure {
    /// Takes an error of what the user wrote.
    pub(crate) fn input(error: impl Diagnostic + Send + Sync + 'static) -> Self {
        Self::Input(Report::new(error))
    }

    /// Takes an error of the work.
    pub(crate) fn work(error: impl Diagnostic + Send + Sync + 'static) -> Self {
        Self::Work(Report::new(error))
    }

    /// Prints the failure and returns its exit status.
    pub(crate) fn tell(self) -> ExitCode {
        match self {
            Self::Input(report) => {
                tell(&format!("{report:?}"));
                ExitCode::from(2)
            }
            Self::Work(report) => {
                tell(&format!("{report:?}"));
                ExitCode::FAILURE
            }
            Self::Verdict => ExitCode::FAILURE,
            Self::Unusable => ExitCode::from(2),
            Self::Interrupted => {
                tell_interrupted();
                ExitCode::from(INTERRUPTED)
            }
        }
    }
}

/// Tells once that the work was stopped, whichever thread comes to say it.
pub(crate) fn tell_interrupted() {
    static TOLD: Once = Once::new();
    TOLD.call_once(|| {
        tell("interrupted: nothing half-made is left; the same command goes on from here");
    });
}

impl From<ExecError> for Failure {
    fn from(error: ExecError) -> Self {
        match error {
            ExecError::Interrupted(_) => Self::Interrupted,
            error => Self::work(error),
        }
    }
}

impl From<crate::store::StoreError> for Failure {
    fn from(error: crate::store::StoreError) -> Self {
        Self::work(error)
    }
}

/// Decides once how errors look: in colour only on a terminal and when NO_COLOR is not set.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the room that reads the environment"
)]
pub(crate) fn prepare() {
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let terminal = std::io::stderr().is_terminal();
    // The hook is set once, at the start: it cannot be there already.
    let _ = miette::set_hook(Box::new(move |_| {
        let options = MietteHandlerOpts::new()
            .color(terminal && !no_color)
            .unicode(terminal)
            .terminal_links(false)
            .wrap_lines(terminal);
        // On a terminal its own width; elsewhere lines are whole, for those who search them.
        let options = if terminal {
            options
        } else {
            options.width(120)
        };
        Box::new(options.build())
    }));
}
