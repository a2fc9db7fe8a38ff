//! `build`: what it leaves on disk, what a second one does, and how it fails.

use std::{fs, os::unix::fs::symlink, path::Path};

use crate::world::{MANIFEST, World};

#[test]
fn a_build_makes_every_file_and_the_layout() {
    let world = World::new();
    let told = world.run(&["build", MANIFEST]).done();
    let _filters = world.filters();
    insta::assert_snapshot!(told.out, @r"
    tiny 0.1.0
      out/tiny/x86_64/vmlinux.container                 256.0 KiB  fde92dd0c485
      out/tiny/x86_64/vmlinuz.container                 257.0 KiB  df2589a587a5
      out/tiny/x86_64/kata-containers-initrd.img            236 B  14bdf8517017
      out/tiny/x86_64/config                                 94 B  23266411c7f3
      out/tiny/x86_64/config-report.json                    549 B  2e2830994f4a
      out/tiny/x86_64/System.map                            132 B  9f795308324b
      out/tiny/oci                                          index  sha256:b3e6ff6b558d66fc47b81e81b327cd3145f7a3b229f4956c081465853f9b588c
        6.12.117-default                                           b3e6ff6b558d
        6.12.117-default-i137e991930d9                             b3e6ff6b558d
        6.12.117-default-kconfig                                   b2c68d6b4bed
        6.12.117-default-kconfig-i137e991930d9                     b2c68d6b4bed
        6.12.117-default-kernel                                    6f08d3caba09
        6.12.117-default-kernel-i137e991930d9                      6f08d3caba09
        6.12.117-default-rootfs                                    157c9c953380
        6.12.117-default-rootfs-i137e991930d9                      157c9c953380
    Next: `kata-artifacts test tiny.yaml` boots it.
    ");
    insta::assert_snapshot!(told.sorted(), @r"
    8 steps to run, 0 made already
    pack: check the products and describe the artifacts
    pack: done in [TIME]
    source: done in [TIME]
    source: take the kernel's source from linux
    there is no tiny.lock: resolving one
    tiny.lock is written: review it like code, and commit it
    toolchain: done in [TIME]
    toolchain: take the host's tools
    x86_64/compile: compile the kernel
    x86_64/compile: done in [TIME]: vmlinux 256.0 KiB, vmlinuz 257.0 KiB
    x86_64/configure: configure the kernel from 1 fragment
    x86_64/configure: done in [TIME]
    x86_64/initrd: done in [TIME]
    x86_64/initrd: pack the initrd
    x86_64/probe: ask the compiler what the kernel's options depend on
    x86_64/probe: done in [TIME]
    x86_64/rootfs: assemble 8 entries
    x86_64/rootfs: done in [TIME]
    ");
    assert_eq!(world.calls(), ["allnoconfig", "bzImage"]);
    let names: Vec<String> = world
        .files("out")
        .keys()
        .map(|path| path.display().to_string())
        .filter(|path| !path.contains("/blobs/"))
        .collect();
    insta::assert_snapshot!(names.join("\n"), @r"
    tiny/logs/pack.log
    tiny/logs/source.log
    tiny/logs/toolchain.log
    tiny/logs/x86_64-compile.log
    tiny/logs/x86_64-configure.log
    tiny/logs/x86_64-initrd.log
    tiny/logs/x86_64-probe.log
    tiny/logs/x86_64-rootfs.log
    tiny/oci/index.json
    tiny/oci/oci-layout
    tiny/x86_64/System.map
    tiny/x86_64/config
    tiny/x86_64/config-report.json
    tiny/x86_64/kata-containers-initrd.img
    tiny/x86_64/vmlinux.container
    tiny/x86_64/vmlinuz.container
    ");
    let layout = world.read("out/tiny/oci/oci-layout");
    assert_eq!(layout, r#"{"imageLayoutVersion":"1.0.0"}"#);
    assert_eq!(
        world.read("out/tiny/x86_64/config"),
        "CONFIG_LOCALVERSION=\"-kata\"\n# CONFIG_LOCALVERSION_AUTO is not set\nCONFIG_NET=y\nCONFIG_VSOCK=y\n"
    );
}

#[test]
fn the_artifact_says_that_the_hosts_tools_made_it() {
    let world = World::new();
    let index = world.built()["index"].clone();
    let blob = |digest: &serde_json::Value| -> serde_json::Value {
        let hex = digest.as_str().unwrap().trim_start_matches("sha256:");
        let text = world.read(&format!("out/tiny/oci/blobs/sha256/{hex}"));
        serde_json::from_str(&text).unwrap()
    };
    let manifest = blob(&blob(&index)["manifests"][0]["digest"]);
    assert_eq!(
        manifest["annotations"]["dev.kata-artifacts.toolchain"], "host",
        "{manifest:#}"
    );
    let config = blob(&manifest["config"]["digest"]);
    assert_eq!(config["inputs"]["toolchain"], serde_json::Value::Null);
    assert_eq!(config["kernel"]["compiler"], "gcc (Fake) 14.2");
}

#[test]
fn a_build_for_programs_names_files_that_are_as_it_says() {
    let world = World::new();
    let built = world.built();
    let files = built["files"]["x86_64"].as_array().unwrap();
    assert_eq!(files.len(), 6, "{built:#}");
    for file in files {
        let content = fs::read(world.path(file["path"].as_str().unwrap())).unwrap();
        let digest = kata_artifacts::digest::Digest::of(&content);
        assert_eq!(file["digest"], digest.to_string());
        assert_eq!(file["size"], content.len());
    }
    assert!(
        built["tags"]
            .as_object()
            .unwrap()
            .values()
            .any(|tag| *tag == built["index"])
    );
}

#[test]
fn a_second_build_does_nothing_and_leaves_what_it_made_alone() {
    let world = World::new();
    world.run(&["build", MANIFEST]).done();
    world.calls();
    let before = world.files("out");
    let told = world.run(&["build", MANIFEST]).done();
    assert!(told.says("nothing to do: "), "{told}");
    assert_eq!(world.calls(), [""; 0]);
    assert_eq!(world.files("out"), before);
}

#[test]
fn a_comment_in_a_fragment_does_not_compile_the_kernel_again() {
    let world = World::new();
    world.run(&["build", MANIFEST]).done();
    world.calls();
    world.edit(
        "kernel/fragments/tiny.conf",
        "# Tiny.\n",
        "# Tiny.\n# Very.\n",
    );
    let told = world.run(&["build", MANIFEST]).done();
    let _filters = world.filters();
    insta::assert_snapshot!(told.err, @r"
    3 steps to run, 5 made already
    x86_64/configure: configure the kernel from 1 fragment
    x86_64/configure: done in [TIME]
    pack: check the products and describe the artifacts
    pack: done in [TIME]
    ");
    assert_eq!(world.calls(), ["allnoconfig"]);
}

#[test]
fn another_compiler_of_the_host_compiles_again() {
    let world = World::new();
    world.run(&["build", MANIFEST]).done();
    world.calls();
    let newer = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fakes/newer/gcc");
    symlink(newer, world.at("bin/gcc")).unwrap();
    let told = world.run(&["plan", MANIFEST]).done();
    assert!(
        told.out.contains("take the host's tools: tools gcc: "),
        "{told}"
    );
    world.run(&["build", MANIFEST]).done();
    assert!(world.calls().len() > 1, "it was configured and compiled");
}

#[test]
fn results_that_were_deleted_are_laid_out_again_without_running_anything() {
    let world = World::new();
    let first = world.built();
    let digests = |world: &World| -> Vec<_> {
        let files = world.files("out/tiny/x86_64").into_iter();
        let files = files.chain(world.files("out/tiny/oci"));
        files
            .map(|(path, (_, _, _, digest))| (path, digest))
            .collect()
    };
    let before = digests(&world);
    world.calls();
    fs::remove_dir_all(world.path("out")).unwrap();
    assert_eq!(world.built(), first);
    assert_eq!(digests(&world), before);
    assert_eq!(world.calls(), [""; 0]);
}

#[test]
fn a_failed_command_is_shown_with_its_last_lines_and_its_log() {
    let world = World::new();
    fs::write(world.at("bin/fail"), "").unwrap();
    let told = world.run(&["build", MANIFEST, "--jobs", "3"]).ended(1);
    assert_eq!(told.out, "");
    let _filters = world.filters();
    insta::assert_snapshot!(told.error(), @r"
    exec::step

      x step x86_64/compile failed
      |-> kernel::compile
      |
      |     x the kernel does not compile: file-30.c:1:2: error: expected expression

      `-> tool::failed

            x `make` failed: exit status: 2
            help: the command was:
                    LC_ALL=C SOURCE_DATE_EPOCH=0 TZ=UTC make -C [WORLD]/store/v1/trees/e6236e0e010c74df4715edebf082a4890772ddd4f6f987b34bfe19ff03d6e54d O=[WORLD]/store/v1/tmp/[STEP] ARCH=x86_64 LOCALVERSION= -j3 'KBUILD_BUILD_TIMESTAMP=Thu Jan  1 00:00:00 UTC 1970' KBUILD_BUILD_USER=build KBUILD_BUILD_HOST=kata-artifacts KBUILD_BUILD_VERSION=1 vmlinux bzImage
                  its last lines:
                      CC      file-12.o
                      CC      file-13.o
                      CC      file-14.o
                      CC      file-15.o
                      CC      file-16.o
                      CC      file-17.o
                      CC      file-18.o
                      CC      file-19.o
                      CC      file-20.o
                      CC      file-21.o
                      CC      file-22.o
                      CC      file-23.o
                      CC      file-24.o
                      CC      file-25.o
                      CC      file-26.o
                      CC      file-27.o
                      CC      file-28.o
                      CC      file-29.o
                      CC      file-30.o
                    file-30.c:1:2: error: expected expression
                  all of its output: out/tiny/logs/x86_64-compile.log
    ");
    let log = world.read("out/tiny/logs/x86_64-compile.log");
    assert!(log.contains("  CC      file-1.o\n"), "{log}");
    assert!(!world.path("out/tiny/x86_64").exists());
    // What was made is kept, and what failed was not recorded.
    fs::remove_file(world.at("bin/fail")).unwrap();
    world.calls();
    world.run(&["build", MANIFEST]).done();
    assert_eq!(world.calls(), ["bzImage"]);
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let world = World::new();
    let mut command = world.command(&["build", MANIFEST]);
    command.env("PATH", world.at("bin"));
    let told = crate::world::Told::by(command).ended(1);
    assert!(told.err.contains("cannot start `sh`"), "{told}");
    assert!(told.err.contains("No such file or directory"), "{told}");
}

#[test]
fn a_product_over_its_budget_fails_the_build_and_is_not_laid_out() {
    let world = World::new();
    let manifest = world.read(MANIFEST) + "budgets:\n  vmlinux.container: 100KiB\n";
    world.write(MANIFEST, manifest);
    let told = world.run(&["build", MANIFEST]).ended(1);
    assert!(
        told.err
            .contains("vmlinux.container has 262144 bytes, 159744 more than its budget of 102400"),
        "{told}"
    );
    assert!(!world.path("out/tiny/x86_64").exists());
}
