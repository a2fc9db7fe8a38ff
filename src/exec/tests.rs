//! The queue, with fake trades: what runs, what does not, and what is left behind.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Barrier, Mutex},
};

use super::{Carry, ExecError, Shop, Trouble, execute};
use crate::{
    bench::Bench,
    cancel::Cancel,
    digest::Digest,
    event::Silent,
    plan::{
        Plan,
        action::{
            Action, ArchiveForm, Assemble, Entry, ExtractAgent, Fetch, InitrdCompression, Input,
            Origin, PackInitrd, Unpack,
        },
    },
    source::Network,
    step::{Product, Products},
    store::Store,
};

const OFF: Network = Network::Off("a test");

/// A plan of two independent extractions, an assembly of both, and an initrd: `one`, `two`, `rootfs`, `initrd`.
fn plan(one: &str, two: &str) -> Plan {
    let mut plan = Plan::default();
    let mut extract = |id: &str, text: &str| {
        let archive = Input::Blob(Digest::of(text.as_bytes()));
        let member = id.to_owned();
        plan.add(
            id,
            Action::ExtractAgent(ExtractAgent { archive, member }),
            "agent",
        )
    };
    let entries = BTreeMap::from([
        ("/one".to_owned(), file(extract("one", one))),
        ("/two".to_owned(), file(extract("two", two))),
    ]);
    let entries = plan.add("rootfs", Action::Assemble(Assemble { entries }), "entries");
    let compression = InitrdCompression::Gzip;
    plan.add(
        "initrd",
        Action::PackInitrd(PackInitrd {
            entries,
            compression,
        }),
        "initrd",
    );
    plan
}

fn file(content: Input) -> Entry<Input> {
    Entry::File {
        content,
        mode: 0o644,
        uid: 0,
        gid: 0,
    }
}

/// Runs a plan with `carry`, and returns what ran, in the order in which it began.
fn ran(plan: &Plan, cache: &Path, carry: &Carry<'_>) -> (Result<Products, ExecError>, Vec<String>) {
    let store = Store::open(cache).expect("a store in a temporary directory");
    let began = Mutex::new(Vec::new());
    let noting = |bench: &Bench<'_>, action: &Action<Digest>| {
        began.lock().unwrap().push(bench.step.to_string());
        carry(bench, action)
    };
    let shop = Shop {
        store: &store,
        network: &OFF,
        jobs: 1,
        cancel: &Cancel::new(),
        sink: &Silent,
        logs: cache.join("logs"),
        host_path: String::new(),
    };
    let result = execute(plan, &shop, &noting);
    (result, began.into_inner().unwrap())
}

/// A trade that writes its action down: products differ exactly when actions do.
fn scribe(bench: &Bench<'_>, action: &Action<Digest>) -> Result<Products, Trouble> {
    Ok(match action {
        Action::ExtractAgent(it) => blob(bench, "agent", &it.member),
        Action::Assemble(it) => blob(bench, "entries", &format!("{it:?}")),
        Action::PackInitrd(it) => blob(bench, "initrd", &format!("{it:?}")),
        other => panic!("no such step in these plans: {other:?}"),
    })
}

fn blob(bench: &Bench<'_>, name: &str, text: &str) -> Products {
    let (digest, size) = bench.store.put(text.as_bytes()).expect("a writable store");
    Products::from([(name.to_owned(), Product::Blob { digest, size })])
}

#[test]
fn a_second_build_does_nothing() {
    let cache = tempfile::tempdir().unwrap();
    let (first, began) = ran(&plan("1", "2"), cache.path(), &scribe);
    assert_eq!(began.len(), 4);
    let (second, began) = ran(&plan("1", "2"), cache.path(), &scribe);
    assert_eq!(began, [""; 0]);
    assert_eq!(first.unwrap(), second.unwrap());
}

#[test]
fn a_changed_input_whose_product_is_the_same_runs_nothing_further() {
    let cache = tempfile::tempdir().unwrap();
    ran(&plan("1", "2"), cache.path(), &scribe).0.unwrap();
    // The scribe writes the member, not the archive: `one` runs again and makes what it made before.
    let (result, began) = ran(&plan("changed", "2"), cache.path(), &scribe);
    result.unwrap();
    assert_eq!(began, ["one"]);
}

#[test]
fn independent_steps_overlap() {
    let cache = tempfile::tempdir().unwrap();
    let both = Barrier::new(2);
    let meet = |bench: &Bench<'_>, action: &Action<Digest>| {
        if matches!(action, Action::ExtractAgent(_)) {
            // Waits for ever when the other does not run at the same time.
            both.wait();
        }
        scribe(bench, action)
    };
    ran(&plan("1", "2"), cache.path(), &meet).0.unwrap();
}

#[test]
fn a_step_that_fails_is_named_and_not_recorded() {
    let cache = tempfile::tempdir().unwrap();
    let fail = |bench: &Bench<'_>, action: &Action<Digest>| match action {
        Action::Assemble(_) => Err(Trouble::from(crate::store::StoreError::Missing(
            Digest::of(b""),
        ))),
        _ => scribe(bench, action),
    };
    let (result, _) = ran(&plan("1", "2"), cache.path(), &fail);
    assert_eq!(result.unwrap_err().to_string(), "step rootfs failed");
    let (result, began) = ran(&plan("1", "2"), cache.path(), &scribe);
    result.unwrap();
    assert_eq!(began, ["rootfs", "initrd"]);
}

#[test]
fn a_product_that_is_gone_is_made_again() {
    let cache = tempfile::tempdir().unwrap();
    let products = ran(&plan("1", "2"), cache.path(), &scribe).0.unwrap();
    let store = Store::open(cache.path()).unwrap();
    std::fs::remove_file(store.blob(products["initrd"].digest()).unwrap()).unwrap();
    let (again, began) = ran(&plan("1", "2"), cache.path(), &scribe);
    assert_eq!(began, ["initrd"]);
    assert_eq!(products, again.unwrap());
}

#[test]
fn an_input_that_nothing_needs_any_more_is_not_fetched() {
    let cache = tempfile::tempdir().unwrap();
    let mut plan = Plan::default();
    let fetch = Fetch {
        sha256: Digest::of(b"source"),
        size: Some(6),
        origin: Origin::Urls(vec!["http://mirror.example/source".to_owned()]),
    };
    let archive = plan.add("fetch/source", Action::Fetch(fetch), "blob");
    let form = ArchiveForm::Tar;
    let unpack = Unpack {
        archive,
        form,
        signature: None,
    };
    plan.add("source", Action::Unpack(unpack), "epoch");
    let trade = |bench: &Bench<'_>, action: &Action<Digest>| {
        Ok(match action {
            Action::Fetch(_) => blob(bench, "blob", "source"),
            _ => blob(bench, "epoch", "0"),
        })
    };
    assert_eq!(
        ran(&plan, cache.path(), &trade).1,
        ["fetch/source", "source"]
    );
    let store = Store::open(cache.path()).unwrap();
    std::fs::remove_file(store.blob(Digest::of(b"source")).unwrap()).unwrap();
    assert_eq!(ran(&plan, cache.path(), &trade).1, [""; 0]);
}

#[test]
fn a_step_that_panics_ends_the_build_and_says_what_it_said() {
    let cache = tempfile::tempdir().unwrap();
    let (result, _) = ran(&plan("1", "2"), cache.path(), &|bench, _| {
        panic!("a fault in {}", bench.step)
    });
    let Err(ExecError::Panicked { step, message }) = result else {
        panic!("{result:?}");
    };
    assert_eq!(message, format!("a fault in {step}"));
}

#[test]
fn a_raised_flag_stops_the_build_as_interrupted() {
    let cache = tempfile::tempdir().unwrap();
    let store = Store::open(cache.path()).unwrap();
    let cancel = Cancel::new();
    let raise = |bench: &Bench<'_>, _: &Action<Digest>| {
        bench.cancel.raise();
        Err(Trouble::from(crate::cancel::Interrupted))
    };
    let shop = Shop {
        store: &store,
        network: &OFF,
        jobs: 1,
        cancel: &cancel,
        sink: &Silent,
        logs: cache.path().join("logs"),
        host_path: String::new(),
    };
    let error = execute(&plan("1", "2"), &shop, &raise).unwrap_err();
    assert!(matches!(error, ExecError::Interrupted(_)), "{error}");
}
