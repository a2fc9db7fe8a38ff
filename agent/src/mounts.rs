//! The file systems of a guest: which are mounted, where and how. The tables follow Kata's agent; a mount that fails is
//! an outcome to report, not an end.

use std::fs;

use nix::mount::MsFlags;
use serde::Serialize;

use crate::cmdline::Hierarchy;

/// One file system to mount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mount {
    kind: &'static str,
    target: String,
    flags: MsFlags,
    options: String,
}

/// What became of one mount.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Outcome {
    /// The mount point.
    pub(crate) target: String,
    /// The file system's name.
    pub(crate) kind: &'static str,
    #[serde(flatten)]
    pub(crate) state: State,
}

/// Whether a file system is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub(crate) enum State {
    /// It was mounted now.
    Mounted,
    /// It was there before.
    Present,
    /// It is not there, and this is why.
    Failed { error: String },
}

/// The file systems that every guest has, in the order of mounting: `/proc` first, because the rest is decided by the
/// kernel command line in it.
pub(crate) fn base() -> Vec<Mount> {
    let quiet = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    vec![
        mount("proc", "/proc", quiet, ""),
        mount("sysfs", "/sys", quiet, ""),
        mount("devtmpfs", "/dev", MsFlags::MS_NOSUID, ""),
        mount("tmpfs", "/dev/shm", MsFlags::MS_NOSUID | MsFlags::MS_NODEV, ""),
        mount("devpts", "/dev/pts", MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC, ""),
        mount("tmpfs", "/run", MsFlags::MS_NOSUID | MsFlags::MS_NODEV, ""),
    ]
}

/// The control group file systems. `proc_cgroups` is the text of `/proc/cgroups`, used for version 1 only.
pub(crate) fn control_groups(hierarchy: Hierarchy, proc_cgroups: &str) -> Vec<Mount> {
    let quiet = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    let flags = quiet | MsFlags::MS_RELATIME;
    match hierarchy {
        Hierarchy::Unified => vec![mount("cgroup2", "/sys/fs/cgroup", flags, "nsdelegate")],
        Hierarchy::Legacy => {
            let mut mounts = vec![mount("tmpfs", "/sys/fs/cgroup", quiet, "mode=755")];
            for controller in legacy_controllers(proc_cgroups) {
                mounts.push(mount("cgroup", &format!("/sys/fs/cgroup/{controller}"), flags, &controller));
            }
            mounts
        }
    }
}

/// The controllers that version 1 can mount: the enabled lines of `/proc/cgroups`, in the kernel's order.
pub(crate) fn legacy_controllers(proc_cgroups: &str) -> Vec<String> {
    let lines = proc_cgroups.lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_ascii_whitespace().collect();
            match fields[..] {
                [name, _, _, "1"] => Some(name.to_owned()),
                _ => None,
            }
        })
        .collect()
}

/// Mounts one after the other. What is there already stays as it is.
pub(crate) fn mount_all(mounts: &[Mount]) -> Vec<Outcome> {
    mounts.iter().map(|mount| Outcome { target: mount.target.clone(), kind: mount.kind, state: apply(mount) }).collect()
}

fn mount(kind: &'static str, target: &str, flags: MsFlags, options: &str) -> Mount {
    Mount { kind, target: target.to_owned(), flags, options: options.to_owned() }
}

fn apply(mount: &Mount) -> State {
    // Before /proc is mounted there is nothing to read, and nothing is mounted.
    let table = fs::read_to_string("/proc/mounts").unwrap_or_default();
    if is_mounted(&table, &mount.target, mount.kind) {
        return State::Present;
    }
    // A mount point that cannot be made fails at the mount, with the better reason.
    let _ = fs::create_dir_all(&mount.target);
    let source = Some(mount.kind);
    match nix::mount::mount(source, mount.target.as_str(), source, mount.flags, Some(mount.options.as_str())) {
        Ok(()) => State::Mounted,
        Err(cause) => State::Failed { error: std::io::Error::from(cause).to_string() },
    }
}

/// Whether the topmost file system at `target` is of this kind. `table` is the text of `/proc/mounts`.
fn is_mounted(table: &str, target: &str, kind: &str) -> bool {
    let top = table.lines().rev().find_map(|line| {
        let mut fields = line.split(' ').skip(1);
        (fields.next() == Some(target)).then(|| fields.next())
    });
    top == Some(Some(kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proc_is_mounted_first_and_dev_before_what_lies_in_it() {
        let targets: Vec<String> = base().into_iter().map(|mount| mount.target).collect();
        assert_eq!(targets, ["/proc", "/sys", "/dev", "/dev/shm", "/dev/pts", "/run"]);
    }

    #[test]
    fn version_2_is_a_single_mount_whatever_the_kernel_lists() {
        let mounts = control_groups(Hierarchy::Unified, "cpu\t0\t1\t1\n");
        assert_eq!(mounts.len(), 1);
        assert_eq!((mounts[0].kind, mounts[0].options.as_str()), ("cgroup2", "nsdelegate"));
    }

    #[test]
    fn version_1_mounts_each_enabled_controller() {
        let table =
            "#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpu\t0\t1\t1\nmemory\t0\t1\t0\npids\t0\t1\t1\nbroken\n";
        let mounts = control_groups(Hierarchy::Legacy, table);
        let targets: Vec<&str> = mounts.iter().map(|mount| mount.target.as_str()).collect();
        assert_eq!(targets, ["/sys/fs/cgroup", "/sys/fs/cgroup/cpu", "/sys/fs/cgroup/pids"]);
    }

    #[test]
    fn only_the_topmost_mount_counts() {
        let table = "proc /proc proc rw 0 0\ntmpfs /dev tmpfs rw 0 0\ndev /dev devtmpfs rw 0 0\n";
        assert!(is_mounted(table, "/dev", "devtmpfs"));
        assert!(!is_mounted(table, "/dev", "tmpfs"));
        assert!(!is_mounted(table, "/de", "devtmpfs"));
        assert!(!is_mounted("", "/proc", "proc"));
    }

    #[test]
    fn an_outcome_is_flat_in_the_report() {
        let outcome = Outcome { target: "/x".into(), kind: "y", state: State::Failed { error: "z".into() } };
        let json = serde_json::to_string(&outcome).unwrap();
        assert_eq!(json, r#"{"target":"/x","kind":"y","state":"failed","error":"z"}"#);
    }
}
