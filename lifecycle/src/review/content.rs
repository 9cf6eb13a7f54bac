//! The content of a packet. The packet's id is the hash of its content, so nothing in [`Content`] may depend on who
//! built the packet, when, or where.

use policy::{
    Timestamp,
    analysis::{
        SemanticDiff,
        diff::{DiffRegion, NewAllows},
    },
    bundle::{Effect, Format, Invariant, Source, canonical::canonical, diff::TextDiff},
    engine::Input,
    lint,
    replay::{Change, Deltas, Summary},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::{
    BlastRadius, Guardrail, GuardrailVerdict, ProjectedKpis, QuorumReason, Retirement, Scenario, ScenarioVerdict,
    guardrails::GuardrailName,
};

/// Version of the content's shape.
pub const SCHEMA_VERSION: &str = "countersign.packet.v1";

/// Maximum number of semantic-diff regions that a packet lists.
pub const MAX_REGIONS: usize = 500;

/// A bundle with everything that its digest covers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PacketBundle {
    /// The version.
    pub version: String,
    /// The format; `None` for 1.0, also where that is written out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<Format>,
    /// The content address.
    pub digest: String,
    /// Rules as written.
    pub rules: Vec<Map<String, Value>>,
    /// What happens when no rule matches.
    pub default_effect: Effect,
    /// What happens on an evaluation error.
    pub on_error: Effect,
    /// The declared domain.
    pub schema: Option<Value>,
}

impl PacketBundle {
    /// `source` with its digest; `None` when `source` has no version.
    pub fn of(source: &Source) -> Option<Self> {
        Some(Self {
            version: source.version.clone()?,
            format: source.format.filter(|format| *format > Format::V1_0),
            digest: source.digest().to_string(),
            rules: source.rules.clone(),
            default_effect: source.default_effect,
            on_error: source.on_error,
            schema: source.schema.clone(),
        })
    }

    /// The bundle document, to evaluate the bundle.
    pub fn source(&self) -> Source {
        Source {
            version: Some(self.version.clone()),
            format: self.format,
            rules: self.rules.clone(),
            default_effect: self.default_effect,
            on_error: self.on_error,
            schema: self.schema.clone(),
            ..Source::default()
        }
    }
}

/// The report of replaying recorded decisions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReplayReport {
    /// `sha256:` over the canonical JSON of the cases.
    pub corpus_digest: String,
    /// The number of cases.
    pub corpus_count: usize,
    /// The source of the cases: `recorded`, or `fixtures` when nothing is recorded yet.
    pub corpus_source: String,
    /// Time of the first and last recorded case.
    pub window: Option<(Timestamp, Timestamp)>,
    /// Version of the engine that replayed.
    pub engine_version: String,
    /// The answers of the base; `None` without a base.
    pub base_summary: Option<Summary>,
    /// The answers of the draft.
    pub bundle_summary: Summary,
    /// Draft minus base.
    pub deltas: Option<Deltas>,
    /// The cases that are answered differently; the first thousand.
    pub flips: Vec<Change>,
    /// The number of cases that are answered differently.
    pub total_flips: usize,
    /// `sha256:` over corpus digest, bundle digests, engine version and every result line.
    pub replay_checksum: String,
    /// Whether two replays gave the same checksum. Measured, never assumed.
    pub deterministic_pass: bool,
    /// Whether the corpus is not enough to draw conclusions from.
    pub insufficient_evidence: bool,
    /// Why it is not enough. Packets built by older versions lack it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence_gap: Option<EvidenceGap>,
}

impl ReplayReport {
    /// Approvals per day that base and draft ask for, if the replayed decisions span at least an hour.
    pub fn approvals_per_day(&self) -> Option<(Option<f64>, f64)> {
        const LEAST_SECONDS: f64 = 3600.0;
        let (from, to) = self.window?;
        let seconds = to.since(from).as_secs_f64();
        let a_day = |summary: &Summary| summary.approval_count as f64 / seconds * 86_400.0;
        (seconds >= LEAST_SECONDS).then(|| (self.base_summary.as_ref().map(a_day), a_day(&self.bundle_summary)))
    }
}

/// Why a corpus is not enough to draw conclusions from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceGap {
    /// The cases were not recorded: they are test cases.
    NotRecorded,
    /// Too few decisions were recorded.
    TooFew,
    /// The builder chose other decisions than those that the settings name.
    OtherCorpus,
}

impl EvidenceGap {
    /// The gap in words, for a corpus of `count` cases.
    pub fn words(self, count: usize) -> String {
        match self {
            Self::NotRecorded => format!("{count} test cases were replayed, no recorded decisions"),
            Self::TooFew => format!("only {count} recorded decisions were replayed"),
            Self::OtherCorpus => {
                format!("its builder chose the {count} decisions that were replayed, not the settings")
            }
        }
    }
}

/// One part of the risk score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RiskPart {
    /// The measure, in words.
    pub name: String,
    /// Basis points the part adds.
    pub bps: u32,
}

/// The semantic diff of the draft against the base, over every input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SemanticDiffSummary {
    /// Disjoint regions of inputs whose outcome differs; the first [`MAX_REGIONS`].
    pub regions: Vec<DiffRegion>,
    /// The number of regions.
    pub total_regions: usize,
    /// Whether every input was covered within the work budget.
    pub complete: bool,
    /// Whether anything becomes newly allowed: proven for every input.
    pub new_allows: NewAllows,
}

impl SemanticDiffSummary {
    /// `diff` with its first [`MAX_REGIONS`] regions.
    pub fn of(mut diff: SemanticDiff) -> Self {
        let total_regions = diff.regions.len();
        diff.regions.truncate(MAX_REGIONS);
        Self { regions: diff.regions, total_regions, complete: diff.complete, new_allows: diff.new_allows }
    }
}

/// The result of proving an invariant of the workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InvariantVerdict {
    /// The invariant holds for every input.
    Holds,
    /// An input breaks the invariant.
    Violated,
    /// The work budget ran out.
    Undecided,
}

/// An invariant of the workspace, as it was when the packet was built, proven on the draft.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InvariantResult {
    /// The invariant.
    pub invariant: Invariant,
    /// The invariant in words.
    pub statement: String,
    /// The result of the proof.
    pub verdict: InvariantVerdict,
    /// An input that breaks the invariant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub witness: Option<Input>,
}

/// Everything that the packet id covers: the id is the hash of this content.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Content {
    /// [`SCHEMA_VERSION`]
    pub schema_version: String,
    /// The draft under review.
    pub bundle: PacketBundle,
    /// The bundle that is live now; `None` before the first bundle.
    pub base: Option<PacketBundle>,
    /// Rules added, removed and modified, field by field.
    pub text_diff: TextDiff,
    /// The semantic diff; `None` without a base.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub semantic_diff: Option<SemanticDiffSummary>,
    /// The linter's report on the draft.
    pub lint: lint::Report,
    /// The invariants of the workspace, proven on the draft.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub invariants: Vec<InvariantResult>,
    /// The report of the replay.
    pub replay: ReplayReport,
    /// Replayed decisions that are allowed now and were not before.
    pub newly_allowed: usize,
    /// Replayed decisions that were allowed before and are not now.
    pub newly_refused: usize,
    /// How the draft would change margin, success, approvals and violations. Packets built by older versions lack this
    /// member, the guardrails, the scenarios and the blast radius.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub projected_kpis: Option<ProjectedKpis>,
    /// The guardrails: limits on the projected KPIs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub guardrails: Vec<Guardrail>,
    /// The red team's scenarios.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub red_team: Vec<Scenario>,
    /// The agents, actions, decisions and subjects that the change affects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blast_radius: Option<BlastRadius>,
    /// 0–10000 basis points; see [`super::risk`].
    pub risk_score_bps: u32,
    /// The parts of the score.
    pub risk_parts: Vec<RiskPart>,
    /// How many people must approve.
    pub required_approvals: u8,
    /// Why two people must approve, one of them a safety owner. Packets built by older versions do not say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quorum_reasons: Vec<QuorumReason>,
    /// The guards that the packet removes on purpose, by kind and id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retires: Vec<Retirement>,
    /// What to do when the new version causes trouble.
    pub fallback_plan: String,
}

impl Content {
    /// The reasons why the packet cannot be approved, in sentences; empty when there are none. The guardrails in
    /// `overridden` have an exception that is signed.
    pub fn blockers(&self, overridden: &[GuardrailName]) -> Vec<String> {
        let replay = (!self.replay.deterministic_pass)
            .then(|| "Two replays of it differ, so its evidence cannot be relied on.".to_owned());
        let guardrails = self
            .guardrails
            .iter()
            .filter(|guardrail| guardrail.verdict == GuardrailVerdict::Fail && !overridden.contains(&guardrail.name))
            .map(|guardrail| format!("Guardrail failed: {}.", guardrail.words()));
        let scenarios = self
            .red_team
            .iter()
            .filter(|scenario| scenario.verdict == ScenarioVerdict::Blocked)
            .map(|scenario| format!("Red team, {}: {}", scenario.name.words(), scenario.detail));
        let invariants = self
            .invariants
            .iter()
            .filter(|result| result.verdict == InvariantVerdict::Violated)
            .map(|result| format!("The invariant `{}` is violated: {}.", result.invariant.id, result.statement));
        replay.into_iter().chain(scenarios).chain(guardrails).chain(invariants).collect()
    }
}

/// `pktv1:` + hex SHA-256 of the canonical JSON of `content`.
pub fn packet_id(content: &Content) -> String {
    let value = serde_json::to_value(content).unwrap_or(Value::Null);
    format!("pktv1:{}", hex::encode(Sha256::digest(canonical(&value))))
}
