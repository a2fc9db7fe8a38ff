//! What a manifest's tree means. Collects every problem instead of stopping at the first; a manifest exists only when
//! there is none. Looks at the disk through [`Files`] alone.
//!
//! A function here reads one value: it returns `None` after having reported why. Callers read all parts before they
//! give up on the whole, so that one run tells everything.

mod agent;
mod fields;
mod guest;
mod kernel;
mod name;
mod path;
mod publish;
mod root;
mod rootfs;
mod scalar;
mod size;
mod tree;
mod url;

use std::{collections::BTreeMap, path::Path};

use super::{
    Debian, Disk, Guest, KernelSource, Manifest, Toolchain,
    fields::{DEBIAN, TOP},
    file::Files,
    problem::{Mistake, Problem},
    raw::{Node, Value},
    words::quoted,
};
use crate::arch::Arch;
use fields::Fields;

pub use publish::PRODUCTS;

/// The architectures that this version builds guests for.
pub const BUILDABLE: [Arch; 1] = [Arch::X86_64];

/// The only schema so far. A manifest with another one may mean anything, so nothing else of it is judged.
const SCHEMA: u64 = 1;

/// Reads the manifest that `tree` holds. `problems` are those already found.
pub(super) fn manifest(
    path: &Path,
    tree: &Node,
    files: &dyn Files,
    problems: Vec<Problem>,
) -> Result<Manifest, Vec<Problem>> {
    let mut check = Check {
        directory: path.parent().unwrap_or(Path::new("")),
        files,
        problems,
    };
    if let Some(foreign) = schema(tree) {
        return Err(vec![foreign]);
    }
    match top(&mut check, path, tree) {
        Some(manifest) if check.problems.is_empty() => Ok(manifest),
        _ => Err(check.problems),
    }
}

/// Reads how the guest of the manifest that `tree` holds is booted, and nothing else of it.
pub(super) fn guest_of(tree: &Node, problems: Vec<Problem>) -> Result<Guest, Vec<Problem>> {
    if let Some(foreign) = schema(tree) {
        return Err(vec![foreign]);
    }
    let mut check = Check {
        directory: Path::new(""),
        files: &Disk,
        problems,
    };
    let test = match &tree.value {
        Value::Map(entries) => entries.iter().find(|(key, _)| key.text == "test"),
        _ => None,
    };
    let guest = match test {
        Some((_, node)) => guest::guest(&mut check, node),
        None => Some(guest::usual_guest()),
    };
    match guest {
        Some(guest) if check.problems.is_empty() => Ok(guest),
        _ => Err(check.problems),
    }
}

/// What all reading of values shares.
struct Check<'a> {
    /// What references are relative to.
    directory: &'a Path,
    files: &'a dyn Files,
    problems: Vec<Problem>,
}

impl Check<'_> {
    /// Adds a problem with a node's value.
    fn report(&mut self, node: &Node, problem: Problem) {
        let problem = match problem.at {
            Some(_) => problem,
            None => problem.at(node.span, ""),
        };
        self.problems.push(problem.field(&node.field));
    }
}

/// Returns the problem of a manifest with another schema.
fn schema(tree: &Node) -> Option<Problem> {
    let Value::Map(entries) = &tree.value else {
        return None;
    };
    let (_, node) = entries.iter().find(|(key, _)| key.text == "schema")?;
    let Value::Scalar(scalar) = &node.value else {
        return None;
    };
    let schema: u64 = scalar.text.parse().ok()?;
    (schema != SCHEMA && !scalar.quoted).then(|| {
        Problem::new(
            Mistake::UnknownSchema,
            format!("schema {schema} is not known to this version"),
        )
        .at(node.span, "")
        .field(&node.field)
        .help(format!(
            "this version reads schema {SCHEMA}; a newer kata-artifacts may read it"
        ))
    })
}

fn top(check: &mut Check<'_>, path: &Path, tree: &Node) -> Option<Manifest> {
    let fields = Fields::read(check, tree, &TOP)?;
    fields.must("schema", |node| {
        check.number(node, SCHEMA..=SCHEMA, "the schema")
    });
    let name = fields.must("name", |node| check.name(node, "a manifest's name"));
    let version = fields.must("version", |node| check.version(node));
    let flavour = fields.may(
        "flavour",
        || "default".to_owned(),
        |node| check.name(node, "a flavour"),
    );
    let architectures = fields.must("architectures", |node| architectures(check, node));
    let debian = fields.may("debian", || None, |node| debian(check, node).map(Some));
    let toolchain = fields.must("toolchain", |node| root::toolchain(check, node));
    let kernel = fields.must("kernel", |node| kernel::kernel(check, node));
    let agent = fields.must("agent", |node| agent::agent(check, node));
    let rootfs = fields.must("rootfs", |node| rootfs::rootfs(check, node));
    let initrd = fields.may("initrd", guest::usual_initrd, |node| {
        guest::initrd(check, node)
    });
    let guest = fields.may("test", guest::usual_guest, |node| guest::guest(check, node));
    let outputs = kernel.as_ref().map(|kernel| kernel.outputs.as_slice());
    let budgets = fields.may("budgets", BTreeMap::new, |node| {
        publish::budgets(check, node, outputs)
    });
    let annotations = fields.may("annotations", BTreeMap::new, |node| {
        publish::annotations(check, node)
    });

    if let Some(None) = &debian {
        let locked = matches!(toolchain, Some(Toolchain::Locked(_)));
        let source = kernel.as_ref().map(|kernel| &kernel.source);
        let packaged = matches!(source, Some(KernelSource::Debian { .. }));
        let vmm = guest.as_ref().is_some_and(|guest| guest.vmm.is_some());
        let users = [
            (locked, "toolchain"),
            (packaged, "kernel.source"),
            (vmm, "test.vmm"),
        ];
        if let Some((_, user)) = users.into_iter().find(|(uses, _)| *uses) {
            let span = fields.span(user.split('.').next().unwrap_or(user));
            let problem = Problem::new(Mistake::MissingField, "`debian` is missing")
                .at(span, format!("`{user}` takes packages from Debian"))
                .help("add `debian: {suites: [trixie], keys: [keys/debian-archive-key-13.asc]}`");
            check.report(tree, problem);
        }
    }

    Some(Manifest {
        path: path.to_owned(),
        name: name?,
        version: version?,
        flavour: flavour?,
        architectures: architectures?,
        debian: debian?.unwrap_or_else(|| Debian {
            suites: Vec::new(),
            components: Vec::new(),
            keys: Vec::new(),
        }),
        toolchain: toolchain?,
        kernel: kernel?,
        agent: agent?,
        rootfs: rootfs?,
        initrd: initrd?,
        guest: guest?,
        budgets: budgets?,
        annotations: annotations?,
    })
}

fn architectures(check: &mut Check<'_>, node: &Node) -> Option<Vec<Arch>> {
    let mut list = check.some(node, "architecture", |check, node| {
        let text = check.lexeme(node, "an architecture")?;
        let Ok(arch) = text.parse::<Arch>() else {
            let known = Arch::ALL.map(Arch::name);
            check.choice(node, "an architecture", known.map(|name| (name, ())));
            return None;
        };
        if arch.name() != text {
            let problem = Problem::new(
                Mistake::BadValue,
                format!("{} is not an architecture's name here", quoted(text)),
            )
            .help(format!("write `{arch}`, as `uname -m` does"));
            check.report(node, problem);
            return None;
        }
        if !BUILDABLE.contains(&arch) {
            let problem = Problem::new(
                Mistake::NotBuildable,
                format!("`{arch}` is known, and this version does not build it"),
            )
            .help(format!("this version builds {}", names(&BUILDABLE)));
            check.report(node, problem);
            return None;
        }
        Some(arch)
    })?;
    list.sort();
    Some(list)
}

fn names(list: &[Arch]) -> String {
    let names: Vec<&str> = list.iter().map(|arch| arch.name()).collect();
    names.join(", ")
}

fn debian(check: &mut Check<'_>, node: &Node) -> Option<Debian> {
    let fields = Fields::read(check, node, &DEBIAN)?;
    let suites = fields.must("suites", |node| check.some(node, "suite", Check::suite));
    let components = fields.may(
        "components",
        || vec!["main".to_owned()],
        |node| check.some(node, "component", Check::component),
    );
    let keys = fields.must("keys", |node| check.some(node, "key file", Check::key_file));
    Some(Debian {
        suites: suites?,
        components: components?,
        keys: keys?,
    })
}
