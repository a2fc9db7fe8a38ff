//! The script that answers a tree's commands, run for real.

use std::{collections::BTreeMap, fs};

use super::{
    KconfigError,
    batch::Batch,
    oracle::Answers,
    rounds,
    sketch::{mistakes_of, shown},
};

#[expect(
    clippy::disallowed_methods,
    reason = "the room runs no program; whether a shell understands its script is tested"
)]
fn printed(script: &str) -> Vec<u8> {
    let done = std::process::Command::new("sh")
        .arg("-c")
        .arg(script)
        .output()
        .unwrap();
    assert!(done.status.success());
    assert_eq!(String::from_utf8_lossy(&done.stderr), "");
    done.stdout
}

fn answers(commands: &[&str], seconds: u32) -> Result<Vec<String>, KconfigError> {
    let commands: Vec<String> = commands
        .iter()
        .map(|command| (*command).to_owned())
        .collect();
    let batch = Batch {
        commands: &commands,
        variables: &BTreeMap::from([
            ("CC".to_owned(), "it's".to_owned()),
            ("no name".to_owned(), String::new()),
        ]),
        jobs: 3,
        seconds,
    };
    let answers = batch.answers(&printed(&batch.script()))?;
    Ok(answers
        .into_iter()
        .map(|answer| String::from_utf8(answer).unwrap())
        .collect())
}

#[test]
fn commands_are_answered_in_their_order() {
    let commands = [
        "echo one; echo two",
        "printf 'no newline'",
        "false",
        "echo lost >&2",
        "echo \"it's $CC\"; exit 3",
        "cat; echo $((1 + 2))",
        "yes x | head -c 9000",
        "mkdir .tmp && rmdir .tmp && echo made",
        "exec 2>&1; syntax ( error",
    ];
    let answers = answers(&commands, 60).unwrap();
    assert_eq!(
        answers[..6],
        ["one\ntwo\n", "no newline", "", "", "it's it's\n", "3\n"]
    );
    assert_eq!(
        (answers[6].len(), answers[7].as_str(), answers[8].as_str()),
        (4096, "made\n", "")
    );
    assert_eq!(self::answers(&["echo alone"], 60).unwrap(), ["alone\n"]);
    assert!(self::answers(&[], 60).unwrap().is_empty());
}

#[test]
fn a_command_without_end_is_named() {
    let error = answers(&["true", "while :; do :; done"], 1).unwrap_err();
    let told = error.to_string();
    assert_eq!(
        told,
        "a command of the Kconfig files did not end within 1 s: `while :; do :; done`"
    );
}

#[test]
fn damaged_answers_are_refused() {
    let commands = ["a".to_owned(), "b".to_owned()];
    let batch = Batch {
        commands: &commands,
        variables: &BTreeMap::new(),
        jobs: 1,
        seconds: 1,
    };
    let whole = b"kconfig answers 1 2\nendless\n 2 0.out\n 1 1.out\n 3 total\na\nb";
    assert_eq!(
        batch.answers(whole).unwrap(),
        [b"a\n".to_vec(), b"b".to_vec()]
    );
    for end in 0..whole.len() {
        assert!(batch.answers(&whole[..end]).is_err(), "{end}");
    }
    assert!(batch.answers(&[whole.as_slice(), b"x"].concat()).is_err());
    let named = b"kconfig answers 1 2\nendless 7\n";
    assert!(matches!(
        batch.answers(named),
        Err(KconfigError::Answers { commands: 2, .. })
    ));
}

#[test]
fn a_tree_is_read_with_the_answers_to_its_commands() {
    let folder = tempfile::tempdir().unwrap();
    let text = "a := $(shell,echo GCC 12; echo x)\nconfig A\n\tdefault \"$(shell,set -- $(a) && echo $2)$(CC)\"\n";
    fs::write(folder.path().join("Kconfig"), text).unwrap();
    let variables = BTreeMap::from([("CC".to_owned(), "gcc".to_owned())]);
    let mut known = Answers::default();
    let mut asked = Vec::new();
    let read = rounds::read(
        folder.path(),
        "Kconfig",
        &variables,
        &mut known,
        |commands| {
            asked.push(commands.len());
            let batch = Batch {
                commands,
                variables: &variables,
                jobs: 2,
                seconds: 60,
            };
            batch.answers(&printed(&batch.script()))
        },
    );
    let read = read.unwrap();
    assert_eq!(shown(&read.tree), "config A\n  default '12gcc'\n");
    assert_eq!(
        (asked, known.len(), read.asked.commands.len()),
        (vec![1, 1], 2, 2)
    );
    assert_eq!(read.asked.variables["CC"].as_deref(), Some("gcc"));
    assert_eq!(read.asked.variables["srctree"], None);
}

/// A runner's failure of its own.
#[derive(Debug)]
struct Failed(KconfigError);

impl From<KconfigError> for Failed {
    fn from(error: KconfigError) -> Self {
        Self(error)
    }
}

#[test]
fn commands_that_lead_to_commands_without_end_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let text: String = (1..40)
        .map(|n| format!("a{n} := $(shell,echo $(a{}))\n", n - 1))
        .collect();
    fs::write(folder.path().join("Kconfig"), text).unwrap();
    let (variables, mut known) = (BTreeMap::new(), Answers::default());
    let mut count = 0;
    let read = rounds::read(
        folder.path(),
        "Kconfig",
        &variables,
        &mut known,
        |commands| {
            count += commands.len();
            Ok::<_, Failed>(
                commands
                    .iter()
                    .map(|_| format!("{count}").into_bytes())
                    .collect(),
            )
        },
    );
    let Failed(error) = read.unwrap_err();
    assert_eq!(
        mistakes_of(&error),
        "the Kconfig files still ask for new commands after 12 rounds of answers, such as `echo 12`"
    );
}
