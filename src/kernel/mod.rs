//! The kernel: what its configuration should be, what it became, and its compilation. Decides nothing about artifacts,
//! and knows which symbols matter only from the data under `kernel/`.
//!
//! | part | decides |
//! |---|---|
//! | [`value`] [`version`] | symbols, values, kernel versions and ranges |
//! | [`fragment`] [`mod@merge`] [`profile`] [`kata`] | what is requested, where, and why |
//! | [`demand`] [`features`] [`requirements`] | what any kernel for the guest should have, and what it costs without |
//! | [`options`] | what the kernel's options are, and what requests lead to |
//! | [`dotconfig`] [`symbols`] | what became of it, and what the kernel knows |
//! | [`extract`] [`configfile`] | other kernels' configurations: where they are kept, and for which kernel they are |
//! | [`fit`] [`difference`] [`mod@export`] | how others' kernels do, how two differ, and the reference in others' forms |
//! | [`shipped`] [`modules`] | data that the program carries |
//! | [`strict`] [`reasons`] [`mod@report`] | the comparison, why requests were lost, and the record |
//! | [`mod@probe`] [`mod@configure`] [`mod@patch`] [`mod@compile`] | the steps |
//! | [`image`] | whether a product is truly a kernel |

mod badfile;
mod clause;
pub mod compile;
pub mod configfile;
pub mod configure;
pub mod demand;
pub mod diff;
pub mod difference;
pub mod dotconfig;
mod error;
pub mod export;
pub mod extract;
pub mod features;
pub mod fit;
pub mod fragment;
#[cfg(test)]
mod fragment_tests;
#[cfg(test)]
mod hostile_tests;
pub mod image;
pub mod kata;
#[cfg(test)]
mod kata_tests;
mod load;
mod make;
pub mod merge;
pub mod modules;
pub mod options;
pub mod patch;
#[cfg(test)]
mod patch_step_tests;
pub mod probe;
pub mod profile;
mod profile_form;
#[cfg(test)]
mod profile_tests;
pub mod reasons;
pub mod report;
pub mod requirements;
pub mod shipped;
#[cfg(test)]
mod shipped_tests;
#[cfg(test)]
mod step_tests;
pub mod strict;
#[cfg(test)]
mod strict_tests;
pub mod symbols;
pub mod value;
pub mod version;
mod yamlline;

pub use badfile::BadFile;
pub use clause::Clause;
pub use compile::compile;
pub use configure::configure;
pub use error::KernelError;
pub use patch::patch;
pub use probe::probe;
