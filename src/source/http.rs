//! One HTTP exchange that can be interrupted: a request, the head of the answer, its body in pieces. Which bytes are
//! wanted, and what is done when they are wrong, is decided in `fetch`.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    thread,
    time::{Duration, Instant},
};

use ureq::{
    Agent,
    http::HeaderMap,
    tls::{RootCerts, TlsConfig},
    unversioned::transport::DefaultConnector,
};

use super::{FetchError, resolver::Remembering};
use crate::cancel::{Cancel, Interrupted};

/// How often a wait looks whether it must stop.
const TICK: Duration = Duration::from_millis(100);
/// The size of a piece of a body, in bytes. Threads that hand over small ones wait for each other more than they work.
const PIECE: usize = 512 * 1024;
/// How many pieces wait for a slow disk before the network waits too.
const PIECES: usize = 4;
/// A piece that takes longer is handed over as it is.
const LINGER: Duration = Duration::from_millis(200);

/// Through what to reach servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proxy {
    /// As `https_proxy`, `http_proxy`, `all_proxy` and `no_proxy` say.
    Environment,
    /// Nothing.
    Direct,
    /// The proxy at this URL.
    At(String),
}

/// How long to wait for servers, how often to ask again, and how much to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// How long a connection may take.
    pub connect: Duration,
    /// How long a server may send nothing.
    pub stall: Duration,
    /// How many times every URL is asked while nothing at all is gained.
    pub rounds: u32,
    /// How long to wait before the second round; doubled for each further one.
    pub pause: Duration,
    /// The longest wait between rounds, whatever a server asks for.
    pub longest_pause: Duration,
    /// The most bytes to take when the size is not known.
    pub most: u64,
}

impl Patience {
    /// What suits mirrors on the internet.
    pub const INTERNET: Self = Self {
        connect: Duration::from_secs(15),
        stall: Duration::from_secs(30),
        rounds: 4,
        pause: Duration::from_secs(1),
        longest_pause: Duration::from_secs(30),
        most: 8 << 30,
    };

    /// Returns how long to wait before round `round` (the first is 0), when a server asked for `asked`.
    pub(crate) fn pause_before(&self, round: u32, asked: Option<Duration>) -> Duration {
        let backoff = self.pause * 2_u32.saturating_pow(round.saturating_sub(1));
        backoff
            .max(asked.unwrap_or_default())
            .min(self.longest_pause)
    }
}

/// Asks servers. Cheap to clone; clones share their connections.
#[derive(Clone, Debug)]
pub struct Client {
    agent: Agent,
    pub(super) patience: Patience,
}

impl Client {
    /// Returns a client that trusts the certificates that the machine trusts.
    ///
    /// # Errors
    /// The proxy's URL is not one.
    pub fn new(proxy: &Proxy, patience: Patience) -> Result<Self, FetchError> {
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .tls_config(
                TlsConfig::builder()
                    .root_certs(RootCerts::PlatformVerifier)
                    .build(),
            )
            .user_agent(concat!("kata-artifacts/", env!("CARGO_PKG_VERSION")))
            .max_idle_connections_per_host(8)
            .timeout_resolve(Some(patience.connect))
            .timeout_connect(Some(patience.connect))
            .timeout_recv_response(Some(patience.stall))
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
        Ok(Self {
            agent: Agent::with_parts(
                config.build(),
                DefaultConnector::new(),
                Remembering::default(),
            ),
            patience,
        })
    }

    /// Asks for `url` and waits for the head of the answer.
    pub(super) fn ask(
        &self,
        url: &str,
        resume: Option<&Resume>,
        cancel: &Cancel,
    ) -> Result<Answer, Stop> {
        let (sender, receiver) = sync_channel(PIECES);
        let (agent, url, resume) = (self.agent.clone(), url.to_owned(), resume.cloned());
        // A name server or a server that hangs must not keep us from stopping within a second, so the exchange has a
        // thread of its own. Nobody joins it: it ends at its next send, or when its own time limit is over.
        thread::Builder::new()
            .name("http".to_owned())
            .spawn(move || exchange(&agent, &url, resume.as_ref(), &sender))
            .map_err(|error| Stop::Failed(format!("no thread for the transfer: {error}")))?;
        let mut body = Body { receiver };
        match body.next_event(cancel)? {
            Event::Head(head) => Ok(Answer { head, body }),
            Event::Failed(why) => Err(Stop::Failed(why)),
            Event::Piece(_) | Event::End => Err(Stop::Failed("the answer has no head".to_owned())),
        }
    }
}

/// From where to go on with a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Resume {
    /// How many bytes are there.
    pub(super) offset: u64,
    /// The ETag or date that the earlier bytes had, for `If-Range`.
    pub(super) validator: Option<String>,
}

/// Why there is no answer, or no more of one.
#[derive(Debug)]
pub(super) enum Stop {
    /// The work was stopped.
    Interrupted(Interrupted),
    /// The exchange failed; it may work another time.
    Failed(String),
}

/// The head of an answer and the body that follows.
pub(super) struct Answer {
    pub(super) head: Head,
    pub(super) body: Body,
}

/// What an answer says of itself.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) status: u16,
    /// The length of the body in bytes, when it is told.
    pub(super) length: Option<u64>,
    pub(super) content_type: Option<String>,
    pub(super) content_range: Option<String>,
    pub(super) etag: Option<String>,
    pub(super) last_modified: Option<String>,
    pub(super) retry_after: Option<Duration>,
}

/// A body that is still coming in.
pub(super) struct Body {
    receiver: Receiver<Event>,
}

enum Event {
    Head(Head),
    Piece(Vec<u8>),
    End,
    Failed(String),
}

impl Body {
    /// Returns the next piece, or `None` after the last one.
    pub(super) fn next_piece(&mut self, cancel: &Cancel) -> Result<Option<Vec<u8>>, Stop> {
        match self.next_event(cancel)? {
            Event::Piece(piece) => Ok(Some(piece)),
            Event::End => Ok(None),
            Event::Failed(why) => Err(Stop::Failed(why)),
            Event::Head(_) => Err(Stop::Failed("the answer has two heads".to_owned())),
        }
    }

    fn next_event(&mut self, cancel: &Cancel) -> Result<Event, Stop> {
        loop {
            cancel.check().map_err(Stop::Interrupted)?;
            match self.receiver.recv_timeout(TICK) {
                Ok(event) => return Ok(event),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Stop::Failed("the transfer ended in a panic".to_owned()));
                }
            }
        }
    }
}

/// Waits, unless told to stop.
pub(crate) fn wait(mut left: Duration, cancel: &Cancel) -> Result<(), Interrupted> {
    while !left.is_zero() {
        cancel.check()?;
        let step = left.min(TICK);
        thread::sleep(step);
        left -= step;
    }
    cancel.check()
}

/// Runs in the exchange's own thread. A send fails when nobody listens any more: then there is nothing left to do.
fn exchange(agent: &Agent, url: &str, resume: Option<&Resume>, sender: &SyncSender<Event>) {
    let offset = resume.map_or(0, |resume| resume.offset);
    let (head, body) = match url.strip_prefix("file://") {
        Some(path) => match local(path, offset) {
            Ok((head, file)) => (head, Box::new(file) as Box<dyn Read>),
            Err(error) => return drop(sender.send(Event::Failed(error.to_string()))),
        },
        None => match remote(agent, url, resume) {
            Ok((head, body)) => (head, body),
            Err(error) => return drop(sender.send(Event::Failed(explain(&error)))),
        },
    };
    if sender.send(Event::Head(head)).is_ok() {
        forward(body, sender);
    }
}

fn forward(mut body: Box<dyn Read>, sender: &SyncSender<Event>) {
    loop {
        let (piece, end) = fill(&mut body);
        let sent = piece.is_empty() || sender.send(Event::Piece(piece)).is_ok();
        match end {
            Some(end) if sent => return drop(sender.send(end)),
            None if sent => {}
            _ => return,
        }
    }
}

/// Reads a piece, and how the body ended when it did.
fn fill(body: &mut dyn Read) -> (Vec<u8>, Option<Event>) {
    let (mut piece, mut size, began) = (vec![0; PIECE], 0, Instant::now());
    let mut end = None;
    while size < PIECE && end.is_none() && (size == 0 || began.elapsed() < LINGER) {
        match body.read(&mut piece[size..]) {
            Ok(0) => end = Some(Event::End),
            Ok(read) => size += read,
            Err(error) => end = Some(Event::Failed(error.to_string())),
        }
    }
    piece.truncate(size);
    (piece, end)
}

fn remote(
    agent: &Agent,
    url: &str,
    resume: Option<&Resume>,
) -> Result<(Head, Box<dyn Read>), ureq::Error> {
    // Without this, a server may compress what is compressed already, and sizes would not agree.
    let mut request = agent.get(url).header("Accept-Encoding", "identity");
    if let Some(resume) = resume {
        request = request.header("Range", format!("bytes={}-", resume.offset));
        if let Some(validator) = &resume.validator {
            request = request.header("If-Range", validator);
        }
    }
    let response = request.call()?;
    let head = head(response.status().as_u16(), response.headers());
    Ok((head, Box::new(response.into_body().into_reader())))
}

fn head(status: u16, headers: &HeaderMap) -> Head {
    let text = |name: &str| Some(headers.get(name)?.to_str().ok()?.trim().to_owned());
    Head {
        status,
        length: text("content-length").and_then(|text| text.parse().ok()),
        content_type: text("content-type"),
        content_range: text("content-range"),
        etag: text("etag"),
        last_modified: text("last-modified"),
        // The other form, a date, would need a clock.
        retry_after: text("retry-after")
            .and_then(|text| text.parse().ok())
            .map(Duration::from_secs),
    }
}

/// A file as a server would serve it.
fn local(path: &str, offset: u64) -> std::io::Result<(Head, File)> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    file.seek(SeekFrom::Start(offset))?;
    let head = Head {
        status: if offset == 0 { 200 } else { 206 },
        length: Some(size.saturating_sub(offset)),
        content_range: (offset > 0).then(|| format!("bytes {offset}-{}/{size}", size.max(1) - 1)),
        ..Head::default()
    };
    Ok((head, file))
}

/// An error with its causes: what a person needs to know is often only in the innermost one.
pub(crate) fn explain(error: &ureq::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let more = inner.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_heed_the_server_and_have_an_end() {
        let patience = Patience::INTERNET;
        let seconds = |round, asked: u64| {
            patience
                .pause_before(round, Some(Duration::from_secs(asked)))
                .as_secs()
        };
        assert_eq!([seconds(1, 0), seconds(2, 0), seconds(3, 0)], [1, 2, 4]);
        assert_eq!(seconds(1, 7), 7);
        assert_eq!(seconds(1, 86_400), 30);
        assert_eq!(seconds(40, 0), 30);
    }

    #[test]
    fn a_proxy_that_is_no_url_is_refused() {
        let error = Client::new(&Proxy::At("not a proxy".into()), Patience::INTERNET);
        assert!(matches!(error, Err(FetchError::Proxy { .. })));
    }
}
