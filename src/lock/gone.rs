//! The error for a pin whose bytes are nowhere any more: what was pinned, what there is now, and how to take it.

use crate::source::{FetchError, Tried, Why};

/// A pinned package that no mirror and no archive mirror has.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("package {name} {version} of the lock is on no mirror that answered{}", now(newer.as_deref()))]
#[diagnostic(
    code(lock::gone),
    help("`{update}` pins {}; or configure an archive mirror that still has it", newer.as_deref().unwrap_or("what there is now"))
)]
pub struct PinGone {
    /// The package.
    pub name: String,
    /// The pinned version.
    pub version: String,
    /// The command that moves the pin.
    pub update: String,
    /// The version that the index has now, when the index could be asked.
    pub newer: Option<String>,
    /// What was tried.
    #[source]
    pub cause: FetchError,
}

impl PinGone {
    /// Returns the error that a failed fetch of a pinned package amounts to, if every server that could be reached, and
    /// at least one, answered that it does not have it; otherwise the failure itself. `newest` asks the index, and is called only then: see
    /// [`super::resolve::newest`].
    ///
    /// # Errors
    /// The fetch failed for another reason.
    pub fn explain(
        name: &str,
        version: &str,
        update: String,
        cause: FetchError,
        newest: impl FnOnce() -> Option<String>,
    ) -> Result<Self, FetchError> {
        let absent = |tried: &Tried| matches!(tried.why, Why::Status(404 | 410));
        let silent = |tried: &Tried| matches!(tried.why, Why::Exchange(_));
        match &cause {
            FetchError::Nowhere { tried, .. }
                if tried.iter().any(absent) && tried.iter().all(|t| absent(t) || silent(t)) =>
            {
                Ok(Self {
                    name: name.to_owned(),
                    version: version.to_owned(),
                    update,
                    newer: newest().filter(|newest| newest != version),
                    cause,
                })
            }
            _ => Err(cause),
        }
    }
}

fn now(newer: Option<&str>) -> String {
    newer.map_or_else(String::new, |newer| {
        format!("; the archive has {newer} now")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    /// A fetch that failed at servers with these statuses; 0 is a server that could not be reached.
    fn nowhere(statuses: &[u16]) -> FetchError {
        let tried = statuses.iter().map(|status| Tried {
            url: "http://mirror.example/debian/x".into(),
            why: match status {
                0 => Why::Exchange("no such host".into()),
                status => Why::Status(*status),
            },
        });
        FetchError::Nowhere {
            what: "bc 1".into(),
            tried: tried.collect(),
        }
    }

    #[test]
    fn a_pin_that_no_server_has_is_told_with_what_replaces_it() {
        let gone = PinGone::explain(
            "bc",
            "1",
            "kata-artifacts update bc".into(),
            nowhere(&[404, 0, 410]),
            || Some("2".into()),
        );
        let gone = gone.unwrap();
        let help = miette::Diagnostic::help(&gone).unwrap().to_string();
        assert_eq!(
            gone.to_string(),
            "package bc 1 of the lock is on no mirror that answered; the archive has 2 now"
        );
        assert!(
            help.starts_with("`kata-artifacts update bc` pins 2;"),
            "{help}"
        );
        let gone = PinGone::explain(
            "bc",
            "1",
            "kata-artifacts update bc".into(),
            nowhere(&[404]),
            || None,
        )
        .unwrap();
        assert_eq!(gone.newer, None);
    }

    #[test]
    fn a_server_that_fails_in_another_way_does_not_make_a_pin_gone() {
        for statuses in [&[404, 503][..], &[0], &[]] {
            let explained = PinGone::explain(
                "bc",
                "1",
                "kata-artifacts update bc".into(),
                nowhere(statuses),
                || panic!("not asked"),
            );
            assert!(explained.is_err());
        }
    }
}
