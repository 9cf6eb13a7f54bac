//! The rollback drill: the real code, in a sandbox that leaves nothing behind.

use std::time::Duration;

use crate::fixtures::*;
use lifecycle::{
    audit::EventType,
    overview::{OverdueDrill, TaskKind},
    problem::Code,
    signing,
    system::System,
};
use store::{Store, audit, bundles, drills, home, rollout, system, testing};

/// Everything a drill could leave behind, as text.
async fn everything(store: &Store) -> String {
    let mut found = String::new();
    for table in [
        "policy_bundles",
        "policy_packets",
        "policy_packet_actions",
        "system_state",
        "policy_apply_record",
        "policy_rollback_record",
        "incidents",
        "incident_numbers",
        "incident_timeline",
    ] {
        let sql = sqlx::AssertSqlSafe(format!(
            "select coalesce(string_agg(t::text, E'\\n' order by t::text), '') from {table} t"
        ));
        let rows: String = sqlx::query_scalar(sql).fetch_one(store.pool()).await.unwrap();
        found.push_str(&rows);
    }
    found
}

async fn live(store: &Store) -> System {
    system::get(store, &author()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drill_rehearses_a_waiting_packet_and_leaves_no_trace() {
    let store = testing::store().await;
    let first = stable(&store, None, 90).await;
    let (bundle, packet) = approved(&store, None, 80).await;
    let mut listener = system::watch(&store).await.unwrap();
    let (before, system_before) = (everything(&store).await, live(&store).await);

    let report = drills::run(&store, &owner()).await.unwrap();
    assert!(report.safety_passed, "{:?}", report.failures);
    assert_eq!((report.candidate_id, &report.packet_id), (bundle.id, &packet.packet_id));
    assert_eq!(report.final_policy_version.as_ref(), Some(&bundle.version));
    for duration in [report.apply_duration_ms, report.rollback_duration_ms, report.reapply_duration_ms] {
        assert!(duration.is_some_and(|ms| ms > 0.0), "{report:?}");
    }
    assert_eq!(report.first_apply_served_digest.as_ref(), Some(&bundle.digest));
    assert_eq!(report.rollback_served_digest.as_ref(), Some(&first.digest));
    assert_eq!(report.reapply_verification_checksum, report.first_apply_verification_checksum);
    assert_ne!(report.rollback_verification_checksum, report.first_apply_verification_checksum);
    assert_eq!(report.live_digest_before, report.live_digest_after);
    assert_eq!(signing::verify(&store.keys(), &report), Ok(()));

    assert_eq!(everything(&store).await, before);
    assert_eq!(live(&store).await, system_before);
    let silence = tokio::time::timeout(Duration::from_millis(300), listener.recv()).await;
    assert!(silence.is_err(), "a notification left the sandbox: {silence:?}");

    let listed = drills::list(&store, &author(), &drills::Filter::default()).await.unwrap().items;
    assert_eq!(listed.len(), 1);
    assert!(listed[0].record == report && listed[0].verifies());
    let deleted = sqlx::query("delete from policy_drills").execute(store.pool()).await;
    assert!(deleted.unwrap_err().to_string().contains("append-only"));
    assert_eq!(drills::get(&store, &author(), report.id).await.unwrap().record, report);
    let filter = audit::Filter { event_type: Some(EventType::DrillRun), ..Default::default() };
    assert_eq!(audit::list(&store, &admin(), &filter).await.unwrap().items.len(), 1);
    let overview = home::overview(&store, &owner()).await.unwrap();
    assert!(overview.last_drill.is_some_and(|last| last.passed && last.id == report.id));
}

#[tokio::test]
async fn without_a_waiting_packet_the_last_applied_one_is_rehearsed() {
    let store = testing::store().await;
    let nothing = drills::run(&store, &owner()).await.unwrap_err();
    assert_eq!(code(nothing), Code::NoCandidate);
    // The first bundle has nothing to go back to.
    let first = stable(&store, None, 90).await;
    assert_eq!(code(drills::run(&store, &owner()).await.unwrap_err()), Code::NoCandidate);
    let second = stable(&store, None, 80).await;
    let report = drills::run(&store, &owner()).await.unwrap();
    assert!(report.safety_passed, "{:?}", report.failures);
    assert_eq!((report.candidate_id, report.base_version.as_str()), (second.id, first.version.as_str()));

    let third = canary(&store, None, 70).await;
    let report = drills::run(&store, &owner()).await.unwrap();
    assert!(report.safety_passed, "{:?}", report.failures);
    assert_eq!(report.candidate_id, third.id);
    let back = rollback("Emergency", false);
    rollout::roll_back(&store, &owner(), third.id, back).await.unwrap();
    let report = drills::run(&store, &owner()).await.unwrap();
    assert!(report.safety_passed, "{:?}", report.failures);
    assert_eq!(live(&store).await.stable.unwrap().id, second.id);

    // A packet that waits comes before the applied one; a pause does not prevent a drill.
    let (waiting, _) = approved(&store, None, 60).await;
    let order = system::Engage { reason: "stop".into(), ticket: None, trigger_metrics: Vec::new() };
    system::pause(&store, &safety(), order).await.unwrap();
    let report = drills::run(&store, &owner()).await.unwrap();
    assert!(report.safety_passed, "{:?}", report.failures);
    assert_eq!(report.candidate_id, waiting.id);
    assert!(live(&store).await.paused);
}

#[tokio::test]
async fn a_drill_does_not_wait_for_locks_on_what_is_live() {
    let store = testing::store().await;
    stable(&store, None, 90).await;
    let (bundle, _) = approved(&store, None, 80).await;
    // Another transaction is changing everything a rollout changes.
    let mut other = store.pool().begin().await.unwrap();
    sqlx::raw_sql(
        "select pg_advisory_xact_lock(7165074649429406209); select * from policy_bundles for update;
         select * from system_state for update",
    )
    .execute(&mut *other)
    .await
    .unwrap();
    let report = tokio::time::timeout(Duration::from_secs(20), drills::run(&store, &owner())).await.unwrap().unwrap();
    assert!(report.safety_passed, "{:?}", report.failures);
    other.rollback().await.unwrap();
    assert_eq!(bundles::get(&store, &author(), bundle.id).await.unwrap().state, bundle.state);
}

#[tokio::test]
async fn a_drill_with_a_forged_approval_fails_and_says_why() {
    let store = testing::store().await;
    stable(&store, None, 90).await;
    approved(&store, None, 80).await;
    tamper(
        &store,
        "update policy_packet_actions set expires_at = expires_at + interval '1 hour'
         where id = (select max(id) from policy_packet_actions)",
    )
    .await;
    let report = drills::run(&store, &owner()).await.unwrap();
    assert!(!report.safety_passed && report.apply_duration_ms.is_none(), "{report:?}");
    assert!(report.failures[0].contains("signature"), "{:?}", report.failures);
    assert_eq!(signing::verify(&store.keys(), &report), Ok(()));
    let tasks = home::overview(&store, &owner()).await.unwrap().tasks;
    assert!(tasks.iter().any(|task| task.kind == TaskKind::RunDrill(OverdueDrill::Failed)), "{tasks:?}");
}

#[tokio::test]
async fn the_home_page_shows_when_a_drill_is_overdue() {
    let store = testing::store().await;
    let overdue = |store: Store| async move {
        let tasks = home::overview(&store, &owner()).await.unwrap().tasks;
        tasks.iter().any(|task| matches!(task.kind, TaskKind::RunDrill(_)))
    };
    stable(&store, None, 90).await;
    assert!(!overdue(store.clone()).await, "there is nothing to drill with");
    stable(&store, None, 80).await;
    assert!(overdue(store.clone()).await);
    drills::run(&store, &owner()).await.unwrap();
    assert!(!overdue(store.clone()).await);
    let tasks = home::overview(&store, &safety()).await.unwrap().tasks;
    assert!(!tasks.iter().any(|task| matches!(task.kind, TaskKind::RunDrill(_))), "{tasks:?}");
}
