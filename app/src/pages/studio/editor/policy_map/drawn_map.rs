//! A drawn map: the answers over two fields, with what was chosen for them.

use policy::analysis::map::PolicyMap;
use serde_json::{Map, Value};

/// A map with the choices it was drawn for.
#[derive(Debug, PartialEq)]
pub struct DrawnMap {
    /// The answers.
    pub map: PolicyMap,
    /// The agent of every input in the map.
    pub agent: String,
    /// The action of every input in the map.
    pub action: String,
    /// The field from left to right.
    pub x: String,
    /// The field from bottom to top.
    pub y: String,
    /// All other fields of every input in the map.
    pub fixed: Map<String, Value>,
}
