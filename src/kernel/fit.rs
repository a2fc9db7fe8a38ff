//! How well any kernel's configuration does for a guest: every requirement compared with it, and the modules that an
//! initrd must hold then. Pure; how it is printed is not decided here.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{
    demand::Level,
    dotconfig::DotConfig,
    modules,
    requirements::{Outcome, Requirement},
    value::Value,
};

/// How a requirement fares. In the order in which they are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Required, and not so.
    Missing,
    /// Must be off, and is on.
    Forbidden,
    /// Recommended, and not so.
    Advised,
    /// A module, which then must be in the initrd.
    Module,
    /// As it should be.
    Met,
}

/// A requirement, and what a configuration has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// How it fares.
    pub state: State,
    /// The value in the configuration; off when it is not there.
    pub actual: Value,
    /// The modules that it becomes, where it is one and their names are known.
    pub modules: &'static [&'static str],
    /// The requirement.
    #[serde(flatten)]
    pub requirement: Requirement,
}

/// A configuration against a profile's requirements, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fit {
    /// Every requirement.
    pub rows: Vec<Row>,
}

/// Compares a configuration with every requirement.
#[must_use]
pub fn fit(requirements: Vec<Requirement>, config: &DotConfig) -> Fit {
    let row = |requirement: Requirement| {
        let actual = config.value(&requirement.symbol).clone();
        let state = match (requirement.outcome(&actual), requirement.level) {
            (Outcome::Met, _) => State::Met,
            (Outcome::AsModule, _) => State::Module,
            (Outcome::Unmet, Level::Required) => State::Missing,
            (Outcome::Unmet, Level::Recommended) => State::Advised,
            (Outcome::Unmet, Level::Forbidden) => State::Forbidden,
        };
        let modules = match state {
            State::Module => modules::of(&requirement.symbol),
            _ => &[],
        };
        Row {
            state,
            actual,
            modules,
            requirement,
        }
    };
    Fit {
        rows: requirements.into_iter().map(row).collect(),
    }
}

impl Fit {
    /// Tells whether the kernel will do: nothing that is required is missing, and nothing is on that must be off.
    #[must_use]
    pub fn is_satisfied(&self) -> bool {
        self.count(State::Missing) + self.count(State::Forbidden) == 0
    }

    /// Returns how many requirements fare so.
    #[must_use]
    pub fn count(&self, state: State) -> usize {
        self.rows.iter().filter(|row| row.state == state).count()
    }

    /// Returns the names of the modules that an initrd must hold for what is so much required, sorted.
    #[must_use]
    pub fn modules(&self, level: Level) -> BTreeSet<&'static str> {
        let rows = self.rows.iter();
        let rows = rows.filter(|row| row.requirement.level == level);
        rows.flat_map(|row| row.modules).copied().collect()
    }

    /// Returns the rows of every feature in which not everything is met, in order.
    pub fn wanting(&self) -> impl Iterator<Item = &[Row]> {
        self.rows
            .chunk_by(|one, two| one.requirement.feature == two.requirement.feature)
            .filter(|rows| rows.iter().any(|row| row.state != State::Met))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{demand::Accept, fragment::Origin, value::Symbol};

    fn requirement(symbol: &str, level: Level, accept: &str, module_ok: bool) -> Requirement {
        Requirement {
            symbol: symbol.parse::<Symbol>().unwrap(),
            acceptable: vec![accept.parse::<Accept>().unwrap()],
            module_ok,
            level,
            feature: "f".to_owned(),
            title: "F".to_owned(),
            reason: None,
            cost: None,
            origin: Origin {
                file: "f.conf".to_owned(),
                line: 1,
            },
        }
    }

    #[test]
    fn what_is_missing_forbidden_advised_and_a_module_are_told_apart() {
        use Level::{Forbidden, Recommended, Required};
        let fit = fit(
            vec![
                requirement("VIRTIO_FS", Required, "y", true),
                requirement("PCI", Required, "y", false),
                requirement("NET", Required, "y", false),
                requirement("GONE", Recommended, "y", true),
                requirement("DEVMEM", Forbidden, "n", false),
                requirement("KASAN", Forbidden, "n", false),
                requirement("NR_CPUS", Required, ">=64", false),
            ],
            &DotConfig::parse(
                "CONFIG_VIRTIO_FS=m\nCONFIG_PCI=m\nCONFIG_NET=y\nCONFIG_DEVMEM=y\nCONFIG_NR_CPUS=32\n",
            )
            .unwrap(),
        );
        let states: Vec<_> = fit.rows.iter().map(|row| row.state).collect();
        use State::{Advised, Met, Missing, Module};
        assert_eq!(
            states,
            [
                Module,
                Missing,
                Met,
                Advised,
                State::Forbidden,
                Met,
                Missing
            ]
        );
        assert!(!fit.is_satisfied());
        assert_eq!(
            fit.modules(Required).into_iter().collect::<Vec<_>>(),
            ["virtiofs"]
        );
        assert_eq!(fit.wanting().count(), 1);
    }

    #[test]
    fn modules_and_what_is_advised_do_not_fail_a_kernel() {
        let fit = fit(
            vec![
                requirement("VIRTIO_FS", Level::Required, "y", true),
                requirement("GONE", Level::Recommended, "y", true),
            ],
            &DotConfig::parse("CONFIG_VIRTIO_FS=m\n").unwrap(),
        );
        assert!(fit.is_satisfied());
        assert_eq!(
            (fit.count(State::Module), fit.count(State::Advised)),
            (1, 1)
        );
    }
}
