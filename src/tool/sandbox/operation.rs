//! The operations of which a sandbox is made, as data; what each is called; what to do when one fails. Which are done is
//! `view`'s to say, how is `carry`'s.

use std::{
    ffi::{CStr, CString},
    fmt, fs, io,
};

use nix::{mount::MsFlags, sched::CloneFlags};

/// The host's file system while the new one is being put together.
pub(super) const HOST: &str = "/old";
/// The new file system while it is being put together.
pub(super) const NEW: &str = "/new";
/// One operation, with all its operands ready for system calls.
pub(super) enum Operation {
    Unshare(CloneFlags),
    Write {
        path: CString,
        text: CString,
    },
    Limit,
    Privatise,
    Mount {
        kind: &'static CStr,
        at: CString,
        flags: MsFlags,
        data: CString,
    },
    Bind {
        from: CString,
        at: CString,
    },
    Seal {
        at: CString,
        flags: MsFlags,
    },
    Directory {
        at: CString,
        mode: u32,
    },
    File {
        at: CString,
    },
    Link {
        target: CString,
        at: CString,
    },
    Pivot {
        root: CString,
        old: CString,
    },
    /// Makes the current directory the root and lets go of the old one.
    Settle,
    Enter(CString),
    Name {
        host: CString,
        domain: CString,
    },
    Loopback,
    Drop,
}

/// Everything that happens between the fork and the program.
pub(super) struct Plan {
    /// Done by the watcher, outside the new process namespace.
    pub(super) outside: Vec<Operation>,
    /// Done by the init.
    pub(super) inside: Vec<Operation>,
}

impl Plan {
    /// Returns the operation with this number, counting through both lists.
    pub(super) fn operation(&self, number: usize) -> Option<&Operation> {
        self.outside.iter().chain(&self.inside).nth(number)
    }
}

/// Says the operation in words, with the paths that the user knows.
impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |path: &CStr| {
            let path = path.to_string_lossy();
            let inner = [HOST, NEW]
                .iter()
                .find_map(|prefix| path.strip_prefix(prefix));
            inner.map_or_else(
                || path.to_string(),
                |inner| format!("/{}", inner.trim_start_matches('/')),
            )
        };
        match self {
            Self::Unshare(_) => f.write_str("`unshare` of namespaces"),
            Self::Write { path, .. } => write!(f, "writing `{}`", shown(path)),
            Self::Limit => f.write_str("setting resource limits"),
            Self::Privatise => f.write_str("making mounts private"),
            Self::Mount { kind, at, .. } => {
                write!(f, "mounting {} at `{}`", kind.to_string_lossy(), shown(at))
            }
            Self::Bind { from, at } => write!(f, "mounting `{}` at `{}`", shown(from), shown(at)),
            Self::Seal { at, .. } => write!(f, "protecting the mount at `{}`", shown(at)),
            Self::Directory { at, .. } => write!(f, "making the directory `{}`", shown(at)),
            Self::File { at } | Self::Link { at, .. } => write!(f, "making `{}`", shown(at)),
            Self::Pivot { .. } | Self::Settle => f.write_str("`pivot_root`"),
            Self::Enter(path) => write!(f, "entering `{}`", shown(path)),
            Self::Name { .. } => f.write_str("setting the host name"),
            Self::Loopback => f.write_str("bringing up the loopback interface"),
            Self::Drop => f.write_str("dropping capabilities"),
        }
    }
}

/// Returns what to do about an operation that failed.
pub(super) fn help(operation: &Operation, cause: &io::Error) -> String {
    match operation {
        Operation::Bind { at, .. } if cause.kind() == io::ErrorKind::NotFound => format!(
            "the root has no `{}`: name it in the manifest's `toolchain.directories`",
            at.to_string_lossy().trim_start_matches(NEW)
        ),
        Operation::Unshare(_)
        | Operation::Write { .. }
        | Operation::Mount { .. }
        | Operation::Privatise => forbidden(operation, |path| fs::read_to_string(path).ok()),
        _ => "is the directory readable and executable for you, and the toolchain's root whole? \
              `toolchain: host` does without a sandbox"
            .to_owned(),
    }
}

/// Names the setting of this machine that forbids user namespaces, as far as it can be read.
fn forbidden(operation: &Operation, read: impl Fn(&str) -> Option<String>) -> String {
    let settings = [
        ("kernel.unprivileged_userns_clone", "0", "1"),
        ("kernel.apparmor_restrict_unprivileged_userns", "1", "0"),
        ("user.max_user_namespaces", "0", "10000"),
        ("user.max_mnt_namespaces", "0", "10000"),
        ("user.max_pid_namespaces", "0", "10000"),
        ("user.max_net_namespaces", "0", "10000"),
        ("user.max_ipc_namespaces", "0", "10000"),
        ("user.max_uts_namespaces", "0", "10000"),
        ("user.max_cgroup_namespaces", "0", "10000"),
    ];
    let found = settings.iter().find(|(name, forbids, _)| {
        read(&format!("/proc/sys/{}", name.replace('.', "/")))
            .is_some_and(|value| value.trim() == *forbids)
    });
    let why = match (found, operation) {
        (Some((name, value, good)), _) => {
            format!("this machine forbids it by `{name} = {value}`: an administrator can run `sysctl -w {name}={good}`")
        }
        (None, Operation::Mount { kind, .. }) if *kind == c"proc" => {
            "a container hides parts of its `/proc`: run it with `--security-opt systempaths=unconfined` or the like"
                .to_owned()
        }
        (None, _) => "no setting under `/proc/sys` forbids it, so a container's seccomp or AppArmor profile is the \
                      likely cause: run it with `--security-opt seccomp=unconfined --security-opt apparmor=unconfined` \
                      or the like"
            .to_owned(),
    };
    format!(
        "{why}.\nOr write `toolchain: host` in the manifest: it takes this machine's own tools, without a sandbox"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn says(operation: &Operation, settings: &[(&str, &str)], expected: &str) {
        let read = |path: &str| {
            let found = settings.iter().find(|(name, _)| *name == path);
            found.map(|(_, value)| format!("{value}\n"))
        };
        let said = forbidden(operation, read);
        assert!(said.contains(expected), "{said}");
        assert!(said.contains("`toolchain: host`"), "{said}");
    }

    #[test]
    fn a_machine_that_forbids_user_namespaces_has_its_setting_named() {
        let unshare = Operation::Unshare(CloneFlags::empty());
        for (path, value, expected) in [
            (
                "/proc/sys/user/max_user_namespaces",
                "0",
                "`user.max_user_namespaces = 0`",
            ),
            (
                "/proc/sys/kernel/unprivileged_userns_clone",
                "0",
                "`sysctl -w kernel.unprivileged_userns_clone=1`",
            ),
            (
                "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
                "1",
                "`kernel.apparmor_restrict_unprivileged_userns = 1`",
            ),
            (
                "/proc/sys/user/max_net_namespaces",
                "0",
                "`user.max_net_namespaces = 0`",
            ),
        ] {
            says(&unshare, &[(path, value)], expected);
        }
        says(
            &unshare,
            &[("/proc/sys/user/max_user_namespaces", "96365")],
            "seccomp",
        );
    }

    #[test]
    fn a_container_that_hides_parts_of_proc_is_named() {
        let mount = Operation::Mount {
            kind: c"proc",
            at: c"/new/proc".into(),
            flags: MsFlags::empty(),
            data: c"".into(),
        };
        assert_eq!(mount.to_string(), "mounting proc at `/proc`");
        says(&mount, &[], "systempaths=unconfined");
    }
}
