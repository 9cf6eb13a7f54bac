//! What is decided upon.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One question to a bundle.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Input {
    /// Who wants to act, a dotted lowercase name.
    pub agent: String,
    /// What it wants to do.
    pub action: String,
    /// The facts; nested objects are read by dotted path.
    #[serde(default)]
    pub context: Map<String, Value>,
}
