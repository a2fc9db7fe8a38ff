//! Merging requests: in the stated order, the last one wins, and nothing that was said twice is passed over in silence.

use std::{collections::BTreeMap, fmt};

use super::{
    fragment::{Origin, Request},
    value::{Symbol, Value},
    version::KernelVersion,
};

/// What all fragments together request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged {
    /// The requests that count, by symbol.
    pub requests: BTreeMap<Symbol, Request>,
    /// Requests that a later one repeats or replaces, in the order in which they were found.
    pub repeats: Vec<Repeat>,
    /// Requests that this kernel version is not asked for.
    pub skipped: Vec<Request>,
}

/// A symbol requested twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// The symbol.
    pub symbol: Symbol,
    /// The value that does not count, and where it stands.
    pub first: (Value, Origin),
    /// The value that counts, and where it stands.
    pub last: (Value, Origin),
}

impl fmt::Display for Repeat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, at) = &self.first;
        let (last, then) = &self.last;
        let symbol = &self.symbol;
        if first.means(last) {
            write!(f, "{symbol}={last} is requested twice: {at} and {then}")
        } else {
            write!(
                f,
                "{symbol} is redefined: {first} at {at}, then {last} at {then}, which counts"
            )
        }
    }
}

impl Merged {
    /// Returns the requests as a fragment that the kernel's `conf` reads: every symbol once, sorted.
    #[must_use]
    pub fn text(&self) -> String {
        self.requests
            .values()
            .map(|request| request.value.line_for(&request.symbol) + "\n")
            .collect()
    }
}

/// Merges requests in their order, leaving out those that a kernel of this version is not asked for.
pub fn merge(requests: impl IntoIterator<Item = Request>, version: KernelVersion) -> Merged {
    let mut merged = Merged {
        requests: BTreeMap::new(),
        repeats: Vec::new(),
        skipped: Vec::new(),
    };
    for request in requests {
        if !request.versions.holds(version) {
            merged.skipped.push(request);
            continue;
        }
        let last = (request.value.clone(), request.origin.clone());
        let symbol = request.symbol.clone();
        if let Some(before) = merged.requests.insert(symbol.clone(), request) {
            merged.repeats.push(Repeat {
                symbol,
                first: (before.value, before.origin),
                last,
            });
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::kernel::fragment::Fragment;

    fn merged(files: &[(&str, &str)], version: &str) -> Merged {
        let requests = files
            .iter()
            .flat_map(|(name, text)| Fragment::parse(name, text.as_bytes()).unwrap().requests);
        merge(requests, version.parse().unwrap())
    }

    #[test]
    fn the_last_request_wins_and_both_places_are_told() {
        let merged = merged(
            &[
                (
                    "a.conf",
                    "CONFIG_X=y\nCONFIG_Y=m\nCONFIG_Y=m\nCONFIG_N=16\n",
                ),
                ("b.conf", "# CONFIG_X is not set\nCONFIG_N=0x10\n"),
            ],
            "6.12",
        );
        assert_snapshot!(merged.text(), @"
        CONFIG_N=0x10
        # CONFIG_X is not set
        CONFIG_Y=m
        ");
        let told: Vec<_> = merged.repeats.iter().map(ToString::to_string).collect();
        assert_snapshot!(told.join("\n"), @"
        Y=m is requested twice: a.conf:2 and a.conf:3
        X is redefined: y at a.conf:1, then n at b.conf:1, which counts
        N=0x10 is requested twice: a.conf:4 and b.conf:2
        ");
    }

    #[test]
    fn a_request_for_other_versions_is_left_out() {
        let files = [(
            "a.conf",
            "# since: 6.10\nCONFIG_NEW=y\n\n# until: 6.9\nCONFIG_OLD=y\n",
        )];
        assert_eq!(merged(&files, "6.9.7").text(), "CONFIG_OLD=y\n");
        let new = merged(&files, "6.10");
        assert_eq!(new.text(), "CONFIG_NEW=y\n");
        assert_eq!(new.skipped[0].symbol.as_str(), "OLD");
    }
}
