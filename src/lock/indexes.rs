//! Releases and indexes, as resolving needs them: which to ask for, where, and in which form. What is in them is for
//! `debian`; what follows from it is for `resolve`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rayon::prelude::*;

use super::{Requests, ResolveError};
use crate::{
    arch::Arch,
    debian::{
        archive::{Archive, archive_of},
        index,
        openpgp::Keyring,
        release::{IndexFile, Release, verify},
    },
};

/// Endings of an index's path, the smallest file first.
const FORMS: [&str; 3] = [".xz", ".gz", ""];

/// Verified releases by suite.
pub(super) type Releases = BTreeMap<String, Release>;

/// Fetches and verifies the release of every suite.
pub(super) fn ask(
    requests: &Requests,
    keys: &Keyring,
    archive: &dyn Archive,
    now: Timestamp,
) -> Result<Releases, ResolveError> {
    if requests.packages.is_empty() {
        return Ok(BTreeMap::new());
    }
    requests
        .suites
        .par_iter()
        .map(|suite| {
            let bytes = archive.release(archive_of(suite), suite)?;
            Ok((suite.clone(), verify(&bytes, suite, keys, now)?))
        })
        .collect()
}

/// The packages of each index, with its suite, in the manifest's order.
pub(super) type Indexes = Vec<(String, Vec<index::Package>)>;

/// Returns the indexes as a universe takes them.
pub(super) fn views(indexes: &Indexes) -> Vec<(&str, &[index::Package])> {
    indexes
        .iter()
        .map(|(suite, packages)| (suite.as_str(), packages.as_slice()))
        .collect()
}

/// Reads the indexes of every suite and component for one architecture, in the manifest's order.
pub(super) fn read_indexes(
    requests: &Requests,
    machine: Arch,
    releases: &Releases,
    archive: &dyn Archive,
) -> Result<Indexes, ResolveError> {
    let mut wanted = Vec::new();
    for suite in &requests.suites {
        let Some(release) = releases.get(suite) else {
            continue;
        };
        for component in &requests.components {
            let (path, file) =
                index_file(release, component, machine.debian()).ok_or_else(|| {
                    ResolveError::NoIndex {
                        suite: suite.clone(),
                        component: component.clone(),
                        architecture: machine.debian().to_owned(),
                        has: indexes_of(release),
                    }
                })?;
            wanted.push((suite, release, path, file));
            if release.separate_all
                && let Some((path, file)) = index_file(release, component, "all")
            {
                wanted.push((suite, release, path, file));
            }
        }
    }
    wanted
        .into_par_iter()
        .map(|(suite, release, path, file)| {
            let reader =
                archive.index(archive_of(suite), &paths(suite, release, &path, file), file)?;
            let packages = index::read(&path, &format!("{suite} {path}"), reader)?;
            Ok((suite.clone(), packages))
        })
        .collect()
}

/// Returns the smallest form of an index that the release names.
fn index_file(
    release: &Release,
    component: &str,
    architecture: &str,
) -> Option<(String, IndexFile)> {
    FORMS.iter().find_map(|form| {
        let path = format!("{component}/binary-{architecture}/Packages{form}");
        let file = *release.files.get(&path)?;
        Some((path, file))
    })
}

fn indexes_of(release: &Release) -> String {
    let has: Vec<_> = release
        .files
        .keys()
        .filter_map(|path| path.strip_suffix("/Packages.xz"))
        .filter(|path| !path.contains("debian-installer"))
        .map(|path| path.replace("/binary-", " for "))
        .collect();
    if has.is_empty() {
        "none".to_owned()
    } else {
        has.join(", ")
    }
}

/// Returns where an index may be below the archive: under its digest, which never changes, or under its name.
fn paths(suite: &str, release: &Release, path: &str, file: IndexFile) -> Vec<String> {
    let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
    let by_hash = format!(
        "dists/{suite}/{directory}/by-hash/SHA256/{}",
        file.sha256.hex()
    );
    let by_name = format!("dists/{suite}/{path}");
    if release.by_hash {
        vec![by_hash, by_name]
    } else {
        vec![by_name]
    }
}
