//! The command line as a person reads it: help, examples, exit status, streams, colours.

use crate::world::{MANIFEST, Told, World};

/// Returns the names of the verbs, as the program lists them.
pub(crate) fn verbs(world: &World) -> Vec<String> {
    let help = world.run(&["--help"]).done().out;
    let (_, list) = help.split_once("Commands:\n").expect("help lists commands");
    let lines = list.lines().take_while(|line| !line.is_empty());
    lines
        .filter_map(|line| {
            // A continued description is indented further.
            let name = line.strip_prefix("  ")?.split_whitespace().next()?;
            (!line.starts_with("   ") && name != "help").then(|| name.to_owned())
        })
        .collect()
}

/// Returns the words of every example in a help text.
fn examples(help: &str) -> Vec<Vec<String>> {
    let (_, examples) = help.split_once("Examples:\n").expect("help shows examples");
    let lines = examples.lines().take_while(|line| !line.is_empty());
    lines
        .map(|line| {
            let command = line.strip_prefix("  ").expect("an example is one line");
            let command = command.split("  ").next().unwrap();
            command.split(' ').map(str::to_owned).collect()
        })
        .collect()
}

#[test]
fn every_verb_explains_itself_with_examples_that_parse() {
    let world = World::new();
    let verbs = verbs(&world);
    assert!(
        verbs.contains(&"build".to_owned()) && verbs.len() >= 6,
        "{verbs:?}"
    );
    let mut helps = vec![world.run(&["--help"]).done().out];
    for verb in &verbs {
        let told = world.run(&[verb, "--help"]).done();
        assert_eq!(told.err, "");
        assert!(
            examples(&told.out).iter().all(|words| words[1] == *verb),
            "{told}"
        );
        helps.push(told.out);
    }
    for words in helps.iter().flat_map(|help| examples(help)) {
        assert_eq!(words[0], "kata-artifacts");
        let mut args: Vec<&str> = words[1..].iter().map(String::as_str).collect();
        // With it, the words are parsed and nothing is run.
        args.push("--help");
        world.run(&args).done();
    }
}

#[test]
fn a_first_line_of_help_is_an_imperative_without_a_full_stop() {
    let world = World::new();
    for verb in verbs(&world) {
        let help = world.run(&[&verb, "--help"]).done().out;
        let first = help.lines().next().unwrap();
        let word = first.split(' ').next().unwrap();
        assert!(!first.ends_with('.'), "{verb}: {first}");
        assert!(
            !word.ends_with('s') && word.starts_with(char::is_uppercase),
            "{verb}: {first}"
        );
    }
}

#[test]
fn an_unusable_command_line_is_told_with_status_2() {
    let world = World::new();
    for (args, told) in [
        (&[][..], "Usage: kata-artifacts"),
        (&["biuld"], "a similar subcommand exists: 'build'"),
        (
            &["build", "--ofline"],
            "a similar argument exists: '--offline'",
        ),
        (&["build", "--jobs", "0"], "0 is not in 1.."),
        (&["build", "one", "two"], "unexpected argument 'two'"),
    ] {
        let ended = world.run(args).ended(2);
        assert_eq!(ended.out, "", "{args:?}");
        assert!(ended.err.contains(told), "{args:?}: {ended}");
    }
}

#[test]
fn the_version_is_a_result() {
    let told = World::new().run(&["--version"]).done();
    assert_eq!(
        told.out,
        format!("kata-artifacts {}\n", env!("CARGO_PKG_VERSION"))
    );
    assert_eq!(told.err, "");
}

#[test]
fn no_colour_reaches_what_is_no_terminal_or_asks_for_none() {
    let world = World::new();
    for variables in [&[][..], &[("NO_COLOR", "1")], &[("TERM", "xterm-256color")]] {
        let told = |args: &[&str]| {
            let mut command = world.command(args);
            command.envs(variables.iter().copied());
            Told::by(command)
        };
        for args in [
            &["--help"][..],
            &["biuld"],
            &["build", MANIFEST],
            &["build", MANIFEST, "--progress", "plain"],
            &["plan", MANIFEST],
            &["check", "nothing.yaml"],
            &["build", "linux/Makefile"],
        ] {
            let told = told(args);
            assert!(
                !told.out.contains('\x1b') && !told.err.contains('\x1b'),
                "{told}"
            );
        }
    }
}

#[test]
fn results_alone_go_to_standard_output_and_silence_can_be_asked_for() {
    let world = World::new();
    let told = world.run(&["build", MANIFEST, "--json"]).done();
    told.json();
    assert!(told.says("x86_64/compile: "), "{told}");
    let told = world.run(&["build", MANIFEST, "--progress", "none"]).done();
    assert_eq!(told.err, "");
    let told = world
        .run(&["build", "nothing.yaml", "--progress", "none"])
        .ended(2);
    assert_eq!(told.out, "");
    assert!(told.err.contains("nothing.yaml"), "{told}");
}

#[test]
fn a_reader_that_has_gone_away_breaks_nothing() {
    let world = World::new();
    let script = [
        "-c",
        "{ \"$@\"; echo $? >status; } | :",
        "sh",
        env!("CARGO_BIN_EXE_kata-artifacts"),
    ];
    let mut command = world.command_of("sh", &script);
    command.args(["build", MANIFEST]);
    Told::by(command).done();
    assert_eq!(world.read("status"), "0\n");
}

#[test]
fn a_configuration_file_says_where_the_store_is_and_its_mistakes_are_told() {
    let world = World::new();
    let run = |text: &str| {
        let file = world.at("home/.config/kata-artifacts/config.yaml");
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, text).unwrap();
        let mut command = world.command(&["build", MANIFEST]);
        command.env_remove("KATA_ARTIFACTS_STORE");
        Told::by(command)
    };
    run(&format!("store: {}\n", world.at("elsewhere").display())).done();
    assert!(world.at("elsewhere/v1/blobs").is_dir());
    let told = run("stoer: /x\n").ended(2);
    assert!(
        told.err.contains("config.yaml") && told.err.contains("stoer"),
        "{told}"
    );
    run("").done();
    assert!(world.at("home/.cache/kata-artifacts/v1/blobs").is_dir());
}
