//! What remedies say for small trees. Each is evaluated once more here, from the lines as they are told.

use insta::assert_snapshot;

use super::{
    super::{
        dialect::Dialect,
        dotconfig::Requests,
        explain::{Asked, Knowledge, is_met},
        model::Model,
        modes::{Base, evaluate},
        sketch,
    },
    Limits, Remedy, remedy,
};

/// Returns what is to be written for a value, and makes sure that it works.
fn told(tree: &str, requests: &str, name: &str, wanted: &str) -> String {
    let (tree, _) = sketch::read(&[("Kconfig", tree)]);
    let model = Model::new(&tree, Dialect::ChoiceMembers).unwrap();
    let read = Requests::read(requests.as_bytes(), 0, model.dialect());
    let names = ["a.conf".to_owned()];
    let asked = Asked {
        requests: &read.requests,
        files: &names,
    };
    let values = evaluate(&model, Base::AllNo, &read.requests);
    let remedy = remedy(
        &values,
        asked,
        Base::AllNo,
        Knowledge::NONE,
        name,
        wanted,
        Limits::USUAL,
    );
    if let Remedy::Found(found) = &remedy {
        let mut text = requests.to_owned();
        for change in &found.change {
            text = text.replace(
                &super::line(&change.symbol, &change.from),
                &super::line(&change.symbol, &change.to),
            );
        }
        for line in &found.add {
            text += &format!("{}\n", line.line);
        }
        let read = Requests::read(text.as_bytes(), 0, model.dialect());
        let values = evaluate(&model, Base::AllNo, &read.requests);
        let id = model.find(name).unwrap();
        assert!(
            is_met(&values, id, model.symbol(id).kind.unwrap(), wanted),
            "{text}"
        );
    }
    remedy.to_string()
}

const TREE: &str = r#"
config MODULES
	bool "modules"
	modules

config HOTPLUG
	bool "Memory hotplug"
	select SPARSE

config SPARSE
	bool

config ZONE_DEVICE
	bool "Device memory"
	depends on HOTPLUG && !XIP

config XIP
	bool "In place"

config DAX
	tristate "Direct access"
	depends on ZONE_DEVICE
"#;

#[test]
fn what_a_request_needs_is_added_and_what_it_turns_on_is_told() {
    assert_snapshot!(told(TREE, "CONFIG_DAX=y\n", "DAX", "y"), @r"
    to get it, add
      CONFIG_HOTPLUG=y
      CONFIG_ZONE_DEVICE=y
    this turns on 1 more symbol: SPARSE
    ");
}

#[test]
fn a_line_that_is_not_needed_is_not_told() {
    assert_snapshot!(told(TREE, "CONFIG_HOTPLUG=y\n", "DAX", "y"), @r"
    to get it, add
      CONFIG_ZONE_DEVICE=y
      CONFIG_DAX=y
    ");
}

#[test]
fn only_where_nothing_else_helps_a_request_is_changed() {
    assert_snapshot!(told(TREE, "CONFIG_XIP=y\nCONFIG_DAX=y\nCONFIG_HOTPLUG=y\n", "DAX", "y"), @r"
    to get it, change
      CONFIG_XIP=y (a.conf:1) to # CONFIG_XIP is not set
    and add
      CONFIG_ZONE_DEVICE=y
    ");
}

#[test]
fn a_module_needs_modules() {
    assert_snapshot!(told(TREE, "CONFIG_HOTPLUG=y\nCONFIG_ZONE_DEVICE=y\n", "DAX", "m"), @r"
    to get it, add
      CONFIG_MODULES=y
      CONFIG_DAX=m
    ");
}

#[test]
fn a_symbol_without_a_prompt_is_had_by_its_cheapest_selector() {
    let tree = r#"
config LIB
	bool
config FAR
	bool "far"
	depends on AWAY
	select LIB
config AWAY
	bool "away"
config NEAR
	bool "near"
	select LIB
"#;
    assert_snapshot!(told(tree, "", "LIB", "y"), @r"
    to get it, add
      CONFIG_NEAR=y
    ");
}

#[test]
fn of_alternatives_the_one_that_asks_for_least_is_taken_and_never_a_compile_test() {
    let tree = r#"
config COMPILE_TEST
	bool "compile tests"
config EXPERT
	bool "expert"
config A
	bool "a"
	depends on B
config B
	bool "b"
config GOAL
	bool "goal"
	depends on COMPILE_TEST || EXPERT || A
config ODD
	bool "odd"
	depends on COMPILE_TEST
"#;
    assert_snapshot!(told(tree, "", "GOAL", "y"), @r"
    to get it, add
      CONFIG_B=y
      CONFIG_A=y
      CONFIG_GOAL=y
    ");
    assert_snapshot!(told(tree, "", "ODD", "y"), @r"
    no request can get it
      COMPILE_TEST is for kernels that are compiled and never run
    ");
}

#[test]
fn a_member_of_a_choice_is_had_without_touching_what_is_requested() {
    let tree = r#"
choice
	prompt "Timer"
config HZ_100
	bool "100"
config HZ_250
	bool "250"
endchoice
config FAST
	bool "fast"
	depends on HZ_250
"#;
    assert_snapshot!(told(tree, "", "FAST", "y"), @r"
    to get it, add
      CONFIG_HZ_250=y
      CONFIG_FAST=y
    this turns off 1 more symbol: HZ_100
    ");
    assert_snapshot!(told(tree, "CONFIG_HZ_100=y\n", "FAST", "y"), @r"
    to get it, add
      CONFIG_HZ_250=y
      CONFIG_FAST=y
    HZ_100 is then n, but requested y (a.conf:1)
    this turns off 1 more symbol: HZ_100
    ");
}

#[test]
fn what_selects_a_symbol_goes_off_with_it() {
    let tree = r#"
config LIB
	bool "lib"
config ONE
	bool "one"
	select LIB
config TWO
	bool
	default y if ONE
	select LIB
"#;
    assert_snapshot!(told(tree, "# CONFIG_LIB is not set\nCONFIG_ONE=y\n", "LIB", "n"), @r"
    to get it, change
      CONFIG_ONE=y (a.conf:2) to # CONFIG_ONE is not set
    this turns off 1 more symbol: TWO
    ");
}

#[test]
fn a_request_that_would_be_lost_is_kept_where_a_line_can_do_that() {
    let tree = r#"
config STACK
	bool "stack"
	depends on !KASAN || KASAN_VMALLOC
config KASAN
	bool "kasan"
config KASAN_VMALLOC
	bool "vmalloc"
	depends on KASAN
"#;
    assert_snapshot!(told(tree, "CONFIG_STACK=y\n", "KASAN", "y"), @r"
    to get it, add
      CONFIG_KASAN=y
      CONFIG_KASAN_VMALLOC=y
    ");
}

#[test]
fn a_comparison_is_met_by_setting_the_value() {
    let tree = r#"
config BITS
	int "bits"
	range 0 64
config LEVEL
	string "level"
config GOAL
	bool "goal"
	depends on BITS > 31 && LEVEL = "high"
"#;
    assert_snapshot!(told(tree, "", "GOAL", "y"), @r#"
    to get it, add
      CONFIG_BITS=32
      CONFIG_LEVEL="high"
      CONFIG_GOAL=y
    "#);
    assert_snapshot!(told(tree, "", "BITS", "65"), @r"
    no request can get it
      BITS is to be 0 to 64 (Kconfig:4)
    ");
}

#[test]
fn a_default_is_no_way_for_a_symbol_whose_prompt_will_be_shown() {
    let tree = r#"
config EXPERT
	bool "expert"
config MOUSE
	bool "mouse"
config WHEEL
	bool "wheel" if EXPERT
	default y
	depends on MOUSE
"#;
    assert_snapshot!(told(tree, "", "WHEEL", "y"), @r"
    to get it, add
      CONFIG_MOUSE=y
    ");
    assert_snapshot!(told(tree, "CONFIG_EXPERT=y\n", "WHEEL", "y"), @r"
    to get it, add
      CONFIG_MOUSE=y
      CONFIG_WHEEL=y
    ");
}

#[test]
fn exactly_a_module_is_neither_y_nor_n() {
    let tree = r#"
config MODULES
	bool "modules"
	modules
config BUS
	tristate "bus"
config LATE
	bool "late"
	depends on BUS = m
config EARLY
	bool "early"
	depends on BUS != m
"#;
    assert_snapshot!(told(tree, "", "LATE", "y"), @r"
    to get it, add
      CONFIG_MODULES=y
      CONFIG_BUS=m
      CONFIG_LATE=y
    ");
    assert_snapshot!(told(tree, "CONFIG_BUS=y\nCONFIG_EARLY=y\n", "EARLY", "n"), @r"
    to get it, change
      CONFIG_EARLY=y (a.conf:2) to # CONFIG_EARLY is not set
    ");
}

#[test]
fn where_nothing_helps_the_obstacle_is_named() {
    let tree = r#"
config BROKEN
	bool
config CC_HAS_IT
	def_bool n
config A
	bool "a"
	depends on ARM64
config B
	bool "b"
	depends on BROKEN
config C
	bool "c"
	depends on CC_HAS_IT && A
config D
	tristate "d"
	depends on m
config MODULES
	bool "modules"
	modules
"#;
    assert_snapshot!(told(tree, "", "A", "y"), @r"
    no request can get it
      ARM64 is defined by no file that this architecture reads
    ");
    assert_snapshot!(told(tree, "", "B", "y"), @r"
    no request can get it
      it is marked BROKEN
    ");
    assert_snapshot!(told(tree, "", "C", "y"), @r"
    no request can get it
      CC_HAS_IT is fixed at Kconfig:5, or hangs on a program's answer there
      ARM64 is defined by no file that this architecture reads
    ");
    assert_snapshot!(told(tree, "", "D", "y"), @r"
    no request can get it
      D can be nothing but a module (Kconfig:17)
    to get CONFIG_D=m instead, add
      CONFIG_MODULES=y
      CONFIG_D=m
    ");
    assert_snapshot!(told(tree, "", "A", "maybe"), @r"
    no request can get it
      `maybe` is no value for type bool
    ");
    assert_snapshot!(told(tree, "", "E", "y"), @"");
}
