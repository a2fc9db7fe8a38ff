//! The names of a tar's entries, which may be told by entries of their own before them: GNU's long names, POSIX's
//! extended headers. Bounded, so that a name cannot fill the memory; what else such headers tell is not heeded.

use std::io::{self, Read};

use tar::{Entry, EntryType, PaxExtensions};

/// A longer name or extended header is refused, in bytes.
const LONGEST: u64 = 1 << 20;

/// What earlier entries told of the next one. Entries must be read raw.
#[derive(Default)]
pub(super) struct Names {
    name: Option<Vec<u8>>,
    target: Option<Vec<u8>>,
}

impl Names {
    /// Returns the entry's name and the target it has if it is a link; `None` for an entry that only tells of others.
    ///
    /// # Errors
    /// What it tells is too long or makes no sense, or the entry's content is not simply its bytes.
    pub(super) fn of<R: Read>(
        &mut self,
        entry: &mut Entry<'_, R>,
    ) -> io::Result<Option<(Vec<u8>, Vec<u8>)>> {
        match entry.header().entry_type() {
            EntryType::XGlobalHeader => return Ok(None),
            EntryType::GNULongName => self.name = Some(long(entry)?),
            EntryType::GNULongLink => self.target = Some(long(entry)?),
            EntryType::XHeader => self.extend(&content(entry)?)?,
            EntryType::GNUSparse => return Err(odd("a sparse file")),
            _ => {
                let header = entry.path_bytes().into_owned();
                let name = self.name.take().unwrap_or(header);
                let header = entry.link_name_bytes().unwrap_or_default().into_owned();
                let target = self.target.take().unwrap_or(header);
                return Ok(Some((name, target)));
            }
        }
        Ok(None)
    }

    fn extend(&mut self, extended: &[u8]) -> io::Result<()> {
        for extension in PaxExtensions::new(extended) {
            let extension = extension?;
            let value = extension.value_bytes().to_vec();
            match extension.key_bytes() {
                b"path" => self.name = Some(value),
                b"linkpath" => self.target = Some(value),
                // Both would change where the next entry begins.
                b"size" => return Err(odd("a file of more than 8 GiB")),
                key if key.starts_with(b"GNU.sparse.") => return Err(odd("a sparse file")),
                _ => {}
            }
        }
        Ok(())
    }
}

/// A long name, which ends with a zero byte.
fn long(entry: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut name = content(entry)?;
    if name.last() == Some(&0) {
        name.pop();
    }
    Ok(name)
}

fn content(entry: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    entry.take(LONGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LONGEST {
        return Err(odd("a name longer than any real one"));
    }
    Ok(bytes)
}

fn odd(what: &str) -> io::Error {
    let text = format!("the archive has {what}");
    io::Error::new(io::ErrorKind::InvalidData, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::craft::Tar;

    fn names(tar: Tar) -> io::Result<Vec<String>> {
        let bytes = tar.done();
        let (mut archive, mut names) = (tar::Archive::new(bytes.as_slice()), Names::default());
        let mut found = Vec::new();
        for entry in archive.entries()?.raw(true) {
            if let Some((name, target)) = names.of(&mut entry?)? {
                let text = [name, target].map(|it| it.escape_ascii().to_string());
                found.push(text.join(">"));
            }
        }
        Ok(found)
    }

    fn told(kind: EntryType, content: &[u8]) -> Tar {
        Tar::new().entry(kind, b"x", b"", 0, content)
    }

    #[test]
    fn a_long_name_is_that_of_the_next_entry_only() {
        let long = "d/".repeat(200);
        let tar = told(EntryType::GNULongName, format!("{long}\0").as_bytes())
            .entry(EntryType::GNULongLink, b"x", b"", 0, b"target\0")
            .link("short", "x")
            .link("next", "y");
        assert_eq!(
            names(tar).unwrap(),
            [format!("{long}>target"), "next>y".into()]
        );
    }

    #[test]
    fn an_extended_header_tells_the_names_of_the_next_entry_only() {
        let tar = told(
            EntryType::XHeader,
            b"12 path=a/b\n14 linkpath=c\n20 mtime=1234.56789\n",
        )
        .link("short", "x")
        .file("next", "");
        assert_eq!(names(tar).unwrap(), ["a/b>c", "next>"]);
        let git = told(EntryType::XGlobalHeader, b"13 comment=x\n").file("a", "");
        assert_eq!(names(git).unwrap(), ["a>"]);
    }

    #[test]
    fn what_would_shift_the_entries_is_refused() {
        let endless = vec![b'x'; LONGEST as usize + 1];
        for tar in [
            told(EntryType::GNULongName, &endless),
            told(EntryType::XHeader, &endless),
            told(EntryType::XHeader, b"10 size=4\n"),
            told(EntryType::XHeader, b"22 GNU.sparse.major=1\n"),
            told(EntryType::XHeader, b"no header\n"),
            told(EntryType::GNUSparse, b""),
        ] {
            assert!(names(tar.file("a", "text")).is_err());
        }
    }
}
