//! What explanations say of values that no dependency decides: choices, numbers, modules, macros, unknown names.

use insta::assert_snapshot;

use super::tests::said;

#[test]
fn a_choice_names_the_member_that_won() {
    let tree = r#"
choice
	prompt "Timer"
	default HZ_250
config HZ_100
	bool "100"
config HZ_250
	bool "250"
config HZ_1000
	bool "1000"
endchoice
"#;
    assert_snapshot!(said(tree, "CONFIG_HZ_100=y\nCONFIG_HZ_1000=y\n", "HZ_100"), @r#"
    HZ_100  requested y (a.conf:1), but is n
      bool, "100", defined at Kconfig:5
      because
        HZ_100: its choice (Kconfig:2) takes HZ_1000, requested y (a.conf:2)
    "#);
    assert_snapshot!(said(tree, "", "HZ_100"), @r#"
    HZ_100  is n, and nobody requests it
      bool, "100", defined at Kconfig:5
      because
        HZ_100: its choice (Kconfig:2) takes HZ_250 by default, and nobody requests another
    "#);
}

#[test]
fn a_number_names_the_range_or_default_that_applied() {
    let tree = r#"
config MANY
	def_bool y
config CPUS
	int "cpus"
	range 2 64 if MANY
	range 2 8
	default 4
config SHIFT
	int
	default 12 if MANY
	default 10
"#;
    assert_snapshot!(said(tree, "CONFIG_CPUS=99\n", "CPUS"), @r#"
    CPUS  requested 99 (a.conf:1), but is 64
      int, "cpus", defined at Kconfig:4
      because
        CPUS is 64: requested 99 (a.conf:1) is outside the range 2 to 64 (Kconfig:6)
    "#);
    assert_snapshot!(said(tree, "CONFIG_SHIFT=14\n", "SHIFT"), @r"
    SHIFT  requested 14 (a.conf:1), but is 12
      int, no prompt, defined at Kconfig:9
      because
        SHIFT has no prompt, so a request is without effect
        SHIFT is 12: its default is 12 if MANY (Kconfig:11)
    ");
    assert_snapshot!(said(tree, "CONFIG_CPUS=eight\n", "CPUS"), @r#"
    CPUS  requested eight (a.conf:1), but is 4
      int, "cpus", defined at Kconfig:4
      because
        `eight` (a.conf:1) is no value for type int, so the request is without effect
        CPUS is 4: its default is 4 (Kconfig:8)
        its range 2 to 64 (Kconfig:6)
    "#);
}

#[test]
fn a_request_for_a_module_becomes_y_where_there_are_no_modules() {
    let tree = r#"
config MODULES
	bool "modules"
	modules
config DRIVER
	tristate "driver"
config BUS
	tristate "bus"
config DEVICE
	tristate "device"
	depends on BUS
"#;
    assert_snapshot!(said(tree, "CONFIG_DRIVER=m\n", "DRIVER"), @r#"
    DRIVER  requested m (a.conf:1), but is y
      tristate, "driver", defined at Kconfig:5
      because
        DRIVER is requested m (a.conf:1), but there are no modules here, so m counts as y
    "#);
    let requests = "CONFIG_MODULES=y\nCONFIG_BUS=m\nCONFIG_DEVICE=y\n";
    assert_snapshot!(said(tree, requests, "DEVICE"), @r#"
    DEVICE  requested y (a.conf:3), but is m
      tristate, "device", defined at Kconfig:9
      because
        DEVICE depends on BUS (Kconfig:11), which is m: requested m (a.conf:2)
    "#);
}

#[test]
fn a_condition_that_a_macro_decided_is_shown_as_it_is_written() {
    let tree = r#"
has-it = n
config CC_HAS_IT
	def_bool $(has-it)
config IT
	bool "it"
	depends on CC_HAS_IT
	depends on $(has-it)
"#;
    assert_snapshot!(said(tree, "CONFIG_IT=y\n", "IT"), @r#"
    IT  requested y (a.conf:1), but is n
      bool, "it", defined at Kconfig:5
      because
        IT depends on CC_HAS_IT (Kconfig:7), which is n: it has no prompt
          CC_HAS_IT has the default n (Kconfig:4), the answer to `def_bool $(has-it)`
        IT depends on n (Kconfig:8), the answer to `depends on $(has-it)`
    "#);
}

#[test]
fn an_unknown_symbol_has_similar_names_versions_and_mentions() {
    let tree = r#"
config MITIGATION_RETPOLINE
	bool "retpoline"
config MEMORY_HOTPLUG
	bool "hotplug"
	depends on ARM64
config NEW_NAME
	bool "new"
"#;
    assert_snapshot!(said(tree, "CONFIG_RETPOLINE=y\n", "RETPOLINE"), @r#"
    RETPOLINE  requested y (a.conf:1), but this tree has no such symbol
      similar names
        MITIGATION_RETPOLINE=n  "retpoline"
    "#);
    assert_snapshot!(said(tree, "", "MEMORY_HOTPULG"), @r#"
    MEMORY_HOTPULG  this tree has no such symbol
      similar names
        MEMORY_HOTPLUG=n  "hotplug"
    "#);
    assert_snapshot!(said(tree, "CONFIG_ARM64=y\n", "ARM64"), @r"
    ARM64  requested y (a.conf:1), but this tree has no such symbol
      it is mentioned at Kconfig:6: another architecture may define it
    ");
    assert_snapshot!(said(tree, "CONFIG_OLD_NAME=y\n", "OLD_NAME"), @r"
    OLD_NAME  requested y (a.conf:1), but this tree has no such symbol
      Linux 4.4 to 6.2 had it
    ");
}
