//! A Debian mirror on a loopback port: one suite, signed with a key of tests/keys, and packages that hold a tiny kernel.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use kata_artifacts::digest::Digest;
use pgp::{
    composed::{CleartextSignedMessage, Deserializable, SignedSecretKey},
    crypto::hash::HashAlgorithm,
    packet::{SignatureConfig, SignatureType, Subpacket, SubpacketData},
    types::{KeyDetails, Password, Timestamp},
};

use crate::world::{World, linux};

const SECRET: &str = include_str!("../keys/archive.secret.asc");
const CERTIFICATE: &str = include_str!("../keys/archive.asc");
/// The package that [`Mirror::has`] offers.
pub(crate) const PACKAGE: &str = "linux-source-6.12";
/// When the release was signed: 2026-02-28.
const SIGNED: u32 = 1_772_236_800;

/// A running mirror. Its thread lives as long as the test process.
pub(crate) struct Mirror {
    pub(crate) url: String,
    files: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Mirror {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mirror = Self {
            url: format!("http://{}/debian", listener.local_addr().unwrap()),
            files: Arc::default(),
            asked: Arc::default(),
        };
        let (files, asked) = (Arc::clone(&mirror.files), Arc::clone(&mirror.asked));
        thread::spawn(move || {
            for stream in listener.incoming() {
                // A client that goes away is no concern of the mirror's.
                let _ = answer(&stream.unwrap(), &files, &asked);
            }
        });
        mirror
    }

    /// Publishes the suite `trixie` with this version of [`PACKAGE`], and no other file.
    pub(crate) fn has(&self, version: &str) {
        let package = deb(version);
        let path = format!("pool/main/{PACKAGE}_{version}_all.deb");
        let index = format!(
            "Package: {PACKAGE}\nVersion: {version}\nArchitecture: all\nFilename: {path}\nSize: {}\nSHA256: {}\n\n",
            package.len(),
            Digest::of(&package).hex()
        );
        let name = "main/binary-amd64/Packages";
        let release = format!(
            "Suite: stable\nVersion: 13.7\nCodename: trixie\nDate: Sat, 28 Feb 2026 00:00:00 UTC\nSHA256:\n {} {} {name}\n",
            Digest::of(index.as_bytes()).hex(),
            index.len()
        );
        *self.files.lock().unwrap() = BTreeMap::from([
            (
                "/debian/dists/trixie/InRelease".to_owned(),
                signed(&release),
            ),
            (format!("/debian/dists/trixie/{name}"), index.into_bytes()),
            (format!("/debian/{path}"), package),
        ]);
    }

    /// Becomes an archive mirror that has all of it at this time.
    pub(crate) fn keeps(&self, time: &str) {
        let mut files = self.files.lock().unwrap();
        *files = std::mem::take(&mut *files)
            .into_iter()
            .map(|(path, bytes)| (path.replace("/debian/", &format!("/debian/{time}/")), bytes))
            .collect();
    }

    /// Replaces what the mirror answers for the release.
    pub(crate) fn answers(&self, release: &str) {
        let mut files = self.files.lock().unwrap();
        files.insert("/debian/dists/trixie/InRelease".to_owned(), release.into());
    }

    /// Returns the paths that were asked for since this was last asked.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }

    /// Returns a world whose kernel is [`PACKAGE`], from this mirror's suite.
    pub(crate) fn world() -> World {
        let world = World::new();
        world.write("keys.asc", CERTIFICATE);
        world.edit(
            crate::world::MANIFEST,
            "toolchain: host\n",
            "debian:\n  suites: [trixie]\n  keys: [keys.asc]\ntoolchain: host\n",
        );
        world.edit(
            crate::world::MANIFEST,
            "source: {path: linux}",
            "source: {debian: linux-source-6.12}",
        );
        world
    }
}

fn answer(
    mut stream: &TcpStream,
    files: &Mutex<BTreeMap<String, Vec<u8>>>,
    asked: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let lines = BufReader::new(stream).lines().map_while(Result::ok);
    let lines: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    let path = lines.first().and_then(|line| line.split(' ').nth(1));
    let path = path.unwrap_or_default().to_owned();
    let body = files.lock().unwrap().get(&path).cloned();
    asked.lock().unwrap().push(path);
    let status = if body.is_some() {
        "200 OK"
    } else {
        "404 Not Found"
    };
    let body = body.unwrap_or_default();
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    )?;
    stream.write_all(&body)
}

/// Returns a package that holds the tiny kernel's source. Its version is in the source, so no two have the same bytes.
fn deb(version: &str) -> Vec<u8> {
    let mut source: Vec<_> = linux("nothing");
    source.push(("version", version.as_bytes().to_vec()));
    let source: Vec<(String, Vec<u8>)> = source
        .into_iter()
        .map(|(name, bytes)| (format!("linux-source-6.12/{name}"), bytes))
        .collect();
    let control = format!("Package: {PACKAGE}\nVersion: {version}\n");
    let control = tar(&[("./control".to_owned(), control.into_bytes())]);
    let inner = format!("./usr/src/{PACKAGE}.tar.xz");
    let data = tar(&[(inner, xz(&tar(&source)))]);
    let mut package = ar::Builder::new(Vec::new());
    for (name, bytes) in [
        ("debian-binary", b"2.0\n".to_vec()),
        ("control.tar.xz", xz(&control)),
        ("data.tar.xz", xz(&data)),
    ] {
        let header = ar::Header::new(name.as_bytes().to_vec(), bytes.len() as u64);
        package.append(&header, &bytes[..]).unwrap();
    }
    package.into_inner().unwrap()
}

fn tar(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        header.set_size(bytes.len() as u64);
        header.set_mtime(1_000_000_000);
        tar.append_data(&mut header, name, &bytes[..]).unwrap();
    }
    tar.into_inner().unwrap()
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut writer = liblzma::write::XzEncoder::new(Vec::new(), 0);
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

/// Returns the text, signed as Debian signs releases: by a subkey of the archive's key.
fn signed(text: &str) -> Vec<u8> {
    let secret = SignedSecretKey::from_string(SECRET).unwrap().0;
    let key = &secret.secret_subkeys[0].key;
    let hash = HashAlgorithm::Sha256;
    let mut config = SignatureConfig::v4(SignatureType::Text, key.algorithm(), hash);
    let made = SubpacketData::SignatureCreationTime(Timestamp::from_secs(SIGNED));
    let by = SubpacketData::IssuerFingerprint(key.fingerprint());
    config.hashed_subpackets = [made, by]
        .map(|data| Subpacket::regular(data).unwrap())
        .to_vec();
    CleartextSignedMessage::new(text, config, key, &Password::empty())
        .unwrap()
        .to_armored_bytes(None.into())
        .unwrap()
}
