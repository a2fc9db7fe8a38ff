//! What explanations say of small trees.

use insta::assert_snapshot;

use super::{
    super::{
        dialect::Dialect,
        dotconfig::Requests,
        model::Model,
        modes::{Base, evaluate},
        sketch,
    },
    Asked, Knowledge, explain,
};

/// Returns what is said of a symbol of a tree under requests.
pub(super) fn said(tree: &str, requests: &str, name: &str) -> String {
    said_by(&[("Kconfig", tree)], requests, name, Base::AllNo)
}

fn said_by(files: &[(&str, &str)], requests: &str, name: &str, base: Base) -> String {
    let (tree, _) = sketch::read(files);
    let model = Model::new(&tree, Dialect::ChoiceMembers).unwrap();
    let read = Requests::read(requests.as_bytes(), 0, model.dialect());
    let names = ["a.conf".to_owned()];
    let asked = Asked {
        requests: &read.requests,
        files: &names,
    };
    let values = evaluate(&model, base, &read.requests);
    let line = |name: &str, line: u32| {
        let (_, text) = files.iter().find(|(file, _)| *file == name)?;
        text.lines()
            .nth(usize::try_from(line).ok()? - 1)
            .map(str::to_owned)
    };
    let versions = |name: &str| (name == "OLD_NAME").then(|| "4.4 to 6.2".to_owned());
    explain(
        &values,
        asked,
        Knowledge {
            versions: &versions,
            line: &line,
        },
        name,
    )
    .to_string()
}

const HOTPLUG: &str = r#"
config MODULES
	bool "modules"
	modules

menu "Memory"

config MEMORY_HOTPLUG
	bool "Memory hotplug"

config ZONE_DEVICE
	bool "Device memory"
	depends on MEMORY_HOTPLUG && !XIP

config XIP
	bool "In place"

endmenu

if BLOCK

config FS_DAX
	bool "Direct access"
	depends on ZONE_DEVICE

endif

config BLOCK
	bool "Blocks"
"#;

#[test]
fn an_unmet_dependency_is_followed_to_the_symbol_that_is_really_off() {
    assert_snapshot!(said(HOTPLUG, "CONFIG_BLOCK=y\nCONFIG_FS_DAX=y\n", "FS_DAX"), @r#"
    FS_DAX  requested y (a.conf:2), but is n
      bool, "Direct access", defined at Kconfig:22
      because
        FS_DAX depends on ZONE_DEVICE (Kconfig:24), which is n: nobody requests it
          ZONE_DEVICE depends on MEMORY_HOTPLUG (Kconfig:13), which is n: nobody requests it
    "#);
}

#[test]
fn whoever_turned_the_symbol_off_is_named_with_the_line() {
    let requests =
        "CONFIG_BLOCK=y\n# CONFIG_MEMORY_HOTPLUG is not set\nCONFIG_ZONE_DEVICE=y\nCONFIG_XIP=y\n";
    assert_snapshot!(said(HOTPLUG, requests, "ZONE_DEVICE"), @r#"
    ZONE_DEVICE  requested y (a.conf:3), but is n
      bool, "Device memory", defined at Kconfig:11
      in the menu Memory
      because
        ZONE_DEVICE depends on MEMORY_HOTPLUG (Kconfig:13), which is n: requested n (a.conf:2)
        ZONE_DEVICE depends on !XIP (Kconfig:13), but XIP is y: requested y (a.conf:4)
    "#);
}

#[test]
fn a_dependency_of_a_block_is_told_as_the_blocks() {
    assert_snapshot!(said(HOTPLUG, "CONFIG_FS_DAX=y\nCONFIG_ZONE_DEVICE=y\nCONFIG_MEMORY_HOTPLUG=y\n", "FS_DAX"), @r#"
    FS_DAX  requested y (a.conf:1), but is n
      bool, "Direct access", defined at Kconfig:22
      because
        FS_DAX is in an `if` block that needs BLOCK (Kconfig:20), which is n: nobody requests it
    "#);
}

#[test]
fn of_two_requests_the_last_one_counts_and_both_are_told() {
    assert_snapshot!(said(HOTPLUG, "CONFIG_XIP=y\n# CONFIG_XIP is not set\n", "XIP"), @r#"
    XIP  requested y (a.conf:1), then n (a.conf:2), is n
      bool, "In place", defined at Kconfig:15
      in the menu Memory
      because
        XIP: requested n (a.conf:2)
    "#);
}

#[test]
fn what_is_off_for_one_reason_is_said_once() {
    let tree = r#"
config A
	bool "a"
config B
	bool "b"
	depends on A
config C
	bool "c"
	depends on A
config D
	bool "d"
	depends on B && C && B != n
"#;
    assert_snapshot!(said(tree, "CONFIG_D=y\n", "D"), @r#"
    D  requested y (a.conf:1), but is n
      bool, "d", defined at Kconfig:10
      because
        D depends on B (Kconfig:12), which is n: nobody requests it
          B depends on A (Kconfig:6), which is n: nobody requests it
        D depends on C (Kconfig:12), which is n: nobody requests it, and waits for what is said above
        D depends on B!=n (Kconfig:12), but B is n: nobody requests it, as said above
    "#);
}

#[test]
fn of_alternatives_each_is_told_in_brief_and_compile_tests_are_left_out() {
    let tree = r#"
config A
	bool "a"
config COMPILE_TEST
	bool "compile tests"
config B
	bool "b"
	depends on A || (C && D) || COMPILE_TEST
config C
	bool "c"
config D
	def_bool n
config E
	bool "e"
	depends on B || COMPILE_TEST
"#;
    assert_snapshot!(said(tree, "CONFIG_E=y\nCONFIG_C=y\n", "E"), @r#"
    E  requested y (a.conf:1), but is n
      bool, "e", defined at Kconfig:13
      because
        E depends on B || COMPILE_TEST (Kconfig:15), and neither holds
          B is n: nobody requests it
            B depends on A || C && D || COMPILE_TEST (Kconfig:8), and neither holds
              A is n: nobody requests it
              D is n: it has no prompt
    "#);
}

#[test]
fn a_symbol_without_a_prompt_names_who_would_select_it() {
    let tree = r#"
config LIB
	bool
config ONE
	bool "one"
	select LIB
config TWO
	bool "two"
	select LIB if ONE
"#;
    assert_snapshot!(said(tree, "CONFIG_LIB=y\nCONFIG_TWO=y\n", "LIB"), @r"
    LIB  requested y (a.conf:1), but is n
      bool, no prompt, defined at Kconfig:2
      because
        LIB: it has no prompt, and nothing that is on selects it
          ONE would select LIB (Kconfig:6), but is n: nobody requests it
          TWO selects LIB only if ONE (Kconfig:9), which is n: nobody requests it
    ");
}

#[test]
fn what_is_selected_against_a_request_names_the_selectors_and_why_they_are_on() {
    let tree = r#"
config LIB
	bool "lib"
config MIDDLE
	bool
	select LIB
config TOP
	bool "top"
	select MIDDLE
config OTHER
	bool "other"
	select LIB
"#;
    assert_snapshot!(said(tree, "# CONFIG_LIB is not set\nCONFIG_TOP=y\nCONFIG_OTHER=y\n", "LIB"), @r#"
    LIB  requested n (a.conf:1), but is y
      bool, "lib", defined at Kconfig:2
      because
        LIB is y: requested n (a.conf:1), but selected by MIDDLE (Kconfig:6) and OTHER (Kconfig:12)
          MIDDLE is y: selected by TOP (Kconfig:9)
            TOP is y: requested y (a.conf:2)
          OTHER is y: requested y (a.conf:3)
    "#);
}

#[test]
fn a_chain_of_a_hundred_ends() {
    let mut tree = String::from("config S0\n\tbool \"s\"\n");
    for number in 1..100 {
        tree += &format!(
            "config S{number}\n\tbool \"s\"\n\tdepends on S{}\n",
            number - 1
        );
    }
    assert!(said(&tree, "CONFIG_S99=y\n", "S99").lines().count() < 20);
}

#[test]
fn json_tells_the_same_steps() {
    let (tree, _) = sketch::read(&[("Kconfig", HOTPLUG)]);
    let model = Model::new(&tree, Dialect::ChoiceMembers).unwrap();
    let read = Requests::read(
        b"CONFIG_ZONE_DEVICE=y\n# CONFIG_MEMORY_HOTPLUG is not set\n",
        0,
        model.dialect(),
    );
    let names = ["a.conf".to_owned()];
    let asked = Asked {
        requests: &read.requests,
        files: &names,
    };
    let values = evaluate(&model, Base::AllNo, &read.requests);
    let explanation = explain(&values, asked, Knowledge::NONE, "ZONE_DEVICE");
    assert_snapshot!(serde_json::to_string_pretty(&explanation).unwrap(), @r#"
    {
      "symbol": "ZONE_DEVICE",
      "requests": [
        {
          "value": "y",
          "at": "a.conf:1"
        }
      ],
      "status": "defined",
      "type": "bool",
      "value": "n",
      "outcome": "lost",
      "prompt": "Device memory",
      "defined": [
        "Kconfig:11"
      ],
      "menus": [
        "Memory"
      ],
      "because": [
        {
          "kind": "unmet",
          "symbol": "ZONE_DEVICE",
          "condition": "MEMORY_HOTPLUG",
          "at": "Kconfig:13",
          "request": {
            "value": "n",
            "at": "a.conf:2"
          },
          "says": "ZONE_DEVICE depends on MEMORY_HOTPLUG (Kconfig:13), which is n: requested n (a.conf:2)"
        }
      ]
    }
    "#);
}
