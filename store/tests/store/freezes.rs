//! Freezes hold applies and promotions, and nothing else.

use lifecycle::{
    audit::EventType,
    problem::{Code, Problem},
    rollout::freeze::{Exemption, Operation, Recurrence, Scope},
};
use store::{audit, rollout};

use crate::fixtures::{
    admin, approved, author, canary, code, fast_gates, owner, rollback, safety, serve, stable, tamper,
};

fn stop(scope: Option<Scope>) -> rollout::NewFreeze {
    rollout::NewFreeze {
        name: "Year end".into(),
        reason: "half of the team is away".into(),
        recurrence: None,
        scope,
        exemptions: Vec::new(),
    }
}

#[tokio::test]
async fn while_the_line_is_stopped_only_who_is_exempt_goes_on_and_a_rollback_always_does() {
    let store = store::testing::store().await;
    fast_gates(&store).await;
    let new = canary(&store, None, 70).await;
    serve(&store, new.id, 5).await;
    let made = rollout::freeze(&store, &safety(), stop(None)).await.unwrap();
    let refused = Problem::from(rollout::promote(&store, &owner(), new.id, 50).await.unwrap_err());
    assert_eq!((refused.code, refused.status), (Code::Frozen, 423));
    assert!(refused.detail.contains("Year end (half of the team is away)"), "{}", refused.detail);
    assert_eq!(refused.extra["freezes"][0]["freeze_id"], made.id);
    let status = rollout::canary_status(&store, &author(), new.id).await.unwrap();
    assert!(!status.can_promote && status.freezes.len() == 1, "it is shown before a person waits: {status:?}");

    rollout::end_freeze(&store, &owner(), made.id).await.unwrap();
    assert_eq!(rollout::end_freeze(&store, &safety(), made.id).await.unwrap().ended_by, Some(owner().name), "once");
    let exemption = Exemption { person: format!(" {} ", owner().name), reason: "on call".into(), until: None };
    let nobody = Exemption { person: "nobody@example.com".into(), ..exemption.clone() };
    let stranger = rollout::NewFreeze { exemptions: vec![exemption.clone(), nobody], ..stop(None) };
    let refused = Problem::from(rollout::freeze(&store, &safety(), stranger).await.unwrap_err());
    assert_eq!((refused.code, refused.errors[0].pointer.as_str()), (Code::InvalidField, "/exemptions/1/person"));
    let made = rollout::NewFreeze { exemptions: vec![exemption], ..stop(None) };
    let made = rollout::freeze(&store, &safety(), made).await.unwrap();
    rollout::promote(&store, &owner(), new.id, 50).await.unwrap();
    let filter = audit::Filter { event_type: Some(EventType::FreezePassed), ..audit::Filter::default() };
    let passed = audit::list(&store, &admin(), &filter).await.unwrap().items;
    assert_eq!((passed.len(), passed[0].subject_id.as_str()), (1, made.id.to_string().as_str()));

    let old = stable_after(&store, new.id).await;
    let next = canary_after(&store, old).await;
    rollout::freeze(&store, &owner(), stop(None)).await.unwrap();
    rollout::roll_back(&store, &owner(), next, rollback("errors above ten percent", false)).await.unwrap();
}

/// Promotes the bundle to 100 % and returns it.
async fn stable_after(store: &store::Store, id: i64) -> i64 {
    serve(store, id, 5).await;
    rollout::promote(store, &owner(), id, 100).await.unwrap();
    id
}

async fn canary_after(store: &store::Store, _stable: i64) -> i64 {
    let (bundle, packet) = approved(store, None, 60).await;
    rollout::apply(store, &owner(), bundle.id, &packet.packet_id, None).await.unwrap().id
}

#[tokio::test]
async fn a_freeze_counts_for_its_agents_and_operations() {
    let store = store::testing::store().await;
    stable(&store, None, 80).await;
    let (bundle, packet) = approved(&store, None, 70).await;
    let scope = |operations: Vec<Operation>, agent: &str| Some(Scope { operations, agents: vec![agent.to_owned()] });
    rollout::freeze(&store, &owner(), stop(scope(vec![], "payments.*"))).await.unwrap();
    rollout::freeze(&store, &owner(), stop(scope(vec![Operation::Promote], "inbox.*"))).await.unwrap();
    rollout::apply(&store, &owner(), bundle.id, &packet.packet_id, None).await.unwrap();
    serve(&store, bundle.id, 5).await;
    let refused = rollout::promote(&store, &owner(), bundle.id, 50).await.unwrap_err();
    assert_eq!(code(refused), Code::Frozen);
    let held = rollout::freezes_holding(&store, &author(), Operation::Apply).await.unwrap();
    assert_eq!(held.len(), 1, "of a step whose agents are not known");
}

#[tokio::test]
async fn a_freeze_is_ended_and_never_changed() {
    let store = store::testing::store().await;
    let window = Recurrence {
        starts_at: "2026-12-18T18:00".into(),
        zone: "Europe/Berlin".into(),
        minutes: 60,
        rule: Some("FREQ=WEEKLY;BYDAY=FR".into()),
    };
    let made = rollout::NewFreeze { recurrence: Some(window.clone()), ..stop(None) };
    let made = rollout::freeze(&store, &safety(), made).await.unwrap();
    assert_eq!(rollout::freezes(&store, &author()).await.unwrap(), std::slice::from_ref(&made));
    for change in ["name = 'x'", "ended_by = 'x'", "scope = '{}'"] {
        let sql = format!("update policy_freezes set {change}");
        let refused = sqlx::query(sqlx::AssertSqlSafe(sql)).execute(store.pool()).await.unwrap_err();
        assert!(refused.to_string().contains("freeze") || refused.to_string().contains("check"), "{change}: {refused}");
    }
    assert!(sqlx::query("delete from policy_freezes").execute(store.pool()).await.is_err());
    let wrong = |recurrence: Recurrence| rollout::NewFreeze { recurrence: Some(recurrence), ..stop(None) };
    for (recurrence, pointer) in [
        (Recurrence { zone: "Nowhere".into(), ..window.clone() }, "/recurrence/zone"),
        (Recurrence { rule: Some("FREQ=HOURLY".into()), ..window.clone() }, "/recurrence/rule"),
        (Recurrence { minutes: 0, ..window.clone() }, "/recurrence/minutes"),
        (Recurrence { starts_at: "tomorrow".into(), ..window }, "/recurrence/starts_at"),
    ] {
        let refused = Problem::from(rollout::freeze(&store, &safety(), wrong(recurrence)).await.unwrap_err());
        assert_eq!((refused.code, refused.errors[0].pointer.as_str()), (Code::InvalidField, pointer));
    }
    let blank = rollout::NewFreeze { reason: "short".into(), ..stop(None) };
    assert_eq!(code(rollout::freeze(&store, &safety(), blank).await.unwrap_err()), Code::InvalidField);
    // An attacker with every right cannot hide it: what is ended by hand has no entry of a use case.
    tamper(&store, "update policy_freezes set ended_by = 'x', ended_at = now()").await;
    assert!(rollout::freezes(&store, &author()).await.unwrap().is_empty());
}
