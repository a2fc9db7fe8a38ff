//! Why an OpenPGP signature does not count, in words. Nothing is judged here.

use std::fmt;

use jiff::Timestamp;

/// Why a signature does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// None of the certificates has the key that made it.
    UnknownKey {
        /// The key's fingerprint or id.
        issuer: String,
    },
    /// The key is known, the text is not what it signed.
    BadSignature {
        /// The key's fingerprint.
        key: String,
    },
    /// The signature says when it ends, and that has passed.
    SignatureExpired {
        /// The key's fingerprint.
        key: String,
        /// When it ended.
        at: Timestamp,
    },
    /// The signature says that it is yet to be made.
    FromTheFuture {
        /// The key's fingerprint.
        key: String,
        /// When it will have been made.
        at: Timestamp,
    },
    /// The key has expired.
    KeyExpired {
        /// The key's fingerprint.
        key: String,
        /// When it expired.
        at: Timestamp,
    },
    /// The key, or the certificate it belongs to, was revoked.
    KeyRevoked {
        /// The key's fingerprint.
        key: String,
    },
    /// The key is not meant for signing, or nothing binds it to its certificate.
    NotForSigning {
        /// The key's fingerprint.
        key: String,
    },
    /// The signature uses a hash that is not collision resistant, or is of a kind that does not sign texts.
    Weak {
        /// The key's fingerprint.
        key: String,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownKey { issuer } => {
                write!(f, "key {issuer} is in none of the certificates")
            }
            Self::BadSignature { key } => write!(f, "the text is not what key {key} signed"),
            Self::SignatureExpired { key, at } => {
                write!(f, "the signature by key {key} expired at {at}")
            }
            Self::FromTheFuture { key, at } => {
                write!(f, "the signature by key {key} is dated {at}, in the future")
            }
            Self::KeyExpired { key, at } => write!(f, "key {key} expired at {at}"),
            Self::KeyRevoked { key } => write!(f, "key {key} is revoked"),
            Self::NotForSigning { key } => write!(f, "key {key} is not meant for signing"),
            Self::Weak { key } => {
                write!(
                    f,
                    "the signature by key {key} is of a kind that proves nothing"
                )
            }
        }
    }
}
