//! Package indexes (`Packages`, compressed or not), read as a stream into the few fields that closures and locks need.
//! Which index to read is for `archive`; what versions and relations mean is for `relation` and `closure`.

use std::io::{self, BufReader, Read};

use deb822_fast::{Deb822, Paragraph};
use flate2::read::MultiGzDecoder;
use liblzma::read::XzDecoder;

use crate::digest::Digest;

/// A package as an index describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// `Package:`.
    pub name: Box<str>,
    /// `Version:`.
    pub version: Box<str>,
    /// `Architecture:`: Debian's name, or `all`.
    pub architecture: Box<str>,
    /// `Pre-Depends:`.
    pub pre_depends: Box<str>,
    /// `Depends:`.
    pub depends: Box<str>,
    /// `Provides:`.
    pub provides: Box<str>,
    /// `Conflicts:` and `Breaks:`.
    pub conflicts: [Box<str>; 2],
    /// Whether `Multi-Arch: allowed`, so that `name:any` means it.
    pub any: bool,
    /// `Priority:`.
    pub priority: Priority,
    /// `Filename:`, below the archive.
    pub path: Box<str>,
    /// `Size:`, in bytes.
    pub size: u64,
    /// `SHA256:`.
    pub sha256: Digest,
}

/// How much a system needs a package, most first (Debian policy, 2.5). Breaks ties between providers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// Without it, packages cannot even be removed.
    Required,
    /// Expected on any Unix.
    Important,
    /// What a small text system has.
    Standard,
    /// Everything else.
    Optional,
}

/// An index that cannot be read.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum IndexError {
    /// The stream ended badly.
    #[error("cannot read the package index {index}")]
    #[diagnostic(
        code(debian::index),
        help("it matched its digest when it was fetched: is the disk failing?")
    )]
    Unreadable {
        /// Suite, component and architecture, for people.
        index: String,
        /// The cause.
        #[source]
        cause: io::Error,
    },
    /// A paragraph is not a package.
    #[error("package number {number} (`{name}`) of the index {index} is unreadable: {why}")]
    #[diagnostic(code(debian::index_entry))]
    Malformed {
        /// Suite, component and architecture, for people.
        index: String,
        /// Which paragraph, from 1.
        number: usize,
        /// The package's name, when it has one.
        name: String,
        /// What is wrong.
        why: String,
    },
    /// The compression is none that can be undone.
    #[error("the package index `{path}` is compressed in an unknown way")]
    #[diagnostic(code(debian::index_form))]
    UnknownForm {
        /// Its path.
        path: String,
    },
}

/// Reads the index at `path` below a suite, whose bytes `reader` yields, compressed as the path's end tells.
/// `index` names it in messages.
///
/// # Errors
/// It cannot be decompressed, or an entry lacks a field that every package has.
pub fn read(path: &str, index: &str, reader: impl Read) -> Result<Vec<Package>, IndexError> {
    let file = path.rsplit('/').next().unwrap_or(path);
    match file.rsplit_once('.').map(|(_, end)| end) {
        Some("xz") => read_text(index, XzDecoder::new_multi_decoder(reader)),
        Some("gz") => read_text(index, MultiGzDecoder::new(reader)),
        None => read_text(index, reader),
        Some(_) => Err(IndexError::UnknownForm {
            path: path.to_owned(),
        }),
    }
}

fn read_text(index: &str, text: impl Read) -> Result<Vec<Package>, IndexError> {
    let text = BufReader::with_capacity(1 << 17, text);
    let mut packages = Vec::new();
    for paragraph in Deb822::iter_paragraphs_from_reader(text) {
        let number = packages.len() + 1;
        let malformed = |name: &str, why: String| IndexError::Malformed {
            index: index.to_owned(),
            number,
            name: name.to_owned(),
            why,
        };
        let paragraph = paragraph.map_err(|error| match error {
            deb822_fast::Error::Io(cause) => IndexError::Unreadable {
                index: index.to_owned(),
                cause,
            },
            other => malformed("", other.to_string()),
        })?;
        let package = package(&paragraph)
            .map_err(|why| malformed(paragraph.get("Package").unwrap_or_default(), why))?;
        packages.push(package);
    }
    Ok(packages)
}

fn package(fields: &Paragraph) -> Result<Package, String> {
    let optional = |name: &str| -> Box<str> { fields.get(name).unwrap_or_default().trim().into() };
    let needed = |name: &str| -> Result<Box<str>, String> {
        let value = optional(name);
        if value.is_empty() {
            Err(format!("it has no `{name}:`"))
        } else {
            Ok(value)
        }
    };
    let size = needed("Size")?;
    let path = needed("Filename")?;
    if !is_below(&path) {
        return Err(format!("`Filename: {path}` leaves the archive"));
    }
    Ok(Package {
        name: needed("Package")?,
        version: needed("Version")?,
        architecture: needed("Architecture")?,
        pre_depends: optional("Pre-Depends"),
        depends: optional("Depends"),
        provides: optional("Provides"),
        conflicts: [optional("Conflicts"), optional("Breaks")],
        any: &*optional("Multi-Arch") == "allowed",
        priority: match &*optional("Priority") {
            "required" => Priority::Required,
            "important" => Priority::Important,
            "standard" => Priority::Standard,
            _ => Priority::Optional,
        },
        path,
        size: size
            .parse()
            .map_err(|_| format!("`Size: {size}` is not a number of bytes"))?,
        sha256: needed("SHA256")?.parse().map_err(|e| format!("{e}"))?,
    })
}

/// Tells whether a path stays below the directory it is appended to, in every URL.
#[must_use]
pub fn is_below(path: &str) -> bool {
    let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '?' | '#' | '\\' | '"');
    path.chars().all(plain) && path.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const TEXT: &str = "\
Package: bc
Version: 1.07.1-4
Architecture: amd64
Multi-Arch: allowed
Priority: important
Depends: libc6 (>= 2.38),
 libreadline8
Description: a calculator
 : with odd lines
 .
Filename: pool/main/b/bc/bc_1.07.1-4_amd64.deb
Size: 109300
SHA256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855

Package: docs
Version: 1
Architecture: all
Filename: pool/docs.deb
Size: 1
SHA256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
";

    #[test]
    fn every_form_of_an_index_gives_the_same_packages() {
        let plain = read("main/binary-amd64/Packages", "test", TEXT.as_bytes()).unwrap();
        assert_eq!(plain.len(), 2);
        assert_eq!(&*plain[0].depends, "libc6 (>= 2.38),\nlibreadline8");
        assert!(plain[0].any && plain[0].priority == Priority::Important);
        assert_eq!((plain[0].size, &*plain[1].name), (109_300, "docs"));

        let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 0);
        xz.write_all(TEXT.as_bytes()).unwrap();
        let xz = xz.finish().unwrap();
        assert_eq!(read("a/Packages.xz", "test", &xz[..]).unwrap(), plain);
        let cut = read("a/Packages.xz", "test", &xz[..xz.len() / 2]).unwrap_err();
        assert!(matches!(cut, IndexError::Unreadable { .. }), "{cut}");

        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gz.write_all(TEXT.as_bytes()).unwrap();
        assert_eq!(
            read("a/Packages.gz", "test", &gz.finish().unwrap()[..]).unwrap(),
            plain
        );

        let other = read("a/Packages.zip", "test", &b""[..]).unwrap_err();
        assert!(matches!(other, IndexError::UnknownForm { .. }));
    }

    #[test]
    fn a_package_that_lacks_or_garbles_something_is_named() {
        for (from, to) in [
            ("Version: 1.07.1-4\n", ""),
            ("Size: 109300", "Size: many"),
            ("SHA256: e3", "SHA256: zz"),
            ("pool/main", "../main"),
            ("pool/main", "/main"),
            ("pool/main", "pool//main"),
            ("pool/main", "pool/%0a\nmain"),
            ("Priority: important", "important"),
        ] {
            let bad = TEXT.replacen(from, to, 1);
            let error = read("Packages", "test", bad.as_bytes()).unwrap_err();
            assert!(
                matches!(error, IndexError::Malformed { number: 1, .. }),
                "{to}: {error:?}"
            );
        }
    }
}
