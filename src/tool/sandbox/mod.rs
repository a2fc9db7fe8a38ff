//! The sandbox: runs an invocation in fresh namespaces over a read-only root. Nothing outlives it, and nothing of the
//! host is seen that the invocation does not name. What it sees is `view`'s to say.
//!
//! # Why our own few system calls
//!
//! The whole is a list of some forty operations, computed before the fork and applied after it, which `nix` wraps but
//! for four. bubblewrap would have to be on the host, or come out of the locked packages and then be run with the
//! host's loader; nor can it tell which step failed, so nobody could be told which setting forbids it. The crates of
//! this kind are under the GPL (birdcage), need libseccomp (hakoniwa) or want cgroups and a daemon (youki). A seccomp
//! filter or Landlock would add little: no capability, network, setting or writable file of the host is left to guard.
//!
//! # Three processes
//!
//! The *watcher* is our child: it makes the namespaces and stays outside the new process namespace. The *init* is that
//! namespace's process 1: it mounts, drops every capability, and reaps. The *program* is the init's child. Each dies
//! with its parent (`PR_SET_PDEATHSIG`), and when the init dies the kernel kills all the rest: killing us, the watcher
//! or the init leaves nothing behind. What is registered with [`Cancel`] is the init, because the watcher ends, and our
//! output pipe with it, only when the last process of the namespace is gone.
//!
//! Between `fork` and `exec` nothing is allocated and no lock is taken: another thread may have held it at the fork.

#![expect(
    unsafe_code,
    reason = "fork, pre_exec and processes that never leave them; with `carry`, the only unsafe code"
)]

mod carry;
mod operation;
#[cfg(test)]
mod tests;
mod view;

use std::{
    io::{self, PipeReader, PipeWriter, Read, Write},
    os::{
        fd::{AsFd, AsRawFd, OwnedFd},
        unix::process::CommandExt,
    },
    path::Path,
    process::{Child, Command},
    sync::Arc,
};

use nix::{
    errno::Errno,
    libc,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::{
        signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction},
        stat::{Mode, umask},
    },
    unistd::{self, ForkResult, fork},
};

use carry::{carry_out, close_files};
use operation::{Operation, Plan};

use super::{Invocation, ToolError, process};
use crate::cancel::Cancel;

/// Said by the watcher: the number that follows is the init's process id, not that of a failed operation.
const INIT: i32 = -1;

/// Runs an invocation in fresh namespaces over `root`.
pub(super) fn run(
    root: &Path,
    invocation: &Invocation,
    cancel: &Cancel,
    line: &mut dyn FnMut(&str),
) -> Result<(), ToolError> {
    let plan = Arc::new(view::plan(root, invocation)?);
    let (told, tell) = io::pipe().map_err(|cause| ToolError::Start {
        program: invocation.program.clone(),
        cause,
    })?;
    let mut command = process::command(invocation, super::PATH, "/tmp");
    let (steps, parent) = (Arc::clone(&plan), unistd::getpid());
    // SAFETY: `enter` and what it calls make system calls on memory that is ready, and allocate nothing.
    unsafe { command.pre_exec(move || enter(&steps, parent, &tell).map_err(io::Error::from)) };
    process::run(command, invocation, cancel, line, |spawned| {
        admit(spawned, told, &plan, invocation)
    })
}

/// Ties a command to us: it dies when the calling thread does, and has a session and so a process group of its own.
pub(super) fn tie(command: &mut Command) {
    let parent = unistd::getpid();
    // SAFETY: three system calls that allocate nothing.
    unsafe {
        command.pre_exec(move || {
            unistd::setsid()?;
            die_with_parent()?;
            // It may have died before the line above.
            (unistd::getppid() == parent)
                .then_some(())
                .ok_or_else(|| io::Error::from(Errno::ESRCH))
        });
    }
}

/// Reads what the processes of the sandbox told; returns the watcher and the init's process id.
fn admit(
    spawned: io::Result<Child>,
    mut told: PipeReader,
    plan: &Plan,
    invocation: &Invocation,
) -> Result<(Child, i32), ToolError> {
    let mut record = [0; 8];
    let mut failed = None;
    let mut init = None;
    // A watcher that ran says so first; only then can the init have failed.
    while (init.is_none() || spawned.is_err()) && told.read_exact(&mut record).is_ok() {
        let (number, value) = (word(record[..4].as_ref()), word(record[4..].as_ref()));
        match usize::try_from(number) {
            Ok(number) => failed = plan.operation(number).map(|step| (step, value)),
            Err(_) => init = Some(value),
        }
    }
    match (spawned, failed) {
        (_, Some((step, errno))) => {
            let cause = io::Error::from_raw_os_error(errno);
            Err(ToolError::Sandbox {
                step: step.to_string(),
                help: operation::help(step, &cause),
                cause,
            })
        }
        (Ok(watcher), None) => {
            let id = i32::try_from(watcher.id()).expect("a process id fits");
            Ok((watcher, init.unwrap_or(id)))
        }
        (Err(cause), None) => Err(ToolError::Start {
            program: invocation.program.clone(),
            cause,
        }),
    }
}

fn word(bytes: &[u8]) -> i32 {
    i32::from_ne_bytes(bytes.try_into().expect("four bytes"))
}

/// Becomes the watcher, the init and the program; returns only as the program, or as whoever failed.
fn enter(plan: &Plan, parent: unistd::Pid, tell: &PipeWriter) -> Result<(), Errno> {
    forget_handlers();
    unistd::setsid()?;
    apply(&plan.outside, 0, tell)?;
    // After `unshare`, which may take the request back.
    die_with_parent()?;
    if unistd::getppid() != parent {
        return Err(Errno::ESRCH);
    }
    let (heard, say) = unistd::pipe()?;
    // SAFETY: this process has one thread, and both sides go on with system calls alone.
    match unsafe { fork() }? {
        ForkResult::Parent { child } => {
            drop(say);
            report(tell, INIT, child.as_raw());
            watch(child, heard)
        }
        ForkResult::Child => {
            drop(heard);
            die_with_parent()?;
            let mut watcher = [PollFd::new(say.as_fd(), PollFlags::empty())];
            if poll(&mut watcher, PollTimeout::ZERO)? > 0 {
                return Err(Errno::ESRCH);
            }
            unistd::setsid()?;
            umask(Mode::empty());
            apply(&plan.inside, plan.outside.len(), tell)?;
            umask(Mode::from_bits_truncate(0o022));
            // SAFETY: as above.
            match unsafe { fork() }? {
                ForkResult::Parent { child } => reap(child, say),
                ForkResult::Child => {
                    unistd::setsid()?;
                    close_files(3, libc::CLOSE_RANGE_CLOEXEC);
                    Ok(())
                }
            }
        }
    }
}

/// The watcher's life: waits for the init and ends as the program did.
fn watch(init: unistd::Pid, heard: OwnedFd) -> ! {
    let heard = keep_only(heard);
    let mut status = 0;
    // SAFETY: `status` is ours. Only a signal interrupts this, and then it must be repeated.
    while unsafe { libc::waitpid(init.as_raw(), &raw mut status, 0) } == -1
        && Errno::last() == Errno::EINTR
    {}
    let mut bytes = [0; 4];
    if unistd::read(&heard, &mut bytes) == Ok(4) {
        status = i32::from_ne_bytes(bytes);
    }
    // SAFETY: ending without running anything of the process we were forked from is the purpose.
    unsafe {
        if libc::WIFSIGNALED(status) {
            libc::kill(libc::getpid(), libc::WTERMSIG(status));
            libc::_exit(128 + libc::WTERMSIG(status));
        }
        libc::_exit(libc::WEXITSTATUS(status))
    }
}

/// The init's life: reaps whatever ends, passes the program's status on, and takes the rest with it.
fn reap(program: unistd::Pid, say: OwnedFd) -> ! {
    let say = keep_only(say);
    loop {
        let mut status = 0;
        // SAFETY: `status` is ours.
        let ended = unsafe { libc::waitpid(-1, &raw mut status, 0) };
        if ended == program.as_raw() {
            let told = unistd::write(&say, &status.to_ne_bytes());
            // SAFETY: as in `watch`.
            unsafe { libc::_exit(i32::from(told.is_err())) };
        }
    }
}

/// Closes every file but the standard three and this one.
fn keep_only(file: OwnedFd) -> OwnedFd {
    let third = if file.as_raw_fd() == 3 {
        file
    } else {
        // SAFETY: whatever is open as 3 belongs to the process we were forked from; here it is nobody's.
        let copied = unsafe { unistd::dup2_raw(&file, 3) };
        copied.unwrap_or(file)
    };
    close_files(4, 0);
    third
}

fn apply(list: &[Operation], before: usize, tell: &PipeWriter) -> Result<(), Errno> {
    for (number, operation) in list.iter().enumerate() {
        if let Err(errno) = carry_out(operation) {
            let number = i32::try_from(before + number).unwrap_or(i32::MAX);
            report(tell, number, errno as i32);
            return Err(errno);
        }
    }
    Ok(())
}

/// Writes one record; shorter than `PIPE_BUF`, so never torn. Nobody could be told of a failure.
fn report(mut tell: &PipeWriter, number: i32, value: i32) {
    let mut record = [0; 8];
    record[..4].copy_from_slice(&number.to_ne_bytes());
    record[4..].copy_from_slice(&value.to_ne_bytes());
    let _ = tell.write_all(&record);
}

fn die_with_parent() -> Result<(), Errno> {
    nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)
}

/// A handler of the process we were forked from must not run in a process that never executes another program.
fn forget_handlers() {
    let default = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
    for signal in Signal::iterator() {
        // SAFETY: the default is not a function of ours. Two signals cannot be changed; they need not be.
        let _ = unsafe { sigaction(signal, &default) };
    }
}
