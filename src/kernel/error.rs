//! Everything that can go wrong between a profile and a kernel, one variant per operation.

use std::{io, path::PathBuf};

use miette::Diagnostic;

use super::{badfile::BadFile, strict::Unmet};
use crate::{kconfig::KconfigError, store::StoreError, tool::ToolError};

/// A kernel could not be configured, patched, compiled or accepted.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum KernelError {
    /// A file could not be read.
    #[error("cannot read `{}`", path.display())]
    #[diagnostic(code(kernel::read))]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        cause: io::Error,
    },
    /// A file could not be written.
    #[error("cannot write `{}`", path.display())]
    #[diagnostic(code(kernel::write), help("is the disk full or read-only?"))]
    Write {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        cause: io::Error,
    },
    /// A source tree is not a kernel's.
    #[error("`{}` is not a kernel's Makefile: it states no VERSION, PATCHLEVEL and SUBLEVEL", path.display())]
    #[diagnostic(
        code(kernel::not_a_tree),
        help("`kernel.source` must lead to a whole kernel source tree")
    )]
    NotAKernelTree {
        /// The Makefile.
        path: PathBuf,
    },
    /// A profile that the program does not carry.
    #[error("there is no profile `{name}`: the program has {known}")]
    #[diagnostic(
        code(kernel::no_profile),
        help("name one of these, or a file as `profiles/mine.yaml`")
    )]
    NoProfile {
        /// What was named.
        name: String,
        /// The profiles there are.
        known: String,
    },
    /// Profiles, fragments or patches with mistakes in them.
    #[error("{}", bad_input(files))]
    #[diagnostic(code(kernel::input))]
    BadInput {
        /// The files.
        #[related]
        files: Vec<BadFile>,
    },
    /// The kernel's own configuration program failed.
    #[error("the kernel could not be configured")]
    #[diagnostic(code(kernel::configure))]
    Configure {
        /// The cause.
        #[source]
        #[diagnostic_source]
        cause: ToolError,
    },
    /// The toolchain could not be asked what the Kconfig files want to know.
    #[error("the toolchain could not be asked what the kernel's Kconfig files want to know")]
    #[diagnostic(code(kernel::probe))]
    Probe {
        /// The cause.
        #[source]
        #[diagnostic_source]
        cause: ToolError,
    },
    /// The toolchain's answers are damaged or another version's.
    #[error(
        "the toolchain's answers to the kernel's Kconfig files are not in the form of this version"
    )]
    #[diagnostic(code(kernel::answers))]
    Answers,
    /// The Kconfig files ask more than the toolchain was asked.
    #[error(
        "the kernel's Kconfig files ask what the toolchain was not asked:{}",
        lines(commands)
    )]
    #[diagnostic(
        code(kernel::unanswered),
        help("the source tree is not the one for which the questions were answered")
    )]
    Unanswered {
        /// The commands.
        commands: Vec<String>,
    },
    /// Our evaluation and the kernel's own `conf` come to different configurations.
    #[error(
        "the kernel's `conf` and our evaluation disagree about {count} symbols:{}",
        lines(rows)
    )]
    #[diagnostic(
        code(kernel::disagree),
        help(
            "explanations would be wrong: please report this with the kernel's version and the fragments"
        )
    )]
    Disagree {
        /// How many differ.
        count: usize,
        /// The first of them.
        rows: Vec<String>,
    },
    /// The Kconfig files have mistakes.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Kconfig(#[from] KconfigError),
    /// The final configuration is not of the form that the kernel's `conf` writes.
    #[error("line {line} of the final configuration is not one that the kernel writes: `{text}`")]
    #[diagnostic(code(kernel::final_config))]
    NotAConfig {
        /// The line, counted from 1.
        line: usize,
        /// The line's text.
        text: String,
    },
    /// Requests did not reach the final configuration.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Strict(Box<Unmet>),
    /// The final configuration makes every build differ.
    #[error(
        "this configuration can not be built the same way twice:{}",
        lines(reasons)
    )]
    #[diagnostic(
        code(kernel::unreproducible),
        help(
            "request these symbols off: in the profile's `off`, or in a fragment as `# CONFIG_… is not set`"
        )
    )]
    Unreproducible {
        /// The symbols, each with what it does.
        reasons: Vec<String>,
    },
    /// A patch did not apply exactly.
    #[error("patch `{name}` does not apply")]
    #[diagnostic(
        code(kernel::patch),
        help(
            "a patch must fit without fuzz and must not be in the tree already: refresh it for this kernel, or drop it"
        )
    )]
    Patch {
        /// The patch.
        name: String,
        /// The cause.
        #[source]
        #[diagnostic_source]
        cause: ToolError,
    },
    /// A patch did something else than it says.
    #[error("patch `{name}` {what}")]
    #[diagnostic(code(kernel::patch_effect))]
    PatchEffect {
        /// The patch.
        name: String,
        /// What it did.
        what: String,
    },
    /// The compiler failed.
    #[error("the kernel does not compile{}", first.as_ref().map_or(String::new(), |line| format!(": {line}")))]
    #[diagnostic(code(kernel::compile))]
    Compile {
        /// The first line with which a compiler or linker complained.
        first: Option<String>,
        /// The cause.
        #[source]
        #[diagnostic_source]
        cause: ToolError,
    },
    /// Compiling changed the configuration.
    #[error("compiling changed the configuration:{}", lines(changes))]
    #[diagnostic(
        code(kernel::config_changed),
        help(
            "the configuration was resolved with other tools than the kernel is compiled with: configure it again"
        )
    )]
    ConfigChanged {
        /// The lines that differ.
        changes: Vec<String>,
    },
    /// A product is not what it should be.
    #[error("`{file}` is not a kernel that {arch} can boot: {what}")]
    #[diagnostic(code(kernel::image))]
    Image {
        /// The file's name.
        file: String,
        /// The architecture.
        arch: crate::arch::Arch,
        /// What is wrong with it.
        what: String,
    },
    /// The store failed.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Store(#[from] StoreError),
    /// A small program failed, or the build was stopped.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Tool(#[from] ToolError),
}

impl KernelError {
    /// Returns the error for files with mistakes in them.
    pub(crate) fn bad_input(files: Vec<BadFile>) -> Self {
        Self::BadInput { files }
    }
}

fn bad_input(files: &[BadFile]) -> String {
    let mistakes: usize = files.iter().map(|file| file.problems().len()).sum();
    match (mistakes, files.len()) {
        (1, _) => "the kernel's inputs have a mistake".to_owned(),
        (many, 1) => format!("the kernel's inputs have {many} mistakes"),
        (many, files) => format!("the kernel's inputs have {many} mistakes in {files} files"),
    }
}

fn lines(rows: &[String]) -> String {
    rows.iter().map(|row| format!("\n  {row}")).collect()
}

/// Keeps an interruption what it is, and wraps every other failure of a tool.
pub(super) fn unless_interrupted(
    cause: ToolError,
    wrap: impl FnOnce(ToolError) -> KernelError,
) -> KernelError {
    match cause {
        ToolError::Interrupted(_) => KernelError::Tool(cause),
        other => wrap(other),
    }
}
