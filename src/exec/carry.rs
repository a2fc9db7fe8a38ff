//! Which room carries out which action. Nothing is decided here but that.

use super::Trouble;
use crate::{
    agent, bench::Bench, debian, digest::Digest, kernel, oci, plan::action::Action, rootfs, source,
    step::Products,
};

/// Carries out an action on its bench.
///
/// # Errors
/// The room's own.
pub fn carry_out(bench: &Bench<'_>, action: &Action<Digest>) -> Result<Products, Trouble> {
    Ok(match action {
        Action::Fetch(action) => source::fetch_step(bench, action)?,
        Action::Toolchain(action) => debian::root::build(bench, action)?,
        Action::HostTools(action) => bench.keep_host_tools(action)?,
        Action::Unpack(action) => source::unpack(bench, action)?,
        Action::Import(action) => source::import(bench, action)?,
        Action::Patch(action) => kernel::patch(bench, action)?,
        Action::Probe(action) => kernel::probe(bench, action)?,
        Action::Configure(action) => kernel::configure(bench, action)?,
        Action::Compile(action) => kernel::compile(bench, action)?,
        Action::Crates(action) => agent::crates(bench, action)?,
        Action::BuildAgent(action) => agent::build(bench, action)?,
        Action::ExtractAgent(action) => source::extract_member(bench, action)?,
        Action::Assemble(action) => rootfs::assemble(bench, action)?,
        Action::PackInitrd(action) => rootfs::pack_initrd(bench, action)?,
        Action::Pack(action) => oci::pack(bench, action)?,
    })
}
