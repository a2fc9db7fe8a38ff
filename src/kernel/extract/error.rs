//! Everything that can go wrong between a path and a configuration's text, one variant per operation.

use std::{io, path::PathBuf};

use miette::Diagnostic;

/// What to give instead of a kernel that says nothing about itself.
const INSTEAD: &str = "give the configuration that was kept beside it, often /boot/config-VERSION or \
                       /lib/modules/VERSION/config, or the kernel's package";

/// No configuration could be found.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum ExtractError {
    /// It cannot be read.
    #[error("cannot read `{}`", path.display())]
    #[diagnostic(code(extract::read))]
    Read {
        /// The path.
        path: PathBuf,
        /// The cause.
        #[source]
        cause: io::Error,
    },
    /// It is cut short, or its compression is broken.
    #[error("`{name}` is damaged or cut short")]
    #[diagnostic(code(extract::damaged), help("fetch it again"))]
    Damaged {
        /// The file.
        name: String,
        /// The cause.
        #[source]
        cause: io::Error,
    },
    /// It has fewer bytes than it says.
    #[error("`{name}` is cut short: it has {has} of {needs} bytes")]
    #[diagnostic(code(extract::cut_short), help("fetch it again"))]
    CutShort {
        /// The file.
        name: String,
        /// Its length in bytes.
        has: u64,
        /// The length that it should have at least, in bytes.
        needs: u64,
    },
    /// A package is not one.
    #[error("`{name}` is not a package that can be read: {why}")]
    #[diagnostic(code(extract::package))]
    Package {
        /// The file.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// A package holds no kernel's configuration.
    #[error("the package {package} in `{name}` holds no configuration of a kernel")]
    #[diagnostic(
        code(extract::none_in_package),
        help(
            "it should hold boot/config-… or lib/modules/…/config. A package that only depends on a kernel holds \
             nothing: take the one with its version in its name. Debian keeps the configuration in linux-image-VERSION, \
             and since Linux 7 in linux-base-VERSION; Fedora in kernel-core"
        )
    )]
    NoneInPackage {
        /// The file.
        name: String,
        /// The package's name and version.
        package: String,
    },
    /// A kernel carries no configuration.
    #[error("the kernel `{name}` carries no configuration: it was built without CONFIG_IKCONFIG")]
    #[diagnostic(code(extract::none_in_kernel), help("{INSTEAD}"))]
    NoneInKernel {
        /// The file.
        name: String,
    },
    /// A compression that is not read.
    #[error(
        "`{name}` is compressed with {compression}, which is not read: only gzip, xz, zstd, and lzma inside a kernel"
    )]
    #[diagnostic(code(extract::compression), help("decompress it first, or {INSTEAD}"))]
    Compression {
        /// The file.
        name: String,
        /// The compression.
        compression: &'static str,
    },
    /// It is longer than any configuration.
    #[error("`{name}` is longer than {} MiB: no kernel's configuration is", most >> 20)]
    #[diagnostic(code(extract::too_long))]
    TooLong {
        /// The file.
        name: String,
        /// The limit in bytes.
        most: u64,
    },
    /// It is something else.
    #[error("`{name}` is neither a configuration nor a kernel nor a package")]
    #[diagnostic(
        code(extract::unknown),
        help(
            "a .config, vmlinux, bzImage, Image, .deb or .rpm can be read; also compressed with gzip, xz or zstd"
        )
    )]
    Unknown {
        /// The file.
        name: String,
    },
    /// A directory without a kernel.
    #[error("there is no kernel's configuration in `{}`", path.display())]
    #[diagnostic(
        code(extract::empty_directory),
        help(
            "it should hold config-VERSION as /boot does, VERSION/config as /lib/modules does, or .config"
        )
    )]
    EmptyDirectory {
        /// The directory.
        path: PathBuf,
    },
    /// The running kernel's configuration is nowhere.
    #[error(
        "the configuration of the running kernel {release} is not on this host:{}",
        list(tried)
    )]
    #[diagnostic(
        code(extract::host),
        help("`modprobe configs` may bring /proc/config.gz; or {INSTEAD}")
    )]
    Host {
        /// The running kernel's release.
        release: String,
        /// Where it was looked for.
        tried: Vec<PathBuf>,
    },
}

fn list(paths: &[PathBuf]) -> String {
    paths
        .iter()
        .map(|path| format!("\n  {} is not there", path.display()))
        .collect()
}
