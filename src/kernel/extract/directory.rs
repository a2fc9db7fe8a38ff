//! Directories of installed kernels: `/boot`, `/lib/modules`, the root of a system, a kernel's build directory. All
//! configurations of a directory are found, in the order of their names.

use std::{
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
};

use super::{ExtractError, Found, from_file};

/// Finds every configuration that a directory holds. Kernels are only opened where there is no configuration beside
/// them.
///
/// # Errors
/// The directory or one of the files cannot be read, or there is none.
pub fn from_directory(path: &Path) -> Result<Vec<Found>, ExtractError> {
    let in_boot = |file: &str| file.starts_with("config-");
    let a_kernel = |file: &str| {
        ["vmlinuz", "vmlinux", "bzImage", "Image"]
            .iter()
            .any(|name| file.starts_with(name))
    };
    let boot = path.join("boot");
    let modules = [path.join("usr/lib/modules"), path.join("lib/modules")];
    for place in [
        files(path, in_boot)?,
        existing(vec![path.join(".config"), path.join("config")]),
        below(path)?,
        files(&boot, in_boot)?,
        below(&modules[0])?,
        below(&modules[1])?,
        files(path, a_kernel)?,
        files(&boot, a_kernel)?,
    ] {
        if !place.is_empty() {
            return place.iter().map(|path| from_file(path)).collect();
        }
    }
    Err(ExtractError::EmptyDirectory {
        path: path.to_owned(),
    })
}

/// Finds the configuration of the running kernel, whose release is `release`, in the system at `root`.
///
/// # Errors
/// It is nowhere, or cannot be read.
pub fn from_host(root: &Path, release: &str) -> Result<Found, ExtractError> {
    let tried = vec![
        root.join("proc/config.gz"),
        root.join(format!("boot/config-{release}")),
        root.join(format!("usr/lib/modules/{release}/config")),
        root.join(format!("lib/modules/{release}/config")),
        root.join(format!("lib/modules/{release}/build/.config")),
    ];
    match tried.iter().find(|path| path.exists()) {
        Some(path) => from_file(path),
        None => Err(ExtractError::Host {
            release: release.to_owned(),
            tried,
        }),
    }
}

/// Returns the files of a directory whose names are wanted, sorted; none when there is no such directory.
fn files(path: &Path, wanted: impl Fn(&str) -> bool) -> Result<Vec<PathBuf>, ExtractError> {
    let found = entries(path)?.into_iter().filter(|path| {
        let name = path.file_name().and_then(OsStr::to_str);
        name.is_some_and(&wanted) && path.is_file()
    });
    Ok(found.collect())
}

/// Returns `VERSION/config` of every directory in this one that is named as a kernel's release is.
fn below(path: &Path) -> Result<Vec<PathBuf>, ExtractError> {
    let mut directories = entries(path)?;
    directories.retain(|path| {
        let name = path.file_name().and_then(OsStr::to_str);
        name.is_some_and(|name| name.starts_with(|first: char| first.is_ascii_digit()))
    });
    let configs = directories.iter().map(|path| path.join("config"));
    Ok(existing(configs.collect()))
}

fn existing(mut paths: Vec<PathBuf>) -> Vec<PathBuf> {
    paths.retain(|path| path.is_file());
    paths
}

fn entries(path: &Path) -> Result<Vec<PathBuf>, ExtractError> {
    let unreadable = |cause| ExtractError::Read {
        path: path.to_owned(),
        cause,
    };
    let entries = match fs::read_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(unreadable)?,
    };
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()
        .map_err(unreadable)?;
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::{
        super::tests::{CONFIG, kernel},
        *,
    };
    use crate::source::craft::gzip;

    #[test]
    fn a_directory_gives_all_its_kernels_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let names = |path: &Path| {
            let found = from_directory(path).map_err(|error| error.to_string())?;
            let name = |found: Found| {
                let name = found.name.strip_prefix(&path.display().to_string());
                name.unwrap().trim_start_matches('/').to_owned()
            };
            Ok::<Vec<String>, String>(found.into_iter().map(name).collect())
        };
        let write = |path: &str, bytes: &[u8]| {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        };
        assert!(
            names(dir.path())
                .unwrap_err()
                .starts_with("there is no kernel's configuration in")
        );
        write("boot/vmlinuz-6.1", &gzip(&kernel(CONFIG.as_bytes())));
        write(".git/config", b"not this");
        assert_eq!(
            names(dir.path()).unwrap(),
            ["boot/vmlinuz-6.1: its embedded configuration"]
        );
        write("lib/modules/6.12/config", CONFIG.as_bytes());
        assert_eq!(names(dir.path()).unwrap(), ["lib/modules/6.12/config"]);
        assert_eq!(
            names(&dir.path().join("lib/modules")).unwrap(),
            ["6.12/config"]
        );
        write("boot/config-6.2", CONFIG.as_bytes());
        write("boot/config-6.1", CONFIG.as_bytes());
        assert_eq!(
            names(&dir.path().join("boot")).unwrap(),
            ["config-6.1", "config-6.2"]
        );
        write(".config", CONFIG.as_bytes());
        assert_eq!(names(dir.path()).unwrap(), [".config"]);
    }

    #[test]
    fn the_running_kernels_configuration_is_looked_for_where_distributions_keep_it() {
        let dir = tempfile::tempdir().unwrap();
        let told = from_host(dir.path(), "6.12.1-a").unwrap_err().to_string();
        for place in [
            "proc/config.gz",
            "boot/config-6.12.1-a",
            "lib/modules/6.12.1-a/config",
        ] {
            assert!(told.contains(place), "{told}");
        }
        for (path, bytes) in [
            ("lib/modules/6.12.1-a/config", CONFIG.as_bytes().to_vec()),
            ("boot/config-6.12.1-a", CONFIG.as_bytes().to_vec()),
            ("proc/config.gz", gzip(CONFIG.as_bytes())),
        ] {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, bytes).unwrap();
            let found = from_host(dir.path(), "6.12.1-a").unwrap();
            assert_eq!(
                (found.name, found.bytes),
                (path.display().to_string(), CONFIG.into())
            );
        }
    }
}
