//! What can go wrong between us and a registry. No message has a credential, a token or a query of a URL in it.

use crate::{cancel::Interrupted, digest::Digest, source::FetchError, store::StoreError};

use super::credentials::CredentialError;

/// A registry did not do what was asked.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum RegistryError {
    /// It could not be reached, or broke off too often.
    #[error("cannot {what}: {why}")]
    #[diagnostic(
        code(registry::unreachable),
        help(
            "is the network up, and does it need a proxy (`https_proxy`)? A registry without TLS needs `--plain-http`, \
             one with a certificate of its own `--ca-file`"
        )
    )]
    Unreachable {
        /// What was tried.
        what: String,
        /// Why it failed, the last time.
        why: String,
    },
    /// It refused.
    #[error("cannot {what}: {host} answered with HTTP {status}{told}")]
    #[diagnostic(code(registry::refused))]
    Refused {
        /// What was tried.
        what: String,
        /// Who answered.
        host: String,
        /// The status.
        status: u16,
        /// The registry's own words, after a colon; or nothing.
        told: String,
    },
    /// It does not let us.
    #[error("cannot {what}: {host} {}", if *known { "does not allow it to this user" } else { "wants to know who asks" })]
    #[diagnostic(
        code(registry::unauthorized),
        help("`kata-artifacts login {host}` stores a user and a password or token")
    )]
    Unauthorized {
        /// What was tried.
        what: String,
        /// The registry.
        host: String,
        /// Whether credentials were sent.
        known: bool,
    },
    /// There is nothing of that name.
    #[error("{what} is not there")]
    #[diagnostic(
        code(registry::missing),
        help("`kata-artifacts ls {place}` lists its tags")
    )]
    Missing {
        /// What was asked for.
        what: String,
        /// The repository.
        place: String,
    },
    /// What it says cannot be true, or is not what was asked for.
    #[error("{what}: {why}")]
    #[diagnostic(
        code(registry::untrue),
        help(
            "nothing of it was kept; the registry, a proxy or a mirror is damaged or does not tell the truth"
        )
    )]
    Untrue {
        /// What was asked for.
        what: String,
        /// What is wrong with the answer.
        why: String,
    },
    /// It leads where we do not go.
    #[error("{host} redirects to {to}, and {why}")]
    #[diagnostic(code(registry::redirect))]
    Redirect {
        /// The registry.
        host: String,
        /// Where it leads.
        to: String,
        /// Why not there.
        why: String,
    },
    /// It wants the credentials to be sent to somebody else.
    #[error("{host} wants its credentials to be sent to {realm}")]
    #[diagnostic(
        code(registry::realm),
        help("when that server is the registry's own, allow it: `--token-host {realm}`")
    )]
    Realm {
        /// The registry.
        host: String,
        /// The other host.
        realm: String,
    },
    /// A blob kept coming wrong.
    #[error("cannot fetch {what}: {why}")]
    #[diagnostic(code(registry::blob))]
    Blob {
        /// What it is.
        what: String,
        /// Its digest.
        digest: Digest,
        /// What was wrong, the last time.
        why: String,
    },
    /// A certificate or key cannot be used.
    #[error("cannot use `{path}`: {why}")]
    #[diagnostic(
        code(registry::certificate),
        help("certificates and keys are PEM files")
    )]
    Certificate {
        /// The file.
        path: String,
        /// What is wrong.
        why: String,
    },
    /// The credentials cannot be read.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Credentials(#[from] CredentialError),
    /// The proxy or the partial download cannot be used.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Fetch(#[from] FetchError),
    /// The store failed.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Store(#[from] StoreError),
    /// A file to be sent cannot be read.
    #[error("cannot read `{}`", path.display())]
    #[diagnostic(code(registry::read))]
    Read {
        /// The file.
        path: std::path::PathBuf,
        /// The cause.
        #[source]
        cause: std::io::Error,
    },
    /// The work was stopped.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Interrupted(#[from] Interrupted),
}
