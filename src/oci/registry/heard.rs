//! What a registry for tests hears, and what it can say.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read},
    net::TcpStream,
    time::Duration,
};

/// A request, as the registry saw it.
#[derive(Clone, Debug)]
pub(in crate::oci) struct Seen {
    pub(in crate::oci) method: String,
    pub(in crate::oci) path: String,
    pub(in crate::oci) query: String,
    pub(in crate::oci) headers: BTreeMap<String, String>,
    pub(in crate::oci) body: Vec<u8>,
    /// How much of the body was announced; more than `body` when the client went away.
    pub(super) announced: usize,
}

impl Seen {
    pub(in crate::oci) fn is(&self, method: &str, part: &str) -> bool {
        self.method == method && self.path.contains(part)
    }
}

/// What is answered: status, headers, body.
pub(in crate::oci) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    pub(super) then: Then,
}

pub(super) enum Then {
    /// The body has the length that is told.
    End,
    /// The body is this long in the head, whatever comes.
    Tell(usize),
    /// The body comes again and again, and no length is told.
    Again,
}

impl Reply {
    pub(in crate::oci) fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        let (headers, body) = (Vec::new(), body.into());
        let then = Then::End;
        Self {
            status,
            headers,
            body,
            then,
        }
    }

    pub(in crate::oci) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub(in crate::oci) fn telling(mut self, length: usize) -> Self {
        self.then = Then::Tell(length);
        self
    }

    pub(in crate::oci) fn endless(mut self) -> Self {
        self.then = Then::Again;
        self
    }
}

/// Reads a request, as much of it as comes.
pub(super) fn request(stream: &TcpStream) -> std::io::Result<Option<Seen>> {
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut words = first.split(' ');
    let (Some(method), Some(target)) = (words.next(), words.next()) else {
        return Ok(None);
    };
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        match line.trim_end().split_once(": ") {
            Some((name, value)) => {
                headers.insert(name.to_ascii_lowercase(), value.to_owned());
            }
            None => break,
        }
    }
    let announced = headers
        .get("content-length")
        .map_or(0, |text| text.parse().unwrap());
    let mut body = Vec::new();
    let _ = reader.take(announced as u64).read_to_end(&mut body);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    Ok(Some(Seen {
        method: method.to_owned(),
        path: path.to_owned(),
        query: query.replace("%3A", ":"),
        headers,
        body,
        announced,
    }))
}
