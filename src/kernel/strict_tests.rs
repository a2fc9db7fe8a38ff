//! The strict check: every kind of loss is told, and what a waiver waives.

use insta::assert_snapshot;
use miette::{GraphicalReportHandler, GraphicalTheme};

use super::{
    dotconfig::DotConfig,
    fragment::{Fragment, Origin},
    merge::merge,
    profile::Profile,
    strict::{Resolved, compare},
    symbols::Definition,
};
use crate::arch::Arch;

fn check(fragment: &str, profile: &str, config: &str, symbols: &[&str]) -> String {
    let version = "6.12.117".parse().unwrap();
    let text =
        format!("schema: 1\nname: t\nsummary: s\nfragments: {{common: [f.conf]}}\n{profile}");
    let profile = Profile::parse("profiles/t.yaml", &text).unwrap();
    let requests = Fragment::parse("f.conf", fragment.as_bytes())
        .unwrap()
        .requests
        .into_iter()
        .chain(profile.off_requests(version, Arch::X86_64));
    let merged = merge(requests, version);
    let symbols = symbols
        .iter()
        .map(|text| {
            let origin = Origin {
                file: "net/Kconfig".into(),
                line: 7,
            };
            (text.parse().unwrap(), Definition { origin })
        })
        .collect();
    let config = DotConfig::parse(config).unwrap();
    let resolved = Resolved {
        version,
        arch: Arch::X86_64,
        symbols: &symbols,
        config: &config,
    };
    let verdict = compare(&merged, &profile, &resolved);
    let mut told = format!(
        "met {}, waived {}\n",
        verdict.met.len(),
        verdict.waived.len()
    );
    for (clause, why) in &verdict.idle {
        told += &format!("idle {}: {} {why}\n", clause.origin, clause.symbol);
    }
    if let Some(error) = verdict.error(&profile, &resolved) {
        GraphicalReportHandler::new_themed(GraphicalTheme::none())
            .with_width(110)
            .render_report(&mut told, &error)
            .unwrap();
    }
    told
}

#[test]
fn every_kind_of_loss_is_told_with_its_place_at_once() {
    assert_snapshot!(check(
        "CONFIG_VIRTIO_FS=y\nCONFIG_VIRTIO_NEET=y\n# CONFIG_PCI is not set\nCONFIG_EXT4_FS=y\n\
         CONFIG_NR_CPUS=0x10\nCONFIG_CMDLINE=\"a\"\nCONFIG_NET=y\n# CONFIG_TYPO_OFF is not set\nCONFIG_HIDDEN=y\n",
        "off: [{symbol: MODULE_SIG, reason: random key}]\n",
        "CONFIG_PCI=y\nCONFIG_EXT4_FS=m\nCONFIG_NR_CPUS=16\nCONFIG_CMDLINE=\"b\"\nCONFIG_NET=y\nCONFIG_MODULE_SIG=y\n",
        &["VIRTIO_FS", "VIRTIO_NET", "PCI", "EXT4_FS", "NR_CPUS", "CMDLINE", "NET", "MODULE_SIG", "HIDDEN"],
    ), @r#"
met 2, waived 0
kernel::strict

  x 8 of 10 requests did not reach the configuration of Linux 6.12.117 for x86_64
  help: correct or remove the request; or request what it depends on; or, when the guest can do without it,
        add `- {symbol: …, reason: …, versions: …}` to `waivers` in profiles/t.yaml

Error: 
  x must be off, but on
  |   profiles/t.yaml:5  MODULE_SIG  requested n, is y

Error: 
  x requested off, but on: another symbol selects it, or the architecture needs it
  |   f.conf:3  PCI  requested n, is y

Error: 
  x no such symbol in this kernel: mistyped, renamed, removed, or not for this architecture
  |   f.conf:2  VIRTIO_NEET  requested y, is not set
  |     did you mean VIRTIO_NET?
  |   f.conf:8  TYPO_OFF  requested n, is not set

Error: 
  x not set: what it depends on does not hold
  |   f.conf:1  VIRTIO_FS  requested y, is not set
  |   f.conf:9  HIDDEN  requested y, is not set

Error: 
  x requested built in, but a module
  |   f.conf:4  EXT4_FS  requested y, is m

Error: 
  x another value
  |   f.conf:6  CMDLINE  requested "a", is "b"
"#);
}

#[test]
fn what_is_met_or_waived_is_no_failure() {
    assert_snapshot!(check(
        "CONFIG_A=y\nCONFIG_B=y\nCONFIG_C=y\n",
        "waivers:\n- {symbol: A, reason: gone, versions: '>=6.0, <7.0'}\n- {symbol: B, reason: met by now, versions: <7.0}\n\
         - {symbol: D, reason: never asked, versions: <7.0}\n\
         - {symbol: C, reason: not here, architectures: [s390x], versions: <7.0}\n\
         - {symbol: C, reason: not yet, versions: '>=7.0, <7.1'}\n- {symbol: C, reason: no more, versions: <6.12}\n",
        "CONFIG_B=y\nCONFIG_C=y\n",
        &["B", "C"],
    ), @"
met 2, waived 1
idle profiles/t.yaml:7: B the request at f.conf:2 is met
idle profiles/t.yaml:8: D nothing requests it
idle profiles/t.yaml:11: C it ended before Linux 6.12.117
");
}

#[test]
fn a_waiver_that_has_ended_waives_nothing_and_is_named() {
    let told = check(
        "CONFIG_A=y\n",
        "waivers: [{symbol: A, reason: gone, versions: '<6.12'}]\n",
        "",
        &["A"],
    );
    assert!(told.contains("1 of 1 requests did not reach"), "{told}");
    assert!(
        told.contains("the waiver at profiles/t.yaml:5 has ended"),
        "{told}"
    );
}

#[test]
fn a_waiver_for_other_kernels_waives_nothing() {
    let told = check(
        "CONFIG_A=y\n",
        "waivers: [{symbol: A, reason: gone, versions: '>=7.0, <8.0'}]\n",
        "",
        &["A"],
    );
    assert!(told.contains("1 of 1 requests did not reach"), "{told}");
}
