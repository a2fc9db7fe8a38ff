//! The profiles that the program carries: the files of `kernel/` as they were when it was compiled. They are read as
//! those on a disk are, under the same names.

/// Every file by its path below `kernel/`, sorted.
const FILES: &[(&str, &str)] = &include!(concat!(env!("OUT_DIR"), "/shipped.rs"));

/// Returns the text of a file by its path below `kernel/`: `profiles/kata.yaml`.
#[must_use]
pub fn file(path: &str) -> Option<&'static str> {
    let at = FILES.binary_search_by_key(&path, |(name, _)| name).ok()?;
    Some(FILES[at].1)
}

/// Returns every file: its path below `kernel/` and its text.
pub fn files() -> impl Iterator<Item = (&'static str, &'static str)> {
    FILES.iter().copied()
}

/// Returns the names of the profiles, sorted.
pub fn profiles() -> impl Iterator<Item = &'static str> {
    FILES.iter().filter_map(|(path, _)| {
        let name = path.strip_prefix("profiles/")?;
        name.strip_suffix(".yaml")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_carries_what_the_repository_has() {
        assert!(FILES.is_sorted() && FILES.len() > 40);
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("kernel");
        for path in ["profiles/kata.yaml", "fragments/virtio.conf"] {
            let text = std::fs::read_to_string(root.join(path)).unwrap();
            assert_eq!(file(path), Some(text.as_str()));
        }
        assert_eq!(file("profiles/none.yaml"), None);
        assert!(profiles().any(|name| name == "kata"));
    }
}
