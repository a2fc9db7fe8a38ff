//! Drafts the steps that bring a kernel's source: a Debian package, an archive with its signature, a tree on disk; and the
//! patches on it.

use super::{
    action::{Action, ArchiveForm, Fetch, Import, Input, Origin, Patch, Signature, Unpack},
    draft::{Draft, blob},
    inputs::SourceInput,
    packages::{add_package, packages},
};
use crate::{lock::Use, manifest::KernelSource};

/// A kernel's source, ready to configure.
pub(super) struct Source {
    pub(super) tree: Input,
    pub(super) epoch: Input,
    pub(super) patches: Option<Input>,
    pub(super) words: String,
}

impl Draft<'_> {
    pub(super) fn source(&mut self, toolchain: Option<&Input>) -> Source {
        let (id, action, words) = match (&self.manifest.kernel.source, &self.inputs.source) {
            (KernelSource::Debian { package }, _) => {
                let pin = packages(self.lock, self.machine, Use::Kernel)
                    .find(|pin| pin.name == *package)
                    .expect("a pinned manifest's kernel source is in the lock");
                let words = format!("debian {} {}", pin.name, pin.version);
                let archive = add_package(&mut self.plan, self.lock, pin);
                let form = ArchiveForm::DebianSource;
                let unpack = Unpack {
                    archive,
                    form,
                    signature: None,
                };
                ("source", Action::Unpack(unpack), words)
            }
            (
                KernelSource::Tarball {
                    url,
                    mirrors,
                    sha256,
                    signature,
                },
                _,
            ) => {
                let archive = self.url("fetch/source", *sha256, url, mirrors);
                let signature = signature.as_ref().map(|signature| Signature {
                    signature: self.url("fetch/signature", signature.sha256, &signature.url, &[]),
                    keys: self
                        .inputs
                        .source_keys
                        .iter()
                        .copied()
                        .map(Input::Blob)
                        .collect(),
                });
                let form = ArchiveForm::Tar;
                let unpack = Unpack {
                    archive,
                    form,
                    signature,
                };
                ("source", Action::Unpack(unpack), url.clone())
            }
            (KernelSource::Path(path), SourceInput::Listing(listing)) => {
                let import = Import {
                    path: path.display().to_string(),
                    listing: *listing,
                };
                ("source", Action::Import(import), "path".to_owned())
            }
            (KernelSource::Path(_), SourceInput::Elsewhere) => {
                unreachable!("inputs are gathered for the same manifest")
            }
        };
        let tree = self.plan.add(id, action.clone(), "tree");
        let epoch = self.plan.add(id, action, "epoch");
        if self.inputs.patches.is_empty() {
            return Source {
                tree,
                epoch,
                patches: None,
                words,
            };
        }
        let patch = Action::Patch(Patch {
            source: tree,
            toolchain: toolchain.cloned(),
            patches: self.inputs.patches.iter().map(blob).collect(),
        });
        Source {
            tree: self.plan.add("patch", patch.clone(), "tree"),
            epoch,
            patches: Some(self.plan.add("patch", patch, "report")),
            words,
        }
    }

    pub(super) fn url(
        &mut self,
        id: &str,
        sha256: crate::digest::Digest,
        url: &str,
        mirrors: &[String],
    ) -> Input {
        let urls = std::iter::once(url).chain(mirrors.iter().map(String::as_str));
        let fetch = Fetch {
            sha256,
            size: None,
            origin: Origin::Urls(urls.map(str::to_owned).collect()),
        };
        self.plan.add(id, Action::Fetch(fetch), "blob")
    }
}
