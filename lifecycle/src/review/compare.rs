//! Comparing two bundles, rule by rule and over every input.

use policy::{
    analysis::{Meter, semantic_diff},
    bundle::{
        Source,
        diff::{TextDiff, text_diff},
    },
};
use serde::{Deserialize, Serialize};

use super::SemanticDiffSummary;

/// The differences between two bundles. The JSON form is the contract of `GET /policy/bundles/{id}/diff/{other}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The text diff: rule by rule, field by field.
    #[serde(flatten)]
    pub text: TextDiff,
    /// The semantic diff: over every input.
    pub semantic_diff: SemanticDiffSummary,
}

/// The changes from `before` to `after`.
pub fn compare(before: &Source, after: &Source) -> Comparison {
    let diff = semantic_diff(&before.parse_rules().bundle, &after.parse_rules().bundle, Meter::default());
    Comparison { text: text_diff(before, after), semantic_diff: SemanticDiffSummary::of(diff) }
}
