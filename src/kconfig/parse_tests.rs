//! What Kconfig files say, as the kernel's `conf` understands them.

use std::{collections::BTreeMap, fmt::Write as _, fs};

use super::{
    KconfigError,
    oracle::{Answers, Recorded},
    parse::{self, Notice, Reading},
    syntax::{Attribute, Entry, Expr, Says, Term, Tree},
};

/// Reads these files, of which the first is the top. Commands print what `answers` says.
pub(super) fn reading(
    files: &[(&str, &str)],
    variables: &[(&str, &str)],
    answers: &[(&str, &str)],
) -> Result<Reading, KconfigError> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let pairs = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        let pairs = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        pairs.collect()
    };
    let variables = pairs(variables);
    let mut known = Answers::default();
    for (command, printed) in answers {
        known.extend(
            vec![(*command).to_owned()],
            vec![printed.as_bytes().to_vec()],
        );
    }
    let mut oracle = Recorded::new(&variables, &known);
    parse::read(folder.path(), files[0].0, &mut oracle)
}

pub(super) fn read(files: &[(&str, &str)]) -> (Tree, Vec<Notice>) {
    match reading(files, &[], &[]) {
        Ok(Reading::Done(tree, notices)) => (*tree, notices),
        Ok(Reading::Asks(commands)) => panic!("asks {commands:?}"),
        Err(error) => panic!("{}", mistakes_of(&error)),
    }
}

/// Returns what one file says, in a form of one line for each thing.
pub(super) fn says(text: &str) -> String {
    shown(&read(&[("Kconfig", text)]).0)
}

pub(super) fn shown(tree: &Tree) -> String {
    let mut out = String::new();
    entries(&tree.entries, "", &mut out);
    out
}

pub(super) fn mistakes_of(error: &KconfigError) -> String {
    match error {
        KconfigError::Syntax { problems } => problems
            .iter()
            .map(|problem| format!("{problem}\n"))
            .collect(),
        other => other.to_string(),
    }
}

/// Returns the mistakes in these files.
pub(super) fn mistakes(files: &[(&str, &str)]) -> String {
    mistakes_of(&reading(files, &[], &[]).unwrap_err())
}

fn entries(all: &[Entry], indent: &str, out: &mut String) {
    let deeper = format!("{indent}  ");
    for entry in all {
        let (head, lines, inside): (String, &[Attribute], &[Entry]) = match entry {
            Entry::Config(config) if config.menu => (
                format!("menuconfig {}", config.name),
                &config.attributes,
                &[],
            ),
            Entry::Config(config) => (format!("config {}", config.name), &config.attributes, &[]),
            Entry::Comment(comment) => (
                format!("comment {:?}", comment.text),
                &comment.attributes,
                &[],
            ),
            Entry::Menu(menu) => (
                format!("menu {:?}", menu.title),
                &menu.attributes,
                &menu.entries,
            ),
            Entry::Choice(choice) => {
                let name = choice.name.as_deref().unwrap_or("-");
                (
                    format!("choice {name}"),
                    &choice.attributes,
                    &choice.entries,
                )
            }
            Entry::If(block) => (
                format!("if {}", expression(&block.condition)),
                &[],
                &block.entries,
            ),
        };
        let _ = writeln!(out, "{indent}{head}");
        for line in lines {
            let _ = writeln!(out, "{deeper}{}", attribute(&line.says));
        }
        entries(inside, &deeper, out);
    }
}

fn attribute(says: &Says) -> String {
    let when = |condition: &Option<Expr>| match condition {
        Some(condition) => format!(" if {}", expression(condition)),
        None => String::new(),
    };
    match says {
        Says::Type(kind) => format!("{kind:?}").to_lowercase(),
        Says::Prompt { text, condition } => format!("prompt {text:?}{}", when(condition)),
        Says::Default { value, condition } => {
            format!("default {}{}", expression(value), when(condition))
        }
        Says::Select { target, condition } => format!("select {target}{}", when(condition)),
        Says::Imply { target, condition } => format!("imply {target}{}", when(condition)),
        Says::DependsOn(needed) => format!("depends {}", expression(needed)),
        Says::DependsOnIf(needed, condition) => format!(
            "depends {} if {}",
            expression(needed),
            expression(condition)
        ),
        Says::VisibleIf(condition) => format!("visible {}", expression(condition)),
        Says::Range {
            low,
            high,
            condition,
        } => format!("range {} {}{}", term(low), term(high), when(condition)),
        Says::Modules => "modules".to_owned(),
        Says::Transitional => "transitional".to_owned(),
        Says::Optional => "optional".to_owned(),
        Says::Help(text) => format!("help {text:?}"),
    }
}

fn expression(expr: &Expr) -> String {
    match expr {
        Expr::Term(alone) => term(alone),
        Expr::Not(inner) => format!("!{}", expression(inner)),
        Expr::And(left, right) => format!("({} && {})", expression(left), expression(right)),
        Expr::Or(left, right) => format!("({} || {})", expression(left), expression(right)),
        Expr::Compare(relation, left, right) => {
            format!("[{} {relation} {}]", term(left), term(right))
        }
    }
}

fn term(term: &Term) -> String {
    match term {
        Term::Word(name) => name.to_string(),
        Term::Constant(text) => format!("'{text}'"),
    }
}

fn condition(text: &str) -> String {
    let said = says(&format!("if {text}\nendif\n"));
    said.trim_end().strip_prefix("if ").unwrap().to_owned()
}

#[test]
fn every_line_of_a_symbol_is_read() {
    let text = "\
config A
	bool \"Ask\" if X
	tristate
	prompt 'single \"quotes\"'
	def_bool y if B
	def_tristate m
	default \"a\\\"b\\\\c\"
	default 0x10 if A || B
	depends on C
	depends on D if E
	select F if !G
	imply H
	range 1 MAX if I
	modules
	transitional
menuconfig B
	int
config C
	option modules
	string
	hex
";
    let error = mistakes(&[("Kconfig", text)]);
    assert_eq!(error, "Kconfig:19: `C` says `modules`, as `A` did before\n");
    assert_eq!(
        says(&text.replace("\toption modules\n", "")),
        "\
config A
  bool
  prompt \"Ask\" if X
  tristate
  prompt \"single \\\"quotes\\\"\"
  bool
  default 'y' if B
  tristate
  default 'm'
  default 'a\"b\\c'
  default 0x10 if (A || B)
  depends C
  depends D if E
  select F if !G
  imply H
  range 1 MAX if I
  modules
  transitional
menuconfig B
  int
config C
  string
  hex
"
    );
}

#[test]
fn blocks_hold_what_stands_in_them() {
    let text = "\
mainmenu \"  Title\"
menu \"  Outer\"
	depends on A
	visible if B
	visible
if C
choice NAMED
	prompt \"One\"
	tristate
	optional
	default X if Y
	help
	  Text.
config X
	bool \"x\"
if D
comment \"inside\"
	depends on E
endif
endchoice
endif
config Z
	bool
endmenu
";
    let (tree, _) = read(&[("Kconfig", text)]);
    assert_eq!(tree.title.as_deref(), Some("Title"));
    assert_eq!(
        shown(&tree),
        "\
menu \"Outer\"
  depends A
  visible B
  visible 'y'
  if C
    choice NAMED
      prompt \"One\"
      tristate
      optional
      default X if Y
      help \"Text.\"
      config X
        bool
        prompt \"x\"
      if D
        comment \"inside\"
          depends E
  config Z
    bool
"
    );
}

#[test]
fn or_binds_less_than_and_less_than_not_and_comparisons() {
    assert_eq!(condition("A || B && C || D"), "((A || (B && C)) || D)");
    assert_eq!(condition("(A || B) && !C"), "((A || B) && !C)");
    assert_eq!(condition("!A = B && !!(C)"), "(![A = B] && !!C)");
    assert_eq!(
        condition("A!=B||C<=\"1\"&&D>2"),
        "([A != B] || ([C <= '1'] && [D > 2]))"
    );
    assert_eq!(condition("A < m && n >= y"), "([A < 'm'] && ['n' >= 'y'])");
}

#[test]
fn places_are_the_first_line_of_a_statement() {
    let (tree, _) = read(&[(
        "Kconfig",
        "\n# c\nconfig A\n\tbool\n\n\tdepends on B && \\\n\t C\n\tdefault y\n",
    )]);
    let Entry::Config(config) = &tree.entries[0] else {
        panic!("no symbol");
    };
    let lines: Vec<u32> = config.attributes.iter().map(|line| line.at.line).collect();
    assert_eq!((config.at.line, lines), (3, vec![4, 6, 8]));
}

#[test]
fn a_help_text_ends_where_a_line_is_indented_less() {
    let help = |text: &str| says(&format!("config A\n\tbool\n\thelp\n{text}"));
    assert_eq!(
        help("\n\t  One\n\n\t    deeper  \n\t  two\n \tselect B\n"),
        "config A\n  bool\n  help \"One\\n\\n  deeper\\ntwo\"\n  select B\n"
    );
    // A tabulator is as wide as the blanks up to the next eighth column.
    assert_eq!(
        help("          One\n\t  two\n"),
        "config A\n  bool\n  help \"One\\ntwo\"\n"
    );
    assert_eq!(
        help("\t  # no comment\nconfig B\n"),
        "config A\n  bool\n  help \"# no comment\"\nconfig B\n"
    );
    // The kernel takes the first line whatever its indentation.
    assert_eq!(
        help("config B\n\tbool\n"),
        "config A\n  bool\n  help \"config B\\nbool\"\n"
    );
    assert_eq!(
        help("\t  no newline"),
        "config A\n  bool\n  help \"no newline\"\n"
    );
    assert_eq!(help(""), "config A\n  bool\n  help \"\"\n");
}

#[test]
fn what_conf_only_warns_of_is_read_with_a_notice() {
    let (tree, notices) = read(&[(
        "Kconfig",
        "config A;\r\n\tbool \"open\n\tdefault y & && n\n",
    )]);
    assert_eq!(
        shown(&tree),
        "config A\n  bool\n  prompt \"open\"\n  default ('y' && 'n')\n"
    );
    let told: Vec<String> = notices
        .iter()
        .map(|notice| format!("{}: {}", notice.at.line, notice.says))
        .collect();
    assert_eq!(
        told,
        [
            "1: the character `;` means nothing and is ignored",
            "1: the character `\\r` means nothing and is ignored",
            "2: the quotes are not closed on this line",
            "3: the character `&` means nothing and is ignored",
        ]
    );
}

#[test]
fn files_are_followed_and_numbered_once() {
    let files = [
        (
            "Kconfig",
            "source \"a/Kconfig\"\nsource \"./b\"\nsource \"b\"\n\tdefault y\n",
        ),
        (
            "a/Kconfig",
            "rsource \"../b\"\norsource \"none\"\nosource \"none\"\nrsource \"sub/*.k\"\n",
        ),
        ("b", "config B\n\tbool"),
        ("a/sub/2.k", "config TWO\n"),
        ("a/sub/10.k", "config TEN\n"),
        ("a/sub/.hidden.k", "config HIDDEN\n"),
        ("a/sub/other", "config OTHER\n"),
    ];
    let (tree, _) = read(&files);
    // The last line belongs to what the sourced file ends with: for `conf` too, files have no borders.
    assert_eq!(
        shown(&tree),
        "config B\n  bool\nconfig TEN\nconfig TWO\nconfig B\n  bool\nconfig B\n  bool\n  default 'y'\n"
    );
    assert_eq!(
        tree.files,
        ["Kconfig", "a/Kconfig", "b", "a/sub/10.k", "a/sub/2.k"]
    );
}

#[test]
fn all_mistakes_are_told_at_once_with_their_places() {
    let files = [
        (
            "Kconfig",
            "\
config A
	boool
	depends B
	depends on (C
	select \"D\"
	visible if E
	bool extra
endif
menu \"m\"
	select F
if G
endmenu
source \"none\"
source F
choice
	int
menuconfig H
	bool \"h\"
source \"sub\"
config X
	default
endchoice
if (
config Y
endif
mainmenu \"late\"
<
",
        ),
        ("sub", "endchoice\n"),
    ];
    assert_eq!(
        mistakes(&files),
        "\
Kconfig:2: unknown statement `boool`
Kconfig:3: expected `on`, found `B`
Kconfig:4: expected `)`, found the end of the line
Kconfig:5: expected the name of a symbol, without quotes, found \"D\"
Kconfig:6: `visible` cannot stand in a config
Kconfig:7: expected the end of the line, found `extra`
Kconfig:8: `endif` closes nothing: no `if` is open
Kconfig:10: `select` cannot stand in a menu
Kconfig:11: `if` is not closed before line 12
Kconfig:13: there is no file `none`
Kconfig:14: expected text in quotes, found `F`
Kconfig:16: `int` cannot stand in a choice
Kconfig:17: `menuconfig` cannot stand in a choice
Kconfig:19: `source` cannot stand in a choice
Kconfig:21: expected a symbol or a value, found the end of the line
Kconfig:23: expected a symbol or a value, found the end of the line
Kconfig:26: `mainmenu` is not the first statement
Kconfig:27: a statement cannot begin with `<`
"
    );
}

#[test]
fn only_the_top_file_has_to_end_with_a_lines_end() {
    assert_eq!(
        mistakes(&[("Kconfig", "config A\n\tbool")]),
        "Kconfig:2: the file does not end with a line's end\n"
    );
    let (_, notices) = read(&[("Kconfig", "source \"a\"\n"), ("a", "config A\n\tbool")]);
    assert_eq!(notices[0].says, "the file does not end with a line's end");
    assert!(
        read(&[("Kconfig", "config A\n\thelp\n\t  Text.")])
            .1
            .is_empty()
    );
}

#[test]
fn a_block_ends_in_its_file() {
    let files = [
        (
            "Kconfig",
            "if A\nsource \"a\"\nendif\nsource \"b\"\nendmenu\n",
        ),
        ("a", "endif\n"),
        ("b", "menu \"m\"\nif B\n"),
    ];
    assert_eq!(
        mistakes(&files),
        "\
a:1: `endif` would close the `if` at Kconfig:1, which another file opens
b:2: `if` is not closed in this file
b:1: `menu` is not closed in this file
Kconfig:5: `endmenu` closes nothing: no `menu` is open
"
    );
}

#[test]
fn a_tree_never_reads_what_lies_outside_it() {
    let folder = tempfile::tempdir().unwrap();
    let top = folder.path().join("tree");
    fs::create_dir(&top).unwrap();
    fs::write(folder.path().join("secret"), "config SECRET\n").unwrap();
    std::os::unix::fs::symlink("../secret", top.join("link")).unwrap();
    std::os::unix::fs::symlink("..", top.join("up")).unwrap();
    fs::create_dir(top.join("folder")).unwrap();
    let absolute = folder.path().join("secret");
    let names = [
        "../secret",
        "folder/../../secret",
        "link",
        "up/secret",
        "up/s*",
        "folder",
        absolute.to_str().unwrap(),
    ];
    for name in names {
        fs::write(top.join("Kconfig"), format!("source \"{name}\"\n")).unwrap();
        let (variables, answers) = (BTreeMap::new(), Answers::default());
        let error =
            parse::read(&top, "Kconfig", &mut Recorded::new(&variables, &answers)).unwrap_err();
        let told = mistakes_of(&error);
        let expected = match name {
            "folder" => "is not a file",
            _ => "lies outside the kernel tree",
        };
        assert!(told.contains(expected), "{name}: {told}");
    }
}

#[test]
fn a_name_under_srctree_is_one_in_the_tree() {
    let files = [
        ("Kconfig", "source \"$(srctree)/sub/a\"\n"),
        ("sub/a", "config A\n\tdefault \"$(filename):$(lineno)\"\n"),
    ];
    for top in [".", "/build/linux", "/build/linux/"] {
        let Ok(Reading::Done(tree, _)) = reading(&files, &[("srctree", top)], &[]) else {
            panic!("{top} is not understood");
        };
        assert_eq!(tree.files[1], "sub/a");
        assert!(shown(&tree).contains("sub/a:2'"));
    }
}
