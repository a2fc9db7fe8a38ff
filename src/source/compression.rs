//! What a stream is compressed with, told by its first bytes, and its decompression in bounded memory. Archives' names
//! are not believed.

use std::io::{self, BufRead, BufReader, Cursor, Read};

use liblzma::stream::{Action, MtStreamBuilder, Status, Stream};

/// More memory than this is not used to decompress in parallel, in bytes.
const PARALLEL_MEMORY: u64 = 144 << 20;
/// What needs more memory than this is refused, in bytes.
const MOST_MEMORY: u64 = 192 << 20;
/// The same for zstd, as the logarithm of its window's size.
const ZSTD_WINDOW_LOG: u32 = 27;
const BUFFER: usize = 128 * 1024;

/// Returns what `reader` yields, decompressed when it is compressed with xz, zstd or gzip. Uses up to `threads`
/// threads where the container allows; the bytes do not depend on it.
///
/// # Errors
/// The first bytes cannot be read, or are those of a compression that is not supported.
pub fn decompress<'r>(
    mut reader: impl Read + 'r,
    threads: usize,
) -> io::Result<Box<dyn Read + 'r>> {
    let mut magic = Vec::with_capacity(6);
    reader.by_ref().take(6).read_to_end(&mut magic)?;
    let whole = Cursor::new(magic.clone()).chain(reader);
    let unsupported = |name| {
        let text = format!("{name} is not supported: only xz, zstd, gzip or none");
        Err(io::Error::new(io::ErrorKind::Unsupported, text))
    };
    Ok(match magic.as_slice() {
        [0xfd, b'7', b'z', b'X', b'Z', 0] => Box::new(Xz::new(whole, threads)?),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            let mut decoder = zstd::stream::read::Decoder::new(whole)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG)?;
            Box::new(decoder)
        }
        [0x1f, 0x8b, ..] => Box::new(flate2::read::MultiGzDecoder::new(whole)),
        [b'B', b'Z', b'h', ..] => return unsupported("bzip2"),
        [0x5d, 0, 0, ..] => return unsupported("lzma"),
        _ => Box::new(whole),
    })
}

/// Returns how many threads are worth using to decompress.
#[must_use]
pub fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, |count| count.get().min(4))
}

/// An xz file: one or more streams with padding between them, blocks decompressed in parallel.
struct Xz<R: Read> {
    input: BufReader<R>,
    threads: usize,
    // None between two streams and after the last one.
    stream: Option<Stream>,
}

impl<R: Read> Xz<R> {
    fn new(input: R, threads: usize) -> io::Result<Self> {
        Ok(Self {
            input: BufReader::with_capacity(BUFFER, input),
            threads,
            stream: Some(decoder(threads)?),
        })
    }

    /// Skips padding. Returns whether another stream follows.
    fn begin_next(&mut self) -> io::Result<bool> {
        loop {
            let bytes = self.input.fill_buf()?;
            if bytes.is_empty() {
                return Ok(false);
            }
            let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
            let more = zeros < bytes.len();
            self.input.consume(zeros);
            if more {
                self.stream = Some(decoder(self.threads)?);
                return Ok(true);
            }
        }
    }
}

fn decoder(threads: usize) -> io::Result<Stream> {
    let mut builder = MtStreamBuilder::new();
    builder
        .threads(u32::try_from(threads).unwrap_or(1))
        .memlimit_threading(PARALLEL_MEMORY)
        .memlimit_stop(MOST_MEMORY);
    builder.decoder().map_err(io::Error::from)
}

impl<R: Read> Read for Xz<R> {
    fn read(&mut self, output: &mut [u8]) -> io::Result<usize> {
        while !output.is_empty() {
            if self.stream.is_none() && !self.begin_next()? {
                break;
            }
            let stream = self.stream.as_mut().expect("a stream was begun");
            let input = self.input.fill_buf()?;
            let (at_end, before) = (input.is_empty(), (stream.total_in(), stream.total_out()));
            let action = if at_end { Action::Finish } else { Action::Run };
            let status = stream
                .process(input, output, action)
                .map_err(io::Error::from)?;
            let taken = (stream.total_in() - before.0) as usize;
            let given = (stream.total_out() - before.1) as usize;
            self.input.consume(taken);
            match status {
                Status::StreamEnd => self.stream = None,
                Status::MemNeeded if at_end && given == 0 => {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                _ => {}
            }
            if given > 0 {
                return Ok(given);
            }
        }
        Ok(0)
    }
}

/// Fails after a number of bytes: what decompresses to more is not a package but a trap.
pub struct Bounded<R> {
    inner: R,
    left: u64,
}

impl<R> Bounded<R> {
    /// Returns a reader that fails when `inner` yields more than `most` bytes.
    pub fn new(inner: R, most: u64) -> Self {
        Self { inner, left: most }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, output: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(output)?;
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::FileTooLarge,
                "the archive unpacks to more bytes than any real one",
            )
        })?;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn text() -> Vec<u8> {
        (0..300_000_u32).flat_map(u32::to_le_bytes).collect()
    }

    /// An xz stream of several blocks.
    fn xz(bytes: &[u8]) -> Vec<u8> {
        let mut builder = MtStreamBuilder::new();
        let stream = builder.preset(0).block_size(100_000).encoder().unwrap();
        let mut writer = liblzma::write::XzEncoder::new_stream(Vec::new(), stream);
        writer.write_all(bytes).unwrap();
        writer.finish().unwrap()
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        writer.write_all(bytes).unwrap();
        writer.finish().unwrap()
    }

    fn unpacked(bytes: &[u8], threads: usize) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        decompress(bytes, threads)?.read_to_end(&mut out)?;
        Ok(out)
    }

    #[test]
    fn every_compression_is_told_by_its_bytes() {
        let text = text();
        for packed in [
            xz(&text),
            zstd::encode_all(text.as_slice(), 1).unwrap(),
            gzip(&text),
            text.clone(),
        ] {
            for threads in [1, 3] {
                assert!(unpacked(&packed, threads).unwrap() == text);
            }
        }
        assert!(unpacked(b"", 1).unwrap().is_empty());
        assert!(unpacked(b"BZh91AY", 1).is_err());
    }

    #[test]
    fn streams_of_xz_follow_each_other_with_padding() {
        let (one, two) = (text(), b"second".to_vec());
        let file = [xz(&one), vec![0; 8], xz(&two), vec![0; 4]].concat();
        assert!(unpacked(&file, 2).unwrap() == [one, two].concat());
    }

    #[test]
    fn a_cut_or_damaged_file_is_an_error() {
        for packed in [
            xz(&text()),
            zstd::encode_all(text().as_slice(), 1).unwrap(),
            gzip(&text()),
        ] {
            assert!(unpacked(&packed[..packed.len() / 2], 2).is_err());
            assert!(unpacked(&packed[..packed.len() - 1], 2).is_err());
        }
        let mut damaged = xz(&text());
        let middle = damaged.len() / 2;
        damaged[middle] ^= 1;
        assert!(unpacked(&damaged, 2).is_err());
    }

    #[test]
    fn a_bomb_is_stopped() {
        let bomb = xz(&vec![0; 10_000_000]);
        let mut reader = Bounded::new(decompress(bomb.as_slice(), 2).unwrap(), 9_999_999);
        let error = io::copy(&mut reader, &mut io::sink()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
    }
}
