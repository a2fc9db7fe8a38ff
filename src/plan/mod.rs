//! Plans: what would be done, as a graph of steps, before anything is done.

pub mod action;
mod key;
