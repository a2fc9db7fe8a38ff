//! Kernel versions and ranges of them, as profiles and fragments write them. A release candidate counts as its release.

use std::{fmt, fs, path::Path, str::FromStr};

use super::KernelError;

/// A kernel's version: `6.12.117`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KernelVersion {
    major: u32,
    minor: u32,
    patch: u32,
}

/// A range of versions: `>=6.12, <7.0`. Every bound must hold; no bound at all holds always.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VersionRange(Vec<(Relation, KernelVersion)>);

/// A text is not a kernel version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a kernel version: write `6.12` or `6.12.3`")]
pub struct NotAVersion(String);

/// A text is not a range of kernel versions.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a range of kernel versions: write `>=6.12, <7.0`")]
pub struct NotARange(String);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Relation {
    Less,
    AtMost,
    Exactly,
    AtLeast,
    More,
}

/// Longer signs first, so that `>=` is not read as `>`.
const RELATIONS: [(&str, Relation); 5] = [
    ("<=", Relation::AtMost),
    (">=", Relation::AtLeast),
    ("<", Relation::Less),
    (">", Relation::More),
    ("=", Relation::Exactly),
];

impl KernelVersion {
    /// Reads the version of the source tree at `tree` from its top Makefile.
    ///
    /// # Errors
    /// There is no Makefile there, or it is not a kernel's.
    pub fn of_tree(tree: &Path) -> Result<Self, KernelError> {
        let path = tree.join("Makefile");
        let text = fs::read_to_string(&path).map_err(|cause| KernelError::Read {
            path: path.clone(),
            cause,
        })?;
        let field = |name: &str| {
            text.lines().take(20).find_map(|line| {
                let (left, right) = line.split_once('=')?;
                (left.trim() == name).then(|| right.trim().parse().ok())?
            })
        };
        match (field("VERSION"), field("PATCHLEVEL"), field("SUBLEVEL")) {
            (Some(major), Some(minor), Some(patch)) => Ok(Self {
                major,
                minor,
                patch,
            }),
            _ => Err(KernelError::NotAKernelTree { path }),
        }
    }
}

impl fmt::Display for KernelVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

impl FromStr for KernelVersion {
    type Err = NotAVersion;

    fn from_str(text: &str) -> Result<Self, NotAVersion> {
        let wrong = || NotAVersion(text.to_owned());
        let base = text.split_once("-rc").map_or(text, |(base, _)| base);
        let numbers = base
            .split('.')
            .map(|part| {
                part.bytes()
                    .all(|byte| byte.is_ascii_digit())
                    .then(|| part.parse().ok())
                    .flatten()
            })
            .collect::<Option<Vec<u32>>>()
            .ok_or_else(wrong)?;
        match numbers[..] {
            [major, minor] => Ok(Self {
                major,
                minor,
                patch: 0,
            }),
            [major, minor, patch] => Ok(Self {
                major,
                minor,
                patch,
            }),
            _ => Err(wrong()),
        }
    }
}

impl Relation {
    fn holds(self, version: KernelVersion, bound: KernelVersion) -> bool {
        match self {
            Self::Less => version < bound,
            Self::AtMost => version <= bound,
            Self::Exactly => version == bound,
            Self::AtLeast => version >= bound,
            Self::More => version > bound,
        }
    }

    fn is_upper(self) -> bool {
        matches!(self, Self::Less | Self::AtMost | Self::Exactly)
    }
}

impl VersionRange {
    /// Tells whether every bound holds for `version`.
    #[must_use]
    pub fn holds(&self, version: KernelVersion) -> bool {
        self.0
            .iter()
            .all(|(relation, bound)| relation.holds(version, *bound))
    }

    /// Returns the range that holds for one version.
    #[must_use]
    pub fn exactly(version: KernelVersion) -> Self {
        Self(vec![(Relation::Exactly, version)])
    }

    /// Tells whether some version is too new for it.
    #[must_use]
    pub fn ends(&self) -> bool {
        self.0.iter().any(|(relation, _)| relation.is_upper())
    }

    /// Tells whether `version` is too new for it.
    #[must_use]
    pub fn is_over(&self, version: KernelVersion) -> bool {
        self.0.iter().any(|(relation, bound)| {
            relation.is_upper() && version >= *bound && !relation.holds(version, *bound)
        })
    }

    /// Adds the bound that a fragment's `# since:` states: this version and later ones.
    pub(super) fn since(&mut self, version: KernelVersion) {
        self.0.push((Relation::AtLeast, version));
    }

    /// Adds the bound that a fragment's `# until:` states: the series of this version and earlier ones.
    pub(super) fn until(&mut self, version: KernelVersion) {
        let next_series = KernelVersion {
            minor: version.minor.saturating_add(1),
            patch: 0,
            ..version
        };
        self.0.push((Relation::Less, next_series));
    }
}

impl FromStr for VersionRange {
    type Err = NotARange;

    fn from_str(text: &str) -> Result<Self, NotARange> {
        let wrong = || NotARange(text.to_owned());
        text.split(',')
            .map(|bound| {
                let bound = bound.trim();
                let (relation, version) = RELATIONS
                    .iter()
                    .find_map(|(sign, relation)| Some((*relation, bound.strip_prefix(sign)?)))
                    .ok_or_else(wrong)?;
                Ok((relation, version.trim().parse().map_err(|_| wrong())?))
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> KernelVersion {
        text.parse().unwrap()
    }

    #[test]
    fn a_range_holds_when_every_bound_does() {
        let range: VersionRange = ">=6.12, <7.0".parse().unwrap();
        for (text, held) in [
            ("6.11.99", false),
            ("6.12", true),
            ("6.12.117", true),
            ("6.100.1", true),
            ("7.0-rc3", false),
        ] {
            assert_eq!(range.holds(version(text)), held, "{text}");
        }
        assert!(VersionRange::default().holds(version("2.6.32")));
    }

    #[test]
    fn a_wrong_range_is_refused() {
        for wrong in ["", "6.12", ">=6", ">=6.12,", ">=6.12 <7", "~6.12", ">=6.x"] {
            assert!(wrong.parse::<VersionRange>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_trees_version_is_read_from_its_makefile() {
        let tree = tempfile::tempdir().unwrap();
        let makefile = tree.path().join("Makefile");
        fs::write(
            &makefile,
            "# c\nVERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 117\n",
        )
        .unwrap();
        assert_eq!(
            KernelVersion::of_tree(tree.path()).unwrap(),
            version("6.12.117")
        );
        fs::write(&makefile, "all:\n").unwrap();
        assert!(matches!(
            KernelVersion::of_tree(tree.path()),
            Err(KernelError::NotAKernelTree { .. })
        ));
    }
}
