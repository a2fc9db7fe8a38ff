//! How requests are read and values written.

use super::{
    evaluate_tests::{both, new, old},
    modes::Base,
};

#[test]
fn an_input_of_allnoconfig_keeps_its_number_at_the_bound() {
    both(
        Base::AllNo,
        r#"
config N
    int "n"
    range 1 10
    default 5
"#,
        "
CONFIG_N=50
",
        "
CONFIG_N=10
",
    );
}

#[test]
fn the_text_of_a_bool_is_n_as_a_default_whatever_its_value() {
    both(
        Base::Olddefconfig,
        r#"
config A
    def_bool y
config S
    string "s"
    default A
config T
    string "t"
    default "y" if A = "y"
"#,
        "",
        r#"
CONFIG_A=y
CONFIG_S="n"
CONFIG_T="y"
"#,
    );
}

#[test]
fn menus_have_a_heading_and_an_end_and_a_line_before_what_follows() {
    both(
        Base::Olddefconfig,
        r#"
mainmenu "Test"
menu "Outer"
config A
    bool "a"
menu "Empty"
endmenu
menu "Hidden"
    depends on A
endmenu
comment "Note"
menu "Unseen"
    visible if A
config B
    bool "b"
    default y
endmenu
endmenu
config C
    bool "c"
"#,
        "",
        "

#
# Outer
#
# CONFIG_A is not set

#
# Empty
#
# end of Empty

#
# Note
#
CONFIG_B=y
# end of Outer

# CONFIG_C is not set
",
    );
}

#[test]
fn strings_are_read_and_written_with_their_escapes() {
    both(
        Base::Olddefconfig,
        r#"
config A
    string "a"
config B
    string "b"
    default "d"
config C
    string "c"
"#,
        r#"
CONFIG_A="x\"y\\z"
CONFIG_B=bare
CONFIG_C="open
"#,
        r#"
CONFIG_A="x\"y\\z"
CONFIG_B="d"
CONFIG_C=""
"#,
    );
}

#[test]
fn of_a_truth_value_the_first_letter_counts_and_a_wrong_one_is_ignored() {
    both(
        Base::Olddefconfig,
        r#"
config A
    bool "a"
config B
    bool "b"
    default y
config N
    int "n"
    default 7
config H
    hex "h"
"#,
        "
CONFIG_A=yes
CONFIG_B=m
CONFIG_N=012
CONFIG_H=ff
",
        "
CONFIG_A=y
CONFIG_B=y
CONFIG_N=7
CONFIG_H=ff
",
    );
}

#[test]
fn a_word_is_compared_as_a_number_where_it_is_one() {
    both(
        Base::Olddefconfig,
        r#"
config N
    int
    default 10
config H
    hex
    default 0x10
config A
    def_bool y if N > 9
config B
    def_bool y if H = 16
config C
    def_bool y if UNKNOWN != n
config D
    def_bool y if "abc" < "b"
"#,
        "",
        "
CONFIG_N=10
CONFIG_H=0x10
CONFIG_A=y
CONFIG_B=y
CONFIG_C=y
CONFIG_D=y
",
    );
}

#[test]
fn a_request_for_a_hidden_symbol_is_ignored() {
    both(
        Base::Olddefconfig,
        r#"
config A
    bool
config B
    bool "b" if A
    default y
"#,
        "
CONFIG_A=y
# CONFIG_B is not set
",
        "
CONFIG_B=y
",
    );
}

#[test]
fn a_comment_on_a_line_that_is_unset_was_allowed() {
    let kconfig = r#"
config A
    bool "a"
    default y
"#;
    let requests = "
# CONFIG_A is not set here
";
    old(
        Base::Olddefconfig,
        kconfig,
        requests,
        "
# CONFIG_A is not set
",
    );
    new(
        Base::Olddefconfig,
        kconfig,
        requests,
        "
CONFIG_A=y
",
    );
}

#[test]
fn a_transitional_symbol_hands_its_value_to_the_new_name() {
    new(
        Base::Olddefconfig,
        r#"
config OLD
    bool
    transitional
config NEW
    bool "new"
    default OLD
config OLDN
    int
    transitional
config NEWN
    int "newn"
    default OLDN
"#,
        "
CONFIG_OLD=y
CONFIG_OLDN=7
",
        "
CONFIG_NEW=y
CONFIG_NEWN=7
",
    );
}
