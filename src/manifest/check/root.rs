//! Roots of packages that programs run in: the toolchain and the VMM.

use std::collections::BTreeMap;

use super::{Check, fields::Fields, tree};
use crate::manifest::{
    Root, Toolchain,
    fields::{TOOLCHAIN, Table, VMM},
    problem::{Mistake, Problem},
    raw::{Node, Value},
    words::{either, quoted},
};

/// Where a sandbox mounts what a program reads and writes; `tool` names the same places. No package has them.
const MOUNT_POINTS: [&str; 3] = ["/build", "/out", "/src"];

/// Reads `host`, or a root.
pub(super) fn toolchain(check: &mut Check<'_>, node: &Node) -> Option<Toolchain> {
    match &node.value {
        Value::Scalar(scalar) if scalar.text == "host" => Some(Toolchain::Host),
        Value::Scalar(scalar) if !scalar.text.is_empty() => {
            let message = format!("{} is not a toolchain", quoted(&scalar.text));
            let help = "write `host` for this machine's own tools, or `{packages: [gcc, make, …]}`";
            check.bad(node, message, help.to_owned())
        }
        _ => root(check, node, &TOOLCHAIN).map(Toolchain::Locked),
    }
}

pub(super) fn vmm(check: &mut Check<'_>, node: &Node) -> Option<Root> {
    root(check, node, &VMM)
}

fn root(check: &mut Check<'_>, node: &Node, table: &'static Table) -> Option<Root> {
    let fields = Fields::read(check, node, table)?;
    let packages = fields.must("packages", |node| {
        check.some(node, "package", Check::package)
    });
    let usual = || MOUNT_POINTS.map(str::to_owned).to_vec();
    let directories = fields.may("directories", usual, |node| directories(check, node));
    let links = fields.may("links", BTreeMap::new, |node| {
        check.by_path(node, Check::target)
    });
    let mut entries = tree::listed(&fields, "directories", "a directory");
    entries.extend(tree::keyed(&fields, "links", "a link"));
    tree::conflicts(check, entries);
    Some(Root {
        packages: packages?,
        directories: directories?,
        links: links?,
    })
}

/// Reads directories to make, among which the mount points must be.
fn directories(check: &mut Check<'_>, node: &Node) -> Option<Vec<String>> {
    let list = check.guest_paths(node)?;
    let missing = |point: &&str| list.iter().all(|path| path != point);
    let missing: Vec<&str> = MOUNT_POINTS.into_iter().filter(missing).collect();
    if missing.is_empty() {
        return Some(list);
    }
    let message = format!(
        "programs would not find {}",
        either(missing.iter().copied())
    );
    let help = format!(
        "add {}, or leave the field out: sandboxes mount there",
        missing.join(", ")
    );
    check.report(node, Problem::new(Mistake::BadValue, message).help(help));
    None
}
