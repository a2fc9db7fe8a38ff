//! What cannot be used: one clear error each, with file and line.

use super::{check, world};

#[test]
fn a_configuration_that_cannot_be_used_is_told_with_file_and_line() {
    let world = world();
    let good = world.read("good");
    let with = |line: &str| format!("{good}{line}\n");
    for (name, bytes, told) in [
        (
            "no-config",
            "hello\nworld\n".into(),
            "not a kernel's configuration",
        ),
        (
            "twice",
            with("CONFIG_SMP=y"),
            "CONFIG_SMP is set to y on line 6 already",
        ),
        (
            "contradicting",
            with("CONFIG_SMP=m"),
            "contradicts line 6, where CONFIG_SMP is y",
        ),
        ("crlf", good.replace('\n', "\r\n"), "CR LF"),
        ("nul", with("CONFIG_A=\0"), "a NUL byte"),
        (
            "syntax",
            with("CONFIG_A y"),
            "not a line of a configuration",
        ),
    ] {
        world.write(name, bytes);
        let ended = check(&world, &[name]).ended(2);
        assert_eq!(ended.out, "");
        assert!(ended.err.contains(told), "{name}: {ended}");
        assert!(ended.err.contains(&format!("[{name}:")), "{name}: {ended}");
    }
}

#[test]
fn what_is_no_configuration_at_all_is_told_with_what_to_give_instead() {
    let world = world();
    let vmlinux = [b"\x7fELF\x02\x01\x01".to_vec(), vec![0x90; 5000]].concat();
    world.write("vmlinux", vmlinux);
    world.write(
        "cut.deb",
        "!<arch>\ndebian-binary   0           0     0     100644  4         `\n2.",
    );
    world.write("picture", b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR");
    for (what, told) in [
        ("vmlinux", "the kernel `vmlinux` carries no configuration"),
        ("cut.deb", "`cut.deb` is cut short: it has 70 of 72 bytes"),
        (
            "picture",
            "`picture` is neither a configuration nor a kernel nor a package",
        ),
        ("nothing", "cannot read `nothing`"),
        ("kernel", "there is no kernel's configuration in `kernel`"),
    ] {
        let ended = check(&world, &[what]).ended(2);
        assert!(ended.err.contains(told), "{what}: {ended}");
    }
    insta::assert_snapshot!(check(&world, &["lacking", "--arch", "aarch64"]).ended(2), @r#"
    exit status: 2
    --- standard output

    --- standard error
    kernel::bad_file

      x `lacking` has a mistake
       ,-[lacking:5:1]
     4 | #
     5 | CONFIG_X86_64=y
       : ^^^^^^^|^^^^^^^
       :        `-- this is a kernel for x86_64, not for aarch64 as `--arch` says
     6 | CONFIG_SMP=y
       `----
    "#);
}
