//! `config resolve`: the final `.config` that requests lead to, without a build.

use std::path::PathBuf;

use super::{
    super::{
        failure::Failure,
        output::{result, tell},
        session::Session,
    },
    subject::Subject,
};

/// Print the .config that a kernel's options and the requests for them lead to
///
/// Equal to what the kernel's own `conf` writes, without running it. Takes the kernel and the profile of a manifest, or a
/// kernel source tree with --tree. Fragments are merged in their order, after the manifest's own.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kata-artifacts config resolve                                           the default guest's .config
  kata-artifacts config resolve -m manifests/small.yaml extra.conf        with a fragment on top
  kata-artifacts config resolve --tree linux-6.12 --arch x86_64 my.conf   a tree on disk, this host's compiler")]
pub(crate) struct Args {
    #[command(flatten)]
    subject: Subject,

    /// Fragments to merge
    #[arg(value_name = "FRAGMENT")]
    fragments: Vec<PathBuf>,
}

impl Args {
    pub(crate) fn run(self, session: &Session) -> Result<(), Failure> {
        let case = self.subject.case(&self.fragments, session)?;
        let merged = case.merged()?;
        for repeat in &merged.repeats {
            tell(&format!("warning: {repeat}"));
        }
        let question = case.question(&merged);
        result(&case.options.answer(&question).dot_config());
        Ok(())
    }
}
