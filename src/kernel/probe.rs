//! The probe step: what the toolchain answers to the questions that a kernel's Kconfig files ask of it. With the answers
//! the files read the same on every machine and without a compiler. What the files say is for `kconfig`.

use std::{collections::BTreeMap, fs, path::Path};

use serde::{Deserialize, Serialize};

use super::{KernelError, error::unless_interrupted, make};
use crate::{
    arch::Arch,
    bench::Bench,
    digest::Digest,
    kconfig::{batch::Batch, oracle::Answers, rounds, syntax::Tree},
    plan::action::Probe,
    step::Products,
    tool::{Access, BUILD, Invocation, SRC, ToolError},
};

/// The only version of the answers' form there is.
const SCHEMA: u32 = 1;
/// The tree's top file.
const TOP: &str = "Kconfig";
/// The answers' file in the build directory.
const PRINTED: &str = "answers";
/// Seconds that a command may take. Each compiles a line or two.
const PATIENCE: u32 = 60;
/// Longest script in bytes: Linux takes no argument longer than 128 KiB.
const SCRIPT: usize = 96 << 10;

/// What the kernel's Makefile calls each tool, as it exports them to `conf`.
const TOOLS: [(&str, &str); 13] = [
    ("AR", "ar"),
    ("BINDGEN", "bindgen"),
    ("CC", "gcc"),
    ("HOSTCC", "gcc"),
    ("HOSTCXX", "g++"),
    ("LD", "ld"),
    ("NM", "nm"),
    ("OBJCOPY", "objcopy"),
    ("OBJDUMP", "objdump"),
    ("PAHOLE", "pahole"),
    ("PYTHON3", "python3"),
    ("RUSTC", "rustc"),
    ("STRIP", "strip"),
];
/// Variables that the Makefile sets from what a tool prints.
const TEXTS: [(&str, &str); 3] = [
    (
        "CC_VERSION_TEXT",
        "LC_ALL=C gcc --version 2>/dev/null | head -n 1",
    ),
    ("RUSTC_VERSION_TEXT", "rustc --version 2>/dev/null"),
    ("PAHOLE_VERSION", "/src/scripts/pahole-version.sh pahole"),
];

/// What a toolchain answered to a kernel's Kconfig files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probed {
    schema: u32,
    /// The environment in which the files are read. Paths are those of the sandbox.
    pub variables: BTreeMap<String, String>,
    /// What the commands printed.
    pub answers: Answers,
}

/// Runs an invocation where the toolchain is.
pub type Run<'a> = dyn FnMut(&Invocation) -> Result<(), ToolError> + 'a;

/// Asks the toolchain all that the Kconfig files of a tree want to know. Product: `answers`.
///
/// # Errors
/// The files have mistakes, or a command fails to end.
pub fn probe(bench: &Bench<'_>, action: &Probe<Digest>) -> Result<Products, KernelError> {
    let source = bench.tree(action.source)?;
    let place = bench.place(action.toolchain)?;
    let scratch = bench.scratch()?;
    let mut run = |invocation: &Invocation| bench.run(&place, invocation);
    let none = Answers::default();
    let (_, probed) = ask(
        &source,
        action.arch,
        none,
        scratch.path(),
        bench.jobs,
        &mut run,
    )?;
    let text = serde_json::to_vec(&probed).expect("answers are plain data");
    let answers = make::blob(bench.store, &text)?;
    Ok(Products::from([("answers".to_owned(), answers)]))
}

impl Probed {
    /// Reads the answers as [`probe`] wrote them.
    ///
    /// # Errors
    /// They are of another version, or no answers.
    pub fn parse(bytes: &[u8]) -> Result<Self, KernelError> {
        serde_json::from_slice::<Self>(bytes)
            .ok()
            .filter(|probed| probed.schema == SCHEMA)
            .ok_or(KernelError::Answers)
    }

    /// Reads the Kconfig files of the tree for which the questions were answered.
    ///
    /// # Errors
    /// The files have mistakes, or ask more than what was answered.
    pub fn read(&self, source: &Path) -> Result<Tree, KernelError> {
        let mut answers = self.answers.clone();
        let known = rounds::read(source, TOP, &self.variables, &mut answers, |commands| {
            Err(KernelError::Unanswered {
                commands: commands.to_vec(),
            })
        })?;
        Ok(known.tree)
    }
}

/// Reads the Kconfig files of a tree and asks what they ask, until nothing is unknown. `known` holds answers that the
/// same toolchain gave to the same tree earlier; `build` is an empty directory.
///
/// # Errors
/// The files have mistakes, or a command fails to end.
pub fn ask(
    source: &Path,
    arch: Arch,
    known: Answers,
    build: &Path,
    jobs: usize,
    run: &mut Run<'_>,
) -> Result<(Tree, Probed), KernelError> {
    let mut variables = variables(source, arch)?;
    let mut answers = known;
    let texts = TEXTS.map(|(_, command)| command.to_owned());
    let unknown = texts
        .iter()
        .any(|command| answers.answer(command).is_none());
    if unknown {
        let printed = printed(source, build, &variables, jobs, &texts, run)?;
        answers.extend(texts.to_vec(), printed);
    }
    for (name, command) in TEXTS {
        let text = as_make_reads(answers.answer(command).unwrap_or_default());
        variables.insert(name.to_owned(), text);
    }
    let tree = rounds::read(source, TOP, &variables, &mut answers, |commands| {
        printed(source, build, &variables, jobs, commands, run)
    })?
    .tree;
    let probed = Probed {
        schema: SCHEMA,
        variables,
        answers,
    };
    Ok((tree, probed))
}

/// Returns what each command prints.
fn printed(
    source: &Path,
    build: &Path,
    variables: &BTreeMap<String, String>,
    jobs: usize,
    commands: &[String],
    run: &mut Run<'_>,
) -> Result<Vec<Vec<u8>>, KernelError> {
    let mut all = Vec::with_capacity(commands.len());
    for commands in portions(commands) {
        let batch = Batch {
            commands,
            variables,
            jobs,
            seconds: PATIENCE,
        };
        let script = format!("exec >{PRINTED}\n{}", batch.script());
        let invocation = Invocation::new("sh")
            .args(["-c".to_owned(), script])
            .env("LC_ALL", "C")
            .cwd(BUILD)
            .mount(SRC, source, Access::Read)
            .mount(BUILD, build, Access::Write);
        run(&invocation)
            .map_err(|cause| unless_interrupted(cause, |cause| KernelError::Probe { cause }))?;
        let path = build.join(PRINTED);
        let bytes = fs::read(&path).map_err(|cause| KernelError::Read { path, cause })?;
        all.extend(batch.answers(&bytes)?);
    }
    Ok(all)
}

/// Returns the commands in portions whose scripts are short enough for one argument.
fn portions(commands: &[String]) -> Vec<&[String]> {
    let mut portions = Vec::new();
    let (mut start, mut length) = (0, 0);
    for (number, command) in commands.iter().enumerate() {
        // Quoting can make three more of a quote; the rest is the script's own.
        let longest = command.len() + 3 * command.matches('\'').count() + 32;
        if length + longest > SCRIPT && number > start {
            portions.push(&commands[start..number]);
            (start, length) = (number, 0);
        }
        length += longest;
    }
    portions.push(&commands[start..]);
    portions
}

/// Returns what the kernel's Makefile exports, as far as Kconfig files read it.
fn variables(source: &Path, arch: Arch) -> Result<BTreeMap<String, String>, KernelError> {
    let own = [
        ("ARCH", arch.kernel().to_owned()),
        ("SRCARCH", arch.kernel_source().to_owned()),
        ("srctree", SRC.to_owned()),
        ("KERNELVERSION", kernel_version(source)?),
        ("CONFIG_SHELL", "sh".to_owned()),
    ];
    let tools = TOOLS.map(|(name, tool)| (name, tool.to_owned()));
    Ok(own
        .into_iter()
        .chain(tools)
        .map(|(name, value)| (name.to_owned(), value))
        .collect())
}

/// Returns the version that the tree's Makefile states, with what it adds: `7.1.0-rc2`.
fn kernel_version(source: &Path) -> Result<String, KernelError> {
    let path = source.join("Makefile");
    let text = make::read(&path)?;
    let field = |name: &str| {
        text.lines().take(20).find_map(|line| {
            let (left, right) = line.split_once('=')?;
            (left.trim() == name).then(|| right.trim().to_owned())
        })
    };
    let (Some(version), Some(level)) = (field("VERSION"), field("PATCHLEVEL")) else {
        return Err(KernelError::NotAKernelTree { path });
    };
    let sub = field("SUBLEVEL")
        .map(|sub| format!(".{sub}"))
        .unwrap_or_default();
    let extra = field("EXTRAVERSION").unwrap_or_default();
    Ok(format!("{version}.{level}{sub}{extra}"))
}

/// Returns what `$(subst $(pound),,$(shell …))` makes of what a command printed.
fn as_make_reads(printed: &[u8]) -> String {
    let text = String::from_utf8_lossy(printed);
    text.trim_end_matches('\n')
        .replace('\n', " ")
        .replace('#', "")
}
