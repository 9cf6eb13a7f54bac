//! Two people, or fifty, at once.

mod support;

use std::collections::BTreeSet;

use lifecycle::{
    bundle::State,
    problem::Code,
    review::{PacketStatus, Verdict},
};
use store::{bundles, packets, rollout, testing};
use support::*;

fn because() -> rollout::RollBack {
    rollout::RollBack { reason: "Emergency".into(), rolled_back_by: None, create_incident: true, triggered_at: None }
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_rollbacks_at_once_are_one_rollback() {
    let store = testing::store().await;
    stable(&store, None, 90).await;
    let canary = canary(&store, None, 80).await;
    let tasks: Vec<_> = (0..50)
        .map(|i| {
            let store = store.clone();
            tokio::spawn(async move {
                let who = if i % 2 == 0 { owner() } else { safety() };
                rollout::roll_back(&store, &who, canary.id, because()).await.unwrap()
            })
        })
        .collect();
    let mut answers = BTreeSet::new();
    for task in tasks {
        let answer = task.await.unwrap();
        answers.insert((answer.rollback_id, answer.incident_id, answer.id, answer.canary_pct));
    }
    assert_eq!(answers.len(), 1, "{answers:?}");
    for table in ["policy_rollback_record", "incidents"] {
        let sql = sqlx::AssertSqlSafe(format!("select count(*) from {table}"));
        let count: i64 = sqlx::query_scalar(sql).fetch_one(store.pool()).await.unwrap();
        assert_eq!(count, 1, "{table}");
    }
    let rolled_back = events(&store, 500).await.into_iter().filter(|event| event.starts_with("rolled_back")).count();
    assert_eq!(rolled_back, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_applies_one_wins() {
    let store = testing::store().await;
    stable(&store, None, 90).await;
    let (one, packet_one) = approved(&store, None, 80).await;
    let (two, packet_two) = approved(&store, None, 70).await;
    let apply = |bundle: i64, packet: String| {
        let store = store.clone();
        tokio::spawn(async move { rollout::apply(&store, &owner(), bundle, &packet, None).await })
    };
    let tasks = [
        apply(one.id, packet_one.packet_id.clone()),
        apply(one.id, packet_one.packet_id),
        apply(two.id, packet_two.packet_id),
    ];
    let mut wins = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => wins += 1,
            Err(error) => assert!(matches!(code(error), Code::InvalidTransition | Code::Conflict)),
        }
    }
    assert_eq!(wins, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_and_an_edit_at_once_leave_no_approved_bundle_with_other_content() {
    let store = testing::store().await;
    for _round in 0..6 {
        let draft = bundles::create(&store, &author(), source(None, 90)).await.unwrap();
        let packet = submit(&store, draft.id).await;
        let current = bundles::get(&store, &author(), draft.id).await.unwrap();
        let edit = {
            let store = store.clone();
            tokio::spawn(async move {
                bundles::update(&store, &author(), draft.id, current.revision, source(None, 10)).await
            })
        };
        let approve = {
            let (store, id) = (store.clone(), packet.packet_id.clone());
            tokio::spawn(async move { packets::act(&store, &approver(), &id, Verdict::Approve, None).await })
        };
        let (edit, approve) = (edit.await.unwrap(), approve.await.unwrap());
        let bundle = bundles::get(&store, &author(), draft.id).await.unwrap();
        let packet = packets::get(&store, &author(), &packet.packet_id).await.unwrap();
        match edit {
            Ok(_) => {
                assert_eq!((bundle.state, packet.status), (State::Draft, PacketStatus::Void));
                if let Err(error) = approve {
                    assert_eq!(code(error), Code::InvalidTransition);
                }
            }
            Err(error) => {
                assert_eq!(code(error), Code::PreconditionFailed);
                assert!(approve.is_ok());
                assert_eq!(bundle.digest, packet.content.bundle.digest);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_saves_of_one_revision_one_wins() {
    let store = testing::store().await;
    let draft = bundles::create(&store, &author(), source(None, 90)).await.unwrap();
    let tasks: Vec<_> = (0..8)
        .map(|i| {
            let store = store.clone();
            tokio::spawn(
                async move { bundles::update(&store, &author(), draft.id, draft.revision, source(None, i)).await },
            )
        })
        .collect();
    let mut wins = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => wins += 1,
            Err(error) => {
                let problem = lifecycle::problem::Problem::from(error);
                assert_eq!(problem.code, Code::PreconditionFailed);
                assert_eq!(problem.extra["current_revision"], draft.revision + 1);
            }
        }
    }
    assert_eq!(wins, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn people_who_create_drafts_at_once_get_different_versions() {
    let store = testing::store().await;
    let tasks: Vec<_> = (0..5)
        .map(|i| {
            let store = store.clone();
            tokio::spawn(async move { bundles::create(&store, &author(), source(None, i)).await.unwrap().version })
        })
        .collect();
    let mut versions = BTreeSet::new();
    for task in tasks {
        versions.insert(task.await.unwrap());
    }
    assert_eq!(versions.len(), 5, "{versions:?}");
}
