//! The agent's part of a manifest.

use super::{Check, fields::Fields, url};
use crate::manifest::{
    Agent,
    fields::AGENT,
    problem::{Mistake, Problem},
    raw::{Node, Value},
    words::{nearest, quoted},
};

/// Reads `embedded`, `{path}` or `{url, mirrors, sha256, member}`.
pub(super) fn agent(check: &mut Check<'_>, node: &Node) -> Option<Agent> {
    if let Value::Scalar(scalar) = &node.value
        && !scalar.text.is_empty()
    {
        return word(check, node, &scalar.text);
    }
    let fields = Fields::read(check, node, &AGENT)?;
    let only = fields.only(check, &["path", "url"]);
    let path = fields.may(
        "path",
        || None,
        |node| check.file(node, "an agent").map(Some),
    );
    let url = fields.may("url", || None, |node| check.url(node).map(Some));
    let mirrors = fields.may("mirrors", Vec::new, |node| check.urls(node));
    let sha256 = fields.may("sha256", || None, |node| check.sha256(node).map(Some));
    let member = fields.may("member", || None, |node| member(check, node).map(Some));
    match only? {
        "path" => {
            for name in ["mirrors", "sha256", "member"] {
                if let Some(node) = fields.get(name) {
                    let problem = Problem::new(
                        Mistake::WrongForm,
                        format!("`{name}` says nothing of an agent with a `path`"),
                    )
                    .at(fields.span(name), "belongs to `url`")
                    .other(fields.span("path"), "the agent is here")
                    .help(format!("remove `{name}`"));
                    check.report(node, problem);
                }
            }
            path?.map(Agent::Path)
        }
        _ => {
            if fields.get("sha256").is_none() {
                fields.missing(check, "sha256");
            }
            let url = url??;
            if let (Some(node), None) = (fields.get("url"), fields.get("member"))
                && url::is_archive(&url)
            {
                let problem = Problem::new(Mistake::WrongForm, "an archive is no agent")
                    .help("add `member: …`, the agent's path inside it, for instance `./usr/bin/kata-agent`");
                check.report(node, problem);
            }
            Some(Agent::Url {
                url,
                mirrors: mirrors?,
                sha256: sha256??,
                member: member?,
            })
        }
    }
}

fn word(check: &mut Check<'_>, node: &Node, text: &str) -> Option<Agent> {
    if text == "embedded" {
        return Some(Agent::Embedded);
    }
    let shown = quoted(text);
    let bare = shown.trim_matches('`');
    let help = match nearest(text, ["embedded"]) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None if text.contains("://") => format!("write `agent: {{url: {bare}, sha256: …}}`"),
        None if text.contains('/') => format!("write `agent: {{path: {bare}}}`"),
        None => "write `embedded`, `{path: …}` or `{url: …, sha256: …}`".to_owned(),
    };
    check.bad(node, format!("{shown} is not an agent"), help)
}

/// Reads a path inside an archive.
fn member(check: &mut Check<'_>, node: &Node) -> Option<String> {
    let text = check.line(node, "a path in an archive")?;
    let up = text.split('/').any(|part| part == "..");
    if up || text.starts_with('/') || text.ends_with('/') {
        let message = format!("{} is no file's path in an archive", quoted(text));
        let help = "write it as `tar -t` prints it, for instance `./usr/bin/kata-agent`";
        return check.bad(node, message, help.to_owned());
    }
    Some(text.to_owned())
}
