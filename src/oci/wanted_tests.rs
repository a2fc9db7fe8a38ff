//! What a packed guest refers to, and what it leaves out.

use serde_json::Value;

use super::{super::fixture::Fixture, *};
use crate::{
    step::{StepId, StepKey},
    store::Record,
};

#[test]
fn a_layout_with_a_blob_that_is_gone_is_no_longer_held() {
    let fixture = Fixture::new();
    let products = fixture
        .products(&fixture.action(&[Arch::Aarch64, Arch::X86_64]))
        .unwrap();
    let list = LayoutList::read(&fixture.store, products["layout"].digest()).unwrap();
    let record = Record {
        plan: String::new(),
        key: StepKey(Digest::of(b"pack")),
        id: StepId::new("pack"),
        action: Value::Null,
        products,
    };
    for entry in list.blobs.iter().chain([&list.index_json]) {
        assert!(fixture.store.holds(&record));
        let content = fixture.store.read(entry.digest).unwrap();
        std::fs::remove_file(fixture.store.blob(entry.digest).unwrap()).unwrap();
        assert!(!fixture.store.holds(&record), "{}", entry.digest);
        fixture.store.put(&content).unwrap();
    }
}

#[test]
fn a_root_file_system_with_a_file_that_is_gone_is_no_longer_held() {
    let fixture = Fixture::new();
    let (agent, size) = fixture.store.put(b"agent").unwrap();
    let products = fixture.assembled(agent);
    let (name, product) = part(agent, size);
    assert_eq!(products.get(&name), Some(&product));
    assert_eq!(products.len(), 2);
}

#[test]
fn a_configuration_that_is_not_wanted_is_looked_at_and_not_packed() {
    let fixture = Fixture::new();
    let mut action = fixture.action(&[Arch::X86_64]);
    action.guests.get_mut(&Arch::X86_64).unwrap().publish_config = false;
    let list = fixture.pack(&action).unwrap();
    let config = action.guests[&Arch::X86_64].config;
    assert!(list.blobs.iter().all(|entry| entry.digest != config));
    let mut files = list.files[&Arch::X86_64].iter();
    assert!(files.all(|file| file.name != "config"));
    action.guests.get_mut(&Arch::X86_64).unwrap().config = fixture.put("# nothing\n");
    let error = fixture.pack(&action).unwrap_err();
    assert!(matches!(error, OciError::Untrue(_)), "{error}");
}
