//! Which addresses a registry may send us to: a stranger's server must not make us ask machines that only we can reach.

use std::{
    io,
    net::IpAddr,
    sync::{Arc, OnceLock},
};

use ureq::{
    config::Config,
    http::Uri,
    unversioned::{
        resolver::{ResolvedSocketAddrs, Resolver},
        transport::NextTimeout,
    },
};

use crate::source::resolver::Remembering;

/// Why an address is refused.
pub(super) const INSIDE: &str = "it lies in a private network";

/// Where one address of a name lies, as far as it matters to whoever can send us there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Anywhere.
    Public,
    /// Inside a network.
    Private,
    /// This link: where clouds keep their machines' credentials.
    Link,
    /// This machine.
    Loopback,
}

impl Class {
    fn of(address: IpAddr) -> Self {
        let address = address.to_canonical();
        if address.is_loopback() || address.is_unspecified() {
            return Self::Loopback;
        }
        match address {
            IpAddr::V4(v4) if v4.is_link_local() => Self::Link,
            IpAddr::V4(v4) => {
                let [first, second, ..] = v4.octets();
                let carrier = first == 100 && (64..128).contains(&second);
                let inside = v4.is_private() || carrier || first == 0 || first >= 224;
                if inside { Self::Private } else { Self::Public }
            }
            IpAddr::V6(v6) if v6.is_unicast_link_local() => Self::Link,
            IpAddr::V6(v6) if v6.is_unique_local() || v6.is_multicast() => Self::Private,
            IpAddr::V6(_) => Self::Public,
        }
    }

    /// Tells whether a server here may send us there: never deeper into a network than it is itself.
    fn may_lead_to(self, there: Self) -> bool {
        there == Self::Public || (there == self && there != Self::Link)
    }
}

/// Which of the two agents a resolver serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The registry itself.
    Home,
    /// Where it sends us.
    Abroad,
}

/// Looks names up, and refuses addresses where a registry has no business to send us.
#[derive(Debug)]
pub(super) struct Watchful {
    lookup: Remembering,
    home: Arc<OnceLock<Class>>,
    place: Role,
}

impl Watchful {
    /// Returns the resolver of one agent. The first address of the registry itself is kept in `home`, for the other.
    pub(super) fn new(place: Role, home: &Arc<OnceLock<Class>>) -> Self {
        Self {
            lookup: Remembering::default(),
            home: Arc::clone(home),
            place,
        }
    }
}

impl Resolver for Watchful {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let addresses = self.lookup.resolve(uri, config, timeout)?;
        let is_proxy = config.proxy().is_some_and(|proxy| proxy.uri() == uri);
        if is_proxy {
            return Ok(addresses);
        }
        let classes = || addresses.iter().map(|address| Class::of(address.ip()));
        match self.place {
            Role::Home => {
                let _ = self.home.set(classes().next().unwrap_or(Class::Public));
            }
            Role::Abroad => {
                let home = self.home.get().copied().unwrap_or(Class::Public);
                if !classes().all(|class| home.may_lead_to(class)) {
                    let refused = io::Error::new(io::ErrorKind::PermissionDenied, INSIDE);
                    return Err(ureq::Error::Io(refused));
                }
            }
        }
        Ok(addresses)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_leads_no_deeper_into_a_network_than_it_is_itself() {
        let class = |text: &str| Class::of(text.parse().unwrap());
        let inside = [
            "10.1.2.3",
            "192.168.0.1",
            "172.16.0.1",
            "100.64.0.1",
            "fd00::1",
            "0.1.2.3",
        ];
        let link = ["169.254.169.254", "fe80::1", "::ffff:169.254.169.254"];
        let here = ["127.0.0.1", "::1", "0.0.0.0", "::ffff:127.0.0.1"];
        for address in inside.iter().chain(&link).chain(&here) {
            assert!(!Class::Public.may_lead_to(class(address)), "{address}");
        }
        for address in link {
            assert!(
                !class("169.254.1.1").may_lead_to(class(address)),
                "{address}"
            );
        }
        for address in inside {
            assert!(Class::Private.may_lead_to(class(address)), "{address}");
            assert!(!Class::Loopback.may_lead_to(class(address)), "{address}");
        }
        for address in here {
            assert!(Class::Loopback.may_lead_to(class(address)), "{address}");
        }
        for home in [Class::Public, Class::Private, Class::Loopback] {
            assert!(home.may_lead_to(class("203.0.113.7")));
            assert!(home.may_lead_to(class("2001:db8::1")));
        }
    }
}
