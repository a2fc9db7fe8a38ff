//! The links that programs expect in `/dev` and that a kernel's own `/dev` does not have.

use std::io::{Error, ErrorKind};
use std::os::unix::fs::symlink;
use std::path::Path;

/// Link names in `/dev` and what they point to.
const LINKS: [(&str, &str); 5] = [
    ("ptmx", "/dev/pts/ptmx"),
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
];

/// Makes the links in `dev`, replacing what has their name. Returns one line for each that could not be made.
pub(crate) fn make(dev: &Path) -> Vec<String> {
    let failed = |(name, target): &(&str, &str)| {
        let link = dev.join(name);
        let made = remove(&link).and_then(|()| symlink(target, &link));
        made.err().map(|cause| format!("cannot link {} to {target}: {cause}", link.display()))
    };
    LINKS.iter().filter_map(failed).collect()
}

fn remove(link: &Path) -> Result<(), Error> {
    match std::fs::remove_file(link) {
        Err(cause) if cause.kind() != ErrorKind::NotFound => Err(cause),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_replace_what_was_there_and_failures_are_told() {
        let dev = std::env::temp_dir().join(format!("agent-links-{}", std::process::id()));
        std::fs::create_dir_all(dev.join("stdin")).unwrap();
        std::fs::write(dev.join("ptmx"), "a device").unwrap();
        let complaints = make(&dev);
        assert_eq!(std::fs::read_link(dev.join("ptmx")).unwrap(), Path::new("/dev/pts/ptmx"));
        assert_eq!(std::fs::read_link(dev.join("stderr")).unwrap(), Path::new("/proc/self/fd/2"));
        assert_eq!(complaints.len(), 1, "{complaints:?}");
        assert!(complaints[0].contains("stdin"), "{complaints:?}");
        std::fs::remove_dir_all(dev).unwrap();
    }
}
