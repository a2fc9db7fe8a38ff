//! Locks: made from a mirror's signed release, found beside the manifest, moved on request, and never made up.

use std::fs;

use crate::{
    mirror::Mirror,
    world::{MANIFEST, Told, World},
};

fn run(world: &World, mirror: &Mirror, args: &[&str]) -> Told {
    let mut command = world.command(args);
    command.env("KATA_ARTIFACTS_DEBIAN_MIRROR", &mirror.url);
    Told::by(command)
}

fn locked(version: &str) -> (World, Mirror) {
    let (world, mirror) = (Mirror::world(), Mirror::start());
    mirror.has(version);
    run(&world, &mirror, &["lock", MANIFEST]).done();
    (world, mirror)
}

#[test]
fn a_lock_pins_what_a_signed_release_names() {
    let (world, mirror) = (Mirror::world(), Mirror::start());
    mirror.has("6.12.117-1");
    let told = run(&world, &mirror, &["lock", MANIFEST]).done();
    assert_eq!(told.out, "tiny.lock: 1 package\n");
    let _filters = world.filters();
    insta::assert_snapshot!(world.read("tiny.lock"), @r#"
    # What the names in the manifest meant when they were locked: every package with its digest, and the signed releases
    # they came from. Written by `kata-artifacts lock` and `kata-artifacts update`: review it like code, do not edit it.
    schema: 1
    requests:
      suites: [trixie]
      components: [main]
      packages:
        kernel:
          - linux-source-6.12
    releases:
      trixie:
        archive: debian
        version: "13.7"
        date: "2026-02-28T00:00:00Z"
        sha256: "[SHA256]"
        signed_by:
          - "C816E2F8DC02C47579EABDBE63358574913C2E3E"
    packages:
      x86_64:
        - name: linux-source-6.12
          version: "6.12.117-1"
          architecture: all
          suite: trixie
          for: [kernel]
          path: pool/main/linux-source-6.12_6.12.117-1_all.deb
          size: [SIZE]
          sha256: "[SHA256]"
    ...
    "#);
    let told = run(&world, &mirror, &["lock", MANIFEST]).done();
    assert_eq!(told.out, "");
    assert_eq!(
        told.err,
        "asking the mirrors about trixie\nthe lock matches the manifest: nothing to do\n"
    );
}

#[test]
fn a_build_without_a_lock_makes_one_and_says_so_and_the_next_asks_nobody() {
    let (world, mirror) = (Mirror::world(), Mirror::start());
    mirror.has("6.12.117-1");
    let told = run(&world, &mirror, &["build", MANIFEST, "--json"]).done();
    assert!(told.says("there is no tiny.lock: resolving one"), "{told}");
    mirror.asked();
    fs::remove_dir_all(world.path("out")).unwrap();
    for args in [
        &["build", MANIFEST, "--json"][..],
        &["build", MANIFEST, "--json", "--offline"],
        &["build", MANIFEST, "--json", "--frozen"],
    ] {
        assert_eq!(run(&world, &mirror, args).done().out, told.out);
    }
    assert_eq!(mirror.asked(), [""; 0]);
    // The same lock elsewhere, from nothing but the mirror.
    let other = Mirror::world();
    other.write("tiny.lock", world.read("tiny.lock"));
    let again = run(&other, &mirror, &["build", MANIFEST, "--json"]).done();
    assert_eq!(again.json()["index"], told.json()["index"]);
}

#[test]
fn a_build_that_may_not_ask_and_has_no_lock_or_not_everything_says_what_is_missing() {
    let (world, mirror) = (Mirror::world(), Mirror::start());
    mirror.has("6.12.117-1");
    let _filters = world.filters();
    let told = run(&world, &mirror, &["build", MANIFEST, "--offline"]).ended(2);
    insta::assert_snapshot!(told.err, @r"
    cli::no_lock

      x there is no lock `tiny.lock`, and --offline forbids resolving one
      help: `kata-artifacts lock tiny.yaml` resolves and writes it
    ");
    let told = run(&world, &mirror, &["build", MANIFEST, "--frozen"]).ended(2);
    assert!(
        told.err.contains("--frozen forbids resolving one"),
        "{told}"
    );
    let told = run(&world, &mirror, &["lock", MANIFEST, "--offline"]).ended(2);
    assert!(
        told.err
            .contains("`lock` asks mirrors, and --offline forbids the network"),
        "{told}"
    );
    assert_eq!(mirror.asked(), [""; 0]);
    assert!(!world.path("tiny.lock").exists());
    run(&world, &mirror, &["lock", MANIFEST]).done();
    mirror.asked();
    let told = run(&world, &mirror, &["build", MANIFEST, "--offline"]).ended(1);
    insta::assert_snapshot!(told.error(), @r"
    source::offline

      x 1 download is not in the store ([SIZE]), and --offline forbids the network: linux-source-6.12 6.12.117-1
      help: run once without --offline: what is fetched stays in the store
    ");
    assert_eq!(mirror.asked(), [""; 0]);
}

#[test]
fn a_lock_that_does_not_belong_to_the_manifest_is_told_with_every_difference() {
    let (world, mirror) = locked("6.12.117-1");
    world.edit(MANIFEST, "linux-source-6.12", "linux-source-6.13");
    world.edit(MANIFEST, "suites: [trixie]", "suites: [trixie, sid]");
    mirror.asked();
    for args in [
        &["build", MANIFEST][..],
        &["plan", MANIFEST],
        &["check", MANIFEST],
    ] {
        let told = run(&world, &mirror, args).ended(2);
        assert_eq!(told.out, "");
        insta::allow_duplicates! { insta::assert_snapshot!(told.err, @r"
        lock::stale

          x the lock does not belong to the manifest
          |   suites: the manifest says `trixie sid`, the lock `trixie`
          |   kernel: the manifest says `linux-source-6.13`, the lock `linux-source-6.12`
          help: `kata-artifacts lock tiny.yaml` brings the lock up to date and keeps the pins that are still right; `kata-artifacts update -m tiny.yaml` moves them too
        "); }
    }
    assert_eq!(mirror.asked(), [""; 0]);
    assert_eq!(world.calls(), [""; 0]);
}

#[test]
fn a_lock_that_was_edited_or_merged_badly_is_told_with_its_line() {
    let (world, mirror) = locked("6.12.117-1");
    let good = world.read("tiny.lock");
    world.write(
        "tiny.lock",
        good.replace("requests:", "<<<<<<< ours\nrequests:"),
    );
    let told = run(&world, &mirror, &["build", MANIFEST]).ended(2);
    assert!(
        told.err.contains("tiny.lock") && told.err.contains("<<<<<<< ours"),
        "{told}"
    );
    let edited = good.replace("version: \"6.12.117-1\"", "version: \"6.12.118-1\"");
    assert_ne!(edited, good);
    world.write("tiny.lock", edited);
    let told = run(&world, &mirror, &["check", MANIFEST]).ended(2);
    assert!(
        told.err
            .contains("is 6.12.118-1, and its file is of version 6.12.117-1"),
        "{told}"
    );
    assert!(
        told.err
            .contains("`kata-artifacts lock tiny.yaml` writes a new one"),
        "{told}"
    );
    world.write("tiny.lock", &good[..good.len() / 2]);
    run(&world, &mirror, &["check", MANIFEST]).ended(2);
}

#[test]
fn an_update_shows_what_moves_and_a_dry_run_moves_nothing() {
    let (world, mirror) = locked("6.12.117-1");
    let before = world.read("tiny.lock");
    let told = run(&world, &mirror, &["update", "--manifest", MANIFEST]).done();
    assert_eq!(
        told.err,
        "asking the mirrors about trixie\nthe lock is up to date\n"
    );
    mirror.has("6.12.118-1");
    let told = run(&world, &mirror, &["update", "-m", MANIFEST, "--dry-run"]).done();
    insta::assert_snapshot!(told, @r"
    exit status: 0
    --- standard output
    linux-source-6.12 6.12.117-1 -> 6.12.118-1 (x86_64)
    --- standard error
    asking the mirrors about trixie
    nothing was written: this was a dry run
    ");
    assert_eq!(world.read("tiny.lock"), before);
    let args = ["update", "linux-source-6.12", "-m", MANIFEST, "--json"];
    let told = run(&world, &mirror, &args).done();
    assert_eq!(told.json().as_array().unwrap().len(), 1, "{told}");
    assert!(world.read("tiny.lock").contains("version: \"6.12.118-1\""));
    run(&world, &mirror, &["build", MANIFEST]).done();
    let told = run(
        &world,
        &mirror,
        &["update", "linux-sauce-6.12", "-m", MANIFEST],
    )
    .ended(1);
    assert!(
        told.err.contains("did you mean `linux-source-6.12`?"),
        "{told}"
    );
}

#[test]
fn a_manifest_that_stands_for_a_package_is_told_how_it_is_named() {
    let told = World::new().run(&["update", MANIFEST]).ended(2);
    assert!(
        told.err.contains("`kata-artifacts update -m tiny.yaml`"),
        "{told}"
    );
}

#[test]
fn a_pin_that_the_mirror_has_dropped_is_told_with_what_replaces_it() {
    let (world, mirror) = locked("6.12.117-1");
    mirror.has("6.12.118-1");
    let told = run(&world, &mirror, &["build", MANIFEST]).ended(1);
    let _filters = world.filters();
    insta::assert_snapshot!(told.error(), @r"
    exec::step

      x step fetch/linux-source-6.12_6.12.117-1_all failed
      |-> lock::gone
      |
      |     x package linux-source-6.12 6.12.117-1 of the lock is on no mirror that answered; the archive has 6.12.118-1 now
      |     help: `kata-artifacts update linux-source-6.12 -m tiny.yaml` pins 6.12.118-1; or configure an archive mirror that still has it

      `-> cannot fetch package linux-source-6.12 6.12.117-1
            http://[MIRROR]/debian/pool/main/linux-source-6.12_6.12.117-1_all.deb
              HTTP 404
    ");
    run(
        &world,
        &mirror,
        &["update", "linux-source-6.12", "-m", MANIFEST],
    )
    .done();
    run(&world, &mirror, &["build", MANIFEST]).done();
}

#[test]
fn a_pin_that_an_archive_mirror_still_has_is_taken_from_there() {
    let (world, mirror) = locked("6.12.117-1");
    let archive = Mirror::start();
    archive.has("6.12.117-1");
    archive.keeps("20260228T000000Z");
    mirror.has("6.12.118-1");
    let base = archive.url.trim_end_matches("/debian").to_owned();
    run(
        &world,
        &mirror,
        &["build", MANIFEST, "--snapshot-mirror", &base],
    )
    .done();
}

#[test]
fn a_release_without_a_trusted_signature_is_not_believed() {
    let (world, mirror) = (Mirror::world(), Mirror::start());
    mirror.has("6.12.117-1");
    let strange = include_str!("../keys/stranger.asc");
    world.write("keys.asc", strange);
    let told = run(&world, &mirror, &["lock", MANIFEST]).ended(1);
    assert!(told.err.contains("has no good signature"), "{told}");
    mirror.answers("<html>Please log in</html>");
    let told = run(&world, &mirror, &["lock", MANIFEST]).ended(1);
    assert!(told.err.contains("is not one signed text"), "{told}");
    assert!(!world.path("tiny.lock").exists());
}

#[test]
fn a_package_that_is_not_what_the_lock_says_is_not_used() {
    let (world, mirror) = locked("6.12.117-1");
    let lock = world.read("tiny.lock");
    let digest = lock.lines().rfind(|line| line.contains("sha256:")).unwrap();
    let other = format!("      sha256: \"{}\"", "0".repeat(64));
    world.write("tiny.lock", lock.replace(digest, &other));
    let told = run(&world, &mirror, &["build", MANIFEST]).ended(1);
    assert!(told.err.contains(&"0".repeat(64)), "{told}");
    assert_eq!(world.calls(), [""; 0]);
}

#[test]
fn a_mirror_that_cannot_be_reached_is_named() {
    let world = Mirror::world();
    let told = world.run(&["lock", MANIFEST]).ended(1);
    assert!(
        told.err
            .contains("http://127.0.0.1:1/debian/dists/trixie/InRelease"),
        "{told}"
    );
    let mut command = world.command(&["lock", MANIFEST]);
    command.env("KATA_ARTIFACTS_DEBIAN_MIRROR", "mirror.example");
    let told = Told::by(command).ended(2);
    assert!(
        told.err
            .contains("`mirror.example` is not the URL of a Debian mirror"),
        "{told}"
    );
}
