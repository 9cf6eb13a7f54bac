//! Asking for approval, deciding and using an approval, in the words of the tests.

use std::time::Duration;

use lifecycle::{approval::Terms, authority::Role, signing::sign};
use serde_json::{Value, json};

use crate::support::{Caller, Reply, Workspace, as_owner, bundle};

/// A question that the rule of [`bundle`] decides.
pub fn call(members: Value) -> Value {
    let mut call = json!({
        "agent": "inbox.triage", "action": "quarantine", "subject": "mailbox-17", "context": {"risk_score": 92, "note": "a"},
    });
    for (name, value) in members.as_object().unwrap() {
        call[name] = value.clone();
    }
    call
}

pub async fn workspace() -> Workspace {
    let workspace = Workspace::new().await;
    workspace.stable(bundle("1.0.0", "needs_approval")).await;
    workspace
}

/// Asks, and returns the id of the request that waits.
pub async fn ask(service: &Caller<'_>, members: Value) -> String {
    let mut question = call(members);
    question["request_approval"] = json!(true);
    let answer = service.post("/policy/evaluate", question).await.expect(200);
    assert_eq!((&answer["effect"], &answer["mode"]), (&json!("needs_approval"), &json!("normal")), "{answer}");
    assert_eq!(answer["approval"]["status"], "pending", "{answer}");
    answer["approval"]["id"].as_str().unwrap().to_owned()
}

pub async fn decide(caller: &Caller<'_>, id: &str, body: Value) -> Reply {
    caller.post(&format!("/policy/approvals/{id}/actions"), body).await
}

pub async fn approve(workspace: &Workspace, id: &str) -> Value {
    let approver = workspace.caller(Role::Approver).await;
    decide(&approver, id, json!({"decision": "approve"})).await.expect(200)
}

/// Uses an approval: the effect, the mode and the code of a refusal.
pub async fn use_it(service: &Caller<'_>, id: &str, members: Value) -> (String, String, String) {
    let mut question = call(members);
    question["approval"] = json!(id);
    let answer = service.post("/policy/evaluate", question).await.expect(200);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (text(&answer["effect"]), text(&answer["mode"]), text(&answer["approval"]["refused"]["code"]))
}

/// Makes the time of a request end now, as the server itself would have said it.
pub async fn end_its_time(workspace: &Workspace, id: &str) {
    let store = &workspace.store;
    let shown = workspace.caller(Role::Viewer).await.get(&format!("/policy/approvals/{id}")).await.expect(200);
    let mut terms: Terms = serde_json::from_value(shown).unwrap();
    terms.expires_at = terms.requested_at.plus(Duration::from_millis(1));
    sign(&store.keys(), &mut terms).unwrap();
    as_owner(store, "alter table policy_approvals disable trigger user").await;
    sqlx::query(
        "update policy_approvals set expires_at = requested_at + interval '1 ms', terms = $2::json where id = $1",
    )
    .bind(id)
    .bind(json!(terms).to_string())
    .execute(store.pool())
    .await
    .unwrap();
    as_owner(store, "alter table policy_approvals enable trigger user").await;
}

pub fn allowed() -> (String, String, String) {
    ("allow".into(), "approved".into(), String::new())
}

pub fn refused(code: &str) -> (String, String, String) {
    ("needs_approval".into(), "normal".into(), code.into())
}
