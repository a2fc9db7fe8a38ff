//! Fetching: which URL is asked when, what of an answer is taken, and when it is given up. Everything that is kept was
//! verified; what a server says of itself is never believed, only used to stop early.

use std::time::Duration;

use super::{
    FetchError, Network, Tried, Why,
    candidates::candidates,
    http::{Answer, Client, Head, Stop, wait},
    partial::Partial,
};
use crate::{
    bench::Bench,
    cancel::{Cancel, Interrupted},
    digest::Digest,
    plan::action::{Fetch, Origin},
    step::{Product, Products},
    store::Store,
};

/// However much each round gains, there is no further one after this many.
const MOST_ROUNDS: u32 = 20;
/// Progress is told each time this many bytes have come in.
const PROGRESS: u64 = 256 * 1024;

/// A blob that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Want {
    /// Its digest.
    pub digest: Digest,
    /// Its size in bytes, when it is known.
    pub size: Option<u64>,
    /// Where it may be found, best first.
    pub urls: Vec<String>,
    /// What it is, for people.
    pub what: String,
}

/// Brings the blob into the store, unless it is there. Product: `blob`.
///
/// # Errors
/// No URL gives it, the network may not be used, or the step was stopped.
pub fn fetch_step(bench: &Bench<'_>, action: &Fetch) -> Result<Products, FetchError> {
    if bench.store.blob(action.sha256).is_none() {
        let what = describe(action);
        let (mirrors, client) = match bench.network {
            Network::On(mirrors, client) => (mirrors, client),
            Network::Off(reason) => {
                return Err(FetchError::Offline {
                    what,
                    digest: action.sha256,
                    reason,
                });
            }
        };
        let urls = candidates(&action.origin, mirrors);
        if let (true, Origin::Package { archive, .. }) = (urls.is_empty(), &action.origin) {
            let archive = archive.clone();
            return Err(FetchError::NoMirror { what, archive });
        }
        let want = Want {
            digest: action.sha256,
            size: action.size,
            urls,
            what,
        };
        let progress = |done, total| bench.progress(done, total);
        client.fetch(bench.store, &want, &progress, bench.cancel)?;
    }
    let path = bench.store.need_blob(action.sha256)?;
    let size = std::fs::metadata(&path)
        .map_err(crate::store::failed("read", &path))?
        .len();
    let digest = action.sha256;
    Ok([("blob".to_owned(), Product::Blob { digest, size })].into())
}

fn describe(action: &Fetch) -> String {
    match &action.origin {
        Origin::Package { name, version, .. } => format!("package {name} {version}"),
        Origin::Urls(urls) => urls
            .first()
            .and_then(|url| url.rsplit('/').next())
            .filter(|name| !name.is_empty())
            .map_or_else(|| action.sha256.to_string(), str::to_owned),
    }
}

/// Why one URL did not give it.
enum Setback {
    /// Nothing more is worth trying.
    Fatal(FetchError),
    /// This URL failed.
    Here {
        why: Why,
        /// Whether it may work another time.
        again: bool,
        /// How long the server asks us to wait.
        asked: Option<Duration>,
    },
}

impl From<FetchError> for Setback {
    fn from(error: FetchError) -> Self {
        Self::Fatal(error)
    }
}

impl From<Stop> for Setback {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Interrupted(Interrupted) => Self::Fatal(FetchError::Interrupted(Interrupted)),
            Stop::Failed(why) => Self::again(Why::Exchange(why)),
        }
    }
}

impl Setback {
    fn again(why: Why) -> Self {
        Self::Here {
            why,
            again: true,
            asked: None,
        }
    }

    fn never(why: Why) -> Self {
        Self::Here {
            why,
            again: false,
            asked: None,
        }
    }

    fn status(head: &Head) -> Self {
        Self::Here {
            why: Why::Status(head.status),
            again: matches!(head.status, 408 | 425 | 429 | 500..=599),
            asked: head.retry_after,
        }
    }
}

impl Client {
    /// Brings a blob into the store: resumes what an earlier process began, asks every URL, more than once where that
    /// may help, and verifies size and digest while the bytes come in. `progress` takes bytes: so far, and in all.
    ///
    /// # Errors
    /// [`FetchError::Nowhere`] names every URL and why it failed.
    pub fn fetch(
        &self,
        store: &Store,
        want: &Want,
        progress: &dyn Fn(u64, Option<u64>),
        cancel: &Cancel,
    ) -> Result<(), FetchError> {
        let Some(mut partial) = Partial::open(store, want.digest, cancel)? else {
            return Ok(());
        };
        if let Some(size) = want.size {
            if partial.size() > size {
                partial.rewind()?;
            } else if partial.size() == size && partial.settle()?.is_none() {
                return Ok(());
            }
        }
        let mut transfer = Transfer {
            client: self,
            want,
            partial,
            progress,
            cancel,
        };
        self.persevere(&want.what, &want.urls, cancel, |url| {
            let before = transfer.partial.size();
            let result = transfer.attempt(url);
            (result, transfer.partial.size() > before)
        })
    }

    /// Returns a small file whose digest nobody knows yet, and the URL that served it. The caller verifies it.
    ///
    /// # Errors
    /// No URL serves it in at most `limit` bytes.
    pub fn get_small(
        &self,
        what: &str,
        urls: &[String],
        limit: u64,
        cancel: &Cancel,
    ) -> Result<(Vec<u8>, String), FetchError> {
        let attempt = |url: &str| {
            let Answer { head, mut body } = self.ask(url, None, cancel)?;
            if head.status != 200 {
                return Err(Setback::status(&head));
            }
            let mut bytes = Vec::new();
            while let Some(piece) = body.next_piece(cancel)? {
                if (bytes.len() + piece.len()) as u64 > limit {
                    return Err(Setback::never(Why::TooLong {
                        limit,
                        content_type: head.content_type,
                    }));
                }
                bytes.extend_from_slice(&piece);
            }
            Ok((bytes, url.to_owned()))
        };
        self.persevere(what, urls, cancel, |url| (attempt(url), false))
    }

    /// Asks every URL in turn, round after round, until one gives it or none is worth asking again. `ask` returns
    /// whether it came nearer to the end: then the round costs no patience.
    fn persevere<T>(
        &self,
        what: &str,
        urls: &[String],
        cancel: &Cancel,
        mut ask: impl FnMut(&str) -> (Result<T, Setback>, bool),
    ) -> Result<T, FetchError> {
        let mut tried: Vec<(Tried, bool)> = Vec::new();
        let mut fruitless = 0;
        for round in 0..MOST_ROUNDS {
            let (mut gained, mut pause) = (false, None);
            for url in urls {
                if tried.iter().any(|(it, again)| it.url == *url && !again) {
                    continue;
                }
                let (result, nearer) = ask(url);
                gained |= nearer;
                match result {
                    Ok(it) => return Ok(it),
                    Err(Setback::Fatal(error)) => return Err(error),
                    Err(Setback::Here { why, again, asked }) => {
                        pause = pause.max(asked);
                        tried.retain(|(it, _)| it.url != *url);
                        let url = url.clone();
                        tried.push((Tried { url, why }, again));
                    }
                }
            }
            fruitless = if gained { 0 } else { fruitless + 1 };
            if fruitless >= self.patience.rounds || !tried.iter().any(|(_, again)| *again) {
                break;
            }
            if round + 1 < MOST_ROUNDS {
                wait(self.patience.pause_before(fruitless.max(1), pause), cancel)?;
            }
        }
        Err(FetchError::Nowhere {
            what: what.to_owned(),
            tried: tried.into_iter().map(|(it, _)| it).collect(),
        })
    }
}

/// A blob on its way in.
struct Transfer<'a> {
    client: &'a Client,
    want: &'a Want,
    partial: Partial<'a>,
    progress: &'a dyn Fn(u64, Option<u64>),
    cancel: &'a Cancel,
}

impl Transfer<'_> {
    /// Asks one URL for what is missing; for everything, when it cannot go on where we are.
    fn attempt(&mut self, url: &str) -> Result<(), Setback> {
        if let Some(resume) = self.partial.resume(url) {
            let answer = self.client.ask(url, Some(&resume), self.cancel)?;
            match answer.head.status {
                206 if self.goes_on(&answer.head) => return self.take(url, answer, true),
                206 => self.partial.rewind()?,
                200 => {
                    self.partial.rewind()?;
                    return self.take(url, answer, false);
                }
                // There is no more than we have: we may have it all.
                416 => {
                    if self.partial.settle()?.is_none() {
                        return Ok(());
                    }
                }
                _ => return Err(Setback::status(&answer.head)),
            }
        }
        let answer = self.client.ask(url, None, self.cancel)?;
        match answer.head.status {
            200 => self.take(url, answer, false),
            _ => Err(Setback::status(&answer.head)),
        }
    }

    /// Tells whether the answer has exactly the bytes that are missing.
    fn goes_on(&self, head: &Head) -> bool {
        let exact = || {
            let range = head.content_range.as_ref()?.strip_prefix("bytes ")?;
            let (range, total) = range.split_once('/')?;
            let (first, last) = range.split_once('-')?;
            let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
            let total: u64 = total.parse().ok()?;
            let whole = first == self.partial.size() && last.checked_add(1)? == total;
            Some(whole && self.want.size.is_none_or(|size| size == total))
        };
        exact().unwrap_or(false)
    }

    fn take(&mut self, url: &str, answer: Answer, resumed: bool) -> Result<(), Setback> {
        let Answer { head, mut body } = answer;
        let content_type = head.content_type.clone();
        if let (Some(told), Some(expected)) = (head.length, self.want.size) {
            let served = told.saturating_add(self.partial.size());
            if served != expected {
                return Err(Setback::never(Why::Size {
                    served,
                    expected,
                    content_type,
                }));
            }
        }
        self.partial.remember(url, &head);
        let limit = self.want.size.unwrap_or(self.client.patience.most);
        let mut told = self.partial.size();
        (self.progress)(told, self.want.size);
        while let Some(piece) = body.next_piece(self.cancel)? {
            if self.partial.size() + piece.len() as u64 > limit {
                self.partial.rewind()?;
                return Err(Setback::never(Why::TooLong {
                    limit,
                    content_type,
                }));
            }
            self.partial.append(&piece)?;
            if self.partial.size() - told >= PROGRESS {
                told = self.partial.size();
                (self.progress)(told, self.want.size.or(head.length));
            }
        }
        let got = self.partial.size();
        if let Some(expected) = self.want.size.filter(|size| got < *size) {
            return Err(Setback::again(Why::Truncated { got, expected }));
        }
        match self.partial.settle()? {
            None => {
                (self.progress)(got, Some(got));
                Ok(())
            }
            Some(served) => Err(Setback::Here {
                why: Why::Digest {
                    served,
                    expected: self.want.digest,
                    content_type,
                },
                // The part that was there may have been the wrong one.
                again: resumed,
                asked: None,
            }),
        }
    }
}

#[cfg(test)]
mod tests;
