use std::time::Duration;

use policy::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{arithmetic::quotient, *};

fn now() -> Timestamp {
    "2026-03-31T12:00:00Z".parse().unwrap()
}

fn hours(hours: u64) -> Timestamp {
    now().minus(Duration::from_secs(hours * 3600))
}

/// An event, read from an audit entry as it is exported.
fn entry(seq: i64, at: Timestamp, event: &str, subject: &str, detail: &Value) -> Event {
    let value = json!({"seq": seq, "at": at, "event_type": event, "subject_id": subject, "detail": detail});
    Event::from_audit_entry(value.as_object().unwrap()).unwrap()
}

fn built(seq: i64, at: Timestamp, id: i64, margin: Option<f64>) -> Event {
    let detail = json!({
        "bundle_id": id, "version": format!("1.{id}.0"), "deterministic_pass": true,
        "projected_kpis": {"margin_delta_bps": margin, "success_delta_bps": 12.5, "approval_latency_delta_ms": -1500},
    });
    entry(seq, at, "packet_built", &format!("pktv1:{id}"), &detail)
}

fn decided(seq: i64, at: Timestamp, id: i64, event: &str, to_state: &str) -> Event {
    entry(seq, at, event, &format!("pktv1:{id}"), &json!({"bundle_id": id, "to_state": to_state}))
}

fn applied(seq: i64, at: Timestamp, id: i64) -> Event {
    entry(seq, at, "applied", &id.to_string(), &json!({}))
}

fn rolled_back(seq: i64, at: Timestamp, id: i64, triggered: Option<Timestamp>) -> Event {
    entry(seq, at, "rolled_back", &id.to_string(), &json!({"rollback_triggered_at": triggered}))
}

fn monitored(seq: i64, at: Timestamp, id: i64, margin: f64) -> Event {
    entry(seq, at, "monitored", &id.to_string(), &json!({"realized_kpis": {"margin_delta_bps": margin}}))
}

#[test]
fn lifecycle_kpis_are_deterministic_rates_latencies_and_alerts() {
    let events = vec![
        built(1, hours(100), 1, Some(300.0)),
        decided(2, hours(98), 1, "approved", "in_review"),
        decided(3, hours(97), 1, "approved", "approved"),
        applied(4, hours(90), 1),
        built(5, hours(80), 2, Some(-50.5)),
        decided(6, hours(79), 2, "rejected", "rejected"),
        monitored(7, hours(60), 1, 100.0),
        monitored(8, hours(50), 1, 20.0),
        rolled_back(9, hours(40), 1, Some(hours(41))),
        built(10, hours(30), 3, None),
    ];
    let summary = summary(&events, now());
    assert_eq!((summary.window_start, summary.window_end), (hours(720), now()));
    assert_eq!(summary.candidate_throughput_count, 3);
    assert_eq!((summary.review_decision_count, summary.approved_count), (3, 2));
    assert_eq!(summary.adoption_rate_bps, Some(6667), "rounded half away from zero");
    assert_eq!(summary.candidate_acceptance_rate_bps, Some(3333));
    assert_eq!((summary.applied_candidate_count, summary.rolled_back_candidate_count), (1, 1));
    assert_eq!((summary.rollback_rate_bps, summary.false_positive_rate_bps), (Some(10_000), Some(10_000)));
    assert_eq!(summary.avg_approval_latency_seconds, Some(5400.0), "2 h and 1 h; the second approval does not count");
    assert_eq!((summary.rollback_count, summary.rollback_mttr_seconds), (1, Some(3600.0)));
    assert_eq!((summary.projected_outcome_sample_count, summary.realized_outcome_sample_count), (2, 1));
    assert_eq!(summary.avg_projected_margin_delta_bps, Some(125), "(300 − 51) / 2 = 124.5");
    assert_eq!(summary.avg_realized_margin_delta_bps, Some(20), "the last measurement");
    assert_eq!(summary.avg_projected_vs_realized_margin_gap_bps, Some(280));
    assert_eq!(summary.replay_determinism_rate_bps, Some(10_000));
    assert_eq!(summary.unsafe_candidate_block_rate_bps, None, "there was none");
    assert_eq!(summary.alert_reason_codes, [Alert::RollbackSpike, Alert::FalsePositiveSpike, Alert::MarginGapDrift]);
    let codes = serde_json::to_value(&summary.alert_reason_codes).unwrap();
    assert_eq!(codes, json!(["rollback_spike", "false_positive_spike", "margin_gap_drift"]));

    let rows = detail(&events, now());
    assert_eq!(rows.iter().map(|row| row.candidate_id).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(rows[0].margin_gap_bps, Some(280));
    assert_eq!((rows[0].replayed_at, rows[0].monitored_at), (Some(hours(100)), Some(hours(50))));
    assert_eq!(rows[0].projected_approval_latency_delta_seconds, Some(-1.5));
    assert_eq!((rows[1].projected_margin_delta_bps, rows[1].projected_success_delta_bps), (Some(-51), Some(13)));
}

#[test]
fn without_events_there_is_no_rate_and_no_alert() {
    let nothing = summary(&[], now());
    assert_eq!(nothing.adoption_rate_bps, None);
    assert_eq!(nothing.rollback_mttr_seconds, None);
    assert_eq!(nothing.avg_projected_vs_realized_margin_gap_bps, None);
    assert!(nothing.alert_reason_codes.is_empty());
    let rollback = summary(&[rolled_back(1, hours(1), 1, None)], now());
    assert_eq!((rollback.rollback_rate_bps, rollback.rollback_spike_alert), (None, 0), "nothing was applied");
}

#[test]
fn the_window_includes_its_first_moment_and_excludes_its_last() {
    let count = |at| summary(&[applied(1, at, 1)], now()).applied_candidate_count;
    assert_eq!(count(hours(720)), 1);
    assert_eq!(count(hours(720).minus(Duration::from_micros(1))), 0);
    assert_eq!(count(now()), 0);
    assert_eq!(count(now().minus(Duration::from_micros(1))), 1);
}

#[test]
fn thresholds_are_strict() {
    // 3 of 20 applied candidates were rolled back, exactly 1500 basis points; 1 of 10 is exactly 1000.
    let with = |applies: i64, rollbacks: i64| {
        let mut events: Vec<Event> = (1..=applies).map(|id| applied(id, hours(9), id)).collect();
        events.extend((1..=rollbacks).map(|id| rolled_back(100 + id, hours(8), id, None)));
        summary(&events, now())
    };
    assert_eq!((with(20, 3).rollback_rate_bps, with(20, 3).rollback_spike_alert), (Some(1500), 0));
    assert_eq!(with(19, 3).rollback_spike_alert, 1);
    assert_eq!((with(10, 1).false_positive_rate_bps, with(10, 1).false_positive_alert), (Some(1000), 0));
    assert_eq!(with(9, 1).false_positive_alert, 1);
    let gap =
        |gap: f64| summary(&[built(1, hours(9), 1, Some(gap)), monitored(2, hours(8), 1, 0.0)], now()).margin_gap_alert;
    assert_eq!([200.0, 201.0, -200.0, -201.0].map(gap), [0, 1, 0, 1]);
}

#[test]
fn a_rollback_before_the_apply_is_no_false_positive_of_it() {
    let events = [rolled_back(1, hours(9), 1, None), applied(2, hours(8), 1)];
    assert_eq!(summary(&events, now()).false_positive_candidate_count, 0);
}

#[test]
fn an_unsafe_candidate_is_blocked_until_it_serves() {
    let bad = |seq, id: i64| {
        let detail = json!({"bundle_id": id, "blockers": ["a guardrail failed"]});
        entry(seq, hours(9), "packet_built", &format!("pktv1:{id}"), &detail)
    };
    let events = [bad(1, 1), bad(2, 2), applied(3, hours(8), 2)];
    assert_eq!(summary(&events, now()).unsafe_candidate_block_rate_bps, Some(5000));
}

#[test]
fn quotients_round_half_away_from_zero() {
    assert_eq!(
        [(1, 2), (-1, 2), (3, 2), (-3, 2), (1, 3), (2, 3)].map(|(a, b)| quotient(a, b).unwrap()),
        [1, -1, 2, -2, 0, 1]
    );
    assert_eq!(quotient(5, 0), None);
}

proptest! {
    #[test]
    fn the_order_of_the_events_does_not_matter(order in Just((0..6_usize).collect::<Vec<_>>()).prop_shuffle()) {
        let events = [
            built(1, hours(9), 1, Some(10.0)), decided(2, hours(8), 1, "approved", "approved"), applied(3, hours(7), 1),
            monitored(4, hours(6), 1, 5.0), rolled_back(5, hours(5), 1, Some(hours(6))), built(6, hours(4), 2, None),
        ];
        let shuffled: Vec<Event> = order.iter().map(|place| events[*place].clone()).collect();
        prop_assert_eq!(summary(&shuffled, now()), summary(&events, now()));
        prop_assert_eq!(detail(&shuffled, now()), detail(&events, now()));
    }

    #[test]
    fn quotients_are_the_nearest(sum in -1_000_000_i128..1_000_000, count in 1_i128..1000) {
        let found = i128::from(quotient(sum, count).unwrap());
        prop_assert!((2 * (found * count - sum)).abs() <= count);
    }
}
