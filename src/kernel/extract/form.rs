//! What a file is, told by its first bytes. Names of files are not believed.

/// A kind of file that may hold a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A Debian package.
    Deb,
    /// An RPM package.
    Rpm,
    /// Compressed as a whole, with a compression that is read.
    Packed,
    /// Compressed as a whole, with this compression, which is not read.
    Foreign(&'static str),
    /// A kernel image.
    Kernel,
    /// Text, or what should be.
    Text,
    /// Anything else. It is searched all the same: boot images have many forms.
    Unknown,
}

/// Magic numbers at the start of a file.
const STARTS: [(&[u8], Form); 12] = [
    (b"!<arch>\n", Form::Deb),
    (b"\xed\xab\xee\xdb", Form::Rpm),
    (b"\x1f\x8b", Form::Packed),
    (b"\xfd7zXZ\0", Form::Packed),
    (b"\x28\xb5\x2f\xfd", Form::Packed),
    (b"BZh", Form::Foreign("bzip2")),
    (b"\x02\x21\x4c\x18", Form::Foreign("lz4")),
    (b"\x04\x22\x4d\x18", Form::Foreign("lz4")),
    (b"\x89LZO\0\r\n\x1a\n", Form::Foreign("lzo")),
    (b"\x5d\0\0", Form::Foreign("lzma")),
    (b"\x7fELF", Form::Kernel),
    (b"MZ", Form::Kernel),
];

/// Magic numbers elsewhere: x86 without an EFI stub, Arm, RISC-V, IBM Z (Linux, `Documentation/arch`).
const INSIDE: [(usize, &[u8]); 4] = [
    (0x202, b"HdrS"),
    (56, b"ARM\x64"),
    (56, b"RSC\x05"),
    (0x10008, b"S390EP"),
];

impl Form {
    /// Tells what the file is that begins with `head`.
    pub(super) fn of(head: &[u8]) -> Self {
        if let Some((_, form)) = STARTS.iter().find(|(magic, _)| head.starts_with(magic)) {
            return *form;
        }
        if INSIDE
            .iter()
            .any(|(at, magic)| head.get(*at..at + magic.len()) == Some(*magic))
        {
            return Self::Kernel;
        }
        // A NUL in a file that begins as a configuration does is a mistake in it, with a line; elsewhere it is no text.
        let begins = head.starts_with(b"#") || head.starts_with(b"CONFIG_");
        if begins || memchr::memchr(0, head).is_none() {
            Self::Text
        } else {
            Self::Unknown
        }
    }
}
