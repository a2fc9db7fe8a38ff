//! Other people's tools on our layouts: skopeo and umoci, as Debian has them.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use kata_artifacts::{
    arch::Arch,
    bench::Bench,
    cancel::Cancel,
    digest::Digest,
    event::Silent,
    oci::{self, LayoutList},
    plan::action::{
        Action, Assemble, Entry, GuestProducts, InitrdCompression, Pack, PackInitrd, Ready,
    },
    rootfs,
    source::Network,
    step::{Products, StepId},
    store::Store,
};
use serde_json::Value;

/// Checks that skopeo and umoci find every tag of a layout, and that what they copy keeps its digest.
///
/// # Panics
/// A tool is missing, or sees something else than we wrote.
pub(crate) fn foreign_tools_read(layout: &Path) {
    let index = json(&layout.join("index.json"));
    let copies = tempfile::tempdir().expect("a directory can be made");
    let mut tags = Vec::new();
    for descriptor in index["manifests"].as_array().expect("an index lists") {
        let tag = text(&descriptor["annotations"]["org.opencontainers.image.ref.name"]);
        let source = format!("oci:{}:{tag}", layout.display());
        let raw = run("skopeo", &["inspect", "--raw", &source]).stdout;
        assert_eq!(
            Digest::of(&raw).to_string(),
            text(&descriptor["digest"]),
            "{tag}"
        );
        // One architecture: its manifest arrives as it was.
        let instance: Value = serde_json::from_slice(&raw).expect("an index is JSON");
        let instance = &instance["manifests"][0];
        let arch = text(&instance["platform"]["architecture"]);
        let copy = format!("oci:{}:{tag}", copies.path().join("one").display());
        let choose = ["--override-os", "linux", "--override-arch", &arch];
        let copied = [&choose[..], &["copy", "--preserve-digests", &source, &copy]].concat();
        run("skopeo", &copied);
        let raw = run("skopeo", &["inspect", "--raw", &copy]).stdout;
        assert_eq!(
            Digest::of(&raw).to_string(),
            text(&instance["digest"]),
            "{tag}"
        );
        copy_all(&source, copies.path(), &tag, &text(&descriptor["digest"]));
        tags.push(tag);
    }
    let listed = run("umoci", &["ls", "--layout", &layout.display().to_string()]).stdout;
    let mut listed: Vec<_> = std::str::from_utf8(&listed)
        .expect("tags are text")
        .lines()
        .collect();
    listed.sort_unstable();
    tags.sort_unstable();
    assert_eq!(listed, tags);
}

/// Copies all architectures. skopeo 1.9 forgets the media type of every OCI index that it copies and then refuses to have
/// changed it; 1.18 copies it as it is. This can go when Debian 12 does.
#[expect(clippy::print_stderr, reason = "what was not compared is said")]
fn copy_all(source: &str, copies: &Path, tag: &str, digest: &str) {
    let copy = format!("oci:{}:{tag}", copies.join("all").display());
    let output = command(
        "skopeo",
        &["copy", "--all", "--preserve-digests", source, &copy],
    );
    if output.status.success() {
        let raw = run("skopeo", &["inspect", "--raw", &copy]).stdout;
        assert_eq!(Digest::of(&raw).to_string(), digest, "{tag}");
        return;
    }
    let version = run("skopeo", &["--version"]).stdout;
    let version = String::from_utf8_lossy(&version);
    let said = String::from_utf8_lossy(&output.stderr);
    let is_old = version.contains(" 1.9.") && said.contains("Manifest list must be converted");
    assert!(is_old, "{version}: {said}");
    eprintln!(
        "not compared: {} cannot copy an index as it is",
        version.trim()
    );
}

/// Packs and lays out a guest that passes every check and weighs little; returns where the layout is.
///
/// # Panics
/// The product refuses it.
pub(crate) fn small_layout(dir: &Path) -> PathBuf {
    let store = Store::open(&dir.join("cache")).expect("a store can be made");
    let put = |bytes: &[u8]| store.put(bytes).expect("the store can be written").0;
    let agent = put(&elf(&[]));
    let attributes = (0o755, 0, 0);
    let (mode, uid, gid) = attributes;
    let entries = BTreeMap::from([
        (
            "/init".to_owned(),
            Entry::File {
                content: agent,
                mode,
                uid,
                gid,
            },
        ),
        ("/dev".to_owned(), Entry::Directory { mode, uid, gid }),
    ]);
    let entries = step(&store, dir, Action::Assemble(Assemble { entries }))["entries"].digest();
    let compression = InitrdCompression::Zstd;
    let pack = PackInitrd {
        entries,
        compression,
    };
    let initrd = step(&store, dir, Action::PackInitrd(pack))["initrd"].digest();
    let guest = GuestProducts {
        source: "path".to_owned(),
        toolchain: None,
        vmlinux: Some(put(&elf(&vec![1; 300 << 10]))),
        vmlinuz: None,
        config: put(b"CONFIG_64BIT=y\n"),
        publish_config: true,
        config_report: put(br#"{"kernel":"6.12.57","features":{}}"#),
        system_map: None,
        release: put(b"6.12.57"),
        compiler: put(b"gcc 14.2"),
        patches: None,
        epoch: put(b"1763510400"),
        initrd,
        compression,
        entries,
        agent,
        agent_origin: "path".to_owned(),
    };
    let pack = Pack {
        name: "small".to_owned(),
        version: "0.1.0".to_owned(),
        flavour: "default".to_owned(),
        guests: BTreeMap::from([(Arch::X86_64, guest)]),
        budgets: BTreeMap::new(),
        annotations: BTreeMap::new(),
        lock: put(b"schema: 1\n"),
        manifest: put(b"schema: 1\nname: small\n"),
    };
    let products = step(&store, dir, Action::Pack(Box::new(pack)));
    let list = LayoutList::read(&store, products["layout"].digest()).expect("pack wrote a list");
    let layout = dir.join("oci");
    oci::publish(&store, &list, &layout).expect("the layout can be written");
    layout
}

fn step(store: &Store, dir: &Path, action: Action<Digest>) -> Products {
    let ready = Ready {
        id: StepId::new("step"),
        action,
    };
    let (network, cancel) = (Network::Off("the test"), Cancel::new());
    let (key, log) = (ready.key(), dir.join("log"));
    let bench = Bench::new(&ready.id, key, store, &network, 1, &cancel, &Silent, log)
        .expect("a log can be made");
    match &ready.action {
        Action::Assemble(action) => rootfs::assemble(&bench, action).map_err(|e| e.to_string()),
        Action::PackInitrd(action) => {
            rootfs::pack_initrd(&bench, action).map_err(|e| e.to_string())
        }
        Action::Pack(action) => oci::pack(&bench, action).map_err(|e| format!("{e:?}")),
        _ => unreachable!("three kinds of steps pack a guest"),
    }
    .expect("the step ends well")
}

/// Returns a static x86-64 executable with a PVH note and a segment of this content.
fn elf(content: &[u8]) -> Vec<u8> {
    let note = [
        &4_u32.to_le_bytes()[..],
        &8_u32.to_le_bytes(),
        &18_u32.to_le_bytes(),
        b"Xen\0",
        &[1; 8],
    ]
    .concat();
    let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
    bytes.resize(16, 0);
    // ET_EXEC, EM_X86_64, version; entry, program headers, section headers; flags; sizes and counts.
    bytes.extend([2_u16.to_le_bytes(), 62_u16.to_le_bytes()].concat());
    bytes.extend(1_u32.to_le_bytes());
    bytes.extend([0x10_0000_u64, 64, 0].map(u64::to_le_bytes).concat());
    bytes.extend(0_u32.to_le_bytes());
    bytes.extend([64_u16, 56, 2, 64, 0, 0].map(u16::to_le_bytes).concat());
    let start = 64 + 2 * 56;
    for (kind, at, size) in [
        (4_u32, start, note.len()),
        (1, start + note.len(), content.len()),
    ] {
        bytes.extend([kind, 4].map(u32::to_le_bytes).concat());
        let (at, size) = (at as u64, size as u64);
        bytes.extend(
            [at, 0x10_0000, 0x10_0000, size, size, 4]
                .map(u64::to_le_bytes)
                .concat(),
        );
    }
    [bytes, note, content.to_vec()].concat()
}

fn run(program: &str, args: &[&str]) -> Output {
    let output = command(program, args);
    assert!(output.status.success(), "{program} {args:?}: {output:?}");
    output
}

#[expect(
    clippy::disallowed_methods,
    reason = "foreign tools are the point here"
)]
fn command(program: &str, args: &[&str]) -> Output {
    let policy = (program == "skopeo").then_some("--insecure-policy");
    let output = Command::new(program).args(policy).args(args).output();
    output.unwrap_or_else(|error| panic!("{program}, of the Debian package of that name: {error}"))
}

fn json(path: &Path) -> Value {
    let text = fs::read(path).expect("the file is there");
    serde_json::from_slice(&text).expect("the file is JSON")
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}
