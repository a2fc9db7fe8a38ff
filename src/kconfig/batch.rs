//! All commands that a tree asks for, as one shell script that runs them side by side, and what it prints, read back. The
//! script is run elsewhere: in a sandbox or by hand.

use std::{collections::BTreeMap, fmt::Write as _};

use super::error::KconfigError;

/// As many bytes of a command's output are kept. One more than counts, as the kernel's `conf` reads.
const KEPT: usize = 4096;
/// The first line that the script prints: a form, and how many commands follow.
const HEAD: &str = "kconfig answers 1";

/// Commands to run at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch<'a> {
    /// Each is given to `sh -c`.
    pub commands: &'a [String],
    /// Variables that they find in their environment, beside what the script finds in its own.
    pub variables: &'a BTreeMap<String, String>,
    /// How many run side by side.
    pub jobs: usize,
    /// How long each may take, in seconds.
    pub seconds: u32,
}

impl Batch<'_> {
    /// Returns a script for `sh` that runs the commands and prints their answers. It needs `timeout`, `head`, `wc`,
    /// `mktemp`, `mkdir` and `rm`; commands run in an empty directory under `$TMPDIR`, so they reach the tree only by an
    /// absolute path. The script succeeds whatever the commands do. What they print on standard error is lost.
    #[must_use]
    pub fn script(&self) -> String {
        let mut script = String::from(PREPARE);
        for (name, value) in self.variables {
            if is_variable(name) {
                let _ = writeln!(script, "export {name}={}", quoted(value));
            }
        }
        let _ = writeln!(script, "limit={}", self.seconds);
        let jobs = self.jobs.clamp(1, self.commands.len().max(1));
        for job in 0..jobs {
            let _ = writeln!(
                script,
                "{{\nmkdir \"$work/job{job}\" && cd \"$work/job{job}\" || exit"
            );
            for (number, command) in self.commands.iter().enumerate().skip(job).step_by(jobs) {
                let _ = writeln!(script, "run {number} {}", quoted(command));
            }
            script.push_str("} &\n");
        }
        let count = self.commands.len();
        let _ = writeln!(
            script,
            "wait\ncd \"$work\" || exit 1\necho '{HEAD} {count}'\necho endless $(cat endless)"
        );
        if count > 0 {
            let files: String = (0..count).map(|number| format!(" {number}.out")).collect();
            let _ = writeln!(script, "wc -c{files}\nhead -q -c {KEPT}{files}");
        }
        script
    }

    /// Reads back what the script printed: what each command printed, in order.
    ///
    /// # Errors
    ///
    /// A command did not end in time, or this is not what the script prints.
    pub fn answers(&self, printed: &[u8]) -> Result<Vec<Vec<u8>>, KconfigError> {
        let damaged = |detail: String| KconfigError::Answers {
            commands: self.commands.len(),
            detail,
        };
        let mut rest = printed;
        let mut line = || {
            let end = memchr::memchr(b'\n', rest)?;
            let line = str::from_utf8(&rest[..end]).ok()?;
            rest = &rest[end + 1..];
            Some(line)
        };
        let head = format!("{HEAD} {}", self.commands.len());
        if line() != Some(head.as_str()) {
            return Err(damaged(format!("it does not begin with `{head}`")));
        }
        let endless = line().and_then(|line| line.strip_prefix("endless"));
        if let Some(number) = endless.and_then(|numbers| numbers.split_whitespace().next()) {
            let command = number
                .parse()
                .ok()
                .and_then(|number: usize| self.commands.get(number));
            return Err(match command {
                Some(command) => KconfigError::Endless {
                    command: command.clone(),
                    seconds: self.seconds,
                },
                None => damaged(format!("there is no command {number}")),
            });
        }
        let mut lengths = Vec::with_capacity(self.commands.len());
        for number in 0..self.commands.len() {
            // As `wc` prints it: `  12 0.out`.
            let length =
                line().and_then(|line| line.trim().strip_suffix(&format!(" {number}.out")));
            match length.and_then(|length| length.trim().parse::<usize>().ok()) {
                Some(length) => lengths.push(length.min(KEPT)),
                None => return Err(damaged(format!("the length of answer {number} is missing"))),
            }
        }
        if self.commands.len() > 1 && !line().is_some_and(|line| line.ends_with(" total")) {
            return Err(damaged("the sum of the lengths is missing".to_owned()));
        }
        let mut answers = Vec::with_capacity(lengths.len());
        for length in lengths {
            let Some((answer, tail)) = rest.split_at_checked(length) else {
                return Err(damaged("it ends too early".to_owned()));
            };
            answers.push(answer.to_vec());
            rest = tail;
        }
        match rest {
            [] => Ok(answers),
            _ => Err(damaged("something follows it".to_owned())),
        }
    }
}

/// `timeout` says 124, or 137 where it had to kill. Files of more than 64 MiB cannot be written, so that a command which
/// prints without end is ended too. Commands whose files would meet run one after another, as with the kernel's `conf`.
const PREPARE: &str = "\
set -u
work=$(mktemp -d) || exit 1
trap 'rm -rf \"$work\"' EXIT
: >\"$work/endless\"
ulimit -f 131072
run() {
	timeout -k 1 \"$limit\" sh -c \"$2\" </dev/null >\"$work/$1.out\" 2>/dev/null
	case $? in
	124 | 137) echo \"$1\" >>\"$work/endless\" ;;
	esac
}
";

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn is_variable(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || character == '_')
}
