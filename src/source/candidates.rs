//! Where a blob may be found: URLs in the order in which they are worth asking. Pure; nothing is fetched here.

use jiff::{Timestamp, ToSpan};

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
            let dropped = moments(date).into_iter().flat_map(|at| {
                let bases = mirrors.snapshots.iter();
                bases.map(move |base| format!("{base}/{archive}/{at}/{path}"))
            });
            current.chain(dropped).collect()
        }
    }
}

/// Returns when an archive mirror is asked, as it spells it: `20260912T075541Z` for `2026-09-12T07:55:41Z`, and a day
/// later, since it takes a release in some hours after it was signed.
fn moments(date: &str) -> Vec<String> {
    let signed = date.parse::<Timestamp>().ok();
    let later = signed.and_then(|signed| signed.checked_add(24.hours()).ok());
    let spelt = |moment: Timestamp| moment.strftime("%Y%m%dT%H%M%SZ").to_string();
    signed.into_iter().chain(later).map(spelt).collect()
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
                "http://old.example/archive/debian/20260913T075541Z/pool/main/b/bc/bc_1.07.1-4_amd64.deb",
            ]
        );
        assert!(candidates(&origin, &Mirrors::default()).is_empty());
    }
}
