//! The last step of a plan: looks whether products are true, then writes what describes them into the store. Files are
//! not copied; they are in the store already.

use std::{collections::BTreeMap, path::Path};

use super::{
    OciError,
    artifact::{self, Artifact, Blob, Facts},
    kconfig,
    layout::{Entry, LayoutList, PlainFile, SCHEMA},
    media::Kind,
    truth::{self, Look},
};
use crate::{
    arch::Arch,
    bench::Bench,
    digest::Digest,
    plan::action::Pack,
    step::{Product, Products, part},
    store::Store,
};

/// Checks products for truth and writes their artifacts' configs, manifests and indexes. Product: `layout`, a
/// [`LayoutList`], and every blob that it lists.
///
/// # Errors
/// [`OciError::Untrue`] with everything that is wrong with the products; a product is not in the store; the store fails.
pub fn pack(bench: &Bench<'_>, action: &Pack<Digest>) -> Result<Products, OciError> {
    let look = Look {
        vmlinux: |path: &Path, arch| kernel(crate::kernel::image::check_vmlinux(path, arch)),
        vmlinuz: |path: &Path, arch| kernel(crate::kernel::image::check_vmlinuz(path, arch)),
    };
    pack_looking(bench, action, &look)
}

fn kernel(checked: Result<u64, crate::kernel::KernelError>) -> Result<(), String> {
    checked.map(|_| ()).map_err(|error| error.to_string())
}

/// As [`pack`], with another way of looking at kernels: tests have no real ones.
pub(super) fn pack_looking(
    bench: &Bench<'_>,
    action: &Pack<Digest>,
    look: &Look,
) -> Result<Products, OciError> {
    let facts = truth::examine(bench, action, look)?;
    let list = write(bench.store, action, &facts, bench.key.0)?;
    let text = serde_json::to_vec(&list).expect("a list is plain data");
    let (digest, size) = bench.store.put(&text)?;
    let layout = Product::Blob { digest, size };
    let listed = list.blobs.iter().chain([&list.index_json]);
    let mut products: Products = listed.map(|entry| part(entry.digest, entry.size)).collect();
    products.insert("layout".to_owned(), layout);
    Ok(products)
}

/// Writes everything but the files. `inputs` is the step's key, which stands for all that is packed and how.
fn write(
    store: &Store,
    action: &Pack<Digest>,
    facts: &BTreeMap<Arch, Facts>,
    inputs: Digest,
) -> Result<LayoutList, OciError> {
    let newest = facts.values().map(|facts| facts.epoch).max();
    let newest = newest.expect("a manifest has at least one architecture");
    let version = facts.values().map(|facts| facts.version.as_str()).next();
    let version = version.expect("a manifest has at least one architecture");
    let mut blobs: BTreeMap<Digest, u64> = BTreeMap::new();
    let mut tags = Vec::new();
    for kind in Kind::ALL {
        let mut manifests = BTreeMap::new();
        for (arch, facts) in facts {
            let artifact = artifact::artifact(kind, action, *arch, facts, inputs);
            let manifest = write_artifact(store, &artifact)?;
            blobs.insert(Digest::of(&artifact.config), artifact.config.len() as u64);
            blobs.extend(artifact.layers.iter().map(|layer| layer.blob));
            blobs.extend([manifest]);
            manifests.insert(*arch, manifest);
        }
        let index = store.put(&artifact::index(kind, &manifests, newest))?;
        blobs.extend([index]);
        for tag in artifact::tags(kind, version, &action.flavour, inputs) {
            tags.push((tag, kind, index));
        }
    }
    let (_, _, guest_index) = tags[0];
    Ok(LayoutList {
        schema: SCHEMA,
        index: guest_index.0,
        index_json: store.put(&artifact::index_json(&tags))?.into(),
        tags: tags
            .into_iter()
            .map(|(tag, _, (digest, _))| (tag, digest))
            .collect(),
        blobs: blobs.into_iter().map(Entry::from).collect(),
        files: facts
            .iter()
            .map(|(arch, facts)| (*arch, plain_files(facts)))
            .collect(),
    })
}

/// Writes an artifact's config and manifest; returns the manifest.
fn write_artifact(store: &Store, artifact: &Artifact) -> Result<Blob, OciError> {
    if artifact.kind == Kind::Kconfig {
        return kconfig::write(store, artifact);
    }
    store.put(&artifact.config)?;
    Ok(store.put(&artifact::manifest(artifact))?)
}

fn plain_files(facts: &Facts) -> Vec<PlainFile> {
    facts
        .files
        .iter()
        .filter(|(part, _)| part.is_published())
        .map(|(part, (digest, size))| PlainFile {
            name: part.plain_name().to_owned(),
            digest: *digest,
            size: *size,
        })
        .collect()
}

#[cfg(test)]
#[path = "pack_tests.rs"]
mod tests;
#[cfg(test)]
#[path = "wanted_tests.rs"]
mod wanted_tests;
