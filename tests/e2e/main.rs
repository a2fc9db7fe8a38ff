//! End to end: real sources, real compilers in the real sandbox, real boots, other people's tools. Slow, so they run
//! only when `KATA_E2E` is set; `.ci/run` sets it.

#![expect(
    clippy::disallowed_methods,
    reason = "the program itself and other people's are run as users run them"
)]
#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]
#![expect(clippy::print_stdout, reason = "what was measured is said")]

mod another_year;
mod default_guest;
mod equal_digests;
mod interop;
mod interrupt;
mod kconfig;
mod registry;
mod served;
mod world;

/// Tells whether end-to-end tests were asked for, and says so when they were not.
#[expect(
    clippy::disallowed_methods,
    reason = "a test run is steered from outside"
)]
#[expect(clippy::print_stderr, reason = "a test that does not run says so")]
fn wanted() -> bool {
    let wanted = std::env::var_os("KATA_E2E").is_some();
    if !wanted {
        eprintln!("not run: set KATA_E2E=1");
    }
    wanted
}

#[test]
fn skopeo_and_umoci_read_a_layout_and_copies_keep_digests() {
    if !wanted() {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory can be made");
    let layout = interop::small_layout(dir.path());
    interop::foreign_tools_read(&layout);
}
