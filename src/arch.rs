//! Architectures, and every neighbour's name for them. Nothing else in the product spells an architecture.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A guest or build machine architecture. Written as `uname -m` prints it, as Kata does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Arch {
    /// 64-bit Arm.
    Aarch64,
    /// 64-bit little-endian POWER.
    Ppc64le,
    /// 64-bit RISC-V.
    Riscv64,
    /// IBM Z.
    S390x,
    /// 64-bit x86.
    #[serde(rename = "x86_64")]
    X86_64,
}

/// One row of names: (`uname -m`, kernel `ARCH`, Debian, OCI platform, Rust triple, QEMU system emulator).
type Names = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
);

impl Arch {
    /// Every architecture that has a name here; what can be built is for the manifest's check to say.
    pub const ALL: [Self; 5] = [
        Self::Aarch64,
        Self::Ppc64le,
        Self::Riscv64,
        Self::S390x,
        Self::X86_64,
    ];

    /// Returns the architecture of the machine this program was compiled for.
    ///
    /// # Panics
    /// On a machine that Kata does not know: there is nothing this program could build there.
    #[must_use]
    pub fn host() -> Self {
        std::env::consts::ARCH
            .replace("powerpc64", "ppc64le")
            .parse()
            .expect("the program is compiled for an architecture of Kata's")
    }

    const fn names(self) -> Names {
        match self {
            Self::Aarch64 => (
                "aarch64",
                "arm64",
                "arm64",
                "arm64",
                "aarch64-unknown-linux-gnu",
                "qemu-system-aarch64",
            ),
            Self::Ppc64le => (
                "ppc64le",
                "powerpc",
                "ppc64el",
                "ppc64le",
                "powerpc64le-unknown-linux-gnu",
                "qemu-system-ppc64",
            ),
            Self::Riscv64 => (
                "riscv64",
                "riscv",
                "riscv64",
                "riscv64",
                "riscv64gc-unknown-linux-gnu",
                "qemu-system-riscv64",
            ),
            Self::S390x => (
                "s390x",
                "s390",
                "s390x",
                "s390x",
                "s390x-unknown-linux-gnu",
                "qemu-system-s390x",
            ),
            Self::X86_64 => (
                "x86_64",
                "x86_64",
                "amd64",
                "amd64",
                "x86_64-unknown-linux-gnu",
                "qemu-system-x86_64",
            ),
        }
    }

    /// Returns Kata's name, which is `uname -m`'s.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.names().0
    }

    /// Returns the kernel's `ARCH=`.
    #[must_use]
    pub const fn kernel(self) -> &'static str {
        self.names().1
    }

    /// Returns the kernel's `SRCARCH`: the directory below `arch/` that holds its sources.
    #[must_use]
    pub const fn kernel_source(self) -> &'static str {
        match self {
            Self::X86_64 => "x86",
            other => other.kernel(),
        }
    }

    /// Returns Debian's name, as in `Architecture:`.
    #[must_use]
    pub const fn debian(self) -> &'static str {
        self.names().2
    }

    /// Returns the `architecture` of an OCI platform (Go's GOARCH).
    #[must_use]
    pub const fn oci(self) -> &'static str {
        self.names().3
    }

    /// Returns the Rust target triple with glibc.
    #[must_use]
    pub const fn rust_target(self) -> &'static str {
        self.names().4
    }

    /// Returns the name of QEMU's system emulator.
    #[must_use]
    pub const fn qemu(self) -> &'static str {
        self.names().5
    }
}

impl fmt::Display for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A text names no architecture that Kata knows.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not an architecture: expected one of aarch64, ppc64le, riscv64, s390x, x86_64")]
pub struct UnknownArch(String);

impl FromStr for Arch {
    type Err = UnknownArch;

    /// Reads Kata's, the kernel's, Debian's or OCI's name.
    fn from_str(text: &str) -> Result<Self, UnknownArch> {
        // The kernel's directory of this one has another name than its `ARCH`.
        if text == "x86" {
            return Ok(Self::X86_64);
        }
        Self::ALL
            .into_iter()
            .find(|arch| [arch.name(), arch.kernel(), arch.debian(), arch.oci()].contains(&text))
            .ok_or_else(|| UnknownArch(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_neighbours_name_reads_back() {
        for arch in Arch::ALL {
            for name in [arch.name(), arch.kernel(), arch.debian(), arch.oci()] {
                assert_eq!(name.parse::<Arch>().ok(), Some(arch), "{name}");
            }
        }
        assert_eq!("x86".parse::<Arch>().ok(), Some(Arch::X86_64));
        assert!("i386".parse::<Arch>().is_err());
    }
}
