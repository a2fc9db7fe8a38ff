//! The agent's crates: each `.crate` file by the checksum in `Cargo.lock`, unpacked as `cargo vendor` would lay them out.
//! Cargo only carries bytes: it knows where its registry is. What came is verified here, against the lock, before use.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Component, Path, PathBuf},
};

use rayon::prelude::*;
use walkdir::WalkDir;

use super::{
    AgentError,
    lockfile::{self, LockedCrate},
};
use crate::{
    bench::Bench,
    digest::Digest,
    plan::action::Crates,
    source::{Mirrors, Network},
    step::{Product, Products},
    store::failed,
    tool::{self, Access, BUILD, Invocation, SRC},
};

/// The most bytes that a crate may unpack to: what cargo itself allows.
const MOST_BYTES: u64 = 512 << 20;
/// Where the CA bundle of the host is seen.
const CA_BUNDLE: &str = "/run/ca.pem";

/// Brings the crates of a lock into the store and unpacks them. Product: `tree`. The network is used only for crates
/// that are not in the store.
///
/// # Errors
/// The lock cannot be used; the network is needed and forbidden; cargo fails; a crate has another digest or is malformed.
pub fn crates(bench: &Bench<'_>, action: &Crates<Digest>) -> Result<Products, AgentError> {
    let text = bench.store.read(action.lock)?;
    let locked = lockfile::read(&String::from_utf8_lossy(&text))?;
    let missing: Vec<_> = locked
        .iter()
        .filter(|locked| bench.store.blob(locked.checksum).is_none())
        .collect();
    if !missing.is_empty() {
        match bench.network {
            Network::Off(by) => {
                return Err(AgentError::Offline {
                    by,
                    missing: missing.iter().map(|locked| locked.directory()).collect(),
                });
            }
            Network::On(mirrors, ..) => fetch(bench, action, mirrors, &missing)?,
        }
    }
    let tree = bench.store.write_tree(bench.key)?;
    let root = tree.path()?;
    locked.par_iter().try_for_each(|locked| {
        bench.cancel.check()?;
        unpack(&bench.store.need_blob(locked.checksum)?, locked, &root)
    })?;
    tree.finish()?;
    let product = Product::Tree { key: bench.key };
    Ok(BTreeMap::from([("tree".to_owned(), product)]))
}

/// Lets cargo download, and takes what is verified into the store.
fn fetch(
    bench: &Bench<'_>,
    action: &Crates<Digest>,
    mirrors: &Mirrors,
    missing: &[&LockedCrate],
) -> Result<(), AgentError> {
    let scratch = bench.scratch()?;
    let (source, build) = (scratch.path().join("src"), scratch.path().join("build"));
    write(
        &source.join("Cargo.toml"),
        &bench.store.read(action.manifest)?,
    )?;
    write(&source.join("Cargo.lock"), &bench.store.read(action.lock)?)?;
    // Cargo wants a target to exist before it looks at dependencies.
    write(&source.join("src/main.rs"), b"fn main() {}\n")?;
    let home = build.join("cargo");
    fs::create_dir_all(&home).map_err(failed("make", &home))?;
    let mut invocation = Invocation::new("cargo")
        .args(["fetch", "--locked", "--manifest-path"])
        .args([format!("{SRC}/Cargo.toml")])
        .env("CARGO_HOME", format!("{BUILD}/cargo"))
        .env("CARGO_TARGET_DIR", format!("{BUILD}/target"))
        .env("CARGO_NET_RETRY", "5")
        .cwd(SRC)
        .mount(SRC, source, Access::Read)
        .mount(BUILD, build, Access::Write);
    invocation.network = tool::Network::Host;
    let registry = &mirrors.registry;
    if let Some(config) = &registry.config {
        let text = fs::read(config).map_err(failed("read", config))?;
        write(&home.join("config.toml"), &text)?;
    }
    if let Some(bundle) = &registry.ca_bundle {
        invocation = invocation
            .mount(CA_BUNDLE, bundle, Access::Read)
            .env("CARGO_HTTP_CAINFO", CA_BUNDLE)
            .env("SSL_CERT_FILE", CA_BUNDLE);
    }
    for (name, value) in &registry.variables {
        invocation = invocation.env(name, value);
    }
    bench.run(&bench.place(action.toolchain)?, &invocation)?;
    let downloads = downloads(&home);
    for locked in missing {
        adopt(bench, locked, &downloads)?;
    }
    Ok(())
}

/// Returns every `.crate` file below a `CARGO_HOME` by its name. One directory for each registry, usually one.
fn downloads(home: &Path) -> BTreeMap<String, PathBuf> {
    WalkDir::new(home.join("registry/cache"))
        .into_iter()
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_file())
        .filter_map(|entry| {
            let name = entry.file_name().to_str()?.strip_suffix(".crate")?;
            Some((name.to_owned(), entry.path().to_owned()))
        })
        .collect()
}

fn adopt(
    bench: &Bench<'_>,
    locked: &LockedCrate,
    downloads: &BTreeMap<String, PathBuf>,
) -> Result<(), AgentError> {
    let name = locked.directory();
    let Some(path) = downloads.get(&name) else {
        return Err(AgentError::NotDownloaded { name });
    };
    let (actual, _) = Digest::of_file(path).map_err(failed("read", path))?;
    if actual != locked.checksum {
        return Err(AgentError::WrongCrate {
            name,
            expected: locked.checksum,
            actual,
        });
    }
    bench.store.put_file(path)?;
    Ok(())
}

/// Unpacks one crate below `root`: directories and regular files below the crate's own directory, nothing else.
fn unpack(path: &Path, locked: &LockedCrate, root: &Path) -> Result<(), AgentError> {
    let name = locked.directory();
    let failed_at = |what: String| AgentError::Unpack {
        name: name.clone(),
        what,
    };
    let file = File::open(path).map_err(failed("read", path))?;
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(file).take(MOST_BYTES));
    let broken = |cause: io::Error| failed_at(cause.to_string());
    for entry in archive.entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        let inside = entry.path().map_err(broken)?.into_owned();
        let shown = inside.display().to_string();
        if !inside.starts_with(&name) || !is_plain(&inside) {
            return Err(failed_at(format!("`{shown}` is not below `{name}`")));
        }
        let target = root.join(&inside);
        let kind = entry.header().entry_type();
        if kind.is_dir() {
            fs::create_dir_all(&target).map_err(failed("make", &target))?;
        } else if kind.is_file() {
            let mode = entry.header().mode().map_err(broken)?;
            make(&target, &mut entry, mode)
                .map_err(|cause| failed_at(format!("`{shown}`: {cause}")))?;
        } else {
            return Err(failed_at(format!("`{shown}` is no file or directory")));
        }
    }
    let checksum = locked.checksum.hex();
    let marker = serde_json::json!({"files": {}, "package": checksum});
    let at = root.join(&name).join(".cargo-checksum.json");
    if !root.join(&name).is_dir() {
        return Err(failed_at("it is empty".to_owned()));
    }
    fs::write(&at, marker.to_string()).map_err(failed("write", &at))?;
    Ok(())
}

fn is_plain(path: &Path) -> bool {
    path.components()
        .all(|part| matches!(part, Component::Normal(_)))
}

fn make(target: &Path, from: &mut impl Read, mode: u32) -> io::Result<()> {
    if let Some(parent) = target.parent() {
        fs::create_dir_all(parent)?;
    }
    let mode = if mode & 0o100 == 0 { 0o644 } else { 0o755 };
    // A name that comes twice is refused, and no link is ever followed: there are none.
    let mut file = File::options()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(target)?;
    io::copy(from, &mut file)?;
    file.set_permissions(fs::Permissions::from_mode(mode))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), AgentError> {
    let parent = path.parent().expect("a file lies in a directory");
    fs::create_dir_all(parent).map_err(failed("make", parent))?;
    Ok(fs::write(path, bytes).map_err(failed("write", path))?)
}

#[cfg(test)]
#[path = "crates_tests.rs"]
mod tests;
