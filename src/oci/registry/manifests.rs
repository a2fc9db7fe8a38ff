//! Manifests, tags and referrers: read with a limit and verified, written as the bytes they are. An index by the tag
//! scheme stands in where a registry has no referrers API.

use serde::Deserialize;
use ureq::http::Method;

use super::{
    Repository, Right,
    error::RegistryError,
    patience::Setback,
    wire::{Answer, join, origin_of},
};
use crate::{
    digest::Digest,
    oci::{
        document::{Body, DOCUMENTS, Descriptor, Document, INDEX, MOST_DOCUMENT},
        json::canonical,
        reference::Name,
    },
};

/// The most pages of a list that are read.
const MOST_PAGES: usize = 1000;

#[derive(Deserialize)]
struct Tags {
    tags: Option<Vec<String>>,
}

impl Repository<'_> {
    /// Returns the manifest or index of this name, verified.
    ///
    /// # Errors
    /// [`RegistryError::Missing`]; what is there is not what it should be; the registry refuses.
    pub fn document(&self, name: &Name) -> Result<Document, RegistryError> {
        let whole = format!("{}/{}{name}", self.host, self.repository);
        let what = format!("read {whole}");
        let url = self.manifest_url(name);
        let (told, header, raw) = self.persevere(&what, || {
            let accept = vec![("Accept", DOCUMENTS.join(", "))];
            let answer = self.ask(&what, Right::Pull, Method::GET, &url, accept, None)?;
            match answer.status {
                200 => {}
                404 => return Err(self.missing(&whole).into()),
                _ => return Err(self.refused(&what, answer).into()),
            }
            let told = content_type(&answer);
            let header = answer.header("docker-content-digest").map(str::to_owned);
            let raw = self.small(&whole, answer)?;
            Ok((told, header, raw))
        })?;
        let untrue = |why: String| RegistryError::Untrue {
            what: whole.clone(),
            why,
        };
        let digest = Digest::of(&raw);
        if let Name::Digest(wanted) = name
            && *wanted != digest
        {
            return Err(untrue(format!("the registry served another: {digest}")));
        }
        // Another algorithm says nothing about this one.
        if let Some(header) = header.filter(|it| it.starts_with("sha256:"))
            && header.parse().ok() != Some(digest)
        {
            let why = format!("the registry announced {header} and served {digest}");
            return Err(untrue(why));
        }
        let told = told.filter(|told| DOCUMENTS.contains(&told.as_str()));
        Document::read(raw, told.as_deref()).map_err(|error| untrue(error.to_string()))
    }

    /// Tells whether the registry has this manifest or index.
    ///
    /// # Errors
    /// The registry refuses to say.
    pub fn has_document(&self, digest: Digest) -> Result<bool, RegistryError> {
        let url = self.manifest_url(&Name::Digest(digest));
        self.is_there(&url, vec![("Accept", DOCUMENTS.join(", "))])
    }

    pub(super) fn is_there(
        &self,
        url: &str,
        headers: Vec<(&'static str, String)>,
    ) -> Result<bool, RegistryError> {
        let what = format!("ask {} what it has", self.host);
        self.persevere(&what, || {
            let headers = headers.clone();
            let answer = self.ask(&what, Right::Push, Method::HEAD, url, headers, None)?;
            match answer.status {
                200 => Ok(true),
                404 => Ok(false),
                _ => Err(self.refused(&what, answer).into()),
            }
        })
    }

    /// Writes a manifest or index under a tag or its digest. What it refers to must be there already.
    ///
    /// # Errors
    /// The registry refuses it, or says that it has stored something else.
    pub fn put_document(&self, document: &Document, name: &Name) -> Result<(), RegistryError> {
        let is_known_as_referrer = self.put(document, name)?;
        match &document.subject {
            Some(subject) if !is_known_as_referrer => self.add_by_tag(subject.digest, document),
            _ => Ok(()),
        }
    }

    /// As [`Self::put_document`], and tells whether the registry will list it for its subject.
    fn put(&self, document: &Document, name: &Name) -> Result<bool, RegistryError> {
        let whole = format!("{}/{}{name}", self.host, self.repository);
        let what = format!("write {whole}");
        let url = self.manifest_url(name);
        self.persevere(&what, || {
            let headers = vec![("Content-Type", document.media_type.clone())];
            let body = Some(document.raw.as_slice());
            let answer = self.ask(&what, Right::Push, Method::PUT, &url, headers, body)?;
            if answer.status != 201 {
                return Err(self.refused(&what, answer).into());
            }
            let stored = answer.header("docker-content-digest");
            if let Some(stored) = stored.filter(|it| it.starts_with("sha256:"))
                && stored.parse().ok() != Some(document.digest)
            {
                return Err(Setback::Fatal(RegistryError::Untrue {
                    what: whole.clone(),
                    why: format!(
                        "{} was sent, and the registry stored {stored}",
                        document.digest
                    ),
                }));
            }
            Ok(answer.header("oci-subject").is_some())
        })
    }

    /// Returns the tags of the repository, in the registry's order.
    ///
    /// # Errors
    /// There is no such repository, or the registry refuses.
    pub fn tags(&self) -> Result<Vec<String>, RegistryError> {
        let whole = format!("{}/{}", self.host, self.repository);
        let what = format!("list the tags of {whole}");
        let mut tags = Vec::new();
        self.pages(
            &what,
            &format!("{}/tags/list?n=1000", self.base),
            |answer| {
                match answer.status {
                    200 => {}
                    404 => return Err(self.missing(&whole).into()),
                    _ => return Err(self.refused(&what, answer).into()),
                }
                let raw = self.small(&whole, answer)?;
                let page: Tags =
                    serde_json::from_slice(&raw).map_err(|_| RegistryError::Untrue {
                        what: whole.clone(),
                        why: "the list of tags is none".to_owned(),
                    })?;
                let page = page.tags.unwrap_or_default();
                let more = !page.is_empty();
                tags.extend(page);
                Ok(more)
            },
        )?;
        // A list is printed, and its tags are asked for by name.
        tags.retain(|tag| crate::oci::reference::is_tag(tag));
        Ok(tags)
    }

    /// Returns what refers to a manifest (distribution-spec, "Listing Referrers"; by tag where that is not known).
    ///
    /// # Errors
    /// The registry refuses, or what it lists is no list.
    pub fn referrers(&self, subject: Digest) -> Result<Vec<Descriptor>, RegistryError> {
        let what = format!("list what refers to {subject}");
        let (mut found, mut has_api) = (Vec::new(), true);
        self.pages(
            &what,
            &format!("{}/referrers/{subject}", self.base),
            |answer| {
                if answer.status != 200 || content_type(&answer).is_none_or(|it| it != INDEX) {
                    has_api = false;
                    return match answer.status {
                        200 | 400 | 404 | 405 | 501 => Ok(false),
                        _ => Err(self.refused(&what, answer).into()),
                    };
                }
                let raw = self.small(&what, answer)?;
                let index =
                    Document::read(raw, Some(INDEX)).map_err(|error| RegistryError::Untrue {
                        what: what.clone(),
                        why: error.to_string(),
                    })?;
                found.extend_from_slice(index.children());
                Ok(true)
            },
        )?;
        if has_api {
            return Ok(found);
        }
        Ok(self.by_tag(subject)?.unwrap_or_default())
    }

    fn by_tag(&self, subject: Digest) -> Result<Option<Vec<Descriptor>>, RegistryError> {
        match self.document(&fallback(subject)) {
            Ok(Document {
                body: Body::Index(children),
                ..
            }) => Ok(Some(children)),
            Ok(_) | Err(RegistryError::Missing { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Adds a referrer to the index that stands in for the API.
    fn add_by_tag(&self, subject: Digest, referrer: &Document) -> Result<(), RegistryError> {
        let mut children = self.by_tag(subject)?.unwrap_or_default();
        if children.iter().any(|child| child.digest == referrer.digest) {
            return Ok(());
        }
        let mut descriptor = referrer.descriptor();
        descriptor.annotations.clone_from(&referrer.annotations);
        children.push(descriptor);
        let index =
            serde_json::json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": children});
        let index = Document::read(canonical(&index), Some(INDEX)).expect("it was made here");
        self.put(&index, &fallback(subject)).map(drop)
    }

    /// Reads a list page after page, while `take` wants more and the registry has more.
    fn pages(
        &self,
        what: &str,
        first: &str,
        mut take: impl FnMut(Answer) -> Result<bool, Setback>,
    ) -> Result<(), RegistryError> {
        let mut url = first.to_owned();
        for _ in 0..MOST_PAGES {
            let next = self.persevere(what, || {
                let answer = self.ask(what, Right::Pull, Method::GET, &url, Vec::new(), None)?;
                let next = answer.header("link").and_then(next_of);
                let next = next.map(|link| join(&url, link));
                Ok(if take(answer)? { next } else { None })
            })?;
            match next {
                // A list goes on in the same place: elsewhere it would be somebody else's.
                Some(next) if origin_of(&next) == origin_of(&self.base) && next != url => {
                    url = next
                }
                _ => break,
            }
        }
        Ok(())
    }

    /// Reads what must fit in memory.
    fn small(&self, what: &str, answer: Answer) -> Result<Vec<u8>, Setback> {
        let untrue = |why: String| {
            Setback::Fatal(RegistryError::Untrue {
                what: what.to_owned(),
                why,
            })
        };
        let length: Option<u64> = answer
            .header("content-length")
            .and_then(|text| text.parse().ok());
        if let Some(length) = length.filter(|length| *length > MOST_DOCUMENT) {
            return Err(untrue(format!("it has {length} bytes, more than 4 MiB")));
        }
        answer
            .bytes(MOST_DOCUMENT)
            .map_err(|error| Setback::again(&error.to_string()))?
            .ok_or_else(|| untrue("it goes on after 4 MiB".to_owned()))
    }

    fn missing(&self, what: &str) -> RegistryError {
        RegistryError::Missing {
            what: what.to_owned(),
            place: format!("{}/{}", self.host, self.repository),
        }
    }

    fn manifest_url(&self, name: &Name) -> String {
        let name = name.to_string();
        format!("{}/manifests/{}", self.base, &name[1..])
    }
}

/// Returns the tag that lists a subject's referrers where there is no API for it.
fn fallback(subject: Digest) -> Name {
    Name::Tag(format!("sha256-{}", subject.hex()))
}

fn content_type(answer: &Answer) -> Option<String> {
    let text = answer.header("content-type")?.split(';').next()?;
    Some(text.trim().to_ascii_lowercase())
}

/// Returns the URL of the next page (RFC 5988): `<…>; rel="next"`.
fn next_of(link: &str) -> Option<&str> {
    let (url, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
    parameters.contains("next").then_some(url)
}
