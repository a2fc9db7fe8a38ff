//! Threads that write files while the next ones are being decompressed. Bounded: a slow disk slows the archive down.

use std::{
    io::{self, Read, Write},
    sync::{
        Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};

use super::{
    entries::{AtOnce, Deliver},
    tree::NewFile,
};

/// Larger files are written by the thread that reads the archive, in bytes.
const LARGE: u64 = 1 << 20;
/// Files are handed over when this many bytes are together.
const BATCH: usize = 512 << 10;
/// Or this many files.
const BATCH_FILES: usize = 128;
/// How many batches may wait. With [`LARGE`] and [`BATCH`] this bounds what is held in memory.
const WAITING: usize = 12;

type Batch = Vec<(NewFile, Vec<u8>)>;

/// Where files are handed over.
pub(super) struct Writers {
    sender: SyncSender<Batch>,
    batch: Batch,
    size: usize,
}

/// Runs `read` with `count` threads that write the files it delivers. Returns when all are written.
///
/// # Errors
/// That of the first file that could not be written, otherwise that of `read`.
pub(super) fn with_writers<T, E: From<io::Error>>(
    count: usize,
    read: impl FnOnce(&mut Writers) -> Result<T, E>,
) -> Result<T, E> {
    let (sender, receiver) = sync_channel(WAITING);
    let receiver = Mutex::new(receiver);
    let mut writers = Writers {
        sender,
        batch: Vec::new(),
        size: 0,
    };
    thread::scope(|scope| {
        // `read` must not wait for writers that have given up: the last of them closes the channel.
        let receiver = std::sync::Arc::new(receiver);
        let threads: Vec<_> = (0..count.max(1))
            .map(|_| {
                let receiver = std::sync::Arc::clone(&receiver);
                scope.spawn(move || write_all(&receiver))
            })
            .collect();
        drop(receiver);
        let result = read(&mut writers);
        let flushed = if result.is_ok() {
            writers.flush()
        } else {
            Ok(())
        };
        drop(writers);
        for thread in threads {
            thread.join().unwrap_or_else(|_| Err(panicked()))?;
        }
        let made = result?;
        flushed?;
        Ok(made)
    })
}

impl Deliver for Writers {
    fn deliver(&mut self, file: NewFile, size: u64, content: &mut dyn Read) -> io::Result<()> {
        if size > LARGE {
            return AtOnce.deliver(file, size, content);
        }
        let mut bytes = Vec::with_capacity(size as usize);
        content.read_to_end(&mut bytes)?;
        self.size += bytes.len();
        self.batch.push((file, bytes));
        if self.size >= BATCH || self.batch.len() >= BATCH_FILES {
            self.flush()?;
        }
        Ok(())
    }
}

impl Writers {
    fn flush(&mut self) -> io::Result<()> {
        self.size = 0;
        let batch = std::mem::take(&mut self.batch);
        // Why they gave up, they tell when they are joined.
        self.sender.send(batch).map_err(|_| panicked())
    }
}

fn write_all(receiver: &Mutex<Receiver<Batch>>) -> io::Result<()> {
    loop {
        let next = receiver
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .recv();
        let Ok(batch) = next else {
            return Ok(());
        };
        for (file, bytes) in batch {
            write(&file, &bytes).map_err(|error| {
                io::Error::new(error.kind(), format!("{}: {error}", file.path.display()))
            })?;
        }
    }
}

fn write(file: &NewFile, bytes: &[u8]) -> io::Result<()> {
    let mut made = file.create()?;
    made.write_all(bytes)?;
    file.dress(&made)
}

fn panicked() -> io::Error {
    io::Error::other("the threads that write files have ended")
}
