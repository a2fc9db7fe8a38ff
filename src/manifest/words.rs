//! Words for messages: what a reader wrote, shown safely, and the word that was probably meant.

/// Returns `text` between backticks, on one line, without control characters, at most 60 characters of it.
pub(super) fn quoted(text: &str) -> String {
    let mut shown: String = text.chars().take(60).flat_map(visible).collect();
    if text.chars().nth(60).is_some() {
        shown.push('…');
    }
    format!("`{shown}`")
}

/// Returns `words` as `a`, `b` or `c`, each between backticks.
pub(super) fn either<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let words: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    match words.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// Returns the candidate that was probably meant by `word`, if there is one.
pub(super) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    // The distance is quadratic in the length, and no name of ours is that long.
    if word.len() > 64 {
        return None;
    }
    let plain = |text: &str| text.to_lowercase().replace('_', "-");
    let wanted = plain(word);
    candidates
        .into_iter()
        .filter(|candidate| candidate.len() <= 64)
        .map(|candidate| (distance(&wanted, &plain(candidate)), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.len().max(word.len()) / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The beginning of a word stands for the word: `arch` is not far from `architectures`.
fn distance(wanted: &str, candidate: &str) -> usize {
    if wanted.len() >= 3 && candidate.starts_with(wanted) {
        return 1;
    }
    strsim::damerau_levenshtein(wanted, candidate)
}

fn visible(character: char) -> Vec<char> {
    // Direction overrides could make a message read as something else.
    let hidden = character.is_control()
        || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if hidden {
        character.escape_default().collect()
    } else {
        vec![character]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_one_that_could_have_been_meant() {
        let names = ["name", "version", "flavour", "architectures", "toolchain"];
        for (word, meant) in [
            ("nmae", Some("name")),
            ("flavor", Some("flavour")),
            ("arch", Some("architectures")),
            ("Toolchain", Some("toolchain")),
            ("tool_chain", Some("toolchain")),
            ("kernel", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, names), meant, "{word}");
        }
    }

    #[test]
    fn quoting_hides_what_a_terminal_would_obey() {
        assert_eq!(quoted("a\u{1b}[31m\n"), "`a\\u{1b}[31m\\n`");
        assert_eq!(quoted(&"ä".repeat(61)), format!("`{}…`", "ä".repeat(60)));
    }
}
