//! Builds a packet's content: the same draft, base, corpus, plan and settings give the same content, byte for byte.

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{
    Content, Corpus, ReviewSettings,
    packet::{Meaning, SCHEMA_VERSION, Side},
    replaying::{Named, replay},
    risk,
};
use crate::{
    analysis::{Meter, diff::NewAllows, semantic_diff},
    bundle::{Bundle, Source, canonical::canonical, diff::text_diff},
    engine::Question,
    lint,
    problem::{Code, Problem},
    replay::Change,
};

/// Most characters of a fallback plan.
pub const MAX_FALLBACK_PLAN_CHARS: usize = 4000;

/// Most regions of the semantic diff that a packet lists.
pub const MAX_REGIONS: usize = 500;

/// Work the semantic diff of a packet may do; see [`crate::analysis::Meter`]. Fixed, so that it is the same everywhere.
const DIFF_WORK: u64 = 10_000_000;

/// What a packet is built from. Nothing here says who builds it or when.
#[derive(Debug, Clone, Copy)]
pub struct Ingredients<'a> {
    /// The draft; its version must be set.
    pub draft: &'a Source,
    /// What is live now.
    pub base: Option<&'a Source>,
    /// What to replay.
    pub corpus: &'a Corpus,
    /// What to do when it goes wrong.
    pub fallback_plan: &'a str,
    /// Quorum, evidence and spending limits.
    pub settings: &'a ReviewSettings,
}

/// Why a packet cannot be built.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CannotBuild {
    /// The plan is blank or too long.
    #[error("say what to do when it goes wrong, in at most {MAX_FALLBACK_PLAN_CHARS} characters")]
    FallbackPlan,
    /// The draft has no version.
    #[error("the draft has no version number")]
    NoVersion,
    /// The linter found errors.
    #[error("the bundle has {} lint {}: {}", .0.summary.errors, if .0.summary.errors == 1 { "error" } else { "errors" }, first(.0))]
    LintErrors(Box<lint::Report>),
}

fn first(report: &lint::Report) -> &str {
    report.errors.first().map_or("", |finding| finding.message.as_str())
}

impl From<CannotBuild> for Problem {
    fn from(error: CannotBuild) -> Self {
        let detail = error.to_string();
        match error {
            CannotBuild::FallbackPlan => Self::invalid_field("/fallback_plan", detail),
            CannotBuild::NoVersion => Self::invalid_field("/version", detail),
            CannotBuild::LintErrors(report) => Self::new(Code::LintErrors, detail)
                .with("lint_errors", serde_json::to_value(&report.errors).unwrap_or_default()),
        }
    }
}

/// The content of the packet.
///
/// # Errors
/// See [`CannotBuild`].
pub fn build(from: &Ingredients<'_>) -> Result<Content, CannotBuild> {
    let Ingredients { draft, base, corpus, fallback_plan, settings } = *from;
    let fallback_plan = fallback_plan.trim();
    if fallback_plan.is_empty() || fallback_plan.chars().count() > MAX_FALLBACK_PLAN_CHARS {
        return Err(CannotBuild::FallbackPlan);
    }
    let bundle = Side::of(draft).ok_or(CannotBuild::NoVersion)?;
    let base_side = base.map(|base| Side::of(base).ok_or(CannotBuild::NoVersion)).transpose()?;
    let lint = lint::lint(draft);
    if !lint.passed {
        return Err(CannotBuild::LintErrors(Box::new(lint)));
    }
    let meaning = draft.understand().bundle;
    let base_meaning = base.map(|base| base.understand().bundle);
    let base_named = base_meaning
        .as_ref()
        .zip(base_side.as_ref())
        .map(|(bundle, side)| Named { bundle, digest: side.digest.as_str() });
    let draft_named = Named { bundle: &meaning, digest: bundle.digest.as_str() };
    let (mut replay, impact) = replay(corpus, base_named, draft_named, settings);
    let semantic_diff = base_meaning.as_ref().map(|before| mean(before, &meaning, &mut replay.flips));
    let nothing = Source::default();
    let text_diff = text_diff(base.unwrap_or(&nothing), draft);
    let (risk_score_bps, risk_parts) = risk::score(&risk::Facts {
        draft,
        base,
        diff: &text_diff,
        lint: &lint,
        impact,
        insufficient_evidence: replay.insufficient_evidence,
    });
    // Measured on the corpus, or possible for an input that nobody has recorded yet.
    let newly_allowed =
        impact.newly_allowed > 0 || semantic_diff.as_ref().is_some_and(|meaning| meaning.new_allows != NewAllows::None);
    let high = risk_score_bps >= settings.high_risk_bps || newly_allowed;
    let required_approvals = if high { settings.approvals_high_risk } else { settings.approvals };
    Ok(Content {
        schema_version: SCHEMA_VERSION.to_owned(),
        bundle,
        base: base_side,
        text_diff,
        semantic_diff,
        lint,
        replay,
        newly_allowed: impact.newly_allowed,
        newly_refused: impact.newly_refused,
        risk_score_bps,
        risk_parts,
        required_approvals: required_approvals.max(1),
        fallback_plan: fallback_plan.to_owned(),
    })
}

/// The semantic diff, with every flip linked to the region that explains it.
fn mean(before: &Bundle, after: &Bundle, flips: &mut [Change]) -> Meaning {
    let mut diff = semantic_diff(before, after, Meter::new(DIFF_WORK, DIFF_WORK));
    for flip in flips {
        let question = Question { agent: &flip.agent, action: &flip.action, context: &flip.context };
        flip.region = diff.locate(question).filter(|region| *region < MAX_REGIONS);
    }
    let total_regions = diff.regions.len();
    diff.regions.truncate(MAX_REGIONS);
    Meaning { regions: diff.regions, total_regions, complete: diff.complete, new_allows: diff.new_allows }
}

/// `pktv1:` + hex SHA-256 of the canonical JSON of `content`.
pub fn packet_id(content: &Content) -> String {
    let value = serde_json::to_value(content).unwrap_or(Value::Null);
    format!("pktv1:{}", hex::encode(Sha256::digest(canonical(&value))))
}

impl Side {
    /// `source` with its version and digest; none when it has no version.
    pub fn of(source: &Source) -> Option<Self> {
        Some(Self {
            version: source.version.clone()?,
            digest: source.digest().to_string(),
            rules: source.rules.clone(),
            default_effect: source.default_effect,
            on_error: source.on_error,
            schema: source.schema.clone(),
        })
    }

    /// The bundle document again, to evaluate it.
    pub fn source(&self) -> Source {
        Source {
            version: Some(self.version.clone()),
            rules: self.rules.clone(),
            default_effect: self.default_effect,
            on_error: self.on_error,
            schema: self.schema.clone(),
            ..Source::default()
        }
    }
}
