//! The bench: all that a running step may touch. What is not on it, a step does not have: no clock, no environment,
//! no path of this machine but its scratch directory and the store's.

use std::{
    fs::File,
    io::Write,
    path::{Path, PathBuf},
    sync::Mutex,
};

use crate::{
    cancel::Cancel,
    digest::Digest,
    event::{Event, Sink},
    plan::action::HostTools,
    source::Network,
    step::{Product, Products, StepId, StepKey},
    store::{Scratch, Store, StoreError, failed},
    tool::{Invocation, Place, ToolError},
};

/// The one file of a tree that stands for the host's tools.
const HOST_TOOLS: &str = "host-tools.json";

/// What one running step works with.
pub struct Bench<'a> {
    /// The step's name.
    pub step: &'a StepId,
    /// The step's key.
    pub key: StepKey,
    /// Blobs and trees.
    pub store: &'a Store,
    /// How to reach mirrors, unless the build is offline.
    pub network: &'a Network,
    /// How many processes a tool may run at once. Must not reach any product.
    pub jobs: usize,
    /// Raised when the step must stop.
    pub cancel: &'a Cancel,
    sink: &'a dyn Sink,
    host_path: String,
    log: Mutex<File>,
    log_path: PathBuf,
}

impl<'a> Bench<'a> {
    /// Returns a bench whose tools' output goes to `sink` and to a new file at `log_path`.
    ///
    /// # Errors
    /// The log cannot be made.
    #[expect(
        clippy::too_many_arguments,
        reason = "a bench is the list of what a step may touch"
    )]
    pub fn new(
        step: &'a StepId,
        key: StepKey,
        store: &'a Store,
        network: &'a Network,
        jobs: usize,
        cancel: &'a Cancel,
        sink: &'a dyn Sink,
        log_path: PathBuf,
    ) -> std::io::Result<Self> {
        if let Some(parent) = log_path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        let log = Mutex::new(File::create(&log_path)?);
        Ok(Self {
            step,
            key,
            store,
            network,
            jobs,
            cancel,
            sink,
            host_path: crate::tool::PATH.to_owned(),
            log,
            log_path,
        })
    }

    /// Sets where the host's tools are looked for, as in `PATH`.
    #[must_use]
    pub fn host_path(mut self, path: impl Into<String>) -> Self {
        self.host_path = path.into();
        self
    }

    /// Returns where the step's tools' output is kept.
    #[must_use]
    pub fn log_path(&self) -> &Path {
        &self.log_path
    }

    /// Makes a scratch directory for this step.
    ///
    /// # Errors
    /// As [`Store::scratch`].
    pub fn scratch(&self) -> Result<Scratch, StoreError> {
        self.store.scratch("step")
    }

    /// Returns where the tree with this digest is: what an action's input of kind tree means.
    ///
    /// # Errors
    /// As [`Store::need_tree`].
    pub fn tree(&self, input: Digest) -> Result<PathBuf, StoreError> {
        self.store.need_tree(StepKey(input))
    }

    /// Returns where this action's tools run: the toolchain's root, or the host when there is none.
    ///
    /// # Errors
    /// As [`Store::need_tree`].
    pub fn place(&self, toolchain: Option<Digest>) -> Result<Place, StoreError> {
        let host = || Place::Host {
            path: self.host_path.clone(),
        };
        let Some(root) = toolchain else {
            return Ok(host());
        };
        let root = self.tree(root)?;
        Ok(if root.join(HOST_TOOLS).is_file() {
            host()
        } else {
            Place::Sandbox(root)
        })
    }

    /// Makes the tree that stands for the host's tools. Product: `tree`.
    ///
    /// # Errors
    /// As [`Store::write_tree`].
    pub fn keep_host_tools(&self, action: &HostTools) -> Result<Products, StoreError> {
        let tree = self.store.write_tree(self.key)?;
        let path = tree.path()?.join(HOST_TOOLS);
        let text = serde_json::to_vec_pretty(action).expect("digests by name are plain data");
        std::fs::write(&path, text).map_err(failed("write", &path))?;
        tree.finish()?;
        Ok(Products::from([(
            "tree".to_owned(),
            Product::Tree { key: self.key },
        )]))
    }

    /// Runs a program; every line it prints goes to the step's log and to the sink.
    ///
    /// # Errors
    /// As [`crate::tool::run`].
    pub fn run(&self, place: &Place, invocation: &Invocation) -> Result<(), ToolError> {
        self.run_watched(place, invocation, &mut |_| {})
    }

    /// Runs a program as [`Bench::run`] does, and shows every line it prints to `watch` as well.
    ///
    /// # Errors
    /// As [`crate::tool::run`].
    pub fn run_watched(
        &self,
        place: &Place,
        invocation: &Invocation,
        watch: &mut dyn FnMut(&str),
    ) -> Result<(), ToolError> {
        self.note(&format!("$ {invocation}"));
        crate::tool::run(place, invocation, self.cancel, &mut |line| {
            self.line(line);
            watch(line);
        })
        .map_err(|error| error.logged_at(&self.log_path))
    }

    /// Tells how much of the step's work is done.
    pub fn progress(&self, done: u64, total: Option<u64>) {
        self.sink.take(Event::Progress {
            step: self.step.clone(),
            done,
            total,
        });
    }

    /// Tells the user something that stops nothing.
    pub fn warn(&self, text: impl Into<String>) {
        let text = text.into();
        self.note(&format!("warning: {text}"));
        self.sink.take(Event::Warning {
            step: Some(self.step.clone()),
            text,
        });
    }

    /// Writes a line to the step's log only.
    pub fn note(&self, text: &str) {
        let mut log = self
            .log
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        // A full disk stops the step where its products are written, not here.
        let _ = writeln!(log, "{text}");
    }

    fn line(&self, text: &str) {
        self.note(text);
        self.sink.take(Event::Line {
            step: self.step.clone(),
            text: text.to_owned(),
        });
    }
}
