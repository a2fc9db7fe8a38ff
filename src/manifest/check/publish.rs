//! What is asked of the products and said about the artifacts: budgets and annotations.

use std::collections::BTreeMap;

use super::Check;
use crate::manifest::{
    KernelOutput,
    problem::{Mistake, Problem},
    raw::{Key, Node},
    words::{nearest, quoted},
};

/// The files that a build makes, by the output they come from; the initrd is always made.
pub const PRODUCTS: [(&str, Option<KernelOutput>); 5] = [
    ("vmlinux.container", Some(KernelOutput::Vmlinux)),
    ("vmlinuz.container", Some(KernelOutput::Vmlinuz)),
    ("kata-containers-initrd.img", None),
    ("config", Some(KernelOutput::Config)),
    ("System.map", Some(KernelOutput::SystemMap)),
];

/// The namespace of annotations that this product writes, and the one name in it that a manifest may give.
const OURS: &str = "dev.kata-artifacts.";
const INTENDED_USE: &str = "dev.kata-artifacts.intended-use";
/// Annotations that the artifact's own form decides.
const DECIDED: [&str; 2] = [
    "org.opencontainers.image.title",
    "org.opencontainers.image.created",
];

/// Reads sizes by product. `outputs` are those of the kernel, when they are known.
pub(super) fn budgets(
    check: &mut Check<'_>,
    node: &Node,
    outputs: Option<&[KernelOutput]>,
) -> Option<BTreeMap<String, u64>> {
    let entries = check.mapping(node)?;
    let mut budgets = BTreeMap::new();
    for (key, node) in entries {
        let known = product(check, key, node, outputs);
        let size = check.size(node);
        if let (true, Some(size)) = (known, size) {
            budgets.insert(key.text.clone(), size);
        }
    }
    (budgets.len() == entries.len()).then_some(budgets)
}

fn product(
    check: &mut Check<'_>,
    key: &Key,
    node: &Node,
    outputs: Option<&[KernelOutput]>,
) -> bool {
    let names = || PRODUCTS.iter().map(|(name, _)| *name);
    let Some((name, output)) = PRODUCTS.iter().find(|(name, _)| *name == key.text) else {
        let message = format!("no build makes {}", quoted(&key.text));
        let problem = Problem::new(Mistake::UnknownField, message).at(key.span, "");
        let list: Vec<&str> = names().collect();
        let help = match nearest(&key.text, names()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("the products are {}", list.join(", ")),
        };
        check.report(node, problem.help(help));
        return false;
    };
    if let (Some(output), Some(outputs)) = (output, outputs)
        && !outputs.contains(output)
    {
        let message = format!("`{name}` is not among this kernel's outputs");
        let problem = Problem::new(Mistake::BadReference, message).at(key.span, "");
        check.report(
            node,
            problem.help("add it to `kernel.outputs`, or remove its budget"),
        );
        return false;
    }
    true
}

/// Reads annotations: names in reverse domain notation (OCI image-spec, "Annotations"), text as values.
pub(super) fn annotations(check: &mut Check<'_>, node: &Node) -> Option<BTreeMap<String, String>> {
    let entries = check.mapping(node)?;
    let mut annotations = BTreeMap::new();
    for (key, node) in entries {
        let known = annotation(check, key, node);
        let text = check.text(node, "an annotation's text");
        if let (true, Some(text)) = (known, text) {
            annotations.insert(key.text.clone(), text.to_owned());
        }
    }
    (annotations.len() == entries.len()).then_some(annotations)
}

fn annotation(check: &mut Check<'_>, key: &Key, node: &Node) -> bool {
    let name = key.text.as_str();
    let inside = |c: char| c.is_ascii_alphanumeric() || "-_/".contains(c);
    let parts = name.split('.');
    let reverse = parts.clone().count() >= 2
        && parts.clone().all(|part| {
            part.starts_with(|c: char| c.is_ascii_alphanumeric()) && part.chars().all(inside)
        })
        && name.len() <= 255;
    let ours = name.starts_with(OURS) && name != INTENDED_USE;
    let problem = if !reverse {
        Problem::new(
            Mistake::BadValue,
            format!("{} is not an annotation's name", quoted(name)),
        )
        .help("begin with a domain of yours, backwards: `com.example.team`")
    } else if ours || DECIDED.contains(&name) {
        let help = match nearest(name, [INTENDED_USE]) {
            Some(meant) if ours => format!("did you mean `{meant}`?"),
            _ if ours => format!("only `{INTENDED_USE}` is yours to write"),
            _ => "remove it: a title is a file's name, and no clock is in an artifact".to_owned(),
        };
        Problem::new(
            Mistake::Reserved,
            format!("{} is written by this product", quoted(name)),
        )
        .help(help)
    } else {
        return true;
    };
    check.report(node, problem.at(key.span, ""));
    false
}
