//! Whom TLS trusts, and who we are to it: the machine's certificates and those that the user adds, and a client's own, in
//! the places where Docker and Podman look for them.

use std::{fs, path::PathBuf};

use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem};

use super::error::RegistryError;

/// Certificates and keys, as files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trust {
    /// The machine's own bundle of CA certificates, which is added to `authorities`.
    pub bundle: Option<PathBuf>,
    /// Further CA certificates. When there are none, the machine's verifier decides.
    pub authorities: Vec<PathBuf>,
    /// A client's certificate chain and its key.
    pub client: Option<(PathBuf, PathBuf)>,
    /// Directories like `/etc/containers/certs.d`: below them, for each `HOST:PORT`, `*.crt` are CA certificates, and
    /// `*.cert` with `*.key` are a client's.
    pub directories: Vec<PathBuf>,
}

impl Trust {
    /// Returns what TLS to this host starts from.
    pub(super) fn config(&self, host: &str) -> Result<TlsConfig, RegistryError> {
        let mut authorities = self.authorities.clone();
        let mut client = self.client.clone();
        for directory in &self.directories {
            // A host is a name without slashes: this is one directory below.
            for path in listed(&directory.join(host)) {
                match path.extension().and_then(|it| it.to_str()) {
                    Some("crt") => authorities.push(path),
                    Some("cert") if client.is_none() => {
                        let key = path.with_extension("key");
                        client = Some((path, key));
                    }
                    _ => {}
                }
            }
        }
        let mut config = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier);
        if !authorities.is_empty() {
            let mut roots = Vec::new();
            for path in self.bundle.iter().chain(&authorities) {
                roots.extend(certificates(path)?);
            }
            config = config.root_certs(RootCerts::new_with_certs(&roots));
        }
        if let Some((chain, key)) = client {
            let chain = certificates(&chain)?;
            let text = read(&key)?;
            let key = PrivateKey::from_pem(&text)
                .map_err(|_| unusable(&key, "it has no private key in it"))?;
            config = config.client_cert(Some(ClientCert::new_with_certs(&chain, key)));
        }
        Ok(config.build())
    }
}

fn listed(directory: &std::path::Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten();
    let mut paths: Vec<PathBuf> = entries.filter_map(|it| Some(it.ok()?.path())).collect();
    paths.sort();
    paths
}

fn certificates(path: &PathBuf) -> Result<Vec<Certificate<'static>>, RegistryError> {
    let text = read(path)?;
    let mut found = Vec::new();
    for item in parse_pem(&text) {
        match item {
            Ok(PemItem::Certificate(certificate)) => found.push(certificate),
            Ok(_) => {}
            Err(error) => return Err(unusable(path, &error.to_string())),
        }
    }
    if found.is_empty() {
        return Err(unusable(path, "it has no certificate in it"));
    }
    Ok(found)
}

fn read(path: &PathBuf) -> Result<Vec<u8>, RegistryError> {
    fs::read(path).map_err(|error| unusable(path, &error.to_string()))
}

fn unusable(path: &std::path::Path, why: &str) -> RegistryError {
    RegistryError::Certificate {
        path: path.display().to_string(),
        why: why.to_owned(),
    }
}
