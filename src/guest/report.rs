//! The agent's report: its schema (version 1), and what of a requirement it does not meet. It is read as a stranger's
//! word: bounded, checked, and never shown to a terminal as it came.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::console::plain;

/// A report's greatest length in bytes. Part of the agent's protocol.
pub(super) const LONGEST: usize = 64 << 10;
/// The schema that is understood. Part of the agent's protocol.
const SCHEMA: &str = "dev.kata-artifacts.report.v1";

/// What a kernel must serve when the manifest does not say: without these, Kata's agent serves no pod.
pub const ESSENTIAL: [&str; 9] = [
    "cgroup2",
    "driver-virtio-vsock",
    "fs-tmpfs",
    "namespace-ipc",
    "namespace-mnt",
    "namespace-net",
    "namespace-pid",
    "namespace-uts",
    "vsock",
];

/// What an agent says about its guest. Facts, not verdicts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The schema's name and version.
    pub schema: String,
    /// Who says it.
    pub agent: Agent,
    /// The running kernel.
    pub kernel: Kernel,
    /// Seconds since the kernel started.
    pub uptime: Uptime,
    /// Whether requests are served.
    pub server: Server,
    /// What the kernel serves, sorted.
    pub present: Vec<String>,
    /// What the kernel does not serve, sorted.
    pub missing: Vec<Missing>,
    /// Everything else it says.
    #[serde(flatten)]
    pub others: BTreeMap<String, Value>,
}

/// An agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agent {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// A running kernel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kernel {
    /// As `uname -r` prints it.
    pub release: String,
    /// As `uname -v` prints it.
    pub version: String,
    /// As `uname -m` prints it.
    pub machine: String,
    /// Its parameters.
    pub cmdline: String,
}

/// Times in seconds since the kernel started.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Uptime {
    /// The agent started.
    pub started: f64,
    /// The agent was ready.
    pub ready: f64,
}

/// How the agent serves requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    /// Where.
    pub address: String,
    /// Whether it does.
    pub listening: bool,
    /// Why it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Something that a kernel does not serve.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// Its name.
    pub name: String,
    /// How the agent knows, and what it would serve.
    pub reason: String,
}

impl Report {
    /// Reads a report, whose texts are plain from here on; or says in words why it is none.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        if bytes.len() > LONGEST {
            return Err(format!("it is longer than {LONGEST} bytes"));
        }
        let words = |error: serde_json::Error| plain(&error.to_string());
        let value = cleaned(serde_json::from_slice(bytes).map_err(words)?);
        match value.get("schema").and_then(Value::as_str) {
            Some(SCHEMA) => serde_json::from_value(value).map_err(words),
            Some(other) => Err(format!("its schema is `{other}`, not `{SCHEMA}`")),
            None => Err(format!("it names no schema, where `{SCHEMA}` is expected")),
        }
    }

    /// Returns which of the required names are not present, with the reason.
    pub(super) fn lacks(&self, require: &[String]) -> Vec<Missing> {
        let absent = require.iter().filter(|name| !self.present.contains(name));
        absent
            .map(|name| Missing {
                name: name.clone(),
                reason: self.reason(name),
            })
            .collect()
    }

    fn reason(&self, name: &str) -> String {
        if let Some(missing) = self.missing.iter().find(|missing| missing.name == name) {
            return missing.reason.clone();
        }
        let known = self
            .present
            .iter()
            .chain(self.missing.iter().map(|missing| &missing.name));
        let nearest = known
            .max_by(|a, b| strsim::jaro_winkler(a, name).total_cmp(&strsim::jaro_winkler(b, name)));
        let suggestion = nearest.map(|nearest| format!(": did you mean `{nearest}`?"));
        format!(
            "the agent knows nothing of this name{}",
            suggestion.unwrap_or_default()
        )
    }
}

/// Takes from every text what a terminal would obey.
fn cleaned(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(plain(&text)),
        Value::Array(values) => values.into_iter().map(cleaned).collect(),
        Value::Object(members) => {
            let members = members.into_iter();
            members
                .map(|(name, value)| (plain(&name), cleaned(value)))
                .collect()
        }
        other => other,
    }
}

/// A report of a guest that has all but the vsock.
#[cfg(test)]
pub(super) const EXAMPLE: &str = r#"{"schema":"dev.kata-artifacts.report.v1",
    "agent":{"name":"kata-artifacts-agent","version":"0.1.0"},
    "kernel":{"release":"6.12.57","version":"1 SMP","machine":"x86_64","cmdline":"console=ttyS0"},
    "uptime":{"started":0.512,"ready":0.634},"memory":{"total_kib":244000,"available_kib":231000},
    "server":{"address":"vsock://-1:1024","listening":true},"new in some later version":[1],
    "present":["cgroup2","fs-tmpfs"],
    "missing":[{"name":"vsock","reason":"the kernel has\u001b[2J no AF_VSOCK"}]}"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_keeps_what_this_version_does_not_know() {
        let report = Report::parse(EXAMPLE.as_bytes()).unwrap();
        assert_eq!(report.kernel.release, "6.12.57");
        let again = serde_json::to_value(&report).unwrap();
        // But for what a terminal would obey.
        let plain = EXAMPLE.replace("\\u001b[2J", "");
        assert_eq!(again, serde_json::from_str::<Value>(&plain).unwrap());
    }

    #[test]
    fn what_is_required_and_absent_is_lacking_with_its_reason() {
        let report = Report::parse(EXAMPLE.as_bytes()).unwrap();
        let require = ["cgroup2", "fs-tmpf", "vsock"].map(str::to_owned);
        let lacks: Vec<_> = report
            .lacks(&require)
            .into_iter()
            .map(|lack| (lack.name, lack.reason))
            .collect();
        assert_eq!(
            lacks,
            [
                (
                    "fs-tmpf".to_owned(),
                    "the agent knows nothing of this name: did you mean `fs-tmpfs`?".to_owned()
                ),
                ("vsock".to_owned(), "the kernel has no AF_VSOCK".to_owned()),
            ]
        );
    }

    #[test]
    fn what_is_no_report_is_refused_in_words() {
        let (open, close) = ("[".repeat(30_000), "]".repeat(30_000));
        let deep = format!(r#"{{"schema":"{SCHEMA}","x":{open}{close}}}"#);
        for (text, expected) in [
            ("", "EOF while parsing"),
            ("{", "EOF while parsing"),
            ("[]", "names no schema"),
            ("{}", "names no schema"),
            (
                r#"{"schema":"dev.kata-artifacts.report.v2"}"#,
                "its schema is `dev.kata-artifacts.report.v2`, not",
            ),
            (
                r#"{"schema":"dev.kata-artifacts.report.v1"}"#,
                "missing field `agent`",
            ),
            (&deep, "recursion limit"),
            (&"x".repeat(70_000), "longer than 65536 bytes"),
        ] {
            let error = Report::parse(text.as_bytes()).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}
