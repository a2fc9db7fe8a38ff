//! The console: plain lines for people, `[agent] …`. Not where results belong; those are the report's.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::sync::Arc;

use nix::sys::termios;

/// How much a line matters. The order is Kata's: a threshold shows itself and everything above it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// Nothing works any more.
    Critical,
    /// Something that was asked for does not work.
    Error,
    /// Something is missing or odd.
    Warning,
    /// What happens.
    Info,
    /// What happens in detail.
    Debug,
}

impl Level {
    /// Reads the value of Kata's `agent.log=`.
    pub(crate) fn named(name: &str) -> Option<Level> {
        match name {
            "fatal" | "panic" | "critical" => Some(Level::Critical),
            "error" => Some(Level::Error),
            "warn" | "warning" => Some(Level::Warning),
            "info" => Some(Level::Info),
            "debug" | "trace" => Some(Level::Debug),
            _ => None,
        }
    }
}

/// A place for lines. Clones write to the same place; a place that is gone swallows lines.
#[derive(Clone)]
pub(crate) struct Console {
    place: Arc<Place>,
    threshold: Level,
}

enum Place {
    Device(File),
    Stderr,
}

impl Console {
    /// Opens the guest's console; without one, the kernel's log. Call it once `/dev` is mounted.
    pub(crate) fn of_guest(threshold: Level) -> Console {
        let place = ["/dev/console", "/dev/kmsg"]
            .iter()
            .find_map(|path| OpenOptions::new().write(true).open(path).ok())
            .map_or(Place::Stderr, Place::Device);
        Console { place: Arc::new(place), threshold }
    }

    /// Writes to standard error: the developer's console.
    pub(crate) fn of_developer() -> Console {
        Console { place: Arc::new(Place::Stderr), threshold: Level::Debug }
    }

    /// Writes one line for people, when its level is within the threshold.
    pub(crate) fn say(&self, level: Level, text: impl AsRef<str>) {
        if level <= self.threshold {
            self.line(&format!("[agent] {}", text.as_ref()));
        }
    }

    /// [`Self::say`] for the ordinary level.
    pub(crate) fn info(&self, text: impl AsRef<str>) {
        self.say(Level::Info, text);
    }

    /// [`Self::say`] for what is missing or odd.
    pub(crate) fn warn(&self, text: impl AsRef<str>) {
        self.say(Level::Warning, text);
    }

    /// Writes a line as it is, whatever the threshold.
    pub(crate) fn line(&self, text: &str) {
        // One write for a whole line, so that lines of two threads do not mix.
        let line = format!("{text}\n");
        // There is no second place to complain about a broken console.
        let _ = match &*self.place {
            Place::Device(device) => (&*device).write_all(line.as_bytes()),
            Place::Stderr => std::io::stderr().write_all(line.as_bytes()),
        };
    }

    /// Waits until the device has sent what was written: a power-off right after a line would lose it.
    pub(crate) fn drain(&self) {
        if let Place::Device(device) = &*self.place {
            // Fails on a kernel log, which needs no waiting.
            let _ = termios::tcdrain(device);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_shows_itself_and_what_matters_more() {
        assert!(Level::Error < Level::Warning);
        assert_eq!(Level::named("trace"), Some(Level::Debug));
        assert_eq!(Level::named("INFO"), None);
    }
}
