//! `config check`: whether a kernel will do for a guest.

use std::{fs, path::PathBuf};

use miette::Diagnostic;
use serde::Serialize;

use super::{
    super::{
        failure::Failure,
        output::{json, result},
    },
    junit, markdown, profile, table,
    what::{self, KernelOptions},
};
use crate::{
    arch::Arch,
    kernel::{
        demand::Level,
        fit::{Fit, Row, State, fit},
        value::Value,
    },
};

/// Check whether a kernel does for a Kata guest
///
/// Compares a kernel's configuration with what a profile requires, and tells by feature what is missing, what is a
/// module and so belongs in an initrd, what must be off, and what each of it costs. WHAT is described by
/// `kata-artifacts config --help`. Exit status: 0 the kernel does, 1 something required is missing or something
/// forbidden is on, 2 there is no usable configuration.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kata-artifacts config check host
  kata-artifacts config check /boot --kernel-version 6.12
  kata-artifacts config check linux-image-6.12.117+deb13-cloud-amd64_6.12.117-1_amd64.deb
  kata-artifacts config check .config --profile confidential --junit kata.xml")]
pub(crate) struct Args {
    /// A configuration, a kernel, a package, a directory of kernels, `host` or an image layout
    what: String,

    /// What to compare with: the name of a profile, or a profile's file
    #[arg(long, value_name = "NAME|FILE", default_value = profile::DEFAULT)]
    profile: String,

    #[command(flatten)]
    kernel: KernelOptions,

    /// Print the result as JSON
    #[arg(long, conflicts_with_all = ["markdown", "quiet"])]
    json: bool,

    /// Print the result as Markdown
    #[arg(long, conflicts_with = "quiet")]
    markdown: bool,

    /// Print nothing: the exit status tells
    #[arg(long, short)]
    quiet: bool,

    /// Write the result as JUnit XML into this file as well
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

/// The result for one kernel.
#[derive(Serialize)]
pub(super) struct Checked {
    /// Where the configuration was found.
    pub(super) name: String,
    /// The kernel's release.
    pub(super) release: String,
    architecture: Arch,
    /// The profile's name.
    pub(super) profile: String,
    satisfied: bool,
    counts: Counts,
    /// Modules that an initrd must hold.
    pub(super) modules: Modules,
    #[serde(rename = "requirements")]
    rows: Vec<Row>,
    #[serde(skip)]
    pub(super) fit: Fit,
}

/// Modules by how much what they serve is required.
#[derive(Serialize)]
pub(super) struct Modules {
    pub(super) required: Vec<&'static str>,
    pub(super) recommended: Vec<&'static str>,
}

#[derive(Serialize)]
struct Counts {
    met: usize,
    module: usize,
    missing: usize,
    forbidden: usize,
    advised: usize,
}

#[derive(Serialize)]
struct Verdict<'a> {
    schema: u32,
    satisfied: bool,
    kernels: &'a [Checked],
}

/// A report cannot be written.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("cannot write `{}`", path.display())]
#[diagnostic(code(config::junit))]
struct Unwritten {
    path: PathBuf,
    #[source]
    cause: std::io::Error,
}

impl Args {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let configurations = what::read(&self.what, &self.kernel.stated())?;
        let mut kernels = Vec::new();
        for configuration in configurations {
            let required = profile::required(&self.profile, configuration.kernel)?;
            let fit = fit(required.rows, &configuration.file.values);
            kernels.push(Checked::new(configuration, required.profile, fit));
        }
        if let Some(path) = &self.junit {
            let text = junit::report(&kernels);
            fs::write(path, text).map_err(|cause| {
                let path = path.clone();
                Failure::work(Unwritten { path, cause })
            })?;
        }
        let satisfied = kernels.iter().all(|kernel| kernel.satisfied);
        if self.json {
            json(&Verdict {
                schema: 1,
                satisfied,
                kernels: &kernels,
            });
        } else if self.markdown {
            result(&markdown::report(&kernels));
        } else if !self.quiet {
            result(&table::report(&kernels));
        }
        if satisfied {
            Ok(())
        } else {
            Err(Failure::Verdict)
        }
    }
}

impl Checked {
    fn new(configuration: what::Configuration, profile: String, fit: Fit) -> Self {
        let kernel = configuration.kernel;
        Self {
            release: configuration
                .file
                .release
                .unwrap_or_else(|| kernel.version.to_string()),
            name: configuration.file.name,
            architecture: kernel.arch,
            profile,
            satisfied: fit.is_satisfied(),
            counts: Counts {
                met: fit.count(State::Met),
                module: fit.count(State::Module),
                missing: fit.count(State::Missing),
                forbidden: fit.count(State::Forbidden),
                advised: fit.count(State::Advised),
            },
            modules: Modules {
                required: fit.modules(Level::Required).into_iter().collect(),
                recommended: fit.modules(Level::Recommended).into_iter().collect(),
            },
            rows: fit.rows.clone(),
            fit,
        }
    }

    /// Says which kernel this is.
    pub(super) fn title(&self) -> String {
        format!(
            "{}: Linux {} for {}",
            self.name, self.release, self.architecture
        )
    }

    /// Says in one line how it fares.
    pub(super) fn summary(&self) -> String {
        let Counts {
            met,
            module,
            missing,
            forbidden,
            advised,
        } = self.counts;
        let meets = if self.satisfied {
            "meets"
        } else {
            "does not meet"
        };
        let profile = &self.profile;
        let mut text = format!("This kernel {meets} profile {profile}: {met} options met");
        for (count, what) in [
            (module, "as modules"),
            (missing, "missing"),
            (forbidden, "forbidden"),
            (advised, "recommended and missing"),
        ] {
            if count > 0 {
                text += &format!(", {count} {what}");
            }
        }
        text
    }
}

/// Says how a row fares, beyond its state: only what the state and the symbol do not tell.
pub(super) fn detail(row: &Row) -> Option<String> {
    let wanted: Vec<String> = row
        .requirement
        .acceptable
        .iter()
        .map(ToString::to_string)
        .collect();
    let wanted = wanted.join(" or ");
    match (row.state, &row.actual) {
        (State::Module | State::Met, _) => None,
        (State::Forbidden, Value::Yes) => None,
        (State::Forbidden, actual) => Some(format!("is {actual}")),
        (_, Value::No) if wanted == "y" => None,
        (_, Value::No) => Some(format!("wants {wanted}")),
        (_, Value::Module) if wanted == "y" => Some("is m, must be built in".to_owned()),
        (_, actual) => Some(format!("is {actual}, wants {wanted}")),
    }
}
