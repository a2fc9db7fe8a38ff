//! Macros expand as the kernel's preprocessor expands them.

use super::{
    macros,
    parse::Reading,
    sketch::{mistakes, mistakes_of, reading, says, shown},
};

/// Returns what an expression expands to after these assignments.
fn expands(assignments: &str, text: &str) -> String {
    let files = [(
        "Kconfig",
        format!("{assignments}\nmainmenu_ := x\nconfig A\n\tdefault \"{text}\"\n"),
    )];
    let files = [(files[0].0, files[0].1.as_str())];
    match reading(
        &files,
        &[("ENV", "world"), ("1", "one")],
        &[("echo hi", "hi\n\nyou\n\n"), ("one", "two words")],
    ) {
        Ok(Reading::Done(tree, _)) => {
            let said = shown(&tree);
            said.split_once("default '")
                .unwrap()
                .1
                .strip_suffix("'\n")
                .unwrap()
                .to_owned()
        }
        Ok(Reading::Asks(commands)) => format!("asks {commands:?}"),
        Err(error) => mistakes_of(&error),
    }
}

#[test]
fn variables_are_expanded_when_their_kind_says() {
    assert_eq!(expands("X = 1\nA = $(X)\nX = 2", "$(A)"), "2");
    assert_eq!(expands("X = 1\nA := $(X)\nX = 2", "$(A)"), "1");
    assert_eq!(expands("X = 1\nA = a\nA += $(X)\nX = 2", "$(A)"), "a 2");
    assert_eq!(expands("X = 1\nA := a\nA += $(X)\nX = 2", "$(A)"), "a 1");
    assert_eq!(expands("X = 1\nA += $(X)\nX = 2", "$(A)"), "2");
    // What stands behind the sign is taken as it is, to the end of the line.
    assert_eq!(expands("A =   b # c \\  ", "[$(A)]"), "[b # c \\  ]");
    assert_eq!(expands("A =", "[$(A)]"), "[]");
    assert_eq!(
        expands("empty :=\nspace := $(empty) $(empty)", "[$(space)]"),
        "[ ]"
    );
    assert_eq!(expands("N = X\n$(N)Y = z", "$(XY)"), "z");
}

#[test]
fn functions_take_arguments() {
    assert_eq!(expands("f = <$(1)|$(2)>", "$(f,a,b c)"), "<a|b c>");
    // A missing argument is looked up like any variable.
    assert_eq!(expands("f = <$(1)|$(2)>", "$(f)"), "<one|>");
    assert_eq!(expands("f = $(1)$( +01)", "$(f, a)"), " a a");
    assert_eq!(
        expands("g = [$(1)]\nf = $(g,$(1),x)", "$(f,$(f,a))"),
        "[[a]]"
    );
    assert_eq!(expands("f = $(1)", "$(f,(a,b),c)"), "(a,b)");
    assert_eq!(
        expands("comma := ,\nf = $(1)-$(2)", "$(f,a$(comma)b)"),
        "a,b-"
    );
    assert_eq!(expands("name = f\nf = $(1)", "$($(name),x)"), "x");
    assert_eq!(expands("ENV = mine", "$(ENV)"), "mine");
    assert_eq!(expands("", "$(ENV)$(NONE)$(ENV,x)"), "world");
}

#[test]
fn a_dollar_alone_is_a_dollar() {
    assert_eq!(expands("", "$ $$ $ENV ${ENV} $"), "$ $$ $ENV ${ENV} $");
    assert_eq!(expands("", "\\$(ENV)"), "$(ENV)");
    assert_eq!(
        says("config A\n\tdefault a-$B_c\n"),
        "config A\n  default a-$B_c\n"
    );
}

#[test]
fn a_word_goes_on_behind_a_reference_and_an_empty_one_is_none() {
    assert_eq!(
        says("x = B\ny = && C\nif A$(x)_$(x) $(none) && D$(none)\nendif\n"),
        "if (AB_B && D)\n"
    );
    // What comes out is one word, whatever is in it.
    assert_eq!(says("x = B || C\nif $(x)\nendif\n"), "if B || C\n");
    // A reference is closed behind the quotes if need be.
    assert_eq!(
        says("config A\n\tprompt \"a $(none,\") b\"\n"),
        "config A\n  prompt \"a  b\"\n"
    );
}

#[test]
fn a_command_prints_one_line() {
    assert_eq!(expands("", "$(shell,echo hi)"), "hi  you");
    assert_eq!(expands("f = $(shell,$(1))", "<$(f,one)>"), "<two words>");
    assert_eq!(expands("", "$(shell,other)"), "asks [\"other\"]");
}

#[test]
fn a_command_that_needs_anothers_answer_is_asked_for_later() {
    let text = "\
a := $(shell,first)
$(error-if,$(shell,test $(a)),never)
config A
	default $(a) if $(shell,second)
	default $(shell,first) if $(a) = \"$(shell,third $(a))\"
source \"$(a)\"
";
    let ask = |answers: &[(&str, &str)]| {
        reading(&[("Kconfig", text), ("x", "config X\n")], &[], answers).unwrap()
    };
    assert_eq!(
        ask(&[]),
        Reading::Asks(vec!["first".into(), "second".into()])
    );
    let known = [("first", "x\n"), ("second", "y")];
    assert_eq!(
        ask(&known),
        Reading::Asks(vec!["test x".into(), "third x".into()])
    );
    let Reading::Done(tree, _) = ask(&[known[0], known[1], ("test x", ""), ("third x", "t")])
    else {
        panic!("something is still asked");
    };
    assert_eq!(
        shown(&tree),
        "config A\n  default x if 'y'\n  default x if [x = 't']\nconfig X\n"
    );
}

#[test]
fn built_in_functions_see_where_they_are_and_speak() {
    let files = [(
        "Kconfig",
        "\n$(info,hello)\n$(warning-if,y,look)$(warning-if,n,not)\n$(error-if,n,x)\n",
    )];
    let Ok(Reading::Done(_, notices)) = reading(&files, &[], &[]) else {
        panic!("not read");
    };
    let told: Vec<String> = notices
        .iter()
        .map(|notice| format!("{}: {}", notice.at.line, notice.says))
        .collect();
    assert_eq!(told, ["2: hello", "3: look"]);
    assert_eq!(expands("", "$(filename):$(lineno)"), "Kconfig:4");
}

#[test]
fn what_a_macro_cannot_do_is_told_with_its_place() {
    let told = |text: &str| mistakes(&[("Kconfig", text)]);
    assert_eq!(
        told("\n$(error-if,y,no compiler)\nbad bad\n"),
        "Kconfig:2: no compiler\n"
    );
    assert_eq!(
        told("A = $(B)\nB = $(A)\n\n$(A)\n"),
        "Kconfig:4: the variable `A` refers to itself\n"
    );
    assert_eq!(
        told("$(shell)\n"),
        "Kconfig:1: the function `shell` takes 1 arguments, not 0\n"
    );
    assert_eq!(
        told("$(info,a,b)\n"),
        "Kconfig:1: the function `info` takes 1 arguments, not 2\n"
    );
    assert_eq!(
        told("if $(open\nendif\n"),
        "Kconfig:1: the reference `$(open` is not closed\n"
    );
    let many = ",x".repeat(16);
    assert_eq!(
        told(&format!("$(f{many})\n")),
        "Kconfig:1: a reference has more than 15 arguments\n"
    );
    assert_eq!(
        told("f = $(f,x)\n$(f,x)\n"),
        "Kconfig:2: references lead to each other more than 200 deep\n"
    );
}

#[test]
fn right_after_a_help_text_nothing_is_assigned() {
    let text = "config A\n\thelp\n\t  Text.\n\nv = B\n";
    assert_eq!(
        mistakes(&[("Kconfig", text)]),
        "Kconfig:5: `v` cannot be assigned right after a help text\n"
    );
    let files = [
        ("Kconfig", "source \"a\"\nv = B\n"),
        ("a", "config A\n\thelp\n\t  Text.\n\n"),
    ];
    assert_eq!(
        mistakes(&files),
        "Kconfig:2: `v` cannot be assigned right after a help text\n"
    );
    // For `conf`, what expands to nothing is no mistake there.
    assert_eq!(
        says("v = B\nconfig A\n\thelp\n\t  Text.\nv = $(none)\nif C$(v)\nendif\n"),
        "config A\n  help \"Text.\"\nif C\n"
    );
}

#[test]
fn what_is_unanswered_is_seen_in_any_text() {
    assert!(!macros::is_unanswered(b"unanswered"));
    assert!(macros::is_unanswered(b"a\x01unanswered\x01b"));
}
