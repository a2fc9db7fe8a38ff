//! What Kconfig files say, as the kernel's `conf` understands them.

use super::{
    sketch::{mistakes, read, says, shown},
    syntax::Entry,
};

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
fn a_file_that_does_not_end_with_a_lines_end_is_read() {
    let (tree, notices) = read(&[("Kconfig", "config A\n\tbool")]);
    assert_eq!(shown(&tree), "config A\n  bool\n");
    assert_eq!(notices[0].says, "the file does not end with a line's end");
    assert!(
        read(&[("Kconfig", "config A\n\thelp\n\t  Text.")])
            .1
            .is_empty()
    );
}
