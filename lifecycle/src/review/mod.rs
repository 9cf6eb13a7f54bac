//! Review packets: the immutable, content-addressed evidence an approver looks at, and what reviewers do with it.

pub mod action;
pub mod blast;
pub mod build;
pub mod compare;
#[cfg(test)]
mod evidence_tests;
pub mod guardrails;
pub mod packet;
pub mod projection;
pub mod quorum;
pub mod rebase;
pub mod red_team;
#[cfg(test)]
mod red_team_tests;
pub mod replaying;
pub mod risk;
pub mod verify;

pub use action::{Action, ActionRefused, NotGenuine, Proposal, Verdict};
pub use blast::BlastRadius;
pub use build::{CannotBuild, Ingredients, build, packet_id};
pub use compare::{Comparison, compare};
pub use guardrails::{Guardrail, GuardrailLimits, GuardrailVerdict};
pub use packet::{Content, Evidence, Packet, PacketStatus};
pub use projection::ProjectedKpis;
pub use quorum::{MayNotAct, ReviewSettings, ReviewStatus, may_act, standing};
pub use red_team::{Scenario, ScenarioVerdict};
pub use verify::{Verification, verify};
