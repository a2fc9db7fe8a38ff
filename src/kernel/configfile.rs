//! A kernel's configuration from anywhere: everything that is wrong with the file, and what it says of its kernel.
//! Stricter than `dotconfig`, which reads what we have just had written: here a line that says two things at once, or a
//! file that is something else, must not pass for a configuration.

use std::collections::{BTreeMap, btree_map::Entry};

use super::{
    badfile::{BadFile, Problem},
    dotconfig::DotConfig,
    fragment::plain_text,
    value::{Symbol, Value},
    version::KernelVersion,
};
use crate::arch::Arch;

/// More mistakes than this are counted and not shown.
const MOST_PROBLEMS: usize = 20;
/// Where the header may stand, in lines.
const HEADER: usize = 10;

/// A whole configuration.
#[derive(Clone, Debug)]
pub struct ConfigFile {
    /// Where it was found, in messages.
    pub name: String,
    /// Its kernel's release, from its header: `6.12.117` or `6.17.0-5.fc43.x86_64`.
    pub release: Option<String>,
    /// What it sets.
    pub values: DotConfig,
    text: String,
    header: usize,
    lines: BTreeMap<Symbol, usize>,
}

/// What the user says of a configuration.
#[derive(Clone, Debug, Default)]
pub struct Stated {
    /// `--arch`.
    pub arch: Option<Arch>,
    /// `--kernel-version`, as it was written: `6.12` means any 6.12.
    pub version: Option<String>,
}

/// Which kernel a configuration is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kernel {
    /// Its architecture.
    pub arch: Arch,
    /// Its version.
    pub version: KernelVersion,
}

/// What on means for an architecture: all of the first are on, and none of the second.
const ARCHES: [(Arch, &[&str], &[&str]); 5] = [
    (Arch::X86_64, &["X86_64"], &[]),
    (Arch::Aarch64, &["ARM64"], &["CPU_BIG_ENDIAN"]),
    (Arch::Ppc64le, &["PPC64"], &["CPU_BIG_ENDIAN"]),
    (Arch::Riscv64, &["RISCV", "64BIT"], &[]),
    (Arch::S390x, &["S390"], &[]),
];

impl ConfigFile {
    /// Reads a configuration.
    ///
    /// # Errors
    /// Everything that is wrong with the file, at once; the first twenty mistakes with their lines.
    pub fn parse(name: &str, bytes: &[u8]) -> Result<Self, BadFile> {
        let text = plain_text(name, bytes)?;
        let mut reader = Reader::default();
        for (index, line) in text.lines().enumerate() {
            reader.line(index + 1, line);
        }
        if reader.values.is_empty() {
            let told = "not a kernel's configuration: no line sets a symbol as `CONFIG_NET=y` does";
            reader.problems = vec![Problem::new(1, told)];
        }
        let more = reader.problems.len().saturating_sub(MOST_PROBLEMS);
        if more > 0 {
            reader.problems.truncate(MOST_PROBLEMS);
            if let Some(last) = reader.problems.pop() {
                reader
                    .problems
                    .push(last.and(&format!("; and {more} more mistakes below")));
            }
        }
        if !reader.problems.is_empty() {
            return Err(BadFile::new(name, text, &reader.problems));
        }
        let (header, release) = release(text).unzip();
        Ok(Self {
            name: name.to_owned(),
            release,
            values: DotConfig::from(reader.values),
            text: text.to_owned(),
            header: header.unwrap_or(1),
            lines: reader.lines,
        })
    }

    /// Returns the file's text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the line that sets a symbol, counted from 1.
    #[must_use]
    pub fn line(&self, symbol: &Symbol) -> Option<usize> {
        self.lines.get(symbol).copied()
    }

    /// Returns the kernel that the configuration is for: what it says itself, which must agree with what the user says;
    /// what the user says where it is silent.
    ///
    /// # Errors
    /// They disagree, or neither says it: with the line that does or should.
    pub fn kernel(&self, stated: &Stated) -> Result<Kernel, BadFile> {
        let mut problems = Vec::new();
        let arch = self.arch(stated.arch).map_err(|told| problems.push(told));
        let version = self
            .version(stated.version.as_deref())
            .map_err(|told| problems.push(told));
        match (arch, version) {
            (Ok(arch), Ok(version)) => Ok(Kernel { arch, version }),
            _ => Err(BadFile::new(&self.name, &self.text, &problems)),
        }
    }

    fn arch(&self, stated: Option<Arch>) -> Result<Arch, Problem> {
        let is_on = |name: &&str| self.values.named(name).is_on();
        let found = ARCHES
            .iter()
            .find(|(_, on, off)| on.iter().all(is_on) && !off.iter().any(is_on));
        let line = |name: &str| {
            let symbol = name.parse().ok();
            symbol.and_then(|symbol| self.line(&symbol)).unwrap_or(1)
        };
        match (found, stated) {
            (Some((arch, on, _)), Some(stated)) if *arch != stated => {
                let told =
                    format!("this is a kernel for {arch}, not for {stated} as `--arch` says");
                Err(Problem::new(line(on[0]), told))
            }
            (Some((arch, ..)), _) => Ok(*arch),
            // A file with a header is whole: it would say so if it were for one of ours.
            (None, _) if self.release.is_some() => Err(Problem::new(
                self.header,
                "this is a kernel for an architecture that Kata has no guests of: none of CONFIG_X86_64, CONFIG_ARM64, \
                 CONFIG_S390, CONFIG_PPC64 (little-endian) and CONFIG_RISCV (64 bits) is set",
            )),
            (None, Some(stated)) => Ok(stated),
            (None, None) => Err(Problem::new(
                1,
                "nothing here says which architecture this is for: say it with `--arch`",
            )),
        }
    }

    fn version(&self, stated: Option<&str>) -> Result<KernelVersion, Problem> {
        let parse = |text: &str| {
            let told = |wrong: super::version::NotAVersion| Problem::new(1, wrong.to_string());
            text.parse::<KernelVersion>().map_err(told)
        };
        let Some(release) = &self.release else {
            let told = "no header says which kernel this is for (`# Linux/x86 6.12.117 Kernel Configuration`): say it \
                        with `--kernel-version`";
            return stated.map_or_else(|| Err(Problem::new(1, told)), parse);
        };
        let wrong = |_| {
            Problem::new(
                self.header,
                format!("`{release}` is not a kernel's release"),
            )
        };
        let own: KernelVersion = numbers(release).parse().map_err(wrong)?;
        let Some(stated) = stated else {
            return Ok(own);
        };
        parse(stated)?;
        let own_text = own.to_string();
        let stated_text = numbers(stated);
        let same = own_text == stated_text || own_text.starts_with(&format!("{stated_text}."));
        if same {
            return Ok(own);
        }
        let told = format!("this is Linux {release}, not {stated} as `--kernel-version` says");
        Err(Problem::new(self.header, told))
    }
}

/// Returns the numbers that a release begins with: `6.17.0` of `6.17.0-5.fc43`, `7.1` of `7.1-rc5`.
fn numbers(release: &str) -> &str {
    let end = release.find(|char: char| !char.is_ascii_digit() && char != '.');
    release[..end.unwrap_or(release.len())].trim_end_matches('.')
}

/// Returns the line of the header and the release in it.
fn release(text: &str) -> Option<(usize, String)> {
    text.lines()
        .take(HEADER)
        .enumerate()
        .find_map(|(index, line)| {
            let head = line.strip_prefix("# Linux/")?;
            let (_, release) = head
                .strip_suffix(" Kernel Configuration")?
                .split_once(' ')?;
            Some((index + 1, release.to_owned()))
        })
}

#[derive(Default)]
struct Reader {
    values: BTreeMap<Symbol, Value>,
    lines: BTreeMap<Symbol, usize>,
    problems: Vec<Problem>,
}

impl Reader {
    fn line(&mut self, number: usize, line: &str) {
        match setting(line) {
            None => {}
            Some(Ok((symbol, value))) => self.set(number, symbol, value),
            Some(Err(told)) => self.problems.push(Problem::new(number, told)),
        }
    }

    fn set(&mut self, number: usize, symbol: Symbol, value: Value) {
        match self.values.entry(symbol.clone()) {
            Entry::Vacant(free) => {
                free.insert(value);
                self.lines.insert(symbol, number);
            }
            Entry::Occupied(taken) => {
                let line = self.lines.get(&symbol).copied().unwrap_or(1);
                let before = taken.get();
                let told = if before.means(&value) {
                    format!("CONFIG_{symbol} is set to {before} on line {line} already: remove one")
                } else {
                    format!(
                        "contradicts line {line}, where CONFIG_{symbol} is {before}: remove one"
                    )
                };
                self.problems.push(Problem::new(number, told));
            }
        }
    }
}

/// Returns what a line sets; nothing for a comment or an empty line.
fn setting(line: &str) -> Option<Result<(Symbol, Value), String>> {
    if let Some(comment) = line.strip_prefix('#') {
        let unset = comment
            .strip_prefix(" CONFIG_")?
            .strip_suffix(" is not set")?;
        return unset.parse().ok().map(|symbol| Ok((symbol, Value::No)));
    }
    if line.is_empty() {
        return None;
    }
    let wrong = || "not a line of a configuration: expected `CONFIG_NAME=value` or `#`".to_owned();
    let set = line
        .strip_prefix("CONFIG_")
        .and_then(|rest| rest.split_once('='));
    Some(set.ok_or_else(wrong).and_then(|(symbol, value)| {
        let symbol = symbol.parse().map_err(|_| wrong())?;
        Ok((symbol, Value::parse(value)?))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "#\n# Automatically generated file; DO NOT EDIT.\n# Linux/x86 6.12.117 Kernel Configuration\n#\n";

    fn told(bytes: &[u8]) -> String {
        ConfigFile::parse("c", bytes)
            .unwrap_err()
            .problems()
            .join("\n")
    }

    fn kernel(text: &str, arch: Option<Arch>, version: Option<&str>) -> Result<String, String> {
        let config = ConfigFile::parse("c", text.as_bytes()).unwrap();
        let version = version.map(str::to_owned);
        let kernel = config.kernel(&Stated { arch, version });
        kernel
            .map(|kernel| format!("{} {}", kernel.arch, kernel.version))
            .map_err(|bad| bad.problems().join("\n"))
    }

    #[test]
    fn every_mistake_is_told_with_its_line() {
        insta::assert_snapshot!(
            told(b"CONFIG_A=y\n# CONFIG_A is not set\nCONFIG_A=y\nhello\nCONFIG_B=\nCONFIG_C-D=y\nCONFIG_E\n"), @r"
        line 2: contradicts line 1, where CONFIG_A is y: remove one
        line 3: CONFIG_A is set to y on line 1 already: remove one
        line 4: not a line of a configuration: expected `CONFIG_NAME=value` or `#`
        line 5: nothing after `=`: write `y`, `m`, `n`, a number or a string in quotes
        line 6: not a line of a configuration: expected `CONFIG_NAME=value` or `#`
        line 7: not a line of a configuration: expected `CONFIG_NAME=value` or `#`
        ");
    }

    #[test]
    fn a_file_that_is_no_configuration_is_one_mistake() {
        for text in ["", "# a comment\n", "hello\nworld\n"] {
            let told = told(text.as_bytes());
            assert!(
                told.starts_with("line 1: not a kernel's configuration"),
                "{told}"
            );
            assert_eq!(told.lines().count(), 1);
        }
        let many = format!("CONFIG_A=y\n{}", "x\n".repeat(1000));
        let told = told(many.as_bytes());
        assert_eq!(told.lines().count(), MOST_PROBLEMS);
        assert!(told.ends_with("; and 980 more mistakes below"), "{told}");
    }

    #[test]
    fn bytes_that_no_kernel_writes_are_told_with_their_line() {
        assert!(told(b"CONFIG_A=y\nCONFIG_B=y\r\n").starts_with("line 2: "));
        assert!(told(b"CONFIG_A=y\n\nCONFIG_B=\0\n").starts_with("line 3: a NUL byte"));
        assert!(told(b"CONFIG_A=y\nCONFIG_B=\"\xff\"\n").starts_with("line 2: not UTF-8"));
    }

    #[test]
    fn a_configuration_says_which_kernel_it_is_for() {
        let x86 = format!("{HEAD}CONFIG_X86_64=y\nCONFIG_64BIT=y\n");
        for stated in [None, Some("6.12"), Some("6.12.117")] {
            assert_eq!(kernel(&x86, None, stated).unwrap(), "x86_64 6.12.117");
        }
        for (release, version) in [
            ("6.17.0-5.fc43.x86_64", "6.17.0"),
            ("7.1.0-rc5", "7.1.0"),
            ("6.1.192", "6.1.192"),
        ] {
            let text = x86.replace("6.12.117", release);
            assert_eq!(
                kernel(&text, None, None).unwrap(),
                format!("x86_64 {version}")
            );
        }
        for (symbols, arch) in [
            ("CONFIG_ARM64=y\n", "aarch64"),
            ("CONFIG_PPC64=y\nCONFIG_CPU_LITTLE_ENDIAN=y\n", "ppc64le"),
            ("CONFIG_RISCV=y\nCONFIG_64BIT=y\n", "riscv64"),
            ("CONFIG_S390=y\n", "s390x"),
        ] {
            let text = format!("{HEAD}{symbols}");
            assert_eq!(
                kernel(&text, None, None).unwrap(),
                format!("{arch} 6.12.117")
            );
        }
    }

    #[test]
    fn another_kernel_than_the_stated_one_is_told_with_the_line_that_says_so() {
        let x86 = format!("{HEAD}CONFIG_NET=y\nCONFIG_X86_64=y\n");
        insta::assert_snapshot!(kernel(&x86, Some(Arch::S390x), Some("6.1")).unwrap_err(), @r"
        line 3: this is Linux 6.12.117, not 6.1 as `--kernel-version` says
        line 6: this is a kernel for x86_64, not for s390x as `--arch` says
        ");
        let old = x86.replace("X86_64", "X86_32");
        let told = kernel(&old, None, None).unwrap_err();
        assert!(
            told.starts_with(
                "line 3: this is a kernel for an architecture that Kata has no guests"
            ),
            "{told}"
        );
    }

    #[test]
    fn what_a_file_without_a_header_is_for_must_be_stated() {
        let told = kernel("CONFIG_NET=y\n", None, None).unwrap_err();
        assert!(
            told.contains("`--arch`") && told.contains("`--kernel-version`"),
            "{told}"
        );
        let stated = kernel("CONFIG_NET=y\n", Some(Arch::Riscv64), Some("6.12"));
        assert_eq!(stated.unwrap(), "riscv64 6.12.0");
        let told = kernel("CONFIG_NET=y\n", Some(Arch::Riscv64), Some("soon")).unwrap_err();
        assert!(told.contains("`soon` is not a kernel version"), "{told}");
    }
}
