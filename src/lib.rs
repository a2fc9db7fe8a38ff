//! kata-artifacts builds, checks and ships guest kernels and root filesystems for Kata Containers.
//!
//! # The pipeline
//!
//! ```text
//! text -> Manifest -> (+ Lock) Pinned -> (+ local Inputs) Plan -> Ready … -> Products -> Artifact -> image layout
//! ```
//!
//! Each arrow is one room and one verb. Nothing can be called out of order, because the argument does not exist yet.
//!
//! # The code map, in reading order: a room uses only rooms above it
//!
//! | room | decides |
//! |---|---|
//! | [`digest`] [`arch`] [`step`] | values: digests, architectures, names of steps and of what they make |
//! | [`event`] [`cancel`] | what a running build tells, and how it is stopped |
//! | [`manifest`] | what a manifest says, and everything that is wrong with it |
//! | [`store`] | blobs by content, trees and results by step key |
//! | [`tool`] | programs as data; the sandbox and the host as places to run them |
//! | [`source`] | bytes from mirrors, verified; archives, unpacked safely |
//! | [`bench`] | all that a running step may touch |
//! | [`debian`] | signed releases, package indexes, dependency closures, `.deb` files |
//! | [`lock`] | what the manifest's names meant when they were locked |
//! | [`kconfig`] | the Kconfig language: what a tree of options says, which values follow, and why |
//! | [`kernel`] | fragments, profiles, the strict check, configuring, patching, compiling |
//! | [`agent`] | the guest's first program: embedded, from a path, from a URL |
//! | [`rootfs`] | a declared tree, normalised and packed |
//! | [`oci`] | artifacts and the image layout |
//! | [`guest`] | boots an artifact and reads its report |
//! | [`plan`] | actions as data, keys, the graph, what would run and why |
//! | [`exec`] | the ready queue: runs a plan on a store |
//! | [`cli`] | one verb, one file; the only room that reads the environment or prints |
//!
//! # Invariants
//!
//! - A step's products are a function of its key. No clock, path, user, locale, core count or directory order is in a
//!   key, and none reaches a product.
//! - Every digest in a lock or manifest is verified before the bytes are used.
//! - The store never holds a half-written entry; killing the process anywhere leaves a store that works.
//! - No host name of a mirror or registry is written down here.
//! - No compiler runs outside [`tool`]; no program is started anywhere else.
//!
//! # Glossary
//!
//! *Suite*: a Debian distribution, `trixie`. *Release*: its signed index of indexes. *Archive*: `debian` or
//! `debian-security`, what a mirror carries. *Root*: packages unpacked as a file system that programs run in.
//! *Profile*: which fragments make a configuration and what may be missing from it. *Product*: what a step made.
//! *Guest*: a kernel and a root file system that boot together. *Layout*: an OCI image layout on disk.

pub mod agent;
pub mod arch;
pub mod bench;
pub mod cancel;
pub mod cli;
pub mod debian;
pub mod digest;
pub mod event;
pub mod exec;
pub mod guest;
pub mod kconfig;
pub mod kernel;
pub mod lock;
pub mod manifest;
pub mod oci;
pub mod plan;
pub mod rootfs;
pub mod source;
pub mod step;
pub mod store;
pub mod tool;
