//! `login`: stores what proves to a registry who we are.

use std::io::{IsTerminal, Read};

use miette::Diagnostic;

use super::{
    failure::Failure,
    output::{result, tell},
    registry::{Registries, bearings, failed, may_reach},
    session::Session,
};
use crate::oci::{
    reference::{Reference, Remote},
    registry::{Keyring, Repository},
};

/// Log in to a registry: store a user and a password or token
///
/// The password comes on standard input, never on the command line, where others could read it. The registry is asked
/// whether it takes it before it is stored, in the file of Podman or Docker or with the helper that this file names.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kata-artifacts login registry.example --username me   the password comes on standard input")]
pub(crate) struct Args {
    /// The registry: HOST[:PORT]
    registry: String,

    /// The user
    #[arg(long, short)]
    username: String,

    #[command(flatten)]
    registries: Registries,
}

/// There is no password.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("there is no password on standard input")]
#[diagnostic(
    code(login::password),
    help("`kata-artifacts login … <FILE` takes it from a file")
)]
struct NoPassword;

impl Args {
    pub(crate) fn run(self, session: &Session) -> Result<(), Failure> {
        let remote = host(&self.registry)?;
        may_reach(&Reference::Registry(remote.clone()), "login", session)?;
        if std::io::stdin().is_terminal() {
            tell("The password, then Enter and Ctrl-D (it is shown as you type):");
        }
        let mut password = String::new();
        let read = std::io::stdin()
            .lock()
            .take(1 << 20)
            .read_to_string(&mut password);
        let password = password.trim_end_matches(['\n', '\r']);
        if read.is_err() || password.is_empty() {
            return Err(Failure::input(NoPassword));
        }
        let store = session.store()?;
        // Tried from a file of its own: what is wrong is not stored.
        let room = store.scratch("login")?;
        let trial = Keyring {
            files: vec![room.path().join("auth.json")],
            path: String::new(),
        };
        trial
            .store(&remote.host, &self.username, password)
            .map_err(Failure::work)?;
        let mut settings = self.registries.settings();
        settings.keyring = trial;
        Repository::new(&remote, &settings, bearings(session, &store))
            .and_then(|repository| repository.greet())
            .map_err(|error| failed(error.into(), session))?;
        let place = self
            .registries
            .keyring()
            .store(&remote.host, &self.username, password)
            .map_err(Failure::work)?;
        result(&format!("{}: stored in {place}", remote.host));
        Ok(())
    }
}

/// Reads a registry without a repository.
pub(super) fn host(text: &str) -> Result<Remote, Failure> {
    // Any repository will do: it is not asked for.
    match format!("{}/any", text.trim_end_matches('/')).parse() {
        Ok(Reference::Registry(remote)) if remote.repository == "any" => Ok(remote),
        Ok(other) => Err(Failure::input(NotAHost(other.to_string()))),
        Err(error) => Err(Failure::input(error)),
    }
}

/// A text is not the host of a registry.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("`{0}` is not the host of a registry")]
#[diagnostic(code(login::host), help("write registry.example, or 127.0.0.1:5000"))]
struct NotAHost(String);
