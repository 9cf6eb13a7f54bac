//! The safety pause, its two signatures, and the emergency switch.

use lifecycle::{
    authority::{Actor, Role},
    incident::Severity,
    overview::{Task, TaskKind},
    problem::{Code, Problem},
    review::Verdict,
    signing,
    system::{Changed, ReleaseRecord},
};
use policy::{bundle::Effect, replay::Outcome};
use store::{
    Store, bundles, decisions, home, incidents, packets, rollout,
    system::{self, Engage},
    testing,
};

use crate::fixtures::*;

fn order(reason: &str) -> Engage {
    Engage { reason: reason.into(), ticket: None, trigger_metrics: Vec::new() }
}

async fn paused(store: &Store, triggers: &[&str]) -> Changed {
    let order = Engage {
        trigger_metrics: triggers.iter().map(|name| (*name).to_owned()).collect(),
        ..order("margins fall on mail from partners")
    };
    system::pause(store, &safety(), order).await.unwrap()
}

fn named(name: &str, roles: &[Role]) -> Actor {
    Actor { name: name.into(), roles: roles.iter().copied().collect(), ..owner() }
}

#[tokio::test]
async fn a_pause_stops_what_enters_service_until_two_people_release_it() {
    let store = testing::store().await;
    let first = stable(&store, None, 90).await;
    let (bundle, packet) = approved(&store, None, 80).await;
    let draft = bundles::create(&store, &author(), source(None, 70)).await.unwrap();
    let waiting = submit(&store, draft.id).await;
    let changed = paused(&store, &[]).await;
    assert!(changed.system.paused);
    let pause = changed.system.pause.unwrap();
    let ticket = incidents::get(&store, &author(), pause.ticket.as_ref().unwrap()).await.unwrap();
    assert!(ticket.title.starts_with("CLO-SAFETY-PAUSE"), "{}", ticket.title);
    assert_eq!((ticket.severity, ticket.source.as_str()), (Severity::High, "policy.pause"));
    assert!(system::live(&store).await.unwrap().paused);

    let second = system::pause(&store, &owner(), order("also me")).await.unwrap();
    assert_eq!(second.system.pause.as_ref(), Some(&pause), "the second gets the first pause");
    assert!(second.message.contains("safety_owner@example.com has paused already"), "{}", second.message);

    let refused =
        Problem::from(rollout::apply(&store, &owner(), bundle.id, &packet.packet_id, None).await.unwrap_err());
    assert_eq!((refused.code, refused.status), (Code::Paused, 423));
    for (member, value) in [("reason", pause.reason.as_str()), ("by", &pause.by), ("since", &pause.since.to_string())] {
        assert_eq!(refused.extra[member], value, "{member}");
    }
    let error = packets::act(&store, &approver(), &waiting.packet_id, Verdict::Approve, None).await.unwrap_err();
    assert_eq!(code(error), Code::Paused);
    let no = Some("Not during a pause".to_owned());
    packets::act(&store, &approver(), &waiting.packet_id, Verdict::RequestChanges, no).await.unwrap();

    let asks_first = |task: &Task| matches!(task.kind, TaskKind::FirstReleaseSignature { .. });
    let asks_second = |task: &Task| matches!(task.kind, TaskKind::SecondReleaseSignature { .. });
    let tasks = home::overview(&store, &owner()).await.unwrap().tasks;
    assert!(tasks.iter().any(asks_first), "{tasks:?}");
    let one = system::sign_release(&store, &safety(), "partner prices were corrected").await.unwrap();
    assert!(one.message.starts_with("1 of 2"), "{}", one.message);
    assert!(one.system.paused);
    let tasks = home::overview(&store, &owner()).await.unwrap().tasks;
    assert!(tasks.iter().any(asks_second), "{tasks:?}");
    let tasks = home::overview(&store, &safety()).await.unwrap().tasks;
    assert!(!tasks.iter().any(|task| asks_first(task) || asks_second(task)), "{tasks:?}");
    let twice = system::sign_release(&store, &safety(), "once more").await.unwrap_err();
    assert_eq!(code(twice), Code::ReleaseRefused);
    let two = system::sign_release(&store, &owner(), "prices checked").await.unwrap();
    assert!(!two.system.paused && two.system.pause.is_none(), "{}", two.message);

    let record: sqlx::types::Json<ReleaseRecord> =
        sqlx::query_scalar("select record from policy_release_record").fetch_one(store.pool()).await.unwrap();
    assert_eq!(signing::verify(&store.keys(), &record.0), Ok(()));
    assert_eq!(record.0.signatures.len(), 2);
    let rewritten = sqlx::query("update policy_release_record set released_at = now()").execute(store.pool()).await;
    assert!(rewritten.unwrap_err().to_string().contains("append-only"));
    assert_eq!(
        events(&store, 5).await,
        ["paused", "incident_opened", "changes_requested 1.0.2", "release_signed", "released"]
    );
    let ticket = incidents::get(&store, &author(), &ticket.id).await.unwrap();
    assert_eq!(ticket.timeline.len(), 3, "{:?}", ticket.timeline);

    rollout::apply(&store, &owner(), bundle.id, &packet.packet_id, None).await.unwrap();
    let nothing = system::sign_release(&store, &owner(), "again").await.unwrap_err();
    assert_eq!(code(nothing), Code::InvalidTransition);
    assert_eq!(bundles::get(&store, &author(), first.id).await.unwrap().canary_pct, 100);
}

#[tokio::test]
async fn one_person_never_releases_alone() {
    let store = testing::store().await;
    paused(&store, &[]).await;
    let both = named("both@example.com", &[Role::SafetyOwner, Role::RuntimeOwner]);
    testing::admit(&store, &both).await;
    system::sign_release(&store, &both, "as safety owner").await.unwrap();
    for name in ["both@example.com", "Both@Example.com"] {
        for roles in [&[Role::RuntimeOwner][..], &[Role::SafetyOwner], &[Role::SafetyOwner, Role::RuntimeOwner]] {
            let refused = system::sign_release(&store, &named(name, roles), "as runtime owner").await.unwrap_err();
            assert_eq!(code(refused), Code::ReleaseRefused, "{name} {roles:?}");
        }
    }
    assert!(system::get(&store, &author()).await.unwrap().paused);
    assert!(!system::sign_release(&store, &safety(), "as another person").await.unwrap().system.paused);
}

#[tokio::test]
async fn a_release_waits_for_its_triggers_and_names_the_unknown_ones() {
    let store = testing::store().await;
    let first = stable(&store, None, 90).await;
    serve(&store, first.id, 3).await;
    paused(&store, &["policy_error_rate_5m", "complaints by phone"]).await;
    let silent = Problem::from(system::sign_release(&store, &safety(), "fixed").await.unwrap_err());
    assert_eq!((silent.code, silent.errors[0].pointer.as_str()), (Code::InvalidField, "/remediation"));
    assert!(silent.detail.contains("complaints by phone"), "{}", silent.detail);
    let blank = Problem::from(system::sign_release(&store, &safety(), " ").await.unwrap_err());
    assert_eq!(blank.errors[0].pointer, "/remediation");
    system::sign_release(&store, &safety(), "fixed; no complaints by phone since noon").await.unwrap();

    let ids: Vec<String> =
        sqlx::query_scalar("select decision_id from policy_decisions").fetch_all(store.pool()).await.unwrap();
    let failed: Outcome = serde_json::from_value(serde_json::json!({"status": "error"})).unwrap();
    let reports: Vec<_> =
        ids.into_iter().map(|decision_id| decisions::OutcomeReport { decision_id, outcome: failed.clone() }).collect();
    decisions::report_outcomes(&store, &actor(Role::Service), &reports).await.unwrap();
    let held = Problem::from(system::sign_release(&store, &owner(), "fixed").await.unwrap_err());
    assert_eq!(held.code, Code::ReleaseRefused);
    assert_eq!(held.extra["metrics"][0]["metric"], "error_rate_5m");
    assert!(held.detail.contains("100.0 %"), "{}", held.detail);
    assert!(system::get(&store, &author()).await.unwrap().paused);

    tamper(&store, "update policy_decision_counts set at = at - interval '6 minutes'").await;
    assert!(!system::sign_release(&store, &owner(), "fixed").await.unwrap().system.paused);
}

#[tokio::test]
async fn alerts_of_the_kpi_summary_hold_a_release_back() {
    let store = testing::store().await;
    let order = Engage { trigger_metrics: vec!["rollback_spike_alert".into()], ..order("rollbacks pile up") };
    system::pause(&store, &safety(), order).await.unwrap();
    system::sign_release(&store, &safety(), "the source is known").await.unwrap();
    // Simulates too many rollbacks.
    as_owner(
        &store,
        "alter view clo_kpi_summary_v1 rename to as_computed;
         create view clo_kpi_summary_v1 as select 1 as rollback_spike_alert;
         select countersign_grant()",
    )
    .await;
    let held = Problem::from(system::sign_release(&store, &owner(), "fixed").await.unwrap_err());
    assert_eq!(
        (held.code, held.extra["metrics"][0]["metric"].as_str()),
        (Code::ReleaseRefused, Some("rollback_spike"))
    );
    as_owner(&store, "drop view clo_kpi_summary_v1; alter view as_computed rename to clo_kpi_summary_v1").await;
    assert!(!system::sign_release(&store, &owner(), "fixed").await.unwrap().system.paused);
}

#[tokio::test]
async fn a_forged_signature_does_not_count() {
    let store = testing::store().await;
    paused(&store, &[]).await;
    system::sign_release(&store, &safety(), "fixed").await.unwrap();
    // An attacker with every right in the database might do this.
    sqlx::raw_sql(
        "update system_state set pause = replace(pause::text, 'safety_owner@example.com', 'another@example.com')::json",
    )
    .execute(store.pool())
    .await
    .unwrap();
    let changed = system::sign_release(&store, &owner(), "fixed").await.unwrap();
    assert!(changed.system.paused && changed.message.starts_with("1 of 2"), "{}", changed.message);
}

#[tokio::test]
async fn rollback_works_during_a_pause() {
    let store = testing::store().await;
    let good = stable(&store, None, 90).await;
    let bad = canary(&store, None, 80).await;
    paused(&store, &[]).await;
    let error = rollout::promote(&store, &owner(), bad.id, 50).await.unwrap_err();
    assert_eq!(code(error), Code::Paused);
    let back = rollback("Emergency", true);
    assert_eq!(rollout::roll_back(&store, &safety(), bad.id, back).await.unwrap().id, good.id);
}

/// An auditor's questions about a pause: what was live, what was run and rolled back meanwhile, and who ended it.
#[tokio::test]
async fn the_ticket_of_a_pause_has_its_whole_timeline() {
    let store = testing::store().await;
    let good = stable(&store, None, 90).await;
    let bad = canary(&store, None, 80).await;
    let ticket = paused(&store, &["rollback_spike_alert"]).await.system.pause.unwrap().ticket.unwrap();
    let drill = store::drills::run(&store, &owner()).await.unwrap();
    let back = rollback("Emergency", false);
    let back = rollout::roll_back(&store, &safety(), bad.id, back).await.unwrap();
    system::sign_release(&store, &safety(), "prices were corrected").await.unwrap();
    let ticket = incidents::get(&store, &author(), &ticket).await.unwrap();
    for expected in [good.version.as_str(), &format!("{} (bundle {})", bad.version, bad.id), "rollback_spike_alert"] {
        assert!(ticket.description.contains(expected), "{expected}: {}", ticket.description);
    }
    let lines: Vec<&str> = ticket.timeline.iter().map(|line| line.text.as_str()).collect();
    assert_eq!(lines.len(), 4, "{lines:?}");
    assert!(lines[1].contains(&format!("Drill {}", drill.id)) && lines[1].contains("passed"), "{lines:?}");
    assert!(lines[2].contains(&format!("rollback {}", back.rollback_id)), "{lines:?}");
    assert!(lines[3].contains("1 of 2"), "{lines:?}");
}

#[tokio::test]
async fn a_pause_needs_a_reason_and_may_name_its_ticket() {
    let store = testing::store().await;
    assert_eq!(code(system::pause(&store, &owner(), order("  ")).await.unwrap_err()), Code::InvalidField);
    let order = Engage { ticket: Some(" OPS-7 ".into()), ..order("stop") };
    let pause = system::pause(&store, &owner(), order).await.unwrap().system.pause.unwrap();
    assert_eq!(pause.ticket.as_deref(), Some("OPS-7"));
    let opened: i64 = sqlx::query_scalar("select count(*) from incidents").fetch_one(store.pool()).await.unwrap();
    assert_eq!(opened, 0);
}

#[tokio::test]
async fn evaluation_is_disabled_and_enabled_by_an_administrator() {
    let store = testing::store().await;
    let mut listener = system::watch(&store).await.unwrap();
    let blank = system::disable(&store, &admin(), " ", None).await.unwrap_err();
    assert_eq!(code(blank), Code::InvalidField);
    let off = system::disable(&store, &admin(), "Emergency bypass", None).await.unwrap();
    assert!(!off.system.enabled);
    let disabled = off.system.disabled.clone().unwrap();
    assert_eq!((off.system.bypass_effect, disabled.reason.as_str()), (Effect::Allow, "Emergency bypass"));
    tokio::time::timeout(std::time::Duration::from_secs(1), listener.recv()).await.unwrap().unwrap();
    assert!(!system::live(&store).await.unwrap().enabled);

    let second = system::disable(&store, &admin(), "me too", None).await.unwrap();
    assert_eq!(second.system, off.system);
    let other = system::disable(&store, &admin(), "nothing may pass", Some(Effect::Deny)).await.unwrap();
    assert_eq!((other.system.bypass_effect, other.system.disabled), (Effect::Deny, Some(disabled)));
    let on = system::enable(&store, &admin(), None).await.unwrap();
    assert!(on.system.enabled && on.system.disabled.is_none());
    assert!(system::enable(&store, &admin(), None).await.unwrap().message.contains("already"));
    assert_eq!(events(&store, 3).await, ["evaluation_disabled", "evaluation_disabled", "evaluation_enabled"]);
}
