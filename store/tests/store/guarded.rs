//! What people decide is not changed behind the audit record: by SQL it becomes an entry, and SQL that poses as the program
//! becomes a critical incident.

use lifecycle::{
    audit::{Entry, EventType},
    authority::{GroupRoles, Role, Via},
    incident::{Incident, Severity},
    problem::{Code, Problem},
    review::Verdict,
    signing::{Key, KeyRing},
};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use store::{
    Store, audit, bundles, demo, identities, incidents, links::Delivery, packets, people, rollout, settings, system,
    testing, tokens,
};

use crate::fixtures::*;

async fn run_as(store: &Store, role: &str, sql: &str) -> Result<(), String> {
    let options = (*store.pool().connect_options()).clone().username(role);
    let mut db = PgConnection::connect_with(&options).await.unwrap();
    let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut db).await;
    done.map(drop).map_err(|error| error.to_string())
}

/// The open incidents with this source, after a look at all that was changed.
async fn found(store: &Store, source: &str) -> Vec<Incident> {
    rollout::check_changes(store, &rollout::LookedAt::default()).await.unwrap();
    let all = incidents::list(store, &admin(), &incidents::Filter { limit: Some(100), ..Default::default() }).await;
    all.unwrap().items.into_iter().filter(|incident| incident.source == source).collect()
}

async fn unaudited(store: &Store) -> Vec<Incident> {
    found(store, "policy.unaudited").await
}

async fn sql_changes(store: &Store) -> Vec<Entry> {
    audit::seal(store).await.unwrap();
    let filter = audit::Filter { event_type: Some(EventType::SqlChange), limit: Some(100), ..audit::Filter::default() };
    audit::list(store, &admin(), &filter).await.unwrap().items
}

fn posing(sql: &str) -> String {
    format!("begin; set local countersign.permit = 'a name'; {sql}; commit;")
}

async fn paused(store: &Store) {
    let order = system::Engage { reason: "margins fall".into(), ticket: None, trigger_metrics: Vec::new() };
    system::pause(store, &safety(), order).await.unwrap();
}

#[tokio::test]
async fn a_session_setting_hides_no_switch() {
    for role in ["countersign", "countersign_owner"] {
        for (before, sql, said) in [
            (true, "update system_state set pause = null", "the pause was ended"),
            (false, "update system_state set enabled = false", "evaluation was switched off"),
            (false, "update system_state set bypass_effect = 'deny'", "the answer while evaluation is off"),
            (false, "update system_state set pause = '{}'", "a pause was engaged"),
            (true, "update system_state set pause = '{}'", "the pause was changed"),
        ] {
            let store = testing::store().await;
            bundles::create(&store, &author(), source(None, 50)).await.unwrap();
            if before {
                paused(&store).await;
            }
            run_as(&store, role, &posing(sql)).await.unwrap();
            let found = unaudited(&store).await;
            let [incident] = &found[..] else { panic!("{role}: {sql}: {found:?}") };
            assert_eq!(incident.severity, Severity::Critical);
            assert!(incident.description.contains(said) && incident.description.contains(role), "{incident:?}");
            assert_eq!(unaudited(&store).await.len(), 1, "it is reported once");
            assert!(audit::verify(&store, &admin()).await.unwrap().valid);
        }
    }
}

#[tokio::test]
async fn an_audited_change_by_sql_covers_no_other_one() {
    let store = testing::store().await;
    bundles::create(&store, &author(), source(None, 50)).await.unwrap();
    let sql = "begin; set constraints all immediate;
         update people set name = 'x', roles = '{viewer}' where email = 'author@example.com';
         set local countersign.permit = 'a name'; update system_state set enabled = false; commit;";
    run_as(&store, "countersign", sql).await.unwrap();
    assert_eq!(sql_changes(&store).await.len(), 1);
    assert_eq!(unaudited(&store).await.len(), 1);
    // Nor does a row that looks like an entry.
    let forged = posing(
        "insert into policy_lifecycle_audit (seq, at, event_type, actor, roles, via, subject_type, subject_id, summary,
             detail, key_id, prev_hash, entry_hash)
         select max(seq) + 1, now(), 'evaluation_enabled', 'system', '{}', 'job', 'system', 'policy', 'x', '{}', 'test',
             sha256('a'), sha256('b') from policy_lifecycle_audit;
         update system_state set enabled = true",
    );
    run_as(&store, "countersign", &forged).await.unwrap();
    assert_eq!(unaudited(&store).await.len(), 2);
}

/// Changes that the database role of the program could make, and the columns that the entry names.
const CHANGES: [(&str, &str); 18] = [
    ("update people set roles = '{admin}' where email = 'viewer@example.com'", "update people: roles"),
    ("update people set enabled = false where email = 'viewer@example.com'", "update people: enabled"),
    ("update people set password_hash = 'mine' where email = 'safety_owner@example.com'", "update people: password_hash"),
    ("update people set signs_from = null, signatures_from = null where signs_from is not null", "signs_from"),
    ("insert into people (email, name, roles) values ('eve@example.com', 'Eve', '{admin}')", "insert people:"),
    (
        "insert into api_tokens (name, roles, token_hash, prefix, created_by, created_at)
         values ('t', '{admin}', '\\x01', 'p', 'me', now())",
        "insert api_tokens:",
    ),
    ("update api_tokens set revoked_at = null where name = 'gateway'", "update api_tokens: revoked_at"),
    (
        "insert into account_links (person_id, kind, code_hash, handed_over, created_by, created_at, expires_at)
         select id, 'reset', '\\x02', true, 'me', now(), now() + interval '1 day' from people where email = 'admin@example.com'",
        "insert account_links:",
    ),
    (
        "insert into announcements (at, kind, person_id, actor, what)
         select now(), 'on_host', id, 'me', 'nothing happened' from people where email = 'admin@example.com'",
        "insert announcements:",
    ),
    (
        "insert into announcement_receipts (announcement_id, person_id, at)
         select a.id, p.id, now() from announcements a, people p where p.email = 'safety_owner@example.com' limit 1",
        "insert announcement_receipts:",
    ),
    (
        "insert into partner_keys (name, key_id, public_key, proposed_by, proposed_at, decision, decided_by, decided_at)
         values ('me', 'ed25519-0', decode(repeat('07', 32), 'hex'), 'me', now(), 'accepted', 'you', now())",
        "insert partner_keys:",
    ),
    (
        "insert into identities (person_id, issuer, subject, linked_at, confirmed_at)
         select id, 'https://id.example', 'me', now(), now() from people where email = 'safety_owner@example.com'",
        "insert identities:",
    ),
    (
        "insert into sessions (id_hash, person_id, data, expires_at)
         select '\\x03', id, '{}', now() + interval '1 day' from people where email = 'safety_owner@example.com'",
        "insert sessions:",
    ),
    (
        "update sessions set person_id = (select id from people where email = 'safety_owner@example.com')",
        "update sessions: person_id",
    ),
    ("update settings set value = '{}' where key = (select min(key) from settings)", "update settings: value"),
    ("delete from settings", "delete settings: value"),
    ("update policy_packets set status = 'approved'", "update policy_packets: status"),
    ("update policy_bundles set state = 'approved' where state = 'in_review'", "update policy_bundles: state"),
];

/// A workspace with something of everything.
async fn furnished() -> Store {
    let store = testing::store().await;
    fast_gates(&store).await;
    let (token, _) = tokens::create_service(&store, &admin(), program("gateway")).await.unwrap();
    tokens::revoke(&store, &admin(), token.id).await.unwrap();
    people::reset(&store, &admin(), "approver@example.com", Delivery::HandOver).await.unwrap();
    let draft = bundles::create(&store, &author(), source(None, 50)).await.unwrap();
    submit(&store, draft.id).await;
    session(&store, "viewer@example.com").await;
    store
}

#[tokio::test]
async fn sql_on_what_people_decide_becomes_an_entry_without_its_values() {
    let store = furnished().await;
    for role in ["countersign", "countersign_owner"] {
        for (sql, change) in CHANGES {
            let before = sql_changes(&store).await.len();
            // Undone, so that each finds the workspace as it was: the entry would be gone, too.
            let mut db = {
                let options = (*store.pool().connect_options()).clone().username(role);
                PgConnection::connect_with(&options).await.unwrap()
            };
            let sql = format!("begin; set constraints all immediate; {sql};");
            sqlx::raw_sql(AssertSqlSafe(sql.clone())).execute(&mut db).await.unwrap();
            let entries: Vec<(String, String, String)> = sqlx::query_as(
                "select actor, summary, detail::text from policy_lifecycle_audit where event_type = 'sql_change'
                 and entry_hash is null order by seq",
            )
            .fetch_all(&mut db)
            .await
            .unwrap();
            assert!(!entries.is_empty(), "{role}: {sql}");
            for (actor, summary, detail) in entries {
                assert_eq!(actor, format!("sql:{role}"), "{sql}");
                assert!(summary.contains(change), "{sql}: {summary}");
                assert!(!detail.contains("mine") && !detail.contains("\\x0"), "{sql}: {detail}");
            }
            sqlx::raw_sql("rollback").execute(&mut db).await.unwrap();
            assert_eq!(sql_changes(&store).await.len(), before);
        }
    }
    run_as(&store, "countersign", CHANGES[2].0).await.unwrap();
    assert_eq!(sql_changes(&store).await.len(), 1);
    assert!(unaudited(&store).await.is_empty(), "it stands in the record");
    assert!(audit::verify(&store, &admin()).await.unwrap().valid);
}

#[tokio::test]
async fn sql_that_poses_as_the_program_becomes_an_incident() {
    let store = furnished().await;
    assert!(unaudited(&store).await.is_empty());
    for (count, (sql, change)) in (1..).zip(CHANGES) {
        run_as(&store, "countersign", &posing(sql)).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        let found = unaudited(&store).await;
        assert!(found.len() == count && found[0].description.contains(change), "{sql}: {:?}", found.first());
        assert!(!found[0].description.contains("mine"));
    }
}

/// Neither a person nor SQL makes the program believe that it has reported already.
#[tokio::test]
async fn an_incident_of_the_program_is_opened_by_the_program_only() {
    let store = testing::store().await;
    let good = stable(&store, Some("1.0.0"), 90).await;
    for source in ["policy.unproven", " policy.unaudited ", "policy.missing_key"] {
        let new = incidents::NewIncident {
            title: "not true".into(),
            severity: Severity::Low,
            source: Some(source.into()),
            agent: None,
            bundle_id: Some(good.id),
            description: String::new(),
        };
        let refused = Problem::from(incidents::create(&store, &owner(), new).await.unwrap_err());
        assert_eq!((refused.code, refused.errors[0].pointer.as_str()), (Code::InvalidField, "/source"), "{source}");
    }
    let sql = posing("update people set roles = '{admin}' where email = 'viewer@example.com'");
    run_as(&store, "countersign", &sql).await.unwrap();
    let xid: String = sqlx::query_scalar(
        "select xid::text from policy_guarded_changes where audit_seq is null order by id desc limit 1",
    )
    .fetch_one(store.pool())
    .await
    .unwrap();
    let planted = format!(
        "insert into incidents (id, title, severity, status, source, description, created_by, created_at, ack_due_at,
             investigate_due_at)
         values ('INC-2020-0001', 'Changed without an entry in the audit record (transaction {xid})', 'low', 'open',
             'policy.unaudited', '', 'system', now(), now(), now())"
    );
    run_as(&store, "countersign", &planted).await.unwrap();
    assert_eq!(unaudited(&store).await.len(), 2, "the one that was planted, and the true one");
    assert_eq!(unaudited(&store).await.len(), 2);

    // The same for a bundle that nothing proves.
    let sql = posing(
        "update policy_bundles set active = false, canary_pct = 0, state = 'superseded' where active;
         update policy_bundles set active = true, canary_pct = 100, state = 'active'",
    );
    run_as(&store, "countersign", &sql).await.unwrap();
    let planted = format!(
        "insert into incidents (id, title, severity, status, source, description, bundle_id, created_by, created_at,
             ack_due_at, investigate_due_at)
         values ('INC-2020-0002', 'x', 'low', 'closed', 'policy.unproven', '', {}, 'system', now(), now(), now())",
        good.id
    );
    run_as(&store, "countersign", &planted).await.unwrap();
    for _ in 0..2 {
        while !rollout::check_serving(&store).await.unwrap() {
            audit::seal(&store).await.unwrap();
        }
        assert_eq!(found(&store, "policy.unproven").await.len(), 2);
    }
}

#[tokio::test]
async fn what_the_program_does_is_no_incident() {
    let store = testing::store().await;
    let first = stable(&store, None, 90).await;
    paused(&store).await;
    system::sign_release(&store, &safety(), "prices were corrected").await.unwrap();
    system::sign_release(&store, &owner(), "prices were checked").await.unwrap();
    system::disable(&store, &admin(), "it answers nonsense", None).await.unwrap();
    system::enable(&store, &admin(), None).await.unwrap();
    let ann = people::NewPerson {
        email: "ann@example.com".into(),
        name: "Ann".into(),
        roles: [Role::Author, Role::Approver].into(),
    };
    let invited = people::invite(&store, &admin(), &ann, Delivery::HandOver).await.unwrap();
    let ann = people::redeem(&store, &invited.link.code, "words of my own").await.unwrap();
    let ann = ann.person.actor(Via::Session);
    let password = Some("words of my own".to_owned());
    let own = tokens::NewOwnToken { name: "ci".into(), roles: [Role::Author].into(), expires_in_days: None, password };
    let (token, _) = tokens::create_own(&store, &ann, "10.0.0.1", own).await.unwrap();
    tokens::revoke_own(&store, &ann, token.id).await.unwrap();
    people::change_password(&store, &ann, "10.0.0.1", "words of my own", "other words of mine").await.unwrap();
    people::set_roles(&store, &admin(), &ann.name, [Role::Viewer].into()).await.unwrap();
    people::reset(&store, &admin(), &ann.name, Delivery::HandOver).await.unwrap();
    people::set_enabled(&store, &admin(), &ann.name, false).await.unwrap();
    people::add(&store, &host(), "bob@example.com", "Bob", [Role::Author].into(), "a good password").await.unwrap();
    people::set_password(&store, &host(), "bob@example.com", "another password").await.unwrap();
    people::sign_in(&store, "bob@example.com", "another password", "10.0.0.1").await.unwrap().unwrap();
    let mut weaker = settings::get(&store, &admin()).await.unwrap();
    weaker.gates.max_error_rate = 0.5;
    settings::update(&store, &admin(), weaker).await.unwrap();
    let claims =
        identities::Claims { issuer: "https://id.example".into(), subject: "bob".into(), ..Default::default() };
    let bob = people::by_email(&store, "bob@example.com").await.unwrap().unwrap().actor(Via::Session);
    identities::link(&store, &bob, &claims).await.unwrap().unwrap();
    // What a group gives besides is no change of the roles that Bob has.
    settings::set_groups(&store, &admin(), vec![GroupRoles { group: "a".into(), roles: [Role::Viewer].into() }])
        .await
        .unwrap();
    let claims = identities::Claims { groups: ["a".to_owned()].into(), ..claims };
    identities::sign_in(&store, &claims, b"secret", "10.0.0.1").await.unwrap().unwrap();
    people::set_roles(&store, &admin(), "bob@example.com", [Role::Author].into()).await.unwrap();
    identities::sign_in(&store, &claims, b"secret", "10.0.0.1").await.unwrap().unwrap();
    people::sign_out_everywhere(&store, &bob).await.unwrap();
    identities::unlink(&store, &bob).await.unwrap();
    let draft = bundles::clone_draft(&store, &author(), first.id).await.unwrap();
    let packet = submit(&store, draft.id).await;
    packets::act(&store, &approver(), &packet.packet_id, Verdict::RequestChanges, Some("no".into())).await.unwrap();
    canary(&store, None, 80).await;
    let all: i64 = sqlx::query_scalar("select count(*) from policy_guarded_changes where audit_seq is null")
        .fetch_one(store.pool())
        .await
        .unwrap();
    assert!(all > 30, "{all}");
    let found = unaudited(&store).await;
    assert!(found.is_empty(), "{:?}", found.iter().map(|incident| &incident.description).collect::<Vec<_>>());
    assert!(sql_changes(&store).await.is_empty());
}

#[tokio::test]
async fn the_example_workspace_is_no_incident() {
    let store = testing::store_without_people().await;
    demo::load(&store, false).await.unwrap();
    demo::load(&store, false).await.unwrap();
    let found = unaudited(&store).await;
    assert!(found.is_empty(), "{:?}", found.iter().map(|incident| &incident.description).collect::<Vec<_>>());
    assert!(sql_changes(&store).await.is_empty());
}

/// Tables of the caller's session do not stand in for the real ones, and nobody borrows a function of the owner's.
#[tokio::test]
async fn a_session_brings_no_table_that_triggers_would_read() {
    let store = testing::store().await;
    bundles::create(&store, &author(), source(None, 50)).await.unwrap();
    let head =
        "create temporary table policy_lifecycle_audit (seq bigint); insert into policy_lifecycle_audit values (99);
         update policy_audit_head set seq = 99";
    assert!(run_as(&store, "countersign", head).await.unwrap_err().contains("follows the audit record"));
    let workspace = "create temporary table workspace (id text); insert into workspace values ('mine');
         update policy_audit_head set checkpoint = '{\"workspace\": \"mine\"}'";
    assert!(run_as(&store, "countersign", workspace).await.unwrap_err().contains("not one of this workspace"));
    let own = "create temporary table mine (like policy_bundles);
         create trigger t after insert on mine for each row execute function countersign_record_live_change()";
    assert!(run_as(&store, "countersign", own).await.unwrap_err().contains("permission denied"));
    let shadowed = "create function mine() returns int language sql as 'select 1'";
    assert!(run_as(&store, "countersign", shadowed).await.unwrap_err().contains("permission denied"));
}

#[tokio::test]
async fn a_missing_key_is_no_tampering() {
    let options = testing::database().await;
    let key = |id: &str| Key::new(id, format!("the secret of the key {id}, of enough bytes"));
    let ring = |ids: &[&str]| KeyRing { current: key(ids[0]), previous: ids[1..].iter().map(|id| key(id)).collect() };
    let old = Store::connect(options.clone(), ring(&["k1"])).await.unwrap();
    testing::admit_one_a_role(&old).await;
    stable(&old, Some("1.0.0"), 90).await;
    let both = Store::connect(options.clone(), ring(&["k2", "k1"])).await.unwrap();
    store::key_rotation::announce(&both, &admin(), &ring(&["k2", "k1"])).await.unwrap();
    let new = Store::connect(options, ring(&["k2"])).await.unwrap();
    for _ in 0..2 {
        rollout::check_serving(&new).await.unwrap();
        let missing = found(&new, "policy.missing_key").await;
        assert!(missing.iter().any(|incident| incident.title.starts_with("1.0.0 is served")), "{missing:?}");
        for incident in &missing {
            assert!(
                incident.title.contains("`k1`") && incident.description.contains("HMAC_PREVIOUS=k1:"),
                "{incident:?}"
            );
            assert_eq!(incident.severity, Severity::High);
        }
        assert!(found(&new, "policy.unproven").await.is_empty() && unaudited(&new).await.is_empty());
    }
}
