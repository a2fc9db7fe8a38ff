//! How choices decide, in both generations.

use super::{
    dialect::Dialect,
    evaluate_tests::{both, new, old},
    model::Model,
    modes::Base,
    sketch::{mistakes_of, read},
};

#[test]
fn the_member_asked_for_last_wins() {
    both(
        Base::Olddefconfig,
        r#"
choice
    prompt "c"
    default A
config A
    bool "a"
config B
    bool "b"
config C
    bool "c"
endchoice
"#,
        "
CONFIG_C=y
CONFIG_B=y
# CONFIG_A is not set
",
        "
# CONFIG_A is not set
CONFIG_B=y
# CONFIG_C is not set
",
    );
}

#[test]
fn a_choice_whose_default_is_refused_took_it_and_takes_the_next() {
    let kconfig = r#"
choice
    prompt "c"
    default A
config A
    bool "a"
config B
    bool "b"
endchoice
"#;
    let requests = "
# CONFIG_A is not set
";
    old(
        Base::Olddefconfig,
        kconfig,
        requests,
        "
CONFIG_A=y
# CONFIG_B is not set
",
    );
    new(
        Base::Olddefconfig,
        kconfig,
        requests,
        "
# CONFIG_A is not set
CONFIG_B=y
",
    );
}

#[test]
fn of_a_choice_whose_members_are_all_refused_the_default_stayed_and_the_one_refused_first_wins() {
    let kconfig = r#"
choice
    prompt "c"
    default A
config A
    bool "a"
config B
    bool "b"
config C
    bool "c"
endchoice
"#;
    let requests = "
# CONFIG_B is not set
# CONFIG_C is not set
# CONFIG_A is not set
";
    old(
        Base::Olddefconfig,
        kconfig,
        requests,
        "
CONFIG_A=y
# CONFIG_B is not set
# CONFIG_C is not set
",
    );
    new(
        Base::Olddefconfig,
        kconfig,
        requests,
        "
# CONFIG_A is not set
CONFIG_B=y
# CONFIG_C is not set
",
    );
}

#[test]
fn a_choice_takes_its_default_in_allyesconfig() {
    both(
        Base::AllYes,
        r#"
choice
    prompt "c"
    default B
config A
    bool "a"
config B
    bool "b"
endchoice
config X
    bool "x"
"#,
        "",
        "
# CONFIG_A is not set
CONFIG_B=y
CONFIG_X=y
",
    );
}

#[test]
fn an_optional_choice_is_off_until_a_member_is_asked_for() {
    old(
        Base::Olddefconfig,
        r#"
choice
    prompt "c"
    optional
config A
    bool "a"
config B
    bool "b"
endchoice
"#,
        "",
        "",
    );
}

#[test]
fn an_optional_choice_is_on_with_the_member_asked_for() {
    old(
        Base::Olddefconfig,
        r#"
choice
    bool "c"
    optional
config A
    bool "a"
config B
    bool "b"
endchoice
"#,
        "
CONFIG_B=y
",
        "
# CONFIG_A is not set
CONFIG_B=y
",
    );
}

#[test]
fn a_choice_of_modules_may_have_several() {
    old(
        Base::Olddefconfig,
        r#"
config MODULES
    bool "modules"
    modules
choice
    tristate "c"
config A
    tristate "a"
config B
    tristate "b"
config C
    bool "c"
endchoice
"#,
        "
CONFIG_MODULES=y
CONFIG_A=m
CONFIG_B=m
",
        "
CONFIG_MODULES=y
CONFIG_A=m
CONFIG_B=m
",
    );
}

#[test]
fn a_choice_of_modules_with_one_asked_to_be_built_in_before_a_module_stays_one_of_modules() {
    old(
        Base::Olddefconfig,
        r#"
config MODULES
    bool "modules"
    modules
choice
    tristate "c"
config A
    tristate "a"
config B
    tristate "b"
config C
    bool "c"
endchoice
"#,
        "
CONFIG_MODULES=y
CONFIG_A=y
CONFIG_B=m
",
        "
CONFIG_MODULES=y
CONFIG_A=m
CONFIG_B=m
",
    );
}

#[test]
fn a_member_that_follows_the_member_it_depends_on_is_no_alternative_to_it() {
    old(
        Base::Olddefconfig,
        r#"
choice
    prompt "c"
config A
    bool "a"
config SUB
    bool "sub"
    depends on A
config B
    bool "b"
endchoice
"#,
        "
CONFIG_A=y
CONFIG_SUB=y
",
        "
CONFIG_A=y
CONFIG_SUB=y
# CONFIG_B is not set
",
    );
}

#[test]
fn members_under_a_condition_are_members() {
    both(
        Base::Olddefconfig,
        r#"
config X
    bool "x"
choice
    prompt "c"
config A
    bool "a"
if X
config B
    bool "b"
endif
endchoice
"#,
        "
CONFIG_X=y
CONFIG_B=y
",
        "
CONFIG_X=y
# CONFIG_A is not set
CONFIG_B=y
",
    );
}

#[test]
fn a_member_that_depends_on_a_member_of_its_choice_is_an_error_where_it_is_an_alternative_to_it() {
    let text = "choice\n prompt \"c\"\nconfig A\n bool \"a\"\nconfig B\n bool \"b\"\n depends on A\nendchoice\n";
    let tree = read(&[("Kconfig", text)]).0;
    assert!(Model::new(&tree, Dialect::ChoiceSymbols).is_ok());
    let error = Model::new(&tree, Dialect::ChoiceMembers).unwrap_err();
    assert_eq!(
        mistakes_of(&error).trim_end(),
        "Kconfig:1: a symbol depends on itself: the choice at Kconfig:1 needs the choice at Kconfig:1"
    );
}
