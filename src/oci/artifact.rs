//! Artifacts as data: from what was made and what is known of it to configs, manifests and indexes. Pure: equal
//! arguments, equal bytes. Order of layers, keys and annotations is fixed here.

use std::{collections::BTreeMap, str::FromStr};

use oci_spec::image::{
    Descriptor, DescriptorBuilder, ImageIndexBuilder, ImageManifestBuilder, MediaType,
    PlatformBuilder,
};

use super::{
    config::{
        self, AgentConfig, Compat, Config, FileConfig, Inputs, KernelConfig, PatchConfig,
        RootfsConfig,
    },
    json::canonical,
    media::{CREATED, Kind, Part, REF_NAME, TITLE, VENDOR, VERSION},
};
use crate::{
    agent,
    arch::Arch,
    digest::Digest,
    plan::action::{GuestProducts, InitrdCompression, Pack},
};

/// What a guest with the embedded agent is for, said in every artifact that has it.
const EMBEDDED_NOTE: &str = "proves a guest; does not run containers";

/// A blob: its digest and its size in bytes.
pub(super) type Blob = (Digest, u64);

/// What is known of one architecture's products once they are made.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    /// `uname -r`.
    pub(super) release: String,
    /// The version of the kernel's source.
    pub(super) version: String,
    /// The compiler's version, one line.
    pub(super) compiler: String,
    /// The source epoch, seconds since 1970.
    pub(super) epoch: jiff::Timestamp,
    /// Kata features that the kernel's configuration serves, sorted.
    pub(super) features: Vec<String>,
    /// Patches in the order in which they were applied.
    pub(super) patches: Vec<PatchConfig>,
    /// Every file, in the order of the layers.
    pub(super) files: Vec<(Part, Blob)>,
}

/// An artifact, ready to be written.
pub(super) struct Artifact {
    /// Its kind.
    pub(super) kind: Kind,
    /// Its config, canonical JSON.
    pub(super) config: Vec<u8>,
    /// Its files, in order.
    pub(super) layers: Vec<Layer>,
    /// Annotations of the manifest.
    pub(super) annotations: BTreeMap<String, String>,
}

/// One file of an artifact.
pub(super) struct Layer {
    /// Its name.
    pub(super) title: String,
    /// Its media type.
    pub(super) media_type: String,
    /// Its bytes.
    pub(super) blob: Blob,
}

/// Returns the artifact of this kind for one architecture. `inputs` stands for everything that was packed.
pub(super) fn artifact(
    kind: Kind,
    pack: &Pack<Digest>,
    arch: Arch,
    facts: &Facts,
    inputs: Digest,
) -> Artifact {
    let guest = &pack.guests[&arch];
    let layers: Vec<_> = facts
        .files
        .iter()
        .filter(|(part, _)| part.belongs_to(kind))
        .map(|(part, blob)| Layer {
            title: part.title(&facts.release),
            media_type: part.media_type(arch),
            blob: *blob,
        })
        .collect();
    let config = config(kind, pack, arch, facts, inputs, &layers);
    Artifact {
        kind,
        config: canonical(&config),
        layers,
        annotations: annotations(pack, guest, facts),
    }
}

fn config(
    kind: Kind,
    pack: &Pack<Digest>,
    arch: Arch,
    facts: &Facts,
    inputs: Digest,
    layers: &[Layer],
) -> Config {
    let guest = &pack.guests[&arch];
    let has_kernel = kind != Kind::Rootfs;
    let has_rootfs = matches!(kind, Kind::Guest | Kind::Rootfs);
    Config {
        schema_version: config::SCHEMA,
        name: pack.name.clone(),
        version: pack.version.clone(),
        flavour: pack.flavour.clone(),
        arch,
        kernel: has_kernel.then(|| kernel(guest, facts)),
        rootfs: has_rootfs.then(|| RootfsConfig {
            format: match guest.compression {
                InitrdCompression::Gzip => "cpio+gzip".to_owned(),
                InitrdCompression::Zstd => "cpio+zstd".to_owned(),
            },
            entries: guest.entries,
        }),
        agent: has_rootfs.then(|| agent_config(guest)),
        compat: Compat {
            kata_runtime: None,
            vmms: vec!["qemu".to_owned()],
        },
        inputs: Inputs {
            digest: inputs,
            manifest: pack.manifest,
            lock: pack.lock,
            source: guest.source.clone(),
            toolchain: guest.toolchain,
        },
        files: layers
            .iter()
            .map(|layer| FileConfig {
                title: layer.title.clone(),
                media_type: layer.media_type.clone(),
                digest: layer.blob.0,
                size: layer.blob.1,
            })
            .collect(),
        intended_use: pack.annotations.get(&own("intended-use")).cloned(),
    }
}

fn kernel(guest: &GuestProducts<Digest>, facts: &Facts) -> KernelConfig {
    let localversion = facts.release.strip_prefix(&facts.version);
    KernelConfig {
        release: facts.release.clone(),
        version: facts.version.clone(),
        localversion: localversion.unwrap_or_default().to_owned(),
        compiler: facts.compiler.clone(),
        config: guest.config,
        patches: facts.patches.clone(),
        command_line: Vec::new(),
        features: facts.features.clone(),
    }
}

fn agent_config(guest: &GuestProducts<Digest>) -> AgentConfig {
    let embedded = is_embedded(guest);
    AgentConfig {
        name: embedded.then(|| "kata-artifacts-agent".to_owned()),
        version: embedded.then(|| agent::version().to_owned()),
        origin: guest.agent_origin.clone(),
        digest: guest.agent,
        note: embedded.then(|| EMBEDDED_NOTE.to_owned()),
    }
}

fn is_embedded(guest: &GuestProducts<Digest>) -> bool {
    guest.agent_origin == "embedded"
}

/// The manifest's annotations, and ours, which win.
fn annotations(
    pack: &Pack<Digest>,
    guest: &GuestProducts<Digest>,
    facts: &Facts,
) -> BTreeMap<String, String> {
    let mut annotations = pack.annotations.clone();
    let toolchain = match guest.toolchain {
        Some(_) => "locked",
        None => "host",
    };
    let agent = if is_embedded(guest) {
        format!("embedded: {EMBEDDED_NOTE}")
    } else {
        guest.agent_origin.clone()
    };
    annotations.extend([
        (CREATED.to_owned(), facts.epoch.to_string()),
        (VERSION.to_owned(), pack.version.clone()),
        (own("agent"), agent),
        (own("flavour"), pack.flavour.clone()),
        (own("kernel.release"), facts.release.clone()),
        (own("source"), guest.source.clone()),
        (own("toolchain"), toolchain.to_owned()),
    ]);
    annotations
}

/// Returns our annotation key of this name.
fn own(name: &str) -> String {
    format!("{VENDOR}.{name}")
}

/// Returns an artifact's image manifest (image-spec 1.1, "Guidelines for Artifact Usage").
pub(super) fn manifest(artifact: &Artifact) -> Vec<u8> {
    let config = (Digest::of(&artifact.config), artifact.config.len() as u64);
    let layers: Vec<_> = artifact
        .layers
        .iter()
        .map(|layer| {
            let mut descriptor = descriptor(&layer.media_type, layer.blob);
            descriptor.set_annotations(Some([(TITLE.to_owned(), layer.title.clone())].into()));
            descriptor
        })
        .collect();
    let manifest = ImageManifestBuilder::default()
        .schema_version(2_u32)
        .media_type(MediaType::ImageManifest)
        .artifact_type(other(&artifact.kind.artifact_type()))
        .config(descriptor(&artifact.kind.config_type(), config))
        .layers(layers)
        .annotations(unordered(&artifact.annotations))
        .build()
        .expect("every required field of a manifest is set");
    canonical(&manifest)
}

/// Returns the index over architectures of one kind of artifact. `created` is the newest source epoch.
pub(super) fn index(
    kind: Kind,
    manifests: &BTreeMap<Arch, Blob>,
    created: jiff::Timestamp,
) -> Vec<u8> {
    let manifests: Vec<_> = manifests
        .iter()
        .map(|(arch, blob)| {
            let mut platform = PlatformBuilder::default()
                .os("linux")
                .architecture(arch.oci());
            if *arch == Arch::Aarch64 {
                platform = platform.variant("v8");
            }
            let platform = platform.build().expect("a platform has both its parts");
            let mut descriptor = descriptor(MediaType::ImageManifest.as_ref(), *blob);
            descriptor.set_artifact_type(Some(other(&kind.artifact_type())));
            descriptor.set_platform(Some(platform));
            descriptor
        })
        .collect();
    let annotations = BTreeMap::from([(CREATED.to_owned(), created.to_string())]);
    let index = ImageIndexBuilder::default()
        .schema_version(2_u32)
        .media_type(MediaType::ImageIndex)
        .artifact_type(other(&kind.artifact_type()))
        .manifests(manifests)
        .annotations(unordered(&annotations))
        .build()
        .expect("every required field of an index is set");
    canonical(&index)
}

/// Returns an image layout's `index.json`: indexes by tag, in the given order.
pub(super) fn index_json(tags: &[(String, Kind, Blob)]) -> Vec<u8> {
    let manifests: Vec<_> = tags
        .iter()
        .map(|(tag, kind, blob)| {
            let mut descriptor = descriptor(MediaType::ImageIndex.as_ref(), *blob);
            descriptor.set_artifact_type(Some(other(&kind.artifact_type())));
            descriptor.set_annotations(Some([(REF_NAME.to_owned(), tag.clone())].into()));
            descriptor
        })
        .collect();
    let index = ImageIndexBuilder::default()
        .schema_version(2_u32)
        .media_type(MediaType::ImageIndex)
        .manifests(manifests)
        .build()
        .expect("every required field of an index is set");
    canonical(&index)
}

/// Returns the tags of one kind of artifact: the one that moves, and the one that never does.
pub(super) fn tags(kind: Kind, version: &str, flavour: &str, inputs: Digest) -> [String; 2] {
    // Versions of kernels may hold `+`, which tags may not.
    let plain = |text: &str| -> String {
        text.chars()
            .map(|char| match char {
                'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '-' | '_' => char,
                _ => '_',
            })
            .collect()
    };
    let moving = format!("{}-{}{}", plain(version), plain(flavour), kind.suffix());
    let fixed = format!("{moving}-i{}", inputs.short());
    [moving, fixed]
}

fn descriptor(media_type: &str, (digest, size): Blob) -> Descriptor {
    let digest = oci_spec::image::Digest::from_str(&digest.to_string())
        .expect("our digests are digests of the image-spec");
    DescriptorBuilder::default()
        .media_type(MediaType::from(media_type))
        .digest(digest)
        .size(size)
        .build()
        .expect("every required field of a descriptor is set")
}

fn other(text: &str) -> MediaType {
    MediaType::Other(text.to_owned())
}

/// oci-spec's annotations are hash maps; canonical JSON sorts them again.
#[expect(clippy::disallowed_types, reason = "it is what oci-spec takes")]
fn unordered(annotations: &BTreeMap<String, String>) -> std::collections::HashMap<String, String> {
    annotations.clone().into_iter().collect()
}
