//! Signed records are verified before they are relied on: a change by hand to any column of any record is refused with
//! a reason.

use crate::fixtures::*;
use lifecycle::{
    audit::EventType,
    bundle::Record as Bundle,
    overview::TaskKind,
    problem::{Code, Problem},
    review::{Packet, Verdict},
};
use sqlx::AssertSqlSafe;
use store::{Store, audit, bundles, drills, home, packets, rollout, system, testing};

/// Makes `change` to the newest row of `table`; [`restore`] reverts it.
async fn change_newest(store: &Store, table: &str, key: &str, change: &str) {
    tamper(
        store,
        &format!(
            "create table backup as select * from {table} where {key} = (select max({key}) from {table});
             update {table} set {change} where {key} = (select max({key}) from {table})"
        ),
    )
    .await;
}

async fn restore(store: &Store, table: &str, key: &str) {
    tamper(
        store,
        &format!(
            "delete from {table} where {key} in (select {key} from backup);
             insert into {table} overriding system value select * from backup; drop table backup"
        ),
    )
    .await;
}

async fn apply(store: &Store, bundle: &Bundle, packet: &Packet) -> Problem {
    Problem::from(rollout::apply(store, &owner(), bundle.id, &packet.packet_id, None).await.unwrap_err())
}

async fn altered(store: &Store, packet: &Packet) -> Vec<String> {
    packets::get(store, &author(), &packet.packet_id).await.unwrap().altered
}

/// How a record with this change is refused: a key that is missing is not called a change.
fn code_of(change: &str) -> Code {
    if change.starts_with("key_id") { Code::UnknownKey } else { Code::Conflict }
}

#[tokio::test]
async fn an_approval_with_any_column_changed_is_refused_where_it_is_used() {
    let store = testing::store().await;
    stable(&store, None, 90).await;
    let (bundle, packet) = approved(&store, None, 80).await;
    let table = "policy_packet_actions";
    for change in [
        "actor = 'mallory@example.com'",
        "roles = array['safety_owner', 'runtime_owner']",
        "decision = 'reject'",
        "reason = 'looks good'",
        "at = at + interval '1 microsecond'",
        "expires_at = expires_at + interval '1 year'",
        "idempotency_key = 'actv1:00'",
        "packet_id = 'pktv1:00'",
        "key_id = 'other'",
        "signature = repeat('0', 64)",
        "signature = ''",
    ] {
        change_newest(&store, table, "id", change).await;
        let refused = apply(&store, &bundle, &packet).await;
        let words = if change.starts_with("key_id") { "is not known here" } else { "does not count" };
        assert_eq!(refused.code, code_of(change), "{change}: {refused}");
        assert!(refused.detail.contains(words), "{change}: {refused}");
        let seen = altered(&store, &packet).await;
        assert!(seen.len() == 1 && seen[0].contains(words), "{change}: {seen:?}");
        restore(&store, table, "id").await;
    }
    assert!(altered(&store, &packet).await.is_empty());
    rollout::apply(&store, &owner(), bundle.id, &packet.packet_id, None).await.unwrap();
}

#[tokio::test]
async fn a_reviewer_is_refused_after_an_earlier_action_was_changed() {
    let store = testing::store().await;
    let draft = bundles::create(&store, &author(), source(None, 90)).await.unwrap();
    let packet = submit(&store, draft.id).await;
    packets::act(&store, &approver(), &packet.packet_id, Verdict::Approve, None).await.unwrap();
    tamper(&store, "update policy_packet_actions set actor = 'mallory@example.com'").await;
    let refused = packets::act(&store, &safety(), &packet.packet_id, Verdict::Approve, None).await.unwrap_err();
    let refused = Problem::from(refused);
    assert_eq!(refused.code, Code::Conflict);
    assert!(refused.detail.contains("mallory@example.com"), "{refused}");
}

/// A signature is valid for one packet and one submission of it, wherever its row is copied to.
#[tokio::test]
async fn an_approval_copied_to_another_packet_or_a_later_submission_is_refused() {
    let store = testing::store().await;
    stable(&store, None, 90).await;
    let (_, signed) = approved(&store, None, 80).await;
    let columns = "idempotency_key, actor, roles, decision, reason, at, expires_at, key_id, signature";
    let copy = |from: &str, packet_id: &str| {
        format!(
            "insert into policy_packet_actions (packet_row, packet_id, {columns})
             select (select max(row_id) from policy_packets), {packet_id}, {columns} from policy_packet_actions a
             where a.packet_id = '{from}' and a.packet_row < (select max(row_id) from policy_packets);
             update policy_packets set status = 'approved' where row_id = (select max(row_id) from policy_packets);
             update policy_bundles set state = 'approved' where state = 'in_review'"
        )
    };
    let draft = bundles::create(&store, &author(), source(None, 70)).await.unwrap();
    let other = submit(&store, draft.id).await;
    tamper(&store, &copy(&signed.packet_id, "packet_id")).await;
    let refused = apply(&store, &draft, &other).await;
    assert!(refused.code == Code::Conflict && refused.detail.contains("another packet"), "{refused}");
    assert!(!altered(&store, &other).await.is_empty());

    let store = testing::store().await;
    stable(&store, None, 90).await;
    let (bundle, first) = approved(&store, None, 80).await;
    bundles::withdraw(&store, &author(), bundle.id).await.unwrap();
    let resubmitted = submit(&store, bundle.id).await;
    assert_eq!(resubmitted.packet_id, first.packet_id, "the same content");
    tamper(&store, &copy(&first.packet_id, "packet_id")).await;
    let refused = apply(&store, &bundle, &resubmitted).await;
    assert!(refused.code == Code::Conflict && refused.detail.contains("before this packet was built"), "{refused}");
}

#[tokio::test]
async fn evidence_that_was_changed_can_neither_be_approved_nor_applied() {
    let store = testing::store().await;
    stable(&store, None, 90).await;
    let draft = bundles::create(&store, &author(), source(None, 80)).await.unwrap();
    let packet = submit(&store, draft.id).await;
    let edit = "update policy_packets set content = replace(content::text, 'Roll back', 'Look away')::json";
    tamper(&store, edit).await;
    let refused = packets::act(&store, &approver(), &packet.packet_id, Verdict::Approve, None).await.unwrap_err();
    let refused = Problem::from(refused);
    assert!(refused.code == Code::Conflict && refused.detail.contains("not what its id says"), "{refused}");
    assert_eq!(altered(&store, &packet).await.len(), 1);

    for (change, word) in [
        (edit, "does not hold"),
        ("update policy_packets set corpus = replace(corpus::text, '12', '13')::json", "does not hold"),
        ("update policy_packets set required_approvals = required_approvals - 1", "number of approvals"),
        (
            "update policy_bundles set content = replace(content::text, '80', '10')::json where state = 'approved'",
            "not the one that was reviewed",
        ),
        ("update policy_bundles set digest = 'sha256:00' where state = 'approved'", "not the one that was reviewed"),
    ] {
        let store = testing::store().await;
        stable(&store, None, 90).await;
        let (bundle, packet) = approved(&store, None, 80).await;
        tamper(&store, change).await;
        let refused = apply(&store, &bundle, &packet).await;
        assert!(refused.code == Code::Conflict && refused.detail.contains(word), "{change}: {refused}");
        assert!(system::get(&store, &author()).await.unwrap().canary.is_none(), "{change}");
    }
}

#[tokio::test]
async fn an_apply_record_with_any_column_changed_is_refused_before_a_promotion() {
    let store = testing::store().await;
    let first = stable(&store, None, 90).await;
    let canary = canary(&store, None, 80).await;
    serve(&store, canary.id, 5).await;
    let table = "policy_apply_record";
    for change in [
        "version = '9.9.9'".to_owned(),
        "digest = 'sha256:00'".to_owned(),
        "packet_id = null".to_owned(),
        "packet_id = 'pktv1:00'".to_owned(),
        "from_pct = 1".to_owned(),
        "to_pct = 11".to_owned(),
        "actor = 'mallory@example.com'".to_owned(),
        "at = at - interval '1 day'".to_owned(),
        "verification_checksum = null".to_owned(),
        "key_id = 'other'".to_owned(),
        "signature = repeat('a', 64)".to_owned(),
        format!("bundle_id = {}", first.id),
    ] {
        change_newest(&store, table, "id", &change).await;
        let history = rollout::history(&store, &author(), 10).await.unwrap();
        let refused: Vec<bool> = history.applies.iter().map(|record| !record.verifies()).collect();
        assert_eq!(refused, [true, false, false, false], "{change}");
        if !change.starts_with("bundle_id") {
            let refused = Problem::from(rollout::promote(&store, &owner(), canary.id, 50).await.unwrap_err());
            assert_eq!(refused.code, code_of(&change), "{change}: {refused}");
            assert!(refused.detail.contains("the record of the last apply"), "{change}: {refused}");
            assert_eq!(bundles::get(&store, &author(), canary.id).await.unwrap().canary_pct, 10, "{change}");
        }
        restore(&store, table, "id").await;
    }
    rollout::promote(&store, &owner(), canary.id, 50).await.unwrap();
}

#[tokio::test]
async fn a_rollback_record_with_any_column_changed_is_refused_when_the_rollback_is_repeated() {
    let store = testing::store().await;
    stable(&store, None, 90).await;
    let canary = canary(&store, None, 80).await;
    let first = rollout::roll_back(&store, &owner(), canary.id, rollback("Emergency", true)).await.unwrap();
    let table = "policy_rollback_record";
    for change in [
        "version = '9.9.9'",
        "digest = 'sha256:00'",
        "from_pct = 50",
        "restored_bundle_id = bundle_id",
        "restored_version = '9.9.9'",
        "reason = 'no reason at all'",
        "actor = 'mallory@example.com'",
        "on_behalf_of = 'another person'",
        "rollback_triggered_at = rollback_triggered_at - interval '1 hour'",
        "rolled_back_at = rolled_back_at - interval '1 second'",
        "incident_id = null",
        "verification_checksum = null",
        "key_id = 'other'",
        "signature = repeat('a', 64)",
    ] {
        change_newest(&store, table, "id", change).await;
        let refused = Problem::from(
            rollout::roll_back(&store, &safety(), canary.id, rollback("Emergency", true)).await.unwrap_err(),
        );
        assert!(refused.code == code_of(change) && refused.detail.contains("rollback"), "{change}: {refused}");
        let history = rollout::history(&store, &author(), 10).await.unwrap();
        assert!(!history.rollbacks[0].verifies(), "{change}");
        restore(&store, table, "id").await;
    }
    let repeated = rollout::roll_back(&store, &safety(), canary.id, rollback("Emergency", true)).await.unwrap();
    assert_eq!(repeated.rollback_id, first.rollback_id);
}

#[tokio::test]
async fn a_changed_release_and_a_changed_drill_are_shown_as_refused() {
    let store = testing::store().await;
    stable(&store, None, 90).await;
    approved(&store, None, 80).await;
    let order = system::Engage { reason: "stop".into(), ticket: None, trigger_metrics: Vec::new() };
    system::pause(&store, &safety(), order).await.unwrap();
    system::sign_release(&store, &safety(), "prices corrected").await.unwrap();
    system::sign_release(&store, &owner(), "prices checked").await.unwrap();
    let report = drills::run(&store, &owner()).await.unwrap();
    let drill = async || drills::get(&store, &author(), report.id).await.unwrap();
    let release = async || rollout::history(&store, &author(), 10).await.unwrap().releases.remove(0);
    assert!(drill().await.verifies() && release().await.verifies());
    assert_eq!(release().await.record.signatures.len(), 2);
    let overdue = async || {
        let tasks = home::overview(&store, &owner()).await.unwrap().tasks;
        tasks.iter().any(|task| matches!(task.kind, TaskKind::RunDrill(_)))
    };
    assert!(!overdue().await);

    for (before, after) in
        [("prices corrected", "nothing at all"), ("safety_owner@", "another_person@"), ("\"stop\"", "\"go on\"")]
    {
        tamper(
            &store,
            &format!(
                "create table backup as select * from policy_release_record;
                 update policy_release_record set record = replace(record::text, '{before}', '{after}')::json"
            ),
        )
        .await;
        assert!(!release().await.verifies(), "{before}");
        restore(&store, "policy_release_record", "id").await;
    }
    assert!(release().await.verifies());

    tamper(&store, "update policy_drills set report = replace(report::text, 'runtime_owner', 'mallory')::json").await;
    let seen = drill().await;
    assert_eq!(seen.refused.as_deref(), Some("the signature does not match the content"));
    let listed = drills::list(&store, &author(), &drills::Filter::default()).await.unwrap().items;
    assert!(!listed[0].verifies());
    assert!(overdue().await, "a report that does not verify proves nothing");
}

/// Without the right to switch triggers off, no record can be changed at all.
#[tokio::test]
async fn records_refuse_to_be_changed() {
    let store = testing::store().await;
    stable(&store, None, 90).await;
    let (bundle, _) = approved(&store, None, 80).await;
    drills::run(&store, &owner()).await.unwrap();
    for sql in [
        "update policy_packets set content = '{}'",
        "update policy_packets set corpus = '{}'",
        "update policy_packets set required_approvals = 0",
        "update policy_packets set authors = '{}', built_by = 'nobody'",
        "update policy_packets set built_at = now()",
        "update policy_drills set safety_passed = true, at = now()",
        "delete from policy_packet_actions",
    ] {
        let error = sqlx::query(AssertSqlSafe(sql)).execute(store.pool()).await.unwrap_err();
        assert!(error.to_string().contains("append-only"), "{sql}: {error}");
    }
    bundles::withdraw(&store, &author(), bundle.id).await.unwrap();
}

#[tokio::test]
async fn a_pause_lifted_by_sql_is_recorded_and_sealed() {
    let store = testing::store().await;
    let order = system::Engage { reason: "stop".into(), ticket: None, trigger_metrics: Vec::new() };
    system::pause(&store, &safety(), order).await.unwrap();
    sqlx::query("update system_state set pause = null").execute(store.pool()).await.unwrap();
    sqlx::query("update system_state set enabled = false").execute(store.pool()).await.unwrap();
    sqlx::query("update system_state set changed_by = 'nobody'").execute(store.pool()).await.unwrap();
    let filter = audit::Filter { event_type: Some(EventType::ManualFailover), ..Default::default() };
    let entries = audit::list(&store, &admin(), &filter).await.unwrap().items;
    assert_eq!(entries.len(), 2, "{entries:?}");
    assert_eq!((&entries[1].detail["was_paused"], &entries[1].detail["paused"]), (&true.into(), &false.into()));
    assert_eq!((entries[0].subject_type.as_str(), &entries[0].detail["enabled"]), ("system", &false.into()));
    assert!(audit::seal(&store).await.unwrap());
    let verdict = audit::verify(&store, &admin()).await.unwrap();
    assert!(verdict.valid && verdict.pending == 0, "{verdict:?}");
    store::kpi::summary(&store, &admin(), None).await.unwrap();
}
