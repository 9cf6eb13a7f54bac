//! The SQL views and the pure functions compute equal KPIs from the same events.

use std::time::Duration;

use lifecycle::kpi::{self, Event, Summary};
use policy::{
    Timestamp,
    replay::{Outcome, OutcomeStatus},
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use sqlx::{PgConnection, types::Json};
use store::{Store, audit, decisions, kpi as stored, rollout, testing};
use time::OffsetDateTime;

use crate::fixtures::*;

/// A connection on which triggers do not fire, so that entries can be added without a seal.
async fn without_triggers(store: &Store) -> PgConnection {
    let mut db = owner_connection(store).await;
    sqlx::query("set session_replication_role = replica").execute(&mut db).await.unwrap();
    db
}

/// Adds an audit entry as use cases do, but at any time.
async fn note(db: &mut PgConnection, seq: i64, at: Timestamp, event: &str, subject: &str, detail: Value) {
    sqlx::query(
        "insert into policy_lifecycle_audit (seq, at, event_type, actor, roles, via, subject_type, subject_id, summary, detail)
         values ($1, $2, $3, 'system', '{}', 'worker', 'bundle', $4, '', $5::json)",
    )
    .bind(seq)
    .bind(OffsetDateTime::from(at))
    .bind(event)
    .bind(subject)
    .bind(detail.to_string())
    .execute(db)
    .await
    .unwrap();
}

/// The events for the pure functions, from an export of the record.
async fn exported(store: &Store) -> Vec<Event> {
    let mut export = audit::export(store, &admin()).await.unwrap();
    let mut events = Vec::new();
    while let Some(line) = export.line().await.unwrap() {
        let value: Value = serde_json::from_str(&line).unwrap();
        events.extend(Event::from_audit_entry(value.as_object().unwrap()));
    }
    events
}

async fn assert_views_agree(store: &Store, as_of: Timestamp) -> Summary {
    let events = exported(store).await;
    let by_sql = stored::summary(store, &admin(), Some(as_of)).await.unwrap();
    assert_eq!(by_sql, kpi::summary(&events, as_of));
    assert_eq!(stored::detail(store, &admin(), Some(as_of)).await.unwrap(), kpi::detail(&events, as_of));
    by_sql
}

#[tokio::test]
async fn the_views_and_the_pure_functions_agree_on_generated_events() {
    for seed in 0..12_u64 {
        let mut random = StdRng::seed_from_u64(seed);
        let store = testing::store().await;
        let as_of: Timestamp = "2026-03-31T12:00:00Z".parse().unwrap();
        let length = if seed == 0 { 0 } else { 120 };
        let mut db = without_triggers(&store).await;
        for seq in 1..=length {
            // 45 days, of which 15 are too early; every tenth event lies on an edge of the window.
            let at = match random.random_range(0..20) {
                0 => as_of,
                1 => as_of.minus(kpi::WINDOW),
                _ => as_of.minus(Duration::from_micros(random.random_range(0..45 * 86_400_000_000))),
            };
            let candidate = random.random_range(1..12_i64);
            let packet = format!("pktv1:{candidate}");
            let number = |random: &mut StdRng| match random.random_range(0..4) {
                0 => Value::Null,
                1 => json!(f64::from(random.random_range(-900..900)) / 2.0),
                _ => json!(random.random_range(-600..600)),
            };
            let deltas = json!({
                "margin_delta_bps": number(&mut random), "success_delta_bps": number(&mut random),
                "approval_latency_delta_ms": number(&mut random),
            });
            let of_packet = json!({
                "bundle_id": candidate, "version": format!("1.{candidate}.0"), "projected_kpis": deltas,
                "deterministic_pass": random.random_bool(0.8), "blockers": if random.random_bool(0.3) { json!(["margin"]) } else { json!([]) },
                "to_state": if random.random_bool(0.5) { "approved" } else { "in_review" },
            });
            let noticed = at.minus(Duration::from_millis(random.random_range(0..10_000_000)));
            let (event, subject, detail) = match random.random_range(0..10) {
                0 | 1 => ("packet_built", packet, of_packet),
                2 | 3 => ("approved", packet, of_packet),
                4 => ("rejected", packet, of_packet),
                5 => ("changes_requested", packet, of_packet),
                6 => ("applied", candidate.to_string(), json!({"version": format!("1.{candidate}.0")})),
                7 => ("rolled_back", candidate.to_string(), json!({"rollback_triggered_at": noticed})),
                8 => ("manual_failover", candidate.to_string(), json!({"to_state": "rolled_back"})),
                _ => ("monitored", candidate.to_string(), json!({"realized_kpis": deltas})),
            };
            note(&mut db, seq, at, event, &subject, detail).await;
        }
        let summary = assert_views_agree(&store, as_of).await;
        assert_eq!(summary.candidate_throughput_count == 0, seed == 0, "{summary:?}");
        for hours in [1, 24 * 7, 24 * 20] {
            assert_views_agree(&store, as_of.minus(Duration::from_secs(hours * 3600))).await;
        }
    }
}

#[tokio::test]
async fn a_rollout_changes_the_kpis_and_its_outcomes_are_measured() {
    let store = testing::store().await;
    stable(&store, Some("1.0.0"), 90).await;
    let bundle = canary(&store, Some("1.0.1"), 80).await;
    assert_eq!(stored::monitor(&store).await.unwrap(), 0, "there are no outcomes yet");
    serve(&store, bundle.id, 3).await;
    let rows: Vec<(String, i64)> =
        sqlx::query_as("select decision_id, bundle_id from policy_decisions").fetch_all(store.pool()).await.unwrap();
    let service = actor(lifecycle::authority::Role::Service);
    for (id, served) in rows {
        let margin = if served == bundle.id { 150.0 } else { 100.0 };
        let outcome = Outcome {
            status: OutcomeStatus::Ok,
            cost: None,
            margin_bps: Some(margin),
            success: Some(true),
            latency_ms: None,
            note: None,
        };
        decisions::report_outcome(&store, &service, &id, outcome).await.unwrap();
    }
    assert_eq!(stored::monitor(&store).await.unwrap(), 1);
    assert_eq!(stored::monitor(&store).await.unwrap(), 0, "once an hour is enough");
    // Trouble is not older than the bundle's service.
    tamper(
        &store,
        "update policy_bundles set activated_at = activated_at - interval '10 minutes' where activated_at is not null",
    )
    .await;
    let noticed: OffsetDateTime =
        sqlx::query_scalar("select now() - interval '90 seconds'").fetch_one(store.pool()).await.unwrap();
    let back = rollout::RollBack {
        reason: "the margin is not what it seems".into(),
        rolled_back_by: None,
        create_incident: false,
        triggered_at: Some(noticed.into()),
    };
    rollout::roll_back(&store, &owner(), bundle.id, back).await.unwrap();

    let Json(row): Json<Value> =
        sqlx::query_scalar("select row_to_json(s) from clo_kpi_summary_v1 s").fetch_one(store.pool()).await.unwrap();
    assert_eq!(row["applied_candidate_count"], 2, "{row}");
    assert_eq!((&row["rollback_rate_bps"], &row["rollback_spike_alert"]), (&json!(5000), &json!(1)));
    assert_eq!(row["alert_reason_codes"], json!(["rollback_spike", "false_positive_spike"]));
    assert!(row["rollback_mttr_seconds"].as_f64().unwrap() >= 90.0, "{row}");
    assert_eq!(row["avg_realized_margin_delta_bps"], 50, "{row}");
    let detail: Vec<(i64, Option<i64>)> = sqlx::query_as(
        "select candidate_id, realized_margin_delta_bps from clo_kpi_projected_vs_realized_detail_v1 order by 1 desc",
    )
    .fetch_all(store.pool())
    .await
    .unwrap();
    assert_eq!(detail[0], (bundle.id, Some(50)));

    let as_of: OffsetDateTime = sqlx::query_scalar("select now()").fetch_one(store.pool()).await.unwrap();
    assert_views_agree(&store, as_of.into()).await;
    let trend = stored::trend(&store, &admin(), 30).await.unwrap();
    assert_eq!(trend.len(), 30);
    assert_eq!(trend[29].rollback_count, 1);
    assert_eq!(trend[0].rollback_count, 0);
}
