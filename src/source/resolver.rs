//! Addresses of servers, looked up once per run. ureq looks a name up before every request, even one on an open
//! connection; a lookup that is lost costs five seconds, and a toolchain is 150 requests to one name.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use ureq::{
    config::Config,
    http::Uri,
    unversioned::{
        resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver},
        transport::NextTimeout,
    },
};

/// Looks names up with the host's resolver, and remembers.
#[derive(Debug, Default)]
pub(crate) struct Remembering {
    lookup: DefaultResolver,
    known: Mutex<BTreeMap<String, ResolvedSocketAddrs>>,
}

impl Resolver for Remembering {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        // The port is a part of an address, and may follow from the scheme.
        let scheme = uri.scheme_str().unwrap_or_default();
        let key = format!(
            "{scheme}://{}",
            uri.authority().map_or("", |it| it.as_str())
        );
        if let Some(addresses) = known().get(&key) {
            return Ok(addresses.clone());
        }
        let addresses = self.lookup.resolve(uri, config, timeout)?;
        known().insert(key, addresses.clone());
        Ok(addresses)
    }
}
