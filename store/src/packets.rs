//! Review packets: building them, and acting on them.

use lifecycle::{
    Page, Timestamp,
    authority::Actor,
    replay::Dataset,
    review::{Packet, PacketStatus, Verdict, packet::PacketSummary},
};
use serde::{Deserialize, Serialize};

use crate::{Error, Result, Store};

/// Which decisions a packet replays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CorpusRequest {
    /// `recorded` or `fixtures`.
    pub source: Dataset,
    /// From this time, inclusive.
    #[serde(default)]
    pub since: Option<Timestamp>,
    /// Until this time, exclusive.
    #[serde(default)]
    pub until: Option<Timestamp>,
    /// Most decisions, newest first.
    #[serde(default)]
    pub limit: Option<u32>,
}

/// What to build a packet from: the body of `POST /policy/packets`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BuildPacket {
    /// The draft.
    pub bundle_id: i64,
    /// What to do when it goes wrong.
    #[serde(default)]
    pub fallback_plan: String,
    /// What to replay; the newest recorded decisions when absent, or fixtures when nothing is recorded.
    #[serde(default)]
    pub corpus: Option<CorpusRequest>,
}

/// Which packets to list.
#[derive(Debug, Clone, Default)]
pub struct Filter<'a> {
    /// With this status.
    pub status: Option<PacketStatus>,
    /// Waiting for this actor: in review, not theirs, not yet acted on by them.
    pub waiting_for: Option<&'a Actor>,
    /// Most rows to answer.
    pub limit: Option<u32>,
    /// Where to go on.
    pub cursor: Option<String>,
}

/// Builds a packet from a draft and puts the draft into review.
pub async fn build(_store: &Store, _actor: &Actor, _request: BuildPacket) -> Result<Packet> {
    Err(Error::Internal("packets::build".into()))
}

/// Packets, newest first.
pub async fn list(_store: &Store, _actor: &Actor, _filter: &Filter<'_>) -> Result<Page<PacketSummary>> {
    Err(Error::Internal("packets::list".into()))
}

/// One packet.
pub async fn get(_store: &Store, _actor: &Actor, _packet_id: &str) -> Result<Packet> {
    Err(Error::Internal("packets::get".into()))
}

/// Approves, rejects or asks for changes. The same action twice is one action.
pub async fn act(
    _store: &Store,
    _actor: &Actor,
    _packet_id: &str,
    _verdict: Verdict,
    _reason: Option<String>,
) -> Result<Packet> {
    Err(Error::Internal("packets::act".into()))
}
