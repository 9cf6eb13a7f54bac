//! Appending to the decision log: batches that are copied, batches with repetitions, and a connection that breaks.

use lifecycle::decision::{BundleRef, Record};
use policy::{
    bundle::Budget,
    engine::{Arm, EvaluationError, Status},
};
use store::{Store, decisions, testing};

use crate::fixtures::*;

async fn minimal(store: &Store) -> Record {
    decision(
        now(store).await,
        Arm::Stable,
        BundleRef { id: 7, version: "1.0.0".into(), digest: "sha256:00".into() },
        None,
    )
}

/// A decision with everything a decision may have.
async fn full(store: &Store) -> Record {
    let other = BundleRef { id: 8, version: "1.1.0".into(), digest: "sha256:11".into() };
    let record = minimal(store).await;
    let error: EvaluationError = serde_json::from_value(serde_json::json!({
        "code": "wrong_type", "rule": "some-rule", "field": "with \u{0}", "wanted": "number", "found": "string"
    }))
    .unwrap();
    Record {
        status: Status::Error,
        budget: Some(Budget { cost: Some(0.25), ..Budget::default() }),
        errors: vec![error],
        asked_by: Some(7),
        ..decision(record.decided_at.into(), Arm::Canary, record.bundle.clone().unwrap(), Some(other))
    }
}

async fn all(store: &Store) -> Vec<Record> {
    decisions::list(store, &author(), &decisions::Filter::default()).await.unwrap().items
}

#[tokio::test]
async fn copied_and_inserted_decisions_are_stored_alike() {
    let store = testing::store().await;
    let mut log = decisions::Appender::new(store.clone());
    let (copied, repeated, inserted) = (full(&store).await, full(&store).await, full(&store).await);
    assert_eq!(log.append(&[copied.clone(), minimal(&store).await]).await.unwrap(), []);
    // A repetition stops the copy; the others of its batch are inserted, and so is the next batch.
    log.append(&[Record { agent: "another.agent".into(), ..copied.clone() }, repeated.clone(), repeated.clone()])
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

/// A column that the schema has and the list of written columns has not would be null.
#[tokio::test]
async fn every_column_of_the_schema_is_written() {
    let store = testing::store().await;
    // PostgreSQL cannot take apart JSON with the character NUL, which the full record has in some texts.
    let text = serde_json::to_string(&full(&store).await).unwrap().replace("\\u0000", "");
    let record: Record = serde_json::from_str(&text).unwrap();
    decisions::append(&store, &[record]).await.unwrap();
    let unwritten: Vec<String> =
        sqlx::query_scalar("select key from policy_decisions d, json_each(to_json(d)) where value::text = 'null'")
            .fetch_all(store.pool())
            .await
            .unwrap();
    // The database fills these two, when a bundle is in service and when there are too many agents and actions.
    assert_eq!(unwritten, ["stage", "other_pair"]);
}

#[tokio::test]
async fn a_repetition_is_reported_with_the_decision_on_record() {
    let store = testing::store().await;
    let mut log = decisions::Appender::new(store.clone());
    let (stored, new) = (full(&store).await, minimal(&store).await);
    log.append(std::slice::from_ref(&stored)).await.unwrap();
    // The same question decided differently, and other questions under the same id.
    let repetition = Record { status: Status::NoMatch, errors: Vec::new(), other_arm: None, ..stored.clone() };
    let mut others = vec![
        Record { agent: "another.agent".into(), ..stored.clone() },
        Record { action: "else".into(), ..stored.clone() },
        Record { subject: "else".into(), ..stored.clone() },
        Record { context: serde_json::Map::new(), ..stored.clone() },
        Record { subject: "else".into(), ..new.clone() },
    ];
    let mut batch = vec![new.clone(), repetition, new.clone()];
    batch.append(&mut others);
    let answered =
        |place, record: &Record| decisions::DuplicateDecision { place, answered: Some(Box::new(record.clone())) };
    let mut expected = vec![answered(1, &stored), answered(2, &new)];
    expected.extend((3..8).map(|place| decisions::DuplicateDecision { place, answered: None }));
    assert_eq!(log.append(&batch).await.unwrap(), expected);
    assert_eq!(all(&store).await.len(), 2);
    // Over a pooled connection, too; now all are repetitions.
    expected.insert(0, answered(0, &new));
    assert_eq!(decisions::append(&store, &batch).await.unwrap(), expected);
}

#[tokio::test]
async fn a_broken_connection_loses_no_decision() {
    let store = testing::store().await;
    let mut log = decisions::Appender::new(store.clone());
    let (before, after) = (minimal(&store).await, minimal(&store).await);
    log.append(std::slice::from_ref(&before)).await.unwrap();
    let ended: Vec<bool> = sqlx::query_scalar(
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity
         where datname = current_database() and query like 'with live as%'",
    )
    .fetch_all(store.pool())
    .await
    .unwrap();
    assert_eq!(ended, [true]);
    // Decisions that were in flight when the connection broke may have arrived: they are sent again.
    log.append(&[before, after]).await.unwrap();
    assert_eq!(all(&store).await.len(), 2);
}
