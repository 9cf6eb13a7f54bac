//! A bundle as *written*: the document an author edits. It may still break rules of the language; what is wrong with
//! it is said by findings, so that work in progress can be saved. Only its shape is fixed: a wrong JSON type is
//! refused with the pointer to it ([`Source::read`]).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Effect;

/// The editable content of a bundle. Unknown keys, of the bundle and of every rule, are kept.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Source {
    /// The version as text; none means "propose the next one".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Rules as JSON objects. Keys have the right JSON type; values may still be out of range.
    #[serde(default)]
    pub rules: Vec<Map<String, Value>>,
    /// What happens when no rule matches.
    #[serde(default)]
    pub default_effect: Effect,
    /// What happens on an evaluation error.
    #[serde(default)]
    pub on_error: Effect,
    /// The declared input domain as written, or null.
    #[serde(default)]
    pub schema: Option<Value>,
    /// Free text, at most 512 characters.
    #[serde(default)]
    pub notes: String,
    /// Free object.
    #[serde(default)]
    pub metadata: Map<String, Value>,
    /// The version this draft was made from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_version: Option<String>,
    /// Keys this program does not know, kept as they came.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}
