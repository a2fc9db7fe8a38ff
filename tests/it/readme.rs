//! What the README says, as far as a machine without a network can say whether it is so.

use std::{collections::BTreeSet, fs, path::Path};

use crate::{
    help::verbs,
    world::{MANIFEST, World},
};

fn readme() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap()
}

/// Returns the first cell of every row of the table whose head begins so, without backquotes.
fn table(head: &str) -> Vec<String> {
    let text = readme();
    let (_, rest) = text.split_once(head).expect("the README has the table");
    let rows = rest
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    rows.map(|row| {
        let cell = row.trim_start_matches('|').split('|').next().unwrap();
        cell.trim().trim_matches('`').to_owned()
    })
    .collect()
}

#[test]
fn the_table_of_files_is_what_a_build_makes() {
    let world = World::new();
    world.run(&["build", MANIFEST]).done();
    let made: BTreeSet<String> = world
        .files("out/tiny/x86_64")
        .keys()
        .map(|path| path.display().to_string())
        .collect();
    let told = table("| file in `out/kata/x86_64/`");
    assert_eq!(told.into_iter().collect::<BTreeSet<_>>(), made);
}

#[test]
fn the_table_of_verbs_is_what_the_program_has() {
    let told: BTreeSet<String> = table("| verb |")
        .iter()
        .map(|cell| cell.split(' ').next().unwrap().to_owned())
        .collect();
    assert_eq!(told, verbs(&World::new()).into_iter().collect());
}

#[test]
fn the_options_and_settings_that_the_readme_names_are_there() {
    let world = World::new();
    let text = readme();
    let help = world.run(&["build", "--help"]).done().out;
    let options: BTreeSet<&str> = text
        .split('`')
        .filter(|code| code.starts_with("--"))
        .map(|code| code.split(' ').next().unwrap())
        .collect();
    assert!(
        options.contains("--offline") && options.len() >= 4,
        "{options:?}"
    );
    for option in options {
        assert!(help.contains(option) || option == "--help", "{option}");
    }
    for setting in ["store", "debian_mirror", "snapshot_mirror"] {
        assert!(text.contains(&format!("`{setting}`")), "{setting}");
    }
}

#[test]
fn the_commands_that_the_readme_shows_are_ones_that_the_program_has() {
    let world = World::new();
    let text = readme();
    let commands: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("kata-artifacts "))
        .collect();
    assert!(commands.len() >= 5, "{commands:?}");
    for command in commands {
        let mut args: Vec<&str> = command.split_whitespace().skip(1).collect();
        // With it, the words are parsed and nothing is run.
        args.push("--help");
        world.run(&args).done();
    }
}

#[test]
fn the_files_that_the_readme_links_to_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = readme();
    let links: Vec<&str> = text
        .split("](")
        .skip(1)
        .map(|rest| rest.split(')').next().unwrap())
        .filter(|link| !link.contains("://"))
        .collect();
    assert!(links.len() >= 4, "{links:?}");
    for link in links {
        assert!(root.join(link).exists(), "{link}");
    }
}
