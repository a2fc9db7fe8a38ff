//! One executable out of an archive: the agent that somebody else has built.

use std::io::{self, BufReader, Read};

use tar::{Archive, EntryType};

use super::{
    compression::{Bounded, decompress, threads},
    names::Names,
    tree::{Limits, show},
    unpack::watch,
};
use crate::{
    bench::Bench,
    cancel::Interrupted,
    digest::Digest,
    plan::action::ExtractAgent,
    step::{Product, Products},
    store::StoreError,
};

const ELF: &[u8] = b"\x7fELF";
/// How many members of a similar name an error shows.
const SIMILAR: usize = 5;

/// An executable could not be taken out of an archive.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum ExtractError {
    /// The archive cannot be read.
    #[error("cannot read `{member}` out of the archive {archive}")]
    #[diagnostic(code(source::extract))]
    Archive {
        /// The archive.
        archive: Digest,
        /// The member.
        member: String,
        /// The cause.
        #[source]
        cause: io::Error,
    },
    /// The archive has no such member.
    #[error("the archive {archive} has no `{member}`{}", similar.iter().map(|name| format!("\n  but it has `{name}`")).collect::<String>())]
    #[diagnostic(
        code(source::no_member),
        help("`member:` is the path of the executable inside the archive")
    )]
    Missing {
        /// The archive.
        archive: Digest,
        /// The member.
        member: String,
        /// Members whose file name is the same.
        similar: Vec<String>,
    },
    /// The member is something else than a file.
    #[error("`{member}` in the archive {archive} is not a regular file, but {kind}")]
    #[diagnostic(code(source::member_kind), help("name the file itself"))]
    Kind {
        /// The archive.
        archive: Digest,
        /// The member.
        member: String,
        /// What it is.
        kind: String,
    },
    /// The member is no program.
    #[error("`{member}` in the archive {archive} is not an ELF executable")]
    #[diagnostic(
        code(source::not_elf),
        help("the guest starts it as its first program")
    )]
    NotElf {
        /// The archive.
        archive: Digest,
        /// The member.
        member: String,
    },
    /// The store failed.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Store(#[from] StoreError),
    /// The work was stopped.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Interrupted(#[from] Interrupted),
}

/// Takes the agent out of a tar, compressed or not. Product: `agent`.
///
/// # Errors
/// The archive is damaged, or has no such regular ELF file.
pub fn extract_member(
    bench: &Bench<'_>,
    action: &ExtractAgent<Digest>,
) -> Result<Products, ExtractError> {
    let reader = watch(bench, action.archive)?;
    let found = find(bench, action, reader);
    bench.cancel.check()?;
    let (digest, size) = found?;
    let agent = Product::Blob { digest, size };
    Ok([("agent".to_owned(), agent)].into())
}

fn find(
    bench: &Bench<'_>,
    action: &ExtractAgent<Digest>,
    reader: impl Read,
) -> Result<(Digest, u64), ExtractError> {
    let (archive, member) = (action.archive, action.member.clone());
    let failed = |cause| ExtractError::Archive {
        archive,
        member: action.member.clone(),
        cause,
    };
    let wanted = plain(member.as_bytes());
    let file_name = wanted.rsplit(|byte| *byte == b'/').next();
    let mut similar = Vec::new();
    let tar = decompress(reader, threads()).map_err(failed)?;
    let tar = Bounded::new(tar, Limits::GENEROUS.archive());
    let mut tar = Archive::new(BufReader::new(tar));
    let mut names = Names::default();
    for entry in tar.entries().map_err(failed)?.raw(true) {
        let mut entry = entry.map_err(failed)?;
        let Some((name, target)) = names.of(&mut entry).map_err(failed)? else {
            continue;
        };
        if plain(&name) != wanted {
            let same = plain(&name).rsplit(|byte| *byte == b'/').next() == file_name;
            if same && similar.len() < SIMILAR {
                similar.push(show(&name));
            }
            continue;
        }
        let kind = entry.header().entry_type();
        if !matches!(kind, EntryType::Regular | EntryType::Continuous) {
            let kind = if kind.is_symlink() || kind.is_hard_link() {
                format!("a link to `{}`", show(&target))
            } else {
                "a directory or a device".to_owned()
            };
            return Err(ExtractError::Kind {
                archive,
                member,
                kind,
            });
        }
        let mut magic = Vec::new();
        let first = entry.by_ref().take(ELF.len() as u64);
        io::copy(&mut { first }, &mut magic).map_err(failed)?;
        if magic != ELF {
            return Err(ExtractError::NotElf { archive, member });
        }
        let mut blob = bench.store.write_blob()?;
        io::copy(&mut magic.chain(entry), &mut blob).map_err(failed)?;
        return Ok(blob.finish()?);
    }
    Err(ExtractError::Missing {
        archive,
        member,
        similar,
    })
}

fn plain(name: &[u8]) -> &[u8] {
    let name = name.strip_prefix(b".").unwrap_or(name);
    name.strip_prefix(b"/").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::craft::{Tar, World, causes, xz, zstd};

    fn extracted(archive: &[u8], member: &str) -> Result<Vec<u8>, String> {
        let world = World::new();
        let action = ExtractAgent {
            archive: world.put(archive),
            member: member.to_owned(),
        };
        let products = extract_member(&world.bench(), &action);
        let products = products.map_err(|error| causes(&error))?;
        Ok(world.store.read(products["agent"].digest()).unwrap())
    }

    fn archive() -> Vec<u8> {
        Tar::new()
            .directory("./usr/bin/")
            .file("./usr/bin/text", "#!/bin/sh")
            .file("./usr/bin/kata-agent", "\u{7f}ELF and so on")
            .link("./init", "usr/bin/kata-agent")
            .done()
    }

    #[test]
    fn the_member_is_found_however_its_path_is_written() {
        for archive in [archive(), xz(&archive()), zstd(&archive())] {
            for member in [
                "./usr/bin/kata-agent",
                "usr/bin/kata-agent",
                "/usr/bin/kata-agent",
            ] {
                let agent = extracted(&archive, member).unwrap();
                assert_eq!(agent, b"\x7fELF and so on");
            }
        }
    }

    #[test]
    fn what_is_no_program_is_refused() {
        let refused = |member, part: &str| {
            let error = extracted(&archive(), member).unwrap_err();
            assert!(error.contains(part), "{error}");
        };
        refused("usr/bin/text", "is not an ELF executable");
        refused("init", "but a link to `usr/bin/kata-agent`");
        refused("usr/bin/", "but a directory or a device");
        refused("kata-agent", "but it has `./usr/bin/kata-agent`");
        refused("sbin/kata-agent", "but it has `./usr/bin/kata-agent`");
        let cut = &archive()[..600];
        assert!(extracted(cut, "init").is_err());
    }
}
