//! Where a blob may be found: URLs in the order in which they are worth asking. Pure; nothing is fetched here.

use super::Mirrors;
use crate::plan::action::Origin;

/// Returns the URLs at which `origin` may be found, best first: the mirrors of its archive, then the archive mirrors at
/// the date of the lock's signed release. Empty when no mirror of the archive is known.
#[must_use]
pub fn candidates(origin: &Origin, mirrors: &Mirrors) -> Vec<String> {
    match origin {
        Origin::Urls(urls) => urls.clone(),
        Origin::Package {
            archive,
            path,
            date,
            ..
        } => {
            let current = mirrors.archives.get(archive).into_iter().flatten();
            let current = current.map(|base| format!("{base}/{path}"));
            let at = timestamp(date);
            let dropped = mirrors.snapshots.iter();
            let dropped = dropped.map(|base| format!("{base}/{archive}/{at}/{path}"));
            current.chain(dropped).collect()
        }
    }
}

/// `2026-09-12T07:55:41Z` as archive mirrors spell it: `20260912T075541Z`.
fn timestamp(date: &str) -> String {
    date.chars().filter(|c| !matches!(c, '-' | ':')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_is_sought_on_mirrors_first_and_then_at_the_locks_date() {
        let origin = Origin::Package {
            name: "bc".into(),
            version: "1.07.1-4".into(),
            archive: "debian".into(),
            path: "pool/main/b/bc/bc_1.07.1-4_amd64.deb".into(),
            date: "2026-09-12T07:55:41Z".into(),
        };
        let mirrors = Mirrors {
            archives: [(
                "debian".to_owned(),
                vec!["http://mirror.example/debian".to_owned()],
            )]
            .into(),
            snapshots: vec!["http://old.example/archive".into()],
            named_by: String::new(),
            ..Mirrors::default()
        };
        assert_eq!(
            candidates(&origin, &mirrors),
            [
                "http://mirror.example/debian/pool/main/b/bc/bc_1.07.1-4_amd64.deb",
                "http://old.example/archive/debian/20260912T075541Z/pool/main/b/bc/bc_1.07.1-4_amd64.deb",
            ]
        );
        assert!(candidates(&origin, &Mirrors::default()).is_empty());
    }
}
