//! `plan`: what a build would do on this store, and why.

use crate::world::{MANIFEST, World};

#[test]
fn a_plan_names_every_step_before_and_none_after_a_build() {
    let world = World::new();
    let _filters = world.filters();
    let told = world.run(&["plan", MANIFEST]).done();
    insta::assert_snapshot!(told, @r"
    exit status: 0
    --- standard output
    run       toolchain         take the host's tools: never made here
    run       source            take the kernel's source from linux: never made here
    waits     x86_64/probe      ask the compiler what the kernel's options depend on: after source, toolchain
    waits     x86_64/configure  configure the kernel from 1 fragment: after source, toolchain, x86_64/probe
    waits     x86_64/compile    compile the kernel: after source, toolchain, x86_64/configure
    run       x86_64/rootfs     assemble 8 entries: never made here
    waits     x86_64/initrd     pack the initrd: after x86_64/rootfs
    waits     pack              check the products and describe the artifacts: after source, x86_64/compile, x86_64/configure, x86_64/initrd, x86_64/rootfs
    8 steps would run.
    --- standard error
    there is no tiny.lock: resolving one
    tiny.lock is written: review it like code, and commit it
    ");
    assert_eq!(world.calls(), [""; 0]);
    assert!(!world.path("out").exists(), "a plan runs nothing");
    world.run(&["build", MANIFEST]).done();
    let told = world.run(&["plan", MANIFEST]).done();
    assert!(told.out.ends_with("\nNothing to do.\n"), "{told}");
}

#[test]
fn a_plan_says_what_changed_since_the_last_build() {
    let world = World::new();
    world.run(&["build", MANIFEST]).done();
    world.edit(
        "kernel/fragments/tiny.conf",
        "# Tiny.\n",
        "# Tiny.\n# Very.\n",
    );
    world.edit(MANIFEST, "version: 0.1.0", "version: 0.2.0");
    let told = world.run(&["plan", MANIFEST]).done();
    let _filters = world.filters();
    insta::assert_snapshot!(told.out, @r"
    made      toolchain         take the host's tools
    made      source            take the kernel's source from linux
    made      x86_64/probe      ask the compiler what the kernel's options depend on
    run       x86_64/configure  configure the kernel from 1 fragment: fragments fragments/tiny.conf: 68f418d9a163 -> df2130221979
    waits     x86_64/compile    compile the kernel: after x86_64/configure
    made      x86_64/rootfs     assemble 8 entries
    made      x86_64/initrd     pack the initrd
    waits     pack              check the products and describe the artifacts: after x86_64/compile, x86_64/configure
    3 steps would run.
    ");
}

#[test]
fn a_plan_for_programs_has_the_same_steps_with_their_keys() {
    let world = World::new();
    let told = world.run(&["plan", MANIFEST, "--json"]).done();
    let lines = told.json();
    let steps: Vec<String> = lines["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| {
            format!(
                "{} {}",
                line["standing"].as_str().unwrap(),
                line["step"].as_str().unwrap()
            )
        })
        .collect();
    insta::assert_snapshot!(steps.join("\n"), @r"
    run toolchain
    run source
    waits x86_64/probe
    waits x86_64/configure
    waits x86_64/compile
    run x86_64/rootfs
    waits x86_64/initrd
    waits pack
    ");
    for line in lines["steps"].as_array().unwrap() {
        assert_eq!(line["standing"] == "run", line["key"].is_string(), "{line}");
    }
}
