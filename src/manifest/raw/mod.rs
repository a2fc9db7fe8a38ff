//! The manifest as written: a tree of text with the place of every part. Knows YAML and nothing of fields.
//!
//! The events come from `saphyr-parser` (YAML 1.2, no unsafe code, two small dependencies), because `serde_yaml` keeps
//! no places of values and lets a repeated key of a map win silently; serde reads the lock and the profiles. What cannot
//! be part of a manifest is refused here: tags, merge keys, a second document, keys that are not text, and anything too
//! large, written out or by way of aliases.

mod build;
mod syntax;
mod text;

use miette::SourceSpan;

use super::problem::Problem;

pub(super) use text::{Text, decode, too_large};

/// Bytes that a manifest may have.
pub(super) const LARGEST: usize = 1024 * 1024;
/// Bytes that a line may have: a longer one cannot be shown.
const LONGEST_LINE: usize = 4096;
/// Values that a manifest may have after its aliases are written out.
const MOST_VALUES: usize = 10_000;
/// Mappings and lists that may stand inside each other.
const DEEPEST: usize = 32;

/// A value, with its place.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// Where a label belongs: the value, or its key when the value has several lines or none.
    pub(super) span: SourceSpan,
    /// The field, from the top: `kernel.config.base`, `architectures[0]`.
    pub(super) field: String,
    /// What was written.
    pub(super) value: Value,
}

/// What was written.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// Text, also of a number.
    Scalar(Scalar),
    /// A list.
    List(Vec<Node>),
    /// A mapping, in the order of the text. No key is there twice.
    Map(Vec<(Key, Node)>),
}

/// Text, also of a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scalar {
    /// The text, without quotes.
    pub(super) text: String,
    /// Whether it had quotes, or was a block.
    pub(super) quoted: bool,
}

/// A key of a mapping.
#[derive(Clone, Debug)]
pub(super) struct Key {
    /// Its text.
    pub(super) text: String,
    /// Its place.
    pub(super) span: SourceSpan,
}

/// Reads the tree, and what is wrong with it that does not stop the reading.
///
/// # Errors
/// What makes the text unreadable.
pub(super) fn read(text: &Text) -> Result<(Node, Vec<Problem>), Vec<Problem>> {
    text.limits()?;
    build::tree(text)
}
