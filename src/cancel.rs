//! Stopping: one flag for the whole build, and the processes that must end when it is raised.

use std::{
    collections::BTreeSet,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

/// Raised once, by Ctrl-C or by the first step that fails; never lowered.
#[derive(Debug, Default)]
pub struct Cancel {
    raised: AtomicBool,
    children: Mutex<BTreeSet<i32>>,
}

/// The work was stopped because [`Cancel`] was raised.
#[derive(Clone, Copy, Debug, thiserror::Error, miette::Diagnostic)]
#[error("interrupted")]
#[diagnostic(code(interrupted))]
pub struct Interrupted;

impl Cancel {
    /// Returns a flag that is not raised.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Raises the flag and kills every registered process. Their own children die with them: see `tool::sandbox`.
    pub fn raise(&self) {
        self.raised.store(true, Ordering::SeqCst);
        for pid in self.lock().iter() {
            // Already ended is as good as killed.
            let _ = kill(Pid::from_raw(*pid), Signal::SIGKILL);
        }
    }

    /// Tells whether the flag is raised.
    #[must_use]
    pub fn is_raised(&self) -> bool {
        self.raised.load(Ordering::SeqCst)
    }

    /// Fails once the flag is raised. Long loops call this between pieces of work of well under a second.
    ///
    /// # Errors
    /// [`Interrupted`].
    pub fn check(&self) -> Result<(), Interrupted> {
        if self.is_raised() {
            Err(Interrupted)
        } else {
            Ok(())
        }
    }

    /// Registers a process to be killed when the flag is raised; kills it at once when it is raised already.
    /// Unregister it with [`Cancel::forget`] before it is waited for, so that its number cannot be another's.
    pub fn guard(&self, pid: i32) {
        self.lock().insert(pid);
        if self.is_raised() {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
    }

    /// Takes a process off the list.
    pub fn forget(&self, pid: i32) {
        self.lock().remove(&pid);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeSet<i32>> {
        self.children.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
