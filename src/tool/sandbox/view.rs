//! What a sandboxed program sees, decided before the fork: the operations that lead from the host's file system to its
//! own. Pure but for looking at which files exist.

use std::{
    ffi::{CStr, CString},
    fs,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use nix::{mount::MsFlags, sched::CloneFlags};

use super::operation::{HOST, NEW, Operation, Plan};
use crate::tool::{Access, Invocation, Mount, Network, ToolError};

/// The host's devices that every program may use.
const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];
/// Without these, names of servers mean nothing.
const NAME_SERVICE: [&str; 3] = ["hosts", "nsswitch.conf", "resolv.conf"];

/// Returns the operations that lead to `invocation` over `root`.
pub(super) fn plan(root: &Path, invocation: &Invocation) -> Result<Plan, ToolError> {
    let real = |path: &Path| {
        path.canonicalize().map_err(|cause| ToolError::Sandbox {
            step: format!("find `{}` on the host", path.display()),
            help: "it must exist before a program can see it".to_owned(),
            cause,
        })
    };
    let root = real(root)?;
    let mounts = invocation
        .mounts
        .iter()
        .map(|mount| {
            Ok(Mount {
                host: real(&mount.host)?,
                ..mount.clone()
            })
        })
        .collect::<Result<Vec<_>, ToolError>>()?;
    Ok(Plan {
        outside: outside(invocation.network),
        inside: inside(&root, &mounts, invocation),
    })
}

fn outside(network: Network) -> Vec<Operation> {
    let mut namespaces = CloneFlags::CLONE_NEWUSER
        | CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWPID
        | CloneFlags::CLONE_NEWIPC
        | CloneFlags::CLONE_NEWUTS
        | CloneFlags::CLONE_NEWCGROUP;
    if network == Network::Off {
        namespaces |= CloneFlags::CLONE_NEWNET;
    }
    let map = |id: u32| format!("0 {id} 1\n");
    vec![
        Operation::Limit,
        Operation::Unshare(namespaces),
        // An ordinary user may map a group only after giving up `setgroups`.
        write("/proc/self/setgroups", "deny"),
        write("/proc/self/uid_map", &map(nix::unistd::geteuid().as_raw())),
        write("/proc/self/gid_map", &map(nix::unistd::getegid().as_raw())),
    ]
}

fn inside(root: &Path, mounts: &[Mount], invocation: &Invocation) -> Vec<Operation> {
    // A file system of two directories becomes the root for a while, so that the host's paths stay whole below one of
    // them. It may cover any directory of the host.
    let base = if root == Path::new("/") {
        Path::new("/tmp")
    } else {
        root
    };
    let guarded = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    let mut list = vec![
        Operation::Privatise,
        Operation::Mount {
            kind: c"tmpfs",
            at: c_string(base),
            flags: guarded,
            data: c"mode=0755".into(),
        },
        Operation::Enter(c_string(base)),
        Operation::Directory {
            at: c"new".into(),
            mode: 0o755,
        },
        Operation::Directory {
            at: c"old".into(),
            mode: 0o755,
        },
        Operation::Pivot {
            root: c".".into(),
            old: c"old".into(),
        },
        Operation::Enter(c"/".into()),
        bind(root, "/"),
        seal("/", guarded | MsFlags::MS_RDONLY),
        mount(c"proc", "/proc", guarded | MsFlags::MS_NOEXEC, ""),
        mount(c"tmpfs", "/tmp", guarded, "mode=1777"),
        mount(c"tmpfs", "/run", guarded, "mode=0755"),
    ];
    devices(&mut list);
    if invocation.network == Network::Host {
        name_service(&mut list, root);
    } else {
        list.push(Operation::Loopback);
    }
    for mount in mounts {
        add(&mut list, mount, invocation.network);
    }
    list.extend([
        Operation::Name {
            host: c"kata-artifacts".into(),
            domain: c"localdomain".into(),
        },
        Operation::Enter(c_string(NEW)),
        Operation::Settle,
        // Whoever can make a user namespace has every capability in it.
        write("/proc/sys/user/max_user_namespaces", "0"),
        // The host's own settings are guarded by its user 0, not by a capability: run by root, a step could set them.
        Operation::Seal {
            at: c"/proc".into(),
            flags: guarded | MsFlags::MS_NOEXEC | MsFlags::MS_RDONLY,
        },
        Operation::Enter(c_string(&invocation.cwd)),
        Operation::Drop,
    ]);
    list
}

fn devices(list: &mut Vec<Operation>) {
    let links = [
        ("fd", ""),
        ("stdin", "/0"),
        ("stdout", "/1"),
        ("stderr", "/2"),
    ];
    list.push(mount(c"tmpfs", "/dev", MsFlags::MS_NOSUID, "mode=0755"));
    for name in DEVICES.map(|name| format!("/dev/{name}")) {
        if Path::new(&name).exists() {
            list.extend([
                Operation::File { at: new(&name) },
                bind(Path::new(&name), &name),
            ]);
        }
    }
    for (name, end) in links {
        list.push(link(
            &format!("/proc/self/fd{end}"),
            &format!("/dev/{name}"),
        ));
    }
    list.extend([
        Operation::Directory {
            at: new("/dev/shm"),
            mode: 0o1777,
        },
        Operation::Directory {
            at: new("/dev/pts"),
            mode: 0o755,
        },
        mount(
            c"devpts",
            "/dev/pts",
            MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC,
            "newinstance,ptmxmode=0666,mode=620",
        ),
        link("pts/ptmx", "/dev/ptmx"),
    ]);
}

/// Puts the host's name service among the root's own `/etc`, which is read-only and may lack the files: a new `/etc`
/// links to everything in it.
fn name_service(list: &mut Vec<Operation>, root: &Path) {
    let provided: Vec<_> = NAME_SERVICE
        .iter()
        .filter_map(|name| Some((*name, Path::new("/etc").join(name).canonicalize().ok()?)))
        .collect();
    list.extend([
        Operation::Directory {
            at: new("/run/etc"),
            mode: 0o755,
        },
        bind(&root.join("etc"), "/run/etc"),
        mount(
            c"tmpfs",
            "/etc",
            MsFlags::MS_NOSUID | MsFlags::MS_NODEV,
            "mode=0755",
        ),
    ]);
    for entry in fs::read_dir(root.join("etc"))
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
    {
        let name = entry.file_name();
        if provided.iter().all(|(provided, _)| name != *provided) {
            // A relative link means what it says only in `/etc` itself.
            let target =
                fs::read_link(entry.path()).unwrap_or_else(|_| Path::new("/run/etc").join(&name));
            let at = Path::new(NEW).join("etc").join(&name);
            list.push(Operation::Link {
                target: c_string(target),
                at: c_string(at),
            });
        }
    }
    for (name, host) in provided {
        let at = format!("/etc/{name}");
        let mount = Mount {
            at,
            host,
            access: Access::Read,
        };
        add(list, &mount, Network::Host);
    }
}

/// Adds a mount; its target is made when it lies in a file system of our own.
fn add(list: &mut Vec<Operation>, mount: &Mount, network: Network) {
    let at = Path::new(&mount.at);
    let ours = |directory: &str| at.starts_with(directory) && at != Path::new(directory);
    if ours("/tmp") || ours("/run") || ours("/dev") || (network == Network::Host && ours("/etc")) {
        let mut parents: Vec<_> = at.ancestors().skip(1).collect();
        // The root and the file system itself are there.
        parents.truncate(parents.len().saturating_sub(2));
        list.extend(parents.iter().rev().map(|parent| Operation::Directory {
            at: new(parent),
            mode: 0o755,
        }));
        list.push(if mount.host.is_dir() {
            Operation::Directory {
                at: new(at),
                mode: 0o755,
            }
        } else {
            Operation::File { at: new(at) }
        });
    }
    let mut flags = MsFlags::MS_NOSUID;
    if !at.starts_with("/dev") {
        flags |= MsFlags::MS_NODEV;
    }
    if mount.access == Access::Read {
        flags |= MsFlags::MS_RDONLY;
    }
    list.extend([bind(&mount.host, at), seal(at, flags)]);
}

fn write(path: &str, text: &str) -> Operation {
    Operation::Write {
        path: c_string(path),
        text: c_string(text),
    }
}

fn mount(kind: &'static CStr, at: &str, flags: MsFlags, data: &str) -> Operation {
    Operation::Mount {
        kind,
        at: new(at),
        flags,
        data: c_string(data),
    }
}

fn bind(host: &Path, at: impl AsRef<Path>) -> Operation {
    Operation::Bind {
        from: c_string(below(HOST, host)),
        at: new(at),
    }
}

fn seal(at: impl AsRef<Path>, flags: MsFlags) -> Operation {
    Operation::Seal { at: new(at), flags }
}

fn link(target: &str, at: &str) -> Operation {
    Operation::Link {
        target: c_string(target),
        at: new(at),
    }
}

fn new(path: impl AsRef<Path>) -> CString {
    c_string(below(NEW, path.as_ref()))
}

fn below(directory: &str, path: &Path) -> PathBuf {
    Path::new(directory).join(path.strip_prefix("/").unwrap_or(path))
}

/// No path that exists has a NUL in it; one that does is cut there, and then not found.
fn c_string(text: impl AsRef<Path>) -> CString {
    let bytes = text.as_ref().as_os_str().as_bytes();
    let end = bytes
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(bytes.len());
    CString::new(&bytes[..end]).expect("cut before the first NUL")
}
