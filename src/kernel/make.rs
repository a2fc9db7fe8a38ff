//! How the kernel's own Makefile is called: out of tree, at fixed places, in an environment that says nothing about
//! this machine.

use std::path::Path;

use super::KernelError;
use crate::{
    arch::Arch,
    step::Product,
    store::Store,
    tool::{Access, BUILD, Invocation, SRC},
};

/// Returns `make` on the source tree at `source`, which it may only read, building in `build`.
pub(super) fn make(source: &Path, build: &Path, arch: Arch) -> Invocation {
    Invocation::new("make")
        .args([
            "-C".to_owned(),
            SRC.to_owned(),
            format!("O={BUILD}"),
            format!("ARCH={}", arch.kernel()),
            // Set and empty: a tree with `.git` in it must not get its commit into the release.
            "LOCALVERSION=".to_owned(),
        ])
        .env("LC_ALL", "C")
        .env("TZ", "UTC")
        .cwd(BUILD)
        .mount(SRC, source, Access::Read)
        .mount(BUILD, build, Access::Write)
}

/// Reads a file that a tool wrote.
pub(super) fn read(path: &Path) -> Result<String, KernelError> {
    std::fs::read_to_string(path).map_err(|cause| KernelError::Read {
        path: path.to_owned(),
        cause,
    })
}

/// Writes a file for a tool.
pub(super) fn write(path: &Path, content: &[u8]) -> Result<(), KernelError> {
    std::fs::write(path, content).map_err(|cause| KernelError::Write {
        path: path.to_owned(),
        cause,
    })
}

/// Puts bytes into the store as a product.
pub(super) fn blob(store: &Store, bytes: &[u8]) -> Result<Product, KernelError> {
    let (digest, size) = store.put(bytes)?;
    Ok(Product::Blob { digest, size })
}

/// Puts a file into the store as a product.
pub(super) fn file(store: &Store, path: &Path) -> Result<Product, KernelError> {
    let (digest, size) = store.put_file(path)?;
    Ok(Product::Blob { digest, size })
}
