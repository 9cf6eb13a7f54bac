//! Review packets for the pages.

use leptos::prelude::*;
use lifecycle::{
    audit::Entry,
    authority::Actor,
    bundle::State,
    review::{Evidence, Packet, PacketStatus, Verdict, packet::PacketSummary, rebase::Overwritten},
};
use policy::{Timestamp, bundle::Effect};
use serde::{Deserialize, Serialize};

use crate::error::{AppError, Reply};

/// The review queue of one person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Queue {
    /// Packets that this person can sign and has not signed.
    pub waiting: Vec<PacketSummary>,
    /// Other packets in review.
    pub in_review: Vec<PacketSummary>,
    /// Decided packets, newest first.
    pub history: Vec<PacketSummary>,
    /// The signed-in person.
    pub me: Actor,
    /// The server's time.
    pub as_of: Timestamp,
}

/// A packet with the other data of its page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PacketView {
    /// The packet without the rules of both bundles, and with long lists truncated; the counts below are complete.
    pub packet: Packet,
    /// The bundle's notes.
    pub notes: String,
    /// The state of the bundle.
    pub state: State,
    /// The number of rules of the draft.
    pub rule_count: usize,
    /// The number of rules of the text diff that were truncated.
    pub rules_cut: usize,
    /// The number of recorded flips for each pair of effects, including flips that were truncated.
    pub transitions: Vec<(Effect, Effect, usize)>,
    /// The number of recorded flips in each region of the semantic diff, including flips that were truncated.
    pub region_flips: Vec<usize>,
    /// The audit entries of the packet and its bundle, oldest first.
    pub history: Vec<Entry>,
    /// The reasons why the packet cannot be approved.
    pub blockers: Vec<String>,
    /// The bundle that has become stable since the packet was built, if any.
    pub stale_base: Option<StaleBase>,
    /// The previous packet in the queue of packets in review.
    pub previous: Option<String>,
    /// The next packet in that queue.
    pub next: Option<String>,
    /// Whether a safety pause is in force.
    pub paused: bool,
    /// The signed-in person.
    pub me: Actor,
    /// The server's time.
    pub as_of: Timestamp,
}

/// Another bundle that has become stable since a packet was built.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StaleBase {
    /// The version of that bundle.
    pub version: String,
    /// Changes of that bundle that the packet does not have.
    pub overwritten: Vec<Overwritten>,
}

/// The maximum number of rules of a diff, and of flips, that a page gets. The packet's JSON has all of them.
pub const SHOWN: usize = 200;

/// The review queue: packets that wait for the caller, other packets in review, and decided packets.
#[server(prefix = "/api", endpoint = "packets/queue", output = Reply)]
pub async fn review_queue() -> Result<Queue, AppError> {
    let (store, me) = (crate::context::app_context()?.store, crate::context::actor()?);
    let all =
        store::packets::list(&store, &me, &store::packets::Filter { limit: Some(100), ..Default::default() }).await?;
    let mine = store::packets::Filter { waiting_for: Some(&me), limit: Some(100), ..Default::default() };
    let waiting = store::packets::list(&store, &me, &mine).await?.items;
    let (open, history): (Vec<_>, Vec<_>) = all.items.into_iter().partition(|p| p.status == PacketStatus::InReview);
    let in_review = open.into_iter().filter(|p| waiting.iter().all(|w| w.packet_id != p.packet_id)).collect();
    Ok(Queue { waiting, in_review, history, me, as_of: crate::context::now() })
}

/// One packet with its history.
#[server(prefix = "/api", endpoint = "packets/get", output = Reply)]
pub async fn review_packet(packet_id: String) -> Result<PacketView, AppError> {
    let (store, me) = (crate::context::app_context()?.store, crate::context::actor()?);
    let mut packet = store::packets::get(&store, &me, &packet_id).await?;
    let bundle = store::bundles::get(&store, &me, packet.bundle_id).await?;
    let paused = store::system::get(&store, &me).await?.paused;
    let about = |subject_type: &str, subject_id: String| store::audit::Filter {
        subject_type: Some(subject_type.to_owned()),
        subject_id: Some(subject_id),
        limit: Some(100),
        ..Default::default()
    };
    let mut history = store::audit::list(&store, &me, &about("packet", packet_id)).await?.items;
    history.extend(store::audit::list(&store, &me, &about("bundle", packet.bundle_id.to_string())).await?.items);
    history.sort_by_key(|entry| entry.seq);
    let stale_base = if packet.stale { stale_base(&store, &me, &packet).await? } else { None };
    let (previous, next) = neighbours(&store, &me, &packet.packet_id).await?;
    let blockers = packet.content.blockers(&packet.overridden);
    let rule_count = packet.content.bundle.rules.len();
    let transitions = transitions(&packet);
    let region_flips = region_flips(&packet);
    let rules_cut = trim(&mut packet);
    Ok(PacketView {
        packet,
        notes: bundle.notes,
        state: bundle.state,
        rule_count,
        rules_cut,
        transitions,
        region_flips,
        history,
        blockers,
        stale_base,
        previous,
        next,
        paused,
        me,
        as_of: crate::context::now(),
    })
}

/// A packet with the decisions of its replay, to run the replay again in the browser.
#[server(prefix = "/api", endpoint = "packets/evidence", output = Reply)]
pub async fn packet_evidence(packet_id: String) -> Result<Evidence, AppError> {
    let (store, me) = (crate::context::app_context()?.store, crate::context::actor()?);
    Ok(store::packets::evidence(&store, &me, &packet_id).await?)
}

/// Approves a packet, requests changes or rejects it.
#[server(prefix = "/api", endpoint = "packets/act", output = Reply)]
pub async fn act_on_packet(packet_id: String, decision: Verdict, reason: String) -> Result<PacketStatus, AppError> {
    let (store, me) = (crate::context::app_context()?.store, crate::context::actor()?);
    let reason = Some(reason.trim().to_owned()).filter(|reason| !reason.is_empty());
    Ok(store::packets::act(&store, &me, &packet_id, decision, reason).await?.status)
}

/// The bundle that is stable now, compared with the base of the packet.
#[cfg(feature = "ssr")]
async fn stale_base(store: &store::Store, me: &Actor, packet: &Packet) -> Result<Option<StaleBase>, AppError> {
    let filter = store::bundles::Filter { active_only: true, ..Default::default() };
    let serving = store::bundles::list(store, me, &filter).await?.items;
    let Some(live) = serving.into_iter().find(|bundle| bundle.active && bundle.canary_pct == 100) else {
        return Ok(None);
    };
    let base = packet.content.base.as_ref().map(lifecycle::review::PacketBundle::source);
    let draft = packet.content.bundle.source();
    let live_source = policy::bundle::Source::from(&live);
    let overwritten = lifecycle::review::rebase::overwritten(base.as_ref(), &live_source, &draft);
    Ok(Some(StaleBase { version: live.version, overwritten }))
}

/// The packets before and after this one among those in review.
#[cfg(feature = "ssr")]
async fn neighbours(
    store: &store::Store,
    me: &Actor,
    packet_id: &str,
) -> Result<(Option<String>, Option<String>), AppError> {
    let filter =
        store::packets::Filter { status: Some(PacketStatus::InReview), limit: Some(100), ..Default::default() };
    let open = store::packets::list(store, me, &filter).await?.items;
    let id = |at: Option<usize>| at.and_then(|at| open.get(at)).map(|packet| packet.packet_id.clone());
    Ok(match open.iter().position(|packet| packet.packet_id == packet_id) {
        Some(at) => (id(at.checked_sub(1)), id(at.checked_add(1))),
        None => (None, id(Some(0))),
    })
}

/// Counts the flips for each pair of effects.
#[cfg(feature = "ssr")]
fn transitions(packet: &Packet) -> Vec<(Effect, Effect, usize)> {
    let mut counts = std::collections::BTreeMap::new();
    for flip in &packet.content.replay.flips {
        *counts.entry((flip.before, flip.after)).or_insert(0) += 1;
    }
    counts.into_iter().map(|((before, after), count)| (before, after, count)).collect()
}

/// Counts the flips of each region.
#[cfg(feature = "ssr")]
fn region_flips(packet: &Packet) -> Vec<usize> {
    let regions = packet.content.semantic_diff.as_ref().map_or(0, |meaning| meaning.regions.len());
    let mut counts = vec![0; regions];
    for region in packet.content.replay.flips.iter().filter_map(|flip| flip.region) {
        if let Some(count) = counts.get_mut(region) {
            *count += 1;
        }
    }
    counts
}

/// Truncates the lists that the page does not show in full, and returns how many rules of the diff were truncated.
#[cfg(feature = "ssr")]
fn trim(packet: &mut Packet) -> usize {
    let content = &mut packet.content;
    content.bundle.rules.clear();
    if let Some(base) = &mut content.base {
        base.rules.clear();
    }
    // An approver must first see what becomes allowed.
    content.replay.flips.sort_by_key(|flip| std::cmp::Reverse((flip.after > flip.before, flip.after)));
    content.replay.flips.truncate(SHOWN);
    if let Some(meaning) = &mut content.semantic_diff {
        meaning.regions.truncate(SHOWN);
    }
    let diff = &mut content.text_diff;
    let before = diff.rules_modified.len() + diff.rules_added.len() + diff.rules_removed.len();
    diff.rules_modified.truncate(SHOWN);
    diff.rules_added.truncate(SHOWN - diff.rules_modified.len());
    diff.rules_removed.truncate(SHOWN - diff.rules_modified.len() - diff.rules_added.len());
    before - diff.rules_modified.len() - diff.rules_added.len() - diff.rules_removed.len()
}
