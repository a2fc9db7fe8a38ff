//! Whatever Kconfig files hold, reading them ends, and ends in a tree or in one error with places.

use std::{collections::BTreeMap, fs, os::unix::net::UnixListener, path::Path};

use proptest::prelude::*;

use super::{
    KconfigError,
    oracle::{Answer, Answers, Oracle, Recorded},
    parse::{self, Reading},
    sketch::{mistakes, mistakes_of, read, says},
    syntax::Entry,
};

fn top(text: &str) -> String {
    mistakes(&[("Kconfig", text)])
}

/// Returns the mistakes of a tree on disk.
fn tree(root: &Path) -> String {
    let (variables, answers) = (BTreeMap::new(), Answers::default());
    mistakes_of(
        &parse::read(root, "Kconfig", &mut Recorded::new(&variables, &answers)).unwrap_err(),
    )
}

#[test]
fn deep_nesting_is_refused_where_it_is_too_deep() {
    let deep = 100_000;
    let told = top(&"menu \"m\"\n".repeat(deep));
    assert!(
        told.starts_with("Kconfig:201: blocks stand more than 200 deep in each other\n"),
        "{told}"
    );
    let told = top(&format!("if {}A\nendif\n", "(".repeat(deep / 20)));
    assert!(
        told.starts_with("Kconfig:1: an expression is nested more than 100 deep\n"),
        "{told}"
    );
    let told = top(&format!("if {}A\nendif\n", "!".repeat(deep / 20)));
    assert!(
        told.starts_with("Kconfig:1: an expression is nested more than 100 deep\n"),
        "{told}"
    );
    let told = top(&format!("if A{}\nendif\n", " && A".repeat(deep / 25)));
    assert!(
        told.starts_with("Kconfig:1: an expression has more than 1000 terms\n"),
        "{told}"
    );
    let told = top(&format!("if {}\nendif\n", "A ".repeat(deep)));
    assert_eq!(told, "Kconfig:1: a statement has more than 10000 words\n");
    let told = top(&format!("{}{}\n", "$(a,".repeat(1000), ")".repeat(1000)));
    assert_eq!(
        told,
        "Kconfig:1: references lead to each other more than 200 deep\n"
    );
}

#[test]
fn what_is_allowed_to_be_deep_is_read() {
    let nested = format!("{}{}", "if A\n".repeat(200), "endif\n".repeat(200));
    assert_eq!(says(&nested).lines().count(), 200);
    let chain = format!("if A{}\nendif\n", " || A".repeat(999));
    assert_eq!(says(&chain).lines().count(), 1);
}

#[test]
fn macros_that_never_end_are_ended() {
    let doubling: String = (0..64)
        .map(|n| format!("a{n} = $(a{})$(a{})\n", n + 1, n + 1))
        .collect();
    // Into nothing, and into more than there is room for.
    assert_eq!(
        top(&format!("{doubling}$(a0)\n")),
        "Kconfig:65: the macros of these files expand without end\n"
    );
    let told = top(&format!("{doubling}a64 = {}\n$(a0)\n", "x".repeat(4096)));
    assert_eq!(
        told,
        "Kconfig:66: a macro expands to more than 1048576 bytes\n"
    );
    let told = top(&format!("a := xxxxxxxx\n{}", "a := $(a)$(a)\n".repeat(60)));
    assert_eq!(
        told,
        "Kconfig:19: a macro expands to more than 1048576 bytes\n"
    );
    let told = top(&format!(
        "a := {}\n{}",
        "x".repeat(1 << 19),
        "$(info,$(a))\n".repeat(300)
    ));
    assert!(
        told.ends_with("the macros of these files expand without end\n"),
        "{told}"
    );
}

#[test]
fn files_that_source_each_other_are_ended() {
    assert_eq!(
        top("source \"Kconfig\"\n"),
        "Kconfig:1: `Kconfig` is sourced while it is being read\n"
    );
    let circle = [
        ("Kconfig", "\nsource \"./a\"\n"),
        ("a", "config A\nsource \"././Kconfig\"\n"),
    ];
    assert_eq!(
        mistakes(&circle),
        "a:2: `Kconfig` is sourced while it is being read\n"
    );
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: String| fs::write(folder.path().join(name), text).unwrap();
    write("Kconfig", "source \"0\"\n".to_owned());
    for n in 0..100 {
        write(&n.to_string(), format!("source \"{}\"\n", n + 1));
    }
    assert_eq!(
        tree(folder.path()),
        "62:1: files source each other more than 64 deep\n"
    );
    // Two sources in each of many files are as many as stars.
    for n in 0..30 {
        write(
            &n.to_string(),
            format!("source \"{0}\"\nsource \"{0}\"\n", n + 1),
        );
    }
    write("30", String::new());
    let told = tree(folder.path());
    assert!(
        told.contains("more than 64 MiB or 50000 files are sourced"),
        "{told}"
    );
}

#[test]
fn gigantic_and_strange_files_are_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("Kconfig");
    let large = fs::File::create(&path).unwrap();
    large.set_len(1 << 40).unwrap();
    assert_eq!(
        tree(folder.path()),
        "Kconfig:1: `Kconfig` is larger than 4 MiB\n"
    );
    fs::write(&path, "source \"socket\"\n").unwrap();
    let _socket = UnixListener::bind(folder.path().join("socket")).unwrap();
    assert_eq!(tree(folder.path()), "Kconfig:1: `socket` is not a file\n");
    fs::remove_file(&path).unwrap();
    let told = tree(folder.path());
    assert!(told.contains("has no file `Kconfig`"), "{told}");
}

#[test]
fn bytes_that_are_no_text_are_kept_out_of_names() {
    assert_eq!(
        top("config A\n\tbool\n\thelp\n\t  a\0b\n"),
        "Kconfig:4: a NUL byte\n"
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("Kconfig");
    fs::write(&path, b"# caf\xe9\nconfig A\n\tbool\n\thelp\n\t  caf\xe9\n").unwrap();
    let (variables, answers) = (BTreeMap::new(), Answers::default());
    let latin = parse::read(
        folder.path(),
        "Kconfig",
        &mut Recorded::new(&variables, &answers),
    )
    .unwrap();
    assert!(matches!(latin, Reading::Done(_, notices) if notices.is_empty()));
    fs::write(&path, b"config A\n\tbool \"caf\xe9\"\n").unwrap();
    assert_eq!(
        tree(folder.path()),
        "Kconfig:2: `caf\u{fffd}` is not UTF-8 text\n"
    );
}

#[test]
fn no_more_than_twenty_mistakes_are_told() {
    let told = top(&"nonsense\n".repeat(1000));
    assert_eq!(told.lines().count(), 20);
    let unclosed = top(&format!(
        "{}menu \"m\"\nendif\n",
        "if A\nmenu \"m\"\n".repeat(90)
    ));
    assert_eq!(unclosed.lines().count(), 20);
}

#[test]
fn a_tree_cannot_ask_for_commands_without_end() {
    let text: String = (0..10_001).map(|n| format!("$(shell,{n})\n")).collect();
    assert_eq!(
        top(&text),
        "Kconfig:10001: more than 10000 commands are to be run\n"
    );
}

/// Answers everything, so that reading goes on.
struct Willing;

impl Oracle for Willing {
    fn variable(&mut self, name: &str) -> Option<String> {
        Some(name.to_lowercase())
    }

    fn shell(&mut self, command: &str) -> Answer {
        match command.len() % 3 {
            0 => Answer::Unknown,
            _ => Answer::Printed(command.as_bytes().to_vec()),
        }
    }
}

/// Reads a top file of these bytes, and looks at what came of it.
fn survives(bytes: &[u8]) -> Result<(), TestCaseError> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("Kconfig"), bytes).unwrap();
    fs::write(
        folder.path().join("sub"),
        "config SUB\n\tbool\nif SUB\nendif\n",
    )
    .unwrap();
    match parse::read(folder.path(), "Kconfig", &mut Willing) {
        Ok(Reading::Done(tree, _)) => {
            let lines = bytes.iter().filter(|byte| **byte == b'\n').count() + 1;
            for entry in &tree.entries {
                let at = match entry {
                    Entry::Config(config) => config.at,
                    Entry::Choice(choice) => choice.at,
                    Entry::Menu(menu) => menu.at,
                    Entry::If(block) => block.at,
                    Entry::Comment(comment) => comment.at,
                };
                prop_assert!((at.file as usize) < tree.files.len());
                prop_assert!(at.line >= 1 && at.line as usize <= lines.max(4));
            }
        }
        Ok(Reading::Asks(commands)) => prop_assert!(!commands.is_empty()),
        Err(KconfigError::Syntax { problems }) => {
            prop_assert!((1..=20).contains(&problems.len()));
            prop_assert!(problems.iter().all(|problem| problem.line >= 1));
        }
        Err(other) => prop_assert!(false, "{other}"),
    }
    Ok(())
}

/// Words of the language, mixed at random.
fn words() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "config A",
        "menuconfig B",
        "choice",
        "endchoice",
        "menu \"m\"",
        "endmenu",
        "if ",
        "endif",
        "comment 'c'",
        "mainmenu \"t\"",
        "source \"sub\"",
        "rsource \"*\"",
        "osource \"x\"",
        "\n",
        "\n",
        "\n",
        "\n\t",
        " ",
        "bool",
        "tristate",
        "int",
        "hex",
        "string",
        "def_bool y",
        "default ",
        "depends on ",
        "select C",
        "imply C",
        "range 1 2",
        "visible if A",
        "prompt \"p\"",
        "help\n",
        "\t  text\n",
        "modules",
        "optional",
        "transitional",
        "option ",
        "A",
        "y",
        "&&",
        "||",
        "!",
        "(",
        ")",
        "=",
        "!=",
        "<=",
        ">",
        "\"",
        "'",
        "\\",
        "\\\n",
        "$",
        "$(A)",
        "$(shell,a)",
        "$(info,x)",
        "$(f,",
        "f = $(1)\n",
        "B := x\n",
        "B += y\n",
        "#",
        "\r\n",
        "\u{e9}",
        "\x01",
        "$(error-if,y,z)",
    ]);
    prop::collection::vec(words, 0..60).prop_map(|words| words.concat())
}

/// A file with something of everything.
const SAMPLE: &str = "mainmenu \"T $(A)\"\nf = $(shell,{ $(1); } && echo $(2))\nc := ,\nmenu \"m\"\n\tdepends on A\nconfig X\n\
    \tbool \"x\" if Y = \"z\\\"\"\n\tdefault $(f,t$(c)u,y) if (A || !B) && C >= 3\n\thelp\n\t  Some text.\n\n\t    More.\n\n\
    choice\n\tprompt \"p\"\nconfig M1\n\tbool \"1\"\nif A\nconfig M2\n\tbool \"2\"\nendif\nendchoice\nsource \"sub\"\nendmenu\n";

#[test]
fn the_sample_is_read() {
    let (tree, notices) = read(&[
        ("Kconfig", &SAMPLE.replace("$(f,t$(c)u,y)", "y")),
        ("sub", ""),
    ]);
    assert_eq!((tree.entries.len(), notices.len()), (1, 0));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_words_are_read_or_refused(text in words()) {
        survives(text.as_bytes())?;
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        survives(&bytes)?;
    }

    #[test]
    fn any_damage_to_a_file_is_survived(
        at in prop::collection::vec((0..SAMPLE.len(), any::<u8>(), 0..3u8), 1..8),
    ) {
        let mut bytes = SAMPLE.as_bytes().to_vec();
        for (place, byte, kind) in at {
            let place = place.min(bytes.len() - 1);
            match kind {
                0 => bytes[place] = byte,
                1 => bytes.insert(place, byte),
                _ => { bytes.remove(place); }
            }
        }
        survives(&bytes)?;
    }
}
