//! A packet as it is stored and listed: its content, and its history since it was built.

use policy::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Action, Content, exception::Exception, guardrails::GuardrailName};

/// The status of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum PacketStatus {
    /// The packet waits for reviewers.
    InReview,
    /// The packet has its quorum.
    Approved,
    /// A reviewer rejected the packet.
    Rejected,
    /// A reviewer asked for changes.
    ChangesRequested,
    /// The bundle was edited or withdrawn after the packet was built.
    Void,
}

impl PacketStatus {
    /// The name used in JSON, SQL and the API.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// A stored packet: its content, and its history since it was built.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Packet {
    /// `pktv1:` + hex SHA-256 of the canonical JSON of the content.
    pub packet_id: String,
    /// The status.
    pub status: PacketStatus,
    /// The bundle under review.
    pub bundle_id: i64,
    /// The bundle that was live when the packet was built.
    pub base_id: Option<i64>,
    /// The person who built the packet.
    pub built_by: String,
    /// Every person who edited the bundle.
    pub authors: Vec<String>,
    /// When the packet was built.
    pub built_at: Timestamp,
    /// The actions of reviewers, oldest first.
    pub actions: Vec<Action>,
    /// The people whose approvals count now: they have not expired, and their signers still hold the role they signed
    /// with.
    pub approved_by: Vec<String>,
    /// The approvals that a packet in review or approved still needs now, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// The people who approved and no longer hold a role that they signed with, so that their approval does not count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lapsed: Vec<String>,
    /// Why nobody is left who could give them, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nobody_can_complete: Option<String>,
    /// The signatures on exceptions to failed guardrails, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exceptions: Vec<Exception>,
    /// The failed guardrails that are overridden: their exception has both signatures.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overridden: Vec<GuardrailName>,
    /// Whether another bundle has become stable since the packet was built.
    pub stale: bool,
    /// Differences from the signed or hashed originals, in sentences; empty unless the database was changed by hand.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub altered: Vec<String>,
    /// The evidence; in JSON its members are on the same level as those above.
    #[serde(flatten)]
    pub content: Content,
    /// `replay.replay_checksum`, repeated at the top level to be compared easily.
    pub replay_checksum: String,
}

/// A row of the review queue or the history.
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
    /// The people who have approved so far.
    pub approved_by: Vec<String>,
    /// See [`Packet::replay_checksum`].
    pub replay_checksum: String,
}
