//! Kata's protocol as the ttrpc crate speaks it, generated from the agent's `proto/`.

#[allow(missing_docs, clippy::all)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/mod.rs"));
}

pub use generated::{agent, agent_ttrpc, health, health_ttrpc};
