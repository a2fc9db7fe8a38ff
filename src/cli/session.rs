//! What every verb starts from: the options they share, and what the environment, the user's and the host's
//! configuration say. Read once, here; handed on as values.

use std::{
    io::IsTerminal,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

use super::{
    failure::Failure,
    progress::{self, Progress},
    signals,
};
use crate::{
    cancel::Cancel,
    debian::{archive::Remote, mirrors::MirrorsError},
    event::Sink,
    source::{
        FetchError, Mirrors, Network, Registry,
        http::{Client, Patience, Proxy},
    },
    store::{Store, StoreError},
};
use clap::Args;
use miette::Diagnostic;
use serde::Deserialize;

/// Options of every verb that builds or fetches.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Keep blobs, trees and results in this directory [default: $XDG_CACHE_HOME/kata-artifacts]
    #[arg(long, value_name = "DIR", env = "KATA_ARTIFACTS_STORE", global = true)]
    pub(crate) store: Option<PathBuf>,

    /// Take Debian packages from this mirror: the URL of an archive, such as http://mirror.example/debian
    /// [default: what the user's config file or the host's apt configuration names]
    #[arg(
        long,
        value_name = "URL",
        env = "KATA_ARTIFACTS_DEBIAN_MIRROR",
        global = true
    )]
    pub(crate) debian_mirror: Vec<String>,

    /// Look for packages that mirrors have dropped in this archive mirror: URL/ARCHIVE/TIMESTAMP/PATH
    #[arg(
        long,
        value_name = "URL",
        env = "KATA_ARTIFACTS_SNAPSHOT_MIRROR",
        global = true
    )]
    pub(crate) snapshot_mirror: Vec<String>,

    /// Use only what is in the store
    #[arg(long, global = true)]
    pub(crate) offline: bool,

    /// Use no network and write no lock: fail if the lock is missing or does not match the manifest
    #[arg(long, global = true)]
    pub(crate) frozen: bool,

    /// Show progress like this
    #[arg(long, value_enum, default_value = "auto", global = true)]
    pub(crate) progress: Progress,
}

/// A verb's surroundings.
pub(crate) struct Session {
    /// Raised by Ctrl-C.
    pub(crate) cancel: Arc<Cancel>,
    /// Where events go.
    pub(crate) sink: Arc<dyn Sink>,
    /// How to reach mirrors.
    pub(crate) network: Network,
    /// Where the host's tools are looked for, as in `PATH`.
    pub(crate) path: String,
    /// Where the store is.
    cache: PathBuf,
}

/// The surroundings could not be understood.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub(crate) enum SessionError {
    /// There is no place for the store.
    #[error("there is no place for the store: neither XDG_CACHE_HOME nor HOME is set")]
    #[diagnostic(code(cli::store), help("name one with `--store DIR`"))]
    NoCache,
    /// The mirrors cannot be used.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Mirrors(#[from] MirrorsError),
    /// The network cannot be used.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Network(#[from] FetchError),
    /// A verb that asks the network may not.
    #[error("`{verb}` asks mirrors, and {option} forbids the network")]
    #[diagnostic(code(cli::offline), help("leave {option} out"))]
    NeedsNetwork {
        /// The verb.
        verb: &'static str,
        /// The option.
        option: &'static str,
    },
    /// The user's configuration file cannot be used.
    #[error("cannot use the configuration file `{}`", path.display())]
    #[diagnostic(
        code(cli::config),
        help("it may hold `store: DIR`, `debian_mirror: [URL…]` and `snapshot_mirror: [URL…]`")
    )]
    Config {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// The user's configuration file, `$XDG_CONFIG_HOME/kata-artifacts/config.yaml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Config {
    store: Option<PathBuf>,
    debian_mirror: Vec<String>,
    snapshot_mirror: Vec<String>,
}

impl Session {
    /// Reads the surroundings and begins to watch for Ctrl-C.
    pub(crate) fn new(options: &Options) -> Result<Self, SessionError> {
        let config = config()?;
        let cache = options
            .store
            .clone()
            .or(config.store.clone())
            .or_else(|| Some(home("XDG_CACHE_HOME", ".cache")?.join("kata-artifacts")))
            .ok_or(SessionError::NoCache)?;
        let network = match (options.frozen, options.offline) {
            (true, _) => Network::Off("--frozen"),
            (_, true) => Network::Off("--offline"),
            _ => Network::On(
                mirrors(options, &config)?,
                Client::new(&Proxy::Environment, Patience::INTERNET)?,
            ),
        };
        let cancel = Arc::new(Cancel::new());
        signals::watch(Arc::clone(&cancel));
        Ok(Self {
            cancel,
            sink: progress::sink(options.progress, std::io::stderr().is_terminal()),
            network,
            path: path(),
            cache,
        })
    }

    /// Returns the mirrors as archives, for a verb that cannot do without the network.
    pub(crate) fn remote<'a>(
        &'a self,
        verb: &'static str,
        store: &'a Store,
    ) -> Result<Remote<'a>, Failure> {
        match &self.network {
            Network::Off(option) => {
                Err(Failure::input(SessionError::NeedsNetwork { verb, option }))
            }
            Network::On(mirrors, client) => Ok(Remote {
                mirrors,
                client,
                store,
                cancel: &self.cancel,
            }),
        }
    }

    /// Takes an error of the work: an interrupt when there was one, since it is what made the work fail.
    pub(crate) fn failure(&self, error: impl Diagnostic + Send + Sync + 'static) -> Failure {
        if self.cancel.is_raised() {
            Failure::Interrupted
        } else {
            Failure::work(error)
        }
    }

    /// Opens the store.
    pub(crate) fn store(&self) -> Result<Store, StoreError> {
        Store::open(&self.cache)
    }

    /// Returns how many processes a tool may run at once.
    pub(crate) fn jobs(wanted: Option<u16>) -> usize {
        let processors = || thread::available_parallelism().map_or(1, usize::from);
        wanted.map_or_else(processors, usize::from)
    }
}

/// Mirrors as the command line or the environment name them, else the user's file, else the host's apt.
fn mirrors(options: &Options, config: &Config) -> Result<Mirrors, MirrorsError> {
    let (named, named_by) = if options.debian_mirror.is_empty() {
        (&config.debian_mirror, "the configuration file")
    } else {
        (&options.debian_mirror, "--debian-mirror")
    };
    let mut mirrors = if named.is_empty() {
        Mirrors::from_apt_directory(Path::new("/etc/apt"))?.unwrap_or_default()
    } else {
        let mut mirrors = Mirrors::default();
        for url in named {
            let named = Mirrors::from_base(url, named_by)?;
            for (archive, bases) in named.archives {
                mirrors.archives.entry(archive).or_default().extend(bases);
            }
            mirrors.snapshots.extend(named.snapshots);
            mirrors.named_by = named.named_by;
        }
        mirrors
    };
    let snapshots = if options.snapshot_mirror.is_empty() {
        &config.snapshot_mirror
    } else {
        &options.snapshot_mirror
    };
    if !snapshots.is_empty() {
        mirrors.snapshots.clone_from(snapshots);
    }
    mirrors.registry = registry();
    Ok(mirrors)
}

/// What this host adds to what cargo knows of its registry: certificates, the user's configuration, proxies.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the room that reads the environment"
)]
fn registry() -> Registry {
    let ca_bundle = ca_bundle();
    let config = home("CARGO_HOME", ".cargo")
        .map(|cargo| cargo.join("config.toml"))
        .filter(|config| config.is_file());
    let names = [
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "no_proxy",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "NO_PROXY",
        "CARGO_HTTP_PROXY",
        "CARGO_HTTP_TIMEOUT",
    ];
    let variables = names
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), std::env::var(name).ok()?)))
        .collect();
    Registry {
        ca_bundle,
        config,
        variables,
    }
}

/// Returns the machine's bundle of CA certificates.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the room that reads the environment"
)]
pub(super) fn ca_bundle() -> Option<PathBuf> {
    let bundles = [
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/ca-bundle.pem",
        "/etc/ssl/cert.pem",
    ];
    let named = std::env::var_os("SSL_CERT_FILE").map(PathBuf::from);
    named
        .into_iter()
        .chain(bundles.map(PathBuf::from))
        .find(|bundle| bundle.is_file())
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the room that reads the environment"
)]
pub(super) fn path() -> String {
    std::env::var("PATH").unwrap_or_else(|_| crate::tool::PATH.to_owned())
}

fn config() -> Result<Config, SessionError> {
    let Some(path) =
        home("XDG_CONFIG_HOME", ".config").map(|home| home.join("kata-artifacts/config.yaml"))
    else {
        return Ok(Config::default());
    };
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Config::default()),
        Err(error) => {
            return Err(SessionError::Config {
                path,
                cause: error.into(),
            });
        }
    };
    serde_yaml::from_str(&text).map_err(|error| SessionError::Config {
        path,
        cause: error.into(),
    })
}

/// Returns a base directory of the XDG specification: the variable when it is absolute, else below `HOME`.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the room that reads the environment"
)]
pub(super) fn home(variable: &str, below_home: &str) -> Option<PathBuf> {
    let named = std::env::var_os(variable).map(PathBuf::from);
    named.filter(|path| path.is_absolute()).or_else(|| {
        let home = std::env::var_os("HOME").map(PathBuf::from)?;
        home.is_absolute().then(|| home.join(below_home))
    })
}
