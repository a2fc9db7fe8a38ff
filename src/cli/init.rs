//! `init`: writes a manifest that builds, with everything it refers to: the reference guest, as it was when this program
//! was compiled.

use std::{
    fs,
    path::{Path, PathBuf},
};

use miette::Diagnostic;

use super::{
    failure::Failure,
    output::{result, tell},
};
use crate::{event::count, kernel, manifest};

macro_rules! files {
    ($($name:literal)*) => {
        &[$(($name, include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/", $name)))),*]
    };
}

/// The reference guest's manifest.
const MANIFEST: &str = include_str!("../../manifests/kata.yaml");
/// What it refers to besides the kernel's data, by path.
const FILES: &[(&str, &[u8])] = files! {
    "manifests/keys/README.md"
    "manifests/keys/debian-archive-key-13-security.asc"
    "manifests/keys/debian-archive-key-13.asc"
    "manifests/keys/debian-release-13.asc"
    "rootfs/overlay/etc/group"
    "rootfs/overlay/etc/os-release"
    "rootfs/overlay/etc/passwd"
};

/// Write a commented manifest that builds, and what it refers to
///
/// Writes manifests/NAME.yaml, the kernel's fragments and profiles, the root file system's overlay and Debian's keys: the
/// reference guest, to be changed. Files that are there already stay as they are; the manifest must not be there.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kata-artifacts init                    write manifests/kata.yaml and what it needs, here
  kata-artifacts init guests --name db   write guests/manifests/db.yaml and what it needs")]
pub(crate) struct Args {
    /// Where to write
    #[arg(default_value = ".")]
    directory: PathBuf,

    /// What the guest is called: names the manifest's file, and the directory of its results
    #[arg(long, default_value = "kata")]
    name: String,
}

/// A manifest cannot be written.
#[derive(Debug, thiserror::Error, Diagnostic)]
enum InitError {
    /// It is there.
    #[error("`{}` is there already", path.display())]
    #[diagnostic(code(cli::init), help("`--name NAME` gives the new one another name"))]
    There {
        /// The manifest.
        path: PathBuf,
    },
    /// A file cannot be written.
    #[error("cannot write `{}`", path.display())]
    #[diagnostic(code(cli::write))]
    Write {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        cause: std::io::Error,
    },
}

impl Args {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let below = format!("manifests/{}.yaml", self.name);
        let path = self.directory.join(&below);
        if path.symlink_metadata().is_ok() {
            return Err(Failure::input(InitError::There { path }));
        }
        let text = MANIFEST.replacen("\nname: kata\n", &format!("\nname: {}\n", self.name), 1);
        // Whatever is wrong with the name is told before anything is written.
        let judged = manifest::parse(&path, &text, &Everywhere);
        judged.map_err(|wrong| Failure::input(manifest::ManifestError::Wrong(wrong)))?;
        let mut kept = 0;
        let kernel = kernel::shipped::files();
        let kernel = kernel.map(|(file, text)| (Path::new("kernel").join(file), text.as_bytes()));
        let others = FILES
            .iter()
            .map(|(file, bytes)| (PathBuf::from(file), *bytes));
        for (file, bytes) in kernel.chain(others) {
            kept += usize::from(!write(&self.directory.join(file), bytes)?);
        }
        let schema = self.directory.join("manifests/manifest.schema.json");
        let words =
            serde_json::to_string_pretty(&manifest::schema()).expect("a schema is plain data");
        write(&schema, (words + "\n").as_bytes())?;
        write(&path, text.as_bytes())?;
        if kept > 0 {
            let kept = count(kept, "file that was", "files that were");
            tell(&format!("{kept} there already stayed as they were"));
        }
        result(&path.display().to_string());
        let next = match (self.name.as_str(), self.directory == Path::new(".")) {
            ("kata", true) => String::new(),
            (_, true) => format!(" {below}"),
            (_, false) => format!(" {}", path.display()),
        };
        tell(&format!(
            "Next: `kata-artifacts build{next}` locks what its names mean, and makes it."
        ));
        Ok(())
    }
}

/// Writes a file unless there is one; tells whether it was written.
fn write(path: &Path, bytes: &[u8]) -> Result<bool, Failure> {
    if path.symlink_metadata().is_ok() {
        return Ok(false);
    }
    let parent = path.parent().unwrap_or(Path::new(""));
    let written = fs::create_dir_all(parent).and_then(|()| fs::write(path, bytes));
    written.map(|()| true).map_err(|cause| {
        Failure::work(InitError::Write {
            path: path.to_owned(),
            cause,
        })
    })
}

/// Files as they will be: what the reference manifest refers to, relative to any directory.
struct Everywhere;

impl manifest::Files for Everywhere {
    fn kind(&self, path: &Path) -> Option<manifest::Kind> {
        let name = path.file_name()?;
        Some(if Path::new(name).extension().is_some() {
            manifest::Kind::File
        } else {
            manifest::Kind::Directory
        })
    }

    fn names(&self, _: &Path) -> Vec<String> {
        Vec::new()
    }
}
