//! Cases and their results, in the shapes of the API.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use strum::IntoStaticStr;

use crate::{
    bundle::{Budget, Effect},
    engine::{Input, Question, Status},
};

/// One input, optionally with an expectation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// The id, unique in the dataset.
    pub case_id: String,
    /// The agent.
    pub agent: String,
    /// The action.
    pub action: String,
    /// The facts.
    #[serde(default)]
    pub context: Map<String, Value>,
    /// The effect that the author expects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_effect: Option<Effect>,
}

impl Case {
    /// The input of this case.
    pub fn input(&self) -> Input {
        Input { agent: self.agent.clone(), action: self.action.clone(), context: self.context.clone() }
    }
}

impl<'a> From<&'a Case> for Question<'a> {
    fn from(case: &'a Case) -> Self {
        Self { agent: &case.agent, action: &case.action, context: &case.context }
    }
}

/// The source of cases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Dataset {
    /// The built-in and saved cases.
    Fixtures,
    /// Generated from a seed, the schema and the thresholds.
    Synthetic,
    /// The decision log.
    Recorded,
    /// Cases given in the request.
    Custom,
}

impl Dataset {
    /// The dataset's name, as in the API.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// The result of one case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CaseResult {
    /// The case.
    pub case_id: String,
    /// The deciding rule.
    pub matched_rule: Option<String>,
    /// The effect of the answer.
    pub effect: Effect,
    /// How the answer came about.
    pub status: Status,
    /// The reason for the answer.
    pub reason: String,
    /// The matched rule's budget.
    pub budget: Option<Budget>,
    /// The effect that the author expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_effect: Option<Effect>,
    /// Whether the effect is the expected one; `None` without an expectation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passed: Option<bool>,
}

/// Spending limits of a simulation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    /// Maximum cost, in USD; a higher cost is a breach.
    pub cost: f64,
    /// Maximum compute, in units; more is a breach.
    pub compute: f64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { cost: 1000.0, compute: 100.0 }
    }
}

/// A spending limit that was exceeded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Breach {
    /// `cost` (USD) or `compute` (units).
    pub kind: String,
    /// The total over the cases.
    pub value: f64,
    /// The limit.
    pub limit: f64,
}

/// Counts, rates (0–1) and spending of a run. Rates of an empty run are 0.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Summary {
    /// Cases evaluated.
    pub total_cases: usize,
    /// Cases answered `allow`.
    pub allow_count: usize,
    /// Cases answered `deny`.
    pub deny_count: usize,
    /// Cases answered `needs_approval`.
    pub approval_count: usize,
    /// Cases that no rule matched (also counted under the default effect).
    pub no_match_count: usize,
    /// Cases in error (also counted under `on_error`).
    pub error_count: usize,
    /// `allow_count / total_cases`
    pub allow_rate: f64,
    /// `deny_count / total_cases`
    pub deny_rate: f64,
    /// `approval_count / total_cases`
    pub approval_rate: f64,
    /// `no_match_count / total_cases`
    pub no_match_rate: f64,
    /// `error_count / total_cases`
    pub error_rate: f64,
    /// The summed cost budgets of matched `needs_approval` rules, in USD.
    pub estimated_cost: f64,
    /// The summed compute budgets of matched `needs_approval` rules, in units.
    pub estimated_compute: f64,
    /// The exceeded limits.
    pub breaches: Vec<Breach>,
}

/// The result of a simulation, as the API answers it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Simulation {
    /// Counts and rates.
    pub summary: Summary,
    /// One result per case, in the order of the cases.
    pub results: Vec<CaseResult>,
    /// A few instructive results: failed expectations first, then errors, then one per rule.
    pub examples: Vec<CaseResult>,
    /// How many cases each enabled rule decided, by match or by error; 0 for rules that decided none.
    #[serde(default)]
    pub rule_hits: BTreeMap<String, u64>,
    /// Rules that could not be read and were left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped_rules: Vec<String>,
}
