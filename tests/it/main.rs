//! The binary as a person or a program meets it: exit status, standard output, standard error, what is on disk after.
//! Every test has a world of its own (`world`); the only network is a mirror on a loopback port (`mirror`). What a room
//! decides is tested in that room.

#![expect(
    clippy::unwrap_used,
    reason = "all of this crate is tests, also the functions that tests call"
)]

mod artifact;
mod boot;
mod build;
mod check;
mod clean;
mod config;
mod digest;
mod help;
mod kernel;
mod lock;
mod mirror;
mod options;
mod plan;
mod readme;
mod start;
mod stop;
mod store;
mod world;
