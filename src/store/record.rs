//! Results: what a step made, by its key. A record keeps its action, so that a later plan can say what changed.

use std::{
    fs::{self, File, TryLockError},
    io::Write,
    path::PathBuf,
    thread,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::{Store, StoreError, failed};
use crate::{
    cancel::Cancel,
    step::{Product, Products, StepId, StepKey},
};

/// How often a step that another process runs is asked for.
const TICK: Duration = Duration::from_millis(100);

/// What a step made. Only successes are recorded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The key it is stored under.
    pub key: StepKey,
    /// The name of the plan that ran it, and the step's name there: by these the previous run of a step is found.
    #[serde(default)]
    pub plan: String,
    /// The step's name.
    pub id: StepId,
    /// The action, as canonical JSON.
    pub action: serde_json::Value,
    /// What it made.
    pub products: Products,
}

/// Held while a step runs: no other process runs a step of the same key meanwhile.
pub struct StepLock(File);

impl Drop for StepLock {
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

impl Store {
    fn record_path(&self, key: StepKey) -> PathBuf {
        self.root.join("results").join(format!("{key}.json"))
    }

    /// Returns what the step with this key made, when it is recorded. A damaged record counts as none.
    #[must_use]
    pub fn record(&self, key: StepKey) -> Option<Record> {
        let text = fs::read(self.record_path(key)).ok()?;
        let record: Record = serde_json::from_slice(&text).ok()?;
        (record.key == key).then_some(record)
    }

    /// Tells whether there is a record that cannot be read.
    #[must_use]
    pub fn is_damaged(&self, key: StepKey) -> bool {
        self.record_path(key).is_file() && self.record(key).is_none()
    }

    /// Tells whether everything the record names can be used now. Blobs are as long as they should be; their content is
    /// not verified.
    #[must_use]
    pub fn holds(&self, record: &Record) -> bool {
        record.products.values().all(|product| match product {
            Product::Blob { digest, size } => self.has(*digest, *size),
            Product::Tree { key } => self.tree(*key).is_some(),
        })
    }

    /// Records what a step made, and that it is now the latest run of its id.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn put_record(&self, record: &Record) -> Result<(), StoreError> {
        let text = serde_json::to_vec(record).expect("a record is plain data");
        self.put_at(&self.record_path(record.key), &text)?;
        self.put_at(
            &self.latest_path(&record.plan, &record.id),
            record.key.to_string().as_bytes(),
        )
    }

    /// Returns the latest recorded run of a step of this name in a plan of this name.
    #[must_use]
    pub fn latest(&self, plan: &str, id: &StepId) -> Option<Record> {
        let key = fs::read_to_string(self.latest_path(plan, id)).ok()?;
        self.record(StepKey(key.trim().parse().ok()?))
    }

    fn latest_path(&self, plan: &str, id: &StepId) -> PathBuf {
        let name = crate::digest::Digest::of(format!("{plan}\n{id}").as_bytes()).hex();
        self.root.join("results").join(format!("latest-{name}"))
    }

    pub(super) fn put_at(&self, path: &std::path::Path, text: &[u8]) -> Result<(), StoreError> {
        let tmp = self.root.join("tmp");
        let mut file =
            NamedTempFile::with_prefix_in("record-", &tmp).map_err(failed("write", &tmp))?;
        file.write_all(text).map_err(failed("write", path))?;
        file.as_file().sync_all().map_err(failed("flush", path))?;
        file.persist(path)
            .map_err(|error| failed("rename into", path)(error.error))?;
        Ok(())
    }

    /// Waits until no other process runs the step, then keeps others out until the lock is dropped. Calls `waiting`
    /// once when there is somebody to wait for.
    ///
    /// # Errors
    /// The lock file cannot be made or locked; [`StoreError::Interrupted`] when `cancel` is raised while it waits.
    pub fn lock_step(
        &self,
        key: StepKey,
        cancel: &Cancel,
        waiting: impl FnOnce(),
    ) -> Result<StepLock, StoreError> {
        let path = self.root.join("locks").join(key.to_string());
        let file = File::create(&path).map_err(failed("make", &path))?;
        let mut waiting = Some(waiting);
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(StepLock(file)),
                Err(TryLockError::Error(cause)) => return Err(failed("lock", &path)(cause)),
                Err(TryLockError::WouldBlock) => {
                    if let Some(waiting) = waiting.take() {
                        waiting();
                    }
                }
            }
            cancel.check()?;
            thread::sleep(TICK);
        }
    }
}
