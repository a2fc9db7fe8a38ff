//! `config export`: the reference configuration in the form that a distribution keeps its own in.

use clap::ValueEnum;
use miette::Diagnostic;

use super::{
    super::{failure::Failure, output::result},
    profile,
    what::{self, KernelOptions},
};
use crate::kernel::{
    configfile::Kernel,
    export::{Drivers, Packaging, Reference},
};

/// Export what a guest kernel needs
///
/// Writes a profile's options in the form that a kernel's packaging takes, each with its reason. With
/// `--format full` it writes the whole configuration of a kernel that was built instead: name it with --from.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kata-artifacts config export --arch x86_64 --kernel-version 6.12 > kata.config
  kata-artifacts config export --arch x86_64 --kernel-version 6.12 --for debian --modules
  kata-artifacts config export --arch aarch64 --kernel-version 7.1 --format nix
  kata-artifacts config export --format full --from out/kata/oci")]
pub(crate) struct Args {
    /// What to write
    #[arg(long, value_enum, default_value = "fragment")]
    format: Format,

    /// Whose packaging a fragment is for
    #[arg(long = "for", value_enum, value_name = "DISTRIBUTION")]
    packaging: Option<Distribution>,

    /// The name of a profile, or a profile's file
    #[arg(long, value_name = "NAME|FILE", default_value = profile::DEFAULT)]
    profile: String,

    #[command(flatten)]
    kernel: KernelOptions,

    /// Make drivers modules where that will do: the modules must then be in the initrd
    #[arg(long)]
    modules: bool,

    /// The kernel to export, or to take architecture and version from: anything that `config check` reads
    #[arg(long, value_name = "WHAT")]
    from: Option<String>,
}

/// A form of a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A Kconfig fragment, as `merge_config.sh` takes it
    Fragment,
    /// The whole configuration of the kernel named by --from
    Full,
    /// A NixOS module
    Nix,
    /// All that is known of every option, for programs
    Json,
}

/// A distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Distribution {
    /// For debian/config of the source package linux
    Debian,
    /// For kernel-local of the source package kernel
    Fedora,
    /// For a flavor's file of kernel-source
    Suse,
}

/// What is asked for cannot be exported.
#[derive(Debug, thiserror::Error, Diagnostic)]
enum ExportError {
    /// Nothing says for which kernel.
    #[error("nothing says for which kernel to export")]
    #[diagnostic(
        code(config::which_kernel),
        help("say it with `--arch` and `--kernel-version`, or name a kernel with `--from`")
    )]
    NoKernel,
    /// The version is none.
    #[error("{0}")]
    #[diagnostic(code(config::version))]
    Version(crate::kernel::version::NotAVersion),
    /// A whole configuration comes from a kernel.
    #[error("a full configuration is what a kernel was built with, and none is named")]
    #[diagnostic(
        code(config::no_kernel),
        help("name one: `--from out/kata/oci` for what `kata-artifacts build` made")
    )]
    NoFull,
    /// Options that do not go together.
    #[error("`{option}` says nothing about this format")]
    #[diagnostic(code(config::option), help("leave it out"))]
    Idle {
        /// The option.
        option: &'static str,
    },
}

impl Args {
    pub(crate) fn run(self) -> Result<(), Failure> {
        for (option, is_idle) in [
            (
                "--for",
                self.packaging.is_some() && self.format != Format::Fragment,
            ),
            (
                "--modules",
                self.modules && matches!(self.format, Format::Full | Format::Json),
            ),
        ] {
            if is_idle {
                return Err(Failure::input(ExportError::Idle { option }));
            }
        }
        if self.format == Format::Full {
            let from = self.from.as_deref();
            let from = from.ok_or_else(|| Failure::input(ExportError::NoFull))?;
            let configuration = what::read_one(from, &self.kernel.stated())?;
            result(configuration.file.text());
            return Ok(());
        }
        let kernel = self.kernel()?;
        let required = profile::required(&self.profile, kernel)?;
        let reference = Reference {
            profile: &required.profile,
            arch: kernel.arch,
            version: kernel.version,
            requirements: &required.rows,
            drivers: match self.modules {
                true => Drivers::Modules,
                false => Drivers::BuiltIn,
            },
        };
        result(&match self.format {
            Format::Nix => reference.nix(),
            Format::Json => reference.json(),
            Format::Fragment | Format::Full => reference.fragment(match self.packaging {
                None => Packaging::Any,
                Some(Distribution::Debian) => Packaging::Debian,
                Some(Distribution::Fedora) => Packaging::Fedora,
                Some(Distribution::Suse) => Packaging::Suse,
            }),
        });
        Ok(())
    }

    fn kernel(&self) -> Result<Kernel, Failure> {
        let stated = self.kernel.stated();
        if let Some(from) = &self.from {
            return Ok(what::read_one(from, &stated)?.kernel);
        }
        match (stated.arch, stated.version) {
            (Some(arch), Some(version)) => {
                let version = version.parse();
                let version = version.map_err(|told| Failure::input(ExportError::Version(told)))?;
                Ok(Kernel { arch, version })
            }
            _ => Err(Failure::input(ExportError::NoKernel)),
        }
    }
}
