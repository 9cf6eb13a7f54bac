//! The chain at a glance, without verifying it.

use serde::{Deserialize, Serialize};

use super::{Checkpoint, Hash};

/// The recorded end of the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainStatus {
    /// All entries.
    pub entries: u64,
    /// Entries without a seal: changes made by SQL a moment ago.
    pub pending: u64,
    /// Number of the last sealed entry; 0 for none.
    pub head_seq: i64,
    /// The hash of that entry.
    pub head_hash: Hash,
    /// The newest permanent checkpoint.
    pub checkpoint: Option<Checkpoint>,
}
