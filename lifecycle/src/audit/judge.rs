//! What happened to an entry whose seal does not belong to its content: edited, moved here, or put in by somebody
//! without the key.

use serde_json::{Map, Value};

use super::{
    Checkpoint, Seal,
    chain::{Hash, SEAL_MEMBERS, genuine},
    verify::{Broken, Flaw},
};
use crate::signing::KeyRing;

/// How far an entry is searched for that stands in the wrong place.
const NEIGHBOURHOOD: i64 = 512;

/// The members a seal covers.
pub(super) fn unsealed(members: &Map<String, Value>) -> Map<String, Value> {
    let mut content = members.clone();
    for name in SEAL_MEMBERS {
        content.remove(name);
    }
    content
}

/// The seal of a line; none when it has no part of one.
pub(super) fn read_seal(members: &Map<String, Value>) -> Result<Option<Seal>, String> {
    let missing = |name: &&str| members.get(*name).is_none_or(Value::is_null);
    if SEAL_MEMBERS.iter().all(missing) {
        return Ok(None);
    }
    if let Some(name) = SEAL_MEMBERS.iter().find(|name| missing(name)) {
        return Err(format!("`{name}` is missing"));
    }
    let text = |name: &str| members.get(name).and_then(Value::as_str).ok_or_else(|| format!("`{name}` is not a text"));
    let hash = |name: &str| text(name)?.parse::<Hash>().map_err(|error| format!("`{name}`: {error}"));
    Ok(Some(Seal {
        key_id: text("key_id")?.to_owned(),
        prev_hash: hash("prev_hash")?,
        entry_hash: hash("entry_hash")?,
    }))
}

/// The number under which this content was sealed, when it was one nearby: somebody moved it.
pub(super) fn written_as(keys: &KeyRing, seal: &Seal, content: &Map<String, Value>, seq: i64) -> Option<i64> {
    let key = keys.find(&seal.key_id)?;
    let mut content = content.clone();
    let from = seq.saturating_sub(NEIGHBOURHOOD).max(1);
    (from..=seq.saturating_add(NEIGHBOURHOOD)).filter(|other| *other != seq).find(|other| {
        content.insert("seq".to_owned(), Value::from(*other));
        genuine(key, seal, &content)
    })
}

/// An entry whose seal is wrong. What happened to it shows in what follows.
#[derive(Debug, Clone)]
pub(super) struct Suspect {
    pub seq: i64,
    pub event: String,
    pub seal: Seal,
    /// The hash of the last entry that was fine.
    pub before: Hash,
}

impl Suspect {
    /// By the entry after it.
    pub fn by_follower(&self, keys: &KeyRing, follower: &Map<String, Value>) -> Broken {
        let Ok(Some(seal)) = read_seal(follower) else { return self.edited() };
        let content = unsealed(follower);
        let stated = content.get("seq").and_then(Value::as_i64).unwrap_or_default();
        let moved = || written_as(keys, &seal, &content, stated).is_some();
        if seal.prev_hash == self.before && seal.prev_hash != self.seal.entry_hash && moved() {
            return self.forged();
        }
        self.edited()
    }

    /// By the checkpoints, when nothing follows.
    pub fn by_checkpoints(&self, checkpoints: &[Checkpoint]) -> Broken {
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
            "entry {} ({}) was never sealed with a key of this workspace: it was inserted by somebody without the key",
            self.seq, self.event
        );
        Broken { seq: self.seq, flaw: Flaw::Forged, detail }
    }
}
