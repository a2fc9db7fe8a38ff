//! Whether a file is truly a kernel that can boot: magic numbers, machine, entry, content, and on x86 the PVH note.
//! Reads products; makes none.

use std::{fs, io::Read, path::Path};

use object::{
    Endianness,
    elf::{ET_DYN, ET_EXEC, FileHeader64, Machine, NoteType, PT_LOAD},
    read::elf::{FileHeader as _, ProgramHeader as _},
};

use super::KernelError;
use crate::arch::Arch;

/// The note that names the 32-bit PVH entry: `XEN_ELFNOTE_PHYS32_ENTRY` (Linux, `include/xen/interface/elfnote.h`).
const PHYS32_ENTRY: NoteType = NoteType(18);
/// Anything smaller holds no kernel.
const MIN_BYTES: usize = 256 << 10;

/// Checks that the file is the kernel that `vmlinux` means on this architecture: an ELF executable, or on Arm and
/// RISC-V the uncompressed `Image`. Returns its size in bytes.
///
/// # Errors
/// It cannot be read, or is something else.
pub fn check_vmlinux(path: &Path, arch: Arch) -> Result<u64, KernelError> {
    check(path, arch, |bytes| match arch {
        Arch::X86_64 | Arch::Ppc64le | Arch::S390x => elf(bytes, arch),
        Arch::Aarch64 | Arch::Riscv64 => flat(bytes, arch),
    })
}

/// Checks that the file is the kernel that `vmlinuz` means on this architecture. Returns its size in bytes.
///
/// # Errors
/// It cannot be read, or is something else.
pub fn check_vmlinuz(path: &Path, arch: Arch) -> Result<u64, KernelError> {
    check(path, arch, |bytes| match arch {
        Arch::X86_64 => bzimage(bytes),
        Arch::S390x => at(bytes, 0x10008, b"S390EP"),
        Arch::Ppc64le => elf(bytes, arch),
        Arch::Aarch64 | Arch::Riscv64 => {
            let mut image = Vec::new();
            flate2::read::GzDecoder::new(bytes)
                .read_to_end(&mut image)
                .map_err(|error| format!("it is not a whole gzip file: {error}"))?;
            flat(&image, arch)
        }
    })
}

fn check(
    path: &Path,
    arch: Arch,
    look: impl FnOnce(&[u8]) -> Result<(), String>,
) -> Result<u64, KernelError> {
    let bytes = fs::read(path).map_err(|cause| KernelError::Read {
        path: path.to_owned(),
        cause,
    })?;
    let verdict = if bytes.len() < MIN_BYTES {
        Err(format!("it has only {} bytes", bytes.len()))
    } else {
        look(&bytes)
    };
    match verdict {
        Ok(()) => Ok(bytes.len() as u64),
        Err(what) => Err(KernelError::Image {
            file: path.file_name().unwrap_or_default().display().to_string(),
            arch,
            what,
        }),
    }
}

/// Returns the machine's number in ELF headers, and the byte order of the kernel (gABI, "ELF Header").
fn machine(arch: Arch) -> (Machine, bool) {
    match arch {
        Arch::Aarch64 => (object::elf::EM_AARCH64, true),
        Arch::Ppc64le => (object::elf::EM_PPC64, true),
        Arch::Riscv64 => (object::elf::EM_RISCV, true),
        Arch::S390x => (object::elf::EM_S390, false),
        Arch::X86_64 => (object::elf::EM_X86_64, true),
    }
}

fn elf(bytes: &[u8], arch: Arch) -> Result<(), String> {
    let told = |error: object::read::Error| format!("it is not a whole 64-bit ELF file: {error}");
    let header = FileHeader64::<Endianness>::parse(bytes).map_err(told)?;
    let endian = header.endian().map_err(told)?;
    let (wanted, little) = machine(arch);
    let found = header.e_machine(endian);
    if found != wanted || (endian == Endianness::Little) != little {
        return Err(format!(
            "its machine is {}, not {}, or its byte order is another",
            found.0, wanted.0
        ));
    }
    if ![ET_EXEC, ET_DYN].contains(&header.e_type(endian)) {
        return Err("it is not an executable".to_owned());
    }
    if header.e_entry(endian) == 0 {
        return Err("it has no entry".to_owned());
    }
    let segments = header.program_headers(endian, bytes).map_err(told)?;
    let mut content = false;
    let mut pvh = false;
    for segment in segments {
        if segment.p_type(endian) == PT_LOAD {
            let data = segment
                .data(endian, bytes)
                .map_err(|()| "it is cut short: a segment lies outside the file".to_owned())?;
            content |= data.iter().any(|byte| *byte != 0);
        }
        let notes = segment.notes(endian, bytes).map_err(told)?;
        let Some(mut notes) = notes else { continue };
        while let Some(note) = notes.next().map_err(told)? {
            pvh |= note.name() == b"Xen" && note.n_type(endian) == PHYS32_ENTRY;
        }
    }
    if !content {
        return Err("its segments hold nothing but zeros".to_owned());
    }
    if arch == Arch::X86_64 && !pvh {
        return Err(
            "it has no PVH entry note, without which no monitor boots it directly: request CONFIG_PVH=y"
                .to_owned(),
        );
    }
    Ok(())
}

/// Checks an x86 boot image (Linux, `Documentation/arch/x86/boot.rst`).
fn bzimage(bytes: &[u8]) -> Result<(), String> {
    at(bytes, 0x1fe, &[0x55, 0xaa])?;
    at(bytes, 0x202, b"HdrS")?;
    let word = |at: usize| {
        let bytes = bytes
            .get(at..at + 4)
            .and_then(|bytes| bytes.try_into().ok());
        bytes.map_or(0, u32::from_le_bytes) as usize
    };
    let protocol = word(0x206) & 0xffff;
    if protocol < 0x20c {
        return Err(format!(
            "its boot protocol is {protocol:#x}, older than 0x20c"
        ));
    }
    let setup = match bytes[0x1f1] {
        0 => 4,
        sectors => usize::from(sectors),
    };
    let start = (setup + 1) * 512 + word(0x248);
    let payload = bytes.get(start..start + word(0x24c)).unwrap_or_default();
    if payload.len() < MIN_BYTES || payload.iter().all(|byte| *byte == 0) {
        return Err("its compressed kernel is empty or cut short".to_owned());
    }
    Ok(())
}

/// Checks an uncompressed `Image` (Linux, `Documentation/arch/{arm64/booting,riscv/boot-image-header}.rst`).
fn flat(bytes: &[u8], arch: Arch) -> Result<(), String> {
    let magic: &[u8; 4] = match arch {
        Arch::Aarch64 => b"ARM\x64",
        _ => b"RSC\x05",
    };
    at(bytes, 56, magic)
}

fn at(bytes: &[u8], offset: usize, magic: &[u8]) -> Result<(), String> {
    if bytes.get(offset..offset + magic.len()) == Some(magic) {
        Ok(())
    } else {
        let shown = magic.escape_ascii();
        Err(format!("`{shown}` is not at offset {offset:#x}"))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Returns an ELF file with one loaded segment, and notes when asked for.
    pub(in super::super) fn elf_file(machine: u16, note: Option<u32>) -> Vec<u8> {
        let mut file = b"\x7fELF\x02\x01\x01".to_vec();
        file.resize(16, 0);
        let halves: [u16; 2] = [2, machine];
        file.extend(halves.iter().flat_map(|half| half.to_le_bytes()));
        file.extend(1u32.to_le_bytes());
        for word in [0x100_0000u64, 64, 0] {
            file.extend(word.to_le_bytes());
        }
        file.extend(0u32.to_le_bytes());
        let halves: [u16; 6] = [64, 56, if note.is_some() { 2 } else { 1 }, 64, 0, 0];
        file.extend(halves.iter().flat_map(|half| half.to_le_bytes()));
        let mut segment = |kind: u32, offset: u64, size: u64| {
            file.extend(kind.to_le_bytes());
            file.extend(4u32.to_le_bytes());
            for word in [offset, 0x100_0000, 0x100_0000, size, size, 4] {
                file.extend(word.to_le_bytes());
            }
        };
        segment(1, 0x1000, 0x100);
        segment(4, 0x2000, 20);
        file.resize(0x1000, 0);
        file.resize(0x1100, 0x90);
        file.resize(0x2000, 0);
        for word in [4, 4, note.unwrap_or(0)] {
            file.extend(word.to_le_bytes());
        }
        file.extend(b"Xen\0\0\0\0\x01");
        file.resize(MIN_BYTES, 0);
        file
    }

    fn told(bytes: &[u8], vmlinux: bool, arch: Arch) -> String {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), bytes).unwrap();
        let outcome = if vmlinux {
            check_vmlinux(file.path(), arch)
        } else {
            check_vmlinuz(file.path(), arch)
        };
        outcome.map_or_else(|error| error.to_string(), |size| format!("good {size}"))
    }

    #[test]
    fn a_vmlinux_for_x86_needs_its_machine_its_content_and_the_pvh_note() {
        let good = elf_file(62, Some(18));
        assert_eq!(told(&good, true, Arch::X86_64), format!("good {MIN_BYTES}"));
        let mut empty = good.clone();
        empty[0x1000..0x1100].fill(0);
        let mut no_entry = good.clone();
        no_entry[24..32].fill(0);
        let mut cut = good.clone();
        cut[64 + 32..64 + 40].copy_from_slice(&u64::MAX.to_le_bytes());
        for (bytes, hint) in [
            (elf_file(62, None), "PVH"),
            (elf_file(62, Some(6)), "PVH"),
            (elf_file(183, Some(18)), "machine is 183"),
            (empty, "zeros"),
            (no_entry, "no entry"),
            (cut, "cut short"),
            (vec![0; MIN_BYTES], "ELF"),
            (good[..1000].to_vec(), "only 1000 bytes"),
        ] {
            let told = told(&bytes, true, Arch::X86_64);
            assert!(told.contains(hint), "{hint}: {told}");
        }
        assert!(told(&elf_file(21, None), true, Arch::Ppc64le).starts_with("good"));
    }

    /// Returns a boot image with a payload.
    pub(in super::super) fn bzimage_file() -> Vec<u8> {
        let mut good = vec![0; 0x400];
        good[0x1f1] = 1;
        good[0x1fe..0x200].copy_from_slice(&[0x55, 0xaa]);
        good[0x202..0x206].copy_from_slice(b"HdrS");
        good[0x206..0x208].copy_from_slice(&0x20fu16.to_le_bytes());
        good[0x24c..0x250].copy_from_slice(&(MIN_BYTES as u32).to_le_bytes());
        good.resize(0x400 + MIN_BYTES, 7);
        good
    }

    #[test]
    fn a_bzimage_needs_its_magic_and_its_payload() {
        let good = bzimage_file();
        assert!(told(&good, false, Arch::X86_64).starts_with("good"));
        let mut old = good.clone();
        old[0x206] = 0;
        let mut other = good.clone();
        other[0x202] = b'h';
        for (bytes, hint) in [
            (&old, "protocol"),
            (&other, "`HdrS` is not at offset 0x202"),
            (&good[..good.len() - 1].to_vec(), "cut short"),
        ] {
            let told = told(bytes, false, Arch::X86_64);
            assert!(told.contains(hint), "{hint}: {told}");
        }
    }

    #[test]
    fn an_arm_image_has_its_magic_compressed_or_not() {
        use std::io::Write;
        let mut image: Vec<u8> = (0..MIN_BYTES * 2)
            .map(|at| ((at * at) >> 7) as u8)
            .collect();
        image[56..60].copy_from_slice(b"ARM\x64");
        assert!(told(&image, true, Arch::Aarch64).starts_with("good"));
        assert!(told(&image, true, Arch::Riscv64).contains("0x38"));
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
        writer.write_all(&image).unwrap();
        let packed = writer.finish().unwrap();
        assert!(told(&packed, false, Arch::Aarch64).starts_with("good"));
        assert!(told(&packed[..MIN_BYTES], false, Arch::Aarch64).contains("gzip"));
    }
}
