//! The embedded agent's files, as they were when this program was compiled. Its tests and its README stay outside: they
//! are no part of the guest.

use crate::{
    digest::Digest,
    plan::action::Named,
    store::{Store, StoreError},
};

macro_rules! sources {
    ($($name:literal)*) => {
        &[$(($name, include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/agent/", $name)))),*]
    };
}

/// Every file that the agent is compiled from, by its path below `agent/`, sorted.
pub const SOURCES: &[(&str, &[u8])] = sources! {
    "Cargo.lock"
    "Cargo.toml"
    "proto/agent.proto"
    "proto/health.proto"
    "src/address.rs"
    "src/boot.rs"
    "src/cli.rs"
    "src/cmdline.rs"
    "src/console.rs"
    "src/device_links.rs"
    "src/frame.rs"
    "src/loopback.rs"
    "src/main.rs"
    "src/message.rs"
    "src/mounts.rs"
    "src/port.rs"
    "src/probe/control_groups.rs"
    "src/probe/devices.rs"
    "src/probe/features.rs"
    "src/probe/mod.rs"
    "src/probe/system.rs"
    "src/reap.rs"
    "src/report.rs"
    "src/server.rs"
    "src/service.rs"
    "src/stop.rs"
};

/// The agent's `Cargo.toml`.
pub const MANIFEST: &str = "Cargo.toml";
/// The agent's `Cargo.lock`.
pub const LOCK: &str = "Cargo.lock";

/// Brings the agent's files into the store; returns them by name.
///
/// # Errors
/// They cannot be written.
pub fn import_sources(store: &Store) -> Result<Vec<Named<Digest>>, StoreError> {
    SOURCES
        .iter()
        .map(|(name, bytes)| {
            Ok(Named {
                name: (*name).to_owned(),
                input: store.put(bytes)?.0,
            })
        })
        .collect()
}

/// Returns the embedded agent's version.
///
/// # Panics
/// Never in a program that passed its tests: the agent's manifest has a version.
#[must_use]
pub fn version() -> &'static str {
    let manifest = source(MANIFEST);
    let text = std::str::from_utf8(manifest).expect("a manifest is text");
    text.lines()
        .find_map(|line| line.strip_prefix("version = \"")?.strip_suffix('"'))
        .expect("the agent's manifest has a version")
}

/// Returns one of the agent's files.
pub(super) fn source(name: &str) -> &'static [u8] {
    SOURCES
        .iter()
        .find_map(|(found, bytes)| (*found == name).then_some(*bytes))
        .expect("the file is one of the agent's")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use walkdir::WalkDir;

    use super::*;

    #[test]
    fn every_file_that_the_agent_is_compiled_from_is_embedded() {
        let agent = Path::new(env!("CARGO_MANIFEST_DIR")).join("agent");
        let compiled = |name: &str| {
            [MANIFEST, LOCK, "build.rs"].contains(&name)
                || name.starts_with("src/")
                || name.starts_with("proto/")
        };
        let mut there: Vec<_> = WalkDir::new(&agent)
            .into_iter()
            .filter_entry(|entry| entry.file_name() != "target")
            .map(Result::unwrap)
            .filter(|entry| entry.file_type().is_file())
            .map(|entry| {
                let below = entry.path().strip_prefix(&agent).unwrap();
                below.to_str().unwrap().to_owned()
            })
            .filter(|name| compiled(name))
            .collect();
        there.sort();
        let embedded: Vec<_> = SOURCES.iter().map(|(name, _)| *name).collect();
        assert_eq!(embedded, there);
    }

    #[test]
    fn the_agents_version_is_its_manifests() {
        assert_eq!(version().split('.').count(), 3);
    }
}
