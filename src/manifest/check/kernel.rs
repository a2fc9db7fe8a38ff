//! The kernel's part of a manifest.

use super::{Check, fields::Fields};
use crate::manifest::{
    ConfigBase, Kernel, KernelOutput, KernelSource, TarSignature,
    fields::{BASE, CONFIG, KERNEL, SIGNATURE, SOURCE, TARBALL},
    problem::{Mistake, Problem},
    raw::{Node, Value},
    words::quoted,
};

const OUTPUTS: [(&str, KernelOutput); 4] = [
    ("vmlinux", KernelOutput::Vmlinux),
    ("vmlinuz", KernelOutput::Vmlinuz),
    ("config", KernelOutput::Config),
    ("system-map", KernelOutput::SystemMap),
];

pub(super) fn kernel(check: &mut Check<'_>, node: &Node) -> Option<Kernel> {
    let fields = Fields::read(check, node, &KERNEL)?;
    let source = fields.must("source", |node| source(check, node));
    let patches = fields.may("patches", Vec::new, |node| {
        check.list(node, "directory of patches", |check, node| {
            check.directory(node, "a series of patches")
        })
    });
    let config = fields.must("config", |node| config(check, node));
    let localversion = fields.may("localversion", String::new, |node| check.localversion(node));
    let outputs = fields.may(
        "outputs",
        || OUTPUTS.map(|(_, output)| output).to_vec(),
        |node| outputs(check, node),
    );
    let (base, profile) = config?;
    Some(Kernel {
        source: source?,
        patches: patches?,
        base,
        profile,
        localversion: localversion?,
        outputs: outputs?,
    })
}

fn source(check: &mut Check<'_>, node: &Node) -> Option<KernelSource> {
    if let Value::Scalar(scalar) = &node.value
        && !scalar.text.is_empty()
    {
        let text = quoted(&scalar.text);
        let message = format!("{text} does not say where the kernel's source is");
        let text = text.trim_matches('`');
        let form = match () {
            () if text.contains("://") => "{tarball: {url: …, sha256: …}}".to_owned(),
            () if text.contains('/') => format!("{{path: {text}}}"),
            () => format!("{{debian: {text}}}"),
        };
        check.report(
            node,
            Problem::new(Mistake::WrongType, message).help(format!("write `source: {form}`")),
        );
        return None;
    }
    let fields = Fields::read(check, node, &SOURCE)?;
    let forms = ["debian", "tarball", "path"];
    let only = fields.only(check, &forms);
    let debian = fields.may("debian", || None, |node| check.package(node).map(Some));
    let tarball = fields.may("tarball", || None, |node| tarball(check, node).map(Some));
    let path = fields.may(
        "path",
        || None,
        |node| check.directory(node, "a kernel's source").map(Some),
    );
    match only? {
        "debian" => debian?.map(|package| KernelSource::Debian { package }),
        "tarball" => tarball?,
        _ => path?.map(KernelSource::Path),
    }
}

fn tarball(check: &mut Check<'_>, node: &Node) -> Option<KernelSource> {
    let fields = Fields::read(check, node, &TARBALL)?;
    let url = fields.must("url", |node| check.url(node));
    let mirrors = fields.may("mirrors", Vec::new, |node| check.urls(node));
    let sha256 = fields.must("sha256", |node| check.sha256(node));
    let signature = fields.may(
        "signature",
        || None,
        |node| signature(check, node).map(Some),
    );
    Some(KernelSource::Tarball {
        url: url?,
        mirrors: mirrors?,
        sha256: sha256?,
        signature: signature?,
    })
}

fn signature(check: &mut Check<'_>, node: &Node) -> Option<TarSignature> {
    let fields = Fields::read(check, node, &SIGNATURE)?;
    let url = fields.must("url", |node| check.url(node));
    let sha256 = fields.must("sha256", |node| check.sha256(node));
    let keys = fields.must("keys", |node| check.some(node, "key file", Check::key_file));
    Some(TarSignature {
        url: url?,
        sha256: sha256?,
        keys: keys?,
    })
}

fn config(check: &mut Check<'_>, node: &Node) -> Option<(ConfigBase, std::path::PathBuf)> {
    let fields = Fields::read(check, node, &CONFIG)?;
    let base = fields.may("base", || ConfigBase::Allnoconfig, |node| base(check, node));
    let profile = fields.must("profile", |node| check.file(node, "a profile"));
    Some((base?, profile?))
}

fn base(check: &mut Check<'_>, node: &Node) -> Option<ConfigBase> {
    if let Value::Map(_) = &node.value {
        let fields = Fields::read(check, node, &BASE)?;
        let file = fields.must("file", |node| check.file(node, "a configuration"));
        return file.map(ConfigBase::File);
    }
    if let Value::Scalar(scalar) = &node.value
        && scalar.text.contains(['/', '.'])
    {
        let text = quoted(&scalar.text);
        let message = format!("{text} is not a configuration's base");
        let help = format!(
            "to begin with a file, write `base: {{file: {}}}`",
            text.trim_matches('`')
        );
        return check.bad(node, message, help);
    }
    let words = [
        ("allnoconfig", ConfigBase::Allnoconfig),
        ("defconfig", ConfigBase::Defconfig),
    ];
    check.choice(node, "a configuration's base", words)
}

fn outputs(check: &mut Check<'_>, node: &Node) -> Option<Vec<KernelOutput>> {
    let mut outputs = check.some(node, "output", |check, node| {
        check.choice(node, "an output of a kernel", OUTPUTS)
    })?;
    let bootable = [KernelOutput::Vmlinux, KernelOutput::Vmlinuz];
    if !outputs.iter().any(|output| bootable.contains(output)) {
        let problem = Problem::new(Mistake::BadValue, "no output that boots")
            .help("add `vmlinux`, `vmlinuz` or both");
        check.report(node, problem);
        return None;
    }
    outputs.sort();
    Some(outputs)
}
