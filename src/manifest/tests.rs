//! What holds for every manifest and every text: the shipped ones are right, the reference names every field, and
//! nothing that anybody writes makes the reader panic. What single mistakes look like is in `tests/golden`.

use std::{
    cell::RefCell,
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use proptest::prelude::*;

use super::{
    BUILDABLE, Disk, Files, Kind, Manifest, ManifestError, Mistake, PRODUCTS, Problems, TABLES,
    parse, parse_bytes, read,
};

/// A disk on which every path is there, and of the kind that its name suggests; it remembers what it was asked.
#[derive(Default)]
struct Anything {
    asked: RefCell<BTreeSet<PathBuf>>,
}

impl Files for Anything {
    fn kind(&self, path: &Path) -> Option<Kind> {
        self.asked.borrow_mut().insert(path.to_owned());
        let name = path.file_name()?.to_str()?;
        Some(match name.contains(['.', '-']) {
            true => Kind::File,
            false => Kind::Directory,
        })
    }

    fn names(&self, _: &Path) -> Vec<String> {
        Vec::new()
    }
}

fn shipped(name: &str) -> String {
    fs::read_to_string(Path::new("manifests").join(name)).expect("tests run in the package")
}

fn problems(text: &str) -> Problems {
    parse(Path::new("m.yaml"), text, &Anything::default()).expect_err("the text is wrong")
}

fn mistakes(text: &str) -> Vec<Mistake> {
    let problems = problems(text);
    problems
        .shown()
        .iter()
        .map(|problem| problem.mistake)
        .collect()
}

/// Everything that must be true of any report, whatever was read.
fn sound(result: Result<Manifest, Problems>) {
    let Err(problems) = result else { return };
    assert!(problems.count() >= problems.shown().len() && !problems.shown().is_empty());
    for entry in problems.to_json().as_array().expect("an array") {
        assert!(entry["line"].is_null() || entry["line"].as_u64() > Some(0));
    }
    let mut text = String::new();
    miette::GraphicalReportHandler::new_themed(miette::GraphicalTheme::unicode_nocolor())
        .render_report(&mut text, &problems)
        .expect("writing to a string does not fail");
    assert!(
        !text.contains("Failed to read contents"),
        "every place is in the text: {text}"
    );
    assert!(
        !text.contains(|c: char| c.is_control() && c != '\n'),
        "nothing reaches the terminal but text: {text:?}"
    );
}

#[test]
fn every_shipped_manifest_is_right() {
    let mut seen = 0;
    for entry in fs::read_dir("manifests").expect("tests run in the package") {
        let path = entry.expect("the directory can be read").path();
        if path
            .extension()
            .is_some_and(|extension| extension == "yaml")
        {
            let manifest =
                read(&path).unwrap_or_else(|error| panic!("{:?}", miette::Report::from(error)));
            assert_eq!(path.file_stem(), Some(manifest.name.as_ref()));
            seen += 1;
        }
    }
    assert!(seen >= 2);
}

#[test]
fn references_are_looked_for_beside_the_manifest_and_nowhere_else() {
    let disk = Anything::default();
    let text = shipped("kata.yaml").replace("overlay: ../rootfs/overlay", "overlay: /abs/overlay");
    let manifest = parse(Path::new("some/where/kata.yaml"), &text, &disk).unwrap();
    assert_eq!(
        manifest.kernel.profile,
        Path::new("some/where/../kernel/profiles/kata.yaml")
    );
    for path in disk.asked.borrow().iter() {
        assert!(
            path.starts_with("some/where") || path.starts_with("/abs"),
            "{path:?}"
        );
    }
    let bare = parse(Path::new("kata.yaml"), &text, &Anything::default()).unwrap();
    assert_eq!(
        bare.debian.keys[0],
        Path::new("keys/debian-archive-key-13.asc")
    );
}

#[test]
fn the_reference_names_every_field_where_it_belongs_with_an_example_that_is_yaml() {
    let reference = shipped("README.md");
    for table in TABLES {
        let heading = match table.place {
            "" => "## The top\n".to_owned(),
            place => format!("## `{place}`\n"),
        };
        let (_, section) = reference
            .split_once(&heading)
            .unwrap_or_else(|| panic!("no {heading}"));
        let section = section.split("\n## ").next().unwrap_or(section);
        let rows: Vec<&str> = section
            .lines()
            .filter(|line| line.starts_with("| `"))
            .collect();
        let names: Vec<&str> = rows
            .iter()
            .map(|row| row.split('`').nth(1).unwrap())
            .collect();
        assert_eq!(names, table.names().collect::<Vec<_>>(), "{heading}");
        for (row, name) in rows.iter().zip(names) {
            let example = row.rsplit('`').nth(1).unwrap();
            let tree: serde_yaml::Value = serde_yaml::from_str(example).unwrap();
            assert!(tree.get(name).is_some(), "{row}");
        }
    }
    for (product, _) in PRODUCTS {
        assert!(reference.contains(product), "{product}");
    }
    for arch in BUILDABLE {
        assert!(reference.contains(arch.name()), "{arch}");
    }
}

#[test]
fn the_smallest_manifest_of_the_reference_is_right() {
    let reference = shipped("README.md");
    let text = reference
        .split("```yaml\n")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    parse(Path::new("manifests/my-guest.yaml"), text, &Disk).unwrap();
}

#[test]
fn a_file_that_cannot_be_read_is_told_apart_from_one_that_is_wrong() {
    let error = read(Path::new("manifests/absent.yaml")).unwrap_err();
    assert!(matches!(error, ManifestError::Read { .. }), "{error}");
    let error = read(Path::new("manifests/README.md")).unwrap_err();
    assert!(matches!(error, ManifestError::Wrong(_)), "{error}");
}

#[test]
fn what_is_too_large_is_refused_before_it_is_understood() {
    let limit = 1024 * 1024;
    let big = "# x\n".repeat(limit / 4 + 1);
    assert_eq!(mistakes(&big), [Mistake::TooLarge]);
    let bytes = parse_bytes(
        Path::new("m.yaml"),
        &vec![0xff; limit + 1],
        &Anything::default(),
    );
    assert_eq!(bytes.unwrap_err().shown()[0].mistake, Mistake::TooLarge);

    let just = format!("{}# x", "# x\n".repeat(limit / 4 - 1));
    assert_eq!(mistakes(&just), [Mistake::Syntax], "empty, not too large");
    let many: String = (0..20_000).map(|n| format!("a{n}:\n")).collect();
    assert_eq!(mistakes(&many), [Mistake::TooLarge]);
    for bracket in ["[", "{", "- ", "? ", "&a ", "\"", "|\n", "[\n", "{\n"] {
        sound(parse(
            Path::new("m.yaml"),
            &bracket.repeat(limit / 8),
            &Anything::default(),
        ));
    }
    let deep: String = (0..40)
        .map(|level| format!("{}a:\n", " ".repeat(level)))
        .collect();
    assert_eq!(mistakes(&deep), [Mistake::TooLarge]);
}

#[test]
fn aliases_cannot_make_a_deep_or_large_tree_out_of_a_small_text() {
    let wide: String = (1..40)
        .map(|n| format!("x{n}: &x{n} [*x{0}, *x{0}]\n", n - 1))
        .collect();
    assert_eq!(
        mistakes(&format!("x0: &x0 [a]\n{wide}")),
        [Mistake::TooLarge]
    );
    let deep: String = (1..4000)
        .map(|n| format!("x{n}: &x{n} [*x{}]\n", n - 1))
        .collect();
    assert_eq!(
        mistakes(&format!("x0: &x0 [a]\n{deep}")),
        [Mistake::TooLarge]
    );
}

#[test]
fn a_hundred_problems_are_shown_and_the_others_counted() {
    let text: String = (0..500).map(|n| format!("field{n}: 1\n")).collect();
    let problems = problems(&text);
    assert_eq!(problems.shown().len(), 100);
    assert!(problems.count() >= 500);
    let help = miette::Diagnostic::help(&problems).unwrap().to_string();
    assert_eq!(help, "the first 100 are shown");
}

#[test]
fn programs_are_told_the_place_in_characters() {
    let problems = problems("schema: 1\nannotations: {ä.ö: no}\n");
    let told = problems.to_json();
    let value = told
        .as_array()
        .unwrap()
        .iter()
        .find(|entry| entry["code"] == "manifest::wrong_type");
    assert_eq!(
        *value.unwrap(),
        serde_json::json!({
            "path": "m.yaml",
            "field": "annotations.ä.ö",
            "line": 2,
            "column": 20,
            "message": "`no` is text to some YAML readers and a truth value to others",
            "help": "for text, write \"no\"",
            "code": "manifest::wrong_type",
        })
    );
}

#[test]
fn a_problem_below_a_misspelt_field_is_told_too() {
    let text = "schema: 1\nkernal: {source: {debain: No_Such}}\n";
    let problems = problems(text);
    let at: Vec<&str> = problems
        .shown()
        .iter()
        .filter(|problem| problem.field.starts_with("kernal"))
        .map(|problem| problem.field.as_str())
        .collect();
    assert!(at.contains(&"kernal.source.debain"), "{at:?}");
    assert!(
        !problems
            .shown()
            .iter()
            .any(|problem| problem.message == "`kernel` is missing")
    );
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        sound(parse_bytes(Path::new("m.yaml"), &bytes, &Anything::default()));
    }

    #[test]
    fn no_yaml_makes_the_reader_panic(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "a", "schema: 1", ": ", "- ", "\n", "\n  ", "[", "]", "{", "}", "&a ", "*a", "? ", "| ", ">-", "\"", "'",
                "\t", "#", "!!x ", "---\n", "...", "%YAML 1.2\n", "ä", "\u{85}", "\u{feff}", "\r", "\\", ",", "<<", "~",
                "kernel", "rootfs", "files", "/a", "mode", "0755", "@", "\u{2028}", "😀",
            ]),
            0..60,
        ),
    ) {
        sound(parse(Path::new("m.yaml"), &parts.concat(), &Anything::default()));
    }

    #[test]
    fn no_change_of_a_manifest_makes_the_reader_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..12, ".{0,6}"), 1..6),
    ) {
        let mut text: Vec<char> = shipped("kata.yaml").chars().collect();
        for (place, gone, new) in changes {
            let start = place.index(text.len());
            let end = (start + gone).min(text.len());
            text.splice(start..end, new.chars());
        }
        let text: String = text.into_iter().collect();
        sound(parse(Path::new("manifests/kata.yaml"), &text, &Disk));
    }
}
