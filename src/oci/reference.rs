//! How a person names an artifact: in a registry, in an image layout, in an archive of one. Pure text; nothing is opened.

use std::{fmt, path::PathBuf, str::FromStr};

use crate::digest::Digest;

/// The longest repository name that registries take (distribution-spec, "Pulling manifests").
const MOST_NAME: usize = 255;
/// The longest tag.
const MOST_TAG: usize = 128;

/// An artifact, or a place of artifacts, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// `HOST[:PORT]/REPOSITORY[:TAG][@DIGEST]`.
    Registry(Remote),
    /// `oci:DIR[:TAG][@DIGEST]`.
    Layout(Local),
    /// `oci-archive:FILE[:TAG][@DIGEST]`.
    Archive(Local),
}

/// A repository of a registry, and what is meant in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remote {
    /// The registry's host, with its port when one was written.
    pub host: String,
    /// The repository.
    pub repository: String,
    /// What is meant in it.
    pub name: Option<Name>,
}

/// An image layout or an archive on disk, and what is meant in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Local {
    /// The directory or file.
    pub path: PathBuf,
    /// What is meant in it.
    pub name: Option<Name>,
}

/// What is meant in a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Name {
    /// What a tag names now.
    Tag(String),
    /// These very bytes. A tag that was written before the digest counts for nothing.
    Digest(Digest),
}

/// A text names no artifact.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("`{text}` is not the name of an artifact: {why}")]
#[diagnostic(
    code(oci::reference),
    help(
        "write registry.example/team/kata:6.12-default, the same with @sha256:…, oci:DIR[:TAG] for an image layout, or \
         oci-archive:FILE[:TAG]"
    )
)]
pub struct NotAReference {
    text: String,
    why: &'static str,
}

impl Reference {
    /// Returns what is meant in the place.
    #[must_use]
    pub const fn name(&self) -> Option<&Name> {
        match self {
            Self::Registry(remote) => remote.name.as_ref(),
            Self::Layout(local) | Self::Archive(local) => local.name.as_ref(),
        }
    }

    /// Returns the same place with another name in it.
    #[must_use]
    pub fn with(&self, name: Option<Name>) -> Self {
        let mut other = self.clone();
        match &mut other {
            Self::Registry(remote) => remote.name = name,
            Self::Layout(local) | Self::Archive(local) => local.name = name,
        }
        other
    }
}

impl FromStr for Reference {
    type Err = NotAReference;

    fn from_str(text: &str) -> Result<Self, NotAReference> {
        let wrong = |why| NotAReference {
            text: text.to_owned(),
            why,
        };
        if let Some(local) = text.strip_prefix("oci:") {
            return local_of(local).map(Self::Layout).map_err(wrong);
        }
        if let Some(local) = text.strip_prefix("oci-archive:") {
            return local_of(local).map(Self::Archive).map_err(wrong);
        }
        remote_of(text).map(Self::Registry).map_err(wrong)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Registry(remote) => write!(f, "{}/{}", remote.host, remote.repository)?,
            Self::Layout(local) => write!(f, "oci:{}", local.path.display())?,
            Self::Archive(local) => write!(f, "oci-archive:{}", local.path.display())?,
        }
        self.name().map_or(Ok(()), |name| write!(f, "{name}"))
    }
}

/// As it stands behind the place: `:tag` or `@sha256:…`.
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag(tag) => write!(f, ":{tag}"),
            Self::Digest(digest) => write!(f, "@{digest}"),
        }
    }
}

/// Tells whether registries take a text as a tag.
#[must_use]
pub fn is_tag(text: &str) -> bool {
    let first = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    (1..=MOST_TAG).contains(&text.len())
        && text.bytes().next().is_some_and(first)
        && text
            .bytes()
            .all(|byte| first(byte) || byte == b'.' || byte == b'-')
}

/// Tells whether a host is this machine: there plain HTTP is the usual thing.
#[must_use]
pub fn is_loopback(host: &str) -> bool {
    let name = without_port(host);
    name == "localhost"
        || name.ends_with(".localhost")
        || name
            .trim_matches(['[', ']'])
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// Returns a host without its port. An IPv6 address keeps its brackets.
#[must_use]
pub fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

fn local_of(text: &str) -> Result<Local, &'static str> {
    let (rest, digest) = digest_of(text)?;
    // A path may have colons in it; what follows the last one is a tag only when it could be one.
    let (path, tag) = match rest.rsplit_once(':') {
        Some((path, tag)) if is_tag(tag) && !path.is_empty() => (path, Some(tag.to_owned())),
        _ => (rest, None),
    };
    if path.is_empty() {
        return Err("there is no path behind the colon");
    }
    Ok(Local {
        path: path.into(),
        name: digest.map(Name::Digest).or(tag.map(Name::Tag)),
    })
}

fn remote_of(text: &str) -> Result<Remote, &'static str> {
    if text.contains("://") {
        return Err("it is a URL; a registry's name has no scheme");
    }
    let (rest, digest) = digest_of(text)?;
    let (host, path) = rest
        .split_once('/')
        .ok_or("it has no registry, or no repository behind it")?;
    if !is_host(host) {
        return Err("it does not begin with the host of a registry");
    }
    let (repository, tag) = match path.rsplit_once(':') {
        Some((repository, tag)) => (repository, Some(tag)),
        None => (path, None),
    };
    if repository.len() > MOST_NAME || !repository.split('/').all(is_component) {
        return Err("a repository is lower-case letters, digits and single . _ - between them");
    }
    if tag.is_some_and(|tag| !is_tag(tag)) {
        return Err("a tag is at most 128 letters, digits, dots, hyphens and underscores");
    }
    let tag = tag.map(str::to_owned);
    Ok(Remote {
        host: host.to_owned(),
        repository: repository.to_owned(),
        name: digest.map(Name::Digest).or(tag.map(Name::Tag)),
    })
}

fn digest_of(text: &str) -> Result<(&str, Option<Digest>), &'static str> {
    let Some((rest, digest)) = text.rsplit_once('@') else {
        return Ok((text, None));
    };
    let Some(hex) = digest.strip_prefix("sha256:") else {
        // A path may have one too.
        return Ok((text, None));
    };
    let digest = hex
        .parse()
        .map_err(|_| "a digest is sha256: and 64 hexadecimal digits")?;
    Ok((rest, Some(digest)))
}

/// Tells whether a text can only be a registry's host: without a dot, a port or `localhost` it may be a directory.
fn is_host(text: &str) -> bool {
    let name = without_port(text);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-".contains(&byte);
    let is_address = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'))
        .is_some_and(|name| name.parse::<std::net::Ipv6Addr>().is_ok());
    let is_name = !name.is_empty()
        && !name.starts_with(['.', '-'])
        && name.bytes().all(plain)
        && (text.contains(['.', ':']) || name == "localhost");
    let port = text[name.len()..].strip_prefix(':');
    (is_name || is_address) && port.is_none_or(|port| port.parse::<u16>().is_ok())
}

fn is_component(text: &str) -> bool {
    let mut rest = text;
    loop {
        let word = rest
            .bytes()
            .take_while(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
            .count();
        if word == 0 {
            return false;
        }
        rest = &rest[word..];
        if rest.is_empty() {
            return true;
        }
        let between = rest
            .bytes()
            .take_while(|byte| b"._-".contains(byte))
            .count();
        let (separator, after) = rest.split_at(between);
        let is_separator =
            matches!(separator, "." | "_" | "__") || separator.bytes().all(|byte| byte == b'-');
        if separator.is_empty() || !is_separator {
            return false;
        }
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn tag(text: &str) -> Option<Name> {
        Some(Name::Tag(text.to_owned()))
    }

    #[track_caller]
    fn remote(text: &str, host: &str, repository: &str, name: Option<Name>) {
        let expected = Reference::Registry(Remote {
            host: host.to_owned(),
            repository: repository.to_owned(),
            name,
        });
        assert_eq!(text.parse::<Reference>().ok(), Some(expected), "{text}");
    }

    #[track_caller]
    fn layout(text: &str, path: &str, name: Option<Name>) {
        let path = path.into();
        let expected = Reference::Layout(Local { path, name });
        assert_eq!(text.parse::<Reference>().ok(), Some(expected), "{text}");
    }

    #[test]
    fn a_registry_is_known_by_its_host() {
        let digest = Some(Name::Digest(Digest::of(b"")));
        remote("r.example/kata", "r.example", "kata", None);
        remote("r.example/a/b:1.0", "r.example", "a/b", tag("1.0"));
        remote("localhost/a", "localhost", "a", None);
        remote("127.0.0.1:5000/a:t", "127.0.0.1:5000", "a", tag("t"));
        remote("[::1]:5000/a__b-c.d", "[::1]:5000", "a__b-c.d", None);
        let both = format!("r.example:443/a:t@sha256:{HEX}");
        remote(&both, "r.example:443", "a", digest);
    }

    #[test]
    fn a_layout_is_a_path_and_perhaps_a_tag() {
        layout("oci:out/kata/oci", "out/kata/oci", None);
        layout("oci:out/oci:6.12-x", "out/oci", tag("6.12-x"));
        layout("oci:/a:b/c", "/a:b/c", None);
        let digest = Some(Name::Digest(Digest::of(b"")));
        layout(&format!("oci:x@sha256:{HEX}"), "x", digest);
    }

    #[test]
    fn what_names_nothing_is_refused_with_the_reason() {
        for text in [
            "",
            "kata",
            "kata:latest",
            "library/kata",
            "https://r.example/kata",
            "r.example/",
            "r.example/Kata",
            "r.example/a//b",
            "r.example/a..b",
            "r.example/../b",
            "r.example/a___b",
            "r.example/a:",
            "r.example/a:-x",
            "r.example/a:b c",
            "r.example:port/a",
            "r.example/a@sha256:12",
            "user@r.example/a",
            "r.example/-a",
            "oci:",
            "oci-archive:",
        ] {
            assert!(text.parse::<Reference>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_reference_reads_back_what_it_writes() {
        for text in [
            "r.example:5000/a/b:1.0".to_owned(),
            format!("r.example/a@sha256:{HEX}"),
            "oci:out/oci:t".to_owned(),
            "oci-archive:x.tar".to_owned(),
        ] {
            let reference: Reference = text.parse().unwrap();
            assert_eq!(reference.to_string(), text);
        }
    }

    #[test]
    fn this_machine_is_known_by_name_and_address() {
        for host in [
            "localhost",
            "localhost:5000",
            "127.0.0.1:5000",
            "127.9.9.9",
            "[::1]:80",
        ] {
            assert!(is_loopback(host), "{host}");
        }
        for host in [
            "r.example",
            "localhost.example",
            "128.0.0.1",
            "10.0.0.1:5000",
        ] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
