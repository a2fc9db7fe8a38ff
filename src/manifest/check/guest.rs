//! How the guest is packed and how it is booted by `test`.

use super::{Check, fields::Fields, root};
use crate::manifest::{
    Compression, FEATURES, Guest, Initrd,
    fields::{INITRD, TEST},
    problem::{Mistake, Problem},
    raw::Node,
    words::{nearest, quoted},
};

/// Virtual processors that a guest can have.
const CPUS: std::ops::RangeInclusive<u64> = 1..=255;
/// Seconds that a guest may take: a day of emulation is no test.
const TIMEOUT: std::ops::RangeInclusive<u64> = 1..=86_400;

pub(super) fn usual_initrd() -> Initrd {
    Initrd {
        compression: Compression::Zstd,
    }
}

pub(super) fn initrd(check: &mut Check<'_>, node: &Node) -> Option<Initrd> {
    let fields = Fields::read(check, node, &INITRD)?;
    let words = [("gzip", Compression::Gzip), ("zstd", Compression::Zstd)];
    let compression = fields.may(
        "compression",
        || usual_initrd().compression,
        |node| check.choice(node, "a compression", words),
    );
    Some(Initrd {
        compression: compression?,
    })
}

pub(super) fn usual_guest() -> Guest {
    Guest {
        memory_mib: 512,
        cpus: 1,
        timeout_seconds: 60,
        require: None,
        vmm: None,
    }
}

pub(super) fn guest(check: &mut Check<'_>, node: &Node) -> Option<Guest> {
    let fields = Fields::read(check, node, &TEST)?;
    let usual = usual_guest();
    let memory = fields.may("memory", || usual.memory_mib, |node| check.memory(node));
    let cpus = fields.may(
        "cpus",
        || usual.cpus.into(),
        |node| check.number(node, CPUS, "a number of processors"),
    );
    let timeout = fields.may(
        "timeout",
        || usual.timeout_seconds.into(),
        |node| check.number(node, TIMEOUT, "a number of seconds"),
    );
    let require = fields.may(
        "require",
        || None,
        |node| {
            let features = check.list(node, "feature", feature);
            features.map(Some)
        },
    );
    let vmm = fields.may("vmm", || None, |node| root::vmm(check, node).map(Some));
    Some(Guest {
        memory_mib: memory?,
        cpus: u32::try_from(cpus?).ok()?,
        timeout_seconds: u32::try_from(timeout?).ok()?,
        require: require?,
        vmm: vmm?,
    })
}

/// Reads the name of something that the agent looks for: any other would never be found.
fn feature(check: &mut Check<'_>, node: &Node) -> Option<String> {
    let text = check.text(node, "a feature's name")?;
    if FEATURES.contains(&text) {
        return Some(text.to_owned());
    }
    let names = format!("the agent looks for {}", FEATURES.join(", "));
    let help = match nearest(text, FEATURES) {
        Some(meant) => format!("did you mean `{meant}`? {names}"),
        None => names,
    };
    let message = format!("{} is nothing that the agent looks for", quoted(text));
    check.report(node, Problem::new(Mistake::BadValue, message).help(help));
    None
}
