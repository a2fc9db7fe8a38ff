//! Products that are not what they are called.

use super::super::{OciError, fixture::Fixture};
use crate::{agent, arch::Arch, digest::Digest, plan::action::Pack};

/// Packs a changed guest; returns everything that is said to be wrong.
fn told(change: impl FnOnce(&Fixture, &mut Pack<Digest>)) -> String {
    let fixture = Fixture::new();
    let mut action = fixture.action(&[Arch::X86_64]);
    change(&fixture, &mut action);
    match fixture.pack(&action).unwrap_err() {
        OciError::Untrue(problems) => {
            let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
            lines
                .join("\n")
                .replace(&fixture.dir.path().display().to_string(), "DIR")
        }
        other => panic!("{other}"),
    }
}

#[test]
fn everything_that_is_untrue_is_told_at_once() {
    let told = told(|fixture, action| {
        let guest = action.guests.get_mut(&Arch::X86_64).unwrap();
        guest.vmlinux = Some(fixture.put("no kernel"));
        guest.vmlinuz = Some(fixture.put(""));
        guest.config = fixture.put("# nothing\n");
        guest.system_map = Some(fixture.put(""));
        guest.release = fixture.put("../../etc\n");
        guest.compiler = fixture.put("\n");
        guest.epoch = fixture.put("yesterday");
        guest.config_report = fixture.put("{}");
        guest.patches = Some(fixture.put(r#"{"patches":[{"name":"a"}]}"#));
        guest.source = "two\nlines".to_owned();
        guest.agent = fixture.put("#!/bin/sh\n");
        action
            .annotations
            .insert("key".to_owned(), "two\nlines".to_owned());
        action.budgets.insert("config".to_owned(), 3);
    });
    insta::assert_snapshot!(told, @r#"
        x86_64: vmlinux.container: it is no kernel
        x86_64: vmlinuz.container: it is no kernel
        x86_64: config: nothing is configured in it
        x86_64: config has 10 bytes, 7 more than its budget of 3
        x86_64: System.map: it is empty
        x86_64: the agent: it is not an ELF executable
        x86_64: the kernel's version in the configuration's report is missing or malformed
        x86_64: the kernel's release is missing or malformed
        x86_64: the compiler's version is missing or malformed
        x86_64: the source epoch is missing or malformed
        x86_64: the report of the patches is missing or malformed
        x86_64: the origin of the kernel or the agent is missing or malformed
        annotation `key` has a line end or another control character in it
    "#);
}

#[test]
fn an_initrd_with_anything_but_what_was_assembled_is_refused() {
    let other = |fixture: &Fixture| fixture.entries(fixture.put("another agent"));
    let told = [
        told(|fixture, action| {
            let guest = action.guests.get_mut(&Arch::X86_64).unwrap();
            guest.initrd = fixture.initrd(other(fixture));
        }),
        told(|fixture, action| {
            let guest = action.guests.get_mut(&Arch::X86_64).unwrap();
            guest.entries = fixture.put(r#"{"schema":1,"entries":[]}"#);
        }),
        told(|fixture, action| {
            let guest = action.guests.get_mut(&Arch::X86_64).unwrap();
            guest.entries = fixture.put(r#"{"schema":1,"entries":[]}"#);
            guest.initrd = fixture.initrd(guest.entries);
        }),
        told(|fixture, action| {
            let guest = action.guests.get_mut(&Arch::X86_64).unwrap();
            guest.initrd = fixture.put("not an archive");
        }),
    ];
    let told = told.map(|told| {
        // Digests in names of blobs say nothing here.
        let words = told
            .split(' ')
            .map(|word| if word.contains("DIR/") { "BLOB" } else { word });
        words.collect::<Vec<_>>().join(" ")
    });
    insta::assert_snapshot!(told.join("\n"), @r#"
        x86_64: kata-containers-initrd.img: `/sbin/init` is not in it as it was assembled
        x86_64: kata-containers-initrd.img: it holds more than was assembled
        x86_64: kata-containers-initrd.img: /init is not there
        x86_64: kata-containers-initrd.img: BLOB is not a sound initrd: it ends early, after 0 bytes unpacked
    "#);
}

#[test]
fn a_dynamic_agent_is_refused_whoever_made_it() {
    let told = told(|fixture, action| {
        let guest = action.guests.get_mut(&Arch::X86_64).unwrap();
        guest.agent = fixture.store.put(&agent::tiny_elf(62, 3, 3)).unwrap().0;
        guest.agent_origin = "path".to_owned();
    });
    insta::assert_snapshot!(told, @"x86_64: the agent: it is linked dynamically");
}

#[test]
fn one_tag_never_names_two_kernel_versions() {
    let fixture = Fixture::new();
    let mut action = fixture.action(&[Arch::Aarch64, Arch::X86_64]);
    let guest = action.guests.get_mut(&Arch::Aarch64).unwrap();
    guest.config_report = fixture.put(r#"{"kernel":"6.12.58"}"#);
    guest.release = fixture.put("6.12.58-kata");
    let OciError::Untrue(problems) = fixture.pack(&action).unwrap_err() else {
        panic!("versions differ");
    };
    let text = problems[0].to_string();
    assert_eq!(
        text,
        "the architectures' kernels have different versions: 6.12.58, 6.12.57"
    );
}
