//! Detached OpenPGP signatures over streams, as kernel.org makes them: over the decompressed tar. Which keys are to be
//! trusted is the manifest's decision. Knows no clock: a key counts when it was good at the time of the signature.

use std::{
    io::{self, Read},
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread::{self, JoinHandle},
};

use pgp::{
    composed::{Deserializable, DetachedSignature, SignedPublicKey},
    packet::{PublicKey, PublicSubkey, Signature, SignatureType},
};

use crate::debian::openpgp::{issued_by, issuer, stood};

/// How many pieces may wait to be hashed.
const PIECES: usize = 16;

/// A signature is not good.
#[derive(Debug, thiserror::Error)]
pub enum SignatureError {
    /// The signature's file holds none.
    #[error("the signature cannot be read: {0}")]
    Unreadable(String),
    /// A certificate's file holds none.
    #[error("the certificates cannot be read: {0}")]
    UnreadableKeys(String),
    /// None of the certificates made it.
    #[error("the signature was made by {issuer}, which is none of the {given} certificates given")]
    Stranger {
        /// The key that made it, as far as it says.
        issuer: String,
        /// How many certificates there were.
        given: usize,
    },
    /// It is not a good signature of these bytes.
    #[error("the signature by {issuer} is not good: {why}")]
    Bad {
        /// The key that should have made it.
        issuer: String,
        /// What is wrong.
        why: String,
    },
}

/// A signature whose maker is known, before the bytes are.
pub struct Verifier {
    signature: Signature,
    key: Key,
    issuer: String,
}

enum Key {
    Primary(Box<PublicKey>),
    Subkey(Box<PublicSubkey>),
}

impl Verifier {
    /// Finds the certificate that made the signature. Signature and certificates may be armoured.
    ///
    /// # Errors
    /// Nothing can be read, nobody made it, or who did was not allowed to.
    pub fn new(signature: &[u8], certificates: &[Vec<u8>]) -> Result<Self, SignatureError> {
        let (signatures, _) = DetachedSignature::from_reader_many(signature)
            .map_err(|error| SignatureError::Unreadable(error.to_string()))?;
        let signatures: Vec<Signature> = signatures
            .filter_map(|it| it.ok().map(|it| it.signature))
            .collect();
        let mut known = Vec::new();
        for bytes in certificates {
            let unreadable =
                |error: pgp::errors::Error| SignatureError::UnreadableKeys(error.to_string());
            let (keys, _) =
                SignedPublicKey::from_reader_many(bytes.as_slice()).map_err(unreadable)?;
            for key in keys {
                known.push(key.map_err(unreadable)?);
            }
        }
        let (mut issuers, mut refused) = (Vec::new(), None);
        for signature in signatures {
            let issuer = issuer(&signature);
            match maker(&signature, &known) {
                Ok(Some(key)) => {
                    return Ok(Self {
                        signature,
                        key,
                        issuer,
                    });
                }
                Ok(None) => issuers.push(issuer),
                // Another of them may be good: one is enough.
                Err(error) => refused = refused.or(Some(error)),
            }
        }
        if let Some(error) = refused {
            return Err(error);
        }
        if issuers.is_empty() {
            return Err(SignatureError::Unreadable("there is none in it".to_owned()));
        }
        Err(SignatureError::Stranger {
            issuer: issuers.join(", "),
            given: known.len(),
        })
    }

    /// Begins to verify the bytes that are read through the returned reader. Hashing has a thread of its own.
    #[must_use]
    pub fn watch<R>(self, reader: R) -> (Signed<R>, Verdict) {
        let (sender, receiver) = sync_channel(PIECES);
        let issuer = self.issuer.clone();
        let thread = thread::spawn(move || self.verify(Pieces::new(receiver)));
        let signed = Signed {
            inner: reader,
            sender: Some(sender),
        };
        (signed, Verdict { thread, issuer })
    }

    fn verify(&self, bytes: impl Read) -> Result<(), SignatureError> {
        let result = match &self.key {
            Key::Primary(key) => self.signature.verify(key.as_ref(), bytes),
            Key::Subkey(key) => self.signature.verify(key.as_ref(), bytes),
        };
        result.map_err(|error| SignatureError::Bad {
            issuer: self.issuer.clone(),
            why: error.to_string(),
        })
    }
}

/// Returns the key among `known` that says it made the signature, when it was allowed to.
fn maker(signature: &Signature, known: &[SignedPublicKey]) -> Result<Option<Key>, SignatureError> {
    for certificate in known {
        let primary = &certificate.primary_key;
        let mut subkeys = certificate.public_subkeys.iter();
        let subkey = subkeys.find(|subkey| issued_by(signature, &subkey.key));
        if subkey.is_none() && !issued_by(signature, primary) {
            continue;
        }
        let bad = |why: String| SignatureError::Bad {
            issuer: issuer(signature),
            why,
        };
        if signature.typ() != Some(SignatureType::Binary) {
            return Err(bad("it is no signature of a file".to_owned()));
        }
        stood(signature, certificate, subkey).map_err(|refusal| bad(refusal.to_string()))?;
        return Ok(Some(match subkey {
            Some(subkey) => Key::Subkey(Box::new(subkey.key.clone())),
            None => Key::Primary(Box::new(primary.clone())),
        }));
    }
    Ok(None)
}

/// Passes bytes on, and a copy of them to whoever verifies.
pub struct Signed<R> {
    inner: R,
    sender: Option<SyncSender<Vec<u8>>>,
}

impl<R: Read> Read for Signed<R> {
    fn read(&mut self, output: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(output)?;
        if read == 0 {
            self.sender = None;
        } else if let Some(sender) = &self.sender {
            // Nobody listens when the verdict is clear already.
            let _ = sender.send(output[..read].to_vec());
        }
        Ok(read)
    }
}

/// What comes of the verification, once everything was read.
pub struct Verdict {
    thread: JoinHandle<Result<(), SignatureError>>,
    issuer: String,
}

impl Verdict {
    /// Waits for the verdict. The reader must have been read to its end, or dropped.
    ///
    /// # Errors
    /// The signature is not one of the bytes that were read.
    pub fn wait(self) -> Result<(), SignatureError> {
        let Self { thread, issuer } = self;
        thread.join().unwrap_or_else(|_| {
            Err(SignatureError::Bad {
                issuer,
                why: "the verification ended in a panic".to_owned(),
            })
        })
    }
}

/// The pieces, as one stream.
struct Pieces {
    receiver: Receiver<Vec<u8>>,
    piece: io::Cursor<Vec<u8>>,
}

impl Pieces {
    fn new(receiver: Receiver<Vec<u8>>) -> Self {
        let piece = io::Cursor::default();
        Self { receiver, piece }
    }
}

impl Read for Pieces {
    fn read(&mut self, output: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.piece.read(output)?;
            if read > 0 || output.is_empty() {
                return Ok(read);
            }
            match self.receiver.recv() {
                Ok(piece) => self.piece = io::Cursor::new(piece),
                Err(_) => return Ok(0),
            }
        }
    }
}
