//! `config`: kernel configurations, anybody's. One file for each of its verbs; how WHAT is read is in `what`, which kernel
//! is asked about is in `subject`.

mod case;
mod check;
mod diff;
mod explain;
mod export;
mod junit;
mod markdown;
mod profile;
mod resolve;
mod subject;
mod table;
mod watch;
mod what;

use clap::Subcommand;

pub(super) use case::Case;

use super::{failure::Failure, session::Session};

/// Resolve, explain, check, compare and export kernel configurations
///
/// `resolve`, `explain` and `watch` answer for a manifest's kernel or a source tree, without a build. `check` and `diff`
/// read anybody's: WHAT may be a .config, plain or compressed; /proc/config.gz; a vmlinux, bzImage or Image that carries
/// its configuration; a .deb or .rpm kernel package; a directory such as /boot, of which every kernel counts; `host`, the
/// running kernel; or an image layout of kata-artifacts, as DIR or oci:DIR:TAG.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kata-artifacts config explain VIRTIO_FS              why is it on or off, and what gets it?
  kata-artifacts config resolve extra.conf             the whole .config, without a build
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
    Explain(explain::Args),
    Export(export::Args),
    Resolve(resolve::Args),
    Watch(watch::Args),
}

impl Args {
    pub(crate) fn run(
        self,
        session: impl FnOnce() -> Result<Session, Failure>,
    ) -> Result<(), Failure> {
        match self.verb {
            Verb::Check(args) => args.run(),
            Verb::Diff(args) => args.run(),
            Verb::Explain(args) => args.run(&session()?),
            Verb::Export(args) => args.run(),
            Verb::Resolve(args) => args.run(&session()?),
            Verb::Watch(args) => args.run(&session()?),
        }
    }
}
