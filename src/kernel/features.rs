//! The table of features: what the options of a profile serve, what a guest loses without them, and how much that
//! matters. Data for the reader of a comparison; no build depends on it.

use serde_yaml::{Mapping, Value as Yaml};

use super::{
    badfile::{BadFile, Problem},
    demand::{Asked, Level},
    profile_form::{self, Reader, unknown},
    yamlline,
};

/// What options serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feature {
    /// Its name in fragments: lower case with hyphens.
    pub name: String,
    /// Its name in a table, in a few words.
    pub title: String,
    /// How much it matters.
    pub level: Asked,
    /// Whether its drivers may be modules, which then must be in the initrd.
    pub modules: bool,
    /// What is lost without it: `no memory hotplug`.
    pub without: String,
}

/// Every feature, in the order of the table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Features(Vec<Feature>);

impl Features {
    /// Reads a table.
    ///
    /// # Errors
    /// Everything that is wrong with the file, at once.
    pub fn parse(file: &str, text: &str) -> Result<Self, BadFile> {
        let map = profile_form::read(text, "a table of features")
            .map_err(|problem| BadFile::new(file, text, &[problem]))?;
        let mut reader = Reader::new(file, text);
        reader.fields(&map, &["schema", "features"]);
        let features = match map.get("features") {
            Some(Yaml::Mapping(features)) => features
                .iter()
                .map(|(name, row)| {
                    let name = name.as_str().unwrap_or_default();
                    let line = yamlline::entry(text, "features", name);
                    feature(&mut reader.problems, line, name, row)
                })
                .collect(),
            _ => {
                let told = "write `features:` with one line per feature below it";
                reader.tell(yamlline::key(text, "features"), told);
                Vec::new()
            }
        };
        if reader.problems.is_empty() {
            Ok(Self(features))
        } else {
            Err(BadFile::new(file, text, &reader.problems))
        }
    }

    /// Returns the feature with this name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Feature> {
        self.0.iter().find(|feature| feature.name == name)
    }

    /// Returns the place of a feature in the table; what is not in it comes last.
    #[must_use]
    pub fn place(&self, name: &str) -> usize {
        let found = self.0.iter().position(|feature| feature.name == name);
        found.unwrap_or(self.0.len())
    }

    /// Returns every feature, in the order of the table.
    #[must_use]
    pub fn all(&self) -> &[Feature] {
        &self.0
    }

    /// Says that there is no such feature, and which may have been meant.
    pub(super) fn unknown(&self, name: &str) -> String {
        let names: Vec<_> = self.0.iter().map(|feature| feature.name.as_str()).collect();
        let near = unknown(name, &names);
        match near.contains("did you mean") {
            true => near,
            false => format!("`{name}` is not in the table of features: add it there"),
        }
    }
}

fn feature(problems: &mut Vec<Problem>, line: usize, name: &str, row: &Yaml) -> Feature {
    const FIELDS: [&str; 4] = ["title", "level", "modules", "without"];
    let mut tell = |text: String| problems.push(Problem::new(line, text));
    let slug = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if name.is_empty() || !name.bytes().all(slug) {
        tell("name a feature in lower case with hyphens".to_owned());
    }
    let none = Mapping::new();
    let row = row.as_mapping().unwrap_or(&none);
    for key in row.keys().map(|key| key.as_str().unwrap_or_default()) {
        if !FIELDS.contains(&key) {
            tell(unknown(key, &FIELDS));
        }
    }
    let mut text = |key: &str| match row.get(key).and_then(Yaml::as_str).map(str::trim) {
        Some(text) if !text.is_empty() => text.to_owned(),
        _ => {
            tell(format!("a feature has a `{key}`: write `{key}: …`"));
            String::new()
        }
    };
    let (title, without, level) = (text("title"), text("without"), text("level"));
    let level = match level.parse::<Asked>() {
        Ok(level) => level,
        Err(wrong) => {
            if !level.is_empty() {
                tell(wrong.to_string());
            }
            Asked::OfAll(Level::Required)
        }
    };
    let modules = match row.get("modules") {
        None => true,
        Some(Yaml::Bool(modules)) => *modules,
        Some(_) => {
            tell("write `modules: true`, or `false` when it must be built in".to_owned());
            true
        }
    };
    Feature {
        name: name.to_owned(),
        title,
        level,
        modules,
        without,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_says_what_is_lost_without_a_feature() {
        let text = "schema: 1\nfeatures:\n  vsock: {title: Socket, level: required, without: no agent}\n  \
            boot: {title: Boot, level: recommended, modules: false, without: no start}\n";
        let table = Features::parse("features.yaml", text).unwrap();
        let boot = table.named("boot").unwrap();
        assert_eq!(
            (boot.level, boot.modules),
            (Asked::OfAll(Level::Recommended), false)
        );
        assert_eq!(boot.without, "no start");
        assert!(table.named("vsock").unwrap().modules);
        assert_eq!((table.place("boot"), table.place("absent")), (1, 2));
    }

    #[test]
    fn every_mistake_in_a_table_is_told_at_once() {
        let text = "schema: 1\nfeature: x\nfeatures:\n  Vsock:\n    title: Socket\n    level: forbidden\n    wihtout: x\n  \
            boot: {title: B, level: required, without: w, modules: maybe}\n";
        let bad = Features::parse("features.yaml", text).unwrap_err();
        insta::assert_snapshot!(bad.problems().join("\n"), @"
        line 2: `feature` is not known here: did you mean `features`?
        line 4: name a feature in lower case with hyphens
        line 4: `wihtout` is not known here: did you mean `without`?
        line 4: a feature has a `without`: write `without: …`
        line 4: `forbidden` is not a level: write `required`, `recommended` or `none`
        line 8: write `modules: true`, or `false` when it must be built in
        ");
        let told = |text: &str| {
            Features::parse("f", text)
                .unwrap_err()
                .problems()
                .join("\n")
        };
        assert_eq!(
            told("schema: 1\n"),
            "line 1: write `features:` with one line per feature below it"
        );
        assert!(told("- a\n").contains("a table of features is a map"));
    }
}
