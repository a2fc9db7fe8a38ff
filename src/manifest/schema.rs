//! The manifest's JSON Schema, for editors: the fields as `fields` lists them, with the words of `manifests/README.md`.
//! What a value may be is said only roughly: `check` judges, and an editor should not refuse what it accepts.

use serde_json::{Map, Value, json};

use super::{
    BUILDABLE, FEATURES, PRODUCTS, TABLES,
    fields::{Need, Table},
};

/// Where the fields are explained.
const README: &str = include_str!("../../manifests/README.md");

/// Returns the schema (JSON Schema, draft 2020-12).
#[must_use]
pub fn schema() -> Value {
    let mut definitions = Map::new();
    for table in TABLES {
        definitions.insert(name(table.place), object(table));
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A manifest of kata-artifacts",
        "$ref": format!("#/$defs/{}", name("")),
        "$defs": definitions,
    })
}

/// Returns the name of a table's definition.
fn name(place: &str) -> String {
    if place.is_empty() {
        "manifest".to_owned()
    } else {
        place.to_owned()
    }
}

fn object(table: &Table) -> Value {
    let mut properties = Map::new();
    for field in table.fields {
        let mut value = value(table.place, field.name).unwrap_or_else(|| json!({}));
        if let (Some(words), Value::Object(object)) = (words(table.place, field.name), &mut value) {
            object.insert("description".to_owned(), words.into());
        }
        properties.insert(field.name.to_owned(), value);
    }
    let always = table
        .fields
        .iter()
        .filter(|field| field.need == Need::Always);
    let required: Vec<&str> = always.map(|field| field.name).collect();
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

/// Returns what the README says that a field is.
fn words(place: &str, field: &str) -> Option<String> {
    let heading = if place.is_empty() {
        "## The top".to_owned()
    } else {
        format!("## `{place}`")
    };
    let section = README.split_once(&format!("\n{heading}\n"))?.1;
    let section = section.split("\n## ").next()?;
    let row = section
        .lines()
        .find_map(|line| line.strip_prefix(&format!("| `{field}` | ")))?;
    let mut cells = row.split(" | ");
    let (kind, usual) = (cells.next()?, cells.next()?);
    Some(if usual == "-" {
        kind.to_owned()
    } else {
        format!("{kind}; default: {usual}")
    })
}

/// Returns what a field's value may be.
fn value(place: &str, field: &str) -> Option<Value> {
    let text = || json!({"type": "string"});
    let list = |item: Value| json!({"type": "array", "items": item, "uniqueItems": true});
    let by_name = |item: Value| json!({"type": "object", "additionalProperties": item});
    let of = |place: &str| json!({"$ref": format!("#/$defs/{place}")});
    let word_or = |words: &[&str], place: &str| json!({"anyOf": [{"enum": words}, of(place)]});
    let number =
        |least: u64, most: u64| json!({"type": "integer", "minimum": least, "maximum": most});
    let size = || json!({"anyOf": [{"type": "integer"}, {"type": "string", "pattern": "^[0-9]+(B|KiB|MiB|GiB)?$"}]});
    let digest = || json!({"type": "string", "pattern": "[0-9a-fA-F]{64}$"});
    let slug = || json!({"type": "string", "pattern": "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"});
    Some(match (place, field) {
        ("", "schema") => json!({"const": 1}),
        ("", "name" | "flavour") => slug(),
        ("", "version") => text(),
        ("", "architectures") => list(json!({"enum": BUILDABLE.map(|arch| arch.name())})),
        ("", "toolchain") => word_or(&["host"], "toolchain"),
        ("", "agent") => word_or(&["embedded"], "agent"),
        ("", "debian" | "kernel" | "rootfs" | "initrd" | "test") => of(field),
        ("", "budgets") => {
            let mut budgets = by_name(size());
            budgets["propertyNames"] = json!({"enum": PRODUCTS.map(|(name, _)| name)});
            budgets
        }
        ("", "annotations") | (_, "links") => by_name(text()),
        ("debian", _) | ("toolchain" | "test.vmm", "packages" | "directories") => list(text()),
        ("kernel", "source" | "config") => of(&format!("kernel.{field}")),
        ("kernel", "patches") => list(text()),
        ("kernel", "localversion") => json!({"type": "string", "maxLength": 32}),
        ("kernel", "outputs") => {
            list(json!({"enum": ["vmlinux", "vmlinuz", "config", "system-map"]}))
        }
        ("kernel.source", "tarball") => of("kernel.source.tarball"),
        ("kernel.source", _) | (_, "path" | "url" | "member" | "file" | "profile") => text(),
        ("kernel.source.tarball", "signature") => of("kernel.source.tarball.signature"),
        (_, "sha256") => digest(),
        (_, "mirrors" | "keys") => list(text()),
        ("kernel.config", "base") => word_or(&["allnoconfig", "defconfig"], "kernel.config.base"),
        ("rootfs", "overlay") => text(),
        ("rootfs", "directories" | "files" | "devices") => {
            by_name(of(&format!("rootfs.{field}.<path>")))
        }
        (_, "mode") => json!({"type": "string", "pattern": "^[0-7]{1,5}$"}),
        (_, "uid" | "gid") => number(0, u32::MAX.into()),
        (_, "content") => text(),
        (_, "type") => json!({"enum": ["char", "block"]}),
        (_, "major") => number(0, 4095),
        (_, "minor") => number(0, 1_048_575),
        ("initrd", "compression") => json!({"enum": ["zstd", "gzip"]}),
        ("test", "memory") => size(),
        ("test", "cpus") => number(1, 255),
        ("test", "timeout") => number(1, 86_400),
        ("test", "require") => list(json!({"enum": FEATURES.as_slice()})),
        ("test", "vmm") => of("test.vmm"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_has_a_value_and_the_readmes_words() {
        for table in TABLES {
            for field in table.fields {
                let (place, name) = (table.place, field.name);
                assert!(value(place, name).is_some(), "{place}.{name} may be what?");
                assert!(words(place, name).is_some(), "{place}.{name} is what?");
            }
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let schema = schema();
        let text = schema.to_string();
        let mut seen = 0;
        for part in text.split("\"#/$defs/").skip(1) {
            let name = part.split('"').next().unwrap();
            assert!(schema["$defs"].get(name).is_some(), "{name}");
            seen += 1;
        }
        assert!(seen >= TABLES.len(), "{seen}");
    }

    #[test]
    fn the_shipped_schema_is_this_one_and_the_shipped_manifests_name_it() {
        let shipped = include_str!("../../manifests/manifest.schema.json");
        let shipped: Value = serde_json::from_str(shipped).unwrap();
        assert_eq!(shipped, schema(), "`kata-artifacts schema` prints it");
        let line = "# yaml-language-server: $schema=manifest.schema.json\n";
        for manifest in [
            include_str!("../../manifests/kata.yaml"),
            include_str!("../../manifests/small.yaml"),
        ] {
            assert!(manifest.starts_with(line));
        }
    }
}
