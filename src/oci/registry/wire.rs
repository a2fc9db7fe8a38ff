//! One exchange with a registry, and where it may lead: which redirects are followed, to which addresses, and who gets
//! the credentials. Nothing is asked twice here, and nothing is understood.

use std::{
    io::{self, Read},
    sync::{Arc, OnceLock},
    time::Duration,
};

use ureq::{
    Agent, SendBody,
    http::{HeaderMap, Method, Request, Uri},
    tls::TlsConfig,
    unversioned::transport::DefaultConnector,
};

use super::addresses::{INSIDE, Role, Watchful};
use crate::source::{
    FetchError,
    http::{Patience, Proxy},
};

/// How often an answer may send us elsewhere.
const MOST_REDIRECTS: usize = 5;
/// How long a registry may think after it has an upload: some verify what came before they answer.
const THINKING: Duration = Duration::from_secs(300);
/// The buffers of one connection, in bytes. There are a handful of connections.
const BUFFER: usize = 64 << 10;

/// The connections to one registry, and to where it sends us.
#[derive(Debug)]
pub(super) struct Wire {
    origin: String,
    home: Agent,
    abroad: Agent,
}

/// A request without its body.
#[derive(Debug)]
pub(super) struct Ask<'a> {
    pub(super) method: Method,
    pub(super) url: &'a str,
    pub(super) headers: Vec<(&'static str, String)>,
    /// The value of `Authorization`, for the origin of `url` only.
    pub(super) authorization: Option<String>,
}

/// The body of a request.
pub(super) enum Content<'a> {
    /// None at all.
    Nothing,
    /// These bytes, perhaps none.
    Bytes(&'a [u8]),
    /// So many bytes of a reader.
    Stream(&'a mut dyn Read, u64),
}

/// An answer whose body is still coming in.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Box<dyn Read>,
    /// Where it came from in the end.
    pub(super) url: String,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Snag {
    /// The exchange failed; it may work another time.
    Broken(String),
    /// An answer led where we do not go.
    Astray {
        /// Where it led, without what may be secret in it.
        to: String,
        /// Why not there.
        why: String,
    },
}

impl Wire {
    /// Returns connections to the registry at `origin`: a scheme, a host and perhaps a port.
    pub(super) fn new(
        origin: &str,
        tls: TlsConfig,
        proxy: &Proxy,
        patience: Patience,
    ) -> Result<Self, FetchError> {
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .tls_config(tls)
            .user_agent(concat!("kata-artifacts/", env!("CARGO_PKG_VERSION")))
            .max_idle_connections_per_host(8)
            .input_buffer_size(BUFFER)
            .output_buffer_size(BUFFER)
            .timeout_resolve(Some(patience.connect))
            .timeout_connect(Some(patience.connect))
            .timeout_recv_response(Some(patience.stall.max(THINKING)))
            .timeout_per_read(Some(patience.stall))
            .timeout_per_write(Some(patience.stall));
        match proxy {
            Proxy::Environment => {}
            Proxy::Direct => config = config.proxy(None),
            Proxy::At(url) => {
                let proxy = ureq::Proxy::new(url).map_err(|error| FetchError::Proxy {
                    text: url.clone(),
                    why: error.to_string(),
                })?;
                config = config.proxy(Some(proxy));
            }
        }
        let config = config.build();
        let class = Arc::new(OnceLock::new());
        let agent = |place| {
            let resolver = Watchful::new(place, &class);
            Agent::with_parts(config.clone(), DefaultConnector::new(), resolver)
        };
        Ok(Self {
            origin: origin.to_owned(),
            home: agent(Role::Home),
            abroad: agent(Role::Abroad),
        })
    }

    /// Sends a request and waits for the head of the answer. Only what has no body is sent on where a redirect leads.
    pub(super) fn send(&self, ask: &Ask<'_>, content: Content<'_>) -> Result<Answer, Snag> {
        if !matches!(content, Content::Nothing) {
            return self.once(ask, ask.url, true, content);
        }
        let mut url = ask.url.to_owned();
        for _ in 0..=MOST_REDIRECTS {
            let trusted = origin_of(&url) == origin_of(ask.url);
            let answer = self.once(ask, &url, trusted, Content::Nothing)?;
            let location = answer
                .headers
                .get("location")
                .and_then(|it| it.to_str().ok());
            match (answer.status, location) {
                (301 | 302 | 303 | 307 | 308, Some(location)) => {
                    let to = join(&url, location);
                    may_follow(&url, &to).map_err(|why| Snag::Astray {
                        to: shown(&to).to_owned(),
                        why,
                    })?;
                    url = to;
                }
                _ => return Ok(answer),
            }
        }
        Err(Snag::Astray {
            to: shown(&url).to_owned(),
            why: "it redirects in circles".to_owned(),
        })
    }

    /// Tells whether an answer from one URL may name another to send to.
    pub(super) fn may_send(&self, from: &str, to: &str) -> Result<(), Snag> {
        may_follow(from, to).map_err(|why| Snag::Astray {
            to: shown(to).to_owned(),
            why,
        })
    }

    fn once(
        &self,
        ask: &Ask<'_>,
        url: &str,
        trusted: bool,
        content: Content<'_>,
    ) -> Result<Answer, Snag> {
        let mut request = Request::builder()
            .method(ask.method.clone())
            .uri(url)
            // Without this, a server may compress what is compressed already, and sizes would not agree.
            .header("Accept-Encoding", "identity");
        for (name, value) in &ask.headers {
            request = request.header(*name, value);
        }
        if let Some(authorization) = ask.authorization.as_ref().filter(|_| trusted) {
            request = request.header("Authorization", authorization);
        }
        let agent = if origin_of(url) == self.origin {
            &self.home
        } else {
            &self.abroad
        };
        let unusable = |error: ureq::http::Error| Snag::Broken(error.to_string());
        let result = match content {
            Content::Nothing => agent.run(request.body(()).map_err(unusable)?),
            Content::Bytes(bytes) => agent.run(request.body(bytes).map_err(unusable)?),
            Content::Stream(reader, size) => {
                let request = request.header("Content-Length", size);
                let body = SendBody::from_reader(reader);
                agent.run(request.body(body).map_err(unusable)?)
            }
        };
        let response = result.map_err(|error| snag(url, &error))?;
        Ok(Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: Box::new(response.into_body().into_reader()),
            url: url.to_owned(),
        })
    }
}

impl Answer {
    /// Returns a header's text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok().map(str::trim)
    }

    /// Reads the body, unless it is longer than `most`: then `None`.
    pub(super) fn bytes(self, most: u64) -> io::Result<Option<Vec<u8>>> {
        let mut bytes = Vec::new();
        self.body.take(most + 1).read_to_end(&mut bytes)?;
        Ok((bytes.len() as u64 <= most).then_some(bytes))
    }

    /// Returns how long the server asks us to wait. A date is taken against the server's own, so no clock is needed.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        let text = self.header("retry-after")?;
        if let Ok(seconds) = text.parse() {
            return Some(Duration::from_secs(seconds));
        }
        let moment = |text: &str| jiff::fmt::rfc2822::parse(text).ok();
        let (then, now) = (moment(text)?, moment(self.header("date")?)?);
        let wait = then.timestamp().as_second() - now.timestamp().as_second();
        Some(Duration::from_secs(u64::try_from(wait).unwrap_or(0)))
    }
}

fn snag(url: &str, error: &ureq::Error) -> Snag {
    if let ureq::Error::Io(cause) = error
        && cause.kind() == io::ErrorKind::PermissionDenied
        && cause.to_string() == INSIDE
    {
        return Snag::Astray {
            to: shown(url).to_owned(),
            why: INSIDE.to_owned(),
        };
    }
    Snag::Broken(crate::source::http::explain(error))
}

/// Tells whether a redirect from one URL to another is followed, as far as the texts tell.
fn may_follow(from: &str, to: &str) -> Result<(), String> {
    let scheme = |url: &str| url.split_once("://").map(|(scheme, _)| scheme.to_owned());
    match (scheme(from).as_deref(), scheme(to).as_deref()) {
        (Some("http"), Some("http")) | (Some(_), Some("https")) => {}
        (Some("https"), Some("http")) => return Err("it is not encrypted".to_owned()),
        _ => return Err("it is neither https nor http".to_owned()),
    }
    let Ok(uri) = to.parse::<Uri>() else {
        return Err("it is no URL".to_owned());
    };
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    if authority.contains('@') {
        return Err("it has credentials in it".to_owned());
    }
    Ok(())
}

/// Returns the scheme, host and port of a URL.
pub(super) fn origin_of(url: &str) -> &str {
    let start = url.find("://").map_or(0, |at| at + 3);
    let length = url[start..].find(['/', '?', '#']);
    length.map_or(url, |length| &url[..start + length])
}

/// Returns a URL without its query, which may have signatures or the state of an upload in it.
pub(super) fn shown(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or_default()
}

/// Returns where `location` leads, seen from `base`.
pub(super) fn join(base: &str, location: &str) -> String {
    let location = location.split('#').next().unwrap_or_default();
    let scheme = base.split_once("://").map_or("https", |(scheme, _)| scheme);
    if location.contains("://") && !location.starts_with('/') {
        location.to_owned()
    } else if location.starts_with("//") {
        format!("{scheme}:{location}")
    } else if location.starts_with('/') {
        format!("{}{location}", origin_of(base))
    } else {
        let path = shown(base);
        let end = path.rfind('/').filter(|at| *at >= origin_of(base).len());
        let directory = end.map_or(path, |at| &path[..at]);
        format!("{directory}/{location}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_seen_from_where_it_was_given() {
        let base = "https://r.example:5000/v2/a/blobs/uploads/?x=1";
        for (location, expected) in [
            ("https://o.example/x?y#z", "https://o.example/x?y"),
            ("//o.example/x", "https://o.example/x"),
            ("/v2/x?s=a", "https://r.example:5000/v2/x?s=a"),
            ("x", "https://r.example:5000/v2/a/blobs/uploads/x"),
        ] {
            assert_eq!(join(base, location), expected);
        }
        assert_eq!(join("http://r.example", "x"), "http://r.example/x");
    }

    #[test]
    fn nobody_is_led_from_encrypted_to_plain_or_to_another_kind_of_url() {
        assert!(may_follow("https://r/x", "https://o/y").is_ok());
        assert!(may_follow("http://r/x", "http://o/y").is_ok());
        assert!(may_follow("http://r/x", "https://o/y").is_ok());
        for to in [
            "http://o/y",
            "file:///etc/passwd",
            "ftp://o/y",
            "https://u:p@o/y",
            "https://",
        ] {
            assert!(may_follow("https://r/x", to).is_err(), "{to}");
        }
    }

    #[test]
    fn an_address_is_shown_without_what_may_be_secret() {
        assert_eq!(
            shown("https://s.example/b?X-Sig=secret#f"),
            "https://s.example/b"
        );
        assert_eq!(origin_of("https://s.example?x"), "https://s.example");
    }
}
