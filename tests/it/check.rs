//! `check`, and what every verb says of a manifest that cannot be used.

use crate::world::{MANIFEST, World};

#[test]
fn a_good_manifest_has_no_problems() {
    let world = World::new();
    let told = world.run(&["check", MANIFEST]).done();
    insta::assert_snapshot!(told, @r"
    exit status: 0
    --- standard output
    tiny.yaml: no problems
    --- standard error
    there is no tiny.lock yet: `kata-artifacts lock tiny.yaml` writes it
    ");
    let told = world.run(&["check", MANIFEST, "--json"]).done();
    assert_eq!(
        told.json(),
        serde_json::json!({"schema": 1, "manifest": MANIFEST, "ok": true, "lock": "missing", "options": "unknown", "problems": []})
    );
}

#[test]
fn everything_that_is_wrong_is_told_at_once_with_its_lines() {
    let world = World::new();
    world.edit(MANIFEST, "x86_64", "x86-64");
    world.edit(MANIFEST, "overlay: overlay", "overlai: overlay");
    let told = world.run(&["check", MANIFEST]).ended(2);
    insta::assert_snapshot!(told, @r"
    exit status: 2
    --- standard output

    --- standard error
    manifest::wrong

      x `tiny.yaml` has 2 mistakes

    manifest::bad_value

      x `x86-64` is not an architecture
       ,-[tiny.yaml:4:17]
     3 | version: 0.1.0
     4 | architectures: [x86-64]
       :                 ^^^^^^
     5 | toolchain: host
       `----
      help: did you mean `x86_64`?

    manifest::unknown_field

      x `rootfs` has no field `overlai`
        ,-[tiny.yaml:12:3]
     11 | rootfs:
     12 |   overlai: overlay
        :   ^^^|^^^
        :      `-- unknown
     13 |   directories:
        `----
      help: did you mean `overlay`?
    ");
    for verb in ["build", "plan", "lock"] {
        let other = world.run(&[verb, MANIFEST]).ended(2);
        assert_eq!((other.out, other.err), (String::new(), told.err.clone()));
    }
}

#[test]
fn problems_are_told_to_programs_with_their_places() {
    let world = World::new();
    world.edit(MANIFEST, "overlay: overlay", "overlai: overlay");
    let told = world.run(&["check", MANIFEST, "--json"]).ended(2);
    assert_eq!(told.err, "");
    insta::assert_snapshot!(told.out, @r#"
    {
      "schema": 1,
      "manifest": "tiny.yaml",
      "ok": false,
      "lock": "unknown",
      "options": "unknown",
      "problems": [
        {
          "code": "manifest::unknown_field",
          "column": 3,
          "field": "rootfs.overlai",
          "help": "did you mean `overlay`?",
          "line": 12,
          "message": "`rootfs` has no field `overlai`",
          "path": "tiny.yaml"
        }
      ]
    }
    "#);
}

#[test]
fn a_manifest_that_is_not_there_is_named_with_what_to_do() {
    let world = World::new();
    for verb in ["build", "check", "plan", "lock", "test", "update"] {
        let told = world.run(&[verb]).ended(2);
        assert_eq!(told.out, "");
        assert!(
            told.err
                .contains("there is no manifest `manifests/kata.yaml`"),
            "{told}"
        );
        let named = if verb == "update" { "update -m" } else { verb };
        assert!(
            told.err
                .contains(&format!("`kata-artifacts {named} path/to")),
            "{told}"
        );
    }
}

#[test]
fn a_profile_that_names_no_fragment_on_this_disk_is_told_with_its_line() {
    let world = World::new();
    world.edit(
        "kernel/profiles/tiny.yaml",
        "fragments/tiny.conf",
        "fragments/tinny.conf",
    );
    let told = world.run(&["check", MANIFEST]).ended(2);
    assert!(told.err.contains("fragments/tinny.conf"), "{told}");
    assert!(told.err.contains("profiles/tiny.yaml"), "{told}");
}
