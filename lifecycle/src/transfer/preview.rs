//! The preview of an import, shown to a person before anything is saved.

use policy::{
    bundle::{Source, version},
    lint,
};
use serde::{Deserialize, Serialize};

use super::Verification;
use crate::review::{Comparison, compare};

/// The result that an import would have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Preview {
    /// The verdict on the file.
    pub verification: Verification,
    /// The draft that would be created; `None` when the file is refused.
    pub draft: Option<PreviewedDraft>,
}

/// The draft that an import would create.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PreviewedDraft {
    /// The version the draft would have.
    pub version: String,
    /// Whether another bundle has that version, in which case the import would be refused.
    pub version_taken: bool,
    /// The next free version.
    pub next_version: String,
    /// The content address.
    pub digest: String,
    /// The number of rules.
    pub rule_count: usize,
    /// The creator of the bundle, according to the file.
    pub created_by: Option<String>,
    /// The draft's notes.
    pub notes: String,
    /// The linter's report.
    pub lint: lint::Report,
    /// The version at 100 %, which the draft is compared with.
    pub stable_version: Option<String>,
    /// The draft's changes compared with stable, rule by rule and over every input.
    pub changes: Option<Comparison>,
}

impl PreviewedDraft {
    /// The draft that `source` would become. The next version is proposed from `base` and avoids the versions in
    /// `taken`; the changes are compared with `stable`.
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
