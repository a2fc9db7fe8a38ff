//! Canonical JSON: one value, one text. Annotations are hash maps in oci-spec, so plain serialisation is not stable.

use olpc_cjson::CanonicalFormatter;
use serde::Serialize;

/// Returns the canonical JSON of a value: keys sorted, nothing between tokens.
///
/// # Panics
/// A text in it has a control character, which canonical JSON would write as it is: the checks before packing see to
/// it that there is none.
pub(super) fn canonical(value: &impl Serialize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let formatter = CanonicalFormatter::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, formatter);
    value
        .serialize(&mut serializer)
        .expect("what is written here is plain data");
    assert!(
        bytes.iter().all(|byte| *byte >= 0x20),
        "texts were checked for control characters"
    );
    bytes
}

/// Tells whether canonical JSON carries a text unharmed.
pub(super) fn carries(text: &str) -> bool {
    !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn keys_are_sorted_and_quotes_survive() {
        let value = serde_json::json!({"b": "say \"hi\" \\ é", "a": [1, true, null]});
        let text = canonical(&value);
        assert_eq!(
            String::from_utf8(text.clone()).unwrap(),
            r#"{"a":[1,true,null],"b":"say \"hi\" \\ é"}"#
        );
        let back: BTreeMap<String, serde_json::Value> = serde_json::from_slice(&text).unwrap();
        assert_eq!(back["b"], value["b"]);
    }

    #[test]
    fn a_text_with_a_line_end_is_not_carried() {
        assert!(carries("one line"));
        assert!(!carries("two\nlines"));
    }
}
