//! The ways into the decision log: copied, inserted around what is there, and over a connection that breaks.

use crate::support::*;
use lifecycle::{
    bundle::Budget,
    decision::{Arm, BundleRef, Record},
    engine::{EvaluationError, Status},
};
use store::{Store, decisions, testing};

async fn made(store: &Store) -> Record {
    let at: time::OffsetDateTime = sqlx::query_scalar("select now()").fetch_one(store.pool()).await.unwrap();
    decision(at, Arm::Stable, BundleRef { id: 7, version: "1.0.0".into(), digest: "sha256:00".into() }, None)
}

/// One with everything in it that a decision may have.
async fn full(store: &Store) -> Record {
    let other = BundleRef { id: 8, version: "1.1.0".into(), digest: "sha256:11".into() };
    let record = made(store).await;
    let error: EvaluationError = serde_json::from_value(serde_json::json!({
        "code": "wrong_type", "rule": "some-rule", "field": "with \u{0}", "wanted": "number", "found": "string"
    }))
    .unwrap();
    Record {
        status: Status::Error,
        budget: Some(Budget { cost: Some(0.25), ..Budget::default() }),
        errors: vec![error],
        ..decision(record.decided_at.into(), Arm::Canary, record.bundle.clone().unwrap(), Some(other))
    }
}

async fn all(store: &Store) -> Vec<Record> {
    decisions::list(store, &author(), &decisions::Filter::default()).await.unwrap().items
}

#[tokio::test]
async fn a_copied_decision_is_the_same_as_an_inserted_one() {
    let store = testing::store().await;
    let mut log = decisions::Appender::new(store.clone());
    let (copied, repeated, inserted) = (full(&store).await, full(&store).await, full(&store).await);
    assert_eq!(log.append(&[copied.clone(), made(&store).await]).await.unwrap(), []);
    // A repetition stops the copy; the others of its batch are inserted, and so are those of the next.
    log.append(&[Record { agent: "somebody.else".into(), ..copied.clone() }, repeated.clone(), repeated.clone()])
        .await
        .unwrap();
    assert_eq!(log.append(std::slice::from_ref(&inserted)).await.unwrap(), []);
    assert_eq!(all(&store).await.len(), 4);
    for record in [copied, repeated, inserted] {
        assert_eq!(decisions::get(&store, &author(), &record.decision_id).await.unwrap(), record);
    }
    let costs: Vec<Option<f64>> = sqlx::query_scalar("select cost from policy_decisions where status = 'error'")
        .fetch_all(store.pool())
        .await
        .unwrap();
    assert_eq!(costs, [Some(0.25); 3]);
}

#[tokio::test]
async fn what_was_not_added_is_told_with_what_is_on_record() {
    let store = testing::store().await;
    let mut log = decisions::Appender::new(store.clone());
    let (stored, new) = (full(&store).await, made(&store).await);
    log.append(std::slice::from_ref(&stored)).await.unwrap();
    // Decided anew with another answer, and asked about something else under the same id.
    let again = Record { status: Status::NoMatch, errors: Vec::new(), other_arm: None, ..stored.clone() };
    let mut others = vec![
        Record { agent: "somebody.else".into(), ..stored.clone() },
        Record { action: "else".into(), ..stored.clone() },
        Record { subject: "else".into(), ..stored.clone() },
        Record { context: serde_json::Map::new(), ..stored.clone() },
        Record { subject: "else".into(), ..new.clone() },
    ];
    let mut batch = vec![new.clone(), again, new.clone()];
    batch.append(&mut others);
    let answered = |place, record: &Record| decisions::Repeated { place, answered: Some(Box::new(record.clone())) };
    let mut expected = vec![answered(1, &stored), answered(2, &new)];
    expected.extend((3..8).map(|place| decisions::Repeated { place, answered: None }));
    assert_eq!(log.append(&batch).await.unwrap(), expected);
    assert_eq!(all(&store).await.len(), 2);
    // By the other way in, too, where now all are there already.
    expected.insert(0, answered(0, &new));
    assert_eq!(decisions::append(&store, &batch).await.unwrap(), expected);
}

#[tokio::test]
async fn a_broken_connection_costs_no_decision() {
    let store = testing::store().await;
    let mut log = decisions::Appender::new(store.clone());
    let (before, after) = (made(&store).await, made(&store).await);
    log.append(std::slice::from_ref(&before)).await.unwrap();
    let ended: Vec<bool> = sqlx::query_scalar(
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity
         where datname = current_database() and query like 'copy policy_decisions%'",
    )
    .fetch_all(store.pool())
    .await
    .unwrap();
    assert_eq!(ended, [true]);
    // What was on its way when it broke may have arrived: it is sent again.
    log.append(&[before, after]).await.unwrap();
    assert_eq!(all(&store).await.len(), 2);
}
