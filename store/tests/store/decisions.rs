//! The decision log: batches, repetitions, pages, outcomes, and simulations over recorded decisions.

use lifecycle::{
    decision::{BundleRef, Record},
    problem::Code,
};
use policy::{
    engine::{Arm, Status},
    replay::{Columnar, Dataset, Outcome, OutcomeStatus},
};
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use store::{Store, decisions, test_cases, testing};

use crate::fixtures::*;

fn service() -> lifecycle::authority::Actor {
    actor(lifecycle::authority::Role::Service)
}

fn record(at: time::OffsetDateTime, id: i64) -> Record {
    decision(at, Arm::Stable, BundleRef { id, version: "1.0.0".into(), digest: "sha256:00".into() }, None)
}

#[tokio::test]
async fn a_decision_reads_back_as_it_was_and_a_repetition_changes_nothing() {
    let store = testing::store().await;
    let first = Record { subject: "with \u{0} inside".into(), ..record(now(&store).await, 7) };
    let repeated = decisions::append(&store, &[first.clone(), first.clone()]).await.unwrap();
    assert!(
        matches!(&repeated[..], [decisions::DuplicateDecision { place: 1, answered: Some(_) }]),
        "NUL is no difference"
    );
    decisions::append(&store, &[Record { agent: "another.agent".into(), ..first.clone() }]).await.unwrap();
    let found = decisions::get(&store, &author(), &first.decision_id).await.unwrap();
    assert_eq!(found.context["text"], "with \u{0} and ünïcode");
    assert_eq!(found, Record { subject: "with \u{fffd} inside".into(), ..first });
    assert_eq!(code(decisions::get(&store, &author(), "no\u{0}ne").await.unwrap_err()), Code::NotFound);
}

#[tokio::test]
async fn pages_hold_every_decision_once_even_at_the_same_moment() {
    let store = testing::store().await;
    let at = now(&store).await;
    let records: Vec<Record> = (0..25).map(|i| record(at, i % 2)).collect();
    decisions::append(&store, &records).await.unwrap();
    let mut seen = Vec::new();
    let mut filter = decisions::Filter { bundle_id: Some(1), limit: Some(5), ..Default::default() };
    loop {
        let page = decisions::list(&store, &author(), &filter).await.unwrap();
        assert!(page.items.len() <= 5);
        seen.extend(page.items.into_iter().map(|record| record.decision_id));
        // Decisions that are added meanwhile must not shift the pages.
        decisions::append(&store, &[record(now(&store).await, 1)]).await.unwrap();
        match page.next_cursor {
            Some(cursor) => filter.cursor = Some(cursor),
            None => break,
        }
    }
    assert_eq!(seen.len(), 12);
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 12);
    for wrong in ["x", "1~2", "2026-11-22T10:00:00Z~x"] {
        let filter = decisions::Filter { cursor: Some(wrong.into()), ..Default::default() };
        assert_eq!(code(decisions::list(&store, &author(), &filter).await.unwrap_err()), Code::InvalidField);
    }
    let cases = test_cases::cases(&store, &author(), Dataset::Recorded, Some(10), None).await.unwrap();
    assert_eq!(cases.len(), 10);
}

#[tokio::test]
async fn a_corpus_holds_the_newest_decisions() {
    let store = testing::store().await;
    let at = now(&store).await;
    let records: Vec<Record> = (0..30).map(|n| record(at - time::Duration::hours(n), 1)).collect();
    decisions::append(&store, &records).await.unwrap();
    let read = async |limit, since: Option<time::OffsetDateTime>| {
        let wanted = decisions::CorpusFilter { limit, since: since.map(Into::into), until: None };
        Columnar::decode(&decisions::encoded_corpus(&store, &author(), wanted).await.unwrap()).unwrap()
    };
    let all = read(None, None).await;
    assert_eq!((all.len(), all.source()), (30, Dataset::Recorded));
    let newest = all.recorded(0);
    assert_eq!((newest.case.case_id, newest.effect), (records[0].decision_id.clone(), Some(records[0].effect)));
    assert_eq!(newest.case.context, records[0].context);
    let (first, last) = all.window().unwrap();
    assert_eq!(last.since(first).as_secs(), 29 * 3600);
    assert_eq!(read(Some(7), None).await.len(), 7);
    assert_eq!(read(None, Some(at - time::Duration::minutes(150))).await.len(), 3);
    for limit in [0, 1_000_001] {
        let wanted = decisions::CorpusFilter { limit: Some(limit), ..Default::default() };
        assert_eq!(code(decisions::encoded_corpus(&store, &author(), wanted).await.unwrap_err()), Code::InvalidField);
    }
}

#[tokio::test]
async fn the_first_outcome_stays() {
    let store = testing::store().await;
    let (a, b) = (record(now(&store).await, 1), record(now(&store).await, 1));
    decisions::append(&store, &[a.clone(), b.clone()]).await.unwrap();
    let outcome = |status, cost| Outcome {
        status,
        cost: Some(cost),
        margin_bps: Some(-3.5),
        success: Some(true),
        latency_ms: None,
        note: Some("fine".into()),
    };
    let first = outcome(OutcomeStatus::Error, 0.1);
    let found = decisions::report_outcome(&store, &service(), &a.decision_id, first.clone()).await.unwrap();
    assert_eq!(found.outcome, Some(first.clone()));
    let report =
        |id: &str| decisions::OutcomeReport { decision_id: id.to_owned(), outcome: outcome(OutcomeStatus::Ok, 9.0) };
    let done = decisions::report_outcomes(
        &store,
        &service(),
        &[report(&a.decision_id), report(&b.decision_id), report("unknown")],
    )
    .await
    .unwrap();
    assert_eq!((done.recorded, done.repeated, done.unknown), (1, 1, vec!["unknown".to_owned()]));
    let found = decisions::get(&store, &author(), &a.decision_id).await.unwrap();
    assert_eq!(found.outcome, Some(first));
    let metrics = decisions::error_metrics(&store, "5m").await.unwrap();
    assert_eq!((metrics.total, metrics.errors, metrics.error_rate), (2, 1, 0.5));
    let negative =
        decisions::report_outcome(&store, &service(), &b.decision_id, outcome(OutcomeStatus::Ok, -1.0)).await;
    assert_eq!(code(negative.unwrap_err()), Code::InvalidField);
}

/// How many sequential scans of the decisions there were. Connections report their counts when they end.
async fn sequential_scans(options: &PgConnectOptions, store: Store) -> i64 {
    store.pool().close().await;
    let mut db = PgConnection::connect_with(options).await.unwrap();
    let others = "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()";
    while sqlx::query_scalar::<_, i64>(others).fetch_one(&mut db).await.unwrap() > 0 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let reads = "select sum(seq_scan)::int8 from pg_stat_user_tables where relname like 'policy\\_decisions\\_%'";
    sqlx::query_scalar(reads).fetch_one(&mut db).await.unwrap()
}

#[tokio::test]
async fn pages_are_found_by_an_index_however_they_are_filtered() {
    let options = testing::database().await;
    let connect = async || Store::connect(options.clone(), testing::keys()).await.unwrap();
    let store = connect().await;
    // The connections of the store have time limits.
    let mut db = PgConnection::connect_with(&options).await.unwrap();
    sqlx::query(
        "insert into policy_decisions (decision_id, decided_at, agent, action, subject, context, effect, status, reason,
             bundle_id, bundle_version, bundle_digest, arm, mode, recorded_at)
         select *, decided_at from (
         select 'd-' || i, now() - (i || ' seconds')::interval as decided_at, 'agent.' || i % 20, 'act' || i % 5, 'user-' || i % 1000,
             '{\"risk_score\": 12}'::json, case when i % 3 = 0 then 'deny' else 'allow' end,
             case when i % 1000 = 0 then 'error' else 'matched' end, 'because', i % 4, '1.0.0', 'sha256:00', 'stable', 'normal'
         from generate_series(1, 100000) i
         union all
         select 'r-' || i, now() - (i || ' hours')::interval, 'agent.rare', 'act1', 'user', '{}'::json, 'allow', 'matched',
             'because', 1, '1.0.0', 'sha256:00', 'stable', 'normal' from generate_series(1, 3) i) recorded",
    )
    .execute(&mut db)
    .await
    .unwrap();
    sqlx::query("analyze policy_decisions").execute(&mut db).await.unwrap();
    db.close().await.unwrap();
    let before = sequential_scans(&options, store).await;

    let store = connect().await;
    let filters = [
        decisions::Filter::default(),
        decisions::Filter { status: Some(Status::Error), ..Default::default() },
        decisions::Filter { bundle_id: Some(2), ..Default::default() },
        decisions::Filter { agent: Some("agent.7".into()), action: Some("act2".into()), ..Default::default() },
        decisions::Filter { status: Some(Status::Error), bundle_id: Some(0), ..Default::default() },
        decisions::Filter { agent: Some("agent.rare".into()), ..Default::default() },
        decisions::Filter { agent: Some("agent.rare".into()), action: Some("act1".into()), ..Default::default() },
    ];
    for mut filter in filters {
        for _page in 0..3 {
            let page = decisions::list(&store, &author(), &filter).await.unwrap();
            assert!(!page.items.is_empty());
            match page.next_cursor {
                Some(cursor) => filter.cursor = Some(cursor),
                None => break,
            }
        }
    }
    assert_eq!(sequential_scans(&options, store).await, before);

    // A statement that no index can serve is counted.
    let store = connect().await;
    sqlx::query("select count(*) from policy_decisions where reason like '%x%'").execute(store.pool()).await.unwrap();
    assert!(sequential_scans(&options, store).await > before);
}
