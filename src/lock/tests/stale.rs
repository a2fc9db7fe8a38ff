//! Locks beside manifests they belong to, and others.

use std::path::PathBuf;

use super::*;
use crate::manifest::{self, Manifest};

fn the_manifest() -> Manifest {
    let root = |packages| manifest::Root {
        packages: names(packages),
        directories: Vec::new(),
        links: BTreeMap::new(),
    };
    Manifest {
        path: PathBuf::from("kata.yaml"),
        name: "kata".into(),
        version: "0.1.0".into(),
        flavour: "default".into(),
        architectures: vec![MACHINE],
        debian: manifest::Debian {
            suites: names("trixie trixie-security"),
            components: names("main"),
            keys: Vec::new(),
        },
        toolchain: manifest::Toolchain::Locked(root("gcc")),
        kernel: manifest::Kernel {
            source: manifest::KernelSource::Debian {
                package: "linux-source-6.12".into(),
            },
            patches: Vec::new(),
            base: manifest::ConfigBase::Allnoconfig,
            profile: PathBuf::new(),
            localversion: String::new(),
            outputs: Vec::new(),
        },
        agent: manifest::Agent::Embedded,
        rootfs: manifest::Rootfs::default(),
        initrd: manifest::Initrd {
            compression: manifest::Compression::Zstd,
        },
        guest: manifest::Guest {
            memory_mib: 256,
            cpus: 1,
            timeout_seconds: 1,
            require: None,
            vmm: Some(root("qemu")),
        },
        budgets: BTreeMap::new(),
        annotations: BTreeMap::new(),
    }
}

#[test]
fn a_manifest_and_its_lock_are_pinned_together() {
    let lock = resolved(&world()).unwrap();
    let pinned = pin(the_manifest(), lock, MACHINE).unwrap();
    let source = pinned.kernel_source().unwrap();
    assert_eq!(source.version, "6.12.117-1");
    assert_eq!(pinned.release(source).archive, "debian-security");
    let vmm: Vec<&str> = pinned.packages(Use::Vmm).map(|p| p.name.as_str()).collect();
    assert_eq!(vmm, ["libc6", "qemu", "seabios"]);
}

#[test]
fn every_difference_between_manifest_and_lock_is_shown() {
    let lock = resolved(&world()).unwrap();
    let mut other = the_manifest();
    other.debian.suites.pop();
    other.debian.components.push("contrib".into());
    other.kernel.source = manifest::KernelSource::Path(PathBuf::from("/src"));
    if let manifest::Toolchain::Locked(root) = &mut other.toolchain {
        root.packages = names("gcc make gcc bc");
    }
    let stale = pin(other, lock.clone(), MACHINE).unwrap_err();
    assert_eq!(
        stale.to_string(),
        "the lock does not belong to the manifest\n  \
         suites: the manifest says `trixie`, the lock `trixie trixie-security`\n  \
         components: the manifest says `main contrib`, the lock `main`\n  \
         kernel: the manifest says nothing, the lock `linux-source-6.12`\n  \
         toolchain: `bc` is in the manifest, not in the lock\n  \
         toolchain: `make` is in the manifest, not in the lock"
    );
    let stale = pin(the_manifest(), lock.clone(), Arch::Riscv64).unwrap_err();
    assert_eq!(stale.differences, [Difference::Machine(Arch::Riscv64)]);

    let mut edited = lock;
    edited
        .packages
        .get_mut(&MACHINE)
        .unwrap()
        .retain(|package| package.name != "gcc");
    let stale = pin(the_manifest(), edited, MACHINE).unwrap_err();
    assert_eq!(
        stale.differences,
        [Difference::Missing(Use::Toolchain, "gcc".into(), MACHINE)]
    );
}
