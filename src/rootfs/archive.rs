//! Reading an initrd back: what the kernel would unpack, strictly. Our own reader, so that the writer is not checked by
//! its own mistakes, and so that a hostile file costs neither memory nor time out of proportion.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::Path,
};

use super::RootfsError;
use crate::digest::Digest;

/// Length of a newc header in bytes.
const HEADER: usize = 110;
/// The longest name and link target, with the final NUL, that the kernel takes.
const PATH_MAX: u32 = 4096;
/// The most bytes that an initrd may unpack to, and the most entries: far above any real one.
const MOST_BYTES: u64 = 8 << 30;
const MOST_ENTRIES: usize = 1 << 20;
/// How many links the kernel follows in one path.
const MOST_LINKS: usize = 40;

/// An entry of an initrd. The content of files is known by digest only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Permission bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Links to it.
    pub nlink: u32,
    /// Seconds since 1970.
    pub mtime: u32,
    /// What it is.
    pub kind: FoundKind,
}

/// What an entry of an initrd is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FoundKind {
    /// A directory.
    Directory,
    /// A regular file.
    File {
        /// The digest of its bytes.
        digest: Digest,
        /// Its size in bytes.
        size: u64,
    },
    /// A symbolic link to this target.
    Link(String),
    /// A character device: major and minor number.
    Char(u32, u32),
    /// A block device: major and minor number.
    Block(u32, u32),
}

/// Reads a newc archive, compressed with gzip, zstd or not at all: entries by absolute path.
///
/// # Errors
/// The file cannot be read, or the kernel would not unpack all of it as listed: a damaged header, a name that is
/// absolute, repeated, leaves the root or lies in no directory, a special file, bytes after the end.
pub fn read_initrd(path: &Path) -> Result<BTreeMap<String, Found>, RootfsError> {
    let unreadable = |cause| RootfsError::Read {
        path: path.to_owned(),
        cause,
    };
    let mut file = BufReader::new(File::open(path).map_err(unreadable)?);
    let magic = file.fill_buf().map_err(unreadable)?;
    let unpacked: Box<dyn Read> = match magic {
        [0x1f, 0x8b, ..] => Box::new(flate2::bufread::GzDecoder::new(file)),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            Box::new(zstd::Decoder::with_buffer(file).map_err(unreadable)?)
        }
        _ => Box::new(file),
    };
    let mut archive = Archive {
        bytes: unpacked.take(MOST_BYTES),
        at: 0,
    };
    archive.read_all().map_err(|fault| match fault {
        Fault::Io(cause) if cause.kind() == io::ErrorKind::UnexpectedEof => malformed(
            path,
            format!("it ends early, after {} bytes unpacked", archive.at),
        ),
        Fault::Io(cause) => unreadable(cause),
        Fault::Wrong(what) => malformed(path, what),
    })
}

/// Returns the path and the entry that the kernel would run as `/init`, links followed.
///
/// # Errors
/// Why there is none: in words, starting with `/init`.
pub fn find_init(entries: &BTreeMap<String, Found>) -> Result<(String, &Found), String> {
    let mut path = "/init".to_owned();
    for _ in 0..MOST_LINKS {
        let Some((link, target)) = first_link(entries, &path) else {
            return match entries.get(&path) {
                Some(found) if matches!(found.kind, FoundKind::File { .. }) => {
                    if found.mode & 0o111 == 0 {
                        Err(format!("/init is {path}, which is not executable"))
                    } else {
                        Ok((path, found))
                    }
                }
                Some(_) => Err(format!("/init is {path}, which is not a file")),
                None if path == "/init" => Err("/init is not there".to_owned()),
                None => Err(format!("/init leads to {path}, which is not there")),
            };
        };
        let rest = &path[link.len()..];
        let base = link.rsplit_once('/').map_or("", |(above, _)| above);
        path = if target.starts_with('/') {
            clean(&format!("{target}{rest}"))
        } else {
            clean(&format!("{base}/{target}{rest}"))
        };
    }
    Err("/init is a link that leads nowhere".to_owned())
}

/// Returns the first part of a path that is a link, and its target.
fn first_link<'a>(entries: &'a BTreeMap<String, Found>, path: &str) -> Option<(String, &'a str)> {
    let ends = path.match_indices('/').skip(1).map(|(slash, _)| slash);
    ends.chain([path.len()]).find_map(|end| {
        let part = &path[..end];
        match &entries.get(part)?.kind {
            FoundKind::Link(target) => Some((part.to_owned(), target.as_str())),
            _ => None,
        }
    })
}

/// Returns an absolute path without `.`, `..` and doubled slashes. `..` above the root stays at the root.
fn clean(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            name => parts.push(name),
        }
    }
    format!("/{}", parts.join("/"))
}

fn malformed(path: &Path, what: String) -> RootfsError {
    RootfsError::Malformed {
        path: path.to_owned(),
        what,
    }
}

/// What went wrong inside an archive.
enum Fault {
    Io(io::Error),
    Wrong(String),
}

impl From<io::Error> for Fault {
    fn from(cause: io::Error) -> Self {
        Self::Io(cause)
    }
}

/// An archive being read, and how far.
struct Archive<R> {
    bytes: R,
    at: u64,
}

impl<R: Read> Archive<R> {
    fn read_all(&mut self) -> Result<BTreeMap<String, Found>, Fault> {
        let mut entries = BTreeMap::new();
        while let Some((name, found)) = self.next_entry()? {
            let path = format!("/{name}");
            let above = path.rsplit_once('/').map_or("", |(above, _)| above);
            let held = entries.get(above).map(|found: &Found| &found.kind);
            if !above.is_empty() && held != Some(&FoundKind::Directory) {
                return Err(Fault::Wrong(format!("`{path}` comes before its directory")));
            }
            if entries.insert(path.clone(), found).is_some() {
                return Err(Fault::Wrong(format!("`{path}` is in it twice")));
            }
            if entries.len() > MOST_ENTRIES {
                return Err(Fault::Wrong(format!("more than {MOST_ENTRIES} entries")));
            }
        }
        self.expect_only_zeros()?;
        Ok(entries)
    }

    fn next_entry(&mut self) -> Result<Option<(String, Found)>, Fault> {
        let start = self.at;
        let mut header = [0; HEADER];
        self.exact(&mut header)?;
        if &header[..6] != b"070701" {
            return Err(Fault::Wrong(format!("no newc header at byte {start}")));
        }
        let mut fields = [0_u32; 13];
        for (field, digits) in fields.iter_mut().zip(header[6..].chunks(8)) {
            *field = hex(digits).ok_or_else(|| {
                Fault::Wrong(format!("the header at byte {start} has other than digits"))
            })?;
        }
        let [
            _,
            mode,
            uid,
            gid,
            nlink,
            mtime,
            size,
            _,
            _,
            major,
            minor,
            name_size,
            _,
        ] = fields;
        let name = self.name(name_size, start)?;
        if name == "TRAILER!!!" {
            self.pad(size)?;
            return Ok(None);
        }
        let kind = match mode & 0o170_000 {
            0o040_000 => FoundKind::Directory,
            0o020_000 => FoundKind::Char(major, minor),
            0o060_000 => FoundKind::Block(major, minor),
            0o120_000 => FoundKind::Link(self.target(size, &name)?),
            0o100_000 => self.content(size)?,
            _ => return Err(Fault::Wrong(format!("`/{name}` is a special file"))),
        };
        let bare = !matches!(kind, FoundKind::File { .. } | FoundKind::Link(_));
        if bare && size != 0 {
            return Err(Fault::Wrong(format!("`/{name}` has content")));
        }
        let found = Found {
            mode: mode & 0o7777,
            uid,
            gid,
            nlink,
            mtime,
            kind,
        };
        Ok(Some((name, found)))
    }

    fn name(&mut self, size: u32, start: u64) -> Result<String, Fault> {
        let wrong = |why: &str| Fault::Wrong(format!("the name at byte {start} {why}"));
        if !(2..=PATH_MAX).contains(&size) {
            return Err(wrong("is empty or too long"));
        }
        let mut bytes = vec![0; size as usize];
        self.exact(&mut bytes)?;
        self.pad(size + HEADER as u32)?;
        if bytes.pop() != Some(0) || bytes.contains(&0) {
            return Err(wrong("does not end with its only NUL"));
        }
        let name = String::from_utf8(bytes).map_err(|_| wrong("is not UTF-8"))?;
        if name.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Err(wrong("is not a plain relative path"));
        }
        Ok(name)
    }

    fn target(&mut self, size: u32, name: &str) -> Result<String, Fault> {
        if size == 0 || size >= PATH_MAX {
            return Err(Fault::Wrong(format!("`/{name}` has an unusable target")));
        }
        let mut bytes = vec![0; size as usize];
        self.exact(&mut bytes)?;
        self.pad(size)?;
        String::from_utf8(bytes)
            .map_err(|_| Fault::Wrong(format!("the target of `/{name}` is not UTF-8")))
    }

    fn content(&mut self, size: u32) -> Result<FoundKind, Fault> {
        let want = u64::from(size);
        let (digest, got) = Digest::of_reader(self.bytes.by_ref().take(want))?;
        self.at += got;
        if got != want {
            return Err(Fault::Io(io::ErrorKind::UnexpectedEof.into()));
        }
        self.pad(size)?;
        Ok(FoundKind::File { digest, size: got })
    }

    /// Passes over the zeros after `length` bytes up to the next multiple of 4.
    fn pad(&mut self, length: u32) -> Result<(), Fault> {
        let mut padding = [0; 3];
        let padding = &mut padding[..(4 - length as usize % 4) % 4];
        self.exact(padding)?;
        if padding.iter().any(|byte| *byte != 0) {
            let at = self.at;
            return Err(Fault::Wrong(format!(
                "padding is not zero before byte {at}"
            )));
        }
        Ok(())
    }

    fn exact(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        self.bytes.read_exact(bytes)?;
        self.at += bytes.len() as u64;
        Ok(())
    }

    fn expect_only_zeros(&mut self) -> Result<(), Fault> {
        let mut rest = [0; 4096];
        loop {
            let read = self.bytes.read(&mut rest)?;
            if read == 0 {
                return Ok(());
            }
            if rest[..read].iter().any(|byte| *byte != 0) {
                let at = self.at;
                return Err(Fault::Wrong(format!("more follows the end at byte {at}")));
            }
            self.at += read as u64;
        }
    }
}

fn hex(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0_u32, |value, digit| {
        Some(value << 4 | char::from(*digit).to_digit(16)?)
    })
}
