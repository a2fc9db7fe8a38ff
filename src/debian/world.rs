//! A tiny Debian mirror in memory, for tests: packages as stanzas, releases signed by the keys under tests/keys.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{Cursor, Read, Write as _},
};

use jiff::Timestamp;
use pgp::{
    composed::{CleartextSignedMessage, Deserializable, SignedSecretKey},
    crypto::hash::HashAlgorithm,
    packet::{SignatureConfig, SignatureType, Subpacket, SubpacketData},
    types::{Duration, Password, SigningKey},
};

use super::{
    archive::{Archive, ArchiveError, archive_of},
    openpgp::Keyring,
    release::IndexFile,
};
use crate::{digest::Digest, source::FetchError};

/// The time at which tests take place.
pub(crate) fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

/// Returns a file of tests/keys: a public certificate.
pub(crate) fn certificate(name: &str) -> &'static str {
    match name {
        "archive" => include_str!("../../tests/keys/archive.asc"),
        "stranger" => include_str!("../../tests/keys/stranger.asc"),
        "expiring" => include_str!("../../tests/keys/expiring.asc"),
        "revoked" => include_str!("../../tests/keys/revoked.asc"),
        "certifier" => include_str!("../../tests/keys/certifier.asc"),
        "rsa" => include_str!("../../tests/keys/rsa.asc"),
        _ => panic!("no certificate {name}"),
    }
}

fn secret(name: &str) -> SignedSecretKey {
    let armoured = match name {
        "archive" => include_str!("../../tests/keys/archive.secret.asc"),
        "stranger" => include_str!("../../tests/keys/stranger.secret.asc"),
        "expiring" => include_str!("../../tests/keys/expiring.secret.asc"),
        "revoked" => include_str!("../../tests/keys/revoked.secret.asc"),
        "certifier" => include_str!("../../tests/keys/certifier.secret.asc"),
        "rsa" => include_str!("../../tests/keys/rsa.secret.asc"),
        _ => panic!("no key {name}"),
    };
    SignedSecretKey::from_string(armoured).unwrap().0
}

/// Returns the keyring of these certificates.
pub(crate) fn keyring(names: &[&str]) -> Keyring {
    Keyring::read(
        names
            .iter()
            .map(|name| (*name, certificate(name).as_bytes())),
    )
    .unwrap()
}

/// How a text is signed.
#[derive(Clone)]
pub(crate) struct Seal {
    pub(crate) key: &'static str,
    pub(crate) made: Timestamp,
    pub(crate) lasts: Option<u32>,
    pub(crate) hash: HashAlgorithm,
}

impl Seal {
    pub(crate) fn by(key: &'static str) -> Self {
        Self {
            key,
            made: "2026-02-28T00:00:00Z".parse().unwrap(),
            lasts: None,
            hash: HashAlgorithm::Sha256,
        }
    }

    /// Returns the text, signed: by the key's signing subkey when it has one.
    pub(crate) fn sign(&self, text: &str) -> Vec<u8> {
        let secret = secret(self.key);
        match secret.secret_subkeys.first() {
            Some(subkey) => self.sign_with(text, &subkey.key),
            None => self.sign_with(text, &secret.primary_key),
        }
    }

    fn sign_with(&self, text: &str, key: &impl SigningKey) -> Vec<u8> {
        let seconds = |time: Timestamp| u32::try_from(time.as_second()).unwrap();
        let made = pgp::types::Timestamp::from_secs(seconds(self.made));
        let mut config = SignatureConfig::v4(SignatureType::Text, key.algorithm(), self.hash);
        let mut say = |data| {
            config
                .hashed_subpackets
                .push(Subpacket::regular(data).unwrap())
        };
        say(SubpacketData::SignatureCreationTime(made));
        say(SubpacketData::IssuerFingerprint(key.fingerprint()));
        if let Some(lasts) = self.lasts {
            say(SubpacketData::SignatureExpirationTime(Duration::from_secs(
                lasts,
            )));
        }
        CleartextSignedMessage::new(text, config, key, &Password::empty())
            .unwrap()
            .to_armored_bytes(None.into())
            .unwrap()
    }
}

/// The mirror.
pub(crate) struct World {
    /// Stanzas by suite and architecture of the index.
    stanzas: BTreeMap<(String, String), String>,
    /// Added to every release: whole lines.
    pub(crate) fields: String,
    /// `Date:` of every release.
    pub(crate) date: String,
    pub(crate) seal: Seal,
    /// The ending of indexes: `.xz`, `.gz` or nothing.
    pub(crate) form: &'static str,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            stanzas: BTreeMap::new(),
            fields: "Acquire-By-Hash: yes\n".to_owned(),
            date: "Sat, 28 Feb 2026 00:00:00 UTC".to_owned(),
            seal: Seal::by("archive"),
            form: ".xz",
        }
    }

    /// Adds a package to a suite's index for amd64. `rest` is further fields, one per line.
    pub(crate) fn add(&mut self, suite: &str, name: &str, version: &str, rest: &str) -> &mut Self {
        self.add_to(suite, "amd64", name, version, rest)
    }

    pub(crate) fn add_to(
        &mut self,
        suite: &str,
        index: &str,
        name: &str,
        version: &str,
        rest: &str,
    ) -> &mut Self {
        let key = (suite.to_owned(), index.to_owned());
        let sha256 = Digest::of(format!("{suite} {index} {name} {version}").as_bytes()).hex();
        let architecture = if rest.contains("Architecture:") {
            String::new()
        } else {
            format!("Architecture: {index}\n")
        };
        let rest = if rest.is_empty() {
            String::new()
        } else {
            format!("{rest}\n")
        };
        let file = version.replace(':', "%3a");
        self.stanzas.entry(key).or_default().push_str(&format!(
            "Package: {name}\nVersion: {version}\n{architecture}{rest}\
             Filename: pool/main/{name}_{file}_{index}.deb\nSize: 10\nSHA256: {sha256}\n\n"
        ));
        self
    }

    /// Removes everything that is in a suite.
    pub(crate) fn clear(&mut self, suite: &str) {
        self.stanzas.retain(|(of, _), _| of != suite);
    }

    /// Returns the text of a suite's release.
    pub(crate) fn release_text(&self, suite: &str) -> String {
        let mut text = format!(
            "Origin: Test\nSuite: stable\nVersion: 13.7\nCodename: {suite}\nDate: {}\n{}SHA256:\n",
            self.date, self.fields
        );
        for ((of, architecture), stanzas) in &self.stanzas {
            if of == suite {
                let bytes = self.pack(stanzas);
                let digest = Digest::of(&bytes).hex();
                let path = format!("main/binary-{architecture}/Packages{}", self.form);
                writeln!(text, " {digest} {:8} {path}", bytes.len()).unwrap();
            }
        }
        text
    }

    fn pack(&self, text: &str) -> Vec<u8> {
        match self.form {
            ".xz" => {
                let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 1);
                encoder.write_all(text.as_bytes()).unwrap();
                encoder.finish().unwrap()
            }
            ".gz" => {
                let level = flate2::Compression::fast();
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
                encoder.write_all(text.as_bytes()).unwrap();
                encoder.finish().unwrap()
            }
            _ => text.as_bytes().to_vec(),
        }
    }
}

impl Archive for World {
    fn release(&self, archive: &str, suite: &str) -> Result<Vec<u8>, ArchiveError> {
        assert_eq!(archive, archive_of(suite));
        if self.stanzas.keys().any(|(of, _)| of == suite) {
            return Ok(self.seal.sign(&self.release_text(suite)));
        }
        Err(nowhere(format!("the release of {suite}")))
    }

    fn index(
        &self,
        archive: &str,
        paths: &[String],
        file: IndexFile,
    ) -> Result<Box<dyn Read + Send>, ArchiveError> {
        for ((suite, architecture), stanzas) in &self.stanzas {
            let bytes = self.pack(stanzas);
            let by_hash = format!(
                "dists/{suite}/main/binary-{architecture}/by-hash/SHA256/{}",
                file.sha256.hex()
            );
            let by_name = format!(
                "dists/{suite}/main/binary-{architecture}/Packages{}",
                self.form
            );
            if Digest::of(&bytes) == file.sha256
                && archive == archive_of(suite)
                && [by_hash, by_name].contains(&paths[0])
            {
                return Ok(Box::new(Cursor::new(bytes)));
            }
        }
        Err(nowhere(paths.join(" ")))
    }
}

fn nowhere(what: String) -> ArchiveError {
    let tried = Vec::new();
    ArchiveError::Fetch(FetchError::Nowhere { what, tried })
}
