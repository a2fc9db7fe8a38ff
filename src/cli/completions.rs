//! `completions`: what a shell needs to complete this program's words, and its manual pages.

use std::path::PathBuf;

use clap::CommandFactory;
use clap_complete::Shell;
use miette::Diagnostic;

use super::{
    Cli,
    failure::Failure,
    output::{result, tell},
};

/// Print a script that completes this program's words in a shell, or write its manual pages
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kata-artifacts completions bash                     print the script for bash
  kata-artifacts completions --man share/man/man1     write a manual page for every verb")]
pub(crate) struct Args {
    /// The shell
    #[arg(required_unless_present = "man")]
    shell: Option<Shell>,

    /// Write manual pages into this directory
    #[arg(long, value_name = "DIR", conflicts_with = "shell")]
    man: Option<PathBuf>,
}

/// The pages could not be written.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("cannot write manual pages into `{}`", directory.display())]
#[diagnostic(code(cli::man))]
struct Unwritten {
    directory: PathBuf,
    #[source]
    cause: std::io::Error,
}

impl Args {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let mut command = Cli::command();
        if let Some(shell) = self.shell {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut command, "kata-artifacts", &mut script);
            result(&String::from_utf8_lossy(&script));
        }
        if let Some(directory) = self.man {
            let written = std::fs::create_dir_all(&directory)
                .and_then(|()| clap_mangen::generate_to(command, &directory));
            written.map_err(|cause| {
                Failure::work(Unwritten {
                    directory: directory.clone(),
                    cause,
                })
            })?;
            tell(&format!("manual pages are in {}", directory.display()));
        }
        Ok(())
    }
}
