//! Where a kernel keeps its configuration: in a file, inside an image, in a package, in a directory of installed kernels.
//! Finds the text; what it says is for `configfile`. Everything here may be anybody's file, so every size is bounded.

mod directory;
mod embedded;
mod error;
mod form;
mod package;
mod rpm;
#[cfg(test)]
mod tests;

use std::{
    fs::File,
    io::{self, Cursor, Read},
    path::Path,
};

pub use directory::{from_directory, from_host};
pub use error::ExtractError;
use form::Form;

use crate::source::compression::{Bounded, decompress, threads};

/// No configuration is longer, in bytes; real ones have a third of a MiB.
const MOST_CONFIG: u64 = 4 << 20;
/// As much of a kernel is held in memory, in bytes. A longer file is searched as a stream.
const MOST_IMAGE: u64 = 256 << 20;
/// As much of a file tells what it is, in bytes: past the magic numbers of every boot image.
const HEAD: u64 = 64 << 10;

/// A configuration's text, and where it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The place in messages: `linux-image.deb: boot/config-6.12.117`.
    pub name: String,
    /// The text, as it was kept there.
    pub bytes: Vec<u8>,
}

/// Finds the configuration in a file: a `.config`, a kernel, or a package that holds either. What the file is follows
/// from its content; a pipe will do.
///
/// # Errors
/// It cannot be read, is damaged or cut short, is none of these, or holds no configuration.
pub fn from_file(path: &Path) -> Result<Found, ExtractError> {
    let unreadable = |cause| ExtractError::Read {
        path: path.to_owned(),
        cause,
    };
    let mut file = File::open(path).map_err(unreadable)?;
    let mut head = Vec::new();
    file.by_ref()
        .take(HEAD)
        .read_to_end(&mut head)
        .map_err(unreadable)?;
    let name = path.display().to_string();
    let form = Form::of(&head);
    if form == Form::Deb {
        package::is_whole_deb(&name, path)?;
    }
    let size = file.metadata().map_or(0, |metadata| metadata.len());
    from_reader(&name, form, size, Cursor::new(head).chain(file))
}

/// Finds the configuration in what `reader` yields; `size` is its length in bytes, 0 when that is not known.
fn from_reader(
    name: &str,
    form: Form,
    size: u64,
    reader: impl Read,
) -> Result<Found, ExtractError> {
    match form {
        Form::Deb => package::from_deb(name, reader),
        Form::Rpm => rpm::from_rpm(name, size, reader),
        Form::Packed => from_packed(name, reader),
        Form::Foreign(compression) => Err(ExtractError::Compression {
            name: name.to_owned(),
            compression,
        }),
        Form::Text => text(name, reader),
        Form::Kernel | Form::Unknown => from_image(name, form, reader),
    }
}

/// Finds the configuration in a compressed `.config` or a compressed kernel.
fn from_packed(name: &str, reader: impl Read) -> Result<Found, ExtractError> {
    let damaged = damaged(name);
    let mut unpacked = decompress(reader, threads()).map_err(&damaged)?;
    let mut head = Vec::new();
    unpacked
        .by_ref()
        .take(HEAD)
        .read_to_end(&mut head)
        .map_err(&damaged)?;
    match Form::of(&head) {
        Form::Text => text(name, Cursor::new(head).chain(unpacked)),
        // Compressed once is a kernel's form; packages and archives are compressed inside.
        form => from_image(name, form, Cursor::new(head).chain(unpacked)),
    }
}

/// Reads a configuration's text.
fn text(name: &str, reader: impl Read) -> Result<Found, ExtractError> {
    let mut bytes = Vec::new();
    match Bounded::new(reader, MOST_CONFIG).read_to_end(&mut bytes) {
        Ok(_) => Ok(Found {
            name: name.to_owned(),
            bytes,
        }),
        Err(error) if error.kind() == io::ErrorKind::FileTooLarge => Err(ExtractError::TooLong {
            name: name.to_owned(),
            most: MOST_CONFIG,
        }),
        Err(error) => Err(damaged(name)(error)),
    }
}

/// Finds the configuration that a kernel carries inside.
fn from_image(name: &str, form: Form, mut reader: impl Read) -> Result<Found, ExtractError> {
    let damaged = damaged(name);
    let mut image = Vec::new();
    reader
        .by_ref()
        .take(MOST_IMAGE)
        .read_to_end(&mut image)
        .map_err(&damaged)?;
    let at_once = image.len() < usize::try_from(MOST_IMAGE).unwrap_or(usize::MAX);
    let plain = embedded::plain(Cursor::new(&image).chain(reader)).map_err(&damaged)?;
    if let Some(bytes) = plain {
        return Ok(inside(name, bytes));
    }
    let packed = if at_once {
        embedded::packed(&image)
    } else {
        embedded::Packed::Nothing
    };
    let name = name.to_owned();
    match (packed, form) {
        (embedded::Packed::Config(bytes), _) => Ok(inside(&name, bytes)),
        (embedded::Packed::Foreign(compression), _) => {
            Err(ExtractError::Compression { name, compression })
        }
        (embedded::Packed::Nothing, Form::Kernel) => Err(ExtractError::NoneInKernel { name }),
        (embedded::Packed::Nothing, _) => Err(ExtractError::Unknown { name }),
    }
}

fn inside(name: &str, bytes: Vec<u8>) -> Found {
    Found {
        name: format!("{name}: its embedded configuration"),
        bytes,
    }
}

fn damaged(name: &str) -> impl Fn(io::Error) -> ExtractError + '_ {
    |cause| ExtractError::Damaged {
        name: name.to_owned(),
        cause,
    }
}
