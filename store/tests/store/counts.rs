//! The counts of decisions say what a scan of the log would: whatever is decided, repeated, reported and added together,
//! by however many servers.

use std::{collections::BTreeMap, ops::Range};

use lifecycle::{
    authority::Role,
    decision::{BundleRef, Mode, OtherArm, Record},
};
use policy::{
    bundle::{Budget, Effect},
    engine::{Arm, Status},
    replay::{Outcome, OutcomeStatus},
};
use rand::{RngExt as _, SeedableRng, rngs::StdRng};
use sqlx::AssertSqlSafe;
use store::{Store, decisions, rollout, testing};

use crate::fixtures::*;

/// What figures are made of, by everything that is distinguished. One row a kind of decision.
const DIMENSIONS: &str =
    "stage, bundle_id, other_bundle_id, arm, mode, effect, status, other_effect, other_status, outcome";

type Totals = BTreeMap<String, String>;

/// The rows that a statement counts, each as `dimensions` and `measures`.
async fn rows(store: &Store, sql: &str) -> Totals {
    let rows: Vec<(String, String)> =
        sqlx::query_as(AssertSqlSafe(sql.to_owned())).fetch_all(store.pool()).await.unwrap();
    rows.into_iter().collect()
}

const MEASURES: &str = "decisions, cost_count, cost_sum, cost_squares, reported_cost_count, margin_count, margin_sum, \
    succeeded, latency_count, latency_sum, reported_at";

async fn counted(store: &Store, named: &str) -> Totals {
    let sums: Vec<String> = MEASURES
        .split(", ")
        .map(
            |name| {
                if name == "reported_at" { "max(reported_at)".to_owned() } else { format!("trim_scale(sum({name}))") }
            },
        )
        .collect();
    let sql = format!(
        "select row({DIMENSIONS}{named})::text, row({})::text from policy_decision_counts
         group by {DIMENSIONS}{named} having sum(decisions) <> 0",
        sums.join(", ")
    );
    rows(store, &sql).await
}

async fn scanned(store: &Store, named: &str) -> Totals {
    let sql = format!(
        "select row({DIMENSIONS}{named})::text, row(count(*), count(cost), trim_scale(coalesce(sum(cost::numeric), 0)),
             trim_scale(coalesce(sum((cost * cost)::numeric), 0)), count(reported), count(margin_bps),
             trim_scale(coalesce(sum(margin_bps::numeric), 0)), count(*) filter (where succeeded), count(latency_ms),
             trim_scale(coalesce(sum(latency_ms::numeric), 0)), max(reported_at))::text
         from (select d.stage, bundle_id, other_bundle_id, arm, mode, agent, action, effect, d.status, other_effect,
                   other_status, o.status as outcome, coalesce(o.cost, d.cost) as cost, o.cost as reported, margin_bps,
                   coalesce(success, o.status = 'ok') as succeeded, latency_ms, reported_at
               from policy_decisions d left join policy_decision_outcomes o using (decision_id, recorded_at)) all_of_it
         group by {DIMENSIONS}{named}"
    );
    rows(store, &sql).await
}

/// The counts, added up by all but agents and actions, and by these too as long as they are distinguished.
pub async fn assert_counts_agree(store: &Store, with_agents: bool, when: &str) {
    assert_eq!(counted(store, "").await, scanned(store, "").await, "{when}");
    if with_agents {
        assert_eq!(counted(store, ", agent, action").await, scanned(store, ", agent, action").await, "{when}");
    }
}

struct Traffic {
    random: StdRng,
    ids: Vec<String>,
}

impl Traffic {
    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.random.random_range(0..from.len())].clone()
    }

    fn cost(&mut self) -> Option<f64> {
        self.random.random_bool(0.6).then(|| f64::from(self.random.random_range(0..400)) / 100.0)
    }

    fn decision(&mut self, at: time::OffsetDateTime, bundles: &[BundleRef]) -> Record {
        let status = [Status::Matched, Status::NoMatch, Status::Error];
        let effect = [Effect::Allow, Effect::Deny, Effect::NeedsApproval];
        let own = self.random.random_bool(0.9).then(|| self.pick(bundles));
        let other = self.random.random_bool(0.5).then(|| self.pick(bundles)).map(|bundle| OtherArm {
            bundle,
            effect: self.pick(&effect),
            status: self.pick(&status),
            matched_rule: None,
        });
        let mut record = decision(at, self.pick(&[Arm::Stable, Arm::Canary]), bundles[0].clone(), None);
        // Some ids are asked for again, by either server.
        if self.random.random_bool(0.2) && !self.ids.is_empty() {
            record.decision_id = self.pick(&self.ids.clone());
        }
        self.ids.push(record.decision_id.clone());
        Record {
            agent: format!("agent.{}", self.random.random_range(0..4)),
            action: format!("act{}", self.random.random_range(0..3)),
            subject: format!("subject-{}", self.random.random_range(0..50)),
            effect: self.pick(&effect),
            status: self.pick(&status),
            mode: self.pick(&[Mode::Normal, Mode::Bypass, Mode::Degraded]),
            budget: Some(Budget { cost: self.cost(), ..Budget::default() }),
            bundle: own,
            other_arm: other,
            ..record
        }
    }

    fn report(&mut self) -> decisions::OutcomeReport {
        let number = |random: &mut StdRng, range: Range<i32>| {
            random.random_bool(0.5).then(|| f64::from(random.random_range(range)) / 8.0)
        };
        decisions::OutcomeReport {
            decision_id: self.pick(&self.ids.clone()),
            outcome: Outcome {
                status: self.pick(&[OutcomeStatus::Ok, OutcomeStatus::Error]),
                cost: self.cost(),
                margin_bps: number(&mut self.random, -500..500),
                success: self.random.random_bool(0.5).then(|| self.random.random_bool(0.5)),
                latency_ms: number(&mut self.random, 0..9_000),
                note: None,
            },
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_are_what_a_scan_of_the_log_gives() {
    for seed in 0..4 {
        let store = testing::store().await;
        stable(&store, Some("1.0.0"), 90).await;
        let other = Store::connect((*store.pool().connect_options()).clone(), testing::keys()).await.unwrap();
        let (mut one, mut two) = (decisions::Appender::new(store.clone()), decisions::Appender::new(other.clone()));
        let mut traffic = Traffic { random: StdRng::seed_from_u64(seed), ids: Vec::new() };
        let bundles = [1, 2, 3].map(|id| BundleRef { id, version: format!("{id}.0.0"), digest: "sha256:00".into() });
        let service = actor(Role::Service);
        for round in 0..12 {
            let at = now(&store).await;
            let size = traffic.random.random_range(1..60);
            let mut batch = |_| (0..size).map(|_| traffic.decision(at, &bundles)).collect::<Vec<_>>();
            let batches = [0, 1].map(&mut batch);
            let (first, second) = tokio::join!(one.append(&batches[0]), two.append(&batches[1]));
            first.unwrap();
            second.unwrap();
            let reports: Vec<_> = (0..40).map(|_| traffic.report()).collect();
            let (some, rest) = reports.split_at(20);
            let (first, second) = tokio::join!(
                decisions::report_outcomes(&store, &service, some),
                decisions::report_outcomes(&other, &service, rest)
            );
            first.unwrap();
            second.unwrap();
            if round == 5 {
                // A new stage begins amid the traffic.
                rollout_step(&store).await;
            }
            if round % 4 == 3 {
                // What is already recorded grows older: it is added together, by both servers at once.
                let with_agents = round < 4;
                assert_counts_agree(&store, with_agents, &format!("seed {seed}, round {round}")).await;
                tamper(&store, &age(if round < 4 { "30 seconds" } else { "20 minutes" })).await;
                let (first, second) = tokio::join!(decisions::fold_counts(&store), decisions::fold_counts(&other));
                first.unwrap();
                second.unwrap();
                assert_counts_agree(&store, with_agents, &format!("seed {seed}, folded in round {round}")).await;
            }
        }
        tamper(&store, &age("30 hours")).await;
        decisions::fold_counts(&store).await.unwrap();
        assert_counts_agree(&store, false, &format!("seed {seed}, a day later")).await;
        let long: i64 =
            sqlx::query_scalar("select count(*) from policy_decision_counts where span < 3600 and decisions > 0")
                .fetch_one(store.pool())
                .await
                .unwrap();
        assert_eq!(long, 0);
    }
}

/// Moves the start of every row of counts, and nothing else, into the past.
fn age(by: &str) -> String {
    format!("update policy_decision_counts set at = at - interval '{by}'")
}

async fn rollout_step(store: &Store) {
    let bundle = canary(store, Some("1.0.1"), 80).await;
    serve(store, bundle.id, 5).await;
    let status = rollout::canary_status(store, &author(), bundle.id).await.unwrap();
    // The stage began within the 10 seconds of what was recorded before; none of that is the stage's.
    assert_eq!((status.canary.decisions, status.stable.decisions, status.compared), (5, 5, 10));
}

#[tokio::test]
async fn no_more_than_a_thousand_agents_and_actions_a_minute_are_told_apart() {
    let store = testing::store().await;
    let bundle = BundleRef { id: 1, version: "1.0.0".into(), digest: "sha256:00".into() };
    let other = Store::connect((*store.pool().connect_options()).clone(), testing::keys()).await.unwrap();
    let (mut one, mut two) = (decisions::Appender::new(store.clone()), decisions::Appender::new(other));
    let at = now(&store).await;
    let batch = |from: usize| -> Vec<Record> {
        let ask = |number: usize| Record {
            agent: format!("agent.{number}"),
            ..decision(at, Arm::Stable, bundle.clone(), None)
        };
        (from..from + 900).map(ask).collect()
    };
    let (first, second) = (batch(0), batch(600));
    let (done, also) = tokio::join!(one.append(&first), two.append(&second));
    done.unwrap();
    also.unwrap();
    let (minutes, named, unnamed): (i64, i64, i64) = sqlx::query_as(
        "select count(distinct date_trunc('minute', at)), count(distinct (date_trunc('minute', at), agent)) filter (where agent <> 'other'),
             coalesce(sum(decisions) filter (where agent = 'other' and action = 'other'), 0)::int8
         from policy_decision_counts",
    )
    .fetch_one(store.pool())
    .await
    .unwrap();
    assert!(named <= 1000 * minutes, "{named} in {minutes}");
    if minutes == 1 {
        assert_eq!((named, unnamed > 0), (1000, true));
    }
    // An outcome finds the row again that its decision was counted in.
    let reports: Vec<_> = first
        .iter()
        .chain(&second)
        .map(|record| decisions::OutcomeReport {
            decision_id: record.decision_id.clone(),
            outcome: Outcome {
                status: OutcomeStatus::Error,
                cost: None,
                margin_bps: None,
                success: None,
                latency_ms: None,
                note: None,
            },
        })
        .collect();
    decisions::report_outcomes(&store, &actor(Role::Service), &reports).await.unwrap();
    let left: i64 = sqlx::query_scalar(
        "select count(*) from (select agent, sum(decisions) from policy_decision_counts where outcome is null
             group by agent having sum(decisions) <> 0) left_over",
    )
    .fetch_one(store.pool())
    .await
    .unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn the_subjects_of_a_stage_are_counted() {
    let store = testing::store().await;
    let first = stable(&store, None, 90).await;
    let bundle = canary(&store, None, 80).await;
    // Only who asks for several subjects minds a large one.
    let mut wanted = store::settings::get(&store, &admin()).await.unwrap();
    wanted.gates.min_subjects = 2;
    set(&store, wanted).await;
    let at = now(&store).await;
    let reference = BundleRef { id: bundle.id, version: bundle.version.clone(), digest: bundle.digest.clone() };
    let records: Vec<Record> = (0..100)
        .map(|number: usize| Record {
            subject: if number < 60 { "loud".into() } else { format!("subject-{}", number % 9) },
            ..decision(at, Arm::Canary, reference.clone(), None)
        })
        .collect();
    decisions::Appender::new(store.clone()).append(&records).await.unwrap();
    let seen = async |bundle: i64| {
        let status = rollout::canary_status(&store, &author(), bundle).await.unwrap();
        status.gates.gates.into_iter().find(|gate| gate.name.name() == "sample_size").unwrap()
    };
    let sample = seen(bundle.id).await;
    assert_eq!((sample.sample, sample.subjects), (100, Some(10)));
    assert!(sample.message.contains("`loud` makes up 60 %"), "{}", sample.message);
    assert_eq!(seen(first.id).await.subjects, Some(0), "nobody since it is stable");

    // What the statement of the migration makes of the log is what was counted with each decision.
    let counted = async || -> Vec<(i16, i64, i16, i64)> {
        sqlx::query_as(
            "select bucket, sum(decisions)::int8, max(zeros), bit_or(seen) from policy_stage_subjects
             group by stage, bundle_id, bucket order by stage, bundle_id, bucket",
        )
        .fetch_all(store.pool())
        .await
        .unwrap()
    };
    let written = counted().await;
    assert!(written.len() >= 10, "{written:?}");
    let migration = include_str!("../../../migrations/0052_decision_counts.sql");
    let (_, again) = migration.split_once("insert into policy_stage_subjects").unwrap();
    tamper(&store, &format!("truncate policy_stage_subjects; insert into policy_stage_subjects {again}")).await;
    assert_eq!(counted().await, written);
    // Rows of connections that are gone are added together.
    tamper(&store, "update policy_stage_subjects set writer = 2147483647").await;
    decisions::fold_counts(&store).await.unwrap();
    assert_eq!(counted().await, written);
    let writers: Vec<i32> =
        sqlx::query_scalar("select distinct writer from policy_stage_subjects").fetch_all(store.pool()).await.unwrap();
    assert_eq!(writers, [0]);
}
