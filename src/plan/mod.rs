//! Plans: what would be done, as a graph of steps, before anything is done. `draft` makes one from a pinned manifest
//! and local inputs; `assess` says how it stands on a store; running it is for `exec`.

pub mod action;
mod assess;
mod draft;
mod graph;
mod inputs;
mod key;
mod map;
mod packages;
mod packing;
pub mod print;
mod sources;
mod why;

pub use assess::{Assessment, Standing};
pub use draft::{draft, draft_probe, draft_toolchain, draft_vmm};
pub use graph::Plan;
pub use inputs::{AgentInput, Inputs, InputsError, SourceInput, gather, read_patches};
pub(crate) use key::canonical;
pub use why::{Change, Why};
