//! Which values follow, and how `.config` is written.
//! The expectations are what the kernel's own `conf` of 6.1, 6.12 and 7.2 writes for these texts.

use super::{
    dialect::Dialect,
    dotconfig::Requests,
    model::Model,
    modes::{Base, evaluate},
    sketch::{mistakes_of, read},
};

/// Returns the `.config` without its heading.
pub(super) fn config(dialect: Dialect, base: Base, kconfig: &str, requests: &str) -> String {
    let tree = read(&[("Kconfig", kconfig)]).0;
    let model = Model::new(&tree, dialect).unwrap();
    let requests = Requests::read(requests.trim_start().as_bytes(), 0, dialect);
    let text = evaluate(&model, base, &requests.requests).dot_config();
    text.splitn(5, '\n').nth(4).unwrap().to_owned()
}

/// Checks what kernels up to 6.10 make of it.
pub(super) fn old(base: Base, kconfig: &str, requests: &str, expected: &str) {
    let got = config(Dialect::ChoiceSymbols, base, kconfig, requests);
    assert_eq!(
        got,
        expected.strip_prefix('\n').unwrap_or(expected),
        "until 6.10"
    );
}

/// Checks what kernels from 6.11 on make of it.
pub(super) fn new(base: Base, kconfig: &str, requests: &str, expected: &str) {
    let got = config(Dialect::ChoiceMembers, base, kconfig, requests);
    assert_eq!(
        got,
        expected.strip_prefix('\n').unwrap_or(expected),
        "from 6.11"
    );
}

/// Checks what all kernels make of it.
pub(super) fn both(base: Base, kconfig: &str, requests: &str, expected: &str) {
    old(base, kconfig, requests, expected);
    new(base, kconfig, requests, expected);
}

#[test]
fn a_definition_without_dependencies_does_not_free_one_that_has_some() {
    both(
        Base::Olddefconfig,
        r#"
config D
    bool "d"
config A
    bool "a"
    depends on D
config A
    bool
config I
    def_bool y
    imply A
"#,
        "",
        "
# CONFIG_D is not set
# CONFIG_A is not set
CONFIG_I=y
",
    );
}

#[test]
fn a_number_without_a_default_was_empty_and_is_zero() {
    let kconfig = r#"
config N
    int "n"
config H
    hex "h"
config S
    string "s"
"#;
    let requests = "";
    old(
        Base::Olddefconfig,
        kconfig,
        requests,
        r#"
CONFIG_N=
CONFIG_H=
CONFIG_S=""
"#,
    );
    new(
        Base::Olddefconfig,
        kconfig,
        requests,
        r#"
CONFIG_N=0
CONFIG_H=0x0
CONFIG_S=""
"#,
    );
}

#[test]
fn a_number_outside_its_range_was_forgotten_except_by_what_followed_and_is_put_at_the_bound() {
    let kconfig = r#"
config N
    int "n"
    range 1 10
    default 5
config HIGH
    def_bool y
    depends on N > 7
"#;
    let requests = "
CONFIG_N=50
";
    old(
        Base::Olddefconfig,
        kconfig,
        requests,
        "
CONFIG_N=5
CONFIG_HIGH=y
",
    );
    new(
        Base::Olddefconfig,
        kconfig,
        requests,
        "
CONFIG_N=10
CONFIG_HIGH=y
",
    );
}

#[test]
fn without_modules_m_is_y_as_a_value_and_n_as_a_condition() {
    both(
        Base::Olddefconfig,
        r#"
config MODULES
    bool "modules"
    modules
config A
    tristate "a"
    default m
config B
    tristate "b"
    default y
    depends on m
config C
    tristate "c"
"#,
        "
CONFIG_C=m
",
        "
# CONFIG_MODULES is not set
CONFIG_A=y
CONFIG_C=y
",
    );
}

#[test]
fn a_visible_m_limits_a_request_and_makes_a_bool_y() {
    both(
        Base::Olddefconfig,
        r#"
config MODULES
    bool "modules"
    modules
config A
    tristate "a"
config B
    tristate "b"
    depends on A
config C
    bool "c"
    depends on A
"#,
        "
CONFIG_MODULES=y
CONFIG_A=m
CONFIG_B=y
CONFIG_C=y
",
        "
CONFIG_MODULES=y
CONFIG_A=m
CONFIG_B=m
CONFIG_C=y
",
    );
}

#[test]
fn select_overrides_a_dependency_and_a_request() {
    both(
        Base::Olddefconfig,
        r#"
config MODULES
    bool "modules"
    modules
config D
    bool "d"
config T
    tristate "t"
    depends on D
config S
    tristate "s"
    select T
"#,
        "
CONFIG_MODULES=y
CONFIG_S=m
CONFIG_T=y
",
        "
CONFIG_MODULES=y
# CONFIG_D is not set
CONFIG_T=m
CONFIG_S=m
",
    );
}

#[test]
fn imply_gives_a_default_that_a_request_overrides() {
    both(
        Base::Olddefconfig,
        r#"
config A
    bool "a"
config B
    bool "b"
config I
    def_bool y
    imply A
    imply B
"#,
        "
# CONFIG_B is not set
",
        "
CONFIG_A=y
# CONFIG_B is not set
CONFIG_I=y
",
    );
}

#[test]
fn allnoconfig_leaves_its_default_to_what_shows_no_prompt() {
    both(
        Base::AllNo,
        r#"
config A
    bool "a"
    default y
config B
    def_bool y
config C
    bool "c" if A
    default y
config N
    int "n"
    default 3
"#,
        "",
        "
# CONFIG_A is not set
CONFIG_B=y
CONFIG_C=y
CONFIG_N=3
",
    );
}

#[test]
fn a_dependency_under_a_condition_holds_where_the_condition_is_off() {
    new(
        Base::Olddefconfig,
        r#"
config MODULES
    bool "modules"
    modules
config X
    tristate "x"
config Y
    tristate "y"
config A
    tristate "a"
    default y
    depends on X if Y
config B
    tristate "b"
    default y
    depends on X if !Y
"#,
        "
CONFIG_MODULES=y
CONFIG_Y=m
",
        "
CONFIG_MODULES=y
# CONFIG_X is not set
CONFIG_Y=m
CONFIG_B=y
",
    );
}

#[test]
fn a_symbol_that_depends_on_itself_is_one_error_with_the_circle() {
    let text = "config A\n    bool \"a\"\n    depends on B\nconfig B\n    bool\n    select A\n    default y if A\n";
    let tree = read(&[("Kconfig", text)]).0;
    let error = Model::new(&tree, Dialect::ChoiceMembers).unwrap_err();
    assert_eq!(
        mistakes_of(&error).trim_end(),
        "Kconfig:1: a symbol depends on itself: A needs B needs A"
    );
}

#[test]
fn a_long_chain_of_dependencies_needs_no_deep_stack() {
    let mut text = "config S0\n    def_bool y\n".to_owned();
    for number in 1..20_000 {
        text += &format!("config S{number}\n    def_bool S{}\n", number - 1);
    }
    assert!(
        config(Dialect::ChoiceSymbols, Base::Olddefconfig, &text, "")
            .ends_with("\nCONFIG_S19999=y\n")
    );
}
