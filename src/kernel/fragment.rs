//! Kconfig fragments: plain ones that any `merge_config.sh` accepts, with metadata in comments. Decides what one file
//! requests. Merging is in `merge`; nothing here knows a kernel tree, and nothing here knows make.
//!
//! Metadata stands in comment lines and holds for the symbols below it up to the next blank line:
//!
//! ```text
//! # reason: The sandbox's files come over virtio-fs.
//! # feature: virtio-fs
//! # since: 5.4
//! CONFIG_VIRTIO_FS=y
//! ```
//!
//! `since` is the first kernel release series that is asked, `until` the last. `level` and `accept` say how much the
//! request matters to a kernel that was not built from it, and which other values would do there. A comment line that is
//! indented by two blanks or more continues the metadata line above it.

use std::fmt;

use super::{
    badfile::{BadFile, Problem},
    demand::{Accept, Demand},
    value::{Symbol, Value},
    version::VersionRange,
};

/// What a metadata line can begin with.
const KEYS: [&str; 6] = ["reason", "feature", "level", "accept", "since", "until"];

/// Where a request stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// The file's name in messages: `fragments/base.conf`.
    pub file: String,
    /// The line, counted from 1; 0 for something without lines.
    pub line: usize,
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskedBy {
    /// A fragment's line.
    Fragment,
    /// The profile's `off`.
    Profile,
    /// The manifest, or the product itself for the sake of reproducibility.
    Manifest,
}

/// One symbol that should have one value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The symbol.
    pub symbol: Symbol,
    /// The value it should have.
    pub value: Value,
    /// Where this is written.
    pub origin: Origin,
    /// Who asks.
    pub asked: AskedBy,
    /// Why, when the file says so.
    pub reason: Option<String>,
    /// Which features it serves, in the order of the file.
    pub features: Vec<String>,
    /// Which kernels are asked.
    pub versions: VersionRange,
    /// How much it matters, and what else would do.
    pub demand: Demand,
}

/// A file's requests, in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// The file's name in messages.
    pub name: String,
    /// The requests.
    pub requests: Vec<Request>,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(&self.file),
            line => write!(f, "{}:{line}", self.file),
        }
    }
}

impl Fragment {
    /// Reads a fragment.
    ///
    /// # Errors
    /// Everything that is wrong with the file, at once.
    pub fn parse(name: &str, bytes: &[u8]) -> Result<Self, BadFile> {
        let text = plain_text(name, bytes)?;
        let mut reader = Reader {
            name,
            requests: Vec::new(),
            problems: Vec::new(),
            block: Block::default(),
        };
        for (index, line) in text.lines().enumerate() {
            reader.line(index + 1, line.trim_end_matches([' ', '\t']));
        }
        if reader.problems.is_empty() {
            Ok(Self {
                name: name.to_owned(),
                requests: reader.requests,
            })
        } else {
            Err(BadFile::new(name, text, &reader.problems))
        }
    }
}

/// Returns the text, unless it has bytes that Kconfig reads otherwise than a person does.
pub(super) fn plain_text<'a>(name: &str, bytes: &'a [u8]) -> Result<&'a str, BadFile> {
    let refuse = |at: usize, text: &str| {
        let line = bytes[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
        let shown = String::from_utf8_lossy(bytes)
            .replace('\r', "")
            .replace('\0', "\u{fffd}");
        BadFile::new(name, &shown, &[Problem::new(line, text)])
    };
    if let Some(at) = memchr::memchr(0, bytes) {
        return Err(refuse(at, "a NUL byte: this is not a text file"));
    }
    if let Some(at) = memchr::memchr(b'\r', bytes) {
        return Err(refuse(
            at,
            "lines end in CR LF, and Kconfig takes the CR for a part of the value: end them in LF",
        ));
    }
    std::str::from_utf8(bytes)
        .map_err(|error| refuse(error.valid_up_to(), "not UTF-8: save the file as UTF-8"))
}

/// The metadata that holds at a line.
#[derive(Default)]
struct Block {
    reason: Option<String>,
    features: Vec<String>,
    versions: VersionRange,
    demand: Demand,
    /// A symbol has been seen: the next metadata line begins a new block.
    used: bool,
    /// Which line an indented comment continues.
    open: Option<Open>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    Reason,
    Other,
}

struct Reader<'a> {
    name: &'a str,
    requests: Vec<Request>,
    problems: Vec<Problem>,
    block: Block,
}

impl Reader<'_> {
    fn line(&mut self, number: usize, line: &str) {
        if line.is_empty() {
            self.block = Block::default();
        } else if let Some(comment) = line.strip_prefix('#') {
            self.comment(number, line, comment);
        } else {
            self.block.open = None;
            match assignment(line) {
                Ok((symbol, value)) => self.request(number, symbol, value),
                Err(problem) => self.problems.push(Problem::new(number, problem)),
            }
        }
    }

    fn comment(&mut self, number: usize, line: &str, comment: &str) {
        if let Some(symbol) = unset(comment) {
            let exact = format!("# CONFIG_{symbol} is not set");
            if line != exact {
                let told = format!("Kconfig takes this for a comment: write `{exact}`");
                self.problems.push(Problem::new(number, told));
            } else if let Ok(symbol) = symbol.parse() {
                self.request(number, symbol, Value::No);
            }
        } else if let Some((key, text)) = metadata(comment) {
            self.metadata(number, key, text);
        } else if comment.starts_with("  ")
            && let Some(open) = self.block.open
        {
            if let (Open::Reason, Some(reason)) = (open, &mut self.block.reason) {
                reason.push(' ');
                reason.push_str(comment.trim());
            }
        } else {
            self.block.open = None;
        }
    }

    fn metadata(&mut self, number: usize, key: &str, text: &str) {
        if self.block.used {
            self.block = Block::default();
        }
        self.block.open = Some(Open::Other);
        if text.is_empty() {
            let told = format!("`{key}:` says nothing: write it out or remove the line");
            self.problems.push(Problem::new(number, told));
            return;
        }
        match key {
            "reason" => {
                self.block.open = Some(Open::Reason);
                self.block.reason = Some(match self.block.reason.take() {
                    Some(before) => format!("{before} {text}"),
                    None => text.to_owned(),
                });
            }
            "feature" => self.block.features.extend(
                text.split(',')
                    .map(str::trim)
                    .filter(|feature| !feature.is_empty())
                    .map(str::to_owned),
            ),
            "level" => match text.parse() {
                Ok(level) => self.block.demand.level = Some(level),
                Err(wrong) => self.tell(number, &wrong),
            },
            "accept" => {
                for item in text.split(',').map(str::trim) {
                    match item.parse::<Accept>() {
                        Ok(accept) => self.block.demand.accept.push(accept),
                        Err(wrong) => self.tell(number, &wrong),
                    }
                }
            }
            _ => match text.parse() {
                Ok(version) if key == "since" => self.block.versions.since(version),
                Ok(version) => self.block.versions.until(version),
                Err(wrong) => self.tell(number, &wrong),
            },
        }
    }

    fn tell(&mut self, line: usize, wrong: &dyn fmt::Display) {
        self.problems.push(Problem::new(line, wrong.to_string()));
    }

    fn request(&mut self, line: usize, symbol: Symbol, value: Value) {
        self.block.used = true;
        self.block.open = None;
        self.requests.push(Request {
            symbol,
            value,
            origin: Origin {
                file: self.name.to_owned(),
                line,
            },
            asked: AskedBy::Fragment,
            reason: self.block.reason.clone(),
            features: self.block.features.clone(),
            versions: self.block.versions.clone(),
            demand: self.block.demand.clone(),
        });
    }
}

/// Returns the symbol of `CONFIG_X is not set`, however it is spaced.
fn unset(comment: &str) -> Option<&str> {
    let mut words = comment.split_ascii_whitespace();
    let symbol = words.next()?.strip_prefix("CONFIG_")?;
    (words.eq(["is", "not", "set"]) && symbol.parse::<Symbol>().is_ok()).then_some(symbol)
}

fn metadata(comment: &str) -> Option<(&str, &str)> {
    let (key, text) = comment
        .strip_prefix(' ')
        .unwrap_or(comment)
        .split_once(':')?;
    KEYS.contains(&key).then(|| (key, text.trim()))
}

fn assignment(line: &str) -> Result<(Symbol, Value), String> {
    let Some((left, right)) = line.split_once('=') else {
        let word = line.trim().trim_start_matches("CONFIG_");
        return Err(match word.parse::<Symbol>() {
            Ok(symbol) => {
                format!("no value: write `CONFIG_{symbol}=y` or `# CONFIG_{symbol} is not set`")
            }
            Err(_) => "not a request: write `CONFIG_NAME=value`, or `#` before a comment".into(),
        });
    };
    let name = left.trim();
    let symbol: Symbol = name
        .strip_prefix("CONFIG_")
        .unwrap_or(name)
        .parse()
        .map_err(|_| format!("`{name}` is not a symbol: write `CONFIG_NAME=value`"))?;
    let value = Value::parse(right.trim())?;
    let exact = value.line_for(&symbol);
    let written = format!("CONFIG_{symbol}={}", right.trim());
    if line == written {
        Ok((symbol, value))
    } else {
        Err(format!(
            "write `{}`",
            if value.is_on() { exact } else { written }
        ))
    }
}
