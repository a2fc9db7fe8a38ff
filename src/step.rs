//! Names of steps and what they make: StepId, StepKey, OutputRef, Product. No step is described or run here.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// Names a step within one plan, for people: `x86_64/compile`. Never part of a key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StepId(String);

impl StepId {
    /// Returns the id with this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The digest of an action's canonical description, its inputs' digests and its trade's recipe number.
/// Two steps with one key make the same products on any machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StepKey(pub Digest);

impl fmt::Display for StepKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.hex())
    }
}

/// One named product of another step of the same plan.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OutputRef {
    /// The step that makes it.
    pub step: StepId,
    /// The product's name there.
    pub name: String,
}

/// What a step made: bytes known by their content, or a read-only tree known by the key of the step that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Product {
    /// A file in the blob store.
    Blob {
        /// The digest of its content.
        digest: Digest,
        /// Its length in bytes.
        size: u64,
    },
    /// An unpacked tree in the store. Its content is a function of the key.
    Tree {
        /// The key of the step that unpacked it.
        key: StepKey,
    },
}

impl Product {
    /// Returns the digest that stands for this product in the keys of later steps.
    #[must_use]
    pub fn digest(&self) -> Digest {
        match self {
            Self::Blob { digest, .. } => *digest,
            Self::Tree { key } => key.0,
        }
    }
}

/// Begins the names of products that no step asks for by name, only by digest: they are in a product's list. A step
/// names them so that it runs again when one of them is gone.
pub const PART: &str = "blob/";

/// Names a blob that a step's product refers to, as a product of the step.
#[must_use]
pub fn part(digest: Digest, size: u64) -> (String, Product) {
    let name = format!("{PART}{}", digest.hex());
    (name, Product::Blob { digest, size })
}

/// All products of one step, by name.
pub type Products = BTreeMap<String, Product>;
