//! The strict check, as a person meets it: a request that is lost stops the build before anything is compiled.

use crate::world::{MANIFEST, World};

#[test]
fn a_request_that_the_kernel_drops_stops_the_build_before_it_compiles() {
    let world = World::new();
    world.edit("kernel/fragments/tiny.conf", "CONFIG_NET=y\n", "");
    world.write("linux/dropped", "VSOCK\n");
    let told = world.run(&["build", MANIFEST]).ended(1);
    assert_eq!(told.out, "");
    assert_eq!(world.calls(), ["allnoconfig"]);
    let _filters = world.filters();
    insta::assert_snapshot!(told.error(), @r#"
    exec::step

      x step x86_64/configure failed
      `-> kernel::strict

            x 1 of 3 requests did not reach the configuration of Linux 6.12.117 for x86_64
            help: correct or remove the request; or request what it depends on; or, when the guest can do without it, add `- {symbol: …, reason: …, versions: …}` to `waivers` in profiles/tiny.yaml

            x not set: what it depends on does not hold
            |   fragments/tiny.conf:5  VSOCK  requested y, is not set
            |     bool, "Virtual sockets", defined at Kconfig:3
            |     because
            |       VSOCK depends on NET (Kconfig:5), which is n: nobody requests it
            |     to get it, add
            |       CONFIG_NET=y
    "#);
}

#[test]
fn a_request_for_a_symbol_that_no_kernel_has_is_told_with_the_one_that_was_meant() {
    let world = World::new();
    world.edit(
        "kernel/fragments/tiny.conf",
        "CONFIG_VSOCK=y\n",
        "CONFIG_VSOKC=y\n",
    );
    world.write("linux/dropped", "VSOKC\n");
    let told = world.run(&["build", MANIFEST]).ended(1);
    assert!(told.err.contains("fragments/tiny.conf:6"), "{told}");
    assert!(told.err.contains("VSOCK"), "{told}");
    assert_eq!(world.calls(), ["allnoconfig"]);
}

#[test]
fn a_mistake_in_a_fragment_is_found_before_anything_runs() {
    let world = World::new();
    world.edit("kernel/fragments/tiny.conf", "CONFIG_NET=y", "CONFIG_NET y");
    for verb in ["check", "plan", "build"] {
        let told = world.run(&[verb, MANIFEST]).ended(2);
        assert!(told.err.contains("fragments/tiny.conf"), "{told}");
        assert!(told.err.contains("CONFIG_NET y"), "{told}");
    }
    assert_eq!(world.calls(), [""; 0]);
}
