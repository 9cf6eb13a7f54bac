//! Two bundles compared: rule by rule, and in meaning.

use policy::{
    analysis::{Meter, semantic_diff},
    bundle::{
        Source,
        diff::{TextDiff, text_diff},
    },
};
use serde::{Deserialize, Serialize};

use super::{build::MAX_REGIONS, packet::Meaning};

/// What differs between two bundles. Its JSON form is the contract of `GET /policy/bundles/{id}/diff/{other}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Rule by rule, field by field.
    #[serde(flatten)]
    pub text: TextDiff,
    /// For every input.
    pub semantic_diff: Meaning,
}

/// What `after` changes against `before`.
pub fn compare(before: &Source, after: &Source) -> Comparison {
    let mut diff = semantic_diff(&before.parse_rules().bundle, &after.parse_rules().bundle, Meter::default());
    let total_regions = diff.regions.len();
    diff.regions.truncate(MAX_REGIONS);
    let meaning =
        Meaning { regions: diff.regions, total_regions, complete: diff.complete, new_allows: diff.new_allows };
    Comparison { text: text_diff(before, after), semantic_diff: meaning }
}
