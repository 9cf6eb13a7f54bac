//! The declared input domain of a bundle: which actions an agent has and which typed fields come with them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Scalar;

/// The type of a declared field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldType {
    /// A number without a fractional part.
    Integer,
    /// Any finite number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// Text.
    String,
}

/// One declared field.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// Its type.
    pub kind: FieldType,
    /// Smallest allowed number, inclusive.
    pub min: Option<f64>,
    /// Largest allowed number, inclusive.
    pub max: Option<f64>,
    /// The only allowed values, if listed.
    pub allowed: Option<Vec<Scalar>>,
    /// Whether it must be present.
    pub required: bool,
}

/// What is declared for one agent.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AgentSchema {
    /// Its actions.
    pub actions: Vec<String>,
    /// Its fields by dotted path.
    pub fields: BTreeMap<String, Field>,
}

/// A valid schema. Written as `{"enforce": bool, "agents": {"inbox.triage": {"actions": […], "fields": {…}}}}`.
#[derive(Debug, Clone, PartialEq)]
pub struct Schema {
    /// Whether evaluation refuses inputs outside it; default true.
    pub enforce: bool,
    /// What is declared, by agent name.
    pub agents: BTreeMap<String, AgentSchema>,
}
