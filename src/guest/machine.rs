//! The machine that a guest boots in: QEMU's arguments for each architecture, and whether KVM can be tried.

use std::{
    fs::OpenOptions,
    path::{Path, PathBuf},
};

use serde::Serialize;

use super::{Guest, port::SOCKET};
use crate::{
    arch::Arch,
    tool::{Access, Invocation, Place},
};

/// Where the guest's files are in the monitor's eyes: below `/run`, so that no root needs directories for them.
const KERNEL: &str = "/run/guest/kernel";
const INITRD: &str = "/run/guest/initrd";
const SOCKETS: &str = "/run/guest/sockets";
/// The name by which the agent finds its port. Part of its protocol.
const PORT: &str = "dev.kata-artifacts.report";
const KVM: &str = "/dev/kvm";

/// A virtual machine monitor: QEMU, and where it runs.
#[derive(Clone, Debug)]
pub struct Vmm {
    pub(super) place: Place,
}

impl Vmm {
    /// Returns the host's own monitor for guests of this architecture, when `path` (as in `PATH`) has one.
    #[must_use]
    pub fn on_host(arch: Arch, path: &str) -> Option<Self> {
        let mut directories = path.split(':').map(Path::new);
        let place = Place::Host {
            path: path.to_owned(),
        };
        directories
            .any(|directory| directory.join(arch.qemu()).is_file())
            .then_some(Self { place })
    }

    /// Returns the monitor of a root, which runs in the sandbox.
    #[must_use]
    pub fn in_root(root: PathBuf) -> Self {
        Self {
            place: Place::Sandbox(root),
        }
    }
}

/// What runs a guest's instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Accelerator {
    /// The processor, by the kernel's `/dev/kvm`.
    Kvm,
    /// QEMU's translator: everywhere, slowly.
    Tcg,
}

impl std::fmt::Display for Accelerator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Kvm => "KVM",
            Self::Tcg => "TCG (emulation)",
        })
    }
}

/// What may run a guest's instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acceleration {
    /// KVM where it works.
    Automatic,
    /// Emulation even where KVM works.
    Emulated,
}

/// Returns why KVM is not even tried.
pub(super) fn without_kvm(arch: Arch, acceleration: Acceleration) -> Option<String> {
    if acceleration == Acceleration::Emulated {
        return Some("emulation was asked for".to_owned());
    }
    if arch != Arch::host() {
        return Some(format!(
            "this machine is {}, the guest {arch}",
            Arch::host()
        ));
    }
    let opened = OpenOptions::new().read(true).write(true).open(KVM);
    opened
        .err()
        .map(|cause| format!("cannot open `{KVM}`: {cause}"))
}

/// One row of a machine: (type, processor under KVM, console device, virtio-serial device, further parameters).
type Machine = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
);

/// Only x86_64 has been booted; the others say what QEMU's manual says.
const fn machine(arch: Arch) -> Machine {
    match arch {
        Arch::Aarch64 => ("virt", "host", "ttyAMA0", "virtio-serial-pci", ""),
        Arch::Ppc64le => ("pseries", "host", "hvc0", "virtio-serial-pci", ""),
        Arch::Riscv64 => ("virt", "host", "ttyS0", "virtio-serial-pci", ""),
        Arch::S390x => (
            "s390-ccw-virtio",
            "host",
            "ttysclp0",
            "virtio-serial-ccw",
            "",
        ),
        // As Kata boots it: a busy host's emulated timer is not called broken, and without ACPI a guest ends by a reset,
        // through the keyboard's controller.
        Arch::X86_64 => (
            "q35",
            "host",
            "ttyS0",
            "virtio-serial-pci",
            " reboot=k no_timer_check",
        ),
    }
}

/// Returns how the guest is booted. Its console is the monitor's standard output; its port connects to `sockets`.
pub(super) fn invocation(
    vmm: &Vmm,
    guest: &Guest<'_>,
    accelerator: Accelerator,
    sockets: &Path,
) -> Invocation {
    let (kind, processor, console, serial, further) = machine(guest.arch);
    let (accelerator_name, processor) = match accelerator {
        Accelerator::Kvm => ("kvm", processor),
        Accelerator::Tcg => ("tcg", "max"),
    };
    let mut parameters = format!("console={console} panic=1{further}");
    for parameter in guest.parameters {
        parameters.push(' ');
        parameters.push_str(parameter);
    }
    let mut invocation = Invocation::new(guest.arch.qemu())
        .args([
            "-nodefaults",
            "-no-user-config",
            "-no-reboot",
            "-display",
            "none",
        ])
        .args([
            "-machine",
            &format!("{kind},accel={accelerator_name}"),
            "-cpu",
            processor,
        ])
        .args([
            "-m",
            &format!("{}M", guest.memory_mib),
            "-smp",
            &guest.cpus.to_string(),
        ])
        .args(["-kernel", KERNEL, "-initrd", INITRD, "-append", &parameters])
        .args([
            "-chardev",
            "stdio,id=console,signal=off",
            "-serial",
            "chardev:console",
        ])
        .args(["-device", serial, "-chardev"])
        .args([format!("socket,id=report,path={SOCKETS}/{SOCKET}")])
        .args([
            "-device",
            &format!("virtserialport,chardev=report,name={PORT}"),
        ])
        .mount(KERNEL, guest.kernel, Access::Read)
        .mount(INITRD, guest.initrd, Access::Read)
        .mount(SOCKETS, sockets, Access::Write);
    if accelerator == Accelerator::Kvm && matches!(vmm.place, Place::Sandbox(_)) {
        invocation = invocation.mount(KVM, KVM, Access::Write);
    }
    invocation
}

#[cfg(test)]
mod tests {
    use std::{fs, time::Duration};

    use super::*;

    #[test]
    fn a_monitor_is_found_on_the_path_by_the_guests_architecture() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("qemu-system-aarch64"), "").unwrap();
        let path = format!("/nowhere:{}", directory.path().display());
        assert!(Vmm::on_host(Arch::Aarch64, &path).is_some());
        assert!(Vmm::on_host(Arch::X86_64, &path).is_none());
    }

    #[test]
    fn kvm_is_tried_only_for_this_machines_own_architecture() {
        let other = if Arch::host() == Arch::S390x {
            Arch::X86_64
        } else {
            Arch::S390x
        };
        assert!(
            without_kvm(other, Acceleration::Automatic)
                .unwrap()
                .contains("the guest")
        );
        assert!(without_kvm(Arch::host(), Acceleration::Emulated).is_some());
    }

    #[test]
    fn a_guest_sees_its_kernel_and_its_parameters_whatever_the_place() {
        let parameters = ["agent.log=info".to_owned(), "quiet".to_owned()];
        let guest = Guest {
            arch: Arch::X86_64,
            kernel: Path::new("/store/k"),
            initrd: Path::new("/store/i"),
            parameters: &parameters,
            memory_mib: 256,
            cpus: 2,
            timeout: Duration::from_secs(1),
            require: &[],
        };
        let vmm = Vmm::in_root("/root".into());
        let invocation = invocation(&vmm, &guest, Accelerator::Kvm, Path::new("/s"));
        assert_eq!(
            invocation.to_string(),
            "qemu-system-x86_64 -nodefaults -no-user-config -no-reboot -display none -machine q35,accel=kvm -cpu host \
             -m 256M -smp 2 -kernel /run/guest/kernel -initrd /run/guest/initrd \
             -append 'console=ttyS0 panic=1 reboot=k no_timer_check agent.log=info quiet' \
             -chardev stdio,id=console,signal=off -serial chardev:console -device virtio-serial-pci \
             -chardev socket,id=report,path=/run/guest/sockets/report \
             -device virtserialport,chardev=report,name=dev.kata-artifacts.report"
        );
        let mounts: Vec<_> = invocation
            .mounts
            .iter()
            .map(|mount| mount.at.as_str())
            .collect();
        assert_eq!(mounts, [KERNEL, INITRD, SOCKETS, KVM]);
    }
}
