//! Signed releases: an InRelease file in, a [`Release`] out, only if one of the given keys vouches for it now. What is
//! parsed is the signed text itself. Fetching it, and the indexes it names, are not here.

use std::collections::BTreeMap;

use deb822_fast::{Deb822, Paragraph};
use jiff::{Timestamp, fmt::rfc2822::DateTimeParser};
use pgp::composed::CleartextSignedMessage;

use super::openpgp::{Keyring, Refusal};
use crate::digest::Digest;

/// An InRelease file larger than this, in bytes, is refused. Debian's are below 200 KiB.
pub const RELEASE_LIMIT: u64 = 16 << 20;

/// What a signed release says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// `Suite:`, for instance `stable`. Empty when it has none.
    pub suite: String,
    /// `Codename:`, for instance `trixie`. Empty when it has none.
    pub codename: String,
    /// `Version:`, for instance `13.7`. Empty when it has none.
    pub version: String,
    /// `Date:`.
    pub date: Timestamp,
    /// `Valid-Until:`.
    pub valid_until: Option<Timestamp>,
    /// Whether indexes can be asked for by their digest.
    pub by_hash: bool,
    /// Whether packages of architecture `all` are in an index of their own only.
    pub separate_all: bool,
    /// The files it vouches for, by path below the suite's directory.
    pub files: BTreeMap<String, IndexFile>,
    /// Fingerprints of the keys that made good signatures, sorted, upper-case hexadecimal.
    pub signed_by: Vec<String>,
    /// The digest of the InRelease file.
    pub sha256: Digest,
}

/// A file that a release vouches for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexFile {
    /// Its size in bytes.
    pub size: u64,
    /// Its digest.
    pub sha256: Digest,
}

/// A release that cannot be believed.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum ReleaseError {
    /// There is no key to check anything with.
    #[error("no keys are given to check the release of `{asked}` with")]
    #[diagnostic(
        code(debian::no_keys),
        help(
            "list certificates under `debian.keys` in the manifest; Debian's are in manifests/keys"
        )
    )]
    NoKeys {
        /// The suite asked for.
        asked: String,
    },
    /// The file is not one cleartext-signed text and nothing else.
    #[error("the release of `{asked}` is not one signed text: {why}")]
    #[diagnostic(
        code(debian::unsigned),
        help("a proxy or a captive portal may answer in the mirror's place; try another mirror")
    )]
    Unsigned {
        /// The suite asked for.
        asked: String,
        /// What is wrong with it.
        why: String,
    },
    /// No signature counts.
    #[error(
        "the release of `{asked}` has no good signature: {}",
        reasons(refusals)
    )]
    #[diagnostic(
        code(debian::signature),
        help(
            "does `debian.keys` in the manifest name the keys that sign this suite? is this machine's clock right?"
        )
    )]
    Refused {
        /// The suite asked for.
        asked: String,
        /// Why each signature does not count.
        refusals: Vec<Refusal>,
    },
    /// It was good once.
    #[error("the release of `{asked}` was valid until {until}; it is {now} now")]
    #[diagnostic(
        code(debian::expired),
        help("the mirror is out of date, or this machine's clock is wrong; try another mirror")
    )]
    Expired {
        /// The suite asked for.
        asked: String,
        /// The end of its validity.
        until: Timestamp,
        /// The time it was compared with.
        now: Timestamp,
    },
    /// It is a release, of something else.
    #[error(
        "`{asked}` was asked for, but the release is of suite `{suite}`, codename `{codename}`"
    )]
    #[diagnostic(
        code(debian::suite),
        help("name the suite as the archive does; is the mirror's base URL right?")
    )]
    OtherSuite {
        /// The suite asked for.
        asked: String,
        /// The suite it is of.
        suite: String,
        /// The codename it is of.
        codename: String,
    },
    /// The signed text lacks something or has something odd.
    #[error("the release of `{asked}` is signed but unreadable: {why}")]
    #[diagnostic(code(debian::release))]
    Malformed {
        /// The suite asked for.
        asked: String,
        /// What is wrong with it.
        why: String,
    },
}

fn reasons(refusals: &[Refusal]) -> String {
    let reasons: Vec<_> = refusals.iter().map(ToString::to_string).collect();
    if reasons.is_empty() {
        "it carries none".to_owned()
    } else {
        reasons.join("; ")
    }
}

/// Verifies and reads an InRelease file. `asked` is the suite it was asked for as; it must be its suite or codename.
///
/// # Errors
/// Anything that keeps it from being believed: see [`ReleaseError`].
pub fn verify(
    in_release: &[u8],
    asked: &str,
    keyring: &Keyring,
    now: Timestamp,
) -> Result<Release, ReleaseError> {
    if keyring.is_empty() {
        return Err(ReleaseError::NoKeys {
            asked: asked.to_owned(),
        });
    }
    let (text, signed_by) = signed_text(in_release, asked, keyring, now)?;
    let release = read(&text, asked, signed_by, Digest::of(in_release))?;
    if asked != release.suite && asked != release.codename {
        return Err(ReleaseError::OtherSuite {
            asked: asked.to_owned(),
            suite: release.suite,
            codename: release.codename,
        });
    }
    if let Some(until) = release.valid_until
        && until < now
    {
        return Err(ReleaseError::Expired {
            asked: asked.to_owned(),
            until,
            now,
        });
    }
    Ok(release)
}

/// Returns the text that the signature covers, byte for byte but for line ends, and who signed it.
fn signed_text(
    in_release: &[u8],
    asked: &str,
    keyring: &Keyring,
    now: Timestamp,
) -> Result<(String, Vec<String>), ReleaseError> {
    let unsigned = |why: String| ReleaseError::Unsigned {
        asked: asked.to_owned(),
        why,
    };
    if in_release.len() as u64 > RELEASE_LIMIT {
        return Err(unsigned(format!("it is larger than {RELEASE_LIMIT} bytes")));
    }
    let file = std::str::from_utf8(in_release).map_err(|e| unsigned(e.to_string()))?;
    if !file.starts_with("-----BEGIN PGP SIGNED MESSAGE-----") {
        return Err(unsigned("it does not begin with a signed text".to_owned()));
    }
    // One text, one block of signatures, nothing before, between or after: the parser refuses everything else.
    let (message, _) =
        CleartextSignedMessage::from_string(file).map_err(|e| unsigned(e.to_string()))?;
    let text = message.signed_text();
    let (good, refusals) = keyring.signers(message.signatures(), text.as_bytes(), now);
    if good.is_empty() {
        return Err(ReleaseError::Refused {
            asked: asked.to_owned(),
            refusals,
        });
    }
    Ok((text.replace("\r\n", "\n"), good.into_iter().collect()))
}

fn read(
    text: &str,
    asked: &str,
    signed_by: Vec<String>,
    sha256: Digest,
) -> Result<Release, ReleaseError> {
    let malformed = |why: String| ReleaseError::Malformed {
        asked: asked.to_owned(),
        why,
    };
    let paragraphs: Deb822 = text
        .parse()
        .map_err(|e: deb822_fast::Error| malformed(e.to_string()))?;
    let mut paragraphs = paragraphs.into_iter();
    let (Some(fields), None) = (paragraphs.next(), paragraphs.next()) else {
        return Err(malformed("it is not one paragraph".to_owned()));
    };
    let field = |name: &str| fields.get(name).unwrap_or_default().trim().to_owned();
    let date = |name: &str| -> Result<Option<Timestamp>, ReleaseError> {
        let text = field(name);
        if text.is_empty() {
            return Ok(None);
        }
        parse_date(&text)
            .map(Some)
            .ok_or_else(|| malformed(format!("`{name}: {text}` is not a date")))
    };
    let date_field = date("Date")?.ok_or_else(|| malformed("it has no `Date:`".to_owned()))?;
    Ok(Release {
        suite: field("Suite"),
        codename: field("Codename"),
        version: field("Version"),
        date: date_field,
        valid_until: date("Valid-Until")?,
        by_hash: field("Acquire-By-Hash") == "yes",
        separate_all: field("Architectures")
            .split_whitespace()
            .any(|a| a == "all")
            && field("No-Support-for-Architecture-all") != "Packages",
        files: files(&fields).map_err(malformed)?,
        signed_by,
        sha256,
    })
}

/// Reads the list under `SHA256:`: digest, size and path per line.
fn files(fields: &Paragraph) -> Result<BTreeMap<String, IndexFile>, String> {
    let list = fields.get("SHA256").ok_or("it lists no SHA256 digests")?;
    let mut files = BTreeMap::new();
    for line in list.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let wrong = || format!("`{line}` is not a digest, a size and a path");
        let mut words = line.split_whitespace();
        let (Some(digest), Some(size), Some(path), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(wrong());
        };
        let file = IndexFile {
            size: size.parse().map_err(|_| wrong())?,
            sha256: digest.parse().map_err(|_| wrong())?,
        };
        if let Some(other) = files.insert(path.to_owned(), file)
            && other != file
        {
            return Err(format!("`{path}` is listed twice, differently"));
        }
    }
    Ok(files)
}

/// Reads a date as archives write them: RFC 2822 with the zone written `UTC`.
fn parse_date(text: &str) -> Option<Timestamp> {
    let text = match text.strip_suffix("UTC") {
        Some(start) => format!("{start}+0000"),
        None => text.to_owned(),
    };
    DateTimeParser::new().parse_timestamp(&text).ok()
}

#[cfg(test)]
mod tests;
