//! The lock as text: written, read back, cut, edited.

use std::sync::OnceLock;

use super::*;

static GOOD: OnceLock<String> = OnceLock::new();

#[test]
fn a_lock_reads_back_what_it_writes() {
    let lock = resolved(&world()).unwrap();
    let text = write(&lock);
    assert_eq!(read(Path::new("kata.lock"), &text).unwrap(), lock);
    let block = "    \
    - name: libc6
      version: \"2.41-12+deb13u1\"
      architecture: amd64
      suite: trixie-security
      for: [toolchain, vmm]
      path: pool/main/libc6_2.41-12+deb13u1_amd64.deb
      size: 10
      sha256: \"";
    assert!(text.contains(block), "{text}");
}

#[test]
fn a_lock_that_was_tampered_with_is_refused_with_the_line() {
    let good = write(&resolved(&world()).unwrap());
    let line_of = |needle: &str| good.lines().position(|line| line.contains(needle)).unwrap() + 1;
    let libc = line_of("- name: libc6");
    let block: String = good.split_inclusive('\n').skip(libc - 1).take(8).collect();
    for (from, to, why, line) in [
        (
            "schema: 1",
            "schema: 2",
            "its schema is 2; this program reads 1",
            line_of("schema"),
        ),
        (
            "schema: 1",
            "schema: one",
            "invalid type",
            line_of("schema"),
        ),
        (
            "\nrequests:",
            "\n<<<<<<< HEAD\nrequests:",
            "conflict markers",
            line_of("requests:"),
        ),
        ("...\n", "", "cut short", good.lines().count() - 1),
        (
            &*block,
            &*block.repeat(2),
            "`libc6` is there twice",
            libc + 8,
        ),
        (
            "- name: libc6",
            "- name: li bc6",
            "not the name of a package",
            libc,
        ),
        (
            "suite: trixie-security",
            "suite: sid",
            "suite `sid`, which is not under",
            libc,
        ),
        (
            "version: \"2.41-12+deb13u1\"",
            "version: \"2 41\"",
            "version of `libc6`",
            libc,
        ),
        (
            "pool/main/libc6",
            "../libc6",
            "the path of `libc6` leaves",
            libc,
        ),
        (
            "version: \"2.41-12+deb13u1\"",
            "version: \"2.41-13\"",
            "the version of `libc6` is 2.41-13, and its file is of version 2.41-12+deb13u1",
            libc,
        ),
        ("for: [toolchain, vmm]", "for: []", "`for` of `libc6`", libc),
        (
            "for: [toolchain, vmm]",
            "for: [vmm, toolchain]",
            "`for` of `libc6`",
            libc,
        ),
        (
            "for: [toolchain, vmm]",
            "for: [boat]",
            "unknown variant `boat`",
            libc + 4,
        ),
        ("size: 10", "size: -1", "invalid", line_of("size:")),
        (
            "size: 10",
            "length: 10",
            "unknown field `length`",
            line_of("size:"),
        ),
        ("  trixie-security:", "  trixie:", "is there twice", 0),
        ("2026-02-28T", "yesterday", "date of release `trixie`", 0),
    ] {
        assert!(good.contains(from), "{from}");
        let bad = good.replacen(from, to, 1);
        let error = read(Path::new("kata.lock"), &bad).unwrap_err();
        assert!(error.to_string().contains(why), "{why}: {error}");
        let labels = miette::Diagnostic::labels(&error).into_iter().flatten();
        let start = labels.map(|label| label.offset()).next();
        let told = start.map(|start| bad[..start].matches('\n').count() + 1);
        assert!(
            line == 0 || told == Some(line),
            "{why}: {told:?}, not {line}: {error}"
        );
    }
    let digest = good.find("sha256: \"").unwrap() + 9;
    let bad = format!("{}{}", &good[..digest], &good[digest + 1..]);
    assert!(read(Path::new("kata.lock"), &bad).is_err());
}

#[test]
fn a_lock_cut_anywhere_is_refused() {
    let good = write(&resolved(&world()).unwrap());
    for line in 0..good.lines().count() {
        let cut: String = good.split_inclusive('\n').take(line).collect();
        assert!(read(Path::new("kata.lock"), &cut).is_err(), "{line}");
    }
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(64))]

    #[test]
    fn a_changed_byte_is_refused_or_read_calmly(at: proptest::sample::Index, byte in 0u8..128) {
        let good = GOOD.get_or_init(|| write(&resolved(&world()).unwrap()));
        let mut bytes = good.clone().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let text = String::from_utf8(bytes).unwrap();
        if let Ok(lock) = read(Path::new("kata.lock"), &text) {
            proptest::prop_assert_eq!(read(Path::new("kata.lock"), &write(&lock)).unwrap(), lock);
        }
    }
}
