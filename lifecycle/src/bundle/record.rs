//! A bundle as it is stored and as the API answers it.

use policy::{
    Timestamp,
    bundle::{Effect, Format, Source},
    json::Literals,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Provenance, State};

/// A stored bundle. Its JSON form is the contract of `GET /policy/bundles/{id}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The id, assigned by the database. The id is a number so that the output of `jq '.bundles[0].id'` can be pasted
    /// into a path.
    pub id: i64,
    /// `SemVer`.
    pub version: String,
    /// The format as written; without it, the bundle is of format 1.0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<Format>,
    /// The state in the bundle's life.
    pub state: State,
    /// Whether the bundle serves traffic now.
    pub active: bool,
    /// The bundle's share of traffic in percent: 100 for stable, 10 or 50 for a canary, else 0.
    pub canary_pct: i16,
    /// `sha256:` + hex of the canonical content; see [`policy::bundle::Digest`].
    pub digest: String,
    /// Rules as written.
    pub rules: Vec<Map<String, Value>>,
    /// What happens when no rule matches.
    pub default_effect: Effect,
    /// What happens on an evaluation error.
    pub on_error: Effect,
    /// The declared domain as written, or null.
    pub schema: Option<Value>,
    /// Free text.
    pub notes: String,
    /// Free object.
    pub metadata: Map<String, Value>,
    /// The version the bundle was derived from.
    pub base_version: Option<String>,
    /// The creator of the bundle.
    pub created_by: String,
    /// When the bundle was created.
    pub created_at: Timestamp,
    /// When the content or the state last changed.
    pub updated_at: Timestamp,
    /// When the bundle last entered service.
    pub activated_at: Option<Timestamp>,
    /// The person who put the bundle into service.
    pub activated_by: Option<String>,
    /// Counts edits and state changes; the etag of `If-Match`.
    pub revision: i64,
    /// The origin of an imported bundle; `None` for a bundle created here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provenance: Option<Provenance>,
    /// Unknown keys, stored unchanged.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

/// A row of a list of bundles: everything but the content.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// See [`Record::id`].
    pub id: i64,
    /// See [`Record::version`].
    pub version: String,
    /// See [`Record::state`].
    pub state: State,
    /// See [`Record::active`].
    pub active: bool,
    /// See [`Record::canary_pct`].
    pub canary_pct: i16,
    /// See [`Record::digest`].
    pub digest: String,
    /// The number of rules.
    pub rule_count: u32,
    /// See [`Record::notes`].
    pub notes: String,
    /// See [`Record::base_version`].
    pub base_version: Option<String>,
    /// See [`Record::created_by`].
    pub created_by: String,
    /// See [`Record::created_at`].
    pub created_at: Timestamp,
    /// See [`Record::updated_at`].
    pub updated_at: Timestamp,
    /// See [`Record::activated_at`].
    pub activated_at: Option<Timestamp>,
}

impl From<&Record> for Source {
    fn from(record: &Record) -> Self {
        Self {
            version: Some(record.version.clone()),
            format: record.format,
            rules: record.rules.clone(),
            default_effect: record.default_effect,
            on_error: record.on_error,
            schema: record.schema.clone(),
            notes: record.notes.clone(),
            metadata: record.metadata.clone(),
            base_version: record.base_version.clone(),
            unknown: record.unknown.clone(),
            literals: Literals::default(),
        }
    }
}

impl From<Record> for Source {
    fn from(record: Record) -> Self {
        Self {
            version: Some(record.version),
            format: record.format,
            rules: record.rules,
            default_effect: record.default_effect,
            on_error: record.on_error,
            schema: record.schema,
            notes: record.notes,
            metadata: record.metadata,
            base_version: record.base_version,
            unknown: record.unknown,
            literals: Literals::default(),
        }
    }
}
