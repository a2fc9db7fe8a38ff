//! Our values against those of the kernel's own `conf`, which is built and run in the sandbox out of the locked packages.
//! A part of what `tests/kconfig/matrix.sh` compares.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
};

use kata_artifacts::{
    cancel::Cancel,
    kconfig::{
        KconfigError,
        batch::Batch,
        dialect::Dialect,
        dotconfig::Requests,
        model::Model,
        modes::{Base, evaluate},
        oracle::Answers,
        rounds,
    },
    step::Product,
    store::{Record, Store},
    tool::{self, Access, BUILD, Invocation, Place, SRC},
};

use super::world::World;

/// Modes of `conf` that are given the requests of the reference profile.
const MODES: [(&str, Base); 2] = [("allnoconfig", Base::AllNo), ("allyesconfig", Base::AllYes)];

#[test]
fn values_are_those_of_the_kernels_own_conf() {
    if !crate::wanted() {
        return;
    }
    let world = World::on_the_shared_store();
    let store = Store::open(&shared_store()).unwrap();
    let tools = "usr/bin/bison";
    let sources = "scripts/kconfig/expr.h";
    if tree(&store, "toolchain", tools).is_none() || tree(&store, "source", sources).is_none() {
        world.run(&["build", "manifests/small.yaml", "--progress", "plain"]);
    }
    let tree = |step: &str, with: &str| tree(&store, step, with).unwrap();
    let (place, source) = (
        Place::Sandbox(tree("toolchain", tools)),
        tree("source", sources),
    );
    let fragments = |below: &str| -> String {
        let mut files: Vec<_> = fs::read_dir(world.path(&format!("kernel/fragments/{below}")))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_file())
            .collect();
        files.sort();
        files
            .iter()
            .map(|path| fs::read_to_string(path).unwrap())
            .collect()
    };
    for arch in ["x86_64", "s390"] {
        let requests = match arch {
            "x86_64" => fragments("") + &fragments(arch),
            _ => fragments(""),
        };
        let compared = compare(&place, &source, arch, &requests);
        println!("{arch}: {compared} configurations are equal");
    }
}

/// Returns a tree that a step of this name made and that has this file, whoever's plan it was.
fn tree(store: &Store, step: &str, with: &str) -> Option<PathBuf> {
    let results = fs::read_dir(store.root().join("results")).unwrap();
    let records = results
        .filter_map(|entry| {
            serde_json::from_slice::<Record>(&fs::read(entry.ok()?.path()).ok()?).ok()
        })
        .filter(|record| record.id.as_str() == step);
    let trees = records
        .flat_map(|record| record.products.into_values())
        .filter_map(|product| match product {
            Product::Tree { key } => store.tree(key),
            Product::Blob { .. } => None,
        });
    trees.filter(|tree| tree.join(with).exists()).max()
}

/// Compares every mode on one architecture. Returns how many configurations were equal.
fn compare(place: &Place, source: &Path, arch: &str, requests: &str) -> usize {
    let build = tempfile::tempdir().unwrap();
    let inside = |script: &str| {
        let invocation = Invocation::new("sh")
            .args(["-c", script])
            .cwd(BUILD)
            .mount(SRC, source, Access::Read)
            .mount(BUILD, build.path(), Access::Write);
        let mut lines = String::new();
        let mut line = |text: &str| lines.push_str(&format!("{text}\n"));
        tool::run(place, &invocation, &Cancel::new(), &mut line)
            .unwrap_or_else(|error| panic!("{script}: {error:?}\n{lines}"));
    };
    let read = |name: &str| fs::read_to_string(build.path().join(name)).unwrap();
    fs::write(build.path().join("requests"), requests).unwrap();

    // What the top Makefile exports and Kconfig files ask for is printed by a program in the place of `conf`.
    let make = format!("make -s -C {SRC} O={BUILD} ARCH={arch} LOCALVERSION=");
    inside(&format!(
        "{make} allnoconfig > log 2>&1 && mv {BUILD}/scripts/kconfig/conf real"
    ));
    fs::write(
        build.path().join("scripts/kconfig/conf"),
        "#!/bin/sh\nexec env > /build/environment\n",
    )
    .unwrap();
    inside(&format!(
        "chmod +x scripts/kconfig/conf && touch -r real scripts/kconfig/conf && {make} allnoconfig > log 2>&1"
    ));
    inside("cp real scripts/kconfig/conf");
    let environment = read("environment");
    let variables: BTreeMap<String, String> = environment
        .lines()
        .filter_map(|line| line.split_once('='))
        .filter(|(name, _)| {
            !name.starts_with("MAKE") && !name.contains("FLAGS") && !name.contains('%')
        })
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    assert_eq!(variables["srctree"], SRC);

    let mut answers = Answers::default();
    let known = rounds::read(source, "Kconfig", &variables, &mut answers, |commands| {
        let batch = Batch {
            commands,
            variables: &variables,
            jobs: 2,
            seconds: 60,
        };
        fs::write(build.path().join("script"), batch.script()).unwrap();
        inside("sh script > answers");
        let printed = fs::read(build.path().join("answers")).unwrap();
        batch.answers(&printed) as Result<_, KconfigError>
    })
    .unwrap_or_else(|error| panic!("{:?}", miette::Report::new(error)));
    let dialect = Dialect::of_tree(source).unwrap();
    let model = Model::new(&known.tree, dialect).unwrap();

    let mut compared = 0;
    let mut equal = |what: &str, base, input: &str| {
        let requests = Requests::read(input.as_bytes(), 0, dialect).requests;
        let ours = evaluate(&model, base, &requests).dot_config();
        let theirs = read(".config");
        let pairs = ours.lines().zip(theirs.lines()).enumerate();
        let first = pairs.into_iter().find(|(_, (ours, theirs))| ours != theirs);
        assert!(ours == theirs, "{arch} {what}: first difference {first:?}");
        compared += 1;
    };
    for (mode, base) in MODES {
        inside(&format!(
            "{make} KCONFIG_ALLCONFIG={BUILD}/requests {mode} > log 2>&1"
        ));
        equal(&format!("{mode} with requests"), base, requests);
    }
    inside(&format!("{make} defconfig > log 2>&1"));
    let name = if arch == "x86_64" {
        "x86/configs/x86_64_defconfig".to_owned()
    } else {
        format!("{arch}/configs/defconfig")
    };
    let defconfig = fs::read_to_string(source.join("arch").join(name)).unwrap();
    equal("defconfig", Base::Defconfig, &defconfig);
    let appended = format!("{}\n{requests}", read(".config"));
    fs::write(build.path().join(".config"), &appended).unwrap();
    inside(&format!("{make} olddefconfig > log 2>&1"));
    equal("olddefconfig with requests", Base::Olddefconfig, &appended);
    compared
}

/// Returns where the program keeps the user's builds.
fn shared_store() -> PathBuf {
    let home = || Some(Path::new(&env::var_os("HOME")?).join(".cache"));
    let cache = || env::var_os("XDG_CACHE_HOME").map(Into::into).or_else(home);
    env::var_os("KATA_ARTIFACTS_STORE")
        .map(Into::into)
        .or_else(|| Some(Path::join(cache()?.as_ref(), "kata-artifacts")))
        .expect("there is a store")
}
