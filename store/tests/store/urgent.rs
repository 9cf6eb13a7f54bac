//! Emergency commands come first: reports, measurements and everything else that takes time do not hold them up.

use std::time::Duration;

use lifecycle::{
    decision::BundleRef,
    problem::{Code, Problem},
};
use policy::engine::Arm;
use sqlx::{Connection, PgConnection};
use store::{
    Store, decisions, rollout, settings,
    system::{self, Engage},
    testing,
};
use tokio::time::{sleep, timeout};

use crate::fixtures::*;

/// How soon a rollback has to be in force.
const SOON: Duration = Duration::from_secs(1);

/// A connection that locks the decision log and its counts, so that nobody can measure anything.
async fn locked_log(store: &Store) -> PgConnection {
    let mut db = PgConnection::connect_with(&testing::as_owner(&store.pool().connect_options())).await.unwrap();
    sqlx::raw_sql("begin; lock table policy_decision_counts, policy_decisions in access exclusive mode")
        .execute(&mut db)
        .await
        .unwrap();
    db
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_does_not_wait_for_reports_that_take_every_connection() {
    let store = testing::store().await;
    stable(&store, None, 90).await;
    let canary = canary(&store, None, 80).await;
    let mut held = Vec::new();
    while let Ok(Ok(connection)) = timeout(Duration::from_millis(200), store.pool().acquire()).await {
        held.push(connection);
    }
    assert!(held.len() >= 10, "{} connections for reports", held.len());
    let answer = timeout(SOON, rollout::roll_back(&store, &owner(), canary.id, rollback("Emergency", true))).await;
    assert_eq!(answer.expect("within a second").unwrap().rolled_back_from, canary.version);
    let order = Engage { reason: "look first".into(), ticket: None, trigger_metrics: Vec::new() };
    timeout(SOON, system::pause(&store, &safety(), order)).await.expect("within a second").unwrap();
    timeout(SOON, system::disable(&store, &admin(), "stop", None)).await.expect("within a second").unwrap();
    timeout(SOON, system::live_mark(&store.watching())).await.expect("within a second").unwrap();
    assert!(timeout(SOON, store::people::by_email(&store.identifying(), "x@example.com")).await.unwrap().is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_does_not_wait_for_a_promotion_that_measures() {
    let store = testing::store().await;
    stable(&store, None, 90).await;
    let canary = canary(&store, None, 80).await;
    let _locked = locked_log(&store).await;
    let promotion = tokio::spawn({
        let store = store.clone();
        async move { rollout::promote(&store, &owner(), canary.id, 50).await }
    });
    sleep(Duration::from_millis(300)).await;
    assert!(!promotion.is_finished());
    let answer = timeout(SOON, rollout::roll_back(&store, &owner(), canary.id, rollback("Emergency", true))).await;
    assert_eq!(answer.expect("within a second").unwrap().rolled_back_from, canary.version);
    promotion.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_does_not_wait_for_the_triggers_of_a_release_or_for_the_watch() {
    let store = testing::store().await;
    stable(&store, None, 90).await;
    let canary = canary(&store, None, 80).await;
    let order = Engage { reason: "look first".into(), ticket: None, trigger_metrics: vec!["error_rate_5m".to_owned()] };
    system::pause(&store, &safety(), order).await.unwrap();
    system::sign_release(&store, &safety(), "put right").await.unwrap();
    let _locked = locked_log(&store).await;
    let release = tokio::spawn({
        let store = store.clone();
        async move { system::sign_release(&store, &owner(), "put right").await }
    });
    let watch = tokio::spawn({
        let store = store.clone();
        async move { rollout::watch(&store.watching()).await }
    });
    sleep(Duration::from_millis(300)).await;
    assert!(!release.is_finished());
    let answer = timeout(SOON, rollout::roll_back(&store, &owner(), canary.id, rollback("Emergency", true))).await;
    answer.expect("within a second").unwrap();
    release.abort();
    watch.abort();
}

/// What was measured must be what is promoted: a change between the two is noticed.
#[tokio::test(flavor = "multi_thread")]
async fn a_promotion_whose_stage_changed_after_it_was_measured_is_refused() {
    let store = testing::store().await;
    stable(&store, None, 90).await;
    let canary = canary(&store, None, 80).await;
    serve(&store, canary.id, 5).await;
    let mut locked = locked_log(&store).await;
    let promotion = tokio::spawn({
        let store = store.clone();
        async move { rollout::promote(&store, &owner(), canary.id, 50).await }
    });
    sleep(Duration::from_millis(300)).await;
    // As by hand: the stage begins anew.
    sqlx::query("update policy_bundles set stage_started_at = now() where id = $1")
        .bind(canary.id)
        .execute(&mut locked)
        .await
        .unwrap();
    sqlx::raw_sql("commit").execute(&mut locked).await.unwrap();
    let refused = Problem::from(promotion.await.unwrap().unwrap_err());
    assert_eq!(refused.code, Code::Conflict, "{refused}");
}

/// Limits that were changed after the measurement are limits that nobody has looked at.
#[tokio::test(flavor = "multi_thread")]
async fn a_promotion_whose_limits_changed_after_it_was_measured_is_refused() {
    let store = testing::store().await;
    stable(&store, None, 90).await;
    let canary = canary(&store, None, 80).await;
    serve(&store, canary.id, 5).await;
    let mut locked = locked_log(&store).await;
    let promotion = tokio::spawn({
        let store = store.clone();
        async move { rollout::promote(&store, &owner(), canary.id, 50).await }
    });
    sleep(Duration::from_millis(300)).await;
    let mut settings = settings::get(&store, &admin()).await.unwrap();
    settings.gates.min_sample_size += 1;
    set(&store, settings).await;
    sqlx::raw_sql("commit").execute(&mut locked).await.unwrap();
    let refused = Problem::from(promotion.await.unwrap().unwrap_err());
    assert_eq!(refused.code, Code::Conflict, "{refused}");
}

/// Closing and archiving a day of millions of decisions takes longer than a page may.
#[tokio::test]
async fn what_reads_a_whole_day_of_the_log_may_take_its_time() {
    let store = testing::store().await;
    as_owner(
        &store,
        "create function takes_its_time() returns trigger language plpgsql as $$
         begin
             if current_setting('statement_timeout')::interval < '1h'
                 or current_setting('idle_in_transaction_session_timeout')::interval < '1h' then
                 raise exception 'too little time';
             end if;
             return new;
         end $$;
         create trigger takes_its_time before update on policy_decision_days for each row execute function takes_its_time()",
    )
    .await;
    let at = now(&store).await - time::Duration::days(100);
    let bundle = BundleRef { id: 1, version: "1.0.0".into(), digest: "sha256:00".into() };
    decisions::append(&store, &[decision(at, Arm::Stable, bundle, None)]).await.unwrap();
    assert_eq!(decisions::close_days(&store).await.unwrap(), 1);
    let folder = tempfile::tempdir().unwrap();
    let archived = decisions::archive_days(&store, folder.path()).await.unwrap();
    decisions::restore_archive(&store, &admin(), &archived[0].file).await.unwrap();
}

#[tokio::test]
async fn every_connection_has_time_limits_and_what_they_end_is_said_in_words() {
    let store = testing::store().await;
    for handle in [store.clone(), store.urgent(), store.watching(), store.identifying()] {
        for limit in ["statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"] {
            let set: bool = sqlx::query_scalar("select current_setting($1)::interval between '1s' and '1min'")
                .bind(limit)
                .fetch_one(handle.pool())
                .await
                .unwrap();
            assert!(set, "{limit}");
        }
    }
    let mut tx = store.pool().begin().await.unwrap();
    sqlx::raw_sql("set local statement_timeout = '10ms'").execute(&mut *tx).await.unwrap();
    let late = sqlx::query("select pg_sleep(2)").execute(&mut *tx).await.unwrap_err();
    let problem = Problem::from(store::Error::from(late));
    assert!(problem.code == Code::Unavailable && problem.detail.contains("took longer"), "{problem}");
    drop(tx);

    let _locked = locked_log(&store).await;
    let mut tx = store.pool().begin().await.unwrap();
    sqlx::raw_sql("set local lock_timeout = '10ms'").execute(&mut *tx).await.unwrap();
    let locked = sqlx::query("select count(*) from policy_decisions").execute(&mut *tx).await.unwrap_err();
    let problem = Problem::from(store::Error::from(locked));
    assert!(problem.code == Code::Unavailable && problem.detail.contains("another change"), "{problem}");
}

#[tokio::test]
async fn a_change_is_announced_in_this_process_once_it_is_committed() {
    let store = testing::store().await;
    let changes = store.live_changes();
    let before = *changes.borrow();
    assert!(system::disable(&store, &owner(), "not mine to say", None).await.is_err());
    assert_eq!(*changes.borrow(), before);
    system::disable(&store, &admin(), "stop", None).await.unwrap();
    assert_eq!(*changes.borrow(), before + 1);
    // The second one changes nothing.
    system::disable(&store, &admin(), "stop", None).await.unwrap();
    assert_eq!(*changes.borrow(), before + 1);
}

#[tokio::test]
async fn servers_are_counted_by_what_they_serve() {
    let store = testing::store().await;
    let other =
        Store::connect(sqlx::postgres::PgConnectOptions::clone(&store.pool().connect_options()), testing::keys())
            .await
            .unwrap();
    let mark = system::live_mark(&store).await.unwrap();
    assert!(!system::report_serving(&other, &mark).await.unwrap(), "it has not said that it runs");
    store::key_rotation::beat(&other, "other", testing::keys()).await.unwrap();
    let count = async |serves| system::servers(&store, serves).await.unwrap();
    assert_eq!(count(true).await, system::Servers { known: 2, current: 1 });
    assert!(system::report_serving(&other, &mark).await.unwrap());
    assert_eq!(count(true).await, system::Servers { known: 2, current: 2 });
    assert_eq!(count(false).await, system::Servers { known: 2, current: 1 });
    system::disable(&store, &admin(), "stop", None).await.unwrap();
    assert_eq!(count(true).await, system::Servers { known: 2, current: 1 }, "it serves what was before");
    store::key_rotation::leave(&other).await.unwrap();
    assert_eq!(count(true).await, system::Servers { known: 1, current: 1 });
}
