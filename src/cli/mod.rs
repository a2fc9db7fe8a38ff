//! The command line: one verb, one file. The only room that reads the environment, the clock or prints. Results go to
//! standard output, everything else to standard error.

mod attach;
mod build;
mod cat;
mod check;
mod clean;
mod completions;
mod config;
mod copy;
mod doctor;
mod extract;
mod failure;
mod init;
mod inspect;
mod lock;
mod login;
mod logout;
mod ls;
mod make;
mod output;
mod pinned;
mod plan;
mod progress;
mod pull;
mod push;
mod registry;
mod resolve;
mod schema;
mod session;
mod signals;
mod tag;
mod test;
mod update;
mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use failure::Failure;
use session::{Options, Session};

/// Where the manifest is when none is named.
const MANIFEST: &str = "manifests/kata.yaml";

/// Build, check and ship guest kernels and root filesystems for Kata Containers.
#[derive(Debug, Parser)]
#[command(
    name = "kata-artifacts",
    version,
    propagate_version = true,
    max_term_width = 100,
    after_help = "\
Examples:
  kata-artifacts build                      make everything that manifests/kata.yaml describes
  kata-artifacts plan                       say what a build would do, and why
  kata-artifacts test                       boot what was built
  kata-artifacts update linux-source-6.12   take the newest kernel that the suites have

Exit status: 0 done, 1 the work failed, 2 unusable command line, manifest or lock, 130 interrupted."
)]
struct Cli {
    #[command(flatten)]
    options: Options,

    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Attach(attach::Args),
    Build(build::Args),
    Cat(cat::Args),
    Check(check::Args),
    Clean(clean::Args),
    Completions(completions::Args),
    Config(config::Args),
    Copy(copy::Args),
    Doctor(doctor::Args),
    Extract(extract::Args),
    Init(init::Args),
    Inspect(inspect::Args),
    Lock(lock::Args),
    Login(login::Args),
    Logout(logout::Args),
    Ls(ls::Args),
    Plan(plan::Args),
    Pull(pull::Args),
    Push(push::Args),
    Resolve(resolve::Args),
    Schema(schema::Args),
    Tag(tag::Args),
    Test(test::Args),
    Update(update::Args),
    Verify(verify::Args),
}

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are results; everything else is a mistake: clap knows which stream each belongs to.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    failure::prepare();
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.tell(),
    }
}

fn run(cli: Cli) -> Result<(), Failure> {
    let session = || Session::new(&cli.options).map_err(Failure::input);
    let verb = match cli.verb {
        // These ask neither store nor mirrors, or seldom: they work where there is no place for a store.
        Verb::Config(args) => return args.run(session),
        Verb::Completions(args) => return args.run(),
        Verb::Init(args) => return args.run(),
        Verb::Schema(args) => return args.run(),
        verb => verb,
    };
    let session = session()?;
    match verb {
        Verb::Attach(args) => args.run(&session),
        Verb::Build(args) => args.run(&session),
        Verb::Cat(args) => args.run(&session),
        Verb::Check(args) => args.run(&session),
        Verb::Clean(args) => args.run(&session),
        Verb::Completions(args) => args.run(),
        Verb::Config(args) => args.run(|| Ok(session)),
        Verb::Copy(args) => args.run(&session),
        Verb::Doctor(args) => args.run(&session),
        Verb::Extract(args) => args.run(&session),
        Verb::Init(args) => args.run(),
        Verb::Inspect(args) => args.run(&session),
        Verb::Lock(args) => args.run(&session),
        Verb::Login(args) => args.run(&session),
        Verb::Logout(args) => args.run(&session),
        Verb::Ls(args) => args.run(&session),
        Verb::Plan(args) => args.run(&session),
        Verb::Pull(args) => args.run(&session),
        Verb::Push(args) => args.run(&session),
        Verb::Resolve(args) => args.run(&session),
        Verb::Schema(args) => args.run(),
        Verb::Tag(args) => args.run(&session),
        Verb::Test(args) => args.run(&session),
        Verb::Update(args) => args.run(&session),
        Verb::Verify(args) => args.run(&session),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_verb_shows_an_example() {
        for verb in Cli::command().get_subcommands() {
            let after = verb
                .get_after_help()
                .map(ToString::to_string)
                .unwrap_or_default();
            assert!(
                after.contains("  kata-artifacts "),
                "{} has no example",
                verb.get_name()
            );
        }
    }
}
