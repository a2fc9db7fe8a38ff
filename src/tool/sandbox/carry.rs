//! Carries out one operation: the system calls, and those of them that have no safe wrapper. Allocates nothing, because
//! it runs between `fork` and `exec`.

#![expect(unsafe_code, reason = "system calls that `nix` does not wrap")]

use std::ffi::CStr;

use nix::{
    errno::Errno,
    fcntl::{OFlag, open},
    libc,
    mount::{MntFlags, MsFlags, mount, umount2},
    sys::{
        resource::{Resource, getrlimit, setrlimit},
        stat::Mode,
        statvfs::statvfs,
    },
    unistd::{self, chdir},
};

use super::operation::Operation;

/// `AT_RECURSIVE`, which `libc` lacks.
const RECURSIVE: libc::c_int = 0x8000;
/// Open files a program may have: fixed, because some programs behave by it.
const OPEN_FILES: u64 = 4096;

/// Carries out an operation in the calling process.
pub(super) fn carry_out(operation: &Operation) -> Result<(), Errno> {
    const NONE: Option<&CStr> = None;
    match operation {
        Operation::Unshare(namespaces) => nix::sched::unshare(*namespaces),
        Operation::Write { path, text } => {
            let file = open(
                path.as_c_str(),
                OFlag::O_WRONLY | OFlag::O_CLOEXEC,
                Mode::empty(),
            )?;
            unistd::write(file, text.as_bytes()).map(drop)
        }
        Operation::Limit => limit(),
        Operation::Privatise => mount(
            NONE,
            c"/",
            NONE,
            MsFlags::MS_REC | MsFlags::MS_PRIVATE,
            NONE,
        ),
        Operation::Mount {
            kind,
            at,
            flags,
            data,
        } => mount(
            Some(*kind),
            at.as_c_str(),
            Some(*kind),
            *flags,
            Some(data.as_c_str()),
        ),
        Operation::Bind { from, at } => mount(
            Some(from.as_c_str()),
            at.as_c_str(),
            NONE,
            MsFlags::MS_BIND | MsFlags::MS_REC,
            NONE,
        ),
        Operation::Seal { at, flags } => seal(at, *flags),
        Operation::Directory { at, mode } => {
            let made = unistd::mkdir(at.as_c_str(), Mode::from_bits_truncate(*mode));
            made.or_else(|errno| {
                if errno == Errno::EEXIST {
                    Ok(())
                } else {
                    Err(errno)
                }
            })
        }
        Operation::File { at } => {
            let flags = OFlag::O_CREAT | OFlag::O_WRONLY | OFlag::O_CLOEXEC;
            open(at.as_c_str(), flags, Mode::from_bits_truncate(0o644)).map(drop)
        }
        Operation::Link { target, at } => {
            unistd::symlinkat(target.as_c_str(), nix::fcntl::AT_FDCWD, at.as_c_str())
        }
        Operation::Pivot { root, old } => unistd::pivot_root(root.as_c_str(), old.as_c_str()),
        Operation::Settle => {
            unistd::pivot_root(c".", c".")?;
            umount2(c".", MntFlags::MNT_DETACH)
        }
        Operation::Enter(path) => chdir(path.as_c_str()),
        Operation::Name { host, domain } => {
            let (host, domain) = (host.as_bytes(), domain.as_bytes());
            // SAFETY: both point to as many bytes as are said.
            Errno::result(unsafe { libc::sethostname(host.as_ptr().cast(), host.len()) })?;
            Errno::result(unsafe { libc::setdomainname(domain.as_ptr().cast(), domain.len()) })
                .map(drop)
        }
        Operation::Loopback => loopback(),
        Operation::Drop => drop_capabilities(),
    }
}

fn limit() -> Result<(), Errno> {
    setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    let files = most.min(OPEN_FILES);
    setrlimit(Resource::RLIMIT_NOFILE, files, files)
}

/// Adds flags to a mount and all below it. A flag that is set stays: the kernel locks those of the host's mounts.
fn seal(at: &CStr, flags: MsFlags) -> Result<(), Errno> {
    // The three flags we use have the same numbers as `MOUNT_ATTR_*`.
    // `struct mount_attr`: set, clear, propagation, user namespace.
    let attributes: [u64; 4] = [flags.bits(), 0, 0, 0];
    // SAFETY: the path ends in NUL and the size is that of the structure.
    let done = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            libc::AT_FDCWD,
            at.as_ptr(),
            RECURSIVE,
            attributes.as_ptr(),
            size_of_val(&attributes),
        )
    };
    match Errno::result(done) {
        // Linux before 5.12: the topmost mount alone.
        Err(Errno::ENOSYS) => remount(at, flags),
        other => other.map(drop),
    }
}

fn remount(at: &CStr, flags: MsFlags) -> Result<(), Errno> {
    let locked = statvfs(at)?.flags().bits();
    let mut flags = flags | MsFlags::MS_BIND | MsFlags::MS_REMOUNT;
    // `ST_*` and `MS_*` agree but for the last.
    flags |= MsFlags::from_bits_truncate(
        locked & (libc::MS_NOEXEC | libc::MS_NODEV | libc::MS_NOSUID | libc::MS_RDONLY),
    );
    flags |= MsFlags::from_bits_truncate(locked & (libc::MS_NOATIME | libc::MS_NODIRATIME));
    if locked & libc::ST_RELATIME != 0 {
        flags |= MsFlags::MS_RELATIME;
    }
    mount(None::<&CStr>, at, None::<&CStr>, flags, None::<&CStr>)
}

fn loopback() -> Result<(), Errno> {
    // SAFETY: an all-zero `ifreq` is one; the socket is closed below; the name fits and ends in NUL.
    unsafe {
        let socket = Errno::result(libc::socket(
            libc::AF_INET,
            libc::SOCK_DGRAM | libc::SOCK_CLOEXEC,
            0,
        ))?;
        let mut request: libc::ifreq = std::mem::zeroed();
        request.ifr_name[0] = b'l'.cast_signed() as libc::c_char;
        request.ifr_name[1] = b'o'.cast_signed() as libc::c_char;
        request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
        let done = Errno::result(libc::ioctl(socket, libc::SIOCSIFFLAGS, &raw const request));
        libc::close(socket);
        done.map(drop)
    }
}

/// Gives up every capability for good: user 0 of this namespace gets none back by `exec`.
fn drop_capabilities() -> Result<(), Errno> {
    for capability in 0..libc::c_ulong::from(u8::MAX) {
        // SAFETY: a number alone. The first that the kernel does not know ends the list.
        if unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) } != 0 {
            break;
        }
    }
    nix::sys::prctl::set_no_new_privs()?;
    // Version 3, process 0 (this one), then effective, permitted and inheritable sets, twice 32 bits each.
    let (header, none) = ([0x2008_0522_u32, 0], [0_u32; 6]);
    // SAFETY: the layout is that of `capset(2)`, version 3.
    Errno::result(unsafe { libc::syscall(libc::SYS_capset, header.as_ptr(), none.as_ptr()) })
        .map(drop)
}

/// Closes, or marks to be closed, every file from `first` on.
pub(super) fn close_files(first: libc::c_uint, flags: libc::c_uint) {
    // SAFETY: numbers alone; whoever calls this has no use for those files.
    if unsafe { libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, flags) } == 0 {
        return;
    }
    // Linux before 5.11. The limit is set by now.
    for file in first.cast_signed()..OPEN_FILES as i32 {
        // SAFETY: as above.
        unsafe {
            if flags == 0 {
                libc::close(file);
            } else {
                libc::fcntl(file, libc::F_SETFD, libc::FD_CLOEXEC);
            }
        }
    }
}
