//! Where tests of places and registries work: a store, a user who can stop, somebody who is told, no patience.

use std::{sync::Mutex, time::Duration};

use tempfile::TempDir;

use super::{Bearings, Keyring, Settings, Trust};
use crate::{
    cancel::Cancel,
    event::{Event, Sink},
    source::http::{Patience, Proxy},
    store::Store,
};

/// A client of a test: a store, and patience that costs no time.
pub(in crate::oci) struct Desk {
    pub(in crate::oci) dir: TempDir,
    pub(in crate::oci) store: Store,
    pub(in crate::oci) cancel: Cancel,
    pub(in crate::oci) told: Told,
    pub(in crate::oci) settings: Settings,
}

/// Keeps every event, as text.
#[derive(Default)]
pub(in crate::oci) struct Told(pub(in crate::oci) Mutex<Vec<String>>);

impl Sink for Told {
    fn take(&self, event: Event) {
        self.0.lock().unwrap().push(format!("{event:?}"));
    }
}

impl Desk {
    pub(in crate::oci) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("store")).unwrap();
        let patience = Patience {
            connect: Duration::from_secs(5),
            stall: Duration::from_secs(5),
            rounds: 3,
            pause: Duration::ZERO,
            longest_pause: Duration::ZERO,
            most: 0,
        };
        let settings = Settings {
            proxy: Proxy::Direct,
            patience,
            keyring: Keyring::default(),
            trust: Trust::default(),
            plain_http: None,
            token_hosts: Vec::new(),
            seed: 0,
        };
        Self {
            dir,
            store,
            cancel: Cancel::new(),
            told: Told::default(),
            settings,
        }
    }

    pub(in crate::oci) fn bearings(&self) -> Bearings<'_> {
        Bearings {
            store: &self.store,
            cancel: &self.cancel,
            sink: &self.told,
        }
    }

    /// Keeps a user and a password for a registry.
    pub(in crate::oci) fn login(&mut self, host: &str, user: &str, password: &str) {
        self.settings.keyring.files = vec![self.dir.path().join("auth.json")];
        self.settings.keyring.store(host, user, password).unwrap();
    }
}
