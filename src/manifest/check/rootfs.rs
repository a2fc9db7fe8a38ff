//! The root file system's part of a manifest: entries, their owners and modes, and whether they fit together.

use std::collections::BTreeMap;

use super::{Check, fields::Fields, tree};
use crate::manifest::{
    Attributes, DeviceKind, DeviceNode, FileContent, GuestFile, Rootfs,
    fields::{DEVICE, DIRECTORY, FILE, ROOTFS},
    problem::{Mistake, Problem},
    raw::{Node, Value},
    words::quoted,
};

/// Where the agent is put.
pub(super) const AGENT: &str = "/sbin/init";
/// Largest numbers of Linux's devices: 12 and 20 bits.
const MAJOR: u64 = (1 << 12) - 1;
const MINOR: u64 = (1 << 20) - 1;
/// The largest owner: the one above means "no change" to chown(2).
const OWNER: u64 = u32::MAX as u64 - 1;

pub(super) fn rootfs(check: &mut Check<'_>, node: &Node) -> Option<Rootfs> {
    let fields = Fields::read(check, node, &ROOTFS)?;
    let overlay = fields.may(
        "overlay",
        || None,
        |node| check.directory(node, "an overlay").map(Some),
    );
    let directories = fields.may("directories", BTreeMap::new, |node| {
        check.by_path(node, directory)
    });
    let files = fields.may("files", BTreeMap::new, |node| check.by_path(node, file));
    let links = fields.may("links", BTreeMap::new, |node| {
        check.by_path(node, Check::target)
    });
    let devices = fields.may("devices", BTreeMap::new, |node| check.by_path(node, device));

    let mut entries = vec![tree::Entry {
        path: AGENT,
        kind: "the agent",
        said: None,
    }];
    for (name, kind) in [
        ("directories", "a directory"),
        ("files", "a file"),
        ("links", "a link"),
        ("devices", "a device"),
    ] {
        entries.extend(tree::keyed(&fields, name, kind));
    }
    tree::conflicts(check, entries);

    Some(Rootfs {
        overlay: overlay?,
        directories: directories?,
        files: files?,
        links: links?,
        devices: devices?,
    })
}

fn directory(check: &mut Check<'_>, node: &Node) -> Option<Attributes> {
    let fields = Fields::read(check, node, &DIRECTORY)?;
    attributes(check, &fields, 0o755)
}

fn file(check: &mut Check<'_>, node: &Node) -> Option<GuestFile> {
    let fields = Fields::read(check, node, &FILE)?;
    let only = fields.only(check, &["content", "path"]);
    let content = fields.may(
        "content",
        || None,
        |node| {
            let text = check.text(node, "a file's content")?;
            Some(Some(FileContent::Text(text.to_owned())))
        },
    );
    let path = fields.may(
        "path",
        || None,
        |node| {
            let path = check.file(node, "a file's content")?;
            Some(Some(FileContent::Path(path)))
        },
    );
    let attributes = attributes(check, &fields, 0o644);
    let content = match only? {
        "content" => content?,
        _ => path?,
    };
    Some(GuestFile {
        content: content?,
        attributes: attributes?,
    })
}

fn device(check: &mut Check<'_>, node: &Node) -> Option<DeviceNode> {
    let fields = Fields::read(check, node, &DEVICE)?;
    let kinds = [("char", DeviceKind::Char), ("block", DeviceKind::Block)];
    let kind = fields.must("type", |node| check.choice(node, "a device's type", kinds));
    let major = fields.must("major", |node| {
        check.number(node, 0..=MAJOR, "a major number")
    });
    let minor = fields.must("minor", |node| {
        check.number(node, 0..=MINOR, "a minor number")
    });
    let attributes = attributes(check, &fields, 0o600);
    Some(DeviceNode {
        kind: kind?,
        major: u32::try_from(major?).ok()?,
        minor: u32::try_from(minor?).ok()?,
        attributes: attributes?,
    })
}

fn attributes(check: &mut Check<'_>, fields: &Fields<'_>, usual: u32) -> Option<Attributes> {
    let mode = fields.may("mode", || usual, |node| mode(check, node, usual));
    let uid = fields.may(
        "uid",
        || 0,
        |node| check.number(node, 0..=OWNER, "an owner"),
    );
    let gid = fields.may("gid", || 0, |node| check.number(node, 0..=OWNER, "a group"));
    Some(Attributes {
        mode: mode?,
        uid: u32::try_from(uid?).ok()?,
        gid: u32::try_from(gid?).ok()?,
    })
}

/// Reads permission bits: quoted, because YAML readers disagree about numbers that begin with 0.
fn mode(check: &mut Check<'_>, node: &Node, usual: u32) -> Option<u32> {
    let text = check.lexeme(node, "a mode")?;
    let digits = text.strip_prefix("0o").unwrap_or(text);
    let octal = !digits.is_empty()
        && digits
            .bytes()
            .all(|byte| byte.is_ascii_digit() && byte < b'8');
    let quotes = matches!(&node.value, Value::Scalar(scalar) if scalar.quoted);
    let example = format!("write \"{usual:04o}\": octal digits between quotes");
    let problem = match u32::from_str_radix(digits, 8) {
        _ if !octal => {
            Problem::new(Mistake::BadValue, format!("{} is not a mode", quoted(text))).help(example)
        }
        Ok(mode) if mode > 0o7777 => Problem::new(
            Mistake::OutOfRange,
            format!("the mode {} is more than permission bits", quoted(text)),
        )
        .help("7777 is all of them"),
        Ok(_) if !quotes => Problem::new(
            Mistake::WrongType,
            format!(
                "the mode {} is a number, octal to some YAML readers and decimal to others",
                quoted(text)
            ),
        )
        .help(format!("write it between quotes: \"{digits}\"")),
        Ok(mode) if digits.len() >= 3 && text == digits => return Some(mode),
        _ => {
            Problem::new(Mistake::BadValue, format!("{} is not a mode", quoted(text))).help(example)
        }
    };
    check.report(node, problem);
    None
}
