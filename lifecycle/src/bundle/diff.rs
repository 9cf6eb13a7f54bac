//! The text diff of two bundles: which rules were added, removed and modified, field by field.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One field of a rule that differs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FieldChange {
    /// The key, e.g. `priority` or `conditions.>=risk_score`.
    pub field: String,
    /// Its old value; null when it was absent.
    pub before: Value,
    /// Its new value; null when it is gone.
    pub after: Value,
}

/// A rule present in both bundles that differs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModifiedRule {
    /// The rule.
    pub id: String,
    /// As it was.
    pub before: Map<String, Value>,
    /// As it is.
    pub after: Map<String, Value>,
    /// Field by field.
    pub fields: Vec<FieldChange>,
}

/// What differs between two bundles.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TextDiff {
    /// Rules only the newer has, by id.
    pub rules_added: Vec<Map<String, Value>>,
    /// Rules only the older has, by id.
    pub rules_removed: Vec<Map<String, Value>>,
    /// Rules both have and that differ, by id.
    pub rules_modified: Vec<ModifiedRule>,
    /// Changes of `default_effect`, `on_error` and `schema`.
    pub settings_changed: Vec<FieldChange>,
    /// In a sentence: `1 rule added, 2 modified`.
    pub summary: String,
}
