//! The container of a Debian package: an `ar` archive of a control and a data archive (deb(5)). What is unpacked where
//! is not decided here.

use std::io::{self, Read};

use super::compression::{Bounded, decompress};

/// A control archive that unpacks to more bytes is refused; real ones have a few MiB at most.
const MOST_CONTROL: u64 = 256 << 20;
/// A longer control file is refused.
const MOST_FIELDS: u64 = 1 << 20;

/// What a package says it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// `Package:`.
    pub name: String,
    /// `Version:`.
    pub version: String,
}

/// A package's container cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// It is no package.
    #[error("it is not a Debian package: {0}")]
    NotAPackage(&'static str),
    /// It cannot be read.
    #[error("it cannot be read")]
    Io(#[from] io::Error),
}

/// Reads a package in one pass: hands what it says it is to `check` before anything else, then its data tar,
/// decompressed and bounded to `most` bytes, to `unpack`.
///
/// # Errors
/// Those of `check` and `unpack`; the container is damaged or lacks a part.
pub fn read<T, E: From<PackageError>>(
    reader: impl Read,
    most: u64,
    threads: usize,
    check: impl FnOnce(Identity) -> Result<(), E>,
    unpack: impl FnOnce(&mut dyn Read) -> Result<T, E>,
) -> Result<T, E> {
    let io = |error| E::from(PackageError::Io(error));
    let not = |why| E::from(PackageError::NotAPackage(why));
    let mut members = ar::Archive::new(reader);
    {
        let mut first = next(&mut members)
            .map_err(io)?
            .ok_or_else(|| not("it is empty"))?;
        let mut version = [0; 2];
        if first.header().identifier() != b"debian-binary"
            || first.read_exact(&mut version).is_err()
        {
            return Err(not("its first member is not `debian-binary`"));
        }
        if &version != b"2." {
            return Err(not("its format is not 2.x"));
        }
    }
    let mut check = Some(check);
    while let Some(member) = next(&mut members).map_err(io)? {
        let name = member.header().identifier();
        if name.starts_with(b"control.tar") {
            let check = check
                .take()
                .ok_or_else(|| not("it has two control archives"))?;
            check(identity(member)?)?;
        } else if name.starts_with(b"data.tar") {
            if check.is_some() {
                return Err(not("its data come before its control archive"));
            }
            let data = decompress(member, threads).map_err(io)?;
            return unpack(&mut Bounded::new(data, most));
        } else if !name.starts_with(b"_") {
            return Err(not("it has a member of unknown kind"));
        }
    }
    Err(not("it has no data archive"))
}

fn next<R: Read>(members: &mut ar::Archive<R>) -> io::Result<Option<ar::Entry<'_, R>>> {
    members.next_entry().transpose()
}

fn identity(control: impl Read) -> Result<Identity, PackageError> {
    let tar = Bounded::new(decompress(control, 1)?, MOST_CONTROL);
    let mut archive = tar::Archive::new(tar);
    for entry in archive.entries()?.raw(true) {
        let entry = entry?;
        if matches!(&*entry.path_bytes(), b"./control" | b"control") {
            let mut text = Vec::new();
            entry.take(MOST_FIELDS).read_to_end(&mut text)?;
            return Ok(fields(&String::from_utf8_lossy(&text)));
        }
    }
    Err(PackageError::NotAPackage(
        "its control archive has no `control`",
    ))
}

fn fields(text: &str) -> Identity {
    let field = |name: &str| {
        let mut lines = text.lines();
        let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        value.unwrap_or_default().trim().to_owned()
    };
    Identity {
        name: field("Package"),
        version: field("Version"),
    }
}
