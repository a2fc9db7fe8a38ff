//! Credentials where Docker and Podman keep them: which file, which entry, which helper. What they are used for is not
//! known here. Nothing that is secret can be printed.

use std::{
    collections::BTreeMap,
    fmt, fs,
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::tool;

/// Files are written with padding and read with or without.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What proves to a registry who we are.
#[derive(Clone, PartialEq, Eq)]
pub enum Credential {
    /// A user and a password, or a token in its place.
    Password {
        /// The user.
        user: String,
        /// The password.
        password: String,
    },
    /// What a token server takes for a token.
    Identity(String),
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential(…)")
    }
}

/// Where credentials are looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keyring {
    /// Files in the form of Docker's `config.json`, best first. Those that are not there are passed over.
    pub files: Vec<PathBuf>,
    /// Where credential helpers are, as in `PATH`.
    pub path: String,
}

/// Credentials could not be read or stored.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum CredentialError {
    /// A file cannot be read or written.
    #[error("cannot {verb} the credentials in `{}`", path.display())]
    #[diagnostic(code(registry::auth_file))]
    File {
        /// What was tried.
        verb: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        cause: io::Error,
    },
    /// A file is not what it should be.
    #[error("the credentials in `{}` cannot be used: {why}", path.display())]
    #[diagnostic(
        code(registry::auth_form),
        help(
            "the form is that of Docker's config.json: {{\"auths\": {{\"registry.example\": {{\"auth\": …}}}}}}"
        )
    )]
    Form {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// A helper failed.
    #[error("the credential helper `{program}` failed: {why}")]
    #[diagnostic(code(registry::helper))]
    Helper {
        /// The program.
        program: String,
        /// What it said, or why it could not be run.
        why: String,
    },
    /// No file is known.
    #[error("there is no place for credentials")]
    #[diagnostic(
        code(registry::no_auth_file),
        help("name a file with `--authfile FILE`")
    )]
    NoFile,
}

#[derive(Default, Deserialize)]
struct File {
    #[serde(default)]
    auths: BTreeMap<String, Auth>,
    #[serde(default, rename = "credHelpers")]
    helpers: BTreeMap<String, String>,
    #[serde(default, rename = "credsStore")]
    store: Option<String>,
}

#[derive(Default, Deserialize)]
struct Auth {
    #[serde(default)]
    auth: String,
    #[serde(default)]
    username: String,
    #[serde(default)]
    password: String,
    #[serde(default, rename = "identitytoken")]
    identity: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Helped {
    username: String,
    secret: String,
}

impl Keyring {
    /// Returns the credential for a repository: of the first file that has one, and there of the longest name that the
    /// repository lies below.
    ///
    /// # Errors
    /// A file or a helper cannot be used.
    pub fn find(
        &self,
        host: &str,
        repository: &str,
    ) -> Result<Option<Credential>, CredentialError> {
        for path in &self.files {
            if let Some(file) = read(path)?
                && let Some(found) = self.find_in(path, &file, host, repository)?
            {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn find_in(
        &self,
        path: &Path,
        file: &File,
        host: &str,
        repository: &str,
    ) -> Result<Option<Credential>, CredentialError> {
        if let Some(helper) = file.helpers.get(host) {
            return self.ask(helper, host);
        }
        for name in names(host, repository) {
            let Some((_, auth)) = file.auths.iter().find(|(key, _)| plain(key) == name) else {
                continue;
            };
            match of(auth) {
                Ok(None) => {}
                Ok(found) => return Ok(found),
                Err(why) => {
                    return Err(CredentialError::Form {
                        path: path.to_owned(),
                        why: format!("{why}, for {name}"),
                    });
                }
            }
        }
        match &file.store {
            Some(store) => self.ask(store, host),
            None => Ok(None),
        }
    }

    fn ask(&self, helper: &str, host: &str) -> Result<Option<Credential>, CredentialError> {
        let (program, reply) = self.helper(helper, "get", host)?;
        if !reply.ok {
            // The protocol has no other way to say so.
            return if reply.out.contains("credentials not found") {
                Ok(None)
            } else {
                let why = reply.out.lines().next().unwrap_or_default().to_owned();
                Err(CredentialError::Helper { program, why })
            };
        }
        let helped: Helped =
            serde_json::from_str(&reply.out).map_err(|_| CredentialError::Helper {
                program,
                why: "its answer is not in the form of the protocol".to_owned(),
            })?;
        Ok(Some(if helped.username == "<token>" {
            Credential::Identity(helped.secret)
        } else {
            Credential::Password {
                user: helped.username,
                password: helped.secret,
            }
        }))
    }

    fn helper(
        &self,
        name: &str,
        verb: &str,
        input: &str,
    ) -> Result<(String, tool::Reply), CredentialError> {
        let program = format!("docker-credential-{name}");
        let failed = |why: String| CredentialError::Helper {
            program: program.clone(),
            why,
        };
        if name.contains('/') {
            return Err(failed("its name is a path".to_owned()));
        }
        let reply = tool::converse(&self.path, &program, verb, input)
            .map_err(|error| failed(error.to_string()))?;
        Ok((program, reply))
    }

    /// Stores a user and a password for a registry in the first file, or where that file says; returns where.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn store(&self, host: &str, user: &str, password: &str) -> Result<String, CredentialError> {
        let path = self.files.first().ok_or(CredentialError::NoFile)?;
        let file = read(path)?.unwrap_or_default();
        if let Some(helper) = file.helpers.get(host).or(file.store.as_ref()) {
            let input = json!({"ServerURL": host, "Username": user, "Secret": password});
            let (program, reply) = self.helper(helper, "store", &input.to_string())?;
            return if reply.ok {
                Ok(program)
            } else {
                let why = reply.out.lines().next().unwrap_or_default().to_owned();
                Err(CredentialError::Helper { program, why })
            };
        }
        let auth = BASE64.encode(format!("{user}:{password}"));
        change(path, |auths| {
            auths.retain(|key, _| plain(key) != host);
            auths.insert(host.to_owned(), json!({"auth": auth}));
        })?;
        Ok(path.display().to_string())
    }

    /// Removes what is stored for a registry everywhere; returns where something was.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn forget(&self, host: &str) -> Result<Vec<String>, CredentialError> {
        let mut places = Vec::new();
        for path in &self.files {
            let Some(file) = read(path)? else { continue };
            if let Some(helper) = file.helpers.get(host).or(file.store.as_ref()) {
                let (program, reply) = self.helper(helper, "erase", host)?;
                if reply.ok {
                    places.push(program);
                }
            }
            if file.auths.keys().any(|key| plain(key) == host) {
                change(path, |auths| auths.retain(|key, _| plain(key) != host))?;
                places.push(path.display().to_string());
            }
        }
        Ok(places)
    }
}

fn read(path: &Path) -> Result<Option<File>, CredentialError> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(cause) => return Err(failed("read", path)(cause)),
    };
    serde_json::from_slice(&text).map(Some).map_err(|error| {
        let why = format!("line {}, column {}", error.line(), error.column());
        let path = path.to_owned();
        CredentialError::Form { path, why }
    })
}

/// Changes the entries of a file and leaves the rest of it as it is. Others never see it half-written.
fn change(path: &Path, edit: impl FnOnce(&mut Map<String, Value>)) -> Result<(), CredentialError> {
    let text = fs::read(path).unwrap_or_default();
    let mut file: Map<String, Value> = serde_json::from_slice(&text).unwrap_or_default();
    let auths = file.entry("auths").or_insert_with(|| json!({}));
    if let Value::Object(auths) = auths {
        edit(auths);
    }
    let parent = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(failed("write", path))?;
    let mut tmp = tempfile::Builder::new()
        .permissions(fs::Permissions::from_mode(0o600))
        .tempfile_in(parent)
        .map_err(failed("write", path))?;
    serde_json::to_writer_pretty(&mut tmp, &file)
        .map_err(io::Error::from)
        .and_then(|()| tmp.write_all(b"\n"))
        .map_err(failed("write", path))?;
    tmp.persist(path)
        .map(drop)
        .map_err(|error| failed("write", path)(error.error))
}

fn failed(verb: &'static str, path: &Path) -> impl FnOnce(io::Error) -> CredentialError {
    let path = path.to_owned();
    move |cause| CredentialError::File { verb, path, cause }
}

/// Returns an entry's credential; `None` for an entry that says only that a helper has one.
fn of(auth: &Auth) -> Result<Option<Credential>, &'static str> {
    if !auth.identity.is_empty() {
        return Ok(Some(Credential::Identity(auth.identity.clone())));
    }
    if auth.auth.is_empty() {
        let some = !auth.username.is_empty();
        return Ok(some.then(|| Credential::Password {
            user: auth.username.clone(),
            password: auth.password.clone(),
        }));
    }
    let decoded = BASE64.decode(auth.auth.trim()).ok();
    let text = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
    let pair = text.as_deref().and_then(|text| text.split_once(':'));
    let (user, password) = pair.ok_or("`auth` is not base64 of user:password")?;
    Ok(Some(Credential::Password {
        user: user.to_owned(),
        // Docker once padded passwords with zeros.
        password: password.trim_end_matches('\0').to_owned(),
    }))
}

/// Returns the names under which a repository's credentials may be kept, longest first.
fn names(host: &str, repository: &str) -> Vec<String> {
    let whole = format!("{host}/{repository}");
    let mut names = vec![whole.trim_end_matches('/').to_owned()];
    while let Some((shorter, _)) = names[names.len() - 1].rsplit_once('/') {
        names.push(shorter.to_owned());
    }
    names
}

/// Returns a key as newer files write it: older ones have a scheme and the version of the API.
fn plain(key: &str) -> &str {
    let key = key.split_once("://").map_or(key, |(_, rest)| rest);
    let key = key.trim_end_matches('/');
    key.strip_suffix("/v1")
        .or_else(|| key.strip_suffix("/v2"))
        .unwrap_or(key)
}

/// Returns the value of `Authorization` for a user and a password.
pub(super) fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", BASE64.encode(format!("{user}:{password}")))
}

#[cfg(test)]
#[path = "credentials_tests.rs"]
mod tests;
