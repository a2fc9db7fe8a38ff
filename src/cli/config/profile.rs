//! Which profile is meant: one that the program carries, by its name, or a file.

use std::path::Path;

use super::super::failure::Failure;
use crate::{
    arch::Arch,
    kernel::{
        configfile::Kernel,
        profile::{LoadedProfile, load, load_shipped},
        requirements::{Requirement, requirements},
    },
};

/// The profile that is meant when none is named.
pub(super) const DEFAULT: &str = "kata";

/// Reads a profile: a file when the name has a `/` or ends as one, else one that the program carries.
fn read(name: &str, arch: Arch) -> Result<LoadedProfile, Failure> {
    let is_file = name.contains('/') || Path::new(name).extension().is_some();
    let loaded = if is_file {
        load(Path::new(name), arch)
    } else {
        load_shipped(name, arch)
    };
    loaded.map_err(Failure::input)
}

/// A profile's name, and what it requires of one kernel.
pub(super) struct Required {
    pub(super) profile: String,
    pub(super) rows: Vec<Requirement>,
}

/// Returns what a profile requires of this kernel.
pub(super) fn required(name: &str, kernel: Kernel) -> Result<Required, Failure> {
    let loaded = read(name, kernel.arch)?;
    let rows = requirements(&loaded, kernel.arch, kernel.version).map_err(Failure::input)?;
    let profile = loaded.profile().map_err(Failure::input)?.name;
    Ok(Required { profile, rows })
}
