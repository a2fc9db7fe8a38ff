//! The compile step: the kernel's own build, out of tree, with nothing of this machine, user or day in it. Which files
//! a kernel is on each architecture is decided here.

use std::path::Path;

use super::{KernelError, error::unless_interrupted, image, make};
use crate::{
    arch::Arch,
    bench::Bench,
    digest::Digest,
    plan::action::Compile,
    step::Products,
    tool::{Access, BUILD, Invocation, Place},
};

/// The user and host that the kernel's version string names.
const USER: &str = "build";
const HOST: &str = "kata-artifacts";
/// Where the stripped kernel is left in the build directory.
const STRIPPED: &str = "vmlinux.guest";

/// The files of a kernel, relative to the build directory.
struct Files {
    /// What `make` is asked for.
    targets: &'static [&'static str],
    /// What a monitor loads directly.
    vmlinux: Form,
    /// What a boot loader loads.
    vmlinuz: Form,
}

#[derive(Clone, Copy)]
enum Form {
    /// The ELF file `vmlinux`, stripped.
    Elf,
    /// This file, as it is.
    File(&'static str),
}

/// Compiles a kernel. Products: `release`, `compiler`, `vmlinux`, `vmlinuz`, `system-map`.
///
/// # Errors
/// It does not compile, or what came out is not a kernel that boots.
pub fn compile(bench: &Bench<'_>, action: &Compile<Digest>) -> Result<Products, KernelError> {
    let source = bench.tree(action.source)?;
    let place = bench.place(action.toolchain)?;
    let config = bench.store.read(action.config)?;
    let epoch = String::from_utf8_lossy(&bench.store.read(action.epoch)?).into_owned();
    let scratch = bench.scratch()?;
    let build = scratch.path();
    make::write(&build.join(".config"), &config)?;

    let files = files(action.arch);
    build_kernel(bench, &place, &source, build, action.arch, &files, &epoch)?;
    let after = make::read(&build.join(".config"))?;
    let changes = changes(&String::from_utf8_lossy(&config), &after);
    if !changes.is_empty() {
        return Err(KernelError::ConfigChanged { changes });
    }
    bench.run(&place, &strip(build))?;

    let path = |form| match form {
        Form::Elf => build.join(STRIPPED),
        Form::File(path) => build.join(path),
    };
    let (vmlinux, vmlinuz) = (path(files.vmlinux), path(files.vmlinuz));
    image::check_vmlinux(&vmlinux, action.arch)?;
    image::check_vmlinuz(&vmlinuz, action.arch)?;
    let release = make::read(&build.join("include/config/kernel.release"))?;
    let compiler = compiler(bench, &place, build)?;
    let store = bench.store;
    Ok(Products::from([
        (
            "release".to_owned(),
            make::blob(store, release.trim().as_bytes())?,
        ),
        (
            "compiler".to_owned(),
            make::blob(store, compiler.as_bytes())?,
        ),
        ("vmlinux".to_owned(), make::file(store, &vmlinux)?),
        ("vmlinuz".to_owned(), make::file(store, &vmlinuz)?),
        (
            "system-map".to_owned(),
            make::file(store, &build.join("System.map"))?,
        ),
    ]))
}

/// Returns the files of a kernel. As Kata installs them: `tools/packaging/kernel/build-kernel.sh`.
fn files(arch: Arch) -> Files {
    match arch {
        Arch::X86_64 => Files {
            targets: &["vmlinux", "bzImage"],
            vmlinux: Form::Elf,
            vmlinuz: Form::File("arch/x86/boot/bzImage"),
        },
        Arch::Aarch64 => Files {
            targets: &["Image", "Image.gz"],
            vmlinux: Form::File("arch/arm64/boot/Image"),
            vmlinuz: Form::File("arch/arm64/boot/Image.gz"),
        },
        Arch::Riscv64 => Files {
            targets: &["Image", "Image.gz"],
            vmlinux: Form::File("arch/riscv/boot/Image"),
            vmlinuz: Form::File("arch/riscv/boot/Image.gz"),
        },
        Arch::S390x => Files {
            targets: &["vmlinux", "bzImage"],
            vmlinux: Form::File("arch/s390/boot/vmlinux"),
            vmlinuz: Form::File("arch/s390/boot/bzImage"),
        },
        Arch::Ppc64le => Files {
            targets: &["vmlinux"],
            vmlinux: Form::Elf,
            vmlinuz: Form::Elf,
        },
    }
}

fn build_kernel(
    bench: &Bench<'_>,
    place: &Place,
    source: &Path,
    build: &Path,
    arch: Arch,
    files: &Files,
    epoch: &str,
) -> Result<(), KernelError> {
    let time = build_time(epoch);
    let invocation = make::make(source, build, arch)
        .args([format!("-j{}", bench.jobs)])
        .args(fixed(&time))
        .args(files.targets.iter().copied())
        // Whatever else expands a date takes this one.
        .env("SOURCE_DATE_EPOCH", epoch.trim());
    let mut done = 0;
    let mut first = None;
    let outcome = bench.run_watched(place, &invocation, &mut |line| {
        if is_step(line) {
            done += 1;
            bench.progress(done, None);
        }
        if first.is_none() && is_complaint(line) {
            first = Some(line.trim().to_owned());
        }
    });
    outcome
        .map_err(|cause| unless_interrupted(cause, |cause| KernelError::Compile { first, cause }))
}

/// Returns the variables that the kernel stamps into its version string.
fn fixed(time: &str) -> [String; 4] {
    [
        format!("KBUILD_BUILD_TIMESTAMP={time}"),
        format!("KBUILD_BUILD_USER={USER}"),
        format!("KBUILD_BUILD_HOST={HOST}"),
        // Otherwise it counts up in the build directory.
        "KBUILD_BUILD_VERSION=1".to_owned(),
    ]
}

/// Returns the time as `date` prints it in UTC with the C locale: the kernel shows it and also has `date` read it.
fn build_time(epoch: &str) -> String {
    let seconds = epoch.trim().parse().unwrap_or(0);
    let time = jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    time.strftime("%a %b %e %H:%M:%S UTC %Y").to_string()
}

/// Tells whether a line says that make has begun a step: `  CC      kernel/fork.o`.
fn is_step(line: &str) -> bool {
    line.strip_prefix("  ").is_some_and(|rest| {
        let (word, path) = rest.split_once(' ').unwrap_or((rest, ""));
        word.len() >= 2
            && word
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || b"_+0123456789".contains(&byte))
            && !path.trim().is_empty()
    })
}

/// Tells whether a line is a compiler's, a linker's or the kernel's own complaint.
fn is_complaint(line: &str) -> bool {
    [
        " error: ",
        ": fatal error: ",
        "undefined reference to ",
        " *** ",
    ]
    .iter()
    .any(|mark| line.contains(mark))
        || line.starts_with("error: ")
}

/// Returns how `vmlinux` loses what no guest needs: symbols and the compiler's remarks. Notes stay: the PVH entry is one.
fn strip(build: &Path) -> Invocation {
    Invocation::new("objcopy")
        .args(["--strip-all", "--remove-section=.comment"])
        .args([format!("{BUILD}/vmlinux"), format!("{BUILD}/{STRIPPED}")])
        .env("LC_ALL", "C")
        .mount(BUILD, build, Access::Write)
}

/// Returns the first line with which the compiler introduces itself.
fn compiler(bench: &Bench<'_>, place: &Place, build: &Path) -> Result<String, KernelError> {
    let invocation = Invocation::new("gcc")
        .args(["--version"])
        .env("LC_ALL", "C")
        .mount(BUILD, build, Access::Write);
    let mut first = None;
    bench.run_watched(place, &invocation, &mut |line| {
        first.get_or_insert_with(|| line.to_owned());
    })?;
    Ok(first.unwrap_or_default())
}

/// Returns the lines by which two configurations differ.
fn changes(before: &str, after: &str) -> Vec<String> {
    let lines = |text: &str| -> std::collections::BTreeSet<String> {
        text.lines().map(str::to_owned).collect()
    };
    let (before, after) = (lines(before), lines(after));
    let gone = before.difference(&after).map(|line| format!("- {line}"));
    let new = after.difference(&before).map(|line| format!("+ {line}"));
    gone.chain(new).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_build_time_is_what_date_prints() {
        assert_eq!(build_time("0\n"), "Thu Jan  1 00:00:00 UTC 1970");
        assert_eq!(build_time("1795351964"), "Sun Nov 22 12:52:44 UTC 2026");
    }

    #[test]
    fn steps_are_counted_and_nothing_else_is() {
        for step in [
            "  CC      kernel/fork.o",
            "  LD [M]  x.ko",
            "  AS      a.o",
            "  HOSTCC  s",
            "  AR      built-in.a",
        ] {
            assert!(is_step(step), "{step}");
        }
        for other in [
            "make: Entering directory '/src'",
            "  ",
            "    note: x",
            "  in file included",
            "kernel/x.c:3: warning: y",
        ] {
            assert!(!is_step(other), "{other}");
        }
    }

    #[test]
    fn the_first_complaint_is_found_among_warnings() {
        let lines = [
            "  CC      a.o",
            "a.c:1:2: warning: unused",
            "a.c:3:4: error: expected ';'",
            "make[3]: *** [a.o] Error 1",
        ];
        assert_eq!(lines.iter().position(|line| is_complaint(line)), Some(2));
        assert!(is_complaint(
            "a.c:1:10: fatal error: x.h: No such file or directory"
        ));
        assert!(is_complaint("ld: a.o: undefined reference to `f'"));
    }

    #[test]
    fn a_changed_configuration_is_told_by_its_lines() {
        assert_eq!(
            changes("CONFIG_A=y\nCONFIG_B=y\n", "CONFIG_B=y\nCONFIG_C=y\n"),
            ["- CONFIG_A=y", "+ CONFIG_C=y"]
        );
        assert!(changes("CONFIG_A=y\n", "CONFIG_A=y\n").is_empty());
    }
}
