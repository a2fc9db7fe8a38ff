//! The host as a place to run: for machines without user namespaces and for distributions' build roots. The same
//! invocations as in the sandbox, with its paths rewritten to the host's. Nothing is isolated: not even the network.

use std::{collections::BTreeMap, path::Path};

use super::{Invocation, ToolError, process, sandbox};
use crate::{cancel::Cancel, digest::Digest};

/// What stands before or after a path in an argument. A `/` may follow too.
const BOUNDARY: [char; 16] = [
    '=', ':', ',', ';', '@', ' ', '\t', '\n', '"', '\'', '(', ')', '<', '>', '&', '|',
];

/// Runs an invocation with the host's own tools, found on `path`. They get an empty home that is removed afterwards.
pub(super) fn run(
    path: &str,
    invocation: &Invocation,
    cancel: &Cancel,
    line: &mut dyn FnMut(&str),
) -> Result<(), ToolError> {
    let start = |cause| ToolError::Start {
        program: invocation.program.clone(),
        cause,
    };
    let scratch = tempfile::tempdir().map_err(start)?;
    let rewritten = rewritten(invocation, scratch.path());
    let home = scratch.path().to_string_lossy();
    let mut command = process::command(&rewritten, path, &home);
    command.current_dir(&rewritten.cwd);
    sandbox::tie(&mut command);
    process::run(command, &rewritten, cancel, line, |spawned| {
        let child = spawned.map_err(start)?;
        let id = i32::try_from(child.id()).expect("a process id fits");
        // Its group: what a stopped `make` started must end with it.
        Ok((child, -id))
    })
}

/// The programs whose output products are, or depend on.
const TOOLS: [&str; 14] = [
    "ar", "as", "bc", "bison", "cargo", "flex", "gcc", "ld", "make", "nm", "objcopy", "patch",
    "rustc", "strip",
];

/// Returns the digest of each tool that a build on the host would run, by name; those that `path` (as in `PATH`) has.
/// A compiler's driver names its version, so its digest stands for what it runs.
#[must_use]
pub fn host_tools(path: &str) -> BTreeMap<String, Digest> {
    let find = |tool: &str| {
        path.split(':')
            .filter(|directory| !directory.is_empty())
            .find_map(|directory| Digest::of_file(&Path::new(directory).join(tool)).ok())
    };
    TOOLS
        .iter()
        .filter_map(|tool| Some(((*tool).to_owned(), find(tool)?.0)))
        .collect()
}

/// Returns the invocation in the host's paths: those of its mounts, and `tmp` for `/tmp`.
fn rewritten(invocation: &Invocation, tmp: &Path) -> Invocation {
    let mut directories: BTreeMap<&str, String> = invocation
        .mounts
        .iter()
        .map(|mount| {
            // The program starts in another directory than this process.
            let host = std::path::absolute(&mount.host).unwrap_or_else(|_| mount.host.clone());
            (mount.at.as_str(), host.to_string_lossy().into_owned())
        })
        .collect();
    directories
        .entry("/tmp")
        .or_insert_with(|| tmp.to_string_lossy().into_owned());
    let rewrite = |text: &String| rewrite(text, &directories);
    Invocation {
        program: rewrite(&invocation.program),
        args: invocation.args.iter().map(rewrite).collect(),
        env: invocation
            .env
            .iter()
            .map(|(name, value)| (name.clone(), rewrite(value)))
            .collect(),
        cwd: rewrite(&invocation.cwd),
        ..invocation.clone()
    }
}

/// Replaces each directory by its host path wherever it stands as a path of its own or begins one; the longest wins.
fn rewrite(text: &str, directories: &BTreeMap<&str, String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(slash) = rest.find('/') {
        let (before, path) = rest.split_at(slash);
        out.push_str(before);
        let begins = begins_a_path(&text[..text.len() - path.len()]);
        // Of all that fit, the last in order is the longest, for each is a prefix of the next.
        let found = directories
            .iter()
            .rfind(|(at, _)| begins && is_below(path, at));
        if let Some((at, host)) = found {
            out.push_str(host);
            rest = &path[at.len()..];
        } else {
            out.push('/');
            rest = &path[1..];
        }
    }
    out + rest
}

/// Tells whether a path could begin after this text: at a boundary, or after an option's letters (`-I/src`).
fn begins_a_path(before: &str) -> bool {
    let word = before.rsplit(BOUNDARY).next().unwrap_or_default();
    word.is_empty()
        || word.strip_prefix('-').is_some_and(|letters| {
            !letters.is_empty() && letters.bytes().all(|byte| byte.is_ascii_alphabetic())
        })
}

fn is_below(path: &str, directory: &str) -> bool {
    path.strip_prefix(directory).is_some_and(|rest| {
        rest.chars()
            .next()
            .is_none_or(|next| next == '/' || BOUNDARY.contains(&next))
    })
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        time::{Duration, Instant},
    };

    use super::*;
    use crate::tool::Access;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let directories = [
            ("/build", "/home/a b/x1"),
            ("/build/deep", "/deep"),
            ("/src", "/srv/linux"),
            ("/tmp", "/tmp/z"),
        ];
        let directories = directories.map(|(at, host)| (at, host.to_owned())).into();
        assert_eq!(rewrite(text, &directories), expected);
    }

    #[test]
    fn a_mounted_directory_becomes_the_hosts_wherever_a_path_begins() {
        check("/src", "/srv/linux");
        check("/src/", "/srv/linux/");
        check("O=/build", "O=/home/a b/x1");
        check(
            "KCONFIG_ALLCONFIG=/build/merged.config",
            "KCONFIG_ALLCONFIG=/home/a b/x1/merged.config",
        );
        check("-I/src/include", "-I/srv/linux/include");
        check(
            "--remap-path-prefix=/src=/build",
            "--remap-path-prefix=/srv/linux=/home/a b/x1",
        );
        check(
            "-Wl,-rpath,/build/lib:/src/lib",
            "-Wl,-rpath,/home/a b/x1/lib:/srv/linux/lib",
        );
        check(
            "cd /src && cat </build/x >'/tmp/y'",
            "cd /srv/linux && cat </home/a b/x1/x >'/tmp/z/y'",
        );
        check("@/tmp/args", "@/tmp/z/args");
    }

    #[test]
    fn the_longest_mounted_directory_wins() {
        check("/build/deep/x", "/deep/x");
        check("/build/deeper/x", "/home/a b/x1/deeper/x");
    }

    #[test]
    fn a_path_that_only_looks_like_a_mounted_directory_stays() {
        check("/usr/src/linux", "/usr/src/linux");
        check("/srcs", "/srcs");
        check("arch/x86/build", "arch/x86/build");
        check("../src/x", "../src/x");
        check("https://host/src", "https://host/src");
        check("s/src/build/", "s/src/build/");
        check("", "");
    }

    #[test]
    fn a_replacement_is_not_rewritten_again() {
        // The host's path of `/tmp` itself begins with `/tmp`.
        check("/tmp/tmp", "/tmp/z/tmp");
    }

    fn ran(
        invocation: &Invocation,
        cancel: &Cancel,
        line: &mut dyn FnMut(&str),
    ) -> Result<(), ToolError> {
        run(super::super::PATH, invocation, cancel, line)
    }

    #[test]
    fn an_invocation_of_the_sandbox_runs_on_the_host() {
        let (source, build) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(source.path().join("in"), "given").unwrap();
        let script = "cp /src/in \"$O/out\"; echo x >/tmp/x; echo \"$HOME\"; pwd; env | cut -d= -f1 | sort | tr '\\n' ' '; exit 3";
        let invocation = Invocation::new("sh")
            .args(["-c", script])
            .env("O", "/build")
            .cwd("/build")
            .mount("/src", source.path(), Access::Read)
            .mount("/build", build.path(), Access::Write);
        let mut lines = Vec::new();
        let ended = ran(&invocation, &Cancel::new(), &mut |line| {
            lines.push(line.to_owned())
        });
        match ended.unwrap_err() {
            ToolError::Failed {
                status, command, ..
            } => {
                assert_eq!(status, "exit status: 3");
                // It can be repeated by hand.
                assert!(
                    command.contains(source.path().to_str().unwrap()),
                    "{command}"
                );
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(
            fs::read_to_string(build.path().join("out")).unwrap(),
            "given"
        );
        assert!(!Path::new(&lines[0]).exists(), "its home is removed");
        assert_eq!(lines[1], build.path().to_str().unwrap());
        assert_eq!(lines[2].trim(), "HOME LANG LC_ALL O PATH PWD TMPDIR TZ");
    }

    #[test]
    fn a_stopped_build_takes_the_programs_children_with_it() {
        let directory = tempfile::tempdir().unwrap();
        let script = "flock /build/lock sleep 600 & while flock -n /build/lock true; do :; done; echo up; wait";
        let invocation = Invocation::new("sh").args(["-c", script]).mount(
            "/build",
            directory.path(),
            Access::Write,
        );
        let cancel = Cancel::new();
        let ended = ran(&invocation, &cancel, &mut |_| cancel.raise());
        assert!(matches!(ended, Err(ToolError::Interrupted(_))), "{ended:?}");
        let lock = fs::File::open(directory.path().join("lock")).unwrap();
        // A process closes its files one by one, and our pipe may be the first.
        let began = Instant::now();
        lock.lock().unwrap();
        assert!(began.elapsed() < Duration::from_secs(60));
    }

    #[test]
    fn a_program_that_the_host_lacks_cannot_be_started() {
        let ended = ran(
            &Invocation::new("no-such-program"),
            &Cancel::new(),
            &mut |_| (),
        );
        assert!(matches!(ended, Err(ToolError::Start { .. })), "{ended:?}");
    }
}
