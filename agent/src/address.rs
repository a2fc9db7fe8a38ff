//! Server addresses in Kata's form: `vsock://<cid>:<port>` and `unix://<path>`. Opens nothing.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Where Kata's runtime expects its agent: any context id, port 1024.
pub(crate) const DEFAULT: &str = "vsock://-1:1024";

/// `VMADDR_CID_ANY`: the number that Kata writes as -1.
const ANY_CID: u32 = u32::MAX;

/// A place to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    /// A vsock context id and port.
    Vsock { cid: u32, port: u32 },
    /// A socket file, for tests and developers.
    Unix(PathBuf),
}

/// Why a text is not an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InvalidAddress(String);

impl fmt::Display for InvalidAddress {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "`{}` is not a server address: expected `vsock://<cid>:<port>` or `unix://<path>`", self.0)
    }
}

impl FromStr for Address {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Address, InvalidAddress> {
        let parsed = match text.split_once("://") {
            Some(("vsock", rest)) => vsock(rest),
            Some(("unix", path)) if !path.is_empty() => Some(Address::Unix(path.into())),
            _ => None,
        };
        parsed.ok_or_else(|| InvalidAddress(text.to_owned()))
    }
}

fn vsock(text: &str) -> Option<Address> {
    let (cid, port) = text.split_once(':')?;
    let cid = if cid == "-1" { ANY_CID } else { cid.parse().ok()? };
    Some(Address::Vsock { cid, port: port.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_any_context_id_and_port_1024() {
        assert_eq!(DEFAULT.parse(), Ok(Address::Vsock { cid: u32::MAX, port: 1024 }));
    }

    #[test]
    fn unix_paths_keep_their_slashes() {
        assert_eq!("unix:///run/a.sock".parse(), Ok(Address::Unix("/run/a.sock".into())));
    }

    #[test]
    fn other_texts_are_refused_with_the_text() {
        for text in
            ["", "vsock://", "vsock://1", "vsock://x:1", "vsock://-1:99999999999", "unix://", "tcp://1:2", "1024"]
        {
            let refused = text.parse::<Address>().unwrap_err().to_string();
            assert!(refused.contains(&format!("`{text}`")), "{refused}");
        }
    }
}
