//! A client for registries (OCI distribution-spec 1.1): it streams, resumes, verifies, and asks again where that helps.
//! Own code on ureq: ocipkg's client holds blobs in memory, knows neither helpers nor resuming, and writes manifests that
//! differ from run to run; here raw bytes are kept and passed on. What artifacts mean, and layouts on disk, are not here.
//!
//! | file | decides |
//! |---|---|
//! | `wire` `addresses` | one exchange: where it may lead, who sees credentials |
//! | `challenge` `auth` `credentials` `trust` | challenges and tokens; where passwords and certificates are kept |
//! | `patience` | what is tried again, when, and what the user is told of it |
//! | `manifests` `blobs` `upload` `part` | the API's three parts |

mod addresses;
mod auth;
mod blobs;
mod challenge;
mod credentials;
#[cfg(test)]
pub(in crate::oci) mod desk;
mod error;
#[cfg(test)]
mod heard;
#[cfg(test)]
pub(in crate::oci) mod liar;
mod manifests;
mod part;
mod patience;
#[cfg(test)]
mod tests;
mod trust;
mod upload;
#[cfg(test)]
mod upload_tests;
mod wire;

use std::{path::PathBuf, sync::atomic::AtomicU64};

pub use credentials::{Credential, CredentialError, Keyring};
pub use error::RegistryError;
pub use trust::Trust;
pub use upload::{Offer, Wanted};
use ureq::http::Method;

use super::reference::{Remote, is_loopback};
use crate::{
    cancel::Cancel,
    event::Sink,
    source::http::{Patience, Proxy},
    store::Store,
};
use auth::{Guard, Met};
use patience::Setback;
use wire::{Answer, Ask, Content, Snag, Wire};

/// How to reach registries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Through what.
    pub proxy: Proxy,
    /// How long to wait, and how often to ask again.
    pub patience: Patience,
    /// Where credentials are.
    pub keyring: Keyring,
    /// Whom to trust, and who we are to TLS.
    pub trust: Trust,
    /// Whether to speak plain HTTP; when nothing is said, to this machine only.
    pub plain_http: Option<bool>,
    /// Hosts that may be shown a registry's credentials for a token, besides its own.
    pub token_hosts: Vec<String>,
    /// Makes the waits of several clients differ.
    pub seed: u64,
}

/// Where what is fetched is kept, who is told, and who may stop the work.
#[derive(Clone, Copy)]
pub struct Bearings<'a> {
    /// Blobs go through it: it knows what is there, and keeps the parts of what is not.
    pub store: &'a Store,
    /// Raised to stop.
    pub cancel: &'a Cancel,
    /// Is told of waits and of bytes.
    pub sink: &'a dyn Sink,
}

/// Bytes of a blob on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extent {
    /// The file they are in.
    pub path: PathBuf,
    /// Where they begin, in bytes.
    pub offset: u64,
    /// How many there are.
    pub size: u64,
}

/// A repository of a registry.
pub struct Repository<'a> {
    /// The registry's host and port.
    pub host: String,
    /// The repository's name.
    pub repository: String,
    base: String,
    wire: Wire,
    guard: Guard,
    patience: Patience,
    /// How much of a large blob goes out in one request, in bytes.
    chunk: u64,
    seed: u64,
    waits: AtomicU64,
    bearings: Bearings<'a>,
}

/// What is asked for by a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Right {
    Pull,
    Push,
}

impl<'a> Repository<'a> {
    /// Returns the repository that a reference names. Nothing is asked yet.
    ///
    /// # Errors
    /// A certificate, a key or the proxy's address cannot be used.
    pub fn new(
        remote: &Remote,
        settings: &Settings,
        bearings: Bearings<'a>,
    ) -> Result<Self, RegistryError> {
        let plain = settings
            .plain_http
            .unwrap_or_else(|| is_loopback(&remote.host));
        let origin = format!("{}://{}", if plain { "http" } else { "https" }, remote.host);
        let tls = settings.trust.config(&remote.host)?;
        // A proxy's loopback is another machine's.
        let proxy = match &settings.proxy {
            Proxy::Environment if is_loopback(&remote.host) => &Proxy::Direct,
            proxy => proxy,
        };
        Ok(Self {
            host: remote.host.clone(),
            repository: remote.repository.clone(),
            base: format!("{origin}/v2/{}", remote.repository),
            wire: Wire::new(&origin, tls, proxy, settings.patience)?,
            guard: Guard::new(
                &remote.host,
                &remote.repository,
                settings.keyring.clone(),
                settings.token_hosts.clone(),
            ),
            patience: settings.patience,
            chunk: upload::CHUNK,
            seed: settings.seed,
            waits: AtomicU64::new(0),
            bearings,
        })
    }

    /// Asks the registry who we are, as `login` does: whether it takes the credentials that there are.
    ///
    /// # Errors
    /// It does not, or cannot be reached.
    pub fn greet(&self) -> Result<(), RegistryError> {
        let what = format!("log in to {}", self.host);
        let url = format!("{}/v2/", wire::origin_of(&self.base));
        let answer = self.persevere(&what, || {
            self.ask_within(&what, "", Method::GET, &url, Vec::new(), None)
        })?;
        match answer.status {
            200 => Ok(()),
            _ => Err(self.refused(&what, answer)),
        }
    }

    /// Sends a request that fits in memory. On a challenge, answers it and sends the request once more.
    fn ask(
        &self,
        what: &str,
        right: Right,
        method: Method,
        url: &str,
        headers: Vec<(&'static str, String)>,
        body: Option<&[u8]>,
    ) -> Result<Answer, Setback> {
        self.ask_within(what, &self.scope(right), method, url, headers, body)
    }

    fn ask_within(
        &self,
        what: &str,
        scope: &str,
        method: Method,
        url: &str,
        headers: Vec<(&'static str, String)>,
        body: Option<&[u8]>,
    ) -> Result<Answer, Setback> {
        let mut challenged = false;
        loop {
            self.bearings.cancel.check()?;
            let sent = self.authorization(scope, url);
            let ask = Ask {
                method: method.clone(),
                url,
                headers: headers.clone(),
                authorization: sent.clone(),
            };
            let content = body.map_or(Content::Nothing, Content::Bytes);
            let answer = self.wire.send(&ask, content).map_err(|it| self.snag(it))?;
            if answer.status != 401 {
                return self.settled(answer);
            }
            let known = match self
                .guard
                .meet(&self.wire, &answer, scope, sent.as_deref())?
            {
                Met::Again if !challenged => {
                    challenged = true;
                    continue;
                }
                Met::Again => sent.is_some(),
                Met::Refused { known } => known,
            };
            let (what, host) = (what.to_owned(), self.host.clone());
            return Err(RegistryError::Unauthorized { what, host, known }.into());
        }
    }

    /// Sends a request whose body is a part of a file. A challenge is answered, for the next attempt.
    fn stream(
        &self,
        method: Method,
        url: &str,
        headers: Vec<(&'static str, String)>,
        reader: &mut dyn std::io::Read,
        size: u64,
    ) -> Result<Answer, Setback> {
        let scope = self.scope(Right::Push);
        let sent = self.authorization(&scope, url);
        let ask = Ask {
            method,
            url,
            headers,
            authorization: sent.clone(),
        };
        let content = Content::Stream(reader, size);
        let answer = self.wire.send(&ask, content);
        self.bearings.cancel.check()?;
        let answer = answer.map_err(|it| self.snag(it))?;
        if answer.status == 401 {
            let met = self
                .guard
                .meet(&self.wire, &answer, &scope, sent.as_deref())?;
            return Err(match met {
                Met::Again => Setback::again("the token ran out during an upload"),
                Met::Refused { known } => RegistryError::Unauthorized {
                    what: format!("push to {}/{}", self.host, self.repository),
                    host: self.host.clone(),
                    known,
                }
                .into(),
            });
        }
        self.settled(answer)
    }

    /// Returns an answer unless it says that we should ask again later.
    fn settled(&self, answer: Answer) -> Result<Answer, Setback> {
        if matches!(answer.status, 408 | 425 | 429 | 500 | 502..=504) {
            return Err(Setback::Again {
                why: format!("{} answered with HTTP {}", self.host, answer.status),
                asked: answer.retry_after(),
                gained: false,
            });
        }
        Ok(answer)
    }

    fn snag(&self, snag: Snag) -> Setback {
        match snag {
            Snag::Broken(why) => Setback::again(&why),
            Snag::Astray { to, why } => {
                let host = self.host.clone();
                RegistryError::Redirect { host, to, why }.into()
            }
        }
    }

    /// Returns who we are, for the registry itself and nobody else.
    fn authorization(&self, scope: &str, url: &str) -> Option<String> {
        let is_home = wire::origin_of(url) == wire::origin_of(&self.base);
        is_home.then(|| self.guard.header(scope)).flatten()
    }

    fn scope(&self, right: Right) -> String {
        let actions = match right {
            Right::Pull => "pull",
            Right::Push => "pull,push",
        };
        format!("repository:{}:{actions}", self.repository)
    }

    /// Returns the error that an answer is, in the registry's own words where it has some.
    fn refused(&self, what: &str, answer: Answer) -> RegistryError {
        let (what, host, status) = (what.to_owned(), self.host.clone(), answer.status);
        if status == 403 {
            return RegistryError::Unauthorized {
                what,
                host,
                known: true,
            };
        }
        let text = answer.bytes(64 << 10).ok().flatten().unwrap_or_default();
        let told = told(&text).unwrap_or_default();
        RegistryError::Refused {
            what,
            host,
            status,
            told,
        }
    }
}

/// Reads a registry's words out of an error's body (distribution-spec, "Error Codes"). Only codes of the specification's
/// form and short plain messages are passed on: a server could send anything, also what it was sent.
fn told(text: &[u8]) -> Option<String> {
    let value: serde_json::Value = serde_json::from_slice(text).ok()?;
    let code = value["errors"][0]["code"].as_str()?;
    let is_code = |byte: u8| byte.is_ascii_uppercase() || byte == b'_';
    (code.len() < 40 && code.bytes().all(is_code)).then(|| format!(", {code}"))
}
