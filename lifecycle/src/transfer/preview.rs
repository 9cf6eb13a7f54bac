//! What an import would do, for a person to look at before anything is saved.

use policy::{
    bundle::{Source, version},
    lint,
};
use serde::{Deserialize, Serialize};

use super::Verification;
use crate::review::{Comparison, compare};

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
    /// What it changes against stable, rule by rule and for every input.
    pub changes: Option<Comparison>,
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
            changes: stable.map(|stable| compare(stable, source)),
        }
    }
}
