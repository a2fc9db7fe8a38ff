//! Which symbols a kernel tree defines, and what each depends on in its own words. Follows `source` lines from the top
//! Kconfig file, as `conf` does. Evaluates nothing: explanations that do are a room of their own.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use rayon::prelude::*;

use super::{KernelError, fragment::Origin, value::Symbol};
use crate::arch::Arch;

/// The symbols of a tree for one architecture.
pub type Symbols = BTreeMap<Symbol, Definition>;

/// Where a symbol is defined. A symbol may be defined in several places: the first in the order of paths stands here,
/// with the dependencies of all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// The file, relative to the tree, and the line.
    pub origin: Origin,
    /// What stands after `depends on`, in the order of the files. Blocks around the symbol are not looked at.
    pub depends: Vec<String>,
}

/// Returns every symbol that the tree at `tree` defines for `arch`.
///
/// # Errors
/// The top Kconfig file is not there, or one that it reaches cannot be read.
pub fn scan(tree: &Path, arch: Arch) -> Result<Symbols, KernelError> {
    let mut seen = BTreeSet::from(["Kconfig".to_owned()]);
    let mut wave: Vec<String> = seen.iter().cloned().collect();
    let mut found = BTreeMap::new();
    while !wave.is_empty() {
        let files = wave
            .par_iter()
            .map(|file| read(tree, file, arch))
            .collect::<Result<Vec<_>, _>>()?;
        wave.clear();
        for (name, file) in files {
            for source in &file.sources {
                if seen.insert(source.clone()) {
                    wave.push(source.clone());
                }
            }
            found.insert(name, file.definitions);
        }
    }
    let mut symbols = Symbols::new();
    for (symbol, definition) in found.into_values().flatten() {
        match symbols.entry(symbol) {
            std::collections::btree_map::Entry::Vacant(place) => {
                place.insert(definition);
            }
            std::collections::btree_map::Entry::Occupied(mut place) => {
                place.get_mut().depends.extend(definition.depends);
            }
        }
    }
    Ok(symbols)
}

struct Kconfig {
    sources: Vec<String>,
    definitions: Vec<(Symbol, Definition)>,
}

fn read(tree: &Path, file: &str, arch: Arch) -> Result<(String, Kconfig), KernelError> {
    let path = tree.join(file);
    match fs::read(&path) {
        // Help texts may hold any bytes; what is looked for here is ASCII.
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes);
            Ok((file.to_owned(), parse(file, &text, arch)))
        }
        // `osource` allows this, and what else leads nowhere is for `conf` to refuse.
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound && file != "Kconfig" => {
            Ok((file.to_owned(), parse(file, "", arch)))
        }
        Err(cause) => Err(KernelError::Read { path, cause }),
    }
}

/// Returns the directory below `arch/` that the kernel takes for this architecture: its `SRCARCH`.
fn srcarch(arch: Arch) -> &'static str {
    match arch {
        Arch::X86_64 => "x86",
        other => other.kernel(),
    }
}

fn parse(file: &str, text: &str, arch: Arch) -> Kconfig {
    let mut kconfig = Kconfig {
        sources: Vec::new(),
        definitions: Vec::new(),
    };
    // The column of the text of a help that is being skipped, once its first line was seen.
    let mut help: Option<Option<usize>> = None;
    let mut lines = text.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        let trimmed = line.trim();
        if trimmed.is_empty() {
            continue;
        }
        if let Some(column) = help {
            let indent = indentation(line);
            let text_column = column.unwrap_or(indent);
            if indent > 0 && indent >= text_column {
                help = Some(Some(text_column));
                continue;
            }
            help = None;
        }
        let (word, rest) = trimmed
            .split_once([' ', '\t', '"'])
            .map_or((trimmed, ""), |(word, _)| {
                (word, trimmed[word.len()..].trim())
            });
        match word {
            "config" | "menuconfig" => {
                if let Ok(symbol) = rest.split_whitespace().next().unwrap_or_default().parse() {
                    let origin = Origin {
                        file: file.to_owned(),
                        line: index + 1,
                    };
                    let depends = Vec::new();
                    kconfig
                        .definitions
                        .push((symbol, Definition { origin, depends }));
                }
            }
            "depends" => {
                let mut condition = rest.trim_start_matches("on").trim().to_owned();
                while let Some(start) = condition.strip_suffix('\\') {
                    let next = lines.next().map_or("", |(_, line)| line.trim());
                    condition = format!("{} {next}", start.trim_end());
                }
                if let Some((_, definition)) = kconfig.definitions.last_mut() {
                    definition.depends.push(condition);
                }
            }
            // What follows no longer belongs to the last symbol; its `depends` must not be taken for the symbol's.
            "choice" | "menu" | "comment" | "if" => kconfig.definitions.push((
                BLOCK.parse().expect("a well-formed symbol"),
                Definition {
                    origin: Origin {
                        file: file.to_owned(),
                        line: index + 1,
                    },
                    depends: Vec::new(),
                },
            )),
            "help" | "---help---" => help = Some(None),
            "source" | "osource" | "rsource" | "orsource" => {
                kconfig.sources.extend(source(file, word, rest, arch));
            }
            _ => {}
        }
    }
    kconfig
        .definitions
        .retain(|(symbol, _)| symbol.as_str() != BLOCK);
    kconfig
}

/// Stands for a block while a file is read. No kernel has a symbol of this name.
const BLOCK: &str = "__block_of_kconfig__";

/// Returns the column of the first character that is no blank; tabs reach to the next multiple of 8, as in `conf`.
fn indentation(line: &str) -> usize {
    let mut column = 0;
    for byte in line.bytes() {
        match byte {
            b' ' => column += 1,
            b'\t' => column = (column / 8 + 1) * 8,
            _ => break,
        }
    }
    column
}

/// Returns the file that a `source` line names, relative to the tree; nothing when it names a variable that only a
/// running `conf` knows.
fn source(file: &str, word: &str, rest: &str, arch: Arch) -> Option<String> {
    let path = rest
        .trim_matches('"')
        .replace("$(SRCARCH)", srcarch(arch))
        .replace("$SRCARCH", srcarch(arch));
    if path.contains('$') {
        return None;
    }
    if word.contains("rsource") {
        let beside = Path::new(file).parent().unwrap_or(Path::new(""));
        let joined: PathBuf = beside.join(path);
        return joined.to_str().map(str::to_owned);
    }
    Some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_are_found_through_source_lines_and_not_in_help_texts() {
        let tree = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = tree.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write(
            "Kconfig",
            "source \"arch/$(SRCARCH)/Kconfig\"\nsource \"net/Kconfig\"\nsource \"arch/$(HEADER_ARCH)/Kconfig\"\n",
        );
        write(
            "arch/x86/Kconfig",
            "config X86\n\tdef_bool y\n\tdepends on 64BIT || \\\n\t\tM32\n",
        );
        write("arch/arm64/Kconfig", "config ARM64\n\tdef_bool y\n");
        write("drivers/Kconfig", "config UNREACHED\n\tbool\n");
        write(
            "net/Kconfig",
            "menuconfig NET\n\tbool \"Net\"\n\thelp\n\t  Text.\n\n\t  config FAKE\n\t    more\n\t  depends on FAKE\n\nif NET\nconfig INET\n\tbool\n\tdepends on NET\nmenu \"x\"\n\tdepends on OTHER\nendif\nconfig X86\n\tbool\n\tdepends on Y\n",
        );
        let symbols = scan(tree.path(), Arch::X86_64).unwrap();
        let seen: Vec<_> = symbols
            .iter()
            .map(|(symbol, definition)| {
                format!("{symbol} {} {:?}", definition.origin, definition.depends)
            })
            .collect();
        insta::assert_snapshot!(seen.join("\n"), @r#"
        INET net/Kconfig:11 ["NET"]
        NET net/Kconfig:1 []
        X86 arch/x86/Kconfig:1 ["64BIT || M32", "Y"]
        "#);
        assert!(
            !scan(tree.path(), Arch::Aarch64)
                .unwrap()
                .contains_key(&"M32".parse().unwrap())
        );
        assert!(scan(&tree.path().join("net/none"), Arch::X86_64).is_err());
    }
}
