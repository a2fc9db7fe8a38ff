//! Who we are to a registry: its challenge, the token that answers it, and to whom a password may be shown for that
//! (distribution-spec's token authentication; RFC 7235). Where credentials are kept is decided in `credentials`.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use serde::Deserialize;
use ureq::http::Method;

use super::{
    challenge::{Challenge, challenges},
    credentials::{Credential, Keyring, basic},
    error::RegistryError,
    wire::{Answer, Ask, Content, Snag, Wire, origin_of},
};
use crate::oci::reference::without_port;

/// The longest answer of a token server, in bytes.
const MOST_TOKEN: u64 = 1 << 20;

/// What the registry is asked to let us do: `repository:team/kata:pull`, several separated by spaces.
pub(super) type Scope = String;

/// What answers one registry's challenges.
#[derive(Debug)]
pub(super) struct Guard {
    /// The registry, as in a reference.
    host: String,
    repository: String,
    keyring: Keyring,
    /// Hosts that may be shown the credentials besides the registry and its neighbours.
    trusted: Vec<String>,
    /// The value of `Authorization` by scope.
    held: Mutex<BTreeMap<Scope, Held>>,
}

/// An answer to a challenge.
#[derive(Clone)]
struct Held {
    header: String,
    /// Whether it says who we are.
    known: bool,
}

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Held(…)")
    }
}

/// What came of a challenge.
pub(super) enum Met {
    /// There is something new to try.
    Again,
    /// We have nothing better than what was refused; whether that said who we are.
    Refused {
        /// Whether credentials were sent.
        known: bool,
    },
}

#[derive(Deserialize)]
struct Token {
    token: Option<String>,
    access_token: Option<String>,
}

impl Guard {
    pub(super) fn new(
        host: &str,
        repository: &str,
        keyring: Keyring,
        trusted: Vec<String>,
    ) -> Self {
        Self {
            host: host.to_owned(),
            repository: repository.to_owned(),
            keyring,
            trusted,
            held: Mutex::default(),
        }
    }

    /// Returns the value of `Authorization` for requests of this scope, when one is known.
    pub(super) fn header(&self, scope: &str) -> Option<String> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.get(scope).map(|held| held.header.clone())
    }

    /// Answers a challenge that was met with `sent` in `Authorization`. Of several threads that meet one, one asks.
    pub(super) fn meet(
        &self,
        wire: &Wire,
        refused: &Answer,
        scope: &str,
        sent: Option<&str>,
    ) -> Result<Met, RegistryError> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(newer) = held.get(scope)
            && Some(newer.header.as_str()) != sent
        {
            return Ok(Met::Again);
        }
        let known = held.get(scope).is_some_and(|held| held.known);
        let challenges = challenges(&refused.headers);
        let bearer = challenges
            .iter()
            .find(|it| matches!(it, Challenge::Bearer { .. }));
        let next = match bearer.or(challenges.first()) {
            Some(Challenge::Bearer {
                realm,
                service,
                scope: told,
            }) => {
                let scope = match (scope, told) {
                    ("", Some(told)) => told,
                    (ours, _) => ours,
                };
                Some(self.token(wire, &refused.url, realm, service.as_deref(), scope)?)
            }
            Some(Challenge::Basic) => match self.keyring.find(&self.host, &self.repository)? {
                Some(Credential::Password { user, password }) => Some(Held {
                    header: basic(&user, &password),
                    known: true,
                }),
                _ => None,
            },
            None => None,
        };
        match next {
            // A password that was refused is refused again; a token may have run out, and the new one is another.
            Some(next) if Some(next.header.as_str()) != sent => {
                held.insert(scope.to_owned(), next);
                Ok(Met::Again)
            }
            _ => Ok(Met::Refused { known }),
        }
    }

    fn token(
        &self,
        wire: &Wire,
        registry: &str,
        realm: &str,
        service: Option<&str>,
        scope: &str,
    ) -> Result<Held, RegistryError> {
        let astray = |why: &str| RegistryError::Redirect {
            host: self.host.clone(),
            to: super::wire::shown(realm).to_owned(),
            why: why.to_owned(),
        };
        let is_plain = origin_of(registry).starts_with("http://");
        if !(realm.starts_with("https://") || is_plain && realm.starts_with("http://")) {
            return Err(astray("a token is asked for over https only"));
        }
        let credential = self.keyring.find(&self.host, &self.repository)?;
        let authority = origin_of(realm).split_once("://").map_or("", |it| it.1);
        if authority.contains('@') {
            return Err(astray("it has credentials in it"));
        }
        if credential.is_some() && !self.may_see_credentials(authority) {
            return Err(RegistryError::Realm {
                host: self.host.clone(),
                realm: authority.to_owned(),
            });
        }
        let known = credential.is_some();
        let mut fields: Vec<(&str, &str)> = Vec::new();
        fields.extend(service.map(|service| ("service", service)));
        fields.extend(
            scope
                .split(' ')
                .filter(|scope| !scope.is_empty())
                .map(|scope| ("scope", scope)),
        );
        let what = format!("get a token for {}", self.host);
        let answer = match credential {
            Some(Credential::Identity(identity)) => {
                let scopes = scope.to_owned();
                let mut form = vec![
                    ("grant_type", "refresh_token"),
                    ("client_id", "kata-artifacts"),
                    ("refresh_token", identity.as_str()),
                    ("scope", scopes.as_str()),
                ];
                form.extend(service.map(|service| ("service", service)));
                let body = encoded(&form);
                let kind = "application/x-www-form-urlencoded".to_owned();
                let ask = Ask {
                    method: Method::POST,
                    url: realm,
                    headers: vec![("Content-Type", kind)],
                    authorization: None,
                };
                wire.send(&ask, Content::Bytes(body.as_bytes()))
            }
            other => {
                let separator = if realm.contains('?') { '&' } else { '?' };
                let url = format!("{realm}{separator}{}", encoded(&fields));
                let authorization = match other {
                    Some(Credential::Password { user, password }) => Some(basic(&user, &password)),
                    _ => None,
                };
                let ask = Ask {
                    method: Method::GET,
                    url: &url,
                    headers: Vec::new(),
                    authorization,
                };
                wire.send(&ask, Content::Nothing)
            }
        };
        let answer = answer.map_err(|snag| match snag {
            Snag::Broken(why) => RegistryError::Unreachable {
                what: what.clone(),
                why,
            },
            Snag::Astray { to, why } => RegistryError::Redirect {
                host: authority.to_owned(),
                to,
                why,
            },
        })?;
        let status = answer.status;
        if status == 401 || status == 403 {
            let host = self.host.clone();
            return Err(RegistryError::Unauthorized { what, host, known });
        }
        let text = answer.bytes(MOST_TOKEN).ok().flatten();
        let token: Option<Token> = text.and_then(|text| serde_json::from_slice(&text).ok());
        let token = token.and_then(|it| it.token.or(it.access_token));
        match token.filter(|token| status == 200 && !token.is_empty()) {
            Some(token) => Ok(Held {
                header: format!("Bearer {token}"),
                known,
            }),
            None => Err(RegistryError::Refused {
                what,
                host: authority.to_owned(),
                status,
                told: ", and no token".to_owned(),
            }),
        }
    }

    /// Tells whether the registry's credentials may be shown to this host: to the registry itself, to what lies below
    /// it, and to its neighbours under a domain that can only be one owner's.
    fn may_see_credentials(&self, authority: &str) -> bool {
        let realm = without_port(authority);
        let home = without_port(&self.host);
        let below = |domain: &str| realm.ends_with(&format!(".{domain}"));
        let is_address = home.ends_with(|last: char| last.is_ascii_digit() || last == ']');
        let parent = home.split_once('.').map_or("", |(_, parent)| parent);
        // `co.uk` and its like belong to everybody.
        let owned = match parent.split('.').collect::<Vec<_>>().as_slice() {
            [] | [_] => false,
            [second, _] => second.len() > 3,
            _ => true,
        };
        let neighbour = owned && !is_address && (realm == parent || below(parent));
        let allowed = |host: &String| host == realm || host == authority;
        realm == home
            || (!is_address && below(home))
            || neighbour
            || self.trusted.iter().any(allowed)
    }
}

/// Returns fields as a query or a form has them.
fn encoded(fields: &[(&str, &str)]) -> String {
    let pairs = fields
        .iter()
        .map(|(name, value)| format!("{name}={}", escape(value)));
    pairs.collect::<Vec<_>>().join("&")
}

/// Returns a text as it stands in a query.
pub(super) fn escape(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' | b':' => {
                char::from(byte).to_string()
            }
            byte => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_shown_to_the_registry_and_its_neighbours_only() {
        let may = |host: &str, realm: &str| {
            let trusted = vec!["told.example".to_owned()];
            Guard::new(host, "a", Keyring::default(), trusted).may_see_credentials(realm)
        };
        for (host, realm) in [
            ("r.example", "r.example"),
            ("r.example:5000", "r.example:5001"),
            ("r.example", "auth.r.example"),
            ("registry.owner.example", "auth.owner.example"),
            ("registry.owner.example", "owner.example"),
            ("registry.owner.co.uk", "auth.owner.co.uk"),
            ("127.0.0.1:5000", "127.0.0.1:5001"),
            ("r.example", "told.example"),
        ] {
            assert!(may(host, realm), "{host} {realm}");
        }
        for (host, realm) in [
            ("r.example", "thief.example"),
            ("r.example", "r.example.thief.example"),
            ("r.example", "xr.example"),
            ("owner.co.uk", "thief.co.uk"),
            ("registry.owner.example", "thief.example"),
            ("10.0.0.1:5000", "11.0.0.1"),
            ("127.0.0.1", "localhost"),
            ("localhost:5000", "thief.example"),
        ] {
            assert!(!may(host, realm), "{host} {realm}");
        }
    }

    #[test]
    fn a_query_carries_any_text() {
        let fields = [("scope", "repository:a/b:pull,push"), ("x", "a b&c=d+é")];
        assert_eq!(
            encoded(&fields),
            "scope=repository:a/b:pull%2Cpush&x=a%20b%26c%3Dd%2B%C3%A9"
        );
    }
}
