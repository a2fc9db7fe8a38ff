//! A world of a test's own: a checkout with a tiny kernel, programs that write fixed bytes in place of make and the
//! compiler, a store, a home. The environment of the person who runs the tests does not reach it.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{MetadataExt, symlink},
    path::{Path, PathBuf},
    process::{Command, Output},
    time::Duration,
};

use kata_artifacts::{digest::Digest, tool};

/// The manifest of every world, relative to the checkout.
pub(crate) const MANIFEST: &str = "tiny.yaml";

const MANIFEST_TEXT: &str = "\
schema: 1
name: tiny
version: 0.1.0
architectures: [x86_64]
toolchain: host
kernel:
  source: {path: linux}
  config: {profile: kernel/profiles/tiny.yaml}
  localversion: -kata
agent: {path: agent}
rootfs:
  overlay: overlay
  directories:
    /dev: {}
    /tmp: {mode: \"1777\"}
  links:
    /init: sbin/init
  devices:
    /dev/console: {type: char, major: 5, minor: 1}
";

const FRAGMENT: &str = "\
# Tiny.

# reason: The agent serves its API on a vsock.
# feature: vsock
CONFIG_NET=y
CONFIG_VSOCK=y
";

const KCONFIG: &str = "\
config NET
\tbool \"Networking\"
config VSOCK
\tbool \"Virtual sockets\"
\tdepends on NET
config LOCALVERSION
\tstring \"Local version\"
config LOCALVERSION_AUTO
\tbool \"Local version of the tree\"
";

/// How long a run of the program may take: on a busy machine still far more than it needs.
const PATIENCE: Duration = Duration::from_secs(100);

/// A directory with everything that a run sees.
pub(crate) struct World {
    room: tempfile::TempDir,
}

/// What a run of the program told.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) status: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::named("world-")
    }

    /// Makes a world in a directory whose name begins with `prefix`.
    pub(crate) fn named(prefix: &str) -> Self {
        let mut room = tempfile::Builder::new();
        let room = room.prefix(prefix);
        // A store flushes all it writes: on a busy disk dozens of worlds would wait for minutes.
        let memory = room.tempdir_in("/dev/shm");
        let room = memory.or_else(|_| room.tempdir()).unwrap();
        let world = Self { room };
        let fakes = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fakes");
        for directory in ["work", "home", "bin"] {
            fs::create_dir(world.at(directory)).unwrap();
        }
        symlink(fakes.join("counted/make"), world.at("bin/make")).unwrap();
        symlink(fakes.join("kernel"), world.at("bin/kernel")).unwrap();
        world.write(MANIFEST, MANIFEST_TEXT);
        world.write(
            "kernel/profiles/tiny.yaml",
            "schema: 1\nname: tiny\nsummary: Tiny.\nfragments: {common: [fragments/tiny.conf]}\n",
        );
        world.write("kernel/fragments/tiny.conf", FRAGMENT);
        world.write("overlay/etc/os-release", "ID=tiny\n");
        for (name, bytes) in linux("nothing") {
            world.write(&format!("linux/{name}"), bytes);
        }
        world.write("agent", elf(&[(1, 0, 64)], &[]));
        world
    }

    /// Returns a path in the world, outside of the checkout.
    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.room.path().join(path)
    }

    /// Returns a path in the checkout.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.at("work").join(path)
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    pub(crate) fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Replaces a text that must be there.
    pub(crate) fn edit(&self, path: &str, before: &str, after: &str) {
        let text = self.read(path);
        assert!(text.contains(before), "{text}");
        self.write(path, text.replace(before, after));
    }

    /// Returns the program, ready to run in this world. No mirror can be reached.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        self.command_of(env!("CARGO_BIN_EXE_kata-artifacts"), args)
    }

    /// As [`World::command`], of another program.
    #[expect(
        clippy::disallowed_methods,
        reason = "the program under test runs here, and nowhere else in tests/it"
    )]
    pub(crate) fn command_of(&self, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        let bin = self.at("bin");
        let path = format!("{0}:{0}/kernel:{1}", bin.display(), tool::PATH);
        command.current_dir(self.at("work")).env_clear().args(args);
        command.env("PATH", path).env("HOME", self.at("home"));
        command.env("KATA_ARTIFACTS_STORE", self.at("store"));
        command.env("KATA_ARTIFACTS_DEBIAN_MIRROR", "http://127.0.0.1:1/debian");
        command
    }

    /// Runs the program to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Told {
        Told::by(self.command(args))
    }

    /// Builds, which must succeed, and returns what `--json` says.
    pub(crate) fn built(&self) -> serde_json::Value {
        self.run(&["build", MANIFEST, "--json"]).done().json()
    }

    /// Returns what the fake make was asked for since this was last asked.
    pub(crate) fn calls(&self) -> Vec<String> {
        let calls = self.at("bin/calls");
        let text = fs::read_to_string(&calls).unwrap_or_default();
        let _ = fs::remove_file(calls);
        text.lines().map(str::to_owned).collect()
    }

    /// Returns every file below a directory of the checkout, with what changes when it is written again.
    pub(crate) fn files(&self, directory: &str) -> BTreeMap<PathBuf, (u64, i64, i64, Digest)> {
        let below = self.path(directory);
        walkdir::WalkDir::new(&below)
            .into_iter()
            .map(Result::unwrap)
            .filter(|entry| entry.file_type().is_file())
            .map(|entry| {
                let path = entry.path().strip_prefix(&below).unwrap().to_owned();
                let metadata = entry.metadata().unwrap();
                let (digest, _) = Digest::of_file(entry.path()).unwrap();
                let written = (metadata.mtime(), metadata.mtime_nsec());
                (path, (metadata.ino(), written.0, written.1, digest))
            })
            .collect()
    }

    /// Replaces in snapshots what differs between worlds: its path, and times.
    #[must_use]
    pub(crate) fn filters(&self) -> impl Drop + use<> {
        let mut settings = insta::Settings::clone_current();
        settings.add_filter(&self.room.path().display().to_string(), "[WORLD]");
        settings.add_filter(r"(in|after) \d+\.\d s", "$1 [TIME]");
        // What packages of a mirror are compressed to is liblzma's business.
        settings.add_filter(r#"sha256: "[0-9a-f]{64}""#, "sha256: \"[SHA256]\"");
        settings.add_filter(r"size: \d+", "size: [SIZE]");
        settings.add_filter(r"\(\d[\d.]* K?i?B\)", "([SIZE])");
        settings.add_filter(r"\(sha256:[0-9a-f]{64}\)", "([DIGEST])");
        settings.add_filter(r"/step-[A-Za-z0-9]+", "/[STEP]");
        settings.add_filter(r"127\.0\.0\.1:\d{2,}", "[MIRROR]");
        settings.bind_to_scope()
    }
}

impl Told {
    pub(crate) fn by(command: Command) -> Self {
        let ended = assert_cmd::Command::from_std(command)
            .timeout(PATIENCE)
            .output();
        Self::of(ended.unwrap())
    }

    pub(crate) fn of(output: Output) -> Self {
        Self {
            status: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Asserts success.
    #[track_caller]
    pub(crate) fn done(self) -> Self {
        self.ended(0)
    }

    /// Asserts an exit status.
    #[track_caller]
    pub(crate) fn ended(self, status: i32) -> Self {
        assert_eq!(self.status, Some(status), "{self}");
        self
    }

    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self}"))
    }

    /// Returns standard error from the error on: without the lines of progress, whose order is nobody's promise.
    pub(crate) fn error(&self) -> String {
        let is_code = |line: &str| {
            let letter = |c: char| c.is_ascii_lowercase() || c == '_' || c == ':';
            line.contains("::") && line.chars().all(letter)
        };
        let lines: Vec<&str> = self.err.lines().collect();
        let from = lines.iter().position(|line| is_code(line));
        lines[from.unwrap_or(0)..].join("\n")
    }

    /// Returns the lines of standard error, sorted: those of steps that run at once come in any order.
    pub(crate) fn sorted(&self) -> String {
        let mut lines: Vec<&str> = self.err.lines().collect();
        lines.sort_unstable();
        lines.join("\n")
    }

    /// Tells whether a line of standard error begins so.
    pub(crate) fn says(&self, start: &str) -> bool {
        self.err.lines().any(|line| line.starts_with(start))
    }
}

impl std::fmt::Display for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let status = self
            .status
            .map_or("a signal".to_owned(), |it| it.to_string());
        writeln!(f, "exit status: {status}")?;
        writeln!(f, "--- standard output\n{}", self.out.trim_end())?;
        write!(f, "--- standard error\n{}", self.err.trim_end())
    }
}

/// Returns the files of a kernel's source for the fake make, which leaves `dropped` out of every configuration.
pub(crate) fn linux(dropped: &str) -> Vec<(&'static str, Vec<u8>)> {
    vec![
        (
            "Makefile",
            b"VERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 117\n".to_vec(),
        ),
        ("Kconfig", KCONFIG.into()),
        // Tells which generation of `conf` the tree brings.
        ("scripts/kconfig/expr.h", b"choice_members\n".to_vec()),
        ("dropped", format!("{dropped}\n").into_bytes()),
        (
            "vmlinux",
            elf(&[(1, 0x1000, 0x100), (4, 0x2000, 20)], &pvh_note()),
        ),
        ("bzImage", bzimage()),
    ]
}

/// The note that names a kernel's PVH entry.
fn pvh_note() -> Vec<u8> {
    let words = [4u32, 4, 18].map(u32::to_le_bytes);
    [words.as_flattened(), b"Xen\0\0\0\0\x01"].concat()
}

/// Returns a static executable for x86-64 with these segments: type, offset, size. A note lies at 0x2000.
fn elf(segments: &[(u32, u64, u64)], note: &[u8]) -> Vec<u8> {
    let mut file = b"\x7fELF\x02\x01\x01".to_vec();
    file.resize(16, 0);
    for half in [2u16, 62] {
        file.extend(half.to_le_bytes());
    }
    file.extend(1u32.to_le_bytes());
    for word in [0x100_0000u64, 64, 0] {
        file.extend(word.to_le_bytes());
    }
    file.extend(0u32.to_le_bytes());
    let count = u16::try_from(segments.len()).unwrap();
    for half in [64u16, 56, count, 64, 0, 0] {
        file.extend(half.to_le_bytes());
    }
    for (kind, offset, size) in segments {
        file.extend(kind.to_le_bytes());
        file.extend(4u32.to_le_bytes());
        for word in [*offset, 0x100_0000, 0x100_0000, *size, *size, 4] {
            file.extend(word.to_le_bytes());
        }
    }
    if !note.is_empty() {
        file.resize(0x1000, 0);
        file.resize(0x2000, 0x90);
        file.extend(note);
        file.resize(256 << 10, 0);
    }
    file
}

/// Returns a boot image for x86 with a payload.
fn bzimage() -> Vec<u8> {
    let mut file = vec![0; 0x400];
    file[0x1f1] = 1;
    file[0x1fe..0x200].copy_from_slice(&[0x55, 0xaa]);
    file[0x202..0x206].copy_from_slice(b"HdrS");
    file[0x206..0x208].copy_from_slice(&0x20fu16.to_le_bytes());
    file[0x24c..0x250].copy_from_slice(&(256u32 << 10).to_le_bytes());
    file.resize(0x400 + (256 << 10), 7);
    file
}
