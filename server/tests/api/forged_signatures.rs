//! Who might want it to look as if the safety owner had signed, and how far each of them gets: an administrator, an
//! approver, a runtime owner, a person with a stolen session, and a person with SQL. Each attempt is refused, or the record
//! names who made it.

use axum::body::Body;
use http::{Method, StatusCode};
use lifecycle::authority::Role;
use serde_json::{Value, json};

use crate::support::{Caller, Reply, Workspace, bundle};

const VICTIM: &str = "safety_owner@example.com";

/// A packet that waits for its second signature: its bundle and its id.
async fn half_signed(workspace: &Workspace) -> (i64, String) {
    workspace.no_waiting().await;
    let author = workspace.caller(Role::Author).await;
    let draft = author.post("/policy/bundles", bundle("1.0.0", "allow")).await.expect(201);
    let id = draft["id"].as_i64().unwrap();
    let new = json!({"bundle_id": id, "fallback_plan": "roll back to the version before"});
    let packet = author.post("/policy/packets", new).await.expect(201);
    let packet_id = packet["packet_id"].as_str().unwrap().to_owned();
    let approver = workspace.caller(Role::Approver).await;
    let signed = approver.post(&actions(&packet_id), json!({"decision": "approve"})).await.expect(200);
    assert_ne!(signed["status"], "approved", "the first bundle of a workspace needs two signatures: {signed}");
    (id, packet_id)
}

fn actions(packet: &str) -> String {
    format!("/policy/packets/{packet}/actions")
}

/// The packet has no signature of the victim, and nothing serves the bundle.
async fn unsigned(workspace: &Workspace, bundle: i64, packet: &str, attempt: &str) {
    let viewer = workspace.caller(Role::Viewer).await;
    let packet = viewer.get(&format!("/policy/packets/{packet}")).await.expect(200);
    assert_ne!(packet["status"], "approved", "{attempt}: {packet}");
    let signers: Vec<&Value> = packet["actions"].as_array().unwrap().iter().map(|action| &action["actor"]).collect();
    assert!(!signers.contains(&&json!(VICTIM)), "{attempt}: {packet}");
    let bundle = viewer.get(&format!("/policy/bundles/{bundle}")).await.expect(200);
    assert_eq!(bundle["state"], "in_review", "{attempt}: {bundle}");
}

/// The newest entry of the audit record.
async fn newest(workspace: &Workspace) -> Value {
    let entries = workspace.caller(Role::Viewer).await.get("/policy/audit?limit=1").await.expect(200);
    entries["entries"][0].clone()
}

async fn id_of(admin: &Caller<'_>, email: &str) -> Value {
    let users = admin.get("/users").await.expect(200);
    let found = users["users"].as_array().unwrap().iter().find(|user| user["email"] == email);
    found.unwrap()["id"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_signs_as_the_safety_owner_over_http() {
    let workspace = Workspace::new().await;
    workspace.caller(Role::SafetyOwner).await;
    let admin = workspace.caller(Role::Admin).await;
    let victim = id_of(&admin, VICTIM).await;
    let (bundle, packet) = half_signed(&workspace).await;
    for role in [Role::Admin, Role::Approver, Role::RuntimeOwner] {
        let caller = workspace.caller(role).await;
        let email = format!("{role}@example.com");
        let mut attempts: Vec<(Method, String, Value)> = vec![
            (Method::POST, actions(&packet), json!({"decision": "approve", "actor": VICTIM})),
            (Method::POST, actions(&packet), json!({"decision": "approve", "roles": ["safety_owner"]})),
            (Method::POST, "/me/tokens".into(), json!({"name": "mine", "roles": ["safety_owner"]})),
            (Method::POST, "/me/tokens".into(), json!({"name": "mine", "roles": [role.name()], "email": VICTIM})),
            (Method::POST, "/tokens".into(), json!({"name": "theirs", "email": VICTIM, "roles": ["safety_owner"]})),
            (Method::POST, "/tokens".into(), json!({"name": "theirs", "agents": ["*"], "roles": ["safety_owner"]})),
            (Method::PUT, "/me/password".into(), json!({"old_password": "a guess", "new_password": "words of my own"})),
            (Method::POST, "/users".into(), json!({"email": VICTIM, "name": "again", "roles": ["safety_owner"]})),
            (Method::POST, format!("/policy/bundles/{bundle}/activate"), json!({"packet_id": packet})),
        ];
        // The others may sign as themselves.
        if role == Role::Admin {
            attempts.push((Method::POST, actions(&packet), json!({"decision": "approve"})));
        }
        if role != Role::Admin {
            attempts.push((Method::POST, format!("/users/{victim}/reset"), json!({"hand_over": true})));
            attempts.push((Method::PUT, format!("/users/{victim}/roles"), json!({"roles": ["viewer"]})));
        }
        for (method, path, body) in attempts {
            let attempt = format!("{role}: {method} {path} {body}");
            let headers = [("x-forwarded-user", VICTIM), ("x-remote-user", VICTIM), ("from", VICTIM)];
            let reply = caller.send(method, &path, &headers, Body::from(body.to_string())).await;
            assert!(reply.status.is_client_error(), "{attempt}: {} {}", reply.status, reply.text);
            unsigned(&workspace, bundle, &packet, &attempt).await;
        }
        assert_eq!(caller.get("/me").await.expect(200)["email"], json!(email));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_who_takes_the_account_over_is_named_and_gains_no_signature() {
    let workspace = Workspace::new().await;
    let owner = workspace.caller(Role::SafetyOwner).await;
    let admin = workspace.caller(Role::Admin).await;
    let (bundle, packet) = half_signed(&workspace).await;
    let victim = id_of(&admin, VICTIM).await;
    workspace.caller(Role::Viewer).await;
    let reset = admin.post(&format!("/users/{victim}/reset"), json!({"hand_over": true})).await.expect(200);
    let entry = newest(&workspace).await;
    assert_eq!(entry["actor"], "admin@example.com", "{entry}");
    assert!(entry.to_string().contains(VICTIM), "{entry}");
    owner.get("/me").await.problem(401, "unauthenticated");

    let cookie = joined(&workspace, reset["reset"]["url"].as_str().unwrap()).await;
    let approve = json!({"decision": "approve"});
    let refused = with_cookie(&workspace, &cookie, Method::POST, &actions(&packet), &approve).await;
    assert!(refused.problem(403, "forbidden")["signs_from"].is_string());
    unsigned(&workspace, bundle, &packet, "after a reset").await;
}

/// Signs in with a one-time link: the cookie of the session.
async fn joined(workspace: &Workspace, url: &str) -> String {
    let code = url.split_once("code=").unwrap().1;
    let form = Body::from(format!("code={code}&password=words+of+my+own"));
    let kind = [("content-type", "application/x-www-form-urlencoded")];
    let reply = workspace.stranger().send(Method::POST, "/api/session/join", &kind, form).await;
    reply.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned()
}

async fn with_cookie(workspace: &Workspace, cookie: &str, method: Method, path: &str, body: &Value) -> Reply {
    let headers = [("cookie", cookie), ("sec-fetch-site", "same-origin"), ("content-type", "application/json")];
    workspace.stranger().send(method, path, &headers, Body::from(body.to_string())).await
}

/// A stolen session can do what its person can, as that person; it cannot stay, and everything it did names it.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_stolen_session_did_names_the_session_and_ends_with_it() {
    let workspace = Workspace::new().await;
    let admin = workspace.caller(Role::Admin).await;
    let new = json!({"email": "ann@example.com", "name": "Ann", "roles": ["author"]});
    let invited = admin.post("/users", new).await.expect(201);
    let cookie = joined(&workspace, invited["invitation"]["url"].as_str().unwrap()).await;
    let (draft, packet) = half_signed(&workspace).await;

    let steal =
        async |method: Method, path: &str, body: Value| with_cookie(&workspace, &cookie, method, path, &body).await;
    for (method, path, body) in [
        (Method::POST, actions(&packet), json!({"decision": "approve"})),
        (Method::PUT, "/me/password".to_owned(), json!({"old_password": "a guess", "new_password": "words of my own"})),
        (Method::POST, "/me/tokens".to_owned(), json!({"name": "mine", "roles": ["safety_owner"]})),
    ] {
        let attempt = format!("{method} {path} {body}");
        let reply = steal(method, &path, body).await;
        assert!(reply.status.is_client_error(), "{attempt}: {} {}", reply.status, reply.text);
        unsigned(&workspace, draft, &packet, &attempt).await;
    }
    let session = steal(Method::GET, "/me", Value::Null).await.expect(200)["credential"].clone();
    // A token would outlive the session: only who knows the password makes one.
    let without = json!({"name": "mine", "roles": ["author"]});
    steal(Method::POST, "/me/tokens", without).await.problem(422, "invalid_field");
    let with_password = json!({"name": "mine", "roles": ["author"], "password": "words of my own"});
    let made = steal(Method::POST, "/me/tokens", with_password).await.expect(201);
    let entry = newest(&workspace).await;
    assert_eq!((&entry["actor"], &entry["credential"]), (&json!("ann@example.com"), &session), "{entry}");
    let token = Caller { workspace: &workspace, token: made["token"].as_str().map(str::to_owned) };
    let made = token.post("/policy/bundles", bundle("9.0.0", "deny")).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    assert_ne!(newest(&workspace).await["credential"], session, "the token is named, not the session");

    let ann = id_of(&admin, "ann@example.com").await;
    admin.post(&format!("/users/{ann}/disable"), Value::Null).await.expect(200);
    token.get("/me").await.problem(401, "unauthenticated");
    steal(Method::GET, "/me", Value::Null).await.problem(401, "unauthenticated");
}

/// What the role that serves may write by SQL is refused by triggers and privileges, or the signature does not verify.
#[tokio::test(flavor = "multi_thread")]
async fn sql_neither_signs_nor_hides_that_it_tried() {
    let workspace = Workspace::new().await;
    workspace.caller(Role::SafetyOwner).await;
    let (bundle, packet) = half_signed(&workspace).await;
    let pool = workspace.store.pool();
    for statement in [
        "alter table policy_packet_actions disable trigger all",
        "alter table policy_lifecycle_audit disable trigger all",
        "set session_replication_role = replica",
        "drop table policy_packet_actions",
        "update policy_packet_actions set actor = 'safety_owner@example.com'",
        "delete from policy_packet_actions",
        "update policy_lifecycle_audit set actor = 'safety_owner@example.com'",
        "delete from policy_lifecycle_audit",
        "truncate policy_lifecycle_audit",
    ] {
        let refused = sqlx::raw_sql(statement).execute(pool).await;
        assert!(refused.is_err(), "{statement}");
        unsigned(&workspace, bundle, &packet, statement).await;
    }

    // An approval in the safety owner's name, copied from the signature that is there.
    let columns = "packet_row, packet_id, decision, reason, at, expires_at, key_id, signature";
    let forged = format!(
        "insert into policy_packet_actions ({columns}, idempotency_key, actor, roles)
         select {columns}, 'forged', '{VICTIM}', array['safety_owner'] from policy_packet_actions limit 1;
         update policy_packets set status = 'approved';
         update policy_bundles set state = 'approved' where id = {bundle}"
    );
    if sqlx::raw_sql(sqlx::AssertSqlSafe(forged)).execute(pool).await.is_ok() {
        let owner = workspace.caller(Role::RuntimeOwner).await;
        let activate = format!("/policy/bundles/{bundle}/activate");
        let refused = owner.post(&activate, json!({"packet_id": packet})).await.problem(409, "conflict");
        assert!(refused.to_string().contains(VICTIM), "the refusal names whose signature is false: {refused}");
        let audit = workspace.caller(Role::Viewer).await.get("/policy/audit?limit=50").await.expect(200);
        let by_sql = audit["entries"].as_array().unwrap().iter().any(|entry| entry["event_type"] == "sql_change");
        assert!(by_sql, "a state changed by SQL stands in the record: {audit}");
    } else {
        unsigned(&workspace, bundle, &packet, "a forged row").await;
    }
}

/// SQL takes an account over, opens it again, or switches the safeguards off: each attempt stands in the record with the
/// role that made it, or opens a critical incident where it posed as the program.
#[tokio::test(flavor = "multi_thread")]
async fn sql_takes_nothing_over_unseen() {
    let workspace = Workspace::new().await;
    workspace.caller(Role::SafetyOwner).await;
    workspace.caller(Role::Admin).await;
    half_signed(&workspace).await;
    let viewer = workspace.caller(Role::Viewer).await;
    let pool = workspace.store.pool();
    let attempts = [
        "update people set password_hash = 'mine' where email = 'safety_owner@example.com'",
        "update people set signs_from = now()",
        "update people set signs_from = null, signatures_from = null",
        "update people set roles = '{safety_owner}' where email = 'admin@example.com'",
        "insert into settings (key, value, updated_by, updated_at) values ('other', '\"mine\"', 'me', now())",
        "update settings set value = '{\"gates\": {}}'",
        "delete from settings",
        "update system_state set enabled = false",
        "update system_state set bypass_effect = 'deny'",
    ];
    for attempt in attempts {
        let before = newest(&workspace).await["seq"].clone();
        sqlx::raw_sql(attempt).execute(pool).await.unwrap_or_else(|error| panic!("{attempt}: {error}"));
        let entry = newest(&workspace).await;
        assert_ne!(entry["seq"], before, "{attempt}");
        assert_eq!(entry["actor"], "sql:countersign", "{attempt}: {entry}");
        assert!(!entry.to_string().contains("mine"), "{attempt}: {entry}");
    }
    let attempts = [
        "update people set password_hash = 'again' where email = 'safety_owner@example.com'",
        "update people set roles = '{admin,safety_owner}' where email = 'admin@example.com'",
        "update system_state set enabled = true",
        "update system_state set pause = '{}'",
        "update system_state set pause = null",
    ];
    for (count, attempt) in (1..).zip(attempts) {
        let posing = format!("begin; set local countersign.permit = '{VICTIM}'; {attempt}; commit");
        sqlx::raw_sql(sqlx::AssertSqlSafe(posing)).execute(pool).await.unwrap();
        store::rollout::check_changes(&workspace.store, &Default::default()).await.unwrap();
        let all = viewer.get("/incidents?severity=critical&limit=100").await.expect(200);
        let found: Vec<&Value> =
            all["incidents"].as_array().unwrap().iter().filter(|one| one["source"] == "policy.unaudited").collect();
        assert_eq!(found.len(), count, "{attempt}: {all}");
        assert!(found[0]["description"].as_str().unwrap().contains("countersign"), "{attempt}: {}", found[0]);
    }
    viewer
        .post("/incidents", json!({"title": "x", "severity": "low", "source": "policy.unproven"}))
        .await
        .problem(403, "forbidden");
    let owner = workspace.caller(Role::RuntimeOwner).await;
    let faked = json!({"title": "x", "severity": "low", "source": "policy.unproven"});
    owner.post("/incidents", faked).await.problem(422, "invalid_field");
}
