//! Guarantees of the database itself, however it is written to.

use crate::fixtures::*;
use lifecycle::{
    audit::EventType,
    authority::Role,
    bundle::State,
    decision::BundleRef,
    problem::{Code, Problem},
};
use policy::engine::Arm;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};
use store::{Store, audit, bundles, decisions, rollout, system, testing};

async fn refused_by(store: &Store, sql: &str) -> String {
    let mut db = PgConnection::connect_with(&testing::as_owner(&store.pool().connect_options())).await.unwrap();
    let error = sqlx::query(AssertSqlSafe(sql.to_owned())).execute(&mut db).await.unwrap_err();
    error.as_database_error().map(|error| error.message().to_owned()).unwrap_or_else(|| error.to_string())
}

#[tokio::test]
async fn there_is_one_stable_bundle_and_one_canary() {
    let store = testing::store().await;
    stable(&store, None, 90).await;
    let draft = bundles::create(&store, &author(), source(None, 80)).await.unwrap();
    let second = bundles::create(&store, &author(), source(None, 70)).await.unwrap();
    let to_full = format!("update policy_bundles set active = true, canary_pct = 100 where id = {}", draft.id);
    assert!(refused_by(&store, &to_full).await.contains("policy_bundles_one_stable"));
    let to_canary = |id| format!("update policy_bundles set active = true, canary_pct = 10 where id = {id}");
    sqlx::query(AssertSqlSafe(to_canary(draft.id))).execute(store.pool()).await.unwrap();
    assert!(refused_by(&store, &to_canary(second.id)).await.contains("policy_bundles_one_canary"));
    let half = format!("update policy_bundles set active = true where id = {}", second.id);
    assert!(refused_by(&store, &half).await.contains("policy_bundles_share"));
}

#[tokio::test]
async fn nothing_is_deleted_and_the_audit_is_append_only() {
    let store = testing::store().await;
    let bundle = stable(&store, None, 90).await;
    let outcome = serde_json::from_value(serde_json::json!({"status": "error"})).unwrap();
    let id: String =
        sqlx::query_scalar("select decision_id from policy_decisions limit 1").fetch_one(store.pool()).await.unwrap();
    decisions::report_outcome(&store, &actor(Role::Service), &id, outcome).await.unwrap();
    let opened = serde_json::from_value(serde_json::json!({"title": "mail was lost", "severity": "high"})).unwrap();
    store::incidents::create(&store, &safety(), opened).await.unwrap();
    for sql in [
        "update policy_lifecycle_audit set summary = 'nothing happened'",
        "delete from policy_lifecycle_audit",
        "truncate policy_lifecycle_audit",
        "update policy_apply_record set actor = 'nobody'",
        "delete from policy_apply_record",
        "update policy_packet_actions set actor = 'nobody'",
        "delete from policy_packets",
        "delete from policy_bundles",
        "update policy_decisions set effect = 'allow'",
        "delete from policy_decisions",
        "update policy_decision_outcomes set status = 'ok'",
        "delete from policy_decision_outcomes",
        "update incidents set severity = 'low'",
        "update incidents set created_at = now()",
        "delete from incidents",
        "update incident_timeline set text = 'nothing happened'",
        "delete from incident_timeline",
        "delete from system_state",
        "truncate policy_bundles cascade",
        "truncate policy_packet_actions",
        "truncate policy_apply_record",
        "truncate policy_decisions cascade",
        "truncate incidents cascade",
        "truncate policy_drills",
        "truncate system_state",
        "truncate policy_live_changes",
        "truncate policy_sql_changes",
        "truncate policy_audit_head",
        "truncate signing_keys",
        "truncate people cascade",
    ] {
        assert!(refused_by(&store, sql).await.contains("append-only"), "{sql}");
    }
    let edit = format!("update policy_bundles set digest = 'sha256:00' where id = {}", bundle.id);
    assert!(refused_by(&store, &edit).await.contains("immutable"), "{edit}");
}

#[tokio::test]
async fn the_runbooks_manual_failover_works_as_printed() {
    let store = testing::store().await;
    let good = stable(&store, Some("2.0.0"), 90).await;
    let bad = stable(&store, Some("2.0.1"), 80).await;
    let newer = canary(&store, Some("2.0.2"), 70).await;
    let mut listener = system::watch(&store).await.unwrap();
    let mark = system::live_mark(&store).await.unwrap();

    sqlx::raw_sql(
        "BEGIN;

         -- Deactivate all bundles
         UPDATE policy_bundles SET active = false, canary_pct = 0;

         -- Reactivate last known good version (replace ID)
         UPDATE policy_bundles
         SET active = true, canary_pct = 100
         WHERE version = '2.0.0';

         COMMIT;",
    )
    .execute(store.pool())
    .await
    .unwrap();

    let notice = tokio::time::timeout(std::time::Duration::from_secs(1), listener.recv()).await.unwrap().unwrap();
    assert_eq!(notice.channel(), system::CHANNEL);
    assert_ne!(system::live_mark(&store).await.unwrap(), mark);
    let live = system::live(&store).await.unwrap();
    assert_eq!((live.stable.unwrap().id, live.canary), (good.id, None));
    let state = |id| {
        let store = store.clone();
        async move { bundles::get(&store, &author(), id).await.unwrap().state }
    };
    assert_eq!(state(good.id).await, State::Active);
    assert_eq!(state(bad.id).await, State::RolledBack);
    assert_eq!(state(newer.id).await, State::RolledBack);

    let filter = audit::Filter { event_type: Some(EventType::ManualFailover), ..Default::default() };
    let entries = audit::list(&store, &admin(), &filter).await.unwrap().items;
    assert_eq!(entries.len(), 3, "{entries:?}");
    assert!(entries.iter().all(|entry| entry.actor == "sql:countersign" && entry.via == "sql"), "{entries:?}");
    gap_free(&store).await;

    // A bundle that was taken out by hand does not come back by itself.
    let back = rollback("the old one is broken too", false);
    let error = rollout::roll_back(&store, &owner(), good.id, back).await.unwrap_err();
    assert_eq!(code(error), Code::NoPreviousVersion);
}

async fn gap_free(store: &Store) {
    let row = sqlx::query(
        "select count(*) as n, coalesce(min(seq), 1) as low, coalesce(max(seq), 0) as high from policy_lifecycle_audit",
    )
    .fetch_one(store.pool())
    .await
    .unwrap();
    let (count, low, high): (i64, i64, i64) = (row.get("n"), row.get("low"), row.get("high"));
    assert_eq!((low, high), (1, count));
}

#[tokio::test(flavor = "multi_thread")]
async fn audit_numbers_have_no_gaps_while_many_write_and_some_fail() {
    let store = testing::store().await;
    let mut tasks = Vec::new();
    for i in 0..40_i64 {
        let store = store.clone();
        // Every fourth asks for the same version: all but one of those transactions are rolled back.
        let version = if i % 4 == 0 { "9.9.9".to_owned() } else { format!("1.{i}.0") };
        tasks.push(tokio::spawn(async move {
            bundles::create(&store, &author(), source(Some(&version), 50 + i)).await.is_ok()
        }));
    }
    let mut created = 0;
    for task in tasks {
        created += i64::from(task.await.unwrap());
    }
    assert_eq!(created, 31);
    gap_free(&store).await;
    let count: i64 =
        sqlx::query_scalar("select count(*) from policy_lifecycle_audit").fetch_one(store.pool()).await.unwrap();
    assert_eq!(count, created);
}

/// Where tables are distributed over several servers, the constraint that is violated has the name of a part.
#[tokio::test]
async fn what_exists_already_is_known_by_the_state_and_not_by_the_name_of_a_constraint() {
    let store = testing::store().await;
    let owner = testing::as_owner(&store.pool().connect_options());
    let mut db = PgConnection::connect_with(&owner).await.unwrap();
    sqlx::raw_sql(
        "do $$ declare found record; begin
            for found in select c.relname from pg_index join pg_class c on c.oid = indexrelid
                where indisunique and c.relnamespace = 'public'::regnamespace and not c.relispartition loop
                execute format('alter index %I rename to %I', found.relname, left(found.relname, 50) || '_102008');
            end loop;
        end $$",
    )
    .execute(&mut db)
    .await
    .unwrap();
    let host = host();
    let add = || store::people::add(&store, &host, "twice@example.com", "T", [Role::Viewer].into(), "a long password");
    add().await.unwrap();
    let refused = Problem::from(add().await.unwrap_err());
    assert_eq!((refused.code, &refused.detail[..]), (Code::Conflict, "a person with this email exists already"));
    bundles::create(&store, &author(), source(Some("1.0.0"), 80)).await.unwrap();
    let other = bundles::create(&store, &author(), source(Some("1.0.1"), 80)).await.unwrap();
    let taken =
        bundles::update(&store, &author(), other.id, other.revision, source(Some("1.0.0"), 80)).await.unwrap_err();
    assert_eq!(code(taken), Code::VersionExists);
    let asked = decision(
        now(&store).await,
        Arm::Stable,
        BundleRef { id: 7, version: "1.0.0".into(), digest: "sha256:00".into() },
        None,
    );
    let twice = [asked.clone(), asked.clone()];
    assert_eq!(decisions::append(&store, &twice[..1]).await.unwrap().len(), 0);
    assert_eq!(decisions::append(&store, &twice).await.unwrap().len(), 2, "both are repetitions, and no failure");
}
