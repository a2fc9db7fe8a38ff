//! A guest's console: text that a stranger wrote. What of it reaches a terminal, what is kept, what it means.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

/// Bytes of console that are kept. A guest that prints for ever must not fill the disk.
const KEPT: usize = 8 << 20;
/// Characters of one line that are kept: a report's line is among them.
const LONGEST: usize = 80 << 10;
/// What the agent writes before its report when it has no port for it.
pub(super) const REPORT: &str = "KATA-ARTIFACTS-REPORT ";
/// What the agent writes before the reason why it cannot go on.
const FATAL: &str = "KATA-ARTIFACTS-FATAL ";

/// How the monitor begins what it says itself.
const COMPLAINTS: [&str; 4] = [
    "qemu-system-",
    "qemu: ",
    "KVM internal error",
    "error: kvm run failed",
];

/// What a line of console means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The monitor itself complains.
    Complaint,
    /// The kernel starts the first program.
    Init,
    /// The agent speaks: the embedded one, or Kata's own, which writes JSON.
    Agent,
    /// Kata's own agent serves requests: it sends no report.
    Serving,
    /// The kernel or the agent gave up.
    Death,
    /// Anything else.
    Other,
}

/// Returns what a line means.
pub(super) fn meaning(line: &str) -> Meaning {
    let has = |text: &str| line.contains(text);
    if COMPLAINTS.iter().any(|start| line.starts_with(start)) {
        Meaning::Complaint
    } else if line.starts_with("[agent] ") {
        // Whatever it quotes is not the kernel's.
        Meaning::Agent
    } else if has(FATAL) || is_death(line) {
        Meaning::Death
    } else if has("Run /") && has(" as init process") {
        Meaning::Init
    } else if has("\"source\":\"agent\"") {
        if has("\"msg\":\"ttRPC server started\"") {
            Meaning::Serving
        } else {
            Meaning::Agent
        }
    } else {
        Meaning::Other
    }
}

fn is_death(line: &str) -> bool {
    // After the time that the kernel may print first.
    let message =
        line.split_once("] ").map_or(
            line,
            |(time, message)| {
                if time.starts_with('[') { message } else { line }
            },
        );
    [
        "Kernel panic - not syncing",
        "VFS: Unable to mount root",
        "Oops: ",
        "Internal error: Oops",
        "BUG: unable to handle",
        "Unable to handle kernel",
        "kernel BUG at",
    ]
    .iter()
    .any(|start| message.starts_with(start))
        || message.contains(FATAL)
}

/// Returns the line without escape sequences and control characters, and no longer than is kept.
pub(super) fn plain(line: &str) -> String {
    let mut out = String::new();
    let mut characters = line.chars().take(LONGEST);
    while let Some(character) = characters.next() {
        match character {
            '\u{1b}' => match characters.next() {
                // A control sequence ends at its first letter or the like.
                Some('[') => {
                    characters.find(|end| ('@'..='~').contains(end));
                }
                // A string, such as a window's title, ends at a bell or at `ESC \`.
                Some(']' | 'P' | '_' | '^') => {
                    characters.find(|end| matches!(end, '\u{7}' | '\\'));
                }
                _ => {}
            },
            '\t' => out.push(' '),
            other if other.is_control() => {}
            other => out.push(other),
        }
    }
    out
}

/// A file that keeps the console.
pub(super) struct Log {
    file: File,
    left: usize,
}

impl Log {
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        Ok(Self {
            file: File::create(path)?,
            left: KEPT,
        })
    }

    /// Adds a line, at once.
    pub(super) fn write(&mut self, line: &str) -> io::Result<()> {
        match self.left.checked_sub(line.len() + 1) {
            Some(left) => {
                self.left = left;
                self.file.write_all(format!("{line}\n").as_bytes())
            }
            None if self.left == 0 => Ok(()),
            None => {
                self.left = 0;
                self.file
                    .write_all(b"(the guest printed more than is kept)\n")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_gets_through() {
        assert_eq!(
            plain("\u{1b}c\u{1b}[?7l\u{1b}[2J\u{1b}[0;31mred\u{1b}[0m\tand\u{8} blue\u{9b}"),
            "red and blue"
        );
        assert_eq!(
            plain("\u{1b}]0;title\u{7}text\u{1b}]8;;x\u{1b}\\link\u{1b}"),
            "textlink"
        );
    }

    #[test]
    fn a_line_means_what_its_speaker_can_mean() {
        for (line, expected) in [
            (
                "qemu-system-x86_64: failed to set MSR 0x10a to 0x69",
                Meaning::Complaint,
            ),
            (
                "Kernel panic - not syncing: No working init found.",
                Meaning::Death,
            ),
            ("[    1.25] Kernel panic - not syncing: VFS", Meaning::Death),
            ("[    0.91] Oops: 0000 [#1] SMP", Meaning::Death),
            (
                "[agent] missing x: Kernel panic - not syncing",
                Meaning::Agent,
            ),
            ("cut lKATA-ARTIFACTS-FATAL no /proc", Meaning::Death),
            (
                "[    0.00] Kernel command line: panic=1 oops=panic",
                Meaning::Other,
            ),
            ("Run /init as init process", Meaning::Init),
            ("[    0.8] Run /sbin/init as init process", Meaning::Init),
            (
                r#"{"msg":"ttRPC server started","level":"INFO","source":"agent"}"#,
                Meaning::Serving,
            ),
            (
                r#"{"msg":"announce","level":"INFO","source":"agent"}"#,
                Meaning::Agent,
            ),
            ("Freeing initrd memory: 644K", Meaning::Other),
        ] {
            assert_eq!(meaning(line), expected, "{line}");
        }
    }

    #[test]
    fn a_console_that_never_ends_fills_no_disk() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("logs/console");
        let mut log = Log::create(&path).unwrap();
        let line = "x".repeat(1 << 20);
        for _ in 0..20 {
            log.write(&line).unwrap();
        }
        let kept = fs::read_to_string(path).unwrap();
        assert!(kept.len() <= KEPT + 100, "{}", kept.len());
        assert!(kept.ends_with("x\n(the guest printed more than is kept)\n"));
    }
}
