//! Random sequences of every command, by random people, through two handles on one database, as two servers have. The
//! invariants hold after each command.

use std::collections::BTreeMap;

use crate::fixtures::*;
use lifecycle::{
    audit::Entry,
    authority::{Actor, Permission},
    bundle::State,
    problem::{Code, Problem},
    review::Verdict,
    transfer::{Upload, export::export},
};
use policy::random::Random;
use store::{Error, Store, audit, bundles, drills, packets, rollout, system, testing};

/// The workspace as its readers see it.
#[derive(Debug, Clone, PartialEq)]
struct Snapshot {
    states: BTreeMap<i64, (String, State)>,
    serving: Vec<(i64, State, i16)>,
    paused: bool,
    enabled: bool,
    audited: i64,
}

async fn snapshot(store: &Store) -> Snapshot {
    let list = bundles::Filter { limit: Some(200), ..Default::default() };
    let all = bundles::summaries(store, &author(), &list).await.unwrap().items;
    let system = system::get(store, &author()).await.unwrap();
    let audited: i64 = sqlx::query_scalar("select coalesce(max(seq), 0) from policy_lifecycle_audit")
        .fetch_one(store.pool())
        .await
        .unwrap();
    Snapshot {
        serving: all
            .iter()
            .filter(|bundle| bundle.state.is_in_service())
            .map(|bundle| (bundle.id, bundle.state, bundle.canary_pct))
            .collect(),
        states: all.into_iter().map(|bundle| (bundle.id, (bundle.version, bundle.state))).collect(),
        paused: system.paused,
        enabled: system.enabled,
        audited,
    }
}

/// A person: mostly one who may do this, so that sequences get far; sometimes any.
fn some_person(random: &mut Random, permission: Permission) -> Actor {
    let mut people = people();
    if random.below(4) > 0 {
        people.retain(|person| person.may(permission));
    }
    random.pick(&people).unwrap().clone()
}

/// A bundle: mostly one in this state, sometimes any.
fn some_bundle(random: &mut Random, before: &Snapshot, state: State) -> i64 {
    let mut ids: Vec<i64> = before.states.keys().copied().collect();
    if random.below(4) > 0 {
        let wanted: Vec<i64> = ids.iter().copied().filter(|id| before.states[id].1 == state).collect();
        if !wanted.is_empty() {
            ids = wanted;
        }
    }
    random.pick(&ids).copied().unwrap_or(0)
}

async fn packet_of(store: &Store, bundle: i64) -> String {
    let sql = "select packet_id from policy_packets where bundle_id = $1 order by row_id desc limit 1";
    let found: Option<String> = sqlx::query_scalar(sql).bind(bundle).fetch_optional(store.pool()).await.unwrap();
    found.unwrap_or_else(|| "pktv1:none".into())
}

/// Gives one random command; returns its name, the actor, the bundle it was about, and its result.
async fn command(
    store: &Store,
    random: &mut Random,
    before: &Snapshot,
) -> (&'static str, Actor, i64, Result<(), Error>) {
    use Permission::{ActOnPackets, Apply, BuildPackets, DisableEvaluation, EditDrafts, Pause, RollBack};
    let threshold = i64::try_from(random.below(99)).unwrap();
    let (name, permission, state) = [
        ("create", EditDrafts, State::Draft),
        ("clone", EditDrafts, State::Active),
        ("import", EditDrafts, State::Active),
        ("edit", EditDrafts, State::Draft),
        ("edit", EditDrafts, State::InReview),
        ("withdraw", EditDrafts, State::Approved),
        ("submit", BuildPackets, State::Draft),
        ("submit", BuildPackets, State::Draft),
        ("approve", ActOnPackets, State::InReview),
        ("approve", ActOnPackets, State::InReview),
        ("approve", ActOnPackets, State::InReview),
        ("approve", ActOnPackets, State::InReview),
        ("refuse", ActOnPackets, State::InReview),
        ("apply", Apply, State::Approved),
        ("apply", Apply, State::Approved),
        ("promote", Apply, State::Canary),
        ("promote", Apply, State::Canary),
        ("promote", Apply, State::Shadow),
        ("rollback", RollBack, State::Canary),
        ("rollback", RollBack, State::Active),
        ("pause", Pause, State::Draft),
        ("release", Pause, State::Draft),
        ("release", Pause, State::Draft),
        ("drill", Apply, State::Draft),
        ("disable", DisableEvaluation, State::Draft),
        ("enable", DisableEvaluation, State::Draft),
    ][random.below(26)];
    let who = some_person(random, permission);
    let id = some_bundle(random, before, state);
    let packet = packet_of(store, id).await;
    let result = match name {
        "create" => bundles::create(store, &who, source(None, threshold)).await.map(drop),
        "clone" => bundles::clone_draft(store, &who, id).await.map(drop),
        "import" => {
            let now = now(store).await;
            let version = format!("9.{threshold}.{}", random.below(99));
            let source = source(Some(&version), threshold);
            let file = export(store.keys(), &source, Some("ann@x"), now.into(), 24).unwrap();
            let document = serde_json::to_value(file).unwrap();
            let upload = Upload { document, import_as_version: None, unsigned: false };
            bundles::import(store, &who, upload).await.map(drop)
        }
        "edit" => {
            let revision = bundles::get(store, &author(), id).await.map_or(1, |bundle| bundle.revision);
            bundles::update(store, &who, id, revision, source(None, threshold)).await.map(drop)
        }
        "withdraw" => bundles::withdraw(store, &who, id).await.map(drop),
        "submit" => {
            let request =
                packets::BuildPacket { bundle_id: id, fallback_plan: "Roll back.".into(), ..Default::default() };
            packets::build(store, &who, request).await.map(drop)
        }
        "approve" => packets::act(store, &who, &packet, Verdict::Approve, None).await.map(drop),
        "refuse" => {
            let verdict = if random.below(2) == 0 { Verdict::Reject } else { Verdict::RequestChanges };
            packets::act(store, &who, &packet, verdict, Some("Not like this.".into())).await.map(drop)
        }
        "apply" => {
            let percent = if random.below(4) == 0 { 0 } else { 10 };
            rollout::apply(store, &who, id, &packet, Some(percent)).await.map(drop)
        }
        "promote" => {
            let now = before.serving.iter().find(|(serving, ..)| *serving == id).map_or(0, |found| found.2);
            let next =
                if random.below(4) == 0 { 100 } else { [10, 50, 100][usize::from(now >= 10) + usize::from(now >= 50)] };
            serve(store, id, 3).await;
            rollout::promote(store, &who, id, next).await.map(drop)
        }
        "rollback" => {
            let request = rollout::RollBack {
                reason: "Emergency".into(),
                rolled_back_by: None,
                create_incident: random.below(2) == 0,
                triggered_at: None,
            };
            rollout::roll_back(store, &who, id, request).await.map(drop)
        }
        "pause" => {
            let order = system::Engage { reason: "stop".into(), ticket: None, trigger_metrics: Vec::new() };
            system::pause(store, &who, order).await.map(drop)
        }
        "release" => system::sign_release(store, &who, "put right").await.map(drop),
        "drill" => drills::run(store, &who).await.map(|report| assert!(report.safety_passed, "{:?}", report.failures)),
        "disable" => system::disable(store, &who, "emergency", None).await.map(drop),
        _ => system::enable(store, &who, None).await.map(drop),
    };
    (name, who, id, result)
}

/// The audit entries after `seq`.
async fn entries_after(store: &Store, seq: i64) -> Vec<Entry> {
    let filter =
        audit::Filter { oldest_first: true, cursor: Some(seq.to_string()), limit: Some(100), ..Default::default() };
    audit::list(store, &admin(), &filter).await.unwrap().items
}

fn check_change(step: &str, before: &Snapshot, after: &Snapshot, entries: &[Entry]) {
    for (id, (version, to)) in &after.states {
        let Some((_, from)) = before.states.get(id) else {
            let created = entries.iter().filter(|entry| entry.detail["version"] == version.as_str()).count();
            assert_eq!(created, 1, "{step}: creating {version} is one entry: {entries:?}");
            continue;
        };
        if from == to {
            continue;
        }
        assert!(*from != State::RolledBack && *from != State::Rejected, "{step}: {version} left `{from}`");
        let records: Vec<&Entry> = entries
            .iter()
            .filter(|entry| {
                let about = entry.detail["version"] == version.as_str() || entry.subject_id == id.to_string();
                about && entry.detail["from_state"] == from.name() && entry.detail["to_state"] == to.name()
            })
            .collect();
        assert_eq!(records.len(), 1, "{step}: {version} went from {from} to {to}: {entries:?}");
    }
    for (name, changed) in [("paused", !before.paused && after.paused), ("released", before.paused && !after.paused)] {
        let recorded = entries.iter().filter(|entry| serde_json::to_value(entry.event_type).unwrap() == name).count();
        assert_eq!(recorded, usize::from(changed), "{step}: {name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn invariants_hold_after_every_random_command() {
    let seeds: Vec<u64> = std::env::var("MACHINE_SEED").ok().and_then(|seed| seed.parse().ok()).map_or_else(
        || vec![0x9e37_79b9_7f4a_7c15, 0x2545_f491_4f6c_dd1d, 0xd1b5_4a32_d192_ed03, 18],
        |seed: u64| vec![seed],
    );
    let mut reached: BTreeMap<String, usize> = BTreeMap::new();
    for seed in seeds {
        let options = testing::database().await;
        let servers = [
            Store::connect(options.clone(), testing::keys()).await.unwrap(),
            Store::connect(options, testing::keys()).await.unwrap(),
        ];
        for person in people().iter().chain(&[author(), approver(), safety(), owner()]) {
            testing::admit(&servers[0], person).await;
        }
        stable(&servers[0], None, 90).await;
        approved(&servers[1], None, 80).await;
        let mut random = Random::new(seed);
        for number in 0..110 {
            let before = snapshot(&servers[1]).await;
            let store = &servers[random.below(2)];
            let (name, who, id, result) = command(store, &mut random, &before).await;
            let step = format!("seed {seed:#x}, step {number}, {name} by {}", who.name);
            let after = snapshot(&servers[0]).await;
            let entries = entries_after(&servers[0], before.audited).await;
            assert_eq!(after.audited, before.audited + i64::try_from(entries.len()).unwrap(), "{step}: no gap");
            match result {
                Err(error) => {
                    assert!(
                        !matches!(error, Error::Database(_) | Error::Internal(_) | Error::Damaged(_)),
                        "{step}: {error}"
                    );
                    let problem = Problem::from(error);
                    // An attempt to use a stale approval is recorded; no other refusal is.
                    let recorded =
                        i64::from(problem.code == Code::StaleApproval) * (after.audited - before.audited).min(1);
                    let unchanged = Snapshot { audited: before.audited + recorded, ..before.clone() };
                    assert_eq!(unchanged, after, "{step}: a refusal changes nothing ({problem})");
                    if problem.code == Code::Paused {
                        assert!(before.paused, "{step}");
                        *reached.entry("refused while paused".into()).or_default() += 1;
                    }
                }
                Ok(()) => {
                    *reached.entry(name.into()).or_default() += 1;
                    assert!(entries.iter().all(|entry| entry.actor == who.name), "{step}: {entries:?}");
                    check_change(&step, &before, &after, &entries);
                    if before.paused && !entries.is_empty() {
                        assert!(!["apply", "promote", "approve"].contains(&name), "{step} during a pause");
                    }
                    if name == "approve" && !entries.is_empty() {
                        let (authors, by): (Vec<String>, String) = sqlx::query_as(
                            "select authors, built_by from policy_packets where bundle_id = $1 order by row_id desc limit 1",
                        )
                        .bind(id)
                        .fetch_one(servers[0].pool())
                        .await
                        .unwrap();
                        assert!(!authors.contains(&who.name) && by != who.name, "{step}: approved their own");
                    }
                }
            }
            let full = after.serving.iter().filter(|(_, state, _)| *state == State::Active).count();
            let in_rollout = after.serving.len() - full;
            assert!(full <= 1 && in_rollout <= 1, "{step}: {:?}", after.serving);
        }
        let history = rollout::history(&servers[0], &author(), 500).await.unwrap();
        assert!(history.applies.iter().all(|record| record.verifies()));
        assert!(history.rollbacks.iter().all(|record| record.verifies()));
    }
    for name in [
        "create",
        "clone",
        "import",
        "submit",
        "approve",
        "apply",
        "promote",
        "rollback",
        "pause",
        "release",
        "drill",
        "refused while paused",
    ] {
        assert!(reached.contains_key(name), "no `{name}` ever succeeded: {reached:?}");
    }
}
