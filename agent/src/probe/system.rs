//! A view of the system's files under a root, so that tests can look at a made-up one. Whatever cannot be read is empty.

use std::fs;
use std::path::{Path, PathBuf};

/// The root under which `proc`, `sys` and `dev` lie.
#[derive(Clone, Debug)]
pub(crate) struct System(PathBuf);

impl System {
    /// The system that this program runs on.
    pub(crate) fn of_guest() -> System {
        System::at("/")
    }

    /// The files under `root`.
    pub(crate) fn at(root: impl AsRef<Path>) -> System {
        System(root.as_ref().to_owned())
    }

    /// Whether this is the running system, of which the kernel itself can be asked.
    pub(crate) fn is_live(&self) -> bool {
        self.0 == Path::new("/")
    }

    /// The place of a file, given as `proc/…`, `sys/…` or `dev/…`.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.0.join(path)
    }

    /// Whether there is such a file or directory.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.path(path).exists()
    }

    /// The text of a file.
    pub(crate) fn text(&self, path: &str) -> String {
        String::from_utf8_lossy(&fs::read(self.path(path)).unwrap_or_default()).into_owned()
    }

    /// The names in a directory, sorted so that numbers count: `virtio2` before `virtio10`.
    pub(crate) fn names(&self, path: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(path)).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort_by(|left, right| (left.len(), left).cmp(&(right.len(), right)));
        names
    }

    /// The last part of what a link points to.
    pub(crate) fn link_name(&self, path: &str) -> Option<String> {
        let target = fs::read_link(self.path(path)).ok()?;
        Some(target.file_name()?.to_string_lossy().into_owned())
    }

    /// Whether a virtio console has a driver, so that ports may appear.
    pub(crate) fn has_virtio_console(&self) -> bool {
        self.names("sys/bus/virtio/drivers/virtio_console").iter().any(|name| name.starts_with("virtio"))
    }

    /// The size in bytes in which memory is added and taken, where the kernel can do that.
    pub(crate) fn memory_block_bytes(&self) -> Option<u64> {
        u64::from_str_radix(self.text("sys/devices/system/memory/block_size_bytes").trim(), 16).ok()
    }

    /// Whether the kernel wants to be told of memory that was added.
    pub(crate) fn memory_probe(&self) -> bool {
        self.has("sys/devices/system/memory/probe")
    }
}

/// A made-up system for tests.
#[cfg(test)]
pub(crate) mod made_up {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    /// A system of files in a temporary directory, removed when dropped.
    pub(crate) struct MadeUp(pub(crate) System);

    impl MadeUp {
        pub(crate) fn new(files: &[(&str, &str)]) -> MadeUp {
            static NEXT: AtomicU32 = AtomicU32::new(0);
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let root = std::env::temp_dir().join(format!("agent-system-{}-{number}", std::process::id()));
            for (path, text) in files {
                let path = root.join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                match text.strip_prefix("-> ") {
                    Some(target) => std::os::unix::fs::symlink(target, path).unwrap(),
                    None => fs::write(path, text).unwrap(),
                }
            }
            MadeUp(System::at(root))
        }
    }

    impl Drop for MadeUp {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0 .0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::made_up::MadeUp;
    use super::*;

    #[test]
    fn what_is_not_there_is_empty() {
        let system = System::at("/nonexistent");
        assert_eq!(system.text("proc/cmdline"), "");
        assert_eq!(system.names("sys/bus"), Vec::<String>::new());
        assert_eq!(system.memory_block_bytes(), None);
        assert!(!system.has_virtio_console() && !system.memory_probe());
    }

    #[test]
    fn memory_blocks_are_written_in_hexadecimal() {
        let made_up = MadeUp::new(&[("sys/devices/system/memory/block_size_bytes", "8000000\n")]);
        assert_eq!(made_up.0.memory_block_bytes(), Some(128 << 20));
    }

    #[test]
    fn names_sort_by_number() {
        let made_up = MadeUp::new(&[("sys/x/virtio10", ""), ("sys/x/virtio2", "")]);
        assert_eq!(made_up.0.names("sys/x"), ["virtio2", "virtio10"]);
    }
}
