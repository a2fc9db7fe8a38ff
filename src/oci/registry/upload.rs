//! Blobs from disk into a registry: not at all when they are there, by a mount when another repository has them, in one
//! request when they are small, otherwise in chunks, whose upload another process can go on with.

use std::{
    fs::File,
    io::{Seek, SeekFrom},
};

use ureq::http::Method;

use super::{
    Extent, Repository, Right,
    auth::escape,
    error::RegistryError,
    part::{Note, Part},
    patience::Setback,
    wire::{Answer, join},
};
use crate::{
    digest::Digest,
    event::{Event, size},
    oci::document::Descriptor,
    step::StepId,
};

/// What is sent in one request, in bytes. A registry that forgets a chunk which breaks off costs us this much.
pub(super) const CHUNK: u64 = 16 << 20;

/// What a registry says to the offer of a blob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Offer {
    /// It is there.
    Present,
    /// The registry took it from another of its repositories.
    Mounted,
    /// It must be sent.
    Wanted(Wanted),
}

/// A blob that a registry does not have; perhaps with an upload that has begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted(Option<String>);

impl Repository<'_> {
    /// Asks whether a blob must be sent. `donor` is another repository of this registry that has it.
    ///
    /// # Errors
    /// The registry refuses to say.
    pub fn offer(&self, digest: Digest, donor: Option<&str>) -> Result<Offer, RegistryError> {
        if self.has_blob(digest)? {
            return Ok(Offer::Present);
        }
        match donor {
            Some(donor) => self.mount(digest, donor),
            None => Ok(Offer::Wanted(Wanted(None))),
        }
    }

    /// Sends a blob that is wanted. `name` is for people.
    ///
    /// # Errors
    /// The registry does not take it; the file cannot be read.
    pub fn upload(
        &self,
        blob: &Descriptor,
        wanted: Wanted,
        extent: Extent,
        name: &str,
    ) -> Result<(), RegistryError> {
        let step = StepId::new(format!("push/{name}"));
        let sink = self.bearings.sink;
        sink.take(Event::Started {
            step: step.clone(),
            what: format!("{} to {}/{}", size(blob.size), self.host, self.repository),
        });
        let note = (blob.size > self.chunk)
            .then(|| Note::open(&self.base, blob.digest, self.bearings.store))
            .flatten();
        let noted = note.as_ref().and_then(Note::read);
        let mut upload = Upload {
            to: self,
            digest: blob.digest,
            extent,
            unsure: wanted.0.is_none() && noted.is_some(),
            location: wanted.0.or(noted),
            note,
            offset: 0,
            step: step.clone(),
            name,
        };
        let done = self.persevere(&format!("push {name}"), || {
            let before = upload.offset;
            let result = upload.attempt();
            result.map_err(|it| it.after(upload.offset > before))
        });
        sink.take(match &done {
            Ok(()) => Event::Finished {
                step,
                outcome: size(blob.size),
            },
            Err(RegistryError::Interrupted(_)) => Event::Stopped { step },
            Err(_) => Event::Failed { step },
        });
        done
    }

    fn mount(&self, digest: Digest, donor: &str) -> Result<Offer, RegistryError> {
        let what = format!("mount {digest} from {donor}");
        let query = format!(
            "mount={}&from={}",
            escape(&digest.to_string()),
            escape(donor)
        );
        let url = format!("{}/blobs/uploads/?{query}", self.base);
        let scope = format!("{} repository:{donor}:pull", self.scope(Right::Push));
        let asked = self.persevere(&what, || {
            let answer =
                self.ask_within(&what, &scope, Method::POST, &url, Vec::new(), Some(b""))?;
            Ok(match answer.status {
                201 => Offer::Mounted,
                202 => Offer::Wanted(Wanted(Some(self.location(&url, &answer)?))),
                _ => Offer::Wanted(Wanted(None)),
            })
        });
        match asked {
            // Who may not read there can still push here.
            Err(RegistryError::Unauthorized { .. }) => Ok(Offer::Wanted(Wanted(None))),
            other => other,
        }
    }

    /// Returns where an upload goes on.
    fn location(&self, url: &str, answer: &Answer) -> Result<String, Setback> {
        let location = answer.header("location").map(|text| join(url, text));
        let untrue = |why: String| RegistryError::Untrue {
            what: format!("{}/{}", self.host, self.repository),
            why,
        };
        let location = location.ok_or_else(|| untrue("an upload has no location".to_owned()))?;
        self.wire
            .may_send(url, &location)
            .map_err(|it| self.snag(it))?;
        Ok(location)
    }
}

/// A blob on its way out.
struct Upload<'a> {
    to: &'a Repository<'a>,
    digest: Digest,
    extent: Extent,
    /// Where the upload's location is kept for the next process.
    note: Option<Note>,
    location: Option<String>,
    /// How many bytes the registry has, as it said last.
    offset: u64,
    /// Whether it may have more or less by now.
    unsure: bool,
    step: StepId,
    name: &'a str,
}

impl Upload<'_> {
    /// Goes on with the upload; begins it when there is none, or when the registry knows of none.
    fn attempt(&mut self) -> Result<(), Setback> {
        if let Some(location) = self.location.clone().filter(|_| self.unsure) {
            self.location = self.ask_how_far(&location)?;
        }
        let mut location = match self.location.take() {
            Some(location) => location,
            None => {
                self.offset = 0;
                self.begin()?
            }
        };
        self.location = Some(location.clone());
        self.unsure = true;
        let size = self.extent.size;
        while self.offset < size && (self.offset > 0 || size > self.to.chunk) {
            (location, self.offset) = self.chunk(&location, self.offset)?;
            self.location = Some(location.clone());
            if let Some(note) = &self.note {
                note.write(&location);
            }
        }
        self.finish(&location, self.offset)?;
        if let Some(note) = &self.note {
            note.forget();
        }
        Ok(())
    }

    fn begin(&self) -> Result<String, Setback> {
        let url = format!("{}/blobs/uploads/", self.to.base);
        let what = format!("push {}", self.name);
        let answer = self.to.ask(
            &what,
            Right::Push,
            Method::POST,
            &url,
            Vec::new(),
            Some(b""),
        )?;
        match answer.status {
            202 => self.to.location(&url, &answer),
            _ => Err(self.to.refused(&what, answer).into()),
        }
    }

    /// Asks how much of a begun upload is there. Returns where it goes on, or `None` when the registry has forgotten it.
    fn ask_how_far(&mut self, location: &str) -> Result<Option<String>, Setback> {
        let what = format!("go on with {}", self.name);
        let answer = self
            .to
            .ask(&what, Right::Push, Method::GET, location, Vec::new(), None)?;
        let there = answer.header("range").and_then(end_of);
        match (answer.status, there) {
            (200 | 204, Some(there)) if there <= self.extent.size => {
                let next = match answer.header("location") {
                    Some(_) => self.to.location(location, &answer)?,
                    None => location.to_owned(),
                };
                self.offset = there;
                Ok(Some(next))
            }
            _ => Ok(None),
        }
    }

    /// Sends the next chunk; returns where the upload goes on, and how much is there.
    fn chunk(&self, location: &str, from: u64) -> Result<(String, u64), Setback> {
        let length = self.to.chunk.min(self.extent.size - from);
        let range = format!("{from}-{}", from + length - 1);
        let headers = vec![
            ("Content-Type", "application/octet-stream".to_owned()),
            ("Content-Range", range),
        ];
        let mut part = self.part(from, length)?;
        let answer = self
            .to
            .stream(Method::PATCH, location, headers, &mut part, length)?;
        match answer.status {
            202 => {
                let there = answer.header("range").and_then(end_of);
                if there.is_some_and(|there| there != from + length) {
                    return Err(Setback::again("the registry kept only a part of a chunk"));
                }
                Ok((self.to.location(location, &answer)?, from + length))
            }
            // It counts differently: it is asked how far it is.
            404 | 416 => Err(Setback::again("the registry lost an upload")),
            _ => Err(self
                .to
                .refused(&format!("push {}", self.name), answer)
                .into()),
        }
    }

    /// Sends what is left, perhaps nothing, and names the blob.
    fn finish(&self, location: &str, from: u64) -> Result<(), Setback> {
        let separator = if location.contains('?') { '&' } else { '?' };
        let digest = escape(&self.digest.to_string());
        let url = format!("{location}{separator}digest={digest}");
        let headers = vec![("Content-Type", "application/octet-stream".to_owned())];
        let left = self.extent.size - from;
        let what = format!("push {}", self.name);
        let answer = if left == 0 {
            self.to
                .ask(&what, Right::Push, Method::PUT, &url, headers, Some(b""))?
        } else {
            let mut part = self.part(from, left)?;
            self.to
                .stream(Method::PUT, &url, headers, &mut part, left)?
        };
        match answer.status {
            201 | 204 => Ok(()),
            404 | 416 => Err(Setback::again("the registry lost an upload")),
            _ => Err(self.to.refused(&what, answer).into()),
        }
    }

    fn part(&self, from: u64, length: u64) -> Result<Part<'_>, Setback> {
        let path = &self.extent.path;
        let read = |cause| {
            Setback::from(RegistryError::Read {
                path: path.clone(),
                cause,
            })
        };
        let mut file = File::open(path).map_err(read)?;
        file.seek(SeekFrom::Start(self.extent.offset + from))
            .map_err(read)?;
        Ok(Part {
            file,
            left: length,
            done: from,
            told: from,
            total: self.extent.size,
            step: &self.step,
            bearings: self.to.bearings,
        })
    }
}

/// Returns how many bytes `0-N` are. Registries write `0-0` for none, too, and nobody sends one byte.
fn end_of(range: &str) -> Option<u64> {
    let range = range.strip_prefix("bytes=").unwrap_or(range);
    match range.split_once('-')? {
        ("0", "0" | "-1" | "") => Some(0),
        ("0", last) => last.parse::<u64>().ok()?.checked_add(1),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_says_how_much_is_there() {
        assert_eq!(end_of("0-0"), Some(0));
        assert_eq!(end_of("0-1048575"), Some(1 << 20));
        assert_eq!(end_of("bytes=0-9"), Some(10));
        for wrong in ["", "5-9", "0-x", "x", "0-18446744073709551615"] {
            assert_eq!(end_of(wrong), None, "{wrong}");
        }
    }
}
