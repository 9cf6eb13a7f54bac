//! The tables of the decision log: partitions, ids, what may be done to them, and how the former tables become these.

use lifecycle::{authority::Role, decision::BundleRef};
use policy::{engine::Arm, replay::Outcome};
use sqlx::{AssertSqlSafe, Connection, PgConnection, migrate::Migrator};
use store::{Store, decisions, testing};

use crate::{counts::assert_counts_agree, fixtures::*};

static MIGRATIONS: Migrator = sqlx::migrate!("../migrations");

/// The version of the last migration with one table for all decisions.
const ONE_TABLE: i64 = 50;

#[tokio::test]
async fn an_id_is_recognised_for_two_days_and_then_new() {
    let store = testing::store().await;
    let bundle = BundleRef { id: 1, version: "1.0.0".into(), digest: "sha256:00".into() };
    let first = decision(now(&store).await, Arm::Stable, bundle, None);
    let mut log = decisions::Appender::new(store.clone());
    log.append(std::slice::from_ref(&first)).await.unwrap();
    let age = "update policy_decision_ids set written_at = written_at - interval '47 hours';
               update policy_decision_ids set recorded_at = recorded_at - interval '50 hours';
               update policy_decision_outcomes set recorded_at = recorded_at - interval '50 hours';
               update policy_decisions set recorded_at = recorded_at - interval '50 hours'";
    let service = actor(Role::Service);
    let outcome: Outcome = serde_json::from_value(serde_json::json!({"status": "error"})).unwrap();
    decisions::report_outcome(&store, &service, &first.decision_id, outcome).await.unwrap();
    tamper(&store, age).await;
    decisions::fold_counts(&store).await.unwrap();
    assert_eq!(log.append(std::slice::from_ref(&first)).await.unwrap().len(), 1);
    tamper(&store, "update policy_decision_ids set written_at = written_at - interval '2 hours'").await;
    // Also before a job took the id away.
    assert_eq!(log.append(std::slice::from_ref(&first)).await.unwrap(), []);
    let found = decisions::get(&store, &author(), &first.decision_id).await.unwrap();
    assert_eq!(found.outcome, None, "the new decision is another one");
    let both: i64 = sqlx::query_scalar("select count(*) from policy_decisions").fetch_one(store.pool()).await.unwrap();
    assert_eq!(both, 2);

    // Taken away, and still found where it lies.
    tamper(&store, "update policy_decision_ids set written_at = written_at - interval '49 hours'").await;
    decisions::fold_counts(&store).await.unwrap();
    let ids: i64 =
        sqlx::query_scalar("select count(*) from policy_decision_ids").fetch_one(store.pool()).await.unwrap();
    assert_eq!(ids, 0);
    decisions::get(&store, &author(), &first.decision_id).await.unwrap();
}

#[tokio::test]
async fn a_decision_is_recorded_by_the_databases_clock_and_never_fails_for_a_missing_day() {
    let store = testing::store().await;
    let bundle = stable(&store, None, 90).await;
    let reference = BundleRef { id: bundle.id, version: bundle.version.clone(), digest: bundle.digest.clone() };
    let before = decisions::error_metrics(&store, "5m").await.unwrap().total;
    as_owner(&store, "delete from policy_decision_days where day = (now() at time zone 'UTC')::date").await;
    let today: String = sqlx::query_scalar("select to_char(now() at time zone 'UTC', 'YYYYMMDD')")
        .fetch_one(store.pool())
        .await
        .unwrap();
    tamper(
        &store,
        &format!(
            "alter table policy_decisions detach partition policy_decisions_{today};
             alter table policy_decisions_{today} rename to taken; drop table policy_decision_outcomes_{today}"
        ),
    )
    .await;
    // The clock of the server that decided is twenty minutes slow.
    let slow = now(&store).await - time::Duration::minutes(20);
    let late = decision(slow, Arm::Stable, reference, None);
    decisions::Appender::new(store.clone()).append(std::slice::from_ref(&late)).await.unwrap();
    assert_eq!(decisions::error_metrics(&store, "5m").await.unwrap().total, before + 1);
    let outcome: Outcome = serde_json::from_value(serde_json::json!({"status": "ok"})).unwrap();
    decisions::report_outcome(&store, &actor(Role::Service), &late.decision_id, outcome).await.unwrap();

    let lies = async || -> Vec<String> {
        sqlx::query_scalar(
            "select tableoid::regclass::text from policy_decisions where decision_id = $1
             union all select tableoid::regclass::text from policy_decision_outcomes where decision_id = $1",
        )
        .bind(&late.decision_id)
        .fetch_all(store.pool())
        .await
        .unwrap()
    };
    assert_eq!(lies().await, ["policy_decisions_unplaced", "policy_decision_outcomes_unplaced"]);
    decisions::make_days_ahead(&store).await.unwrap();
    assert_eq!(lies().await, [format!("policy_decisions_{today}"), format!("policy_decision_outcomes_{today}")]);
    assert_eq!(decisions::get(&store, &author(), &late.decision_id).await.unwrap().subject, late.subject);
    let days: i64 = sqlx::query_scalar("select count(*) from policy_decision_days where day > now()")
        .fetch_one(store.pool())
        .await
        .unwrap();
    assert!(days >= 7, "{days}");
}

#[tokio::test]
async fn the_serving_role_only_adds_to_the_log() {
    let store = testing::store().await;
    stable(&store, None, 90).await;
    let today: String = sqlx::query_scalar("select to_char(now() at time zone 'UTC', 'YYYYMMDD')")
        .fetch_one(store.pool())
        .await
        .unwrap();
    for sql in [
        "update policy_decisions set effect = 'allow'".to_owned(),
        "delete from policy_decisions".to_owned(),
        "truncate policy_decisions".to_owned(),
        "delete from policy_decision_outcomes".to_owned(),
        format!("delete from policy_decisions_{today}"),
        format!("insert into policy_decisions_{today} select * from policy_decisions"),
        format!("drop table policy_decisions_{today}"),
        format!("alter table policy_decisions detach partition policy_decisions_{today}"),
        "delete from policy_decision_days".to_owned(),
    ] {
        let refused = sqlx::query(AssertSqlSafe(sql.clone())).execute(store.pool()).await.unwrap_err().to_string();
        assert!(refused.contains("permission denied") || refused.contains("must be owner"), "{sql}: {refused}");
    }
    // Its owner is held by triggers, in every partition.
    for sql in [
        "update policy_decisions_{} set effect = 'allow'",
        "delete from policy_decisions_{}",
        "truncate policy_decisions_{}",
    ] {
        let mut db = owner_connection(&store).await;
        let sql = sql.replace("{}", &today);
        let refused = sqlx::query(AssertSqlSafe(sql.clone())).execute(&mut db).await.unwrap_err().to_string();
        assert!(refused.contains("append-only"), "{sql}: {refused}");
    }
}

/// A log of six weeks in one table, with what an operator put beside it: a view, an index and a grant.
const FORMER_LOG: &str = "
    insert into policy_bundles (version, state, active, canary_pct, content, digest, rule_count, authors, created_by,
            stage_started_at)
        values ('1.0.0', 'active', true, 100, '{}', 'sha256:00', 0, '{a}', 'a', now() - interval '3 days'),
            ('1.0.1', 'canary', true, 10, '{}', 'sha256:01', 0, '{a}', 'a', now() - interval '3 hours');
    insert into policy_decisions (decision_id, decided_at, agent, action, subject, context, effect, status, reason, budget,
            cost, bundle_id, bundle_version, bundle_digest, arm, mode, other_bundle_id, other_version, other_digest,
            other_effect, other_status)
        select 'd-' || i, now() - (interval '1 second' * i * i), 'agent.' || i % 3, 'act' || i % 2, 'user-' || i % 40,
            '{ \"as\": \"written\" }', (array['allow', 'deny', 'needs_approval'])[1 + i % 3],
            (array['matched', 'matched', 'no_match', 'error'])[1 + i % 4], 'because', null, nullif(i % 7, 3) / 8.0,
            1 + i % 2, '1.0.' || i % 2, 'sha256:0' || i % 2, (array['stable', 'canary'])[1 + i % 2], 'normal',
            2 - i % 2, '1.0.' || 1 - i % 2, 'sha256:00', 'allow', 'matched'
        from generate_series(0, 1900) i;
    insert into policy_decision_outcomes (decision_id, status, cost, success, latency_ms, reported_at, reported_by)
        select 'd-' || i, (array['ok', 'error'])[1 + i % 2], nullif(i % 5, 1) / 4.0, nullif(i % 6, 2) = 1, i, now(), 'test'
        from generate_series(0, 1900, 4) i;
    create view denied as select decision_id, subject from policy_decisions where effect = 'deny';
    create index by_subject on policy_decisions (subject);
    do $$ begin
        if not exists (select from pg_roles where rolname = 'reader_of_the_log') then create role reader_of_the_log; end if;
    end $$;
    grant select on denied, policy_decisions to reader_of_the_log;";

#[tokio::test(flavor = "multi_thread")]
async fn a_log_of_one_table_becomes_days_and_counts() {
    let options = testing::as_owner(&testing::database().await);
    let mut db = PgConnection::connect_with(&options).await.unwrap();
    sqlx::raw_sql("drop schema public cascade; create schema public").execute(&mut db).await.unwrap();
    MIGRATIONS.run_to(ONE_TABLE, &mut db).await.unwrap();
    // Who is asked about is what the program did, not a change by SQL.
    sqlx::raw_sql("set session_replication_role = replica").execute(&mut db).await.unwrap();
    sqlx::raw_sql(FORMER_LOG).execute(&mut db).await.unwrap();
    let rows =
        "select string_agg(row(decision_id, decided_at, agent, action, subject, context::text, effect, status, cost,
            bundle_id, other_effect)::text, ' ' order by decision_id) from policy_decisions";
    let outcomes = "select string_agg(row(decision_id, status, cost, success, latency_ms, reported_at)::text, ' '
            order by decision_id) from policy_decision_outcomes";
    let mut read = async |sql: &'static str| -> String { sqlx::query_scalar(sql).fetch_one(&mut db).await.unwrap() };
    let before = (read(rows).await, read(outcomes).await);

    let store = Store::connect(options.clone(), testing::keys()).await.unwrap();
    store.migrate().await.unwrap();
    assert_eq!((read(rows).await, read(outcomes).await), before);
    assert_counts_agree(&store, false, "after the migration").await;
    let figures: (i64, i64, i64, i64, i64, i64) = sqlx::query_as(
        "select (select count(*) from denied), (select count(*) from policy_decision_days where day < now()),
             (select count(*) from policy_decision_ids),
             (select count(*) from policy_decisions where decided_at >= now() - interval '48 hours'),
             (select sum(decisions)::int8 from policy_stage_subjects),
             (select count(*) from policy_decisions where decided_at >= (select max(stage_started_at) from policy_bundles))",
    )
    .fetch_one(store.pool())
    .await
    .unwrap();
    let (denied, days, ids, recent, of_stage, since_stage) = figures;
    assert!(denied > 600 && days > 20, "{figures:?}");
    assert_eq!((ids, of_stage), (recent, since_stage));
    let kept: (bool, bool, bool, i64) = sqlx::query_as(
        "select has_table_privilege('reader_of_the_log', 'denied', 'select'),
             has_table_privilege('reader_of_the_log', 'policy_decisions', 'select'),
             has_table_privilege('reader_of_the_log', 'policy_decisions', 'insert'),
             (select count(*) from pg_indexes where indexname = 'by_subject')",
    )
    .fetch_one(store.pool())
    .await
    .unwrap();
    assert_eq!(kept, (true, true, false, 1));
    for sql in ["update policy_decisions set effect = 'allow'", "delete from policy_decision_outcomes"] {
        let mut db = PgConnection::connect_with(&options).await.unwrap();
        let refused = sqlx::query(sql).execute(&mut db).await.unwrap_err().to_string();
        assert!(refused.contains("append-only"), "{sql}: {refused}");
    }
    // A decision of the former table is recognised, and an outcome finds it on its day.
    let outcome: Outcome = serde_json::from_value(serde_json::json!({"status": "ok", "cost": 3.5})).unwrap();
    for id in ["d-1", "d-1899"] {
        decisions::report_outcome(&store, &actor(Role::Service), id, outcome.clone()).await.unwrap();
    }
    assert_counts_agree(&store, false, "after two outcomes").await;
}
