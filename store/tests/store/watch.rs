//! Automatic rollback on recorded decisions.

use lifecycle::{
    bundle::{Record as Bundle, State},
    decision::{BundleRef, Record},
    incident::Severity,
};
use policy::{
    bundle::Effect,
    engine::{Arm, Status},
};
use store::{
    Store, bundles, decisions, incidents,
    rollout::{self, Watched},
};

use crate::fixtures::{author, canary, decision, now, owner, serve, stable};

fn reference(bundle: &Bundle) -> BundleRef {
    BundleRef { id: bundle.id, version: bundle.version.clone(), digest: bundle.digest.clone() }
}

/// Records `count` decisions of `own`, each about another subject, changed by `change`.
async fn record(
    store: &Store,
    (arm, own, other): (Arm, &Bundle, Option<&Bundle>),
    count: usize,
    change: impl Fn(&mut Record),
) {
    let at = now(store).await;
    let records: Vec<Record> = (0..count)
        .map(|number| {
            let mut record = decision(at, arm, reference(own), other.map(reference));
            record.subject = format!("{arm:?}-{number}");
            change(&mut record);
            record
        })
        .collect();
    decisions::append(store, &records).await.unwrap();
}

fn fails(record: &mut Record) {
    record.status = Status::Error;
    record.effect = Effect::Deny;
}

async fn state(store: &Store, bundle: &Bundle) -> State {
    bundles::get(store, &author(), bundle.id).await.unwrap().state
}

#[tokio::test]
async fn a_subject_that_stable_denies_as_well_rolls_nothing_back_and_is_named() {
    let store = store::testing::store().await;
    let old = stable(&store, None, 80).await;
    let new = canary(&store, None, 70).await;
    record(&store, (Arm::Stable, &old, Some(&new)), 400, |_| {}).await;
    record(&store, (Arm::Canary, &new, Some(&old)), 70, |_| {}).await;
    let loops = |record: &mut Record| {
        record.subject = "loop-19".into();
        record.effect = Effect::Deny;
        record.other_arm.as_mut().unwrap().effect = Effect::Deny;
    };
    record(&store, (Arm::Canary, &new, Some(&old)), 300, loops).await;
    let Watched::AsBad(id) = rollout::watch(&store).await.unwrap() else { panic!("no incident") };
    let incident = incidents::get(&store, &author(), &id).await.unwrap();
    assert_eq!((incident.severity, incident.bundle_id), (Severity::High, Some(new.id)));
    assert!(
        incident.description.contains("deny rate 81.08 % exceeds 50 % (stable: 81.08 %)")
            && incident.description.contains("the subject `loop-19`: 300 of 300 decisions"),
        "{}",
        incident.description
    );
    assert_eq!(rollout::watch(&store).await.unwrap(), Watched::Quiet, "it is said once");
    assert_eq!(state(&store, &new).await, State::Canary);
    // What the canary alone denies counts.
    record(&store, (Arm::Canary, &new, Some(&old)), 100, |record| record.effect = Effect::Deny).await;
    assert!(matches!(rollout::watch(&store).await.unwrap(), Watched::RolledBack(_)));
}

#[tokio::test]
async fn few_subjects_of_many_are_no_reason() {
    let store = store::testing::store().await;
    let old = stable(&store, None, 80).await;
    let new = canary(&store, None, 70).await;
    record(&store, (Arm::Stable, &old, Some(&new)), 400, |_| {}).await;
    for number in 1..=5 {
        assert_eq!(rollout::watch(&store).await.unwrap(), Watched::Quiet, "with {} subjects", number - 1);
        let one = |record: &mut Record| {
            record.subject = format!("tenant-{number}");
            fails(record);
        };
        record(&store, (Arm::Canary, &new, Some(&old)), 60, one).await;
    }
    assert!(matches!(rollout::watch(&store).await.unwrap(), Watched::RolledBack(_)), "with 5 subjects");
    let history = rollout::history(&store, &author(), 5).await.unwrap();
    let rollback = &history.rollbacks[0].record;
    assert!(rollback.rollback_triggered_at < rollback.rolled_back_at, "from the first bad decision on");
}

#[tokio::test]
async fn a_bundle_in_its_first_day_at_full_traffic_is_watched_and_the_one_that_returns_is_not() {
    let store = store::testing::store().await;
    let old = stable(&store, None, 80).await;
    let new = canary(&store, None, 70).await;
    for target in [50, 100] {
        serve(&store, new.id, 5).await;
        rollout::promote(&store, &owner(), new.id, target).await.unwrap();
    }
    let live = store::system::live(&store).await.unwrap();
    assert_eq!(live.previous.map(|bundle| bundle.id), Some(old.id), "evaluated beside it");
    record(&store, (Arm::Stable, &new, Some(&old)), 100, |_| {}).await;
    assert_eq!(rollout::watch(&store).await.unwrap(), Watched::Quiet);
    record(&store, (Arm::Stable, &new, Some(&old)), 100, fails).await;
    let Watched::RolledBack(done) = rollout::watch(&store).await.unwrap() else { panic!("not rolled back") };
    assert_eq!((done.id, done.canary_pct), (old.id, 100));
    assert_eq!(state(&store, &new).await, State::RolledBack);
    assert!(store::system::live(&store).await.unwrap().previous.is_none());
    record(&store, (Arm::Stable, &old, None), 200, fails).await;
    assert_eq!(rollout::watch(&store).await.unwrap(), Watched::Quiet, "the trouble has another cause");
}
