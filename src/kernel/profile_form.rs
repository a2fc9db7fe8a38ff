//! The form of one profile file: what its YAML says, and everything that is wrong with it. Statements about symbols are
//! read by `clause`; what several files mean together is for `profile`.

use std::collections::BTreeMap;

use serde_yaml::{Mapping, Value as Yaml};

use super::{
    badfile::Problem,
    demand::{Asked, NotALevel},
    kata::KataDirectory,
    profile::Profile,
    value::Symbol,
    yamlline,
};
use crate::arch::Arch;

/// The only version of the profile form there is.
const SCHEMA: u64 = 1;
/// Longer files are refused before they are read.
const MAX_BYTES: usize = 1 << 20;
const FIELDS: [&str; 14] = [
    "schema",
    "name",
    "summary",
    "architectures",
    "extends",
    "drop",
    "kata_fragments",
    "fragments",
    "features",
    "levels",
    "off",
    "forbidden",
    "waivers",
    "omitted",
];

/// What one file says.
#[derive(Clone, Debug, Default)]
pub(super) struct Form {
    /// The names of the profiles it extends, each with its line.
    pub(super) extends: Vec<(String, usize)>,
    /// Fragments of those that it does not want.
    pub(super) drop_fragments: Vec<(String, usize)>,
    /// Clauses in `off` of those that it does not want.
    pub(super) drop_off: Vec<(Symbol, usize)>,
    /// Clauses in `omitted` of those that do not hold for it.
    pub(super) drop_omitted: Vec<(Symbol, usize)>,
    /// Everything else.
    pub(super) profile: Profile,
}

/// Reads YAML whose top is a map, with a bound on its size.
pub(super) fn read(text: &str, what: &str) -> Result<Mapping, Problem> {
    if text.len() > MAX_BYTES {
        return Err(Problem::new(1, format!("longer than 1 MiB: {what}")));
    }
    let yaml: Yaml = serde_yaml::from_str(text).map_err(|error| {
        let line = error.location().map_or(1, |location| location.line());
        Problem::new(line, error.to_string())
    })?;
    match yaml {
        Yaml::Mapping(map) => Ok(map),
        _ => Err(Problem::new(
            1,
            format!("{what} is a map: write `schema: 1` first"),
        )),
    }
}

impl Form {
    /// Reads one file, and tells everything that is wrong with it.
    pub(super) fn parse(file: &str, text: &str) -> (Self, Vec<Problem>) {
        let map = match read(text, "a profile") {
            Ok(map) => map,
            Err(problem) => return (Self::default(), vec![problem]),
        };
        let mut reader = Reader::new(file, text);
        let form = reader.form(&map);
        (form, reader.problems)
    }
}

/// Reads the fields of one file and collects what is wrong with them.
pub(super) struct Reader<'a> {
    pub(super) file: &'a str,
    pub(super) text: &'a str,
    pub(super) problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(file: &'a str, text: &'a str) -> Self {
        Self {
            file,
            text,
            problems: Vec::new(),
        }
    }

    pub(super) fn tell(&mut self, line: usize, text: impl Into<String>) {
        self.problems.push(Problem::new(line, text));
    }

    /// Tells of fields that do not exist, and of another version of the form.
    pub(super) fn fields(&mut self, map: &Mapping, known: &[&str]) {
        for key in map.keys().map(|key| key.as_str().unwrap_or_default()) {
            if !known.contains(&key) {
                self.tell(yamlline::key(self.text, key), unknown(key, known));
            }
        }
        if map.get("schema").and_then(Yaml::as_u64) != Some(SCHEMA) {
            self.tell(yamlline::key(self.text, "schema"), "write `schema: 1`");
        }
    }

    fn form(&mut self, map: &Mapping) -> Form {
        self.fields(map, &FIELDS);
        let extends = self.extends(map.get("extends"));
        let (common, own) = self.fragments(map);
        let mut form = Form {
            extends,
            profile: Profile {
                file: self.file.to_owned(),
                name: self.line_of_text(map, "name"),
                summary: self.line_of_text(map, "summary"),
                architectures: self.architectures(
                    yamlline::key(self.text, "architectures"),
                    map.get("architectures"),
                ),
                common,
                own,
                kata: self.kata(map.get("kata_fragments")),
                off: self.clauses(map, "off"),
                forbidden: self.clauses(map, "forbidden"),
                waivers: self.clauses(map, "waivers"),
                omitted: self.clauses(map, "omitted"),
                features: self.features(map),
                levels: self.levels(map.get("levels")),
            },
            ..Form::default()
        };
        self.drops(map.get("drop"), &mut form);
        form
    }

    fn line_of_text(&mut self, map: &Mapping, key: &str) -> String {
        match map.get(key).and_then(Yaml::as_str).map(str::trim) {
            Some(text) if !text.is_empty() => text.to_owned(),
            _ => {
                let line = yamlline::key(self.text, key);
                self.tell(line, format!("a profile has a `{key}`: write `{key}: …`"));
                String::new()
            }
        }
    }

    fn extends(&mut self, yaml: Option<&Yaml>) -> Vec<(String, usize)> {
        let at = yamlline::key(self.text, "extends");
        let names: Vec<&Yaml> = match yaml {
            None => return Vec::new(),
            Some(Yaml::Sequence(items)) => items.iter().collect(),
            Some(one) => vec![one],
        };
        let mut extends: Vec<(String, usize)> = Vec::new();
        for name in names {
            let name = name.as_str().unwrap_or_default();
            let line = yamlline::after(self.text, at.saturating_sub(1), name);
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
            if name.is_empty() || name.starts_with('.') || !name.bytes().all(plain) {
                self.tell(
                    line,
                    "write the name of a profile beside this one, without `.yaml`",
                );
            } else if extends.iter().any(|(other, _)| other == name) {
                self.tell(line, format!("`{name}` is listed twice: remove one"));
            } else {
                extends.push((name.to_owned(), line));
            }
        }
        extends
    }

    fn drops(&mut self, yaml: Option<&Yaml>, form: &mut Form) {
        const DROPS: [&str; 3] = ["fragments", "off", "omitted"];
        let at = yamlline::key(self.text, "drop");
        let map = match yaml {
            None => return,
            Some(Yaml::Mapping(map)) => map,
            Some(_) => {
                self.tell(at, "write `drop:` with `fragments:` or `off:` below it");
                return;
            }
        };
        for (key, list) in map {
            let key = key.as_str().unwrap_or_default();
            let line = yamlline::after(self.text, at, key);
            if !DROPS.contains(&key) {
                self.tell(line, unknown(key, &DROPS));
                continue;
            }
            let Some(items) = list.as_sequence() else {
                self.tell(line, "write a list of what the extended profile says");
                continue;
            };
            for item in items {
                let item = item.as_str().unwrap_or_default();
                let line = yamlline::after(self.text, line.saturating_sub(1), item);
                match item.parse::<Symbol>() {
                    _ if key == "fragments" => form.drop_fragments.push((item.to_owned(), line)),
                    Ok(symbol) if key == "off" => form.drop_off.push((symbol, line)),
                    Ok(symbol) => form.drop_omitted.push((symbol, line)),
                    Err(wrong) => self.tell(line, wrong.to_string()),
                }
            }
        }
    }

    fn kata(&mut self, yaml: Option<&Yaml>) -> Option<KataDirectory> {
        let at = yamlline::key(self.text, "kata_fragments");
        let told = KataDirectory::read(yaml?);
        told.map_err(|wrong| wrong.into_iter().for_each(|text| self.tell(at, text)))
            .ok()
    }

    fn fragments(&mut self, map: &Mapping) -> (Vec<String>, BTreeMap<Arch, Vec<String>>) {
        let (mut common, mut own) = (Vec::new(), BTreeMap::new());
        let at = yamlline::key(self.text, "fragments");
        let lists = match map.get("fragments") {
            Some(Yaml::Mapping(lists)) => lists,
            None if map.contains_key("extends") || map.contains_key("kata_fragments") => {
                return (common, own);
            }
            _ => {
                let told = "write `fragments:` with `common:` and architectures below it";
                self.tell(at, told);
                return (common, own);
            }
        };
        for (key, list) in lists {
            let key = key.as_str().unwrap_or_default();
            let line = yamlline::after(self.text, at, key);
            let paths = self.paths(line, list);
            if key == "common" {
                common = paths;
            } else if let Ok(arch) = key.parse::<Arch>() {
                if own.insert(arch, paths).is_some() {
                    self.tell(
                        line,
                        format!("`{key}` is another name of {arch}, which stands here too"),
                    );
                }
            } else {
                self.tell(line, unknown(key, &[&["common"][..], &names()].concat()));
            }
        }
        (common, own)
    }

    fn paths(&mut self, line: usize, yaml: &Yaml) -> Vec<String> {
        let Some(items) = yaml.as_sequence() else {
            self.tell(line, "write a list of fragments");
            return Vec::new();
        };
        let mut paths = Vec::new();
        for item in items {
            let path = item.as_str().unwrap_or_default();
            let at = yamlline::after(self.text, line, path);
            if !is_plain(path) {
                self.tell(at, BELOW);
            } else if paths.iter().any(|before| before == path) {
                self.tell(at, format!("`{path}` is listed twice: remove one"));
            } else {
                paths.push(path.to_owned());
            }
        }
        paths
    }

    fn features(&mut self, map: &Mapping) -> Option<String> {
        let path = map.get("features")?.as_str().unwrap_or_default();
        if is_plain(path) {
            return Some(path.to_owned());
        }
        self.tell(yamlline::key(self.text, "features"), BELOW);
        None
    }

    fn levels(&mut self, yaml: Option<&Yaml>) -> BTreeMap<String, Asked> {
        let mut levels = BTreeMap::new();
        let at = yamlline::key(self.text, "levels");
        match yaml {
            None => {}
            Some(Yaml::Mapping(map)) => {
                for (feature, level) in map {
                    let feature = feature.as_str().unwrap_or_default();
                    let line = yamlline::after(self.text, at, feature);
                    let level = level.as_str().unwrap_or_default().parse();
                    match level.map_err(|wrong: NotALevel| wrong.to_string()) {
                        Ok(level) => drop(levels.insert(feature.to_owned(), level)),
                        Err(told) => self.tell(line, told),
                    }
                }
            }
            Some(_) => self.tell(at, "write `levels:` with `<feature>: required` below it"),
        }
        levels
    }
}

const BELOW: &str = "write a path below the directory that holds `profiles/`";

fn is_plain(path: &str) -> bool {
    path.split('/').all(|part| !["", ".", ".."].contains(&part))
}

pub(super) fn names() -> [&'static str; 5] {
    Arch::ALL.map(Arch::name)
}

/// Says that a word is not known, and what may have been meant.
pub(super) fn unknown(word: &str, known: &[&str]) -> String {
    let near = known
        .iter()
        .map(|other| (strsim::damerau_levenshtein(word, other), other))
        .min();
    match near {
        Some((distance, other)) if distance <= 2 => {
            format!("`{word}` is not known here: did you mean `{other}`?")
        }
        _ => format!("`{word}` is not known here: expected {}", known.join(", ")),
    }
}
