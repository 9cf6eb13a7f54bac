//! What an import would do, for a person to look at before anything is saved.

use serde::{Deserialize, Serialize};

use super::Verification;
use crate::{
    analysis::{Meter, semantic_diff},
    bundle::{
        Source,
        diff::{TextDiff, text_diff},
        version,
    },
    lint,
    review::{build::MAX_REGIONS, packet::Meaning},
};

/// What an import would do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Preview {
    /// The verdict on the file.
    pub verification: Verification,
    /// What the draft would be; none when the file is refused.
    pub draft: Option<PreviewedDraft>,
}

/// The draft that an import would make.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PreviewedDraft {
    /// The version it would have.
    pub version: String,
    /// Whether another bundle has that version, so that the import would be refused.
    pub version_taken: bool,
    /// The next free version.
    pub next_version: String,
    /// Its content address.
    pub digest: String,
    /// How many rules it has.
    pub rule_count: usize,
    /// Who made the bundle, as the file says.
    pub created_by: Option<String>,
    /// Its notes.
    pub notes: String,
    /// What the linter says about it.
    pub lint: lint::Report,
    /// The version at 100 %, which it is compared with.
    pub stable_version: Option<String>,
    /// What differs from stable, rule by rule.
    pub text_diff: Option<TextDiff>,
    /// What it changes against stable, for every input.
    pub semantic_diff: Option<Meaning>,
}

impl PreviewedDraft {
    /// The draft that `source` would be beside `stable`, its version counted from `base`, where the versions `taken`
    /// are given out.
    pub fn of(
        source: &Source,
        created_by: Option<String>,
        lint: lint::Report,
        base: Option<(&str, &Source)>,
        stable: Option<&Source>,
        taken: &[String],
    ) -> Self {
        let next_version = version::propose(base, source, taken).version;
        let version = source.version.clone().unwrap_or_else(|| next_version.clone());
        Self {
            version_taken: taken.contains(&version),
            version,
            next_version,
            digest: source.digest().to_string(),
            rule_count: source.rules.len(),
            created_by,
            notes: source.notes.clone(),
            lint,
            stable_version: stable.and_then(|stable| stable.version.clone()),
            text_diff: stable.map(|stable| text_diff(stable, source)),
            semantic_diff: stable.map(|stable| meaning(stable, source)),
        }
    }
}

/// What `draft` changes against `stable`.
fn meaning(stable: &Source, draft: &Source) -> Meaning {
    let mut diff = semantic_diff(&stable.understand().bundle, &draft.understand().bundle, Meter::default());
    let total_regions = diff.regions.len();
    diff.regions.truncate(MAX_REGIONS);
    Meaning { regions: diff.regions, total_regions, complete: diff.complete, new_allows: diff.new_allows }
}
