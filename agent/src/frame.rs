//! ttrpc frames: a header of ten bytes, big-endian, and a body. Knows nothing of what a body means.
//!
//! Written out here instead of taken from the ttrpc crate. Its synchronous server answers an unknown method with
//! INVALID_ARGUMENT, starts four threads for a connection and unwraps in places; a panic in process 1 ends the guest.
//! It would also bring some fifty crates into the sandbox, most of them to generate code, for what is a page of it
//! here. prost reads and writes the bodies. `interop/` holds this against the ttrpc crate's own client.

use std::io::{self, Read, Write};

/// The largest body that ttrpc allows, in bytes.
pub(crate) const LARGEST_BODY: u32 = 4 << 20;

/// The header's length in bytes: length u32, stream u32, kind u8, flags u8.
const HEADER: usize = 10;

/// What a frame is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A client asks.
    Request,
    /// A server answers.
    Response,
    /// Anything else: streaming data, or kinds that do not exist yet.
    Other(u8),
}

impl Kind {
    fn from_byte(byte: u8) -> Kind {
        match byte {
            1 => Kind::Request,
            2 => Kind::Response,
            other => Kind::Other(other),
        }
    }

    fn byte(self) -> u8 {
        match self {
            Kind::Request => 1,
            Kind::Response => 2,
            Kind::Other(other) => other,
        }
    }
}

/// One frame as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    /// Which conversation; a client's are odd.
    pub(crate) stream: u32,
    pub(crate) kind: Kind,
    pub(crate) body: Body,
}

/// A frame's content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    /// All of it.
    Whole(Vec<u8>),
    /// It was larger than allowed, of this many bytes, and was thrown away.
    TooLarge(u32),
}

/// Reads one frame. None when the peer closed between two frames.
///
/// Memory grows with the bytes that arrive, not with the length that the header claims.
pub(crate) fn read(from: &mut impl Read) -> io::Result<Option<Frame>> {
    let mut header = [0; HEADER];
    let first = read_some(from, &mut header)?;
    if first == 0 {
        return Ok(None);
    }
    from.read_exact(&mut header[first..])?;
    let [a, b, c, d, e, f, g, h, kind, _flags] = header;
    let length = u32::from_be_bytes([a, b, c, d]);
    let stream = u32::from_be_bytes([e, f, g, h]);
    Ok(Some(Frame { stream, kind: Kind::from_byte(kind), body: read_body(from, length)? }))
}

/// Writes one frame, in one write where the transport allows.
pub(crate) fn write(to: &mut impl Write, stream: u32, kind: Kind, body: &[u8]) -> io::Result<()> {
    let length = u32::try_from(body.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let mut bytes = Vec::with_capacity(HEADER + body.len());
    bytes.extend(length.to_be_bytes());
    bytes.extend(stream.to_be_bytes());
    bytes.extend([kind.byte(), 0]);
    bytes.extend(body);
    to.write_all(&bytes)?;
    to.flush()
}

fn read_some(from: &mut impl Read, into: &mut [u8]) -> io::Result<usize> {
    loop {
        match from.read(into) {
            Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

fn read_body(from: &mut impl Read, length: u32) -> io::Result<Body> {
    let mut limited = from.take(u64::from(length));
    if length > LARGEST_BODY {
        let thrown_away = io::copy(&mut limited, &mut io::sink())?;
        return whole(thrown_away, length).map(|()| Body::TooLarge(length));
    }
    let mut body = Vec::new();
    limited.read_to_end(&mut body)?;
    whole(body.len() as u64, length).map(|()| Body::Whole(body))
}

fn whole(read: u64, length: u32) -> io::Result<()> {
    if read == u64::from(length) {
        Ok(())
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(length: u32, stream: u32, kind: u8, body: &[u8]) -> Vec<u8> {
        [&length.to_be_bytes()[..], &stream.to_be_bytes(), &[kind, 0], body].concat()
    }

    #[test]
    fn the_wire_form_is_big_endian_length_stream_kind_flags() {
        let mut wire = Vec::new();
        write(&mut wire, 3, Kind::Response, b"ab").unwrap();
        assert_eq!(wire, [0, 0, 0, 2, 0, 0, 0, 3, 2, 0, b'a', b'b']);
    }

    #[test]
    fn a_written_frame_reads_back() {
        let mut wire = Vec::new();
        write(&mut wire, 7, Kind::Request, b"body").unwrap();
        let frame = Frame { stream: 7, kind: Kind::Request, body: Body::Whole(b"body".to_vec()) };
        assert_eq!(read(&mut &wire[..]).unwrap(), Some(frame));
    }

    #[test]
    fn a_peer_that_closes_between_frames_is_no_error() {
        assert_eq!(read(&mut &[][..]).unwrap(), None);
    }

    #[test]
    fn a_truncated_frame_is_an_error_at_every_length() {
        let wire = bytes(4, 1, 1, b"body");
        for length in 1..wire.len() {
            assert!(read(&mut &wire[..length]).is_err(), "{length}");
        }
    }

    #[test]
    fn an_oversized_body_is_thrown_away_and_the_next_frame_is_read() {
        let mut wire = bytes(LARGEST_BODY + 1, 1, 1, &vec![9; LARGEST_BODY as usize + 1]);
        wire.extend(bytes(0, 3, 1, b""));
        let mut from = &wire[..];
        assert_eq!(read(&mut from).unwrap().unwrap().body, Body::TooLarge(LARGEST_BODY + 1));
        assert_eq!(read(&mut from).unwrap().unwrap().stream, 3);
    }

    #[test]
    fn a_claimed_length_allocates_nothing_by_itself() {
        assert!(read(&mut &bytes(LARGEST_BODY, 1, 1, b"few")[..]).is_err());
        assert!(read(&mut &bytes(u32::MAX, 1, 1, b"few")[..]).is_err());
    }

    #[test]
    fn unknown_kinds_are_kept() {
        assert_eq!(read(&mut &bytes(0, 2, 9, b"")[..]).unwrap().unwrap().kind, Kind::Other(9));
    }
}
