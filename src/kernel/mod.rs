//! The kernel: what its configuration should be, what it became, and its compilation. Decides nothing about artifacts,
//! and knows which symbols matter only from the data under `kernel/`.
//!
//! | part | decides |
//! |---|---|
//! | [`value`] [`version`] | symbols, values, kernel versions and ranges |
//! | [`fragment`] [`mod@merge`] [`profile`] | what is requested, where, and why |
//! | [`dotconfig`] [`symbols`] | what became of it, and what the kernel knows |
//! | [`strict`] [`mod@report`] | the comparison, and its record |
//! | [`mod@configure`] [`mod@patch`] [`mod@compile`] | the steps |
//! | [`image`] | whether a product is truly a kernel |

mod badfile;
pub mod compile;
pub mod configure;
pub mod diff;
pub mod dotconfig;
mod error;
pub mod fragment;
#[cfg(test)]
mod hostile_tests;
pub mod image;
mod load;
mod make;
pub mod merge;
pub mod patch;
pub mod profile;
#[cfg(test)]
mod profile_tests;
pub mod report;
#[cfg(test)]
mod step_tests;
pub mod strict;
pub mod symbols;
pub mod value;
pub mod version;
mod yamlline;

pub use badfile::BadFile;
pub use compile::compile;
pub use configure::configure;
pub use error::KernelError;
pub use patch::patch;
