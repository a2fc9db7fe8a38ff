//! Blobs out of a registry into the store: in pieces, resumed where an earlier process stopped, verified while they come
//! in. A second process that wants the same blob waits for the first.

use std::io::Read;

use ureq::http::Method;

use super::{Repository, Right, error::RegistryError, patience::Setback, wire::Answer};
use crate::{
    digest::Digest,
    event::{Event, size},
    oci::document::Descriptor,
    source::partial::Partial,
    step::StepId,
};

/// The size of a piece, in bytes: four transfers at once are to fit in a small machine.
const PIECE: usize = 64 << 10;
/// Progress is told each time this many bytes have come in.
const PROGRESS: u64 = 256 << 10;

impl Repository<'_> {
    /// Tells whether the registry has a blob.
    ///
    /// # Errors
    /// It refuses to say.
    pub fn has_blob(&self, digest: Digest) -> Result<bool, RegistryError> {
        self.is_there(&self.blob_url(digest), Vec::new())
    }

    /// Brings a blob into the store, unless it is there. `name` is for people.
    ///
    /// # Errors
    /// The registry does not have it, or does not give these very bytes.
    pub fn fetch(&self, blob: &Descriptor, name: &str) -> Result<(), RegistryError> {
        let bearings = self.bearings;
        let Some(partial) = Partial::open(bearings.store, blob.digest, bearings.cancel)? else {
            return Ok(());
        };
        let step = StepId::new(format!("fetch/{name}"));
        let what = format!("{} from {}/{}", size(blob.size), self.host, self.repository);
        bearings.sink.take(Event::Started {
            step: step.clone(),
            what,
        });
        let mut transfer = Transfer {
            from: self,
            blob,
            name,
            partial,
            step: step.clone(),
        };
        let done = self.persevere(&format!("fetch {name}"), || transfer.attempt());
        bearings.sink.take(match &done {
            Ok(()) => Event::Finished {
                step,
                outcome: size(blob.size),
            },
            Err(RegistryError::Interrupted(_)) => Event::Stopped { step },
            Err(_) => Event::Failed { step },
        });
        done
    }

    pub(super) fn blob_url(&self, digest: Digest) -> String {
        format!("{}/blobs/{digest}", self.base)
    }
}

/// A blob on its way in.
struct Transfer<'a> {
    from: &'a Repository<'a>,
    blob: &'a Descriptor,
    name: &'a str,
    partial: Partial<'a>,
    step: StepId,
}

impl Transfer<'_> {
    /// Asks for what is missing; for everything, when the registry cannot go on where we are.
    fn attempt(&mut self) -> Result<(), Setback> {
        if self.partial.size() > self.blob.size {
            self.partial.rewind()?;
        }
        if self.partial.size() == self.blob.size {
            match self.partial.settle()? {
                None => return Ok(()),
                Some(served) if self.blob.size == 0 => return Err(self.wrong(served)),
                Some(_) => {}
            }
        }
        let before = self.partial.size();
        if before > 0 {
            let range = vec![("Range", format!("bytes={before}-"))];
            let answer = self.ask(range)?;
            match answer.status {
                206 if self.goes_on(&answer) => return self.take(answer, true),
                200 => {
                    self.partial.rewind()?;
                    return self.take(answer, false);
                }
                206 | 416 => self.partial.rewind()?,
                _ => return Err(self.refused(answer)),
            }
        }
        let answer = self.ask(Vec::new())?;
        match answer.status {
            200 => self.take(answer, false),
            _ => Err(self.refused(answer)),
        }
    }

    fn ask(&self, headers: Vec<(&'static str, String)>) -> Result<Answer, Setback> {
        let url = self.from.blob_url(self.blob.digest);
        let what = format!("fetch {}", self.name);
        self.from
            .ask(&what, Right::Pull, Method::GET, &url, headers, None)
    }

    fn refused(&self, answer: Answer) -> Setback {
        if answer.status == 404 {
            return RegistryError::Untrue {
                what: format!("{}/{}", self.from.host, self.from.repository),
                why: format!("{}, which a manifest there lists, is not there", self.name),
            }
            .into();
        }
        self.from
            .refused(&format!("fetch {}", self.name), answer)
            .into()
    }

    /// Tells whether the answer has exactly the bytes that are missing.
    fn goes_on(&self, answer: &Answer) -> bool {
        let (first, total) = (self.partial.size(), self.blob.size);
        let expected = format!("bytes {first}-{}/{total}", total - 1);
        answer.header("content-range") == Some(expected.as_str())
    }

    fn take(&mut self, mut answer: Answer, resumed: bool) -> Result<(), Setback> {
        let told: Option<u64> = answer
            .header("content-length")
            .and_then(|text| text.parse().ok());
        let before = self.partial.size();
        if let Some(told) = told.filter(|told| told.checked_add(before) != Some(self.blob.size)) {
            let told = told.saturating_add(before);
            return Err(self.bad(format!("it has {told} bytes instead of {}", self.blob.size)));
        }
        let bearings = self.from.bearings;
        let (mut piece, mut next) = (vec![0; PIECE], 0);
        loop {
            bearings.cancel.check()?;
            if self.partial.size() >= next {
                next = self.partial.size() + PROGRESS;
                self.tell();
            }
            let got = match answer.body.read(&mut piece) {
                Ok(0) => break,
                Ok(got) => got,
                Err(error) => {
                    let gained = self.partial.size() > before;
                    return Err(Setback::again(&error.to_string()).after(gained));
                }
            };
            if self.partial.size() + got as u64 > self.blob.size {
                self.partial.rewind()?;
                return Err(self.bad(format!("it goes on after {} bytes", self.blob.size)));
            }
            self.partial.append(&piece[..got])?;
        }
        let got = self.partial.size();
        if got < self.blob.size {
            let why = format!("it ended after {got} of {} bytes", self.blob.size);
            return Err(Setback::again(&why).after(got > before));
        }
        self.tell();
        match self.partial.settle()? {
            None => Ok(()),
            // The part that was there may have been the wrong one.
            Some(_) if resumed => Err(Setback::again("the bytes were others").after(true)),
            Some(served) => Err(self.wrong(served)),
        }
    }

    fn tell(&self) {
        self.from.bearings.sink.take(Event::Progress {
            step: self.step.clone(),
            done: self.partial.size(),
            total: Some(self.blob.size),
        });
    }

    fn wrong(&self, served: Digest) -> Setback {
        self.bad(format!("the bytes have digest {served}"))
    }

    fn bad(&self, why: String) -> Setback {
        RegistryError::Blob {
            what: self.name.to_owned(),
            digest: self.blob.digest,
            why,
        }
        .into()
    }
}
