//! Names and versions: what each kind may be written with. Whether Debian has such a package is for the lock.

use super::Check;
use crate::{
    digest::Digest,
    manifest::{
        problem::{Mistake, Problem},
        raw::Node,
        words::quoted,
    },
};

/// Characters that a name may have: it becomes a directory and a part of an OCI reference.
const LONGEST_NAME: usize = 63;
/// Characters of a local version. The kernel's release has 64 in all.
const LONGEST_LOCALVERSION: usize = 32;

impl Check<'_> {
    /// Reads lower-case letters, digits and `-` between them.
    pub(super) fn name(&mut self, node: &Node, what: &str) -> Option<String> {
        let text = self.text(node, what)?;
        let inside = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let edges = !text.starts_with('-') && !text.ends_with('-');
        if !text.is_empty() && text.len() <= LONGEST_NAME && edges && text.chars().all(inside) {
            return Some(text.to_owned());
        }
        let mut fixed: String = text.to_lowercase().replace(|c| !inside(c), "-");
        fixed.truncate(LONGEST_NAME);
        let rule = format!(
            "{what} has lower-case letters and digits, `-` between them, at most {LONGEST_NAME} characters"
        );
        let help = match fixed.trim_matches('-') {
            "" => rule,
            fixed => format!("{rule}: `{fixed}`"),
        };
        self.bad(node, format!("{} is not {what}", quoted(text)), help)
    }

    /// Reads a semantic version (semver.org 2.0.0).
    pub(super) fn version(&mut self, node: &Node) -> Option<String> {
        let text = self.lexeme(node, "a version")?;
        if is_semver(text) {
            return Some(text.to_owned());
        }
        let bare = text.strip_prefix('v').unwrap_or(text);
        let help = [bare.to_owned(), format!("{bare}.0"), format!("{bare}.0.0")]
            .into_iter()
            .find(|fixed| is_semver(fixed))
            .map_or_else(
                || "write three numbers, as in `0.1.0`, `1.2.3-rc.1`".to_owned(),
                |fixed| format!("write `{fixed}`"),
            );
        self.bad(
            node,
            format!("{} is not a semantic version", quoted(text)),
            help,
        )
    }

    /// Reads the name of a Debian suite.
    pub(super) fn suite(&mut self, node: &Node) -> Option<String> {
        let rule = "a suite is a release's name, like `trixie`, or one of its parts, like `trixie-security`";
        self.word(node, "a suite", ".-", rule)
    }

    /// Reads the name of a Debian component.
    pub(super) fn component(&mut self, node: &Node) -> Option<String> {
        let rule = "Debian's components are `main`, `contrib`, `non-free` and `non-free-firmware`";
        self.word(node, "a component", "-", rule)
    }

    /// Reads the name of a Debian package (Debian Policy, 5.6.1).
    pub(super) fn package(&mut self, node: &Node) -> Option<String> {
        let rule =
            "a package's name has lower-case letters, digits, `+`, `-` and `.`, at least two";
        self.word(node, "a package", "+-.", rule)
    }

    /// Reads lower-case letters and digits, and after the first of them `others`.
    fn word(&mut self, node: &Node, what: &str, others: &str, rule: &str) -> Option<String> {
        let text = self.text(node, what)?;
        if is_word(text, others) {
            return Some(text.to_owned());
        }
        let bare: String = text
            .chars()
            .take_while(|c| !" =<>:(/".contains(*c))
            .collect();
        let small = text.to_lowercase();
        let help = if is_word(&bare, others) {
            format!("write `{bare}`: the lock pins versions and architectures")
        } else if is_word(&small, others) {
            format!("write `{small}`")
        } else {
            rule.to_owned()
        };
        self.bad(node, format!("{} is not {what}'s name", quoted(text)), help)
    }

    /// Reads what is appended to the kernel's release; may be empty.
    pub(super) fn localversion(&mut self, node: &Node) -> Option<String> {
        let text = self.text(node, "a local version")?;
        let inside = |c: char| c.is_ascii_alphanumeric() || "-._+~".contains(c);
        let fits = text.len() <= LONGEST_LOCALVERSION && text.chars().all(inside);
        if text.is_empty() || (text.starts_with('-') && text.len() > 1 && fits) {
            return Some(text.to_owned());
        }
        let mut help = format!(
            "a local version begins with `-` and has letters, digits and `._+~-`, at most {LONGEST_LOCALVERSION} characters"
        );
        if fits && !text.starts_with('-') {
            help = format!("write `-{text}`");
        }
        self.bad(
            node,
            format!("{} is not a local version", quoted(text)),
            help,
        )
    }

    /// Reads a SHA-256 digest.
    pub(super) fn sha256(&mut self, node: &Node) -> Option<Digest> {
        let text = self.lexeme(node, "a digest")?;
        if let Ok(digest) = text.parse() {
            return Some(digest);
        }
        let hex = text.strip_prefix("sha256:").unwrap_or(text);
        let help = match hex.chars().find(|c| !c.is_ascii_hexdigit()) {
            Some(other) => format!("{} is no hexadecimal digit", quoted(&other.to_string())),
            None => format!("64 hexadecimal digits are needed, this has {}", hex.len()),
        };
        self.bad(
            node,
            format!("{} is not a sha256 digest", quoted(text)),
            help,
        )
    }

    /// Reports a value with the right type and wrong letters.
    pub(super) fn bad<T>(&mut self, node: &Node, message: String, help: String) -> Option<T> {
        self.report(node, Problem::new(Mistake::BadValue, message).help(help));
        None
    }
}

/// Whether `text` has lower-case letters and digits, and after the first of them those of `others`.
fn is_word(text: &str, others: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    (2..=128).contains(&text.len())
        && text.starts_with(plain)
        && text.chars().all(|c| plain(c) || others.contains(c))
        && !text.contains("..")
}

fn is_semver(text: &str) -> bool {
    let (rest, build) = text
        .split_once('+')
        .map_or((text, None), |(rest, build)| (rest, Some(build)));
    let (core, pre) = rest
        .split_once('-')
        .map_or((rest, None), |(core, pre)| (core, Some(pre)));
    let number = |part: &str| {
        !part.is_empty()
            && part.len() <= 18
            && part.bytes().all(|byte| byte.is_ascii_digit())
            && (part == "0" || !part.starts_with('0'))
    };
    let word = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    text.len() <= 128
        && core.split('.').count() == 3
        && core.split('.').all(number)
        && pre.is_none_or(|pre| {
            pre.split('.')
                .all(|part| word(part) && (!digits(part) || number(part)))
        })
        && build.is_none_or(|build| build.split('.').all(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_those_of_semver_org() {
        for good in [
            "0.0.4",
            "1.2.3",
            "1.1.2-prerelease+meta",
            "1.0.0-alpha.1",
            "1.0.0-0A.is.legal",
            "1.0.0+0.build.1-rc",
            "1.0.0--x",
        ] {
            assert!(is_semver(good), "{good}");
        }
        for bad in [
            "",
            "1",
            "1.2",
            "01.1.1",
            "1.2.3.4",
            "1.2.3-",
            "1.2.3-0123",
            "1.2.3+",
            "v1.2.3",
            "1.2.3-a..b",
            "-1.0.0",
            "1.0.0 ",
        ] {
            assert!(!is_semver(bad), "{bad}");
        }
    }
}
