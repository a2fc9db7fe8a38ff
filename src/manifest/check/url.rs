//! URLs: what a download may be named by. Whether anything is there is for `source`.

use super::Check;
use crate::manifest::{
    raw::Node,
    words::{nearest, quoted},
};

const SCHEMES: [&str; 3] = ["https", "http", "file"];
/// Endings of archives that an agent can be taken out of.
const ARCHIVES: [&str; 6] = [".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.zst"];

impl Check<'_> {
    /// Reads a URL with the scheme `https`, `http` or `file`.
    pub(super) fn url(&mut self, node: &Node) -> Option<String> {
        let text = self.line(node, "a URL")?;
        let Err((wrong, help)) = usable(text) else {
            return Some(text.to_owned());
        };
        self.bad(node, format!("{} {wrong}", quoted(text)), help)
    }

    /// Reads a list of URLs.
    pub(super) fn urls(&mut self, node: &Node) -> Option<Vec<String>> {
        self.list(node, "URL", Self::url)
    }
}

/// Whether a URL names an archive, by its ending.
pub(super) fn is_archive(url: &str) -> bool {
    let path = url.split(['?', '#']).next().unwrap_or(url);
    ARCHIVES.iter().any(|ending| path.ends_with(ending))
}

/// Returns what is wrong with a URL, and what to do.
fn usable(text: &str) -> Result<(), (&'static str, String)> {
    let Some((scheme, rest)) = text.split_once("://") else {
        let help = match text.starts_with('/') {
            true => format!("write `file://{text}`"),
            false => "write the whole URL, `https://…`".to_owned(),
        };
        return Err(("is not a URL", help));
    };
    if !SCHEMES.contains(&scheme) {
        let help = match nearest(scheme, SCHEMES) {
            Some(meant) => format!("did you mean `{meant}://`?"),
            None => "downloads come by `https`, `http` or `file`".to_owned(),
        };
        return Err(("has a scheme that nothing is fetched by", help));
    }
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let file = scheme == "file";
    let (wrong, help) = match () {
        () if text.contains(char::is_whitespace) => ("has white space", "write it as `%20`"),
        () if file && !host.is_empty() => (
            "names a host for a file",
            "write `file:///` and the absolute path",
        ),
        () if !file && host.is_empty() => ("names no host", "write the whole URL, `https://…`"),
        () if host.contains('@') => (
            "has a user or password",
            "remove them: URLs are written into the artifact for everyone to read",
        ),
        () if path.is_empty() => ("names no file", "write the whole URL of the file"),
        () => return Ok(()),
    };
    Err((wrong, help.to_owned()))
}
