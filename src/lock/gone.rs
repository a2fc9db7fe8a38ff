//! The error for a pin whose bytes are nowhere any more: what was pinned, what there is now, and how to take it.

use std::error::Error;

/// A pinned package that no mirror and no archive mirror has.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("package {name} {version} of the lock is gone from every mirror{}", now(newer.as_deref()))]
#[diagnostic(
    code(lock::gone),
    help("`kata-artifacts update {name}` pins {}; or configure an archive mirror that still has it", newer.as_deref().unwrap_or("what there is now"))
)]
pub struct PinGone {
    /// The package.
    pub name: String,
    /// The pinned version.
    pub version: String,
    /// The version that the index has now, when the index could be asked.
    pub newer: Option<String>,
    /// What was tried.
    #[source]
    pub cause: Box<dyn Error + Send + Sync>,
}

fn now(newer: Option<&str>) -> String {
    newer.map_or_else(String::new, |newer| {
        format!("; the archive has {newer} now")
    })
}
