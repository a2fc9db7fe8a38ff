//! Why an entry of an archive is not unpacked.

use std::{io, path::PathBuf};

/// Why an entry of an archive is not unpacked.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The name is no name.
    #[error("`{name}` cannot be a name in a tree")]
    Name {
        /// The name.
        name: String,
    },
    /// The name is absolute or has `..` in it.
    #[error("`{name}` leads out of the tree")]
    Outside {
        /// The name.
        name: String,
    },
    /// The name leads through something that is no directory.
    #[error("`{name}` lies below `{file}`, which is no directory")]
    BelowFile {
        /// The name.
        name: String,
        /// What is in the way.
        file: String,
    },
    /// The name leads through a link of somebody else, which may or may not be there yet.
    #[error("{owner} ships `{name}`, which leads through the link `{link}` of {other}")]
    ThroughLink {
        /// The name.
        name: String,
        /// Who ships it.
        owner: String,
        /// The link.
        link: String,
        /// Whose link it is.
        other: String,
    },
    /// The name leads through links that lead to each other.
    #[error("`{name}` leads through too many links")]
    Loop {
        /// The name.
        name: String,
    },
    /// Something else has the name.
    #[error("`{name}` is shipped twice, by {first} and by {second}")]
    Taken {
        /// The name.
        name: String,
        /// Who ships it.
        first: String,
        /// Who ships it too.
        second: String,
    },
    /// A link leads out of the tree.
    #[error("the link `{name}` leads out of the tree, to `{target}`")]
    LinkOutside {
        /// The link.
        name: String,
        /// Its target.
        target: String,
    },
    /// A hard link's target is no regular file of the same owner.
    #[error("`{name}` is a hard link to `{target}`, which is no file shipped before it")]
    HardLink {
        /// The link.
        name: String,
        /// Its target.
        target: String,
    },
    /// A device, pipe or something unheard of.
    #[error("`{name}` is a {kind}: only files, directories and links are unpacked")]
    Special {
        /// The name.
        name: String,
        /// What it is.
        kind: &'static str,
    },
    /// The archive lies outside its one top directory.
    #[error("`{name}` does not lie below the archive's one top directory `{top}`")]
    NotBelowTop {
        /// The name.
        name: String,
        /// The top directory.
        top: String,
    },
    /// There is more than anybody needs.
    #[error("at `{name}` the tree would have more than {entries} entries or {bytes} bytes")]
    TooMuch {
        /// The name.
        name: String,
        /// The most bytes.
        bytes: u64,
        /// The most entries.
        entries: u64,
    },
    /// The disk failed.
    #[error("cannot {verb} `{}`", path.display())]
    Io {
        /// What was tried.
        verb: &'static str,
        /// The path.
        path: PathBuf,
        /// The cause.
        #[source]
        cause: io::Error,
    },
}

impl Refusal {
    pub(super) fn name(name: &[u8]) -> Self {
        Self::Name { name: show(name) }
    }

    pub(super) fn hard_link(name: &[u8], target: &[u8]) -> Self {
        Self::HardLink {
            name: show(name),
            target: show(target),
        }
    }
}

/// A name as people can read it, whatever bytes it has.
pub(crate) fn show(name: &[u8]) -> String {
    name.escape_ascii().to_string()
}
