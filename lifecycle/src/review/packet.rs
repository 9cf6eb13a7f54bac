//! What a packet contains. Its id is the hash of its content, so nothing in [`Content`] may depend on who built it,
//! when, or where.

use policy::{
    Timestamp,
    analysis::diff::{DiffRegion, NewAllows},
    bundle::{Effect, Invariant, diff::TextDiff},
    engine::Input,
    lint,
    replay::{Change, Corpus, Deltas, Summary},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    Action, BlastRadius, Guardrail, GuardrailVerdict, ProjectedKpis, Scenario, ScenarioVerdict, Verification, verify,
};

/// Version of the content's shape.
pub const SCHEMA_VERSION: &str = "countersign.packet.v1";

/// A bundle with all that its digest covers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Side {
    /// Its version.
    pub version: String,
    /// Its content address.
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

/// What replaying recorded decisions showed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReplayReport {
    /// `sha256:` over the canonical JSON of the cases.
    pub corpus_digest: String,
    /// How many cases.
    pub corpus_count: usize,
    /// Where they come from: `recorded`, or `fixtures` when nothing is recorded yet.
    pub corpus_source: String,
    /// Time of the first and last recorded case.
    pub window: Option<(Timestamp, Timestamp)>,
    /// Version of the engine that replayed.
    pub engine_version: String,
    /// How the base answers; none without a base.
    pub base_summary: Option<Summary>,
    /// How the draft answers.
    pub bundle_summary: Summary,
    /// Draft minus base.
    pub deltas: Option<Deltas>,
    /// The cases that flip; the first thousand.
    pub flips: Vec<Change>,
    /// How many flip in all.
    pub total_flips: usize,
    /// `sha256:` over corpus digest, bundle digests, engine version and every result line.
    pub replay_checksum: String,
    /// Whether two replays gave the same checksum. Measured, never assumed.
    pub deterministic_pass: bool,
    /// Whether the corpus is too small to conclude from (under 100 decisions).
    pub insufficient_evidence: bool,
}

/// One part of the risk score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RiskPart {
    /// What it measures, for a person.
    pub name: String,
    /// Basis points it adds.
    pub bps: u32,
}

/// What the draft changes, for every input: the semantic diff against the base.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Meaning {
    /// Disjoint regions of inputs whose outcome differs; the first [`super::build::MAX_REGIONS`].
    pub regions: Vec<DiffRegion>,
    /// How many there are.
    pub total_regions: usize,
    /// Whether every input was covered within the work budget.
    pub complete: bool,
    /// Whether anything becomes allowed that was not: proven for every input.
    pub new_allows: NewAllows,
}

/// What is certain about an invariant of the workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InvariantVerdict {
    /// It holds for every input.
    Holds,
    /// An input breaks it.
    Violated,
    /// The work budget ran out.
    Undecided,
}

/// An invariant of the workspace, as it was when the packet was built, proven on the draft.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InvariantResult {
    /// The invariant.
    pub invariant: Invariant,
    /// In words.
    pub statement: String,
    /// What is certain.
    pub verdict: InvariantVerdict,
    /// An input that breaks it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub witness: Option<Input>,
}

/// Everything the packet id is the hash of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Content {
    /// [`SCHEMA_VERSION`]
    pub schema_version: String,
    /// The draft under review.
    pub bundle: Side,
    /// What is live now; none before the first bundle.
    pub base: Option<Side>,
    /// Rules added, removed and modified, field by field.
    pub text_diff: TextDiff,
    /// What differs in meaning; none without a base.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub semantic_diff: Option<Meaning>,
    /// What the linter says about the draft.
    pub lint: lint::Report,
    /// The invariants of the workspace, proven on the draft.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub invariants: Vec<InvariantResult>,
    /// What replaying showed.
    pub replay: ReplayReport,
    /// Replayed decisions that are allowed now and were not before.
    pub newly_allowed: usize,
    /// Replayed decisions that were allowed before and are not now.
    pub newly_refused: usize,
    /// What the draft would change of margin, success, approvals and violations. Packets built by older versions have
    /// none, and neither guardrails, scenarios nor blast radius.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub projected_kpis: Option<ProjectedKpis>,
    /// The limits the projected values must keep.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub guardrails: Vec<Guardrail>,
    /// The red team's scenarios.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub red_team: Vec<Scenario>,
    /// How far the change reaches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blast_radius: Option<BlastRadius>,
    /// 0–10000 basis points; see [`super::risk`].
    pub risk_score_bps: u32,
    /// What the score is made of.
    pub risk_parts: Vec<RiskPart>,
    /// How many people must approve.
    pub required_approvals: u8,
    /// What to do when it goes wrong.
    pub fallback_plan: String,
}

impl Content {
    /// What forbids to approve it, in sentences; empty when nothing does.
    pub fn blockers(&self) -> Vec<String> {
        let replay = (!self.replay.deterministic_pass)
            .then(|| "Two replays of it differ, so its evidence cannot be relied on.".to_owned());
        let guardrails = self
            .guardrails
            .iter()
            .filter(|guardrail| guardrail.verdict == GuardrailVerdict::Fail)
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

/// A packet with the decisions it was replayed over: all that is needed to run the replay again, anywhere.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// The packet's id.
    pub packet_id: String,
    /// What the id is the hash of.
    pub content: Content,
    /// The decisions.
    pub corpus: Corpus,
}

impl Evidence {
    /// Runs the replay again and compares.
    pub fn verify(&self) -> Verification {
        verify(&self.packet_id, &self.content, &self.corpus)
    }
}

/// Where a packet stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PacketStatus {
    /// Waits for reviewers.
    InReview,
    /// Has its quorum.
    Approved,
    /// Refused.
    Rejected,
    /// Sent back.
    ChangesRequested,
    /// The bundle was edited or withdrawn.
    Void,
}

impl PacketStatus {
    /// The name used in JSON, SQL and the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::InReview => "in_review",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::ChangesRequested => "changes_requested",
            Self::Void => "void",
        }
    }
}

/// A stored packet: its content, and what has happened to it since.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Packet {
    /// `pktv1:` + hex SHA-256 of the canonical JSON of the content.
    pub packet_id: String,
    /// Where it stands.
    pub status: PacketStatus,
    /// The bundle under review.
    pub bundle_id: i64,
    /// The bundle that was live when it was built.
    pub base_id: Option<i64>,
    /// Who built it.
    pub built_by: String,
    /// Everyone who wrote content of the bundle.
    pub authors: Vec<String>,
    /// When it was built.
    pub built_at: Timestamp,
    /// What reviewers did, oldest first.
    pub actions: Vec<Action>,
    /// Whether another bundle has become stable since it was built.
    pub stale: bool,
    /// What of it is not as it was signed or hashed, a sentence each; empty unless somebody changed the database by hand.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub altered: Vec<String>,
    /// The evidence: its members stand beside the ones above.
    #[serde(flatten)]
    pub content: Content,
    /// `replay.replay_checksum`, repeated at the top for those who compare it.
    pub replay_checksum: String,
}

/// A row of the queue or the history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PacketSummary {
    /// See [`Packet::packet_id`].
    pub packet_id: String,
    /// See [`Packet::status`].
    pub status: PacketStatus,
    /// See [`Packet::bundle_id`].
    pub bundle_id: i64,
    /// The bundle's version.
    pub bundle_version: String,
    /// The bundle's notes.
    pub notes: String,
    /// The base's version.
    pub base_version: Option<String>,
    /// See [`Packet::built_by`].
    pub built_by: String,
    /// See [`Packet::authors`].
    pub authors: Vec<String>,
    /// See [`Packet::built_at`].
    pub built_at: Timestamp,
    /// See [`Content::risk_score_bps`].
    pub risk_score_bps: u32,
    /// See [`Content::required_approvals`].
    pub required_approvals: u8,
    /// Who has approved so far.
    pub approved_by: Vec<String>,
    /// See [`Packet::replay_checksum`].
    pub replay_checksum: String,
}
