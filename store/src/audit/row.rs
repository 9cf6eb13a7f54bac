//! An audit entry's row.

use lifecycle::audit::{Entry, EventType, Hash, Seal};
use policy::Timestamp;
use serde_json::{Map, Value, json};
use sqlx::types::Json;
use time::OffsetDateTime;

use crate::{Error, Result};

/// The columns of [`Row`].
pub(crate) const COLUMNS: &str = "seq, at, event_type, actor, roles, via, credential, subject_type, subject_id, summary, detail, \
     key_id, prev_hash, entry_hash";

#[derive(sqlx::FromRow)]
pub(crate) struct Row {
    pub seq: i64,
    at: OffsetDateTime,
    event_type: String,
    actor: String,
    roles: Vec<String>,
    via: String,
    credential: Option<String>,
    subject_type: String,
    subject_id: String,
    summary: String,
    detail: Json<Value>,
    key_id: Option<String>,
    prev_hash: Option<Vec<u8>>,
    entry_hash: Option<Vec<u8>>,
}

impl Row {
    fn seal(&self) -> Result<Option<Seal>> {
        let (Some(key_id), Some(prev), Some(own)) = (&self.key_id, &self.prev_hash, &self.entry_hash) else {
            return Ok(None);
        };
        Ok(Some(Seal { key_id: key_id.clone(), prev_hash: hash(prev)?, entry_hash: hash(own)? }))
    }

    /// The members of the entry and of its seal that are set. Verification needs them as they are stored, even if this
    /// program would not have written them.
    pub fn members(self) -> Map<String, Value> {
        let mut members = json!({
            "seq": self.seq, "at": Timestamp::from(self.at), "event_type": self.event_type, "actor": self.actor,
            "roles": self.roles, "via": self.via, "subject_type": self.subject_type, "subject_id": self.subject_id,
            "summary": self.summary, "detail": self.detail.0,
        });
        let optional = [
            ("credential", self.credential),
            ("key_id", self.key_id),
            ("prev_hash", self.prev_hash.map(hex::encode)),
            ("entry_hash", self.entry_hash.map(hex::encode)),
        ];
        for (name, value) in optional {
            if let Some(value) = value {
                members[name] = Value::from(value);
            }
        }
        match members {
            Value::Object(members) => members,
            _ => Map::new(),
        }
    }

    pub fn read(self) -> Result<Entry> {
        let seal = self.seal()?;
        Ok(Entry {
            seq: self.seq,
            at: self.at.into(),
            event_type: event_type(&self.event_type)?,
            actor: self.actor,
            roles: self.roles,
            via: self.via,
            credential: self.credential,
            subject_type: self.subject_type,
            subject_id: self.subject_id,
            summary: self.summary,
            detail: self.detail.0,
            seal,
        })
    }
}

/// A hash as it is stored.
pub(super) fn hash(bytes: &[u8]) -> Result<Hash> {
    bytes.try_into().map(Hash).map_err(|_| Error::damaged("a hash of the audit chain"))
}

/// The name of an event in SQL and JSON.
pub(super) fn event_name(event: EventType) -> String {
    match serde_json::to_value(event) {
        Ok(Value::String(name)) => name,
        // A unit variant always serializes to its name.
        _ => String::new(),
    }
}

fn event_type(name: &str) -> Result<EventType> {
    serde_json::from_value(Value::from(name)).map_err(|_| Error::damaged(format!("audit event type `{name}`")))
}
