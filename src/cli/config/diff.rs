//! `config diff`: what differs between two configurations, and who asked for it.

use std::{collections::BTreeMap, fmt::Write, fs, path::PathBuf};

use miette::Diagnostic;
use serde::Serialize;

use super::{
    super::{
        failure::Failure,
        output::{json, result},
    },
    profile,
    what::{self, Configuration, KernelOptions},
};
use crate::{
    arch::Arch,
    kernel::{
        configfile::Kernel,
        difference::{Difference, Requests, Side, differences},
        extract::ExtractError,
        fragment::Fragment,
        value::Value,
    },
};

/// How a side is named that is a profile.
const PROFILE: &str = "profile:";

/// Compare two kernel configurations
///
/// Tells by feature what differs between two configurations, kernels or packages, without building them. A side may also
/// be a profile, as profile:NAME or profile:NAME@ARCH: then only what that requires is compared. Each difference is one
/// that the profile or a fragment asks for, or a default of the kernel and a choice of who configured it. Exit status: 0
/// whether they differ or not, 2 there is nothing to compare.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kata-artifacts config diff /boot/config-6.1.0-56-amd64 linux-image-6.12.117+deb13-amd64.deb
  kata-artifacts config diff profile:kata .config
  kata-artifacts config diff before.config after.config --fragment mine.conf --json")]
pub(crate) struct Args {
    /// The first side
    a: String,

    /// The second side
    b: String,

    /// Whose requests tell a wish from a default: the name of a profile, or a profile's file
    #[arg(long, value_name = "NAME|FILE", default_value = profile::DEFAULT)]
    profile: String,

    /// A fragment whose requests count as well
    #[arg(long, value_name = "FILE")]
    fragment: Vec<PathBuf>,

    #[command(flatten)]
    kernel: KernelOptions,

    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// Two profiles are compared, and nothing says for which kernel.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("nothing says for which kernel the profiles are compared")]
#[diagnostic(
    code(config::which_kernel),
    help(
        "say it with `--arch` and `--kernel-version`, for instance `--arch x86_64 --kernel-version 6.12`"
    )
)]
struct NoKernel;

#[derive(Serialize)]
struct Compared<'a> {
    schema: u32,
    a: &'a str,
    b: &'a str,
    requested: usize,
    defaults: usize,
    differences: &'a [Difference],
}

/// What a side is named as.
enum Named {
    Config(Configuration),
    Profile { name: String, arch: Option<Arch> },
}

impl Args {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let a = self.named(&self.a)?;
        let b = self.named(&self.b)?;
        // Requests are those of the kernel that comes after.
        let kernel = self.kernel(&[&b, &a])?;
        let (side_a, title_a) = side(&a, kernel)?;
        let (side_b, title_b) = side(&b, kernel)?;
        let mut requests = Requests::default();
        let required = profile::required(&self.profile, kernel)?;
        requests.require(&required.rows);
        for path in &self.fragment {
            let bytes = fs::read(path).map_err(|cause| {
                let path = path.clone();
                Failure::input(ExtractError::Read { path, cause })
            })?;
            let fragment = Fragment::parse(&path.display().to_string(), &bytes);
            requests.request(fragment.map_err(Failure::input)?.requests);
        }
        let differences = differences(&side_a, &side_b, &requests);
        let requested = differences.iter().filter(|it| it.asked.is_some()).count();
        if self.json {
            json(&Compared {
                schema: 1,
                a: &title_a,
                b: &title_b,
                requested,
                defaults: differences.len() - requested,
                differences: &differences,
            });
        } else {
            let head = format!("a  {title_a}\nb  {title_b}\n");
            result(&(head + &table(&differences, requested, &required.profile)));
        }
        Ok(())
    }

    fn named(&self, text: &str) -> Result<Named, Failure> {
        let Some(name) = text.strip_prefix(PROFILE) else {
            let configuration = what::read_one(text, &self.kernel.stated())?;
            return Ok(Named::Config(configuration));
        };
        let (name, arch) = match name.rsplit_once('@') {
            Some((name, arch)) => (name, Some(arch.parse().map_err(|_| unknown(arch))?)),
            None => (name, None),
        };
        let name = name.to_owned();
        Ok(Named::Profile { name, arch })
    }

    /// Returns the kernel that requests are asked for: the first that a side is for, or the stated one.
    fn kernel(&self, sides: &[&Named]) -> Result<Kernel, Failure> {
        let own = sides.iter().find_map(|side| match side {
            Named::Config(configuration) => Some(configuration.kernel),
            Named::Profile { .. } => None,
        });
        let named = sides.iter().find_map(|side| match side {
            Named::Profile { arch, .. } => *arch,
            Named::Config(_) => None,
        });
        let version = self.kernel.kernel_version.as_ref();
        let version = version.and_then(|version| version.parse().ok());
        let arch = self.kernel.arch.or(named);
        match (own, arch, version) {
            (Some(kernel), ..) => Ok(kernel),
            (None, Some(arch), Some(version)) => Ok(Kernel { arch, version }),
            _ => Err(Failure::input(NoKernel)),
        }
    }
}

/// An architecture is not one.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("{0}")]
#[diagnostic(code(config::arch))]
struct UnknownArch(String);

fn unknown(arch: &str) -> Failure {
    let told = arch.parse::<Arch>().err();
    Failure::input(UnknownArch(
        told.map_or(String::new(), |told| told.to_string()),
    ))
}

/// Returns a side, and what it is.
fn side(named: &Named, kernel: Kernel) -> Result<(Side, String), Failure> {
    match named {
        Named::Config(configuration) => {
            let file = &configuration.file;
            let version = configuration.kernel.version.to_string();
            let release = file.release.as_deref().unwrap_or(&version);
            let title = format!(
                "{}: Linux {release} for {}",
                file.name, configuration.kernel.arch
            );
            Ok((Side::config(file), title))
        }
        Named::Profile { name, arch } => {
            let arch = arch.unwrap_or(kernel.arch);
            let required = profile::required(name, Kernel { arch, ..kernel })?;
            let name = &required.profile;
            let title = format!("profile {name} for Linux {} on {arch}", kernel.version);
            Ok((Side::profile(&required.rows), title))
        }
    }
}

/// Returns the differences for a person: those of features first, then the others by menu.
fn table(differences: &[Difference], requested: usize, profile: &str) -> String {
    let mut text = String::new();
    let mut groups: BTreeMap<(u8, String), Vec<&Difference>> = BTreeMap::new();
    for difference in differences {
        let feature = difference.asked.as_ref().and_then(|it| it.feature.clone());
        let key = match (&difference.asked, feature) {
            (Some(_), Some(feature)) => (0, feature),
            (Some(_), None) => (1, "Asked for by a fragment".to_owned()),
            (None, _) => {
                let menu = difference.menu.clone();
                (2, menu.unwrap_or_else(|| "General".to_owned()))
            }
        };
        groups.entry(key).or_default().push(difference);
    }
    for ((kind, title), rows) in &groups {
        let note = if *kind == 2 { " (nobody asks)" } else { "" };
        let _ = writeln!(text, "\n{title}{note}");
        for row in rows {
            let change = format!("{} -> {}", value(row.a.as_ref()), value(row.b.as_ref()));
            let asked = row.asked.as_ref().map_or(String::new(), |asked| {
                format!("  {} asked for at {}", asked.value, asked.origin)
            });
            let line = format!("  {:<40} {change:<20}{asked}", row.symbol.to_string());
            let _ = writeln!(text, "{}", line.trim_end());
        }
    }
    let count = differences.len();
    let defaults = count - requested;
    let _ = write!(
        text,
        "\n{count} differences: {requested} in what profile {profile} or a fragment asks for, {defaults} in defaults and \
         choices of others"
    );
    text
}

fn value(value: Option<&Value>) -> String {
    value.map_or_else(|| "(not there)".to_owned(), Value::to_string)
}
