//! What can go wrong between a URL and a verified blob. One error tells every URL that was tried, and why each failed.

use std::{fmt, io, path::PathBuf};

use crate::{cancel::Interrupted, digest::Digest, store::StoreError};

/// A URL that did not give what was wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// The URL.
    pub url: String,
    /// Why it failed, the last time.
    pub why: Why,
}

/// Why a URL did not give what was wanted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// The server could not be reached, or the exchange broke off.
    #[error("{0}")]
    Exchange(String),
    /// The server answered something else than a body.
    #[error("HTTP {0}")]
    Status(u16),
    /// The body has another size than it must have.
    #[error("served {served} bytes{}, expected {expected}", of_type(content_type))]
    Size {
        /// What the server told or sent.
        served: u64,
        /// The size it must have.
        expected: u64,
        /// What the server says it is.
        content_type: Option<String>,
    },
    /// The body does not end where it may end at the latest.
    #[error("the body goes on after {limit} bytes{}", of_type(content_type))]
    TooLong {
        /// The most bytes it may have.
        limit: u64,
        /// What the server says it is.
        content_type: Option<String>,
    },
    /// The body ended too early.
    #[error("the body ended after {got} of {expected} bytes")]
    Truncated {
        /// What came.
        got: u64,
        /// The size it must have.
        expected: u64,
    },
    /// The bytes are others.
    #[error(
        "the bytes{} have digest {served}, expected {expected}",
        of_type(content_type)
    )]
    Digest {
        /// The digest of what the server sent.
        served: Digest,
        /// The digest it must have.
        expected: Digest,
        /// What the server says it is.
        content_type: Option<String>,
    },
}

impl Why {
    fn is_other_content(&self) -> bool {
        matches!(
            self,
            Self::Size { .. } | Self::TooLong { .. } | Self::Digest { .. }
        )
    }
}

/// Bytes could not be fetched.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum FetchError {
    /// No URL gave the bytes.
    #[error("cannot fetch {what}{}", list(tried))]
    #[diagnostic(code(source::fetch), help("{}", advice(tried)))]
    Nowhere {
        /// What was wanted, for people.
        what: String,
        /// Every URL that was asked.
        tried: Vec<Tried>,
    },
    /// The bytes are not in the store and the network may not be used.
    #[error("{what} ({digest}) is not in the store, and {reason} forbids fetching it")]
    #[diagnostic(
        code(source::offline),
        help("run once without {reason}: what is fetched stays in the store")
    )]
    Offline {
        /// What was wanted, for people.
        what: String,
        /// Its digest.
        digest: Digest,
        /// The option that forbids the network.
        reason: &'static str,
    },
    /// No mirror of the archive is known.
    #[error("no mirror of the archive `{archive}` is known, so {what} cannot be fetched")]
    #[diagnostic(
        code(source::no_mirror),
        help("name one with `--debian-mirror URL`, or in the user's configuration")
    )]
    NoMirror {
        /// What was wanted, for people.
        what: String,
        /// The archive.
        archive: String,
    },
    /// The part fetched so far cannot be kept.
    #[error("cannot {verb} the partial download `{}`", path.display())]
    #[diagnostic(code(source::partial), help("is the disk full or read-only?"))]
    Partial {
        /// What was tried.
        verb: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        cause: io::Error,
    },
    /// The proxy's address is not one.
    #[error("`{text}` is not the address of a proxy: {why}")]
    #[diagnostic(
        code(source::proxy),
        help("write it as http://host:port, or https://host:port")
    )]
    Proxy {
        /// The address.
        text: String,
        /// What is wrong with it.
        why: String,
    },
    /// The store failed.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Store(#[from] StoreError),
    /// The work was stopped.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Interrupted(#[from] Interrupted),
}

impl FetchError {
    /// Tells whether every server that was asked answered that it does not have it (any more).
    #[must_use]
    pub fn is_gone(&self) -> bool {
        matches!(self, Self::Nowhere { tried, .. } if are_gone(tried))
    }
}

fn are_gone(tried: &[Tried]) -> bool {
    let gone = |tried: &Tried| matches!(tried.why, Why::Status(404 | 410));
    !tried.is_empty() && tried.iter().all(gone)
}

fn list(tried: &[Tried]) -> impl fmt::Display {
    tried
        .iter()
        .map(|Tried { url, why }| format!("\n  {url}\n    {why}"))
        .collect::<String>()
}

fn of_type(content_type: &Option<String>) -> impl fmt::Display {
    content_type
        .as_ref()
        .map(|name| format!(" of type {name}"))
        .unwrap_or_default()
}

fn advice(tried: &[Tried]) -> &'static str {
    if are_gone(tried) {
        "every server answered that it does not have it: a newer version may have replaced it, see `update`"
    } else if tried.iter().all(|tried| tried.why.is_other_content()) {
        "the servers hold other bytes than the lock or manifest says: a proxy or a stale mirror is the likely cause"
    } else {
        "is the network up, and does it need a proxy (`https_proxy`)? `--debian-mirror URL` names another mirror"
    }
}
