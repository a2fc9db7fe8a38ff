//! Kernel packages: which of a package's files holds the configuration. Debian's container is read here, RPM's in `rpm`.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    ops::ControlFlow,
    path::Path,
};

use super::{ExtractError, Form, Found, MOST_CONFIG, MOST_IMAGE, damaged, from_image};
use crate::source::{
    compression::{Bounded, threads},
    package::{self, Identity, PackageError},
};

/// A package that unpacks to more bytes is refused: a kernel with all its modules has half a GiB.
pub(super) const MOST_PACKAGE: u64 = 8 << 30;

/// What was seen of a package's files so far.
#[derive(Default)]
pub(super) struct Files {
    config: Option<Found>,
    kernel: Option<Found>,
}

impl Files {
    /// Looks at one file, and stops at a configuration: a kernel may carry one as well, which is only looked for when
    /// there is no other.
    pub(super) fn look(
        &mut self,
        package: &str,
        path: &[u8],
        content: impl Read,
    ) -> io::Result<ControlFlow<()>> {
        let path = String::from_utf8_lossy(path);
        let path = path.trim_start_matches("./").trim_start_matches('/');
        let take = |most| {
            let mut bytes = Vec::new();
            let name = format!("{package}: {path}");
            Bounded::new(content, most).read_to_end(&mut bytes)?;
            io::Result::Ok(Some(Found { name, bytes }).filter(|found| !found.bytes.is_empty()))
        };
        if is_config(path) {
            self.config = take(MOST_CONFIG)?;
        } else if self.kernel.is_none() && is_kernel(path) {
            self.kernel = take(MOST_IMAGE)?;
        }
        Ok(match self.config {
            Some(_) => ControlFlow::Break(()),
            None => ControlFlow::Continue(()),
        })
    }

    /// Returns the configuration: the one that was found, or the one inside the kernel.
    pub(super) fn config(self, name: &str, package: String) -> Result<Found, ExtractError> {
        if let Some(found) = self.config {
            return Ok(found);
        }
        match self.kernel {
            Some(kernel) => from_image(&kernel.name, Form::Kernel, kernel.bytes.as_slice()),
            None => Err(ExtractError::NoneInPackage {
                name: name.to_owned(),
                package,
            }),
        }
    }
}

/// `boot/config-6.12`, `usr/lib/modules/6.12/config`, and of a package with headers `usr/src/linux-headers-6.12/.config`.
fn is_config(path: &str) -> bool {
    let path = path.strip_prefix("usr/").unwrap_or(path);
    let parts: Vec<&str> = path.split('/').collect();
    match parts[..] {
        ["boot", file] => file.starts_with("config-"),
        ["lib", "modules", _, "config"] | ["src", _, ".config"] => true,
        ["lib", "modules", _, "build", ".config"] => true,
        _ => false,
    }
}

fn is_kernel(path: &str) -> bool {
    let path = path.strip_prefix("usr/").unwrap_or(path);
    let is_kernel = |file: &str| {
        ["vmlinuz", "vmlinux", "Image", "bzImage"]
            .iter()
            .any(|name| file.starts_with(name))
    };
    let parts: Vec<&str> = path.split('/').collect();
    match parts[..] {
        ["boot", file] | ["lib", "modules", _, file] => is_kernel(file),
        // Kata's own packages.
        ["share", "kata-containers", file] => is_kernel(file),
        _ => false,
    }
}

/// Finds the configuration in a Debian package.
pub(super) fn from_deb(name: &str, reader: impl Read) -> Result<Found, ExtractError> {
    let mut what = Identity::default();
    let mut files = Files::default();
    let identify = |found: Identity| {
        what = found;
        Ok(())
    };
    let outcome = package::read(reader, MOST_PACKAGE, threads(), identify, |data| {
        let mut archive = tar::Archive::new(data);
        for entry in archive.entries()? {
            let entry = entry?;
            if !entry.header().entry_type().is_file() {
                continue;
            }
            let path = entry.path_bytes().into_owned();
            if files.look(name, &path, entry)?.is_break() {
                break;
            }
        }
        Ok(())
    });
    match outcome {
        Ok(()) => files.config(name, format!("{} {}", what.name, what.version)),
        Err(PackageError::Io(cause)) => Err(damaged(name)(cause)),
        Err(PackageError::NotAPackage(why)) => Err(ExtractError::Package {
            name: name.to_owned(),
            why: why.to_owned(),
        }),
    }
}

/// Checks that a Debian package is as long as its parts are together: its configuration is found before its end is
/// read. A pipe cannot be looked at so.
pub(super) fn is_whole_deb(name: &str, path: &Path) -> Result<(), ExtractError> {
    let damaged = damaged(name);
    let mut file = File::open(path).map_err(&damaged)?;
    let Ok(has) = file.seek(SeekFrom::End(0)) else {
        return Ok(());
    };
    let mut at = 8;
    while at < has {
        let mut header = [0; 60];
        file.seek(SeekFrom::Start(at)).map_err(&damaged)?;
        file.read_exact(&mut header).map_err(&damaged)?;
        let size = str::from_utf8(&header[48..58]).ok();
        let Some(size) = size.and_then(|size| size.trim_end().parse::<u64>().ok()) else {
            let why = format!("the part at byte {at} has no length");
            let name = name.to_owned();
            return Err(ExtractError::Package { name, why });
        };
        let needs = at + 60 + size;
        if needs > has {
            let name = name.to_owned();
            return Err(ExtractError::CutShort { name, has, needs });
        }
        // Parts begin at even places.
        at = needs + needs % 2;
    }
    Ok(())
}
