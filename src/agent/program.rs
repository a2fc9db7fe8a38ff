//! What may be a guest's first program. Looks at the ELF headers only.

use std::{fs::File, path::Path};

use object::{Architecture, BinaryFormat, Object, ObjectKind, ReadCache, read::elf::ProgramHeader};

use crate::arch::Arch;

/// Why a file cannot be a guest's first program.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum NotInit {
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Read(#[source] std::io::Error),
    /// It is no executable ELF file.
    #[error("it is not an ELF executable")]
    #[diagnostic(
        code(agent::not_elf),
        help(
            "the guest has no shell: a script cannot be its first program. An archive needs `member`"
        )
    )]
    NotElf,
    /// It is for another machine.
    #[error("it is for {found}, and the guest is {}", wanted.name())]
    #[diagnostic(code(agent::machine))]
    Machine {
        /// What it is for.
        found: String,
        /// What it should be for.
        wanted: Arch,
    },
    /// It needs a dynamic linker.
    #[error("it is linked dynamically")]
    #[diagnostic(
        code(agent::dynamic),
        help(
            "the guest has no shared libraries: link it statically (Rust: `-C target-feature=+crt-static`, or a musl target)"
        )
    )]
    Dynamic,
}

/// Checks that a file can be the first program of a guest of this architecture: an executable, for that machine, that
/// asks for no dynamic linker.
///
/// # Errors
/// The first reason why it cannot.
pub fn check(path: &Path, arch: Arch) -> Result<(), NotInit> {
    let file = File::open(path).map_err(NotInit::Read)?;
    let cache = ReadCache::new(file);
    let elf = object::File::parse(&cache).map_err(|_| NotInit::NotElf)?;
    let kinds = [ObjectKind::Executable, ObjectKind::Dynamic];
    if elf.format() != BinaryFormat::Elf || !kinds.contains(&elf.kind()) || elf.entry() == 0 {
        return Err(NotInit::NotElf);
    }
    if elf.architecture() != machine(arch) || !elf.is_64() {
        return Err(NotInit::Machine {
            found: format!("{:?}", elf.architecture()),
            wanted: arch,
        });
    }
    let asks_for_linker = match &elf {
        object::File::Elf64(elf) => {
            let endian = elf.endian();
            elf.elf_program_headers()
                .iter()
                .any(|header| header.p_type(endian) == object::elf::PT_INTERP)
        }
        _ => return Err(NotInit::NotElf),
    };
    if asks_for_linker {
        return Err(NotInit::Dynamic);
    }
    Ok(())
}

const fn machine(arch: Arch) -> Architecture {
    match arch {
        Arch::Aarch64 => Architecture::Aarch64,
        Arch::Ppc64le => Architecture::PowerPc64,
        Arch::Riscv64 => Architecture::Riscv64,
        Arch::S390x => Architecture::S390x,
        Arch::X86_64 => Architecture::X86_64,
    }
}

#[cfg(test)]
/// Returns the headers of an executable: ELF64, little-endian, one program header of this type.
pub(crate) fn tiny_elf(machine: u16, kind: u16, segment: u32) -> Vec<u8> {
    let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
    bytes.resize(16, 0);
    bytes.extend(kind.to_le_bytes());
    bytes.extend(machine.to_le_bytes());
    bytes.extend(1_u32.to_le_bytes());
    // Entry, program headers, section headers.
    for field in [0x40_0000_u64, 64, 0] {
        bytes.extend(field.to_le_bytes());
    }
    bytes.extend(0_u32.to_le_bytes());
    for field in [64_u16, 56, 1, 64, 0, 0] {
        bytes.extend(field.to_le_bytes());
    }
    bytes.extend(segment.to_le_bytes());
    bytes.resize(64 + 56, 0);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(bytes: &[u8], arch: Arch) -> Result<(), String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        check(file.path(), arch).map_err(|error| error.to_string())
    }

    #[test]
    fn a_static_executable_for_the_guests_machine_may_be_init() {
        for kind in [2, 3] {
            assert_eq!(checked(&tiny_elf(62, kind, 1), Arch::X86_64), Ok(()));
        }
        assert_eq!(checked(&tiny_elf(183, 2, 1), Arch::Aarch64), Ok(()));
    }

    #[test]
    fn anything_else_is_refused_with_the_reason() {
        let told = [
            checked(b"#!/bin/sh\n", Arch::X86_64),
            checked(b"", Arch::X86_64),
            checked(&tiny_elf(62, 1, 1), Arch::X86_64),
            checked(&tiny_elf(183, 2, 1), Arch::X86_64),
            checked(&tiny_elf(62, 3, 3), Arch::X86_64),
            checked(&tiny_elf(62, 3, 3)[..80], Arch::X86_64),
        ]
        .map(Result::unwrap_err);
        insta::assert_snapshot!(told.join("\n"), @r#"
            it is not an ELF executable
            it is not an ELF executable
            it is not an ELF executable
            it is for Aarch64, and the guest is x86_64
            it is linked dynamically
            it is not an ELF executable
        "#);
    }
}
