//! Patch files: which files each one says it touches. Reads unified diffs, plain ones and git's; hunks are counted, so
//! that a removed line which looks like a header is not one. Applying is GNU patch's work.

use std::collections::BTreeSet;

use super::badfile::{BadFile, Problem};

/// Returns the files a patch names, relative to the tree (one leading directory stripped, as `patch -p1` does), sorted.
/// Files that it makes or removes are among them.
///
/// # Errors
/// The file is no unified diff, or it does what cannot be applied or followed safely: everything at once.
pub fn touched(name: &str, bytes: &[u8]) -> Result<BTreeSet<String>, BadFile> {
    let text = String::from_utf8_lossy(bytes);
    let mut reader = Reader {
        files: BTreeSet::new(),
        problems: Vec::new(),
    };
    let mut lines = text.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        let number = index + 1;
        if let Some((mut old, mut new)) = hunk(line) {
            while old > 0 || new > 0 {
                let Some((index, line)) = lines.next() else {
                    reader.tell(number, "this hunk is cut short: fetch the patch again");
                    break;
                };
                match line.as_bytes().first() {
                    Some(b'-') => old = old.saturating_sub(1),
                    Some(b'+') => new = new.saturating_sub(1),
                    // Mail software strips the blank of an empty context line.
                    Some(b' ') | None => {
                        old = old.saturating_sub(1);
                        new = new.saturating_sub(1);
                    }
                    Some(b'\\') => {}
                    Some(_) => {
                        reader.tell(index + 1, "not a line of a hunk: the patch is damaged");
                        break;
                    }
                }
            }
        } else {
            reader.header(number, line);
        }
    }
    if reader.problems.is_empty() && reader.files.is_empty() {
        reader.tell(1, "changes nothing: not a unified diff, or an empty one");
    }
    if reader.problems.is_empty() {
        Ok(reader.files)
    } else {
        Err(BadFile::new(name, &text, &reader.problems))
    }
}

struct Reader {
    files: BTreeSet<String>,
    problems: Vec<Problem>,
}

impl Reader {
    fn tell(&mut self, line: usize, text: impl Into<String>) {
        self.problems.push(Problem::new(line, text));
    }

    fn header(&mut self, number: usize, line: &str) {
        // A time stands after a tab.
        let path = |rest: &str| {
            rest.split('\t')
                .next()
                .unwrap_or_default()
                .trim_end()
                .to_owned()
        };
        if let Some(rest) = line
            .strip_prefix("--- ")
            .or_else(|| line.strip_prefix("+++ "))
        {
            // In a mail, `--- ` with nothing of a path after it ends the message.
            if rest.contains('/') {
                self.file(number, &path(rest), Strip::One);
            }
        } else if let Some(rest) = line.strip_prefix("diff --git ") {
            // Both names are equal unless it is a rename, which says so on lines of its own.
            let half = rest.len() / 2;
            if let (Some(one), Some(two)) = (rest.get(..half), rest.get(half + 1..))
                && one.strip_prefix("a/") == two.strip_prefix("b/")
            {
                self.file(number, two, Strip::One);
            }
        } else if line.starts_with("GIT binary patch") || line.starts_with("Binary files ") {
            self.tell(number, "a binary change, which GNU patch cannot apply");
        } else if line.ends_with("mode 120000") && is_mode(line) {
            self.tell(
                number,
                "a symbolic link: patches may change regular files only",
            );
        } else {
            for key in ["rename from ", "rename to ", "copy from ", "copy to "] {
                if let Some(rest) = line.strip_prefix(key) {
                    self.file(number, rest.trim_end(), Strip::Nothing);
                }
            }
        }
    }

    fn file(&mut self, number: usize, path: &str, strip: Strip) {
        if path == "/dev/null" {
            return;
        }
        // git quotes a name that is not plain ASCII.
        let quoted = path.starts_with('"');
        let path = match strip {
            Strip::One => path.split_once('/').map_or("", |(_, rest)| rest),
            Strip::Nothing => path,
        };
        let safe = path.split('/').all(|part| !["", ".", ".."].contains(&part));
        if !safe || quoted {
            let told =
                format!("`{path}` is not a path below the tree: make the patch with `git diff`");
            self.tell(number, told);
        } else {
            self.files.insert(path.to_owned());
        }
    }
}

#[derive(Clone, Copy)]
enum Strip {
    Nothing,
    One,
}

fn is_mode(line: &str) -> bool {
    ["new file", "deleted file", "new", "old"]
        .iter()
        .any(|word| line.strip_suffix(" mode 120000") == Some(word))
}

/// Returns how many lines of the old and of the new file a hunk holds; nothing for another line.
fn hunk(line: &str) -> Option<(usize, usize)> {
    let (ranges, _) = line.strip_prefix("@@ -")?.split_once(" @@")?;
    let (old, new) = ranges.split_once(" +")?;
    let count = |range: &str| match range.split_once(',') {
        Some((_, count)) => count.parse().ok(),
        None => Some(1),
    };
    Some((count(old)?, count(new)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(text: &str) -> Vec<String> {
        touched("t.patch", text.as_bytes())
            .unwrap()
            .into_iter()
            .collect()
    }

    #[test]
    fn every_named_file_is_found_and_no_line_of_a_hunk_is() {
        let text = "From 1234 Mon Sep 17\nSubject: x\n---\n a/b | 2 +-\n\n\
            diff --git a/net/one.c b/net/one.c\n--- a/net/one.c\t2024-01-01\n+++ b/net/one.c\n\
            @@ -1,2 +1,2 @@ int x\n--- a/not/a/header.c\n+++ b/not/either.c\n context\n\
            --- /dev/null\n+++ b/new.c\n@@ -0,0 +1 @@\n+x\n\\ No newline at end of file\n\
            diff --git a/o.c b/p.c\nrename from o.c\nrename to p.c\n\
            diff --git a/run.sh b/run.sh\nold mode 100644\nnew mode 100755\n-- \n2.39\n";
        assert_eq!(files(text), ["net/one.c", "new.c", "o.c", "p.c", "run.sh"]);
    }

    #[test]
    fn what_cannot_be_followed_is_refused() {
        for (text, hint) in [
            ("", "changes nothing"),
            ("hello\n", "changes nothing"),
            ("--- a/../../etc/passwd\n", "not a path below"),
            ("--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@\n x\n", "cut short"),
            ("--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@\n x\nfoo\n", "damaged"),
            ("diff --git a/x b/x\nGIT binary patch\n", "binary"),
            (
                "diff --git a/x b/x\nnew file mode 120000\n",
                "symbolic link",
            ),
            ("--- \"a/\\303\\251.c\"\n", "not a path below"),
        ] {
            let told = touched("t", text.as_bytes())
                .unwrap_err()
                .problems()
                .join("\n");
            assert!(told.contains(hint), "{text}: {told}");
        }
    }
}
