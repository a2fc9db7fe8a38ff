//! RPM packages, as far as it takes to find one file in them: the lead and the headers are stepped over, the payload is
//! a cpio archive. Signatures and digests are not checked: the file says nothing that is run or shipped.

use std::io::{self, Read};

use super::{
    ExtractError, Found, damaged,
    package::{Files, MOST_PACKAGE},
};
use crate::source::compression::{Bounded, decompress, threads};

/// The length of the lead, in bytes (rpm, `docs/manual/format_lead.md`).
const LEAD: usize = 96;
/// How a header begins, with its version.
const HEADER_MAGIC: &[u8] = b"\x8e\xad\xe8\x01";
/// Longer headers are refused, in bytes: they list every file of a package.
const MOST_HEADER: u64 = 64 << 20;

/// Tags (rpm, `docs/manual/tags.md`): the package's names, and in the signature the length of all that follows it.
const NAME: u32 = 1000;
const VERSION: u32 = 1001;
const RELEASE: u32 = 1002;
const SIGNED_SIZE: u32 = 1000;
const SIGNED_LONG_SIZE: u32 = 270;

/// A header: its index, and the store its entries lie in.
struct Header {
    index: Vec<u8>,
    store: Vec<u8>,
}

/// Finds the configuration in an RPM package of `size` bytes; 0 when that is not known.
pub(super) fn from_rpm(
    name: &str,
    size: u64,
    mut reader: impl Read,
) -> Result<Found, ExtractError> {
    let damaged = damaged(name);
    reader.read_exact(&mut [0; LEAD]).map_err(&damaged)?;
    let signature = header(&mut reader).map_err(&damaged)?;
    let mut before = LEAD as u64 + signature.length();
    let padding = before.next_multiple_of(8) - before;
    before += padding;
    io::copy(&mut reader.by_ref().take(padding), &mut io::sink()).map_err(&damaged)?;
    let signed = signature
        .number(SIGNED_LONG_SIZE)
        .or(signature.number(SIGNED_SIZE));
    if let Some(needs) = signed.map(|signed| before.saturating_add(signed))
        && size > 0
        && size < needs
    {
        let name = name.to_owned();
        return Err(ExtractError::CutShort {
            name,
            has: size,
            needs,
        });
    }
    let main = header(&mut reader).map_err(&damaged)?;
    let word = |tag| main.text(tag).unwrap_or_default();
    let package = format!("{} {}-{}", word(NAME), word(VERSION), word(RELEASE));
    let payload = decompress(reader, threads()).map_err(&damaged)?;
    let mut payload = Bounded::new(payload, MOST_PACKAGE);
    let mut files = Files::default();
    loop {
        let mut entry = cpio::NewcReader::new(payload).map_err(&damaged)?;
        if entry.entry().is_trailer() {
            break;
        }
        let path = entry.entry().name().to_owned();
        // Only regular files have content that counts.
        let is_file = entry.entry().mode() & 0o170_000 == 0o100_000;
        if is_file
            && files
                .look(name, path.as_bytes(), &mut entry)
                .map_err(&damaged)?
                .is_break()
        {
            break;
        }
        payload = entry.finish().map_err(&damaged)?;
    }
    files.config(name, package)
}

fn header(reader: &mut impl Read) -> io::Result<Header> {
    let mut start = [0; 16];
    reader.read_exact(&mut start)?;
    if !start.starts_with(HEADER_MAGIC) {
        return Err(invalid(
            "a header of the package does not begin as headers do",
        ));
    }
    let (entries, store) = (word(&start, 8), word(&start, 12));
    let index = u64::from(entries) * 16;
    let store = u64::from(store);
    if index + store > MOST_HEADER {
        return Err(invalid(
            "a header of the package is longer than any real one",
        ));
    }
    let mut read = |length: u64| {
        let mut bytes = Vec::new();
        reader.by_ref().take(length).read_to_end(&mut bytes)?;
        if (bytes.len() as u64) < length {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
        }
        Ok(bytes)
    };
    Ok(Header {
        index: read(index)?,
        store: read(store)?,
    })
}

impl Header {
    /// Returns the header's length in the file, in bytes.
    fn length(&self) -> u64 {
        (16 + self.index.len() + self.store.len()) as u64
    }

    /// Returns the type of a tag, and the store from where its value lies.
    fn find(&self, tag: u32) -> Option<(u32, &[u8])> {
        let mut entries = self.index.chunks_exact(16);
        let entry = entries.find(|entry| word(entry, 0) == tag)?;
        let at = usize::try_from(word(entry, 8)).ok()?;
        Some((word(entry, 4), self.store.get(at..)?))
    }

    fn number(&self, tag: u32) -> Option<u64> {
        match self.find(tag)? {
            (4, store) => store.get(..4).map(|bytes| word(bytes, 0).into()),
            (5, store) => Some(u64::from_be_bytes(store.get(..8)?.try_into().ok()?)),
            _ => None,
        }
    }

    fn text(&self, tag: u32) -> Option<String> {
        let (6, store) = self.find(tag)? else {
            return None;
        };
        let end = memchr::memchr(0, store)?;
        Some(String::from_utf8_lossy(&store[..end]).into_owned())
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    let word = bytes.get(at..at + 4).and_then(|word| word.try_into().ok());
    word.map_or(0, u32::from_be_bytes)
}

fn invalid(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}
