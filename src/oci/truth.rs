//! Whether products are what they are called, before they are packed: kernels that boot, an initrd that holds what was
//! assembled and has an `/init`, an agent that can be one, texts, sizes. Everything that is wrong is told at once.

use std::{collections::BTreeMap, path::Path};

use serde_json::Value;

use super::{
    OciError, Untrue,
    artifact::{Blob, Facts},
    config::PatchConfig,
    json::carries,
    media::Part,
};
use crate::{
    agent,
    arch::Arch,
    bench::Bench,
    digest::Digest,
    plan::action::{GuestProducts, Pack},
    rootfs::{self, FoundKind, NodeKind, Tree},
    store::{Store, StoreError, failed},
};

/// Tells why a file is not the kernel that its name says.
pub(super) type KernelCheck = fn(&Path, Arch) -> Result<(), String>;

/// How kernels are looked at.
pub(super) struct Look {
    /// An ELF kernel, or what stands for it on the architecture.
    pub(super) vmlinux: KernelCheck,
    /// A compressed kernel.
    pub(super) vmlinuz: KernelCheck,
}

/// Looks at everything that is to be packed; returns what is known of each architecture.
///
/// # Errors
/// [`OciError::Untrue`] with all that is wrong; a product is not in the store.
pub(super) fn examine(
    bench: &Bench<'_>,
    pack: &Pack<Digest>,
    look: &Look,
) -> Result<BTreeMap<Arch, Facts>, OciError> {
    let mut examiner = Examiner {
        store: bench.store,
        problems: Vec::new(),
    };
    let mut facts = BTreeMap::new();
    for (arch, guest) in &pack.guests {
        bench.cancel.check()?;
        if let Some(known) = examiner.guest(pack, *arch, guest, look)? {
            facts.insert(*arch, known);
        }
    }
    for (key, value) in &pack.annotations {
        if !carries(key) || !carries(value) {
            examiner.problems.push(Untrue::Annotation(key.clone()));
        }
    }
    let versions: Vec<_> = facts.values().map(|facts| facts.version.as_str()).collect();
    if versions.windows(2).any(|pair| pair[0] != pair[1]) {
        examiner
            .problems
            .push(Untrue::Versions(versions.join(", ")));
    }
    if examiner.problems.is_empty() {
        Ok(facts)
    } else {
        Err(OciError::Untrue(examiner.problems))
    }
}

struct Examiner<'a> {
    store: &'a Store,
    problems: Vec<Untrue>,
}

impl Examiner<'_> {
    /// Returns what is known of a guest; nothing when a text that the rest depends on is wrong.
    fn guest(
        &mut self,
        pack: &Pack<Digest>,
        arch: Arch,
        guest: &GuestProducts<Digest>,
        look: &Look,
    ) -> Result<Option<Facts>, OciError> {
        let files = self.files(pack, guest)?;
        for (part, (digest, size)) in &files {
            let path = self.store.need_blob(*digest)?;
            let checked = match part {
                Part::Vmlinux => (look.vmlinux)(&path, arch),
                Part::Vmlinuz => (look.vmlinuz)(&path, arch),
                _ if *size == 0 => Err("it is empty".to_owned()),
                Part::Initrd(_) => self.initrd(&path, guest)?,
                Part::Config => self.config(guest.config)?,
                _ => Ok(()),
            };
            let file = part.plain_name();
            if let Err(why) = checked {
                self.problems.push(Untrue::File { arch, file, why });
            }
            if let Some(budget) = pack.budgets.get(file).filter(|budget| size > budget) {
                let (size, budget) = (*size, *budget);
                self.problems.push(Untrue::TooLarge {
                    arch,
                    file,
                    size,
                    budget,
                });
            }
        }
        if let Err(why) = agent::check(&self.store.need_blob(guest.agent)?, arch) {
            let file = "the agent";
            let why = why.to_string();
            self.problems.push(Untrue::File { arch, file, why });
        }
        let wanted = |part: Part| part != Part::Config || guest.publish_config;
        let files = files.into_iter().filter(|(part, _)| wanted(*part));
        self.facts(arch, guest, files.collect())
    }

    /// Returns every file with its size, in the order of the layers; the configuration also when it is only looked at.
    fn files(
        &self,
        pack: &Pack<Digest>,
        guest: &GuestProducts<Digest>,
    ) -> Result<Vec<(Part, Blob)>, StoreError> {
        [
            (Part::Vmlinux, guest.vmlinux),
            (Part::Vmlinuz, guest.vmlinuz),
            (Part::Initrd(guest.compression), Some(guest.initrd)),
            (Part::Config, Some(guest.config)),
            (Part::ConfigReport, Some(guest.config_report)),
            (Part::SystemMap, guest.system_map),
            (Part::Patches, guest.patches),
            (Part::Entries, Some(guest.entries)),
            (Part::Manifest, Some(pack.manifest)),
            (Part::Lock, Some(pack.lock)),
        ]
        .into_iter()
        .filter_map(|(part, digest)| Some((part, digest?)))
        .map(|(part, digest)| {
            let path = self.store.need_blob(digest)?;
            let size = path.metadata().map_err(failed("read", &path))?.len();
            Ok((part, (digest, size)))
        })
        .collect()
    }

    /// Compares an initrd, as the kernel would unpack it, with what was assembled, and looks for `/init`.
    fn initrd(
        &self,
        path: &Path,
        guest: &GuestProducts<Digest>,
    ) -> Result<Result<(), String>, OciError> {
        let found = match rootfs::read_initrd(path) {
            Ok(found) => found,
            Err(error) => return Ok(Err(error.to_string())),
        };
        let text = self.store.read(guest.entries)?;
        let tree: Tree = match serde_json::from_slice(&text) {
            Ok(tree) => tree,
            Err(error) => return Ok(Err(format!("the list of its entries is damaged: {error}"))),
        };
        let is_as_assembled = |node: &rootfs::Node| {
            found.get(&node.path).is_some_and(|found| {
                let content = match (&node.kind, &found.kind) {
                    (NodeKind::File { digest, .. }, FoundKind::File { digest: packed, .. }) => {
                        digest == packed
                    }
                    (NodeKind::Link { target }, FoundKind::Link(packed)) => target == packed,
                    (NodeKind::Directory, FoundKind::Directory)
                    | (NodeKind::Char { .. }, FoundKind::Char(..))
                    | (NodeKind::Block { .. }, FoundKind::Block(..)) => true,
                    _ => false,
                };
                content && (node.mode, node.uid, node.gid) == (found.mode, found.uid, found.gid)
            })
        };
        if let Some(node) = tree.entries.iter().find(|node| !is_as_assembled(node)) {
            return Ok(Err(format!(
                "`{}` is not in it as it was assembled",
                node.path
            )));
        }
        if found.len() != tree.entries.len() {
            return Ok(Err("it holds more than was assembled".to_owned()));
        }
        Ok(rootfs::find_init(&found).map(|_| ()))
    }

    fn config(&self, digest: Digest) -> Result<Result<(), String>, StoreError> {
        let text = self.store.read(digest)?;
        let asks = text
            .split(|byte| *byte == b'\n')
            .any(|line| line.starts_with(b"CONFIG_"));
        Ok(if asks {
            Ok(())
        } else {
            Err("nothing is configured in it".to_owned())
        })
    }

    fn facts(
        &mut self,
        arch: Arch,
        guest: &GuestProducts<Digest>,
        files: Vec<(Part, Blob)>,
    ) -> Result<Option<Facts>, OciError> {
        let report: Value = self.json(guest.config_report)?;
        let features = report["features"].as_object();
        let features = features.map_or_else(Vec::new, |map| map.keys().cloned().collect());
        let patches = match guest.patches {
            Some(patches) => patches_of(&self.json(patches)?),
            None => Some(Vec::new()),
        };
        let version = report["kernel"].as_str().map(str::to_owned);
        let release = self.line(guest.release)?.filter(|text| is_version(text));
        let compiler = self.line(guest.compiler)?;
        let epoch = self.line(guest.epoch)?.and_then(|text| second(&text));
        let in_report = "the kernel's version in the configuration's report";
        let version = self.need(arch, in_report, version.filter(|text| is_version(text)));
        let release = self.need(arch, "the kernel's release", release);
        let compiler = self.need(arch, "the compiler's version", compiler);
        let epoch = self.need(arch, "the source epoch", epoch);
        let patches = self.need(arch, "the report of the patches", patches);
        for text in [&guest.source, &guest.agent_origin] {
            self.need(
                arch,
                "the origin of the kernel or the agent",
                carries(text).then_some(()),
            );
        }
        let (Some(release), Some(version), Some(compiler), Some(epoch), Some(patches)) =
            (release, version, compiler, epoch, patches)
        else {
            return Ok(None);
        };
        Ok(Some(Facts {
            release,
            version,
            compiler,
            epoch,
            features,
            patches,
            files,
        }))
    }

    fn need<T>(&mut self, arch: Arch, what: &'static str, value: Option<T>) -> Option<T> {
        if value.is_none() {
            self.problems.push(Untrue::Text { arch, what });
        }
        value
    }

    /// Returns the first line of a small text, when it can be written into an artifact.
    fn line(&self, digest: Digest) -> Result<Option<String>, StoreError> {
        let bytes = self.store.read(digest)?;
        let text = String::from_utf8(bytes).ok();
        let line = text.and_then(|text| Some(text.lines().next()?.trim().to_owned()));
        Ok(line.filter(|line| !line.is_empty() && carries(line)))
    }

    fn json(&self, digest: Digest) -> Result<Value, StoreError> {
        Ok(serde_json::from_slice(&self.store.read(digest)?).unwrap_or_default())
    }
}

/// Tells whether a text can be a kernel's version or release: it becomes part of names of files and of tags.
fn is_version(text: &str) -> bool {
    let plain = |char: char| char.is_ascii_alphanumeric() || "-_.+~".contains(char);
    text.starts_with(|char: char| char.is_ascii_digit()) && text.chars().all(plain)
}

fn second(text: &str) -> Option<jiff::Timestamp> {
    jiff::Timestamp::from_second(text.parse().ok()?).ok()
}

fn patches_of(report: &Value) -> Option<Vec<PatchConfig>> {
    let patches = report["patches"].as_array()?;
    let read = |patch: &Value| {
        let name = patch["name"].as_str().filter(|name| carries(name))?;
        Some(PatchConfig {
            name: name.to_owned(),
            digest: patch["digest"].as_str()?.parse().ok()?,
        })
    };
    patches.iter().map(read).collect()
}

#[cfg(test)]
#[path = "truth_tests.rs"]
mod tests;
