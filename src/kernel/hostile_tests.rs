//! What reads files of others does not fall over whatever is in them: it reads them or refuses them.

use proptest::prelude::*;

use super::{
    diff, dotconfig::DotConfig, features::Features, fragment::Fragment, image, profile::Profile,
    value::Value, version::VersionRange,
};
use crate::arch::Arch;

/// Lines that look like the real ones, cut and mixed at random.
fn lines() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "CONFIG_A",
        "=",
        "y",
        "\"x\\",
        "\"",
        "# ",
        " is not set",
        "reason:",
        "since: 6",
        "\n",
        "\n",
        "schema: 1\n",
        "extends: ",
        "drop:\n",
        "features:\n",
        "levels: {a: required}\n",
        "kata_fragments: ",
        "level: none",
        "accept: any",
        "off:\n",
        "- ",
        "{symbol: A}",
        "--- a/x",
        "+++ b/y",
        "\n@@ -1,2 +1 @@\n",
        "diff --git a/é b/é",
        "rename to ",
        "\t",
        "0x",
        ",",
        ">=",
        "é",
        "99999999999999999999",
    ]);
    prop::collection::vec(words, 0..40).prop_map(|words| words.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_or_refused(text in lines()) {
        let bytes = text.as_bytes();
        if let Ok(fragment) = Fragment::parse("f", bytes) {
            let again: String = fragment
                .requests
                .iter()
                .map(|request| request.value.line_for(&request.symbol) + "\n")
                .collect();
            let reread = Fragment::parse("f", again.as_bytes()).unwrap();
            prop_assert_eq!(reread.requests.len(), fragment.requests.len());
            prop_assert!(DotConfig::parse(&again).is_ok());
        }
        let _ = diff::touched("p", bytes);
        let _ = Profile::parse("p", &text);
        let named = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        let files = [named("profiles/p.yaml", "schema: 1\n"), named("whitelist.conf", &text)];
        let _ = Profile::assemble(&files);
        let _ = Features::parse("features.yaml", &text);
        let _ = DotConfig::parse(&text);
        let _ = text.parse::<VersionRange>();
    }

    #[test]
    fn any_string_value_reads_back(text in "[^\\r\\n\\x00]*") {
        let value = Value::Text(text);
        prop_assert_eq!(Value::parse(&value.to_string()), Ok(value));
    }

    #[test]
    fn any_damage_to_a_kernel_is_found_or_harmless(
        at in 0usize..0x2100,
        byte in any::<u8>(),
        kind in any::<bool>(),
    ) {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut bytes = if kind {
            image::tests::elf_file(62, Some(18))
        } else {
            image::tests::bzimage_file()
        };
        bytes[at] = byte;
        std::fs::write(file.path(), &bytes).unwrap();
        let _ = image::check_vmlinux(file.path(), Arch::X86_64);
        let _ = image::check_vmlinuz(file.path(), Arch::X86_64);
    }
}
