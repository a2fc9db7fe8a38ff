//! Bytes from elsewhere: fetched over HTTP from mirrors, resumed, verified while they stream; archives unpacked safely.
//! What the bytes mean is for other rooms.

pub mod candidates;
pub mod compression;
pub mod entries;
mod error;
pub mod extract;
pub mod fetch;
pub mod http;
pub mod import;
mod names;
pub mod package;
pub(crate) mod partial;
pub(crate) mod resolver;
pub mod signature;
pub mod tree;
pub mod unpack;
mod writers;

#[cfg(test)]
pub(crate) mod craft;
#[cfg(test)]
pub(crate) mod server;

use std::{collections::BTreeMap, path::PathBuf};

pub use error::{FetchError, Tried, Why};
pub use extract::extract_member;
pub use fetch::fetch_step;
pub use import::{import, listing};
pub use unpack::unpack;

/// How to reach mirrors. Host names come from the command line, the environment, the user's or the host's
/// configuration: none is written down in this product.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one in a run")]
pub enum Network {
    /// Only what is in the store may be used. The text names what forbade the network: `--offline` or `--frozen`.
    Off(&'static str),
    /// Mirrors may be asked, through this client.
    On(Mirrors, http::Client),
}

/// Where Debian archives are mirrored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mirrors {
    /// Base URLs by archive (`debian`, `debian-security`), without a final `/`, tried in this order.
    pub archives: BTreeMap<String, Vec<String>>,
    /// Base URLs of archive mirrors, which keep what mirrors drop: `{base}/{archive}/{timestamp}/{path}`, where the
    /// timestamp is of the form `20260912T075541Z`.
    pub snapshots: Vec<String>,
    /// Where the above came from, for messages: `--debian-mirror`, `/etc/apt/sources.list.d/debian.sources`, ….
    pub named_by: String,
    /// How cargo reaches its registry.
    pub registry: Registry,
}

/// How `cargo` in a sandbox reaches its registry. It knows the registry itself; this is what the host adds to that.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registry {
    /// The host's bundle of CA certificates (PEM), when one was found.
    pub ca_bundle: Option<PathBuf>,
    /// The user's cargo configuration: source replacement, for instance.
    pub config: Option<PathBuf>,
    /// Variables about proxies (`https_proxy`, `no_proxy`, …) and about cargo's network (`CARGO_HTTP_…`).
    pub variables: BTreeMap<String, String>,
}
