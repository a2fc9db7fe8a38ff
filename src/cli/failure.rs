//! How a verb fails, and the exit status that says so.

use std::{fmt, io::IsTerminal, process::ExitCode, sync::Once};

use miette::{Diagnostic, MietteHandler, MietteHandlerOpts, Report, ReportHandler};

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
        Box::new(Plain(options.build()))
    }));
}

/// Shows reports as miette does, but for the word that it puts before each of the reports inside one.
struct Plain(MietteHandler);

impl ReportHandler for Plain {
    fn debug(&self, error: &dyn Diagnostic, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        struct Shown<'a>(&'a MietteHandler, &'a dyn Diagnostic);
        impl fmt::Debug for Shown<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.debug(self.1, f)
            }
        }
        f.write_str(&without_headings(&format!("{:?}", Shown(&self.0, error))))
    }
}

/// Takes `Error: ` from lines that hold nothing else but perhaps a code: a report inside a report needs no such heading.
fn without_headings(text: &str) -> String {
    let mut kept = Vec::new();
    for line in text.split('\n') {
        let indent = line.len() - line.trim_start().len();
        match line[indent..].strip_prefix("Error: ") {
            Some("") => {}
            Some(code) if is_code(code) => kept.push(format!("{}{code}", &line[..indent])),
            _ => kept.push(line.to_owned()),
        }
    }
    kept.join("\n")
}

/// Tells whether this is a diagnostic's code, in colour or not: `manifest::bad_value`.
fn is_code(text: &str) -> bool {
    let bare: String =
        text.split('\u{1b}')
            .enumerate()
            .fold(String::new(), |bare, (index, part)| {
                // After an escape comes `[…m`.
                let part = if index == 0 {
                    part
                } else {
                    part.split_once('m').map_or("", |(_, rest)| rest)
                };
                bare + part
            });
    let letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == ':';
    bare.contains("::") && bare.chars().all(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_inside_a_report_has_no_heading_but_its_code() {
        let text = "a::b\n\n  x it is wrong\n\nError: c::d_e\n  x this\n  Error: \n    Error: no such file\n\
                    Error: \u{1b}[31mc::d\u{1b}[0m\n";
        assert_eq!(
            without_headings(text),
            "a::b\n\n  x it is wrong\n\nc::d_e\n  x this\n    Error: no such file\n\u{1b}[31mc::d\u{1b}[0m\n"
        );
    }
}
