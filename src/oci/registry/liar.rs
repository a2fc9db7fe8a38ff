//! A registry for tests, on a loopback port of its own: it keeps what is pushed and serves it, and lies where a test tells
//! it to.

use std::{
    collections::BTreeMap,
    io::Write,
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use crate::{
    digest::Digest,
    oci::{
        document::{INDEX, MANIFEST},
        reference::{Reference, is_loopback},
    },
};
use serde_json::{Value, json};

pub(in crate::oci) use super::heard::{Reply, Seen};
use super::heard::{Then, request};

#[derive(Default)]
struct Kept {
    blobs: BTreeMap<(String, String), Vec<u8>>,
    manifests: BTreeMap<(String, String), (String, Vec<u8>)>,
    uploads: BTreeMap<String, Vec<u8>>,
    begun: usize,
    seen: Vec<Seen>,
    /// Whether there is a referrers API.
    referrers: bool,
}

type Lie = Box<dyn Fn(&Seen, usize) -> Option<Reply> + Send + Sync>;

/// A running registry. Its threads live as long as the test process.
pub(in crate::oci) struct Liar {
    pub(in crate::oci) host: String,
    kept: Arc<Mutex<Kept>>,
}

impl Liar {
    /// Starts a registry that tells the truth.
    pub(in crate::oci) fn honest() -> Self {
        Self::start(|_, _| None)
    }

    /// Starts a registry that answers what `lie` returns, if anything, to its n-th request (from 0).
    pub(in crate::oci) fn start(
        lie: impl Fn(&Seen, usize) -> Option<Reply> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        assert!(is_loopback(&host));
        let kept = Arc::new(Mutex::new(Kept::default()));
        let (shared, lie): (_, Arc<Lie>) = (Arc::clone(&kept), Arc::new(Box::new(lie)));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (kept, lie) = (Arc::clone(&shared), Arc::clone(&lie));
                // A client that goes away is what some tests are about.
                thread::spawn(move || serve(&stream.unwrap(), &kept, &lie));
            }
        });
        Self { host, kept }
    }

    /// Has the referrers API from now on.
    pub(in crate::oci) fn with_referrers(self) -> Self {
        self.kept.lock().unwrap().referrers = true;
        self
    }

    pub(in crate::oci) fn reference(&self, rest: &str) -> Reference {
        format!("{}/{rest}", self.host).parse().unwrap()
    }

    pub(in crate::oci) fn seen(&self) -> Vec<Seen> {
        self.kept.lock().unwrap().seen.clone()
    }

    /// Counts requests of a method whose path has a part.
    pub(in crate::oci) fn count(&self, method: &str, part: &str) -> usize {
        self.seen().iter().filter(|it| it.is(method, part)).count()
    }

    /// Keeps a blob in the repository `kata`; returns its descriptor.
    pub(in crate::oci) fn blob(&self, bytes: &[u8], media_type: &str) -> Value {
        let digest = Digest::of(bytes);
        let key = ("kata".to_owned(), digest.to_string());
        self.kept.lock().unwrap().blobs.insert(key, bytes.to_vec());
        json!({"mediaType": media_type, "digest": digest, "size": bytes.len()})
    }

    /// Keeps a manifest of titled files in the repository `kata` under a tag; returns its descriptor.
    pub(in crate::oci) fn artifact(&self, tag: &str, files: &[(&str, &[u8])]) -> Value {
        let layers: Vec<Value> = files
            .iter()
            .map(|(title, bytes)| {
                let mut layer = self.blob(bytes, "application/x-test");
                layer["annotations"] = json!({"org.opencontainers.image.title": title});
                layer
            })
            .collect();
        let config = self.blob(b"{}", "application/vnd.oci.empty.v1+json");
        let manifest = json!({
            "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": "application/x-artifact", "config": config,
            "layers": layers,
        });
        self.document(tag, MANIFEST, &manifest)
    }

    /// Keeps an index of manifests by platform under a tag.
    pub(in crate::oci) fn index(&self, tag: &str, children: &[(&str, Value)]) -> Value {
        let manifests: Vec<Value> = children
            .iter()
            .map(|(architecture, descriptor)| {
                let mut child = descriptor.clone();
                child["platform"] = json!({"os": "linux", "architecture": architecture});
                child
            })
            .collect();
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests});
        self.document(tag, INDEX, &index)
    }

    /// Keeps a document of the repository `kata` under a tag and its digest.
    pub(in crate::oci) fn document(&self, tag: &str, media_type: &str, value: &Value) -> Value {
        let raw = value.to_string().into_bytes();
        let (digest, size) = (Digest::of(&raw), raw.len());
        let mut kept = self.kept.lock().unwrap();
        for name in [tag.to_owned(), digest.to_string()] {
            let key = ("kata".to_owned(), name);
            kept.manifests
                .insert(key, (media_type.to_owned(), raw.clone()));
        }
        json!({"mediaType": media_type, "digest": digest, "size": size})
    }

    /// Returns the bytes of a manifest that was pushed.
    pub(in crate::oci) fn manifest(&self, repository: &str, name: &str) -> Option<Vec<u8>> {
        let key = (repository.to_owned(), name.to_owned());
        let kept = self.kept.lock().unwrap();
        kept.manifests.get(&key).map(|(_, raw)| raw.clone())
    }
}

fn serve(stream: &TcpStream, kept: &Mutex<Kept>, lie: &Lie) -> std::io::Result<()> {
    let Some(seen) = request(stream)? else {
        return Ok(());
    };
    let number = {
        let mut kept = kept.lock().unwrap();
        kept.seen.push(seen.clone());
        kept.seen.len() - 1
    };
    let reply = lie(&seen, number).unwrap_or_else(|| kept.lock().unwrap().answer(&seen));
    let mut head = format!(
        "HTTP/1.1 {} Whatever\r\nConnection: close\r\n",
        reply.status
    );
    for (name, value) in &reply.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let length = match reply.then {
        Then::End => Some(reply.body.len()),
        Then::Tell(length) => Some(length),
        Then::Again => None,
    };
    if let Some(length) = length.filter(|_| !head.contains("Content-Length:")) {
        head.push_str(&format!("Content-Length: {length}\r\n"));
    }
    let mut stream = stream;
    stream.write_all(format!("{head}\r\n").as_bytes())?;
    if seen.method == "HEAD" {
        return Ok(());
    }
    stream.write_all(&reply.body)?;
    if let Then::Again = reply.then {
        loop {
            stream.write_all(&reply.body)?;
        }
    }
    Ok(())
}

impl Kept {
    fn answer(&mut self, seen: &Seen) -> Reply {
        let nothing = || Reply::new(404, r#"{"errors":[{"code":"NOT_THERE"}]}"#);
        let Some(rest) = seen.path.strip_prefix("/v2/") else {
            return nothing();
        };
        let parts = [
            "/manifests/",
            "/blobs/uploads/",
            "/blobs/",
            "/tags/",
            "/referrers/",
        ];
        let found = parts.iter().find_map(|part| {
            rest.split_once(part)
                .map(|(repository, name)| (*part, repository, name))
        });
        let Some((part, repository, name)) = found else {
            return Reply::new(200, "{}");
        };
        let key = (repository.to_owned(), name.to_owned());
        match (seen.method.as_str(), part) {
            ("GET" | "HEAD", "/manifests/") => match self.manifests.get(&key) {
                Some((kind, raw)) => Reply::new(200, raw.clone())
                    .with("Content-Type", kind)
                    .with("Docker-Content-Digest", Digest::of(raw).to_string()),
                None => nothing(),
            },
            ("PUT", "/manifests/") => self.keep(seen, repository, name),
            ("GET" | "HEAD", "/blobs/") => match self.blobs.get(&key) {
                Some(bytes) => ranged(bytes, seen.headers.get("range")),
                None => nothing(),
            },
            ("POST", "/blobs/uploads/") => self.begin(seen, repository),
            (_, "/blobs/uploads/") => self.upload(seen, repository, name),
            ("GET", "/tags/") => {
                let tags = self.manifests.keys().map(|(_, name)| name);
                let tags: Vec<&String> = tags.filter(|name| !name.contains(':')).collect();
                Reply::new(200, json!({"name": repository, "tags": tags}).to_string())
            }
            ("GET", "/referrers/") if self.referrers => self.list(name),
            _ => nothing(),
        }
    }

    fn keep(&mut self, seen: &Seen, repository: &str, name: &str) -> Reply {
        let digest = Digest::of(&seen.body).to_string();
        let kind = seen.headers["content-type"].clone();
        for name in [name, &digest] {
            let key = (repository.to_owned(), name.to_owned());
            self.manifests
                .insert(key, (kind.clone(), seen.body.clone()));
        }
        let reply = Reply::new(201, "").with("Docker-Content-Digest", digest);
        let value: Value = serde_json::from_slice(&seen.body).unwrap();
        match value["subject"]["digest"].as_str() {
            Some(subject) if self.referrers => reply.with("OCI-Subject", subject),
            _ => reply,
        }
    }

    fn begin(&mut self, seen: &Seen, repository: &str) -> Reply {
        let field = |name: &str| {
            let fields = seen.query.split('&').filter_map(|it| it.split_once('='));
            let found = fields.into_iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| value.to_owned())
        };
        if let (Some(digest), Some(from)) = (field("mount"), field("from")) {
            let donor = self.blobs.get(&(from, digest.clone())).cloned();
            if let Some(bytes) = donor {
                self.blobs.insert((repository.to_owned(), digest), bytes);
                return Reply::new(201, "");
            }
        }
        // Never an id again: others may be going on when one ends.
        self.begun += 1;
        let id = format!("u{}", self.begun);
        self.uploads.insert(id.clone(), Vec::new());
        Reply::new(202, "").with(
            "Location",
            format!("/v2/{repository}/blobs/uploads/{id}?s=secret"),
        )
    }

    /// Keeps also what comes of a chunk that breaks off, as the specification allows.
    fn upload(&mut self, seen: &Seen, repository: &str, id: &str) -> Reply {
        let Some(bytes) = self.uploads.get_mut(id) else {
            return Reply::new(404, r#"{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN"}]}"#);
        };
        if let Some(range) = seen.headers.get("content-range") {
            let start: usize = range.split('-').next().unwrap().parse().unwrap();
            if start != bytes.len() {
                return Reply::new(416, "");
            }
        }
        bytes.extend_from_slice(&seen.body);
        let location = format!("/v2/{repository}/blobs/uploads/{id}?s=secret");
        let range = format!("0-{}", bytes.len().max(1) - 1);
        match seen.method.as_str() {
            "GET" => Reply::new(204, "")
                .with("Location", location)
                .with("Range", range),
            "PATCH" if seen.body.len() == seen.announced => Reply::new(202, "")
                .with("Location", location)
                .with("Range", range),
            "PUT" => {
                let bytes = self.uploads.remove(id).unwrap();
                let digest = Digest::of(&bytes).to_string();
                if !seen.query.contains(&digest) {
                    return Reply::new(400, r#"{"errors":[{"code":"DIGEST_INVALID"}]}"#);
                }
                self.blobs.insert((repository.to_owned(), digest), bytes);
                Reply::new(201, "")
            }
            _ => Reply::new(400, ""),
        }
    }

    fn list(&self, subject: &str) -> Reply {
        let mut found = BTreeMap::new();
        for (kind, raw) in self.manifests.values() {
            let value: Value = serde_json::from_slice(raw).unwrap();
            if value["subject"]["digest"] == subject {
                let digest = Digest::of(raw);
                let descriptor = json!({
                    "mediaType": kind, "digest": digest, "size": raw.len(), "artifactType": value["artifactType"],
                });
                found.insert(digest, descriptor);
            }
        }
        let manifests: Vec<&Value> = found.values().collect();
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests});
        Reply::new(200, index.to_string()).with("Content-Type", INDEX)
    }
}

fn ranged(bytes: &[u8], range: Option<&String>) -> Reply {
    let Some(first) = range.and_then(|it| it.strip_prefix("bytes=")?.strip_suffix('-')) else {
        return Reply::new(200, bytes);
    };
    let (first, last): (usize, usize) = (first.parse().unwrap(), bytes.len() - 1);
    Reply::new(206, &bytes[first..]).with(
        "Content-Range",
        format!("bytes {first}-{last}/{}", bytes.len()),
    )
}
