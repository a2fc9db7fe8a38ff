//! Programs that we run, as data, and the two places where they run: `sandbox` (a locked root in fresh namespaces) and
//! `host` (the machine's own tools). An invocation is written in the sandbox's paths; `host` rewrites them.

mod converse;
mod host;
mod process;
mod sandbox;

use std::{collections::BTreeMap, path::PathBuf};

pub use converse::{Reply, converse};
pub use host::host_tools;

/// Where kernel and agent sources are mounted.
pub const SRC: &str = "/src";
/// Where compilers write.
pub const BUILD: &str = "/build";
/// Where products are left.
pub const OUT: &str = "/out";

/// Where programs are looked for in the sandbox, and on the host when nothing else is said.
pub const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A program to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    /// The program's name, found on the path, or its absolute path.
    pub program: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// Its whole environment, besides what every place sets unless it is set here: `PATH`, `HOME` and `TMPDIR` (an
    /// empty directory of its own), `LANG` and `LC_ALL` (`C`), `TZ` (`UTC`).
    pub env: BTreeMap<String, String>,
    /// Where it starts: a path inside.
    pub cwd: String,
    /// What it sees besides the root.
    pub mounts: Vec<Mount>,
    /// Whether it reaches the network.
    pub network: Network,
}

/// A directory, file or device of the host that a program sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// The path inside. Below `/tmp`, `/run` and `/dev` (and `/etc`, with the host's network) it is made; elsewhere it
    /// must exist in the root or in an earlier mount.
    pub at: String,
    /// The path on the host.
    pub host: PathBuf,
    /// What may be done with it.
    pub access: Access,
}

/// What may be done with a mount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reading.
    Read,
    /// Reading and writing.
    Write,
}

/// Whether a program reaches the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// It has a network of its own, with nothing in it.
    Off,
    /// It uses the host's, and the host's name service. Only for fetching what is verified afterwards.
    Host,
}

/// Where a program runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Fresh namespaces over this root.
    Sandbox(PathBuf),
    /// The host itself.
    Host {
        /// Where its programs are looked for, as in `PATH`.
        path: String,
    },
}

impl Invocation {
    /// Returns an invocation of `program` that starts in `/`, with no arguments, no mounts and no network.
    pub fn new(program: impl Into<String>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            env: BTreeMap::new(),
            cwd: "/".to_owned(),
            mounts: Vec::new(),
            network: Network::Off,
        }
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<S: Into<String>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets a variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.insert(name.to_owned(), value.into());
        self
    }

    /// Sets where it starts.
    #[must_use]
    pub fn cwd(mut self, cwd: &str) -> Self {
        cwd.clone_into(&mut self.cwd);
        self
    }

    /// Adds a mount.
    #[must_use]
    pub fn mount(mut self, at: &str, host: impl Into<PathBuf>, access: Access) -> Self {
        self.mounts.push(Mount {
            at: at.to_owned(),
            host: host.into(),
            access,
        });
        self
    }
}

/// Prints the invocation as a command line a person could read, not as shell syntax of record.
impl std::fmt::Display for Invocation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (name, value) in &self.env {
            write!(f, "{name}={} ", quoted(&without_credentials(value)))?;
        }
        f.write_str(&quoted(&self.program))?;
        self.args
            .iter()
            .try_for_each(|arg| write!(f, " {}", quoted(arg)))
    }
}

/// Hides who logs in to a proxy: command lines are shown and logged.
fn without_credentials(value: &str) -> String {
    match value.split_once("://") {
        Some((scheme, rest)) => match rest
            .split_once('/')
            .unwrap_or((rest, ""))
            .0
            .rsplit_once('@')
        {
            Some((credentials, _)) => format!("{scheme}://…{}", &rest[credentials.len()..]),
            None => value.to_owned(),
        },
        None => value.to_owned(),
    }
}

fn quoted(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_=./,:+@%".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// A program could not be run, or did not end well.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum ToolError {
    /// It ended with a status other than 0, or by a signal.
    #[error("`{program}` failed: {status}")]
    #[diagnostic(code(tool::failed), help("{}", failed_help(command, last, log.as_deref())))]
    Failed {
        /// The program.
        program: String,
        /// Its exit status in words.
        status: String,
        /// The whole command line.
        command: String,
        /// The last lines it printed, at most 20.
        last: Vec<String>,
        /// Where all of its output is.
        log: Option<PathBuf>,
    },
    /// It could not be started.
    #[error("cannot start `{program}`")]
    #[diagnostic(code(tool::start))]
    Start {
        /// The program.
        program: String,
        /// The cause.
        #[source]
        cause: std::io::Error,
    },
    /// The sandbox could not be made.
    #[error("cannot make a sandbox: {step} failed")]
    #[diagnostic(code(tool::sandbox))]
    Sandbox {
        /// Which of its steps failed: a system call and its operand.
        step: String,
        /// What to do about it.
        #[help]
        help: String,
        /// The cause.
        #[source]
        cause: std::io::Error,
    },
    /// The build was stopped.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Interrupted(#[from] crate::cancel::Interrupted),
}

impl ToolError {
    /// Adds where the program's output is kept.
    #[must_use]
    pub fn logged_at(mut self, path: &std::path::Path) -> Self {
        if let Self::Failed { log, .. } = &mut self {
            *log = Some(path.to_owned());
        }
        self
    }
}

fn failed_help(command: &str, last: &[String], log: Option<&std::path::Path>) -> String {
    let mut help = format!("the command was:\n  {command}");
    if !last.is_empty() {
        help.push_str("\nits last lines:");
        for line in last {
            help.push_str("\n  ");
            help.push_str(line);
        }
    }
    if let Some(log) = log {
        help.push_str(&format!("\nall of its output: {}", log.display()));
    }
    help
}

/// Runs an invocation to its end, giving every line it prints (standard output and error, in order of arrival,
/// without line ends, invalid UTF-8 replaced) to `line`.
///
/// # Errors
/// It cannot be started, fails, or `cancel` is raised: then its whole process tree is gone on return.
pub fn run(
    place: &Place,
    invocation: &Invocation,
    cancel: &crate::cancel::Cancel,
    line: &mut dyn FnMut(&str),
) -> Result<(), ToolError> {
    cancel.check()?;
    match place {
        Place::Host { path } => host::run(path, invocation, cancel, line),
        Place::Sandbox(root) => sandbox::run(root, invocation, cancel, line),
    }
}
