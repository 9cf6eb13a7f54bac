//! Review packets: the immutable, content-addressed evidence an approver looks at, and what reviewers do with a packet.
//!
//! ```text
//! projection → guards, guardrails, blast_radius → red_team
//!                                                   what the replayed decisions say about a draft, and what it removes
//! approval_terms                                    whether calls are approved on weaker terms
//! settings → quorum_rule → content → replay, risk → build
//!                                                   the evidence, and how a packet's content is built from it
//! verify, compare, rebase                           re-running the evidence; a draft against another bundle
//! action, exception → packet → quorum → overriding   reviewers' signed decisions, and what they add up to
//! ```

pub mod action;
mod approval_terms;
pub mod blast_radius;
pub mod build;
pub mod compare;
pub mod content;
#[cfg(test)]
mod evidence_tests;
pub mod exception;
pub mod guardrails;
pub mod guards;
#[cfg(test)]
mod guards_tests;
pub mod overriding;
pub mod packet;
pub mod projection;
pub mod quorum;
pub mod quorum_rule;
pub mod rebase;
pub mod red_team;
#[cfg(test)]
mod red_team_tests;
pub mod replay;
pub mod risk;
pub mod settings;
pub mod verify;

pub use action::{Action, ActionRefused, NotGenuine, Proposal, Verdict};
pub use blast_radius::BlastRadius;
pub use build::{CannotBuild, PacketInputs, build};
pub use compare::{Comparison, compare};
pub use content::{Content, PacketBundle, SemanticDiffSummary, packet_id};
pub use exception::Exception;
pub use guardrails::{Guardrail, GuardrailLimits, GuardrailVerdict};
pub use guards::{GuardKind, RemovedGuard, Retirement};
pub use overriding::overridden;
pub use packet::{Packet, PacketStatus};
pub use projection::ProjectedKpis;
pub use quorum::{MayNotAct, Quorum, ReviewStatus, may_act, review_status};
pub use quorum_rule::QuorumReason;
pub use red_team::{Scenario, ScenarioVerdict};
pub use settings::ReviewSettings;
pub use verify::{Evidence, Verification, verify};
