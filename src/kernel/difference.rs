//! What differs between two configurations, or between a profile and one, and who asked for it: a request, with its
//! place, or nobody, so that it is a default or the choice of who made the configuration. Pure.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    configfile::ConfigFile,
    fragment::{Origin, Request},
    requirements::Requirement,
    value::{Symbol, Value},
};

/// One of two things that are compared.
#[derive(Clone, Debug)]
pub struct Side {
    values: BTreeMap<Symbol, Value>,
    /// Where each symbol stands in the menus; empty where nothing says it.
    menus: BTreeMap<Symbol, String>,
    /// Whether a symbol that is not listed is off, or nothing is said of it.
    whole: bool,
}

/// Who asks for a symbol.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Asked {
    /// What it should be.
    pub value: String,
    /// Where that is written.
    pub origin: String,
    /// Why, when it is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The feature's title, when there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feature: Option<String>,
}

/// Everything that is asked for, by symbol. The last who asks counts.
#[derive(Clone, Debug, Default)]
pub struct Requests(BTreeMap<Symbol, Asked>);

/// A symbol that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The symbol.
    pub symbol: Symbol,
    /// Its value on the first side; nothing when that does not list it.
    pub a: Option<Value>,
    /// Its value on the second side.
    pub b: Option<Value>,
    /// Who asks for it; nobody when it is a default.
    pub asked: Option<Asked>,
    /// The menu it stands in, as the configuration's own comments say.
    pub menu: Option<String>,
}

impl Side {
    /// Returns a configuration as a side.
    #[must_use]
    pub fn config(config: &ConfigFile) -> Self {
        Self {
            values: config
                .values
                .iter()
                .map(|(symbol, value)| (symbol.clone(), value.clone()))
                .collect(),
            menus: menus(config.text()),
            whole: true,
        }
    }

    /// Returns what a profile requires as a side: of other symbols it says nothing.
    #[must_use]
    pub fn profile(requirements: &[Requirement]) -> Self {
        let values = requirements
            .iter()
            .filter_map(|it| Some((it.symbol.clone(), it.value()?.clone())));
        Self {
            values: values.collect(),
            menus: BTreeMap::new(),
            whole: false,
        }
    }

    /// Returns the value of a symbol; nothing when nothing is said of it.
    fn value(&self, symbol: &Symbol) -> Option<&Value> {
        let value = self.values.get(symbol);
        value.or(self.whole.then_some(&Value::No))
    }
}

impl Requests {
    /// Adds what a profile requires.
    pub fn require(&mut self, requirements: &[Requirement]) {
        for requirement in requirements {
            let Some(value) = requirement.value() else {
                continue;
            };
            let asked = Asked {
                value: value.to_string(),
                origin: requirement.origin.to_string(),
                reason: requirement.reason.clone(),
                feature: Some(requirement.title.clone()),
            };
            self.0.insert(requirement.symbol.clone(), asked);
        }
    }

    /// Adds the requests of a fragment.
    pub fn request(&mut self, requests: Vec<Request>) {
        for request in requests {
            let Request {
                symbol,
                value,
                origin,
                reason,
                ..
            } = request;
            let before = self.0.remove(&symbol);
            let asked = Asked {
                value: value.to_string(),
                origin: Origin::to_string(&origin),
                reason,
                feature: before.and_then(|before| before.feature),
            };
            self.0.insert(symbol, asked);
        }
    }
}

/// Returns every symbol whose value differs, sorted. What is off on one side and does not exist on the other is equal,
/// and so is what only one side speaks of.
#[must_use]
pub fn differences(a: &Side, b: &Side, requests: &Requests) -> Vec<Difference> {
    let mut symbols: Vec<&Symbol> = a.values.keys().chain(b.values.keys()).collect();
    symbols.sort();
    symbols.dedup();
    symbols
        .into_iter()
        .filter(|symbol| match (a.value(symbol), b.value(symbol)) {
            (Some(one), Some(two)) => !one.means(two),
            _ => !a.whole && !b.whole,
        })
        .map(|symbol| Difference {
            symbol: symbol.clone(),
            a: a.values.get(symbol).cloned(),
            b: b.values.get(symbol).cloned(),
            asked: requests.0.get(symbol).cloned(),
            menu: b.menus.get(symbol).or(a.menus.get(symbol)).cloned(),
        })
        .collect()
}

/// Returns the menu of every symbol, from the titles that `conf` writes as comments: a menu's title is written again at
/// its end, which tells it from other comments.
fn menus(text: &str) -> BTreeMap<Symbol, String> {
    const END: &str = "# end of ";
    let ends: std::collections::BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix(END))
        .collect();
    let mut menus = BTreeMap::new();
    let mut open: Vec<&str> = Vec::new();
    let mut before = "";
    for line in text.lines() {
        if let Some(title) = line.strip_prefix(END) {
            if let Some(at) = open.iter().rposition(|other| *other == title) {
                open.truncate(at);
            }
        } else if let Some(symbol) = symbol(line) {
            if !open.is_empty() {
                menus.insert(symbol, open.join(" > "));
            }
        } else if before == "#"
            && let Some(title) = line.strip_prefix("# ")
            && ends.contains(title)
        {
            open.push(title);
        }
        before = line;
    }
    menus
}

fn symbol(line: &str) -> Option<Symbol> {
    let line = line.strip_prefix("# ").unwrap_or(line);
    let rest = line.strip_prefix("CONFIG_")?;
    let end = rest.find(['=', ' '])?;
    rest[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::kernel::fragment::Fragment;

    const A: &str = "CONFIG_TOP=y\n#\n# Networking\n#\nCONFIG_NET=y\nCONFIG_SAME=16\n#\n# a remark\n#\n\
                     # CONFIG_OFF is not set\n#\n# Options\n#\nCONFIG_DEEP=m\n# end of Options\nCONFIG_VSOCK=m\n# end of Networking\nCONFIG_LAST=y\n";
    const B: &str = "CONFIG_TOP=y\nCONFIG_NET=m\nCONFIG_SAME=0x10\nCONFIG_DEEP=y\nCONFIG_VSOCK=y\nCONFIG_NEW=\"x\"\nCONFIG_LAST=y\n";

    fn side(text: &str) -> Side {
        Side::config(&ConfigFile::parse("c", text.as_bytes()).unwrap())
    }

    fn told(a: &Side, b: &Side, requests: &Requests) -> String {
        let show = |value: &Option<Value>| value.as_ref().map_or("-".to_owned(), Value::to_string);
        differences(a, b, requests)
            .iter()
            .map(|it| {
                let asked = it.asked.as_ref().map_or("nobody", |asked| &asked.origin);
                let menu = it.menu.as_deref().unwrap_or("no menu");
                format!(
                    "{} {} {} {asked}; {menu}\n",
                    it.symbol,
                    show(&it.a),
                    show(&it.b)
                )
            })
            .collect()
    }

    #[test]
    fn every_difference_says_who_asked_for_it_and_in_which_menu_it_stands() {
        let mut requests = Requests::default();
        requests.request(
            Fragment::parse("f.conf", b"\nCONFIG_VSOCK=y\n")
                .unwrap()
                .requests,
        );
        assert_snapshot!(told(&side(A), &side(B), &requests), @r#"
        DEEP m y nobody; Networking > Options
        NET y m nobody; Networking
        NEW - "x" nobody; no menu
        VSOCK m y f.conf:2; Networking
        "#);
        assert_eq!(told(&side(A), &side(A), &requests), "");
    }

    #[test]
    fn what_only_one_side_speaks_of_is_no_difference() {
        let profile = Side {
            values: BTreeMap::from([
                ("NET".parse().unwrap(), Value::Yes),
                ("ABSENT".parse().unwrap(), Value::Yes),
                ("OFF".parse().unwrap(), Value::No),
            ]),
            menus: BTreeMap::new(),
            whole: false,
        };
        assert_snapshot!(told(&profile, &side(A), &Requests::default()), @"ABSENT y - nobody; no menu");
        assert_snapshot!(told(&profile, &side(B), &Requests::default()), @r"
        ABSENT y - nobody; no menu
        NET y m nobody; no menu
        ");
    }
}
