//! Where an end-to-end test works: a copy of what the repository describes, a store, and the program itself.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;
use tempfile::TempDir;

/// A directory with manifests, kernel and rootfs as in the repository, and the user's own store unless told otherwise.
pub(crate) struct World {
    directory: TempDir,
    store: Option<PathBuf>,
}

impl World {
    /// Returns a world on the store that the user's builds share: what is there is not made again.
    pub(crate) fn on_the_shared_store() -> Self {
        let directory = tempfile::tempdir().expect("a place for temporary files");
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        for room in ["manifests", "kernel", "rootfs", "agent"] {
            copy(&root.join(room), &directory.path().join(room));
        }
        Self {
            directory,
            store: None,
        }
    }

    /// Returns a world on an empty store of its own.
    pub(crate) fn on_an_empty_store() -> Self {
        let mut world = Self::on_the_shared_store();
        world.store = Some(world.path("store"));
        world
    }

    /// Returns a path inside.
    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.directory.path().join(below)
    }

    /// Returns the program's command line in this world, as words.
    pub(crate) fn words(&self, args: &[&str]) -> Vec<String> {
        let mut words = vec![env!("CARGO_BIN_EXE_kata-artifacts").to_owned()];
        words.extend(args.iter().map(ToString::to_string));
        if let Some(store) = &self.store {
            words.extend(["--store".to_owned(), store.display().to_string()]);
        }
        words
    }

    /// Returns the program, ready to run in this world.
    pub(crate) fn program(&self, args: &[&str]) -> Command {
        let words = self.words(args);
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).current_dir(self.directory.path());
        command
    }

    /// Runs the program, which must succeed; returns what it printed.
    pub(crate) fn run(&self, args: &[&str]) -> Printed {
        succeed(&mut self.program(args))
    }

    /// Replaces text in a file of this world. The text must be there.
    pub(crate) fn edit(&self, file: &str, from: &str, to: &str) {
        let path = self.path(file);
        let text = fs::read_to_string(&path).expect("the file is there");
        assert!(text.contains(from), "{file} does not contain {from}");
        fs::write(&path, text.replace(from, to)).expect("a temporary directory is writable");
    }
}

/// What a program printed.
pub(crate) struct Printed {
    /// On standard output.
    pub(crate) out: String,
    /// On standard error.
    pub(crate) err: String,
}

impl Printed {
    /// Returns standard output as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error} in:\n{}", self.out))
    }

    /// Returns the names of the steps that ran, downloads apart.
    pub(crate) fn ran(&self) -> Vec<&str> {
        let step = |line| Some(str::split_once(line, ": done in ")?.0);
        self.err.lines().filter_map(step).collect()
    }
}

/// Runs a command, which must succeed.
pub(crate) fn succeed(command: &mut Command) -> Printed {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().expect("the program starts");
    let printed = Printed {
        out: String::from_utf8_lossy(&stdout).into_owned(),
        err: String::from_utf8_lossy(&stderr).into_owned(),
    };
    assert!(
        status.success(),
        "{:?} failed: {status}\n{}\n{}",
        command.get_args().collect::<Vec<&OsStr>>(),
        printed.out,
        printed.err
    );
    printed
}

fn copy(from: &Path, to: &Path) {
    for entry in walkdir::WalkDir::new(from)
        .into_iter()
        .filter_entry(|entry| entry.file_name() != "target")
        .map(|entry| entry.expect("the repository is readable"))
    {
        let target = to.join(entry.path().strip_prefix(from).expect("it is below"));
        if entry.file_type().is_dir() {
            fs::create_dir_all(&target).expect("a temporary directory is writable");
        } else {
            fs::copy(entry.path(), &target).expect("a temporary directory is writable");
        }
    }
}
