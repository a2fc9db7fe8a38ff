//! Roots of packages that programs run in: the toolchain and the VMM.

use std::collections::BTreeMap;

use super::{Check, fields::Fields, tree};
use crate::manifest::{
    Root, Toolchain,
    fields::{TOOLCHAIN, Table, VMM},
    raw::{Node, Value},
    words::quoted,
};

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
    let directories = fields.may("directories", Vec::new, |node| check.guest_paths(node));
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
