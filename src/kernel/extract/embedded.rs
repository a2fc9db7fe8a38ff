//! The configuration that a kernel built with CONFIG_IKCONFIG carries: a gzip file between two marks (Linux,
//! `kernel/configs.c`), in the kernel itself or in the compressed part of a boot image.

use std::io::{self, Read};

use liblzma::{read::XzDecoder, stream::Stream};
use memchr::memmem;

use super::{MOST_CONFIG, MOST_IMAGE};
use crate::source::compression::Bounded;

/// The mark before it, with the first bytes of the gzip file that follows.
const START: &[u8] = b"IKCFG_ST\x1f\x8b\x08";
/// How many of them are the mark.
const MARK: usize = 8;
/// How much of a stream is searched at once, in bytes.
const CHUNK: u64 = 1 << 20;
/// How many places that look like the start of a compressed kernel are tried, and how many bytes they may unpack to
/// together. Real images have a handful of such places.
const MOST_TRIES: usize = 128;
const MOST_UNPACKED: u64 = 4 * MOST_IMAGE;
/// What needs more memory than this to decompress is refused, in bytes.
const MOST_MEMORY: u64 = 192 << 20;
/// The same for zstd, as the logarithm of its window's size. Kernels are packed with a window of 128 MiB.
const ZSTD_WINDOW_LOG: u32 = 27;

/// What was found in the compressed parts of an image.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Packed {
    /// A configuration.
    Config(Vec<u8>),
    /// No configuration, and a part in this compression, which is not read.
    Foreign(&'static str),
    /// No configuration.
    Nothing,
}

/// How a part of an image is compressed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Packing {
    Gzip,
    Xz,
    Zstd,
    Lzma,
}

/// How compressed parts begin that are read.
const BEGINNINGS: [(&[u8], Packing); 4] = [
    (b"\x1f\x8b\x08", Packing::Gzip),
    (b"\xfd7zXZ\0", Packing::Xz),
    (b"\x28\xb5\x2f\xfd", Packing::Zstd),
    (b"\x5d\0\0", Packing::Lzma),
];

/// How those begin that are not. The kernel writes lz4 in its old form only.
const FOREIGN: [(&[u8], &str); 3] = [
    (b"\x02\x21\x4c\x18", "lz4"),
    (b"\x89LZO\0\r\n\x1a\n", "lzo"),
    (b"BZh", "bzip2"),
];

/// Returns the configuration that lies open in a kernel.
///
/// # Errors
/// The kernel cannot be read, or the configuration in it is damaged.
pub(super) fn plain(mut reader: impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut window = Vec::new();
    loop {
        let read = reader.by_ref().take(CHUNK).read_to_end(&mut window)?;
        let mut done = 0;
        while let Some(at) = memmem::find(&window[done..], START) {
            done += at + MARK;
            let known = (window.len() - done) as u64;
            let more = MOST_CONFIG.saturating_sub(known);
            reader.by_ref().take(more).read_to_end(&mut window)?;
            let mut text = Vec::new();
            let packed = flate2::read::GzDecoder::new(&window[done..]);
            match Bounded::new(packed, MOST_CONFIG).read_to_end(&mut text) {
                Ok(_) => return Ok(Some(text)),
                // A program that looks for the mark holds it, too, and no configuration behind it.
                Err(_) if text.is_empty() => {}
                Err(error) => return Err(error),
            }
        }
        if read == 0 {
            return Ok(None);
        }
        // The mark may lie across two chunks.
        let keep = window.len().saturating_sub(START.len() - 1);
        window.drain(..keep.max(done.min(window.len())));
    }
}

/// Looks for the configuration in every compressed part of an image.
pub(super) fn packed(image: &[u8]) -> Packed {
    let mut places: Vec<(usize, Packing)> = BEGINNINGS
        .iter()
        .flat_map(|(magic, packing)| {
            let places = memmem::find_iter(image, magic).take(MOST_TRIES);
            places.map(move |at| (at, *packing))
        })
        .collect();
    places.sort_by_key(|(at, _)| *at);
    let mut budget = MOST_UNPACKED;
    for (at, packing) in places {
        let Ok(unpacked) = unpack(packing, &image[at..]) else {
            continue;
        };
        let mut unpacked = unpacked.take(budget);
        // What only looked like a compressed part fails, or yields a little that means nothing.
        if let Ok(Some(config)) = plain(&mut unpacked) {
            return Packed::Config(config);
        }
        budget = unpacked.limit();
    }
    // Kernels hold the magic numbers of every compression, so only the place that the image names counts here.
    let packed = payload(image).and_then(|at| image.get(at..));
    let foreign = packed.and_then(|packed| {
        let mut known = FOREIGN.iter();
        known.find(|(magic, _)| packed.starts_with(magic))
    });
    foreign.map_or(Packed::Nothing, |(_, name)| Packed::Foreign(name))
}

/// Returns where the compressed kernel of a boot image begins (Linux, `Documentation/arch/x86/boot.rst` and
/// `drivers/firmware/efi/libstub/zboot-header.S`).
fn payload(image: &[u8]) -> Option<usize> {
    let word = |at: usize| {
        let bytes = image.get(at..at + 4)?.try_into().ok()?;
        usize::try_from(u32::from_le_bytes(bytes)).ok()
    };
    if image.get(4..8)? == b"zimg" {
        return word(8);
    }
    if image.get(0x202..0x206)? != b"HdrS" {
        return None;
    }
    let setup = match *image.get(0x1f1)? {
        0 => 4,
        sectors => usize::from(sectors),
    };
    word(0x248)?.checked_add((setup + 1) * 512)
}

/// Returns what the one stream at the start of `bytes` unpacks to. What follows the stream is not looked at.
fn unpack(packing: Packing, bytes: &[u8]) -> io::Result<Box<dyn Read + '_>> {
    Ok(match packing {
        Packing::Gzip => Box::new(flate2::read::GzDecoder::new(bytes)),
        Packing::Xz => Box::new(XzDecoder::new_stream(
            bytes,
            Stream::new_stream_decoder(MOST_MEMORY, 0).map_err(io::Error::from)?,
        )),
        Packing::Lzma => Box::new(XzDecoder::new_stream(
            bytes,
            Stream::new_lzma_decoder(MOST_MEMORY).map_err(io::Error::from)?,
        )),
        Packing::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(bytes)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG)?;
            Box::new(decoder.single_frame())
        }
    })
}
