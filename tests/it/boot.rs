//! `test`: what it boots, with which settings, where it looks for them, and what it tells meanwhile. The monitor is a
//! script; what QEMU does is for `tests/e2e`.

use std::{fs, os::unix::fs::PermissionsExt};

use crate::world::{MANIFEST, World};

/// How a guest is booted, in the manifest.
const TEST: &str = "test: {memory: 128MiB, cpus: 3, timeout: 33, require: [bpf, vsock]}\n";
const REPORT: &str = r#"{"schema":"dev.kata-artifacts.report.v1","agent":{"name":"fake","version":"1"},"kernel":{"release":"6.12.117-kata","version":"1","machine":"x86_64","cmdline":""},"uptime":{"started":0.5,"ready":0.6},"server":{"address":"vsock://-1:1024","listening":true},"present":["bpf","vsock"],"missing":[{"name":"fs-xfs","reason":"no"}]}"#;

/// Makes a world with a built guest, and a monitor that boots it and reports.
fn built(report: &str) -> World {
    let world = World::new();
    world.write(MANIFEST, world.read(MANIFEST) + TEST);
    let script = format!(
        "#!/bin/sh\necho \"$*\" >\"${{0%/*}}/booted\"\necho 'Linux version 6.12'\necho 'Run /init as init process'\n\
         echo '[agent] up'\necho 'KATA-ARTIFACTS-REPORT {report}'\nexec sleep 60\n"
    );
    let monitor = world.at("bin/qemu-system-x86_64");
    fs::write(&monitor, script).unwrap();
    fs::set_permissions(&monitor, fs::Permissions::from_mode(0o755)).unwrap();
    world.run(&["build", MANIFEST]).done();
    world
}

#[test]
fn a_guest_is_booted_as_its_manifest_says_and_its_stages_are_told_as_they_come() {
    let world = built(REPORT);
    let told = world.run(&["test", MANIFEST, "--no-kvm"]).done();
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"(after|in) \d+\.\d s", "$1 [TIME]");
    settings.add_filter(r" *\d+ ms", "[MS]");
    settings.bind(|| {
        insta::assert_snapshot!(told, @r"
        exit status: 0
        --- standard output
        [MS]  VMM started
        [MS]  kernel's first line
        [MS]  init started
        [MS]  agent's first line
        [MS]  agent ready
        kernel 6.12.117-kata, fake 1, TCG (emulation)
        not there, and not required: fs-xfs
        console: out/tiny/logs/console.log
        The guest is ready.
        --- standard error
        test: boot out/tiny/oci
        test: kernel's first line after [TIME]
        test: init started after [TIME]
        test: agent's first line after [TIME]
        test: agent ready after [TIME]
        test: done in [TIME]
        ");
    });
    assert!(
        world
            .read("out/tiny/logs/console.log")
            .contains("[agent] up\n")
    );
}

#[test]
fn a_layout_is_booted_as_the_manifest_inside_it_says() {
    let world = built(REPORT);
    fs::create_dir(world.path("far")).unwrap();
    fs::rename(world.path("out/tiny/oci"), world.path("far/oci")).unwrap();
    // Whatever lies about here says nothing of a layout from elsewhere.
    fs::remove_file(world.path(MANIFEST)).unwrap();
    let told = world.run(&["test", "far/oci", "--no-kvm", "--json"]).done();
    let asked = fs::read_to_string(world.at("bin/booted")).unwrap();
    assert!(asked.contains("-m 128M -smp 3 "), "{asked}");
    assert_eq!(told.json()["console"], "far/logs/console.log");
    assert!(world.path("far/logs/console.log").is_file());
    let told = world
        .run(&["test", "far/oci", "--no-kvm", "--out", "mine"])
        .done();
    assert!(
        told.out.contains("console: mine/logs/console.log"),
        "{told}"
    );
}

#[test]
fn a_layout_whose_guest_lacks_what_its_manifest_requires_fails() {
    let world = built(&REPORT.replace(r#""bpf","#, ""));
    let told = world.run(&["test", "out/tiny/oci", "--no-kvm"]).ended(1);
    assert!(told.err.contains("the guest lacks `bpf`"), "{told}");
    assert!(told.says("test: failed"), "{told}");
}
