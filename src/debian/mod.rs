//! Debian's archives: signed releases, package indexes, dependency closures, mirrors. How bytes are fetched is for
//! `source`; what a package is for, and remembering it, is for `lock`.

pub mod archive;
pub mod closure;
pub mod deb;
pub mod index;
pub mod mirrors;
pub mod openpgp;
pub mod problem;
pub mod relation;
pub mod release;
pub mod root;
pub mod universe;

#[cfg(test)]
pub(crate) mod world;
