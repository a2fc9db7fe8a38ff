//! What an upload needs of this machine: the part of a file that a request sends, and a note of where the upload goes on,
//! for the next process.

use std::{
    fs::{self, File},
    io::{self, Read, Seek, Write},
    path::PathBuf,
};

use super::{Bearings, wire::origin_of};
use crate::{digest::Digest, event::Event, step::StepId, store::Store};

/// Progress is told each time this many bytes have gone out.
const PROGRESS: u64 = 256 << 10;

/// A part of a file that tells how much of it was read, and ends early when the work is stopped.
pub(super) struct Part<'a> {
    pub(super) file: File,
    pub(super) left: u64,
    pub(super) done: u64,
    pub(super) told: u64,
    pub(super) total: u64,
    pub(super) step: &'a StepId,
    pub(super) bearings: Bearings<'a>,
}

impl Read for Part<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.bearings.cancel.check().map_err(io::Error::other)?;
        let most = bytes
            .len()
            .min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let read = self.file.read(&mut bytes[..most])?;
        self.left -= read as u64;
        self.done += read as u64;
        if self.done >= self.told + PROGRESS || self.left == 0 {
            self.told = self.done;
            self.bearings.sink.take(Event::Progress {
                step: self.step.clone(),
                done: self.done,
                total: Some(self.total),
            });
        }
        Ok(read)
    }
}

/// Where the location of an upload is kept while it lasts. Locked: two processes do not send to one upload.
pub(super) struct Note {
    path: PathBuf,
    file: File,
}

impl Note {
    /// Returns the note for a blob on its way to a repository, unless another process has it.
    pub(super) fn open(base: &str, digest: Digest, store: &Store) -> Option<Self> {
        let place = Digest::of(base.as_bytes()).short();
        let path = store.partial(digest).with_extension(format!("to-{place}"));
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .ok()?;
        file.try_lock().ok()?;
        Some(Self { path, file })
    }

    pub(super) fn read(&self) -> Option<String> {
        let mut text = String::new();
        (&self.file).rewind().ok()?;
        (&self.file).read_to_string(&mut text).ok()?;
        let location = text.strip_suffix('\n')?;
        (!origin_of(location).is_empty()).then(|| location.to_owned())
    }

    /// Without it, the next process only begins anew.
    pub(super) fn write(&self, location: &str) {
        let mut file = &self.file;
        let _ = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| file.write_all(format!("{location}\n").as_bytes()));
    }

    pub(super) fn forget(&self) {
        let _ = fs::remove_file(&self.path);
    }
}

impl Drop for Note {
    fn drop(&mut self) {
        if self.file.metadata().is_ok_and(|it| it.len() == 0) {
            self.forget();
        }
    }
}
