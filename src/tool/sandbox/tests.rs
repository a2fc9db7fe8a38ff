//! The sandbox against this machine's kernel: over the host's own root, so that no toolchain is needed.

mod ends;

use std::{fs, io::Write, path::Path};

use crate::{
    cancel::Cancel,
    tool::{Access, Invocation, Network, PATH, Place, ToolError, run},
};

/// Runs a shell script over the host's root; returns its lines and how it ended. `None` where this machine forbids
/// sandboxes, which is said loudly.
fn shell(
    script: &str,
    adjust: impl FnOnce(Invocation) -> Invocation,
) -> Option<(Vec<String>, Result<(), ToolError>)> {
    ran(
        adjust(Invocation::new("sh").args(["-c", script])),
        &Cancel::new(),
    )
}

fn ran(invocation: Invocation, cancel: &Cancel) -> Option<(Vec<String>, Result<(), ToolError>)> {
    let mut lines = Vec::new();
    let ended = run(
        &Place::Sandbox("/".into()),
        &invocation,
        cancel,
        &mut |line| lines.push(line.to_owned()),
    );
    match &ended {
        Err(ToolError::Sandbox { step, help, cause }) if is_forbidden() => {
            skip(&format!("{step}: {cause}: {help}"));
            None
        }
        _ => Some((lines, ended)),
    }
}

/// Asks a program that is not ours, so that a fault of ours is never taken for the machine's.
fn is_forbidden() -> bool {
    let unshare = Invocation::new("unshare").args(["-Urmnpf", "--mount-proc", "true"]);
    run(&host(), &unshare, &Cancel::new(), &mut |_| ()).is_err()
}

/// Says on the real standard error, which is shown even when the test passes, that a test showed nothing.
fn skip(why: &str) {
    let _ = writeln!(
        std::io::stderr(),
        "SKIPPED, because this machine forbids sandboxes: {why}"
    );
}

fn host() -> Place {
    Place::Host {
        path: PATH.to_owned(),
    }
}

#[track_caller]
fn prints(script: &str, expected: &[&str]) {
    let Some((lines, ended)) = shell(script, |invocation| invocation) else {
        return;
    };
    assert_eq!(lines, expected);
    ended.unwrap();
}

#[test]
fn output_and_errors_arrive_in_order_without_line_ends() {
    prints(
        "echo a; echo b >&2; printf 'c\\r\\nd'",
        &["a", "b", "c", "d"],
    );
}

#[test]
fn the_environment_is_exactly_what_is_said() {
    let adjust = |invocation: Invocation| invocation.env("O", "/build").env("TZ", "CET");
    let Some((lines, _)) = shell("exec env", adjust) else {
        return;
    };
    let mut lines: Vec<_> = lines
        .iter()
        .map(String::as_str)
        .filter(|line| !line.starts_with("PWD="))
        .collect();
    lines.sort_unstable();
    let path = format!("PATH={PATH}");
    assert_eq!(
        lines,
        [
            "HOME=/tmp",
            "LANG=C",
            "LC_ALL=C",
            "O=/build",
            &path,
            "TMPDIR=/tmp",
            "TZ=CET"
        ]
    );
}

#[test]
fn the_host_name_and_the_masks_are_fixed() {
    prints(
        "hostname; cat /proc/sys/kernel/domainname; umask; id -u; id -g; ulimit -c; pwd",
        &["kata-artifacts", "localdomain", "0022", "0", "0", "0", "/"],
    );
}

#[test]
fn user_0_has_no_capability_and_can_neither_mount_nor_make_a_namespace() {
    prints(
        "grep -E '^(Cap|NoNewPrivs)' /proc/self/status | tr '\\t' ' '
         mount -t tmpfs none /mnt 2>/dev/null || echo refused
         unshare -Ur true 2>/dev/null || echo refused",
        &[
            "CapInh: 0000000000000000",
            "CapPrm: 0000000000000000",
            "CapEff: 0000000000000000",
            "CapBnd: 0000000000000000",
            "CapAmb: 0000000000000000",
            "NoNewPrivs: 1",
            "refused",
            "refused",
        ],
    );
}

#[test]
fn the_root_cannot_be_written() {
    prints(
        "for place in / /usr /etc /mnt; do
             (: >$place/kata-artifacts-test) 2>/dev/null && echo written to $place
         done
         for place in /tmp /run /dev/shm; do : >$place/new && ls $place; done",
        &["new", "new", "new"],
    );
    assert!(!Path::new("/tmp/new").exists() && !Path::new("/run/new").exists());
}

#[test]
fn the_hosts_settings_cannot_be_written_even_when_root_builds() {
    prints(
        "for setting in kernel/core_pattern vm/drop_caches kernel/hostname; do
             (: >>/proc/sys/$setting) 2>/dev/null && echo \"$setting was opened\"
         done
         echo said >/proc/self/fd/1",
        &["said"],
    );
}

#[test]
fn a_mount_is_written_only_when_it_may_be() {
    let (read, write) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(read.path().join("in"), "given\n").unwrap();
    let script =
        "cat /mnt/in; (: >/mnt/x) 2>&1 | sed s/.*:.//; echo made >/tmp/deep/er/out; cat /run/file";
    let adjust = |invocation: Invocation| {
        invocation
            .mount("/mnt", read.path(), Access::Read)
            .mount("/tmp/deep/er", write.path(), Access::Write)
            .mount("/run/file", read.path().join("in"), Access::Read)
    };
    let Some((lines, ended)) = shell(script, adjust) else {
        return;
    };
    assert_eq!(lines, ["given", "Read-only file system", "given"]);
    ended.unwrap();
    assert_eq!(
        fs::read_to_string(write.path().join("out")).unwrap(),
        "made\n"
    );
}

#[test]
fn devices_are_there_and_work() {
    prints(
        "head -c 3 /dev/zero | od -An -tx1; head -c 9 /dev/urandom | wc -c; echo gone >/dev/null
         (echo x >/dev/full) 2>/dev/null || echo full; echo through </dev/null >/dev/stdout
         ls /dev | tr '\\n' ' '; test -c /dev/ptmx && echo terminal",
        &[
            " 00 00 00",
            "9",
            "full",
            "through",
            "fd full null ptmx pts random shm stderr stdin stdout tty urandom zero terminal",
        ],
    );
}

#[test]
fn a_device_of_the_host_can_be_given() {
    let adjust =
        |invocation: Invocation| invocation.mount("/dev/given", "/dev/zero", Access::Write);
    let Some((lines, _)) = shell("head -c 1 /dev/given | od -An -tx1", adjust) else {
        return;
    };
    assert_eq!(lines, [" 00"]);
}

#[test]
fn there_is_no_network_but_a_loopback_of_its_own() {
    let host = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = host.local_addr().unwrap().port();
    let script = format!(
        "grep -c : /proc/net/dev; sed -n 's/ *lo:.*/lo/p' /proc/net/dev
         bash -c ': </dev/tcp/127.0.0.1/{port}' 2>&1 | grep -o 'Connection refused' | head -n 1
         bash -c ': </dev/tcp/192.0.2.1/80' 2>&1 | grep -o 'Network is unreachable' | head -n 1"
    );
    prints(
        &script,
        &["1", "lo", "Connection refused", "Network is unreachable"],
    );
}

#[test]
fn the_hosts_network_comes_with_its_name_service() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let script = format!(
        "bash -c ': </dev/tcp/127.0.0.1/{port}' && echo connected
         cat /etc/hosts | cksum; cat /etc/passwd | cksum; cat /run/certificates"
    );
    let certificates = tempfile::NamedTempFile::new().unwrap();
    fs::write(certificates.path(), "trusted").unwrap();
    let Some((lines, ended)) = shell(&script, |mut invocation| {
        invocation.network = Network::Host;
        invocation.mount("/run/certificates", certificates.path(), Access::Read)
    }) else {
        return;
    };
    ended.unwrap();
    let sum = |path| {
        let mut sum = Vec::new();
        let cksum = Invocation::new("sh").args(["-c", &format!("cksum <{path}")]);
        run(&host(), &cksum, &Cancel::new(), &mut |line| {
            sum.push(line.to_owned())
        })
        .unwrap();
        sum.concat()
    };
    assert_eq!(
        lines,
        [
            "connected",
            &sum("/etc/hosts"),
            &sum("/etc/passwd"),
            "trusted"
        ]
    );
}

#[test]
fn only_its_own_processes_are_seen() {
    prints("echo $$; ls -d /proc/[0-9]* | wc -l", &["2", "4"]);
}

#[test]
fn no_file_of_ours_is_open() {
    let _ours = fs::File::open("/dev/null").unwrap();
    // The fourth is the directory that `ls` reads.
    prints("ls /proc/self/fd", &["0", "1", "2", "3"]);
}

#[test]
fn a_mount_point_that_the_root_lacks_is_named() {
    let adjust = |invocation: Invocation| invocation.mount("/no-such-place", "/usr", Access::Read);
    let Some((_, ended)) = shell("true", adjust) else {
        return;
    };
    match ended.unwrap_err() {
        ToolError::Sandbox { step, help, .. } => {
            assert_eq!(step, "mounting `/usr` at `/no-such-place`");
            assert!(help.contains("the root has no `/no-such-place`"), "{help}");
        }
        other => panic!("{other:?}"),
    }
}
