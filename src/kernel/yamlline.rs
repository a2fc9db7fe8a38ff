//! On which line of a profile something stands. The YAML reader gives values without places; profiles are written in
//! the block form, so looking for the words is enough. What cannot be found is on line 1: only messages depend on it.

/// Returns the line of a key at the top level, counted from 1.
pub(super) fn key(text: &str, key: &str) -> usize {
    find(text, 0, |line| is_key(line, key))
}

/// Returns the first line below line `from` that holds `word`.
pub(super) fn after(text: &str, from: usize, word: &str) -> usize {
    match find(text, from, |line| !word.is_empty() && line.contains(word)) {
        1 => from,
        line => line,
    }
}

/// Returns the line of a key in the map at the top-level key `section`.
pub(super) fn entry(text: &str, section: &str, name: &str) -> usize {
    let start = key(text, section);
    match find(text, start, |line| is_key(line.trim_start(), name)) {
        1 => start,
        line => line,
    }
}

/// Returns the first line that holds `word`.
pub(super) fn holding(text: &str, word: &str) -> usize {
    find(text, 0, |line| line.contains(word))
}

/// Returns the line of the item with this index, from 0, of the list at the top-level key `section`.
pub(super) fn item(text: &str, section: &str, index: usize) -> usize {
    let start = key(text, section);
    let mut indent = None;
    let mut seen = 0;
    for (number, line) in text.lines().enumerate().skip(start) {
        let depth = line.len() - line.trim_start().len();
        if line.trim_start().starts_with("- ") && *indent.get_or_insert(depth) == depth {
            if seen == index {
                return number + 1;
            }
            seen += 1;
        } else if depth == 0 && !line.is_empty() && !line.starts_with('#') {
            break;
        }
    }
    start
}

fn is_key(line: &str, key: &str) -> bool {
    line.strip_prefix(key)
        .is_some_and(|rest| rest.trim_start().starts_with(':'))
}

fn find(text: &str, skip: usize, wanted: impl Fn(&str) -> bool) -> usize {
    text.lines()
        .enumerate()
        .skip(skip)
        .find(|(_, line)| wanted(line))
        .map_or(1, |(index, _)| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "schema: 1\noff:\n  # why\n  - {symbol: A}\n  - symbol: B\n    list:\n      - x\n  - {symbol: C}\nwaivers:\n- {symbol: D}\n\n- {symbol: E}\n";

    #[test]
    fn items_are_found_however_they_are_indented() {
        let lines: Vec<_> = (0..4).map(|index| item(TEXT, "off", index)).collect();
        assert_eq!(
            lines,
            [4, 5, 8, 2],
            "the fourth does not exist: the list itself"
        );
        assert_eq!(item(TEXT, "waivers", 1), 12);
        assert_eq!(key(TEXT, "waivers"), 9);
        assert_eq!(key(TEXT, "absent"), 1);
    }
}
