//! The one row of figures.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use policy::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Event, FALSE_POSITIVE_BPS, Fact, MARGIN_GAP_BPS, ROLLBACK_SPIKE_BPS, Window, basis_points, detail::margins,
    quotient,
};

/// Why the figures want somebody's attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Alert {
    /// Too many of the applied candidates were rolled back.
    RollbackSpike,
    /// Too many candidates that looked good were applied and then rolled back.
    FalsePositiveSpike,
    /// Projections are far from what comes true.
    MarginGapDrift,
}

/// One row: the columns of the view `clo_kpi_summary_v1`. Rates are in basis points; a rate of nothing is none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// First moment that counts.
    pub window_start: Timestamp,
    /// The moment after the last that counts.
    pub window_end: Timestamp,
    /// Candidates that packets were built of.
    pub candidate_throughput_count: i64,
    /// Actions of reviewers.
    pub review_decision_count: i64,
    /// Of them approvals.
    pub approved_count: i64,
    /// Approvals among actions.
    pub adoption_rate_bps: Option<i64>,
    /// Candidates that entered service.
    pub applied_candidate_count: i64,
    /// Candidates that were taken out as bad.
    pub rolled_back_candidate_count: i64,
    /// The latter against the former.
    pub rollback_rate_bps: Option<i64>,
    /// Candidates that entered service and were taken out as bad afterwards.
    pub false_positive_candidate_count: i64,
    /// Against those that entered service.
    pub false_positive_rate_bps: Option<i64>,
    /// From a packet's making to the first action on it, in seconds, to the millisecond.
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
    /// Candidates whose packet had its quorum, among those that packets were built of.
    pub candidate_acceptance_rate_bps: Option<i64>,
    /// Candidates with a blocked scenario or failed guardrail that never entered service, among all such.
    pub unsafe_candidate_block_rate_bps: Option<i64>,
    /// Packets whose replays agreed, among all built.
    pub replay_determinism_rate_bps: Option<i64>,
    /// Rollbacks.
    pub rollback_count: i64,
    /// From noticing the trouble to the end of the rollback, in seconds, to the millisecond.
    pub rollback_mttr_seconds: Option<f64>,
    /// 1 when the rollback rate is above 1500.
    pub rollback_spike_alert: u8,
    /// 1 when the false-positive rate is above 1000.
    pub false_positive_alert: u8,
    /// 1 when the mean gap is above 200 in either direction.
    pub margin_gap_alert: u8,
    /// The alerts by name, in their order.
    pub alert_reason_codes: Vec<Alert>,
}

/// What is counted while the events pass by.
#[derive(Default)]
struct Count {
    built: BTreeSet<i64>,
    packets: usize,
    deterministic: usize,
    accepted: BTreeSet<i64>,
    decisions: usize,
    approvals: usize,
    /// First time of being applied in the window.
    applied: BTreeMap<i64, i64>,
    rolled_back: BTreeSet<i64>,
    false_positives: BTreeSet<i64>,
    unsafe_: BTreeSet<i64>,
    /// Candidates whose newest packet is unsafe.
    unsafe_now: BTreeSet<i64>,
    /// Applied with an unsafe packet.
    slipped_through: BTreeSet<i64>,
    rollbacks: usize,
    /// Microseconds and how many.
    mttr: (i128, i128),
    latency: (i128, i128),
}

/// The figures of the 30 days before `as_of`. `events` may be of any time and in any order; what happened at `as_of` or
/// later does not count.
pub fn summary(events: &[Event], as_of: Timestamp) -> Summary {
    let window = Window::ending(as_of);
    let mut events: Vec<&Event> = events.iter().filter(|event| event.at < as_of).collect();
    events.sort_by_key(|event| event.seq);
    let count = counted(&events, window);
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

/// Counts events in their order.
fn counted(events: &[&Event], window: Window) -> Count {
    let mut count = Count::default();
    // Packets nobody has acted on, with the time of their making.
    let mut waiting: HashMap<&str, Timestamp> = HashMap::new();
    for event in events {
        let inside = window.contains(event.at);
        let candidate = event.candidate;
        match &event.fact {
            Fact::Built { packet, deterministic, unsafe_, .. } => {
                waiting.insert(packet, event.at);
                if *unsafe_ {
                    count.unsafe_now.insert(candidate);
                } else {
                    count.unsafe_now.remove(&candidate);
                }
                if inside {
                    count.built.insert(candidate);
                    count.packets += 1;
                    count.deterministic += usize::from(*deterministic);
                    if *unsafe_ {
                        count.unsafe_.insert(candidate);
                    }
                }
            }
            Fact::Decided { packet, approved, accepted } => {
                let built_at = waiting.remove(packet.as_str());
                if inside {
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
            Fact::Applied if inside => {
                count.applied.entry(candidate).or_insert(event.seq);
                if count.unsafe_now.contains(&candidate) {
                    count.slipped_through.insert(candidate);
                }
            }
            Fact::RolledBack { triggered_at } if inside => {
                count.rollbacks += 1;
                count.rolled_back.insert(candidate);
                if count.applied.contains_key(&candidate) {
                    count.false_positives.insert(candidate);
                }
                if let Some(triggered_at) = triggered_at {
                    add(&mut count.mttr, event.at, *triggered_at);
                }
            }
            Fact::Applied | Fact::RolledBack { .. } | Fact::Monitored { .. } => {}
        }
    }
    count
}

fn add(total: &mut (i128, i128), later: Timestamp, earlier: Timestamp) {
    total.0 += i128::try_from(later.since(earlier).as_micros()).unwrap_or(0);
    total.1 += 1;
}

/// The mean of microseconds, in seconds to the millisecond.
#[expect(clippy::cast_precision_loss, reason = "milliseconds of a month are far below 2^52")]
fn seconds((micros, count): (i128, i128)) -> Option<f64> {
    quotient(micros, count * 1000).map(|millis| millis as f64 / 1000.0)
}

fn long(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn wide(count: usize) -> i128 {
    i128::try_from(count).unwrap_or(i128::MAX)
}
