//! What is said about a document by itself: findings, text diff, version.

use lifecycle::{
    analysis::Analyzer,
    bundle::{
        Invariant, Source,
        diff::{TextDiff, text_diff},
        version::{self, Proposal},
    },
    lint::{self, Report},
};
use serde::{Deserialize, Serialize};

/// What the linter, the text diff and the version rules say about a document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Checked {
    /// The findings.
    pub report: Report,
    /// What changes against stable.
    pub diff: Option<TextDiff>,
    /// The next version and why.
    pub proposal: Proposal,
    /// Why the version in the document is refused.
    pub version_refused: Option<String>,
}

impl Checked {
    /// Looks at `source`. `base` is the stable bundle with its version. The input space is analysed when `known` is
    /// given, and what it has proven is not proven again.
    pub fn of(
        source: &Source,
        base: Option<(&str, &Source)>,
        taken: &[String],
        invariants: &[Invariant],
        known: Option<&mut Analyzer>,
    ) -> Self {
        let version_refused = source
            .version
            .as_deref()
            .and_then(|chosen| version::check(chosen, base, source, taken).err())
            .map(|refused| refused.to_string());
        Self {
            report: match known {
                Some(known) => lint::lint_again(source, invariants, known),
                None => lint::quick(source),
            },
            diff: base.map(|(_, stable)| text_diff(stable, source)),
            proposal: version::propose(base, source, taken),
            version_refused,
        }
    }
}
