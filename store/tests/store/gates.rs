//! What the gates are evaluated on, counted from recorded decisions.

use lifecycle::{
    bundle::Record as Bundle,
    decision::{BundleRef, Record},
    rollout::{CanaryStatus, Coverage, Gate, GateVerdict},
};
use policy::{
    bundle::{Budget, Effect},
    engine::Arm,
    replay::{Outcome, OutcomeStatus},
};
use store::{
    Store,
    decisions::{self, OutcomeReport},
    rollout, settings,
};

use crate::fixtures::{actor, admin, author, canary, decision, now, set, stable};

/// Stable and a canary at 10 %, with the gates of a new workspace but for the minimum stage duration.
async fn rolling() -> (Store, Bundle, Bundle) {
    let store = store::testing::store().await;
    let old = stable(&store, None, 80).await;
    let new = canary(&store, None, 70).await;
    let mut gates = settings::Settings::default();
    gates.gates.min_stage_seconds = 0;
    set(&store, settings::Settings { gates: gates.gates, ..settings::get(&store, &admin()).await.unwrap() }).await;
    (store, old, new)
}

fn reference(bundle: &Bundle) -> BundleRef {
    BundleRef { id: bundle.id, version: bundle.version.clone(), digest: bundle.digest.clone() }
}

/// Records `count` decisions of `own`, each about another subject, changed by `change`.
async fn record(
    store: &Store,
    (arm, own, other): (Arm, &Bundle, &Bundle),
    count: usize,
    change: impl Fn(usize, &mut Record),
) -> Vec<String> {
    let at = now(store).await;
    let records: Vec<Record> = (0..count)
        .map(|number| {
            let mut record = decision(at, arm, reference(own), Some(reference(other)));
            record.subject = format!("{arm:?}-{number}");
            change(number, &mut record);
            record
        })
        .collect();
    decisions::append(store, &records).await.unwrap();
    records.into_iter().map(|record| record.decision_id).collect()
}

async fn report(store: &Store, ids: &[String], cost: Option<f64>, failed: usize) {
    let reports: Vec<OutcomeReport> = ids
        .iter()
        .enumerate()
        .map(|(number, id)| OutcomeReport {
            decision_id: id.clone(),
            outcome: Outcome {
                status: if number < failed { OutcomeStatus::Error } else { OutcomeStatus::Ok },
                cost,
                margin_bps: None,
                success: None,
                latency_ms: None,
                note: None,
            },
        })
        .collect();
    let service = actor(lifecycle::authority::Role::Service);
    decisions::report_outcomes(store, &service, &reports).await.unwrap();
}

async fn status(store: &Store, bundle: &Bundle) -> CanaryStatus {
    rollout::canary_status(store, &author(), bundle.id).await.unwrap()
}

fn gate<'a>(status: &'a CanaryStatus, name: &str) -> &'a Gate {
    status.gates.gates.iter().find(|gate| gate.name.name() == name).unwrap()
}

#[tokio::test]
async fn outcomes_that_only_stable_reports_hold_errors_and_cost() {
    let (store, old, new) = rolling().await;
    let served = record(&store, (Arm::Stable, &old, &new), 200, |_, _| {}).await;
    let canary = record(&store, (Arm::Canary, &new, &old), 120, |_, _| {}).await;
    report(&store, &served, Some(0.01), 8).await;
    let silent = status(&store, &new).await;
    let errors = gate(&silent, "error_rate");
    assert_eq!((errors.verdict, errors.value, errors.stable), (GateVerdict::Hold, Some(0.0), Some(0.04)));
    assert_eq!(errors.coverage, Some(Coverage { known: 0, expected: 120 }));
    let cost = gate(&silent, "cost_increase");
    assert_eq!((cost.verdict, cost.value), (GateVerdict::Hold, None), "{}", cost.message);
    assert_eq!(silent.canary.avg_cost, None);
    assert!(!silent.can_promote);

    report(&store, &canary, Some(0.011), 0).await;
    let both = status(&store, &new).await;
    assert!(both.gates.passed, "{:?}", both.gates);
    let cost = gate(&both, "cost_increase");
    assert!(cost.value.is_some_and(|value| (value - 0.1).abs() < 1e-9), "{cost:?}");
    assert_eq!(gate(&both, "error_rate").coverage, Some(Coverage { known: 120, expected: 120 }));
}

#[tokio::test]
async fn denials_are_held_against_the_same_requests() {
    let (store, old, new) = rolling().await;
    let deny = |record: &mut Record, own: bool, other: bool| {
        if own {
            record.effect = Effect::Deny;
        }
        if let Some(arm) = record.other_arm.as_mut().filter(|_| other) {
            arm.effect = Effect::Deny;
        }
    };
    record(&store, (Arm::Canary, &new, &old), 120, |number, record| deny(record, number < 60, number < 60)).await;
    // What stable serves says nothing about the requests that the canary serves.
    record(&store, (Arm::Stable, &old, &new), 300, |_, _| {}).await;
    let alike = status(&store, &new).await;
    let denials = gate(&alike, "deny_rate");
    assert_eq!((denials.verdict, denials.value, denials.stable), (GateVerdict::Pass, Some(0.5), Some(0.5)));
    assert!(denials.message.contains("denies no more"), "{}", denials.message);
    record(&store, (Arm::Canary, &new, &old), 1, |_, record| deny(record, true, false)).await;
    let more = status(&store, &new).await;
    assert_eq!(gate(&more, "deny_rate").verdict, GateVerdict::Fail, "{:?}", more.gates);
}

#[tokio::test]
async fn one_subject_is_no_sample() {
    let (store, old, new) = rolling().await;
    record(&store, (Arm::Stable, &old, &new), 200, |_, record| record.subject = "tenant-1".into()).await;
    let none = status(&store, &new).await;
    let sample = gate(&none, "sample_size");
    assert_eq!(
        sample.waiting_will_not_help.as_deref(),
        Some("1 subject seen, none of it in the 10 %"),
        "{}",
        sample.message
    );
    record(&store, (Arm::Canary, &new, &old), 100, |_, _| {}).await;
    record(&store, (Arm::Canary, &new, &old), 300, |_, record| record.subject = "loop-19".into()).await;
    let noisy = status(&store, &new).await;
    let sample = gate(&noisy, "sample_size");
    assert_eq!((sample.verdict, sample.sample, sample.subjects), (GateVerdict::Hold, 400, Some(101)));
    assert!(sample.message.contains("`loop-19` makes up 75 %"), "{}", sample.message);
    assert!(gate(&noisy, "error_rate").approximate);
}

#[tokio::test]
async fn budgets_count_as_costs_and_bound_the_interval() {
    let (store, old, new) = rolling().await;
    let budget = |cost: f64| {
        move |_: usize, record: &mut Record| {
            record.effect = Effect::NeedsApproval;
            record.budget = Some(Budget { cost: Some(cost), ..Budget::default() });
        }
    };
    record(&store, (Arm::Stable, &old, &new), 200, budget(0.05)).await;
    record(&store, (Arm::Canary, &new, &old), 119, budget(0.05)).await;
    // A decision whose cost nobody knows is not one that costs nothing.
    record(&store, (Arm::Canary, &new, &old), 100, |_, _| {}).await;
    let even = status(&store, &new).await;
    let cost = gate(&even, "cost_increase");
    assert_eq!(cost.verdict, GateVerdict::Pass, "{}", cost.message);
    assert!(cost.value.is_some_and(|value| value.abs() < 1e-9), "{cost:?}");
    let interval = cost.interval.unwrap();
    assert!(interval.lower < 0.0 && interval.upper > 0.0 && !cost.approximate, "{cost:?}");
    // The largest budget of the bundles is 0.05: ten times that is the highest cost that the interval counts with.
    record(&store, (Arm::Canary, &new, &old), 1, budget(0.51)).await;
    let cut = status(&store, &new).await;
    assert!(gate(&cut, "cost_increase").approximate, "{:?}", cut.gates);
}

/// Costs up to the bound come from counts, higher ones from the log.
#[tokio::test]
async fn a_cost_above_the_bound_counts_as_the_bound() {
    let mut intervals = Vec::new();
    for highest in [0.5, 0.51, 51.0] {
        let (store, old, new) = rolling().await;
        let budget = |number: usize| if number.is_multiple_of(9) { highest } else { 0.05 };
        let cost = |number: usize, record: &mut Record| {
            record.effect = Effect::NeedsApproval;
            record.budget = Some(Budget { cost: Some(budget(number)), ..Budget::default() });
        };
        record(&store, (Arm::Stable, &old, &new), 200, cost).await;
        let ids = record(&store, (Arm::Canary, &new, &old), 150, cost).await;
        // Reported costs take the place of budgets, also of those above the bound.
        report(&store, &ids[140..], Some(0.04), 0).await;
        let seen = status(&store, &new).await;
        let gate = gate(&seen, "cost_increase");
        let costs = (0..150_usize).map(|number| if number < 140 { budget(number) } else { 0.04 });
        let average = costs.sum::<f64>() / 150.0;
        assert!(seen.metrics.avg_cost.is_some_and(|cost| (cost - average).abs() < 1e-9), "{:?}", seen.metrics);
        intervals.push(gate.interval.map(|interval| (interval.lower, interval.upper)).unwrap());
    }
    for (lower, upper) in &intervals[1..] {
        assert!((lower - intervals[0].0).abs() < 1e-9 && (upper - intervals[0].1).abs() < 1e-9, "{intervals:?}");
    }
}

#[tokio::test]
async fn a_canary_is_promoted_by_itself_only_where_the_settings_say_so() {
    let (store, old, new) = rolling().await;
    record(&store, (Arm::Canary, &new, &old), 120, |_, _| {}).await;
    assert_eq!(rollout::promote_when_due(&store).await.unwrap(), None);
    let mut wanted = settings::get(&store, &admin()).await.unwrap();
    wanted.gates.automatic_promotion = true;
    set(&store, wanted).await;
    let (one, two) = tokio::join!(rollout::promote_when_due(&store), rollout::promote_when_due(&store));
    let promoted: Vec<Bundle> = [one.unwrap(), two.unwrap()].into_iter().flatten().collect();
    assert_eq!(promoted.len(), 1, "one of two servers does");
    assert_eq!(promoted[0].canary_pct, 50);
    assert_eq!(rollout::promote_when_due(&store).await.unwrap(), None, "the next stage has no decisions yet");
}
