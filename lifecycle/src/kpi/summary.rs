//! The KPI summary: one row.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use policy::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Event, EventKind, Window,
    arithmetic::{basis_points, quotient},
    detail::margins,
};

/// A rollback rate above this raises `rollback_spike`, in basis points.
pub const ROLLBACK_SPIKE_BPS: i64 = 1500;
/// A false-positive rate above this raises `false_positive_spike`, in basis points.
pub const FALSE_POSITIVE_BPS: i64 = 1000;
/// A mean gap between projected and realised margin above this, in either direction, raises `margin_gap_drift`.
pub const MARGIN_GAP_BPS: i64 = 200;

/// Why the KPIs need attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Alert {
    /// Too many of the applied candidates were rolled back.
    RollbackSpike,
    /// Too many candidates that looked good were applied and then rolled back.
    FalsePositiveSpike,
    /// Projections are far from the measured results.
    MarginGapDrift,
}

/// One row: the columns of the view `clo_kpi_summary_v1`. Rates are in basis points; a rate with nothing to count is
/// `None`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The first moment of the window.
    pub window_start: Timestamp,
    /// The moment after the last one of the window.
    pub window_end: Timestamp,
    /// Candidates with a packet.
    pub candidate_throughput_count: i64,
    /// Actions of reviewers.
    pub review_decision_count: i64,
    /// Approvals among those actions.
    pub approved_count: i64,
    /// Approvals as a share of actions.
    pub adoption_rate_bps: Option<i64>,
    /// Candidates that entered service.
    pub applied_candidate_count: i64,
    /// Candidates that were rolled back.
    pub rolled_back_candidate_count: i64,
    /// Rolled-back candidates as a share of applied candidates.
    pub rollback_rate_bps: Option<i64>,
    /// Candidates that entered service and were rolled back afterwards.
    pub false_positive_candidate_count: i64,
    /// False-positive candidates as a share of applied candidates.
    pub false_positive_rate_bps: Option<i64>,
    /// Mean time from building a packet to the first action on it, in seconds, to the millisecond.
    pub avg_approval_latency_seconds: Option<f64>,
    /// Candidates with a projected margin.
    pub projected_outcome_sample_count: i64,
    /// Candidates with a realised margin.
    pub realized_outcome_sample_count: i64,
    /// Candidates with both.
    pub projected_vs_realized_sample_size: i64,
    /// Mean projected change of margin.
    pub avg_projected_margin_delta_bps: Option<i64>,
    /// Mean realised change of margin.
    pub avg_realized_margin_delta_bps: Option<i64>,
    /// Mean of projected − realised, over candidates with both.
    pub avg_projected_vs_realized_margin_gap_bps: Option<i64>,
    /// Candidates whose packet reached its quorum, as a share of candidates with a packet.
    pub candidate_acceptance_rate_bps: Option<i64>,
    /// Candidates that were never applied with an unsafe packet, as a share of the candidates with an unsafe packet:
    /// one with a blocked scenario or a failed guardrail.
    pub unsafe_candidate_block_rate_bps: Option<i64>,
    /// Packets whose replays agreed, as a share of all packets.
    pub replay_determinism_rate_bps: Option<i64>,
    /// Rollbacks.
    pub rollback_count: i64,
    /// Mean time from noticing the problem to the end of the rollback, in seconds, to the millisecond.
    pub rollback_mttr_seconds: Option<f64>,
    /// 1 when the rollback rate is above 1500.
    pub rollback_spike_alert: u8,
    /// 1 when the false-positive rate is above 1000.
    pub false_positive_alert: u8,
    /// 1 when the mean gap is above 200 in either direction.
    pub margin_gap_alert: u8,
    /// The raised alerts by name, in the order of [`Alert`].
    pub alert_reason_codes: Vec<Alert>,
}

/// The counts over the events of a window.
#[derive(Default)]
struct Counts {
    built: BTreeSet<i64>,
    packets: usize,
    deterministic: usize,
    accepted: BTreeSet<i64>,
    decisions: usize,
    approvals: usize,
    /// The number of the event that first applied the candidate in the window.
    applied: BTreeMap<i64, i64>,
    rolled_back: BTreeSet<i64>,
    false_positives: BTreeSet<i64>,
    unsafe_: BTreeSet<i64>,
    /// Candidates whose newest packet is unsafe.
    unsafe_now: BTreeSet<i64>,
    /// Candidates that were applied with an unsafe packet.
    slipped_through: BTreeSet<i64>,
    rollbacks: usize,
    /// Sum in microseconds, and count.
    mttr: (i128, i128),
    latency: (i128, i128),
}

/// The KPIs of the 30 days before `as_of`. `events` may be from any time and in any order; events at `as_of` or later
/// do not count.
pub fn summary(events: &[Event], as_of: Timestamp) -> Summary {
    let window = Window::ending(as_of);
    let mut events: Vec<&Event> = events.iter().filter(|event| event.at < as_of).collect();
    events.sort_by_key(|event| event.seq);
    let count = count_events(&events, window);
    let (projected, realized, gaps) = margins(&events, window);
    let mean = |values: &[i64]| quotient(values.iter().map(|value| i128::from(*value)).sum(), wide(values.len()));

    let rollback_rate_bps = basis_points(count.rolled_back.len(), count.applied.len());
    let false_positive_rate_bps = basis_points(count.false_positives.len(), count.applied.len());
    let gap = mean(&gaps);
    let alerts = [
        (Alert::RollbackSpike, rollback_rate_bps.is_some_and(|rate| rate > ROLLBACK_SPIKE_BPS)),
        (Alert::FalsePositiveSpike, false_positive_rate_bps.is_some_and(|rate| rate > FALSE_POSITIVE_BPS)),
        (Alert::MarginGapDrift, gap.is_some_and(|gap| gap.abs() > MARGIN_GAP_BPS)),
    ];
    let [rollback_spike_alert, false_positive_alert, margin_gap_alert] = alerts.map(|(_, raised)| u8::from(raised));
    let blocked = count.unsafe_.difference(&count.slipped_through).count();
    Summary {
        window_start: window.start,
        window_end: window.end,
        candidate_throughput_count: long(count.built.len()),
        review_decision_count: long(count.decisions),
        approved_count: long(count.approvals),
        adoption_rate_bps: basis_points(count.approvals, count.decisions),
        applied_candidate_count: long(count.applied.len()),
        rolled_back_candidate_count: long(count.rolled_back.len()),
        rollback_rate_bps,
        false_positive_candidate_count: long(count.false_positives.len()),
        false_positive_rate_bps,
        avg_approval_latency_seconds: seconds(count.latency),
        projected_outcome_sample_count: long(projected.len()),
        realized_outcome_sample_count: long(realized.len()),
        projected_vs_realized_sample_size: long(gaps.len()),
        avg_projected_margin_delta_bps: mean(&projected),
        avg_realized_margin_delta_bps: mean(&realized),
        avg_projected_vs_realized_margin_gap_bps: gap,
        candidate_acceptance_rate_bps: basis_points(
            count.accepted.intersection(&count.built).count(),
            count.built.len(),
        ),
        unsafe_candidate_block_rate_bps: basis_points(blocked, count.unsafe_.len()),
        replay_determinism_rate_bps: basis_points(count.deterministic, count.packets),
        rollback_count: long(count.rollbacks),
        rollback_mttr_seconds: seconds(count.mttr),
        rollback_spike_alert,
        false_positive_alert,
        margin_gap_alert,
        alert_reason_codes: alerts.into_iter().filter(|(_, raised)| *raised).map(|(alert, _)| alert).collect(),
    }
}

/// The KPIs at the end of each of the last `days` days, oldest first; the last day ends at `as_of`.
pub fn trend(events: &[Event], as_of: Timestamp, days: u32) -> Vec<Summary> {
    let day = |back: u32| as_of.minus(Duration::from_secs(u64::from(back) * 86_400));
    (0..days).rev().map(|back| summary(events, day(back))).collect()
}

/// Counts events that are in order.
fn count_events(events: &[&Event], window: Window) -> Counts {
    let mut count = Counts::default();
    // Packets that wait for their first action, with the time when each was built.
    let mut waiting: HashMap<&str, Timestamp> = HashMap::new();
    for event in events {
        let in_window = window.contains(event.at);
        let candidate = event.candidate;
        match &event.kind {
            EventKind::Built { packet, deterministic, unsafe_, .. } => {
                waiting.insert(packet, event.at);
                if *unsafe_ {
                    count.unsafe_now.insert(candidate);
                } else {
                    count.unsafe_now.remove(&candidate);
                }
                if in_window {
                    count.built.insert(candidate);
                    count.packets += 1;
                    count.deterministic += usize::from(*deterministic);
                    if *unsafe_ {
                        count.unsafe_.insert(candidate);
                    }
                }
            }
            EventKind::Decided { packet, approved, accepted } => {
                let built_at = waiting.remove(packet.as_str());
                if in_window {
                    count.decisions += 1;
                    count.approvals += usize::from(*approved);
                    if *accepted {
                        count.accepted.insert(candidate);
                    }
                    if let Some(built_at) = built_at {
                        add(&mut count.latency, event.at, built_at);
                    }
                }
            }
            EventKind::Applied if in_window => {
                count.applied.entry(candidate).or_insert(event.seq);
                if count.unsafe_now.contains(&candidate) {
                    count.slipped_through.insert(candidate);
                }
            }
            EventKind::RolledBack { triggered_at } if in_window => {
                count.rollbacks += 1;
                count.rolled_back.insert(candidate);
                if count.applied.contains_key(&candidate) {
                    count.false_positives.insert(candidate);
                }
                if let Some(triggered_at) = triggered_at {
                    add(&mut count.mttr, event.at, *triggered_at);
                }
            }
            EventKind::Applied | EventKind::RolledBack { .. } | EventKind::Monitored { .. } => {}
        }
    }
    count
}

fn add(total: &mut (i128, i128), later: Timestamp, earlier: Timestamp) {
    total.0 += i128::try_from(later.since(earlier).as_micros()).unwrap_or(0);
    total.1 += 1;
}

/// The mean of microseconds, in seconds to the millisecond.
fn seconds((micros, count): (i128, i128)) -> Option<f64> {
    quotient(micros, count * 1000).map(|millis| millis as f64 / 1000.0)
}

fn long(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn wide(count: usize) -> i128 {
    i128::try_from(count).unwrap_or(i128::MAX)
}
