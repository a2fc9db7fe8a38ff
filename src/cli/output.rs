//! Printing: results to standard output, everything else to standard error. Nothing else in the product prints.

use std::io::Write;

/// Prints a result. A reader that has gone away is no error: there is nobody left to tell.
pub(crate) fn result(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{}", text.trim_end_matches('\n'));
}

/// Prints a JSON result, indented, keys in their declared order.
pub(crate) fn json(value: &impl serde::Serialize) {
    result(&serde_json::to_string_pretty(value).expect("a result is plain data"));
}

/// Prints a result that is bytes.
pub(crate) fn bytes(bytes: &[u8]) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(bytes).and_then(|()| out.flush());
}

/// Tells the user something that is not a result.
pub(crate) fn tell(text: &str) {
    let mut err = std::io::stderr().lock();
    let _ = writeln!(err, "{text}");
}
