//! The text of macros, cut as the kernel's preprocessor cuts it. What a part expands to is not known here.

/// As many bytes of a command's output count: the kernel's limit.
const MOST_PRINTED: usize = 4095;

/// Returns where the parenthesis that was opened before `text` is closed.
pub(super) fn closing(text: &[u8]) -> Option<usize> {
    let mut open = 0;
    for at in memchr::memchr2_iter(b'(', b')', text) {
        match text[at] {
            b'(' => open += 1,
            _ if open == 0 => return Some(at),
            _ => open -= 1,
        }
    }
    None
}

/// Splits at commas that stand in no parentheses.
pub(super) fn split(clause: &[u8]) -> Vec<&[u8]> {
    let (mut parts, mut start, mut open) = (Vec::new(), 0, 0_i64);
    for at in memchr::memchr3_iter(b',', b'(', b')', clause) {
        match clause[at] {
            b'(' => open += 1,
            b')' => open -= 1,
            _ if open == 0 => {
                parts.push(&clause[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&clause[start..]);
    parts
}

/// Returns the number that a clause such as `1` consists of, read as C's `strtoul` reads it.
pub(super) fn argument_number(clause: &[u8]) -> Option<usize> {
    let text = str::from_utf8(clause).ok()?;
    let digits = text.trim_start_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c']);
    let digits = digits.strip_prefix('+').unwrap_or(digits);
    match digits.bytes().all(|byte| byte.is_ascii_digit()) {
        true => digits.parse().ok(),
        false => None,
    }
}

/// Returns a command's output as the kernel's `conf` takes it: one line.
pub(super) fn as_text(printed: &[u8]) -> Vec<u8> {
    let printed = &printed[..printed.len().min(MOST_PRINTED)];
    let end = printed
        .iter()
        .rposition(|byte| *byte != b'\n')
        .map_or(0, |last| last + 1);
    let text = &printed[..end];
    let text = &text[..memchr::memchr(0, text).unwrap_or(text.len())];
    text.iter()
        .map(|byte| if *byte == b'\n' { b' ' } else { *byte })
        .collect()
}
