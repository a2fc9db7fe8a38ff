//! `config`: kernel configurations, anybody's. One file for each of its verbs; how WHAT is read is in `what`.

mod check;
mod diff;
mod export;
mod junit;
mod markdown;
mod profile;
mod table;
mod what;

use clap::Subcommand;

use super::failure::Failure;

/// Check, compare and export kernel configurations
///
/// For those who use their own kernel with Kata. WHAT may be a .config, plain or compressed; /proc/config.gz; a vmlinux,
/// bzImage or Image that carries its configuration; a .deb or .rpm kernel package; a directory such as /boot, of which
/// every kernel counts; `host`, the running kernel; or an image layout of kata-artifacts, as DIR or oci:DIR:TAG.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kata-artifacts config check host                     does the running kernel do for a Kata guest?
  kata-artifacts config check linux-image.deb --json   and this package's? For programs
  kata-artifacts config diff old.config new.config     what changed, and who asked for it
  kata-artifacts config export --arch x86_64 --kernel-version 6.12 --for debian   what to adopt")]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Check(check::Args),
    Diff(diff::Args),
    Export(export::Args),
}

impl Args {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self.verb {
            Verb::Check(args) => args.run(),
            Verb::Diff(args) => args.run(),
            Verb::Export(args) => args.run(),
        }
    }
}
