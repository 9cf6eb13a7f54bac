//! What happened to an entry whose seal does not match its content: edited, moved from another position, or inserted
//! without the key.

use serde_json::{Map, Value};

use super::{Broken, Checkpoint, Flaw, Hash, Seal, seal::without_seal};
use crate::signing::KeyRing;

/// How many positions before and after an entry are searched for the position that the entry was sealed for.
const NEIGHBOURHOOD: i64 = 512;

/// The nearby position that this content was sealed for, if there is one: the entry was then moved.
pub(super) fn sealed_position(keys: &KeyRing, seal: &Seal, content: &Map<String, Value>, seq: i64) -> Option<i64> {
    let mut content = content.clone();
    let from = seq.saturating_sub(NEIGHBOURHOOD).max(1);
    (from..=seq.saturating_add(NEIGHBOURHOOD)).filter(|other| *other != seq).find(|other| {
        content.insert("seq".to_owned(), Value::from(*other));
        seal.is_genuine(keys, &content) == Some(true)
    })
}

/// An entry whose seal is wrong. Only the following entries show whether the entry was edited or inserted.
#[derive(Debug, Clone)]
pub(super) struct Suspect {
    pub seq: i64,
    pub event: String,
    pub seal: Seal,
    /// The hash of the last good entry.
    pub before: Hash,
}

impl Suspect {
    /// The flaw, judging by the entry after the suspect.
    pub fn assess_by_follower(&self, keys: &KeyRing, follower: &Map<String, Value>) -> Broken {
        let Ok(Some(seal)) = Seal::read(follower) else { return self.edited() };
        let content = without_seal(follower);
        let stated = content.get("seq").and_then(Value::as_i64).unwrap_or_default();
        let was_renumbered = || sealed_position(keys, &seal, &content, stated).is_some();
        if seal.prev_hash == self.before && seal.prev_hash != self.seal.entry_hash && was_renumbered() {
            return self.forged();
        }
        self.edited()
    }

    /// The flaw, judging by the checkpoints, when no entry follows.
    pub fn assess_by_checkpoints(&self, checkpoints: &[Checkpoint]) -> Broken {
        let farthest = checkpoints.iter().map(|checkpoint| checkpoint.head_seq).max();
        if farthest.is_some_and(|farthest| farthest < self.seq) { self.forged() } else { self.edited() }
    }

    fn edited(&self) -> Broken {
        let detail =
            format!("entry {} ({}) is not what was sealed: it was edited after it was written", self.seq, self.event);
        Broken { seq: self.seq, flaw: Flaw::Edited, detail }
    }

    fn forged(&self) -> Broken {
        let detail = format!(
            "entry {} ({}) was never sealed with a key of this workspace: it was inserted without the key",
            self.seq, self.event
        );
        Broken { seq: self.seq, flaw: Flaw::Forged, detail }
    }
}
