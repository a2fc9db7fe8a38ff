//! `.deb` files: one package into a tree, without its maintainer scripts. That nothing leaves the tree is `source`'s
//! doing; here is what a package must be.

use std::io::Read;

use crate::source::{
    entries::{AtOnce, EntryError, Top, unpack_tar},
    package::{self, Identity, PackageError},
    tree::{Owner, Tree},
};

/// A package could not be unpacked.
#[derive(Debug, thiserror::Error)]
pub enum DebError {
    /// The file is no package, or damaged.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// The file is another package.
    #[error("it is the package `{}` {}, expected `{expected}`", found.name, found.version)]
    Other {
        /// The name it must have.
        expected: String,
        /// What it says it is.
        found: Identity,
    },
    /// The package holds something that is not unpacked, or the disk is full.
    #[error(transparent)]
    Entry(#[from] EntryError),
}

/// Unpacks the files of the package called `name` into `tree`, where they belong to `owner`. Modes keep permissions
/// only: set-user-id means nothing in a tree that is not root's.
///
/// # Errors
/// It is another package, is damaged, or holds something that is refused.
pub fn unpack(reader: impl Read, name: &str, tree: &Tree, owner: Owner) -> Result<(), DebError> {
    let most = tree.limits().archive();
    let check = |found: Identity| {
        if found.name == name {
            return Ok(());
        }
        let expected = name.to_owned();
        Err(DebError::Other { expected, found })
    };
    package::read(reader, most, 1, check, |data| {
        unpack_tar(data, tree, owner, Top::Kept, &mut AtOnce)?;
        Ok(())
    })
}
