//! The entries of a tar, one after the other, into a tree. Everything that is not a file, a directory or a link inside
//! the tree stops the unpacking. How the tar was compressed is not known here.

use std::io::{self, Read};

use tar::{Archive, EntryType};

use super::{
    names::Names,
    tree::{NewFile, Owner, Refusal, Tree},
};

/// What of the names in an archive counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Top {
    /// Names are names in the tree.
    Kept,
    /// All names lie below one directory, which is left out.
    Stripped,
}

/// Takes the files of an archive to the disk.
pub trait Deliver {
    /// Makes `file` with the `size` bytes of `content`, now or before the tree is finished.
    ///
    /// # Errors
    /// The content cannot be read, or the file not written.
    fn deliver(&mut self, file: NewFile, size: u64, content: &mut dyn Read) -> io::Result<()>;
}

/// Writes each file before the next entry is read.
#[derive(Debug)]
pub struct AtOnce;

impl Deliver for AtOnce {
    fn deliver(&mut self, file: NewFile, _: u64, content: &mut dyn Read) -> io::Result<()> {
        let mut made = file.create()?;
        io::copy(content, &mut made)?;
        file.dress(&made)
    }
}

/// An archive could not be unpacked.
#[derive(Debug, thiserror::Error)]
pub enum EntryError {
    /// An entry is refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The archive cannot be read, or a file not written.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Unpacks a tar into `tree` and reads it to its end. Returns the newest time of its entries, in seconds since 1970.
///
/// # Errors
/// The archive is damaged, or an entry is refused.
pub fn unpack_tar(
    reader: impl Read,
    tree: &Tree,
    owner: Owner,
    top: Top,
    into: &mut dyn Deliver,
) -> Result<u64, EntryError> {
    let mut archive = Archive::new(reader);
    let mut newest = 0;
    let (mut names, mut prefix) = (Names::default(), None);
    for entry in archive.entries()?.raw(true) {
        let mut entry = entry?;
        let Some((whole, target)) = names.of(&mut entry)? else {
            continue;
        };
        let kind = entry.header().entry_type();
        let (mode, mtime) = (entry.header().mode()?, entry.header().mtime()?);
        newest = newest.max(mtime);
        let name = match top {
            Top::Kept => whole.as_slice(),
            Top::Stripped => match strip(&whole, &mut prefix)? {
                Some(name) => name,
                // The top directory itself.
                None if kind.is_dir() || (whole.ends_with(b"/") && entry.size() == 0) => {
                    tree.directory(owner, b".", mode, mtime)?;
                    continue;
                }
                None => return Err(not_below(&whole, &prefix)),
            },
        };
        match kind {
            EntryType::Directory => tree.directory(owner, name, mode, mtime)?,
            // Before POSIX, a directory was a file whose name ends so.
            EntryType::Regular if name.ends_with(b"/") && entry.size() == 0 => {
                tree.directory(owner, name, mode, mtime)?;
            }
            EntryType::Regular | EntryType::Continuous => {
                let size = entry.size();
                let file = tree.file(owner, name, mode, mtime, size)?;
                into.deliver(file, size, &mut entry)?;
            }
            EntryType::Symlink => tree.link(owner, name, &target, mtime)?,
            EntryType::Link => {
                let target = match top {
                    Top::Kept => Some(target.as_slice()),
                    Top::Stripped => strip(&target, &mut prefix)?,
                };
                tree.hard_link(owner, name, target.unwrap_or_default())?;
            }
            other => return Err(special(name, other).into()),
        }
    }
    // Checksums and signatures cover what follows the last entry, too.
    io::copy(&mut archive.into_inner(), &mut io::sink())?;
    Ok(newest)
}

/// Takes the top directory off a name; `None` for the top itself. The first name says what the top is.
fn strip<'n>(name: &'n [u8], top: &mut Option<Vec<u8>>) -> Result<Option<&'n [u8]>, EntryError> {
    let relative = name.strip_prefix(b"./").unwrap_or(name);
    let end = relative.iter().position(|byte| *byte == b'/');
    let (first, rest) = relative.split_at(end.unwrap_or(relative.len()));
    if first.is_empty() && relative.len() < name.len() {
        // `./` above the top.
        return Ok(None);
    }
    let expected = top.get_or_insert_with(|| first.to_vec());
    if first != expected.as_slice() || matches!(first, b"" | b"." | b"..") {
        return Err(not_below(name, top));
    }
    let rest = rest.strip_prefix(b"/").unwrap_or_default();
    Ok(Some(rest).filter(|rest| !rest.is_empty()))
}

fn not_below(name: &[u8], top: &Option<Vec<u8>>) -> EntryError {
    let show = super::tree::show;
    let top = top.as_deref().map(show).unwrap_or_default();
    let name = show(name);
    Refusal::NotBelowTop { name, top }.into()
}

fn special(name: &[u8], kind: EntryType) -> Refusal {
    Refusal::Special {
        name: super::tree::show(name),
        kind: match kind {
            EntryType::Block => "block device",
            EntryType::Char => "character device",
            EntryType::Fifo => "named pipe",
            _ => "thing of an unknown type",
        },
    }
}
