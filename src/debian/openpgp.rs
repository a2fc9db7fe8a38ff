//! Who signed a text: OpenPGP signatures judged against certificates at a given time. Knows nothing of releases.

mod refusal;

use std::collections::BTreeSet;

use jiff::Timestamp;
use pgp::{
    composed::{Deserializable, SignedPublicKey, SignedPublicSubKey},
    crypto::hash::HashAlgorithm,
    packet::{Signature, SignatureType},
    types::{KeyDetails, Tag, VerifyingKey},
};

pub use refusal::Refusal;

/// A signature made this many seconds after `now` is still believed: clocks differ.
const CLOCK_SKEW: i64 = 24 * 60 * 60;

/// Certificates that may have signed something.
#[derive(Debug, Default)]
pub struct Keyring {
    certificates: Vec<SignedPublicKey>,
}

/// A file holds no usable certificate.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("`{file}` is not an ASCII-armoured OpenPGP certificate: {cause}")]
#[diagnostic(
    code(debian::key),
    help("export it with `gpg --armor --export`; Debian's own are in manifests/keys")
)]
pub struct BadKey {
    /// The file's name.
    pub file: String,
    /// What the parser says.
    pub cause: String,
}

impl Keyring {
    /// Reads ASCII-armoured certificates, given as (name for messages, content). A file may hold several.
    ///
    /// # Errors
    /// A file holds none, or something else.
    pub fn read<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Result<Self, BadKey> {
        let mut certificates = Vec::new();
        for (file, content) in files {
            let bad = |cause: String| BadKey {
                file: file.to_owned(),
                cause,
            };
            let (found, _) =
                SignedPublicKey::from_armor_many(content).map_err(|e| bad(e.to_string()))?;
            let before = certificates.len();
            for certificate in found {
                certificates.push(certificate.map_err(|e| bad(e.to_string()))?);
            }
            if certificates.len() == before {
                return Err(bad("there is no certificate in it".to_owned()));
            }
        }
        Ok(Self { certificates })
    }

    /// Tells whether there is no certificate at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.certificates.is_empty()
    }

    /// Returns the fingerprints (upper-case hexadecimal) of the keys that made good signatures over `data`, and why
    /// the other signatures do not count. Good means: made by a signing key of a certificate that is bound, neither
    /// revoked nor expired at `now`, with a strong hash, and itself neither expired nor from the future.
    #[must_use]
    pub fn signers(
        &self,
        signatures: &[Signature],
        data: &[u8],
        now: Timestamp,
    ) -> (BTreeSet<String>, Vec<Refusal>) {
        let mut good = BTreeSet::new();
        let mut refused = Vec::new();
        for signature in signatures {
            match self.judge(signature, data, now) {
                Ok(fingerprint) => {
                    good.insert(fingerprint);
                }
                Err(refusal) => refused.push(refusal),
            }
        }
        (good, refused)
    }

    fn judge(&self, signature: &Signature, data: &[u8], now: Timestamp) -> Result<String, Refusal> {
        let mut refusal = Refusal::UnknownKey {
            issuer: issuer(signature),
        };
        for certificate in &self.certificates {
            if issued_by(signature, certificate) {
                match judge_by(signature, data, now, certificate, None) {
                    Ok(fingerprint) => return Ok(fingerprint),
                    Err(other) => refusal = other,
                }
            }
            for subkey in &certificate.public_subkeys {
                if issued_by(signature, &subkey.key) {
                    match judge_by(signature, data, now, certificate, Some(subkey)) {
                        Ok(fingerprint) => return Ok(fingerprint),
                        Err(other) => refusal = other,
                    }
                }
            }
        }
        Err(refusal)
    }
}

/// Judges a signature that claims to be made by the subkey, or by the certificate's primary key when there is none.
fn judge_by(
    signature: &Signature,
    data: &[u8],
    now: Timestamp,
    certificate: &SignedPublicKey,
    subkey: Option<&SignedPublicSubKey>,
) -> Result<String, Refusal> {
    let key = match subkey {
        Some(subkey) => fingerprint(&subkey.key),
        None => fingerprint(&certificate.primary_key),
    };
    let verified = match subkey {
        Some(subkey) => signature.verify(&subkey.key, data),
        None => signature.verify(&certificate.primary_key, data),
    };
    if verified.is_err() {
        return Err(Refusal::BadSignature { key });
    }
    if !strong(signature) || !signs_text(signature) {
        return Err(Refusal::Weak { key });
    }
    let made = created(signature).ok_or_else(|| Refusal::Weak { key: key.clone() })?;
    if made.as_second() > now.as_second() + CLOCK_SKEW {
        return Err(Refusal::FromTheFuture { key, at: made });
    }
    if let Some(at) = after(made, signature.signature_expiration_time())
        && at <= now
    {
        return Err(Refusal::SignatureExpired { key, at });
    }
    stands(certificate, subkey, &key, now)?;
    Ok(key)
}

/// Checks that the key was good when it made the signature, by the signature's own word: for old files, whose keys may
/// have expired since. A binding that was renewed later counts as well.
pub(crate) fn stood(
    signature: &Signature,
    certificate: &SignedPublicKey,
    subkey: Option<&SignedPublicSubKey>,
) -> Result<(), Refusal> {
    let key = issuer(signature);
    let (true, Some(made)) = (strong(signature), created(signature)) else {
        return Err(Refusal::Weak { key });
    };
    let bindings = subkey.into_iter().flat_map(|subkey| &subkey.signatures);
    let renewed = own_signatures(certificate).chain(bindings);
    let then = renewed
        .filter_map(created)
        .max()
        .map_or(made, |at| at.max(made));
    stands(certificate, subkey, &key, then)
}

/// Checks that the key may sign at `now`.
fn stands(
    certificate: &SignedPublicKey,
    subkey: Option<&SignedPublicSubKey>,
    key: &str,
    now: Timestamp,
) -> Result<(), Refusal> {
    let key = || key.to_owned();
    let primary = &certificate.primary_key;
    let revoked =
        certificate.details.revocation_signatures.iter().any(|s| {
            s.typ() == Some(SignatureType::KeyRevocation) && s.verify_key(primary).is_ok()
        });
    if revoked {
        return Err(Refusal::KeyRevoked { key: key() });
    }
    let own = newest(own_signatures(certificate), now)
        .ok_or_else(|| Refusal::NotForSigning { key: key() })?;
    unexpired(primary, own, &key(), now)?;

    let Some(subkey) = subkey else {
        return if own.key_flags().sign() {
            Ok(())
        } else {
            Err(Refusal::NotForSigning { key: key() })
        };
    };
    let bound = |s: &&Signature| s.verify_subkey_binding(primary, &subkey.key).is_ok();
    let revoked = subkey
        .signatures
        .iter()
        .filter(|s| s.typ() == Some(SignatureType::SubkeyRevocation))
        .any(|s| bound(&s));
    if revoked {
        return Err(Refusal::KeyRevoked { key: key() });
    }
    let bindings = subkey
        .signatures
        .iter()
        .filter(|s| s.typ() == Some(SignatureType::SubkeyBinding) && strong(s))
        .filter(bound);
    let binding = newest(bindings, now).ok_or_else(|| Refusal::NotForSigning { key: key() })?;
    // The subkey must have signed the primary key too; otherwise anybody could adopt a foreign signing key.
    let owned = binding.embedded_signature().is_some_and(|back| {
        strong(back)
            && back
                .verify_primary_key_binding(&subkey.key, primary)
                .is_ok()
    });
    if !binding.key_flags().sign() || !owned {
        return Err(Refusal::NotForSigning { key: key() });
    }
    unexpired(&subkey.key, binding, &key(), now)
}

/// Returns the certificate's valid signatures over itself: on its user ids and directly on its key.
fn own_signatures(certificate: &SignedPublicKey) -> impl Iterator<Item = &Signature> {
    let primary = &certificate.primary_key;
    let on_users = certificate.details.users.iter().flat_map(move |user| {
        user.signatures.iter().filter(move |s| {
            s.is_certification()
                && s.verify_certification(primary, Tag::UserId, &user.id)
                    .is_ok()
        })
    });
    let direct = certificate
        .details
        .direct_signatures
        .iter()
        .filter(move |s| s.typ() == Some(SignatureType::Key) && s.verify_key(primary).is_ok());
    on_users.chain(direct).filter(|s| strong(s))
}

/// Returns the newest of the signatures made and not expired at `now`.
fn newest<'a>(
    signatures: impl Iterator<Item = &'a Signature>,
    now: Timestamp,
) -> Option<&'a Signature> {
    signatures
        .filter(|s| {
            created(s).is_some_and(|made| {
                made <= now && after(made, s.signature_expiration_time()).is_none_or(|at| at > now)
            })
        })
        .max_by_key(|s| created(s))
}

fn unexpired(
    key: &impl KeyDetails,
    by: &Signature,
    name: &str,
    now: Timestamp,
) -> Result<(), Refusal> {
    let born = seconds(key.created_at());
    match born.and_then(|born| after(born, by.key_expiration_time())) {
        Some(at) if at <= now => Err(Refusal::KeyExpired {
            key: name.to_owned(),
            at,
        }),
        _ => Ok(()),
    }
}

/// Returns the end of a period. No period and a period of 0 both mean that there is no end (RFC 9580, 5.2.3.13).
fn after(start: Timestamp, period: Option<pgp::types::Duration>) -> Option<Timestamp> {
    let period = i64::from(period?.as_secs());
    (period != 0)
        .then(|| Timestamp::from_second(start.as_second() + period).ok())
        .flatten()
}

fn seconds(time: pgp::types::Timestamp) -> Option<Timestamp> {
    Timestamp::from_second(i64::from(time.as_secs())).ok()
}

fn created(signature: &Signature) -> Option<Timestamp> {
    signature.created().and_then(seconds)
}

fn strong(signature: &Signature) -> bool {
    matches!(
        signature.hash_alg(),
        Some(
            HashAlgorithm::Sha256
                | HashAlgorithm::Sha384
                | HashAlgorithm::Sha512
                | HashAlgorithm::Sha3_256
                | HashAlgorithm::Sha3_512
        )
    )
}

fn signs_text(signature: &Signature) -> bool {
    matches!(
        signature.typ(),
        Some(SignatureType::Text | SignatureType::Binary)
    )
}

/// Tells whether the key is the one that the signature names.
pub(crate) fn issued_by(signature: &Signature, key: &impl KeyDetails) -> bool {
    let fingerprints = signature.issuer_fingerprint();
    if fingerprints.is_empty() {
        return signature.issuer_key_id().contains(&&key.legacy_key_id());
    }
    fingerprints.contains(&&key.fingerprint())
}

/// Returns the key that the signature names, as people write it.
pub(crate) fn issuer(signature: &Signature) -> String {
    if let Some(fingerprint) = signature.issuer_fingerprint().first() {
        return format!("{fingerprint:X}");
    }
    match signature.issuer_key_id().first() {
        Some(id) => id.to_string().to_uppercase(),
        None => "without a name".to_owned(),
    }
}

fn fingerprint(key: &impl VerifyingKey) -> String {
    format!("{:X}", key.fingerprint())
}
