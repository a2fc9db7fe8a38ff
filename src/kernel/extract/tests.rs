//! Every place a configuration is kept in, whole, damaged and too large.

use std::{fs, io::Write};

use proptest::prelude::*;
use tar::EntryType;
use tempfile::TempDir;

use super::*;
use crate::source::craft::{Tar, ar, causes, control, deb, gzip, xz, zstd};

pub(super) const CONFIG: &str = "# Linux/x86 6.12.117 Kernel Configuration\nCONFIG_X86_64=y\n";

/// A kernel that carries a configuration, uncompressed.
pub(super) fn kernel(config: &[u8]) -> Vec<u8> {
    let noise =
        (0..3_000_000_u32).flat_map(|at| (at.wrapping_mul(2_654_435_761) >> 9).to_le_bytes());
    let mut image: Vec<u8> = b"\x7fELF"
        .iter()
        .copied()
        .chain(noise.take(1_500_000))
        .collect();
    // The mark alone means nothing: the kernel's own tools hold it as a text.
    image.extend(b"IKCFG_ST");
    image.resize((1 << 20) + (1 << 20) - 4, 0);
    image.extend(b"IKCFG_ST");
    image.extend(gzip(config));
    image.extend(b"IKCFG_ED");
    image.resize(image.len() + 5000, 0x90);
    image
}

/// An x86 boot image around a compressed kernel, with the kernel's length behind it as the kernel's makefile writes it.
fn boot_image(packed: &[u8]) -> Vec<u8> {
    let mut image = b"MZ".to_vec();
    image.resize(0x202, 0);
    image.extend(b"HdrS");
    image.resize(0x4000, 0xcc);
    image[0x1f1] = 1;
    image[0x248..0x24c].copy_from_slice(&(0x4000_u32 - 0x400).to_le_bytes());
    image.extend(packed);
    image.extend(6_000_000_u32.to_le_bytes());
    image.resize(image.len() + 999, 0);
    image
}

fn lzma(bytes: &[u8]) -> Vec<u8> {
    let options = liblzma::stream::LzmaOptions::new_preset(0).unwrap();
    let stream = liblzma::stream::Stream::new_lzma_encoder(&options).unwrap();
    let mut writer = liblzma::write::XzEncoder::new_stream(Vec::new(), stream);
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

/// A header of an RPM package: tags with a type and bytes.
fn rpm_header(tags: &[(u32, u32, &[u8])]) -> Vec<u8> {
    let (mut index, mut store) = (Vec::new(), Vec::new());
    for (tag, kind, bytes) in tags {
        for word in [*tag, *kind, store.len() as u32, 1] {
            index.extend(word.to_be_bytes());
        }
        store.extend(*bytes);
    }
    let mut header = b"\x8e\xad\xe8\x01\0\0\0\0".to_vec();
    header.extend((tags.len() as u32).to_be_bytes());
    header.extend((store.len() as u32).to_be_bytes());
    [header, index, store].concat()
}

/// An RPM package of these files, its payload compressed by `pack`.
fn rpm(files: &[(&str, &[u8])], pack: fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let mut payload = Vec::new();
    for (name, bytes) in files {
        let entry = cpio::newc::Builder::new(name).mode(0o100_644);
        let mut writer = entry.write(&mut payload, bytes.len() as u32);
        writer.write_all(bytes).unwrap();
        writer.finish().unwrap();
    }
    let payload = pack(&cpio::newc::trailer(payload).unwrap());
    let main = rpm_header(&[
        (1000, 6, b"kernel-core\0"),
        (1001, 6, b"6.17.0\0"),
        (1002, 6, b"5.fc43\0"),
    ]);
    let size = (main.len() + payload.len()) as u32;
    let signature = rpm_header(&[(1000, 4, &size.to_be_bytes())]);
    let mut file = b"\xed\xab\xee\xdb\x03\0".to_vec();
    file.resize(96, 0);
    file.extend(signature);
    file.resize(file.len().next_multiple_of(8), 0);
    [file, main, payload].concat()
}

fn put(bytes: &[u8]) -> (TempDir, std::path::PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("it");
    fs::write(&path, bytes).unwrap();
    (dir, path)
}

/// Returns where the configuration was found, or why it was not.
fn found(bytes: &[u8]) -> String {
    let (dir, path) = put(bytes);
    let told = match from_file(&path) {
        Ok(found) => {
            assert_eq!(String::from_utf8_lossy(&found.bytes), CONFIG);
            found.name
        }
        Err(error) => format!("error: {}", causes(&error)),
    };
    told.replace(&dir.path().display().to_string(), ".")
}

#[test]
fn a_configuration_is_read_plain_and_compressed() {
    let text = CONFIG.as_bytes();
    for bytes in [text.to_vec(), gzip(text), xz(text), zstd(text)] {
        assert_eq!(found(&bytes), "./it");
    }
}

#[test]
fn a_kernel_gives_the_configuration_it_carries_however_it_is_compressed() {
    let kernel = kernel(CONFIG.as_bytes());
    let images = [
        kernel.clone(),
        gzip(&kernel),
        boot_image(&gzip(&kernel)),
        boot_image(&xz(&kernel)),
        boot_image(&zstd(&kernel)),
        boot_image(&lzma(&kernel)),
        // Arm's `Image`, as a boot loader decompresses it.
        [vec![0; 56], b"ARM\x64".to_vec(), kernel.clone()].concat(),
    ];
    for (index, image) in images.iter().enumerate() {
        assert_eq!(found(image), "./it: its embedded configuration", "{index}");
    }
}

#[test]
fn a_kernel_without_a_configuration_is_told_apart_from_one_that_cannot_be_read() {
    let bare = vec![7; 100_000];
    let bare = [b"\x7fELF", bare.as_slice()].concat();
    let none =
        "error: the kernel `./it` carries no configuration: it was built without CONFIG_IKCONFIG";
    assert_eq!(found(&bare), none);
    assert_eq!(found(&boot_image(&zstd(&bare))), none);
    // Every kernel holds the magic numbers of what it can unpack.
    assert_eq!(
        found(&[&bare[..], b"\x89LZO\0\r\n\x1a\n", b"IKCFG_ST\x1f\x8b\x08"].concat()),
        none
    );
    let lz4 = found(&boot_image(b"\x02\x21\x4c\x18 anything"));
    assert!(
        lz4.contains("compressed with lz4, which is not read"),
        "{lz4}"
    );
    assert!(found(b"BZh91AY&SY").contains("compressed with bzip2"));
    assert!(found(b"\x04\x22\x4d\x18..").contains("compressed with lz4"));
}

#[test]
fn a_package_gives_its_configuration_wherever_it_keeps_it() {
    for path in [
        "./boot/config-6.12",
        "./lib/modules/6.12/config",
        "./usr/lib/modules/7.2/config",
    ] {
        let files = Tar::new()
            .directory("./boot")
            .file("./boot/System.map-6.12", "x")
            .file(path, CONFIG)
            .file("./boot/vmlinuz-6.12", "not looked at");
        let place = format!("./it: {}", path.trim_start_matches("./"));
        assert_eq!(found(&deb("linux-image-6.12", files)), place);
        let path = path.trim_start_matches('.');
        for (pack, path) in [
            (gzip as fn(&[u8]) -> Vec<u8>, path),
            (xz, &path[1..]),
            (zstd, path),
        ] {
            let files = [
                ("./boot", &b""[..]),
                ("/etc/config-x", b"no"),
                (path, CONFIG.as_bytes()),
            ];
            assert_eq!(found(&rpm(&files, pack)), place);
        }
    }
}

#[test]
fn a_package_that_holds_only_a_kernel_gives_what_that_carries() {
    let image = boot_image(&gzip(&kernel(CONFIG.as_bytes())));
    let files = Tar::new().entry(
        EntryType::Regular,
        b"./boot/vmlinuz-6.12",
        b"",
        0o644,
        &image,
    );
    assert_eq!(
        found(&deb("linux", files)),
        "./it: boot/vmlinuz-6.12: its embedded configuration"
    );
}

#[test]
fn a_package_without_a_kernel_is_named() {
    let files = Tar::new()
        .file("./usr/share/doc/linux-image/copyright", "x")
        .link("./boot/config-6", "x");
    assert_eq!(
        found(&deb("linux-image-amd64", files)),
        "error: the package linux-image-amd64 1.2-3 in `./it` holds no configuration of a kernel"
    );
    assert_eq!(
        found(&rpm(&[("./usr/bin/x", b"x")], gzip)),
        "error: the package kernel-core 6.17.0-5.fc43 in `./it` holds no configuration of a kernel"
    );
}

#[test]
fn a_package_that_is_cut_short_is_refused_even_where_its_configuration_is_whole() {
    let noise: String = (0..200_000_u32)
        .map(|at| char::from(33 + (at.wrapping_mul(at.wrapping_mul(31)) % 89) as u8))
        .collect();
    let files = Tar::new()
        .file("./boot/config-6.12", CONFIG)
        .file("./boot/vmlinuz", &noise);
    let whole = deb("linux-image", files);
    for length in [whole.len() - 2, whole.len() / 2] {
        let told = found(&whole[..length]);
        assert!(
            told.starts_with("error: `./it` is cut short: it has"),
            "{told}"
        );
    }
    assert!(
        found(&whole[..100]).starts_with("error: `./it` is"),
        "{}",
        found(&whole[..100])
    );
    let whole = rpm(
        &[
            ("./boot/config-6", CONFIG.as_bytes()),
            ("./x", noise.as_bytes()),
        ],
        gzip,
    );
    for length in [whole.len() - 1, 300, 97, 5] {
        let told = found(&whole[..length]);
        assert!(told.contains("cut short"), "{length}: {told}");
    }
    let told = found(&ar(&[
        ("debian-binary", b"2.0\n"),
        ("control.tar.gz", &gzip(&control("x"))),
    ]));
    assert!(told.contains("it has no data archive"), "{told}");
}

#[test]
fn a_compressed_file_that_is_cut_short_is_damaged() {
    let text = CONFIG.repeat(100);
    for bytes in [
        gzip(text.as_bytes()),
        xz(text.as_bytes()),
        zstd(text.as_bytes()),
    ] {
        let told = found(&bytes[..bytes.len() - 9]);
        assert!(
            told.starts_with("error: `./it` is damaged or cut short"),
            "{told}"
        );
    }
}

#[test]
fn what_is_neither_text_nor_kernel_is_told_so() {
    let told = found(b"\x89PNG\r\n\x1a\n\0\0\0\x0d");
    assert_eq!(
        told,
        "error: `./it` is neither a configuration nor a kernel nor a package"
    );
    let (_dir, path) = put(b"");
    let told = from_file(&path.join("none")).unwrap_err().to_string();
    assert!(told.starts_with("cannot read "), "{told}");
}

#[test]
fn a_bomb_is_stopped() {
    let zeros = vec![b'#'; (MOST_CONFIG as usize) + 1];
    for bytes in [gzip(&zeros), zstd(&zeros), zeros.clone()] {
        assert_eq!(
            found(&bytes),
            "error: `./it` is longer than 4 MiB: no kernel's configuration is"
        );
    }
    let inside = found(&kernel(&zeros));
    assert!(
        inside.contains("unpacks to more bytes than any real one"),
        "{inside}"
    );
    let files = Tar::new().entry(EntryType::Regular, b"./boot/config-6", b"", 0o644, &zeros);
    let told = found(&deb("linux", files));
    assert!(
        told.contains("unpacks to more bytes than any real one"),
        "{told}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn no_change_of_a_file_makes_the_reader_panic(
        which in 0..4_usize,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        length in any::<prop::sample::Index>(),
    ) {
        let config = CONFIG.as_bytes();
        let mut bytes = match which {
            0 => rpm(&[("./boot/config-6", config)], gzip),
            1 => deb("linux", Tar::new().file("./boot/config-6", CONFIG)),
            2 => boot_image(&gzip(&[b"IKCFG_ST", &gzip(config)[..], b"IKCFG_ED"].concat())),
            _ => gzip(config),
        };
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(bytes.len() - length.index(bytes.len() / 4));
        let (_dir, path) = put(&bytes);
        let _ = from_file(&path);
    }
}
