//! The verbs of a beginning: `init`, `doctor`, `schema`, `completions`.

use std::fs;

use crate::world::World;

#[test]
fn a_new_manifest_has_no_problems_and_is_not_overwritten() {
    let world = World::new();
    fs::create_dir(world.path("new")).unwrap();
    let told = world.run(&["init", "new", "--name", "mine"]).done();
    assert_eq!(told.out, "new/manifests/mine.yaml\n");
    assert_eq!(
        told.err,
        "Next: `kata-artifacts build new/manifests/mine.yaml` locks what its names mean, and makes it.\n"
    );
    let told = world.run(&["check", "new/manifests/mine.yaml"]).done();
    assert_eq!(told.out, "new/manifests/mine.yaml: no problems\n");
    let told = world.run(&["init", "new", "--name", "mine"]).ended(2);
    assert!(told.err.contains("is there already"), "{told}");
    let own = world.path("new/kernel/fragments/base.conf");
    fs::write(&own, "# mine\n").unwrap();
    let told = world.run(&["init", "new", "--name", "other"]).done();
    assert!(
        told.err.contains("there already stayed as they were"),
        "{told}"
    );
    assert_eq!(fs::read_to_string(own).unwrap(), "# mine\n");
    let told = world
        .run(&["init", "elsewhere", "--name", "No Name"])
        .ended(2);
    assert!(told.err.contains("No Name"), "{told}");
    assert!(!world.path("elsewhere").exists());
}

#[test]
fn the_host_is_examined_and_a_mirror_that_does_not_answer_is_bad() {
    let world = World::new();
    let told = world.run(&["doctor", "--json"]).ended(1).json();
    let findings = told["findings"].as_array().unwrap();
    let whats: Vec<&str> = findings
        .iter()
        .map(|it| it["what"].as_str().unwrap())
        .collect();
    let all = [
        "sandbox",
        "mirror",
        "disk",
        "memory",
        "processors",
        "KVM",
        "QEMU",
    ];
    assert_eq!(whats, all);
    assert_eq!(findings[1]["state"], "bad", "{told:#}");
    assert!(
        findings[1]["found"]
            .as_str()
            .unwrap()
            .contains("127.0.0.1:1"),
        "{told:#}"
    );
    let told = world.run(&["doctor", "--offline"]);
    assert!(
        told.out.contains("note  mirror      not asked: --offline"),
        "{told}"
    );
}

#[test]
fn a_schema_and_completions_are_printed() {
    let world = World::new();
    let schema = world.run(&["schema"]).done().json();
    assert_eq!(schema["$defs"]["manifest"]["additionalProperties"], false);
    for shell in ["bash", "zsh", "fish"] {
        let script = world.run(&["completions", shell]).done().out;
        assert!(script.contains("keep-last"), "{shell}: {script}");
    }
    world.run(&["completions", "--man", "man1"]).done();
    let page = fs::read_to_string(world.path("man1/kata-artifacts-clean.1")).unwrap();
    assert!(page.contains("keep\\-last"), "{page}");
    world.run(&["completions"]).ended(2);
}
