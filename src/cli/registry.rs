//! Options of every verb that reads or writes artifacts, and what the environment says of registries: where credentials,
//! certificates and helpers are.

use std::path::{Path, PathBuf};

use clap::Args;

use super::{
    failure::Failure,
    session::{self, Session, SessionError},
};
use crate::{
    oci::{
        place::{Place, PlaceError},
        reference::Reference,
        registry::{Bearings, Keyring, RegistryError, Settings, Trust},
    },
    source::{
        Network,
        http::{Patience, Proxy},
    },
    store::Store,
};

/// How to reach registries.
#[derive(Debug, Args)]
#[command(next_help_heading = "Registries")]
pub(crate) struct Registries {
    /// Speak plain HTTP, which only registries on this machine are spoken to otherwise; `=false` never
    #[arg(
        long,
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true"
    )]
    plain_http: Option<bool>,

    /// Trust the CA certificates in this PEM file too
    #[arg(long, value_name = "FILE", env = "KATA_ARTIFACTS_CA_FILE")]
    ca_file: Vec<PathBuf>,

    /// Show this client certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "key")]
    cert: Option<PathBuf>,

    /// The private key of `--cert` (PEM)
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,

    /// Keep credentials in this file [default: where Podman and Docker keep them]
    #[arg(long, value_name = "FILE")]
    authfile: Option<PathBuf>,

    /// Let this host see a registry's credentials when that asks it for a token
    #[arg(long, value_name = "HOST")]
    token_host: Vec<String>,
}

impl Registries {
    /// Opens a place to read from.
    pub(super) fn open<'a>(
        &self,
        reference: &Reference,
        verb: &'static str,
        session: &'a Session,
        store: &'a Store,
    ) -> Result<Place<'a>, Failure> {
        may_reach(reference, verb, session)?;
        Place::open(reference, &self.settings(), bearings(session, store))
            .map_err(|error| failed(error, session))
    }

    /// Opens a place to write to.
    pub(super) fn create<'a>(
        &self,
        reference: &Reference,
        verb: &'static str,
        session: &'a Session,
        store: &'a Store,
    ) -> Result<Place<'a>, Failure> {
        may_reach(reference, verb, session)?;
        Place::create(reference, &self.settings(), bearings(session, store))
            .map_err(|error| failed(error, session))
    }

    /// Returns how to reach registries, with what the environment says.
    pub(super) fn settings(&self) -> Settings {
        let client = self.cert.clone().zip(self.key.clone());
        Settings {
            proxy: Proxy::Environment,
            patience: Patience::INTERNET,
            keyring: self.keyring(),
            trust: Trust {
                bundle: session::ca_bundle(),
                authorities: self.ca_file.clone(),
                client,
                directories: certificate_directories(),
            },
            plain_http: self.plain_http,
            token_hosts: self.token_host.clone(),
            seed: seed(),
        }
    }

    /// Returns where credentials are, the place for new ones first.
    pub(super) fn keyring(&self) -> Keyring {
        Keyring {
            files: match &self.authfile {
                Some(file) => vec![file.clone()],
                None => auth_files(),
            },
            path: session::path(),
        }
    }
}

/// Returns where a session's registries keep and tell things.
pub(super) fn bearings<'a>(session: &'a Session, store: &'a Store) -> Bearings<'a> {
    Bearings {
        store,
        cancel: &session.cancel,
        sink: session.sink.as_ref(),
    }
}

/// Fails when a registry is named and the network may not be used.
pub(super) fn may_reach(
    reference: &Reference,
    verb: &'static str,
    session: &Session,
) -> Result<(), Failure> {
    match (&session.network, reference) {
        (Network::Off(option), Reference::Registry(_)) => {
            Err(Failure::input(SessionError::NeedsNetwork { verb, option }))
        }
        _ => Ok(()),
    }
}

/// Takes an error of a place: an interrupt, a command line that names what is not there, or failed work.
pub(super) fn failed(error: PlaceError, session: &Session) -> Failure {
    match error {
        PlaceError::Interrupted(_) | PlaceError::Registry(RegistryError::Interrupted(_)) => {
            Failure::Interrupted
        }
        error => session.failure(error),
    }
}

/// Returns the files in which Podman and Docker keep credentials (containers-auth.json(5)), best first.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the room that reads the environment"
)]
fn auth_files() -> Vec<PathBuf> {
    let variable = |name: &str| {
        let value = std::env::var_os(name)?;
        (!value.is_empty()).then(|| PathBuf::from(value))
    };
    if let Some(file) = variable("REGISTRY_AUTH_FILE") {
        return vec![file];
    }
    let podman = "containers/auth.json";
    let docker = variable("DOCKER_CONFIG").or_else(|| Some(variable("HOME")?.join(".docker")));
    let homes = [
        variable("XDG_RUNTIME_DIR").map(|it| it.join(podman)),
        session::home("XDG_CONFIG_HOME", ".config").map(|it| it.join(podman)),
        docker.map(|it| it.join("config.json")),
    ];
    homes.into_iter().flatten().collect()
}

/// Returns the directories in which Podman and Docker look for certificates (containers-certs.d(5)).
fn certificate_directories() -> Vec<PathBuf> {
    let own = session::home("XDG_CONFIG_HOME", ".config").map(|it| it.join("containers/certs.d"));
    let machine = ["/etc/containers/certs.d", "/etc/docker/certs.d"];
    let machine = machine.map(|it| Path::new(it).to_owned());
    own.into_iter().chain(machine).collect()
}

/// Returns a number that differs from process to process: waits before new attempts are spread by it, nothing else.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the room that reads the clock"
)]
fn seed() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let nanoseconds = now.map_or(0, |it| u64::from(it.subsec_nanos()));
    (u64::from(std::process::id()) << 32) | nanoseconds
}
