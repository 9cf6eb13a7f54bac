//! What is served is checked: no change of it goes unseen, no session switches the triggers off, and a bundle that
//! nothing proves is served with a critical incident.

use crate::fixtures::*;
use lifecycle::{
    audit::{Entry, EventType, Flaw},
    bundle::Record as Bundle,
    incident::{Incident, Severity},
};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use store::{Store, audit, bundles, incidents, rollout, system, testing};

/// A connection as this role.
async fn connect_as(store: &Store, role: &str) -> PgConnection {
    let options = (*store.pool().connect_options()).clone().username(role);
    PgConnection::connect_with(&options).await.unwrap()
}

async fn run_as(store: &Store, role: &str, sql: &str) -> Result<(), String> {
    let mut db = connect_as(store, role).await;
    let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut db).await;
    done.map(drop).map_err(|error| error.to_string())
}

async fn failovers(store: &Store) -> Vec<Entry> {
    let filter = audit::Filter { event_type: Some(EventType::ManualFailover), ..Default::default() };
    audit::list(store, &admin(), &filter).await.unwrap().items
}

/// The open incidents about bundles that nothing proves, after a look at what is served.
async fn unproven(store: &Store) -> Vec<Incident> {
    while !rollout::check_serving(store).await.unwrap() {
        audit::seal(store).await.unwrap();
    }
    let all = incidents::list(store, &admin(), &incidents::Filter::default()).await.unwrap().items;
    all.into_iter().filter(|incident| incident.source == "policy.unproven").collect()
}

const ROLES: [&str; 3] = ["countersign", "countersign_operator", "countersign_owner"];

/// R1's failover to this version.
fn failover(version: &str) -> String {
    format!(
        "BEGIN; UPDATE policy_bundles SET active = false, canary_pct = 0;
         UPDATE policy_bundles SET active = true, canary_pct = 100 WHERE version = '{version}'; COMMIT;"
    )
}

#[tokio::test]
async fn what_use_cases_put_into_service_is_proven() {
    let store = testing::store().await;
    assert!(unproven(&store).await.is_empty());
    let first = stable(&store, Some("1.0.0"), 90).await;
    assert!(unproven(&store).await.is_empty());
    let second = canary(&store, Some("1.0.1"), 80).await;
    assert!(unproven(&store).await.is_empty());
    serve(&store, second.id, 5).await;
    rollout::promote(&store, &owner(), second.id, 50).await.unwrap();
    assert!(unproven(&store).await.is_empty());
    serve(&store, second.id, 5).await;
    rollout::promote(&store, &owner(), second.id, 100).await.unwrap();
    assert!(unproven(&store).await.is_empty());
    rollout::roll_back(&store, &owner(), second.id, rollback("it was not so good", false)).await.unwrap();
    assert!(unproven(&store).await.is_empty());
    assert_eq!(system::live(&store).await.unwrap().stable.unwrap().id, first.id);
}

#[tokio::test]
async fn every_role_may_fail_over_and_the_audit_names_it() {
    for role in ROLES {
        let store = testing::store().await;
        stable(&store, Some("1.0.0"), 90).await;
        stable(&store, Some("1.0.1"), 80).await;
        run_as(&store, role, &failover("1.0.0")).await.unwrap();
        assert_eq!(system::live(&store).await.unwrap().stable.unwrap().version, "1.0.0");
        assert!(unproven(&store).await.is_empty(), "{role}: a failover that was seen is a proof");
        let entries = failovers(&store).await;
        assert_eq!(entries.len(), 2, "{entries:?}");
        assert!(
            entries.iter().all(|entry| entry.actor == format!("sql:{role}") && entry.seal.is_some()),
            "{entries:?}"
        );
        assert!(audit::verify(&store, &admin()).await.unwrap().valid);
    }
}

#[tokio::test]
async fn an_operator_reads_and_fails_over_and_does_nothing_else() {
    let store = testing::store().await;
    let bundle = stable(&store, Some("1.0.0"), 90).await;
    let operator = "countersign_operator";
    for sql in ["select * from policy_decisions", "select email, roles from people", "select * from clo_kpi_summary_v1"]
    {
        run_as(&store, operator, sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
    for sql in [
        "select password_hash from people",
        "select token_hash from api_tokens",
        "select * from sessions",
        "update policy_bundles set state = 'approved'",
        "update policy_bundles set digest = 'x'",
        "insert into policy_lifecycle_audit select * from policy_lifecycle_audit",
        "update policy_audit_head set seq = 99",
        "update people set roles = '{admin}'",
        "update settings set value = '{}'",
        "delete from policy_decisions",
        "alter table policy_bundles disable trigger all",
        "drop trigger seal_only on policy_lifecycle_audit",
        "set session_replication_role = replica",
        "select countersign_trace('bundle', '1', 'x', '{}')",
        "set role countersign",
    ] {
        let refused = run_as(&store, operator, sql).await.unwrap_err();
        assert!(refused.contains("permission denied") || refused.contains("must be owner"), "{sql}: {refused}");
    }
    // The program's own setting means nothing in an operator's session.
    let sql = "begin; set local countersign.permit = 'x';
         update policy_bundles set active = false, canary_pct = 0; commit;";
    run_as(&store, operator, sql).await.unwrap();
    let after = bundles::get(&store, &author(), bundle.id).await.unwrap();
    assert_eq!(after.state.name(), "rolled_back");
    assert_eq!(failovers(&store).await.len(), 1);
}

#[tokio::test]
async fn the_serving_role_switches_no_trigger_off() {
    let store = testing::store().await;
    stable(&store, Some("1.0.0"), 90).await;
    for sql in [
        "alter table policy_bundles disable trigger all",
        "alter table policy_lifecycle_audit disable trigger seal_only",
        "drop trigger append_only on policy_lifecycle_audit",
        "drop table policy_live_changes",
        "truncate policy_lifecycle_audit",
        "set session_replication_role = replica",
        "create or replace function countersign_is_use_case() returns boolean language sql as 'select true'",
        "insert into policy_live_changes (bundle_id, to_state, from_pct, to_pct, digest) values (1, 'active', 0, 100, 'x')",
        "update policy_live_changes set audit_seq = 1",
        "insert into policy_sql_changes select seq, at, event_type, actor, roles, via, subject_type, subject_id, summary,
             detail from policy_lifecycle_audit",
        "update workspace set id = gen_random_uuid()",
        "set role countersign_owner",
    ] {
        assert!(run_as(&store, "countersign", sql).await.is_err(), "{sql}");
    }
    assert!(!store.owns_tables().await.unwrap());
    let own = Store::connect(testing::as_owner(&store.pool().connect_options()), testing::keys()).await.unwrap();
    assert!(own.owns_tables().await.unwrap());
}

/// A live copy of a bundle, inserted by SQL; `permit` says that a use case does it.
fn insert_live(bundle: &Bundle, permit: bool) -> String {
    format!(
        "begin; {} update policy_bundles set active = false, canary_pct = 0, state = 'superseded' where active;
         insert into policy_bundles (version, state, active, canary_pct, content, digest, rule_count, authors, created_by)
             select '6.6.6', 'active', true, 100, content, digest, rule_count, authors, created_by
             from policy_bundles where id = {}; commit;",
        if permit { "set local countersign.permit = 'a name';" } else { "" },
        bundle.id
    )
}

#[tokio::test]
async fn a_bundle_inserted_by_sql_is_seen() {
    for role in ["countersign", "countersign_owner"] {
        let store = testing::store().await;
        let draft = bundles::create(&store, &author(), source(Some("1.0.0"), 50)).await.unwrap();
        run_as(&store, role, &insert_live(&draft, false)).await.unwrap();
        let entries = failovers(&store).await;
        assert_eq!(entries.len(), 1, "{entries:?}");
        assert_eq!((entries[0].actor.as_str(), &entries[0].detail["to_pct"]), (&*format!("sql:{role}"), &100.into()));
        assert!(unproven(&store).await.is_empty(), "it was seen and sealed, as a failover is");
    }
}

#[tokio::test]
async fn a_change_that_claims_to_be_a_use_case_is_unproven() {
    for role in ["countersign", "countersign_owner"] {
        let store = testing::store().await;
        let good = stable(&store, Some("1.0.0"), 90).await;
        let draft = bundles::create(&store, &author(), source(Some("2.0.0"), 50)).await.unwrap();
        run_as(&store, role, &insert_live(&draft, true)).await.unwrap();
        let found = unproven(&store).await;
        let [incident] = &found[..] else { panic!("{role}: {found:?}") };
        assert_eq!((incident.severity, incident.bundle_version.as_deref()), (Severity::Critical, Some("6.6.6")));
        assert!(incident.description.contains("no signed record"), "{}", incident.description);
        assert_eq!(unproven(&store).await.len(), 1, "it is reported once");
        let live = system::get(&store, &admin()).await.unwrap().stable.unwrap();
        assert_eq!(live.unproven.as_ref(), Some(&incident.id), "it is served, and marked");

        // A bundle that was approved once, brought back without a record: its old records do not count again.
        let sql = format!(
            "begin; set local countersign.permit = 'a name';
             update policy_bundles set active = false, canary_pct = 0, state = 'superseded' where active;
             update policy_bundles set active = true, canary_pct = 100, state = 'active' where id = {};
             commit;",
            good.id
        );
        run_as(&store, role, &sql).await.unwrap();
        assert_eq!(unproven(&store).await.len(), 2);
        // Nor does a copy of a genuine record.
        let copy =
            "insert into policy_apply_record (bundle_id, version, digest, packet_id, from_pct, to_pct, actor, at,
             key_id, signature, verification_checksum) select bundle_id, version, digest, packet_id, from_pct, to_pct,
             actor, at, key_id, signature, verification_checksum from policy_apply_record where to_pct = 100";
        assert!(run_as(&store, role, copy).await.unwrap_err().contains("has this record already"));
        // A rollback by a person who may is a proof again.
        stable(&store, Some("3.0.0"), 40).await;
        assert_eq!(unproven(&store).await.len(), 2);
        assert_eq!(system::get(&store, &admin()).await.unwrap().stable.unwrap().unproven, None);
    }
}

#[tokio::test]
async fn other_content_under_an_approved_digest_is_found() {
    let store = testing::store().await;
    stable(&store, Some("1.0.0"), 90).await;
    let mark = system::live_mark(&store).await.unwrap();
    tamper(&store, "update policy_bundles set content = replace(content::text, '90', '10')::json").await;
    assert_ne!(system::live_mark(&store).await.unwrap(), mark, "servers look again");
    let found = unproven(&store).await;
    assert!(found.len() == 1 && found[0].description.contains("its content is not what its digest says"), "{found:?}");

    let store = testing::store().await;
    stable(&store, Some("1.0.0"), 90).await;
    tamper(&store, "update policy_apply_record set actor = 'nobody'").await;
    let found = unproven(&store).await;
    assert!(found.len() == 1 && found[0].description.contains("cannot be relied on"), "{found:?}");

    let store = testing::store().await;
    let bundle = canary(&store, Some("1.0.0"), 90).await;
    tamper(&store, "update policy_bundles set canary_pct = 50 where active").await;
    let found = unproven(&store).await;
    assert!(found.len() == 1 && found[0].bundle_id == Some(bundle.id), "{found:?}");
}

#[tokio::test]
async fn a_shadow_put_there_by_sql_is_seen_too() {
    let store = testing::store().await;
    stable(&store, Some("1.0.0"), 90).await;
    let draft = bundles::create(&store, &author(), source(Some("1.0.1"), 80)).await.unwrap();
    let sql = format!("update policy_bundles set state = 'shadow' where id = {}", draft.id);
    run_as(&store, "countersign", &sql).await.unwrap();
    assert_eq!(failovers(&store).await.len(), 1);
}

#[tokio::test]
async fn only_what_a_trigger_wrote_is_sealed() {
    let store = testing::store().await;
    stable(&store, Some("1.0.0"), 90).await;
    let forged = "insert into policy_lifecycle_audit (seq, at, event_type, actor, roles, via, subject_type, subject_id,
             summary, detail)
         select max(seq) + 1, now(), 'manual_failover', 'safety_owner@example.com', '{}', 'session', 'bundle', '1',
             'approved by everybody', '{}' from policy_lifecycle_audit";
    for role in ["countersign", "countersign_owner"] {
        assert!(run_as(&store, role, forged).await.unwrap_err().contains("without a seal"));
        for sql in [
            "update policy_audit_head set seq = seq + 9",
            "update policy_audit_head set seq = seq - 1",
            "update policy_audit_head set checkpoint = null",
            "update policy_audit_head set checkpoint = '{}'",
            "delete from policy_audit_head",
            "insert into policy_audit_head (one, seq) values (false, 0)",
        ] {
            assert!(run_as(&store, role, sql).await.is_err(), "{sql}");
        }
    }
    assert!(audit::verify(&store, &admin()).await.unwrap().valid);

    // Past the triggers, an entry is added or a traced one is edited: neither becomes genuine.
    tamper(&store, forged).await;
    assert!(!audit::seal(&store).await.unwrap());
    bundles::create(&store, &author(), source(None, 50)).await.unwrap();
    assert_eq!(audit::verify(&store, &admin()).await.unwrap().first_bad.unwrap().flaw, Flaw::Forged);

    let store = testing::store().await;
    stable(&store, Some("1.0.0"), 90).await;
    run_as(&store, "countersign", "update policy_bundles set active = false, canary_pct = 0").await.unwrap();
    tamper(&store, "update policy_lifecycle_audit set actor = 'sql:somebody_else' where entry_hash is null").await;
    assert!(!audit::seal(&store).await.unwrap());
    bundles::create(&store, &author(), source(None, 50)).await.unwrap();
    assert_eq!(audit::verify(&store, &admin()).await.unwrap().first_bad.unwrap().flaw, Flaw::Forged);
}

#[tokio::test]
async fn a_switch_set_by_sql_is_an_entry() {
    let store = testing::store().await;
    bundles::create(&store, &author(), source(None, 50)).await.unwrap();
    run_as(&store, "countersign_owner", "update system_state set enabled = false").await.unwrap();
    let entries = failovers(&store).await;
    assert!(entries.len() == 1 && entries[0].actor == "sql:countersign_owner", "{entries:?}");
    assert!(audit::seal(&store).await.unwrap());
    assert!(audit::verify(&store, &admin()).await.unwrap().valid);
}
