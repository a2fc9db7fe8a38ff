//! Fragments: what is read of them, and that every mistake is told with what to write.

use insta::assert_snapshot;

use super::{BadFile, fragment::Fragment};

fn parse(text: &str) -> Result<Fragment, BadFile> {
    Fragment::parse("fragments/test.conf", text.as_bytes())
}

fn told(text: &str) -> String {
    let bad = parse(text).unwrap_err();
    bad.problems().join("\n")
}

#[test]
fn a_fragment_says_where_every_request_stands_and_why() {
    let fragment = parse(
        "# A title: not metadata\n\n\
         # reason: First line,\n#   and its end.\n# feature: vsock, agent\n# since: 6.1\n# a remark\n\
         CONFIG_A=y\n# CONFIG_B is not set\n# reason: Another.\nCONFIG_C=\"x\"\n\nCONFIG_D=0x10\n",
    )
    .unwrap();
    let seen: Vec<_> = fragment
        .requests
        .iter()
        .map(|request| {
            format!(
                "{} {}={} {} {:?} old={}",
                request.origin,
                request.symbol,
                request.value,
                request.features.join("+"),
                request.reason,
                request.versions.holds("5.15".parse().unwrap()),
            )
        })
        .collect();
    assert_snapshot!(seen.join("\n"), @r#"
    fragments/test.conf:8 A=y vsock+agent Some("First line, and its end.") old=false
    fragments/test.conf:9 B=n vsock+agent Some("First line, and its end.") old=false
    fragments/test.conf:11 C="x"  Some("Another.") old=true
    fragments/test.conf:13 D=0x10  None old=true
    "#);
}

#[test]
fn every_mistake_is_told_at_once_with_what_to_write() {
    assert_snapshot!(told(
        "CONFIG_A\nNET=y\nCONFIG_B = y\n CONFIG_C=y\nCONFIG_D=Y\nCONFIG_E=eth0\nCONFIG_F=\"x\n\
         #CONFIG_G is not set\nhello world\nCONFIG_H-I=y\n# since: soon\n# reason:\nCONFIG_J=y # on\nCONFIG_K=n\n"
    ), @r#"
    line 1: no value: write `CONFIG_A=y` or `# CONFIG_A is not set`
    line 2: write `CONFIG_NET=y`
    line 3: write `CONFIG_B=y`
    line 4: write `CONFIG_C=y`
    line 5: write `y`
    line 6: write `y`, `m`, `n`, a number, or the string `"eth0"` in quotes
    line 7: the string does not end: add `"`
    line 8: Kconfig takes this for a comment: write `# CONFIG_G is not set`
    line 9: not a request: write `CONFIG_NAME=value`, or `#` before a comment
    line 10: `CONFIG_H-I` is not a symbol: write `CONFIG_NAME=value`
    line 11: `soon` is not a kernel version: write `6.12` or `6.12.3`
    line 12: `reason:` says nothing: write it out or remove the line
    line 13: write `y`, `m`, `n`, a number, or the string `"y # on"` in quotes
    "#);
}

#[test]
fn bytes_that_kconfig_would_misread_are_refused() {
    assert!(told("CONFIG_A=y\r\n").contains("CR LF"));
    assert!(told("A\0B").contains("NUL"));
    let bad = Fragment::parse("f", b"ok\n\xff").unwrap_err();
    assert_eq!(
        bad.problems(),
        ["line 2: not UTF-8: save the file as UTF-8"]
    );
}

#[test]
fn a_commented_out_request_and_a_missing_last_newline_are_fine() {
    let fragment = parse("#CONFIG_A=y\n# CONFIG_B=y\nCONFIG_C=y").unwrap();
    assert_eq!(fragment.requests.len(), 1);
}
