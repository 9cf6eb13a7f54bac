//! Each candidate's projected and realised results.

use std::{cmp::Reverse, collections::BTreeMap};

use policy::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Deltas, Event, EventKind, Window};

/// One candidate: the columns of the view `clo_kpi_projected_vs_realized_detail_v1`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// The bundle's id.
    pub candidate_id: i64,
    /// The bundle's version.
    pub version: Option<String>,
    /// When the candidate's last packet was built.
    pub replayed_at: Option<Timestamp>,
    /// When the candidate's results were last measured.
    pub monitored_at: Option<Timestamp>,
    /// Projected change of the margin of a decision, in basis points.
    pub projected_margin_delta_bps: Option<i64>,
    /// Realised change of the margin of a decision, in basis points.
    pub realized_margin_delta_bps: Option<i64>,
    /// Projected change of the share of decisions that reach their goal, in basis points.
    pub projected_success_delta_bps: Option<i64>,
    /// Realised change of that share, in basis points.
    pub realized_success_delta_bps: Option<i64>,
    /// Projected change of the time until decisions are carried out, in seconds.
    pub projected_approval_latency_delta_seconds: Option<f64>,
    /// Realised change of that time, in seconds.
    pub realized_approval_latency_delta_seconds: Option<f64>,
    /// Projected − realised margin, when both are known.
    pub margin_gap_bps: Option<i64>,
}

/// The last projection and the last measurement of one candidate.
#[derive(Default)]
struct Pair<'a> {
    projected: Option<(Timestamp, Deltas)>,
    realized: Option<(Timestamp, Deltas)>,
    version: Option<&'a str>,
}

fn pairs<'a>(events: &[&'a Event], window: Window) -> BTreeMap<i64, Pair<'a>> {
    let mut pairs: BTreeMap<i64, Pair<'a>> = BTreeMap::new();
    for event in events.iter().filter(|event| window.contains(event.at)) {
        let set_version = |pair: &mut Pair<'a>| pair.version = event.version.as_deref().or(pair.version);
        match &event.kind {
            EventKind::Built { projected, .. } => {
                let pair = pairs.entry(event.candidate).or_default();
                set_version(pair);
                pair.projected = Some((event.at, *projected));
            }
            EventKind::Monitored { realized } => {
                let pair = pairs.entry(event.candidate).or_default();
                set_version(pair);
                pair.realized = Some((event.at, *realized));
            }
            _ => {}
        }
    }
    pairs
}

/// Candidates that were replayed or measured in the 30 days before `as_of`: the largest absolute gap first, candidates
/// without a gap last.
pub fn detail(events: &[Event], as_of: Timestamp) -> Vec<Candidate> {
    let mut sorted: Vec<&Event> = events.iter().collect();
    sorted.sort_by_key(|event| event.seq);
    let mut rows: Vec<Candidate> = pairs(&sorted, Window::ending(as_of))
        .into_iter()
        .map(|(candidate_id, pair)| {
            let projected = pair.projected.map(|(_, deltas)| deltas).unwrap_or_default();
            let realized = pair.realized.map(|(_, deltas)| deltas).unwrap_or_default();
            Candidate {
                candidate_id,
                version: pair.version.map(str::to_owned),
                replayed_at: pair.projected.map(|(at, _)| at),
                monitored_at: pair.realized.map(|(at, _)| at),
                projected_margin_delta_bps: projected.margin_bps,
                realized_margin_delta_bps: realized.margin_bps,
                projected_success_delta_bps: projected.success_bps,
                realized_success_delta_bps: realized.success_bps,
                projected_approval_latency_delta_seconds: projected.approval_latency_seconds,
                realized_approval_latency_delta_seconds: realized.approval_latency_seconds,
                margin_gap_bps: projected.margin_bps.zip(realized.margin_bps).map(|(projected, real)| projected - real),
            }
        })
        .collect();
    rows.sort_by_key(|row| (row.margin_gap_bps.is_none(), Reverse(row.margin_gap_bps.map(i64::abs)), row.candidate_id));
    rows
}

/// Projected margins, realised margins, and the gaps of candidates with both.
pub(super) fn margins(events: &[&Event], window: Window) -> (Vec<i64>, Vec<i64>, Vec<i64>) {
    let (mut projected, mut realized, mut gaps) = (Vec::new(), Vec::new(), Vec::new());
    for pair in pairs(events, window).into_values() {
        let projected_bps = pair.projected.and_then(|(_, deltas)| deltas.margin_bps);
        let real = pair.realized.and_then(|(_, deltas)| deltas.margin_bps);
        projected.extend(projected_bps);
        realized.extend(real);
        gaps.extend(projected_bps.zip(real).map(|(projected_bps, real)| projected_bps - real));
    }
    (projected, realized, gaps)
}
