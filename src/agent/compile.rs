//! Compiling the embedded agent: offline, from the locked crates, static, with fixed paths. Which compiler is the
//! toolchain's to say.

use std::{collections::BTreeMap, fs};

use super::{AgentError, check};
use crate::{
    bench::Bench,
    digest::Digest,
    plan::action::BuildAgent,
    step::{Product, Products},
    store::failed,
    tool::{Access, BUILD, Invocation, SRC},
};

/// Where the vendored crates are seen.
const CRATES: &str = "/build/crates";
/// The name of the agent's executable.
const PROGRAM: &str = "kata-artifacts-agent";

/// Compiles the agent for the action's architecture. Product: `agent`, an executable that [`check`] accepts.
///
/// # Errors
/// An input is not in the store; cargo fails; what it made cannot be a guest's first program.
pub fn build(bench: &Bench<'_>, action: &BuildAgent<Digest>) -> Result<Products, AgentError> {
    let scratch = bench.scratch()?;
    let (source, build) = (scratch.path().join("src"), scratch.path().join("build"));
    for named in &action.sources {
        let path = source.join(&named.name);
        let parent = path.parent().expect("a file lies in a directory");
        fs::create_dir_all(parent).map_err(failed("make", parent))?;
        fs::write(&path, bench.store.read(named.input)?).map_err(failed("write", &path))?;
    }
    // The mount point of the crates; the root file system has none.
    let crates = build.join("crates");
    fs::create_dir_all(&crates).map_err(failed("make", &crates))?;
    let target = action.arch.rust_target();
    let invocation = Invocation::new("cargo")
        .args(["build", "--release", "--frozen"])
        .args(["--target", target, "--jobs", &bench.jobs.max(1).to_string()])
        .args(["--config", "source.crates-io.replace-with=\"vendored\""])
        .args([
            "--config".to_owned(),
            format!("source.vendored.directory=\"{CRATES}\""),
        ])
        .env("CARGO_HOME", format!("{BUILD}/cargo"))
        .env("CARGO_TARGET_DIR", format!("{BUILD}/target"))
        // With a target named, these reach the agent and its crates, not build scripts.
        .env("RUSTFLAGS", rust_flags())
        .cwd(SRC)
        .mount(SRC, source, Access::Read)
        .mount(BUILD, &build, Access::Write)
        .mount(CRATES, bench.tree(action.crates)?, Access::Read);
    bench.run(&bench.place(action.toolchain)?, &invocation)?;
    let made = build
        .join("target")
        .join(target)
        .join("release")
        .join(PROGRAM);
    check(&made, action.arch)?;
    let (digest, size) = bench.store.put_file(&made)?;
    let agent = Product::Blob { digest, size };
    Ok(BTreeMap::from([("agent".to_owned(), agent)]))
}

/// Static, and without a path of the place where it was compiled.
fn rust_flags() -> String {
    format!(
        "-C target-feature=+crt-static --remap-path-prefix={CRATES}=crates --remap-path-prefix={SRC}=agent"
    )
}
