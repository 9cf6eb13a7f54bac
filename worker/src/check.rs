//! Checking a draft: lint findings, text diff, version.

use policy::{
    analysis::Analyzer,
    bundle::{
        Bundle, Invariant, Source,
        diff::{TextDiff, text_diff},
        version::{Numbering, Proposal},
    },
    lint::{self, Linted, Report},
};
use serde::{Deserialize, Serialize};

/// The results of the linter, the text diff and the version rules for a document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckReport {
    /// The findings.
    pub report: Report,
    /// The draft's changes compared with stable.
    pub diff: Option<TextDiff>,
    /// The next version, with the reason.
    pub proposal: Proposal,
    /// Why the version in the document is refused.
    pub version_refused: Option<String>,
}

impl CheckReport {
    /// Checks `source`. `base` is the stable bundle with its version. The input space is analysed only when an
    /// `analyzer` is given; the analyzer does not repeat its earlier proofs.
    pub fn of(
        source: &Source,
        base: Option<(&str, &Source)>,
        taken: &[String],
        invariants: &[Invariant],
        analyzer: Option<&mut Analyzer>,
    ) -> Self {
        Self::with_bundle(source, base, taken, invariants, analyzer).0
    }

    /// The report, the parsed bundle, and the ids of the rules that could not be parsed.
    pub fn with_bundle(
        source: &Source,
        base: Option<(&str, &Source)>,
        taken: &[String],
        invariants: &[Invariant],
        analyzer: Option<&mut Analyzer>,
    ) -> (Self, Bundle, Vec<String>) {
        let Linted { report, bundle, skipped } = lint::lint_parsed(source, invariants, analyzer);
        let diff = base.map(|(_, stable)| text_diff(stable, source));
        let numbering = Numbering::new(base, source, taken).with_difference(diff.as_ref());
        let refused = source.version.as_deref().and_then(|chosen| numbering.check(chosen).err());
        let (proposal, version_refused) = (numbering.propose(), refused.map(|refused| refused.to_string()));
        (Self { report, diff, proposal, version_refused }, bundle, skipped)
    }
}
