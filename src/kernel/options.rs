//! A kernel's options: its Kconfig tree, read with the toolchain's answers, and the values that requests lead to, without
//! a build. The kernel's own `conf` decides what is compiled; that both agree is checked here too.

use std::path::Path;

use super::{
    KernelError,
    dotconfig::DotConfig,
    fragment::Origin,
    make,
    merge::Merged,
    probe::Probed,
    symbols::{Definition, Symbols},
    value::{Symbol, Value},
};
use crate::{
    arch::Arch,
    kconfig::{
        dialect::Dialect,
        dotconfig::{Request, Requests},
        evaluate::Values,
        explain::Asked,
        model::{Model, SymbolId},
        modes::{self, Base},
        syntax::{Place, Tree},
    },
};

/// As many differences are told.
const TOLD: usize = 20;

/// The options of a kernel tree for one architecture.
#[derive(Clone, Debug)]
pub struct Options(Model);

/// What a configuration starts from, with its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// `allnoconfig`: what nobody asks for is off.
    Allnoconfig,
    /// `defconfig`: the architecture's own defaults, as its file says them.
    Defconfig(String),
    /// A whole `.config`.
    File(String),
}

impl Options {
    /// Reads the options of a tree with the answers that [`super::probe()`] found.
    ///
    /// # Errors
    /// The tree's Kconfig files have mistakes, or are not those for which the questions were answered.
    pub fn read(source: &Path, probed: &Probed) -> Result<Self, KernelError> {
        Self::new(source, &probed.read(source)?)
    }

    /// Takes the options that the tree's Kconfig files say.
    ///
    /// # Errors
    /// They depend on themselves, or the tree brings no `conf`.
    pub fn new(source: &Path, tree: &Tree) -> Result<Self, KernelError> {
        let dialect = Dialect::of_tree(source).map_err(|cause| KernelError::Read {
            path: source.join("scripts/kconfig"),
            cause,
        })?;
        Ok(Self(Model::new(tree, dialect)?))
    }

    /// Returns the model behind.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.0
    }

    /// Returns the symbols that files define, each with the place of its first definition.
    #[must_use]
    pub fn symbols(&self) -> Symbols {
        let defined = self.0.symbols().filter(|(id, _)| *id > SymbolId::YES);
        defined
            .filter_map(|(_, symbol)| {
                let place = self.0.place(symbol.definitions.first()?.at);
                let (file, line) = place.rsplit_once(':')?;
                let origin = Origin {
                    file: file.to_owned(),
                    line: line.parse().ok()?,
                };
                Some((symbol.name.parse::<Symbol>().ok()?, Definition { origin }))
            })
            .collect()
    }

    /// Returns what is asked of the options: what the configuration starts from, then the requests, as `conf` reads them.
    #[must_use]
    pub fn question(&self, start: &Start, merged: &Merged) -> Question {
        let read = |text: &str| Requests::read(text.as_bytes(), 0, self.0.dialect()).requests;
        let (base, first, name) = match start {
            Start::Allnoconfig => (Base::AllNo, Vec::new(), ""),
            Start::Defconfig(text) => {
                let defaults = modes::evaluate(&self.0, Base::Defconfig, &read(text));
                (
                    Base::Olddefconfig,
                    read(&defaults.dot_config()),
                    "defconfig",
                )
            }
            Start::File(text) => (Base::Olddefconfig, read(text), "kernel.config"),
        };
        let mut question = Question {
            base,
            requests: first,
            files: vec![name.to_owned()],
        };
        for request in merged.requests.values() {
            question.add(request);
        }
        question
    }

    /// Finds the values that follow.
    #[must_use]
    pub fn answer(&self, question: &Question) -> Values<'_> {
        modes::evaluate(&self.0, question.base, &question.requests)
    }
}

/// Requests as the evaluator reads them, each with the place where somebody wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// What holds for symbols that nobody asked about.
    pub base: Base,
    /// The requests, in order. The last one of a symbol counts.
    pub requests: Vec<Request>,
    /// The names of the files in which the requests stand, by their number.
    pub files: Vec<String>,
}

impl Question {
    /// Returns the requests with their places, for explanations.
    #[must_use]
    pub fn asked(&self) -> Asked<'_> {
        Asked {
            requests: &self.requests,
            files: &self.files,
        }
    }

    /// Requests a value, written as fragments write it, after all others.
    pub fn request(&mut self, symbol: &str, value: &str) {
        self.requests.push(Request {
            name: symbol.into(),
            value: value.to_owned(),
            at: Place::default(),
        });
    }

    fn add(&mut self, request: &super::fragment::Request) {
        let file = &request.origin.file;
        let number = self.files.iter().position(|known| known == file);
        let number = number.unwrap_or_else(|| {
            self.files.push(file.clone());
            self.files.len() - 1
        });
        let line = request.value.line_for(&request.symbol);
        let value = line.split_once('=').map_or("n", |(_, value)| value);
        self.requests.push(Request {
            name: request.symbol.as_str().into(),
            value: value.to_owned(),
            at: Place {
                file: u32::try_from(number).unwrap_or(u32::MAX),
                line: u32::try_from(request.origin.line).unwrap_or(u32::MAX),
            },
        });
    }
}

/// Returns the text of an architecture's `defconfig` for a machine of the same architecture; nothing where the kernel's
/// Makefile puts it together from parts.
///
/// # Errors
/// The file cannot be read.
pub fn defconfig(source: &Path, arch: Arch) -> Result<Option<String>, KernelError> {
    let name = match arch {
        Arch::X86_64 => "x86_64_defconfig",
        Arch::Aarch64 | Arch::Riscv64 | Arch::S390x => "defconfig",
        Arch::Ppc64le => return Ok(None),
    };
    let path = source
        .join("arch")
        .join(arch.kernel_source())
        .join("configs")
        .join(name);
    make::read(&path).map(Some)
}

/// Compares what was evaluated with what the kernel's own `conf` wrote.
///
/// # Errors
/// They differ.
pub fn agree(evaluated: &Values<'_>, config: &DotConfig) -> Result<(), KernelError> {
    let text = evaluated.dot_config();
    let own =
        DotConfig::parse(&text).map_err(|(line, text)| KernelError::NotAConfig { line, text })?;
    let mut rows: Vec<String> = own
        .symbols()
        .chain(config.symbols())
        .filter(|symbol| own.value(symbol) != config.value(symbol))
        .map(|symbol| {
            let (here, there) = (own.value(symbol), config.value(symbol));
            format!(
                "{symbol}: conf says {}, evaluated {}",
                told(there),
                told(here)
            )
        })
        .collect();
    rows.sort();
    rows.dedup();
    if rows.is_empty() {
        return Ok(());
    }
    let count = rows.len();
    rows.truncate(TOLD);
    Err(KernelError::Disagree { count, rows })
}

fn told(value: &Value) -> String {
    match value {
        Value::No => "it is not set".to_owned(),
        value => value.to_string(),
    }
}
