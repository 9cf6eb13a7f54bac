//! The result of verifying a chain: the first bad entry, and the state of the whole chain.

use serde::{Deserialize, Serialize};

use super::{Checkpoint, Hash};

/// The flaw that makes an entry bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flaw {
    /// The content was changed after the entry was sealed.
    Edited,
    /// The entry is missing, although later entries exist.
    Missing,
    /// The entry is not at the position it was sealed for.
    Reordered,
    /// The entry was inserted without the key.
    Forged,
    /// The entry and everything after it was cut off.
    CutTail,
    /// The seal is genuine but does not follow the entry before it: the entries before it were replaced.
    Replaced,
    /// The entry was sealed with an unknown key.
    UnknownKey,
    /// The entry has no number or an incomplete seal.
    Malformed,
}

/// The first bad entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Broken {
    /// The number of the entry; for a missing entry, the number that it had.
    pub seq: i64,
    /// The flaw.
    pub flaw: Flaw,
    /// The flaw, described in a sentence.
    pub detail: String,
}

/// The state of a whole chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Whether nothing is wrong.
    pub valid: bool,
    /// Whether hashes were computed with the keys. Without keys only numbers and links are compared, which the editor
    /// of a file can rewrite.
    pub keyed: bool,
    /// The verdict in sentences, for a person.
    pub message: String,
    /// Entries read.
    pub entries: u64,
    /// The last good sealed entry; 0 for none.
    pub head_seq: i64,
    /// The hash of that entry.
    pub head_hash: Hash,
    /// Entries at the end without a seal: changes made by SQL a moment ago.
    pub pending: u64,
    /// The first bad entry.
    pub first_bad: Option<Broken>,
    /// Checkpoints compared.
    pub checkpoints: u64,
    /// The checkpoint that reaches farthest; without one, a cut tail cannot be detected.
    pub checkpoint: Option<Checkpoint>,
    /// Problems with the checkpoints themselves.
    pub checkpoint_problems: Vec<String>,
}
