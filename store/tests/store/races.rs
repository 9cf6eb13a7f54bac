//! Two or fifty people at the same time.

use std::collections::BTreeSet;

use lifecycle::{
    bundle::State,
    problem::Code,
    review::{PacketStatus, Verdict},
};
use policy::bundle::Invariant;
use store::{bundles, packets, rollout, settings, system, testing};

use crate::fixtures::*;

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
                rollout::roll_back(&store, &who, canary.id, rollback("Emergency", true)).await.unwrap()
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

/// Whichever comes first, there are only two possible histories: promoted and then paused, or paused and refused.
#[tokio::test(flavor = "multi_thread")]
async fn a_promotion_against_a_pause_is_before_it_or_refused() {
    let store = testing::store().await;
    stable(&store, None, 90).await;
    let canary = canary(&store, None, 80).await;
    let mut percent = canary.canary_pct;
    for round in 0..4 {
        // The next stage; which one that is depends on how often a pause has prevented a promotion.
        let Some(target) = [50, 100].into_iter().find(|target| *target > percent) else { break };
        serve(&store, canary.id, 5).await;
        let promote = {
            let store = store.clone();
            tokio::spawn(async move { rollout::promote(&store, &owner(), canary.id, target).await })
        };
        let pause = {
            let store = store.clone();
            let order = system::Engage { reason: "stop".into(), ticket: None, trigger_metrics: Vec::new() };
            tokio::spawn(async move { system::pause(&store, &safety(), order).await.unwrap() })
        };
        let (promoted, paused) = (promote.await.unwrap(), pause.await.unwrap());
        let seen = paused.system.canary.as_ref().or(paused.system.stable.as_ref()).unwrap().canary_pct;
        let now = bundles::get(&store, &author(), canary.id).await.unwrap().canary_pct;
        match promoted {
            Ok(_) => percent = target,
            Err(error) => assert_eq!(code(error), Code::Paused, "round {round}"),
        }
        assert_eq!(now, percent, "nothing enters service after a refusal");
        assert_eq!(seen, percent, "the answer to the pause shows what is served during it");
        system::sign_release(&store, &safety(), "checked").await.unwrap();
        system::sign_release(&store, &owner(), "checked").await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_against_a_pause_is_before_it_or_refused() {
    let store = testing::store().await;
    for _round in 0..5 {
        let draft = bundles::create(&store, &author(), source(None, 90)).await.unwrap();
        let packet = submit(&store, draft.id).await;
        let approve = {
            let (store, id) = (store.clone(), packet.packet_id.clone());
            tokio::spawn(async move { packets::act(&store, &approver(), &id, Verdict::Approve, None).await })
        };
        let pause = {
            let store = store.clone();
            let order = system::Engage { reason: "stop".into(), ticket: None, trigger_metrics: Vec::new() };
            tokio::spawn(async move { system::pause(&store, &safety(), order).await.unwrap() })
        };
        let (approved, _) = (approve.await.unwrap(), pause.await.unwrap());
        if let Err(error) = approved {
            assert_eq!(code(error), Code::Paused);
        } else {
            let story = events(&store, 500).await;
            let at = |name: &str| story.iter().rposition(|event| event.starts_with(name)).unwrap();
            assert!(at("approved") < at("paused"), "{story:?}");
        }
        system::sign_release(&store, &safety(), "checked").await.unwrap();
        system::sign_release(&store, &owner(), "checked").await.unwrap();
        bundles::withdraw(&store, &author(), draft.id).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_pauses_at_once_are_one_pause_and_two_signatures_at_once_release_it() {
    let store = testing::store().await;
    let tasks: Vec<_> = (0..20)
        .map(|i| {
            let store = store.clone();
            let order = system::Engage { reason: format!("stop {i}"), ticket: None, trigger_metrics: Vec::new() };
            tokio::spawn(async move { system::pause(&store, &safety(), order).await.unwrap().system.pause.unwrap() })
        })
        .collect();
    let mut reasons = BTreeSet::new();
    for task in tasks {
        reasons.insert(task.await.unwrap().reason);
    }
    assert_eq!(reasons.len(), 1, "{reasons:?}");
    let opened: i64 = sqlx::query_scalar("select count(*) from incidents").fetch_one(store.pool()).await.unwrap();
    assert_eq!(opened, 1);
    let sign = |who: lifecycle::authority::Actor| {
        let store = store.clone();
        tokio::spawn(async move { system::sign_release(&store, &who, "checked").await.is_ok() })
    };
    let tasks = [sign(safety()), sign(owner()), sign(safety()), sign(owner())];
    let mut taken = 0;
    for task in tasks {
        taken += i32::from(task.await.unwrap());
    }
    assert_eq!(taken, 2);
    assert!(!system::get(&store, &author()).await.unwrap().paused);
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

#[tokio::test(flavor = "multi_thread")]
async fn changes_by_many_administrators_at_once_are_all_kept() {
    let store = testing::store().await;
    let invariant = |number: usize| -> Invariant {
        serde_json::from_value(serde_json::json!({
            "id": format!("invariant-{number}"), "agent": "inbox.triage", "action": "quarantine", "never": "allow",
        }))
        .unwrap()
    };
    let tasks: Vec<_> = (0..20)
        .map(|number| {
            let (store, invariant) = (store.clone(), invariant(number));
            tokio::spawn(async move {
                settings::change_invariants(&store, &admin(), |all| {
                    all.push(invariant);
                    Ok(())
                })
                .await
                .unwrap();
                settings::change(&store, &admin(), |settings| {
                    if number % 2 == 0 {
                        settings.gates.min_sample_size += 1;
                    } else {
                        // A canary of fewer decisions is watched, too: that weakens nothing.
                        settings.watch.min_sample_size -= 1;
                    }
                })
                .await
                .unwrap();
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(settings::invariants(&store, &admin()).await.unwrap().len(), 20);
    let (now, before) = (settings::get(&store, &admin()).await.unwrap(), settings::Settings::default());
    assert_eq!(now.gates.min_sample_size, before.gates.min_sample_size + 10);
    assert_eq!(now.watch.min_sample_size, before.watch.min_sample_size - 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_cannot_be_written_is_no_setting() {
    let store = testing::store().await;
    for wrong in [f64::INFINITY, f64::NAN] {
        let tried = settings::change(&store, &admin(), |settings| settings.watch.max_cost_increase = wrong).await;
        assert_eq!(code(tried.unwrap_err()), Code::InvalidField);
    }
    settings::get(&store, &admin()).await.unwrap();
}
