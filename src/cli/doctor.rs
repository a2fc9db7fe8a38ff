//! `doctor`: whether this host can build and boot guests, and how to mend it where it cannot.

use std::{
    fs::{self, OpenOptions},
    path::Path,
};

use miette::{Diagnostic, Report};
use serde::Serialize;

use super::{
    failure::Failure,
    output::{json, result},
    session::Session,
};
use crate::{
    arch::Arch,
    debian::archive::{Archive, Remote},
    event::{count, size},
    guest::Vmm,
    source::Network,
    store::Store,
    tool::{self, Invocation, Place},
};

/// Bytes that a build of the reference guest takes: toolchain, source, what the compiler leaves, products.
const DISK: u64 = 8 << 30;
/// Bytes of memory that linking the reference kernel takes, with what else runs beside it.
const MEMORY: u64 = 2 << 30;
/// A suite that every mirror of Debian has.
const SUITE: &str = "stable";

/// Check whether this host can build and boot guests, and say how to mend it
///
/// Looks at user namespaces, the mirror, disk, memory, processors, KVM and QEMU. The exit status is 1 when something
/// keeps builds from working.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kata-artifacts doctor             check everything
  kata-artifacts doctor --offline   ask no mirror
  kata-artifacts doctor --json      the result for programs")]
pub(crate) struct Args {
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// What was found about one part of the host.
#[derive(Serialize)]
struct Finding {
    what: &'static str,
    state: State,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    mend: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    /// As it should be.
    Good,
    /// Everything works, but slower or in another way.
    Note,
    /// Builds do not work.
    Bad,
}

impl Finding {
    fn good(what: &'static str, found: impl Into<String>) -> Self {
        Self {
            what,
            state: State::Good,
            found: found.into(),
            mend: None,
        }
    }

    fn note(what: &'static str, found: impl Into<String>, mend: impl Into<String>) -> Self {
        Self {
            what,
            state: State::Note,
            found: found.into(),
            mend: Some(mend.into()),
        }
    }

    fn bad(what: &'static str, found: impl Into<String>, mend: impl Into<String>) -> Self {
        Self {
            state: State::Bad,
            ..Self::note(what, found, mend)
        }
    }

    /// Takes an error's words and its help.
    fn of(what: &'static str, error: impl Diagnostic + Send + Sync + 'static) -> Self {
        let report = Report::new(error);
        let words: Vec<String> = report.chain().map(ToString::to_string).collect();
        let help = report.help().map(|help| help.to_string());
        Self::bad(what, words.join(": "), help.unwrap_or_default())
    }
}

impl Args {
    pub(crate) fn run(self, session: &Session) -> Result<(), Failure> {
        let mut findings = vec![sandbox(session)];
        match session.store() {
            Ok(store) => {
                findings.push(mirror(session, &store));
                findings.push(disk(store.root()));
            }
            Err(error) => findings.push(Finding::of("store", error)),
        }
        let meminfo = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        findings.push(memory(&meminfo));
        let processors = Session::jobs(None);
        findings.push(Finding::good(
            "processors",
            count(processors, "processor", "processors"),
        ));
        findings.push(kvm());
        findings.push(qemu(session));
        let is_bad = findings.iter().any(|finding| finding.state == State::Bad);
        if self.json {
            json(&serde_json::json!({"schema": 1, "ok": !is_bad, "findings": findings}));
        } else {
            let lines: Vec<String> = findings.iter().map(line).collect();
            result(&lines.join("\n"));
        }
        if is_bad {
            Err(Failure::Verdict)
        } else {
            Ok(())
        }
    }
}

fn line(finding: &Finding) -> String {
    let state = match finding.state {
        State::Good => "good",
        State::Note => "note",
        State::Bad => "bad",
    };
    let first = format!("{state:<5} {:<11} {}", finding.what, finding.found);
    match finding.mend.as_deref() {
        None | Some("") => first,
        Some(mend) => format!("{first}\n{:18}{mend}", ""),
    }
}

/// Runs a program in a sandbox over the host's own root: every step of making one is tried.
fn sandbox(session: &Session) -> Finding {
    let place = Place::Sandbox("/".into());
    match tool::run(
        &place,
        &Invocation::new("true"),
        &session.cancel,
        &mut |_| (),
    ) {
        Ok(()) => Finding::good("sandbox", "programs run in namespaces of their own"),
        Err(error) => Finding::of("sandbox", error),
    }
}

fn mirror(session: &Session, store: &Store) -> Finding {
    let what = "mirror";
    let (mirrors, client) = match &session.network {
        Network::Off(option) => {
            return Finding::note(
                what,
                format!("not asked: {option}"),
                format!("leave {option} out"),
            );
        }
        Network::On(mirrors, client) => (mirrors, client),
    };
    let Some(base) = mirrors
        .archives
        .get("debian")
        .and_then(|bases| bases.first())
    else {
        let mend = "name one with `--debian-mirror URL`, or in the user's configuration";
        return Finding::bad(what, "no mirror of Debian is known", mend);
    };
    let remote = Remote {
        mirrors,
        client,
        store,
        cancel: &session.cancel,
    };
    match remote.release("debian", SUITE) {
        Ok(_) => Finding::good(what, format!("{base} answers")),
        Err(error) => Finding::of(what, error),
    }
}

fn disk(store: &Path) -> Finding {
    let what = "disk";
    match nix::sys::statvfs::statvfs(store) {
        Ok(disk) => {
            // Both are u64 on every architecture that this program runs on.
            let free = disk.blocks_available() * disk.fragment_size();
            let found = format!("{} free for the store {}", size(free), store.display());
            if free >= DISK {
                return Finding::good(what, found);
            }
            let mend = format!(
                "a build takes up to {}: `kata-artifacts clean` frees what nothing needs, `--store DIR` goes elsewhere",
                size(DISK)
            );
            Finding::note(what, found, mend)
        }
        Err(error) => Finding::note(what, format!("not known: {error}"), ""),
    }
}

fn memory(meminfo: &str) -> Finding {
    let what = "memory";
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    let Some(bytes) = kib.map(|kib| kib << 10) else {
        return Finding::note(what, "not known", "");
    };
    let found = format!("{} available", size(bytes));
    if bytes >= MEMORY {
        return Finding::good(what, found);
    }
    let mend = format!(
        "linking a kernel takes up to {}: fewer `--jobs` take less",
        size(MEMORY)
    );
    Finding::note(what, found, mend)
}

fn kvm() -> Finding {
    let (what, path) = ("KVM", "/dev/kvm");
    match OpenOptions::new().read(true).write(true).open(path) {
        Ok(_) => Finding::good(what, format!("{path} can be opened")),
        Err(error) => Finding::note(
            what,
            format!("{path}: {error}"),
            "`test` emulates the processor, which is slower; where there is KVM, its group may use it",
        ),
    }
}

fn qemu(session: &Session) -> Finding {
    let (what, program) = ("QEMU", Arch::host().qemu());
    if Vmm::on_host(Arch::host(), &session.path).is_some() {
        return Finding::good(what, format!("{program} is on the path"));
    }
    let mend = "`test` takes it out of the packages that the manifest's lock pins";
    Finding::note(what, format!("{program} is not on the path"), mend)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_memory_is_noted_with_what_helps() {
        let finding = memory("MemTotal: 99 kB\nMemAvailable:    1048576 kB\n");
        assert!(finding.state == State::Note);
        assert_eq!(finding.found, "1.0 GiB available");
        assert!(memory("MemAvailable: 4194304 kB\n").state == State::Good);
        assert!(memory("").state == State::Note);
    }
}
