//! Golden cases: `tests/golden/<case>/manifest.yaml`, and beside it what the product says about it. `error.txt` is the
//! report of a manifest that is wrong, `manifest.txt` what a right one means, and `plan.txt` what a build would do with
//! the `manifest.lock` beside it on an empty store. `tests/golden/shared` holds the files that
//! cases refer to. `UPDATE_GOLDEN=1 cargo test --test golden` writes what the product says now: read the difference.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use kata_artifacts::{
    arch::Arch,
    lock,
    manifest::{self, Manifest},
    plan, tool,
};
use miette::{GraphicalReportHandler, GraphicalTheme};

/// Relative to the package, where tests run: these paths are in the reports.
const CASES: &str = "tests/golden";

/// Every name that [`told`] may give.
const GOLDEN: [&str; 3] = ["error.txt", "manifest.txt", "plan.txt"];

#[test]
fn every_case_is_told_as_its_golden_files_say() {
    let update = updating();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for case in cases() {
        let told = told(&case);
        for name in GOLDEN {
            let path = case.join(name);
            let written = fs::read_to_string(&path).ok();
            let now = told.get(name);
            if update {
                match now {
                    Some(text) => fs::write(&path, text).unwrap(),
                    None if written.is_some() => fs::remove_file(&path).unwrap(),
                    None => {}
                }
            } else if written.as_ref() != now {
                let text = |text: Option<&String>| text.cloned().unwrap_or("nothing".to_owned());
                wrong.push(format!(
                    "{}\n--- written\n{}\n+++ told now\n{}",
                    path.display(),
                    text(written.as_ref()),
                    text(now)
                ));
            }
        }
        seen += 1;
    }
    assert!(seen >= 40, "only {seen} cases were found");
    assert!(
        wrong.is_empty(),
        "{} golden files differ; UPDATE_GOLDEN=1 writes them\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn every_kind_of_mistake_has_a_case() {
    let told: String = cases()
        .iter()
        .filter_map(|case| fs::read_to_string(case.join("error.txt")).ok())
        .collect();
    let without: Vec<&str> = manifest::Mistake::ALL
        .iter()
        .map(|mistake| mistake.code())
        .filter(|code| !told.contains(&format!("Error: {code}\n")))
        .collect();
    assert!(without.is_empty(), "{without:?}");
}

#[test]
fn a_root_has_the_directories_that_a_sandbox_mounts_on() {
    let manifest = manifest::read(&Path::new(CASES).join("smallest/manifest.yaml"));
    let Ok(manifest::Toolchain::Locked(root)) = manifest.map(|manifest| manifest.toolchain) else {
        panic!("the smallest case has a locked toolchain");
    };
    for point in [tool::SRC, tool::BUILD, tool::OUT] {
        assert!(root.directories.iter().any(|path| path == point), "{point}");
    }
}

/// Returns what the product says about a case, by golden file.
fn told(case: &Path) -> BTreeMap<&'static str, String> {
    match manifest::read(&case.join("manifest.yaml")) {
        Err(error) => BTreeMap::from([("error.txt", rendered(&error))]),
        Ok(manifest) => {
            let means = ("manifest.txt", format!("{manifest:#?}\n"));
            let plan = fs::read_to_string(case.join("manifest.lock"))
                .ok()
                .map(|lock| planned(case, manifest, &lock));
            std::iter::once(means).chain(plan).collect()
        }
    }
}

/// Returns what a build would do, or why none can be planned.
fn planned(case: &Path, manifest: Manifest, lock_text: &str) -> (&'static str, String) {
    let lock = match lock::read(&case.join("manifest.lock"), lock_text) {
        Ok(lock) => lock,
        Err(error) => return ("error.txt", rendered(&error)),
    };
    let pinned = match lock::pin(manifest, lock, Arch::X86_64) {
        Ok(pinned) => pinned,
        Err(error) => return ("error.txt", rendered(&error)),
    };
    let text = fs::read_to_string(case.join("manifest.yaml")).expect("it was read before");
    let cache = tempfile::tempdir().expect("a directory can be made");
    let store = kata_artifacts::store::Store::open(cache.path()).expect("a store can be made");
    match plan::gather(&pinned, &text, lock_text, "", &store) {
        Err(error) => ("error.txt", rendered(&error)),
        Ok(inputs) => {
            let plan = plan::draft(&pinned, &inputs, Arch::X86_64);
            let standings = plan::Assessment::new(&plan, &store).standings();
            let lines = plan::print::lines(&plan, &standings);
            ("plan.txt", plan::print::text(&lines))
        }
    }
}

fn rendered(diagnostic: &dyn miette::Diagnostic) -> String {
    let mut text = String::new();
    GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor())
        .with_width(100)
        .with_links(false)
        .render_report(&mut text, diagnostic)
        .expect("writing to a string does not fail");
    let lines = text.lines().map(|line| line.trim_end().to_owned() + "\n");
    lines.collect()
}

/// Returns the cases, sorted. A directory without a manifest is a mistake, not a case to skip.
fn cases() -> Vec<PathBuf> {
    let mut cases: Vec<PathBuf> = fs::read_dir(CASES)
        .expect("tests run in the package's directory")
        .map(|entry| entry.expect("the directory can be read").path())
        .filter(|path| path.is_dir() && path.file_name() != Some("shared".as_ref()))
        .collect();
    cases.sort();
    for case in &cases {
        assert!(case.join("manifest.yaml").is_file(), "{}", case.display());
    }
    cases
}

#[expect(
    clippy::disallowed_methods,
    reason = "whether golden files are written is said by the person who runs the test"
)]
fn updating() -> bool {
    std::env::var_os("UPDATE_GOLDEN").is_some()
}
