//! The names of the modules that symbols become when they are `m`. Data: `kernel/modules.txt`.

use std::{collections::BTreeMap, sync::LazyLock};

use super::value::Symbol;

/// A line is a symbol and its modules, apart by blanks; `#` begins a comment.
const TABLE: &str = include_str!("../../kernel/modules.txt");

static MODULES: LazyLock<BTreeMap<&'static str, Vec<&'static str>>> = LazyLock::new(|| {
    let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| {
            let mut words = line.split_ascii_whitespace();
            Some((words.next()?, words.collect()))
        })
        .collect()
});

/// Returns the modules that a symbol becomes, in the order of the kernel's makefile; none when the table has none.
#[must_use]
pub fn of(symbol: &Symbol) -> &'static [&'static str] {
    MODULES.get(symbol.as_str()).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(symbol: &str) -> &'static [&'static str] {
        super::of(&symbol.parse().unwrap())
    }

    #[test]
    fn modules_are_named_as_the_kernel_names_them() {
        assert_eq!(of("VIRTIO_FS"), ["virtiofs"]);
        assert_eq!(of("VIRTIO_VSOCKETS"), ["vmw_vsock_virtio_transport"]);
        assert_eq!(of("EXT4_FS"), ["ext4"]);
        assert_eq!(of("NOT_THERE"), [""; 0]);
    }

    #[test]
    fn the_table_is_sorted_and_every_line_names_a_module() {
        let symbols: Vec<_> = TABLE
            .lines()
            .filter(|line| !line.starts_with('#'))
            .map(|line| line.split(' ').next().unwrap())
            .collect();
        assert!(symbols.is_sorted(), "keep kernel/modules.txt sorted");
        assert!(MODULES.values().all(|modules| !modules.is_empty()));
    }
}
