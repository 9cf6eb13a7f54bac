//! How the chain stands at a glance, without computing it.

use serde::{Deserialize, Serialize};

use super::{Checkpoint, Hash};

/// The end of the chain as it is recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainStatus {
    /// Entries there are.
    pub entries: u64,
    /// Of them without a seal: changes made by SQL a moment ago.
    pub pending: u64,
    /// Number of the last sealed entry; 0 for none.
    pub head_seq: i64,
    /// Its hash.
    pub head_hash: Hash,
    /// The newest checkpoint that is kept for ever.
    pub checkpoint: Option<Checkpoint>,
}
