//! The end of a guest: power off, or reset where a machine cannot be powered off. Also how a panic ends.

use std::convert::Infallible;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::sys::reboot::{reboot, RebootMode};

use crate::console::{Console, Level};

/// What a fatal line starts with: part of the interface with the host.
const FATAL: &str = "KATA-ARTIFACTS-FATAL ";

/// How a machine ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    PowerOff,
    Restart,
}

/// Ends the guest. Where that is impossible process 1 ends, which the kernel answers with a panic.
pub(crate) fn end(console: &Console, why: &str) -> ! {
    let way = way(std::env::consts::ARCH, Path::new("/sys/firmware/acpi").exists());
    console.info(match way {
        Way::PowerOff => format!("powering off: {why}"),
        Way::Restart => format!("restarting, for this machine has no power-off: {why}"),
    });
    let Err(cause) = halt(way, console);
    console.line(&format!("{FATAL}cannot end the guest: {cause}"));
    console.drain();
    std::process::exit(1)
}

/// Makes a panic in any thread end the guest with a line that says why.
pub(crate) fn on_panic() {
    static PANICKED: AtomicBool = AtomicBool::new(false);
    std::panic::set_hook(Box::new(|panic| {
        // A panic while handling one must not start over.
        if PANICKED.swap(true, Ordering::SeqCst) {
            return;
        }
        let console = Console::of_guest(Level::Debug);
        // One line: what follows a line break would not be recognised as ours.
        console.line(&format!("{FATAL}{}", panic.to_string().replace('\n', " ")));
        end(&console, "the agent panicked");
    }));
}

fn halt(way: Way, console: &Console) -> nix::Result<Infallible> {
    console.drain();
    nix::unistd::sync();
    reboot(match way {
        Way::PowerOff => RebootMode::RB_POWER_OFF,
        Way::Restart => RebootMode::RB_AUTOBOOT,
    })
}

/// A PC is powered off through ACPI; without it the kernel would only halt, and a test would wait until its time limit.
/// Firmware of the other machines has a call for it.
fn way(machine: &str, acpi: bool) -> Way {
    match machine {
        "x86_64" | "x86" if !acpi => Way::Restart,
        _ => Way::PowerOff,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_pc_without_acpi_restarts() {
        assert_eq!(way("x86_64", true), Way::PowerOff);
        assert_eq!(way("x86_64", false), Way::Restart);
        for machine in ["aarch64", "s390x", "powerpc64", "riscv64"] {
            assert_eq!(way(machine, false), Way::PowerOff, "{machine}");
        }
    }
}
