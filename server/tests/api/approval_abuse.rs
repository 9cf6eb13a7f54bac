//! Approvals under load, on two servers, without the database, and with changes made in it.

use axum::body::Body;
use futures::future::join_all;
use http::Method;
use lifecycle::authority::Role;
use serde_json::json;
use server::evaluation::Durability;

use crate::{
    approval_support::{allowed, approve, ask, call, decide, refused, use_it, workspace},
    support::{Caller, Workspace, as_owner, bundle},
};

#[tokio::test(flavor = "multi_thread")]
async fn however_many_use_an_approval_at_once_one_is_allowed() {
    let workspace = workspace().await;
    let service = workspace.caller(Role::Service).await;
    let id = ask(&service, json!({})).await;
    approve(&workspace, &id).await;
    let answers = join_all((0..20).map(|_| use_it(&service, &id, json!({})))).await;
    assert_eq!(answers.iter().filter(|answer| **answer == allowed()).count(), 1, "{answers:?}");
    assert_eq!(answers.iter().filter(|answer| **answer == refused("approval_spent")).count(), 19, "{answers:?}");
    // In one batch, too.
    let id = ask(&service, json!({"subject": "batch"})).await;
    approve(&workspace, &id).await;
    let mut one = call(json!({"subject": "batch"}));
    one["approval"] = json!(id);
    let batch = service.post("/policy/evaluate/batch", json!({"requests": [one, one, one]})).await.expect(200);
    let effects: Vec<&str> =
        batch["decisions"].as_array().unwrap().iter().map(|one| one["effect"].as_str().unwrap()).collect();
    assert_eq!(effects.iter().filter(|effect| **effect == "allow").count(), 1, "{effects:?}");
    // Many that ask the same at once join one request.
    let ids = join_all((0..10).map(|_| ask(&service, json!({"subject": "joined"})))).await;
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_covers_what_it_says_counts_and_is_revoked() {
    let workspace = workspace().await;
    let service = workspace.caller(Role::Service).await;
    let approver = workspace.caller(Role::Approver).await;
    let id = ask(&service, json!({"session": "s1"})).await;
    let wide = json!({"kind": "session", "count": 2});
    for (scope, pointer) in [
        (json!({"kind": "until"}), "/scope/until"),
        (json!({"kind": "until", "until": "2099-01-01T00:00:00Z"}), "/scope/until"),
        (json!({"kind": "session", "count": 0}), "/scope/count"),
        (json!({"kind": "box"}), "/scope/conditions"),
        (json!({"kind": "box", "conditions": {">=risk_score": 99}}), "/scope/conditions"),
        (json!({"kind": "box", "conditions": {"risk_score>=": 1}}), "/scope/conditions"),
        (json!({"kind": "once", "count": 3}), "/scope/kind"),
    ] {
        let problem =
            decide(&approver, &id, json!({"decision": "approve", "scope": scope})).await.problem(422, "invalid_field");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{scope}: {problem}");
    }
    decide(&approver, &id, json!({"decision": "approve", "scope": wide})).await.expect(200);
    // Found without being named; only for this session.
    let with = |session: &str, note: &str| {
        call(json!({"session": session, "request_approval": true, "context": {"risk_score": 92, "note": note}}))
    };
    let answer = service.post("/policy/evaluate", with("s1", "b")).await.expect(200);
    assert_eq!((&answer["effect"], &answer["approval"]["id"]), (&json!("allow"), &json!(id)), "{answer}");
    let answer = service.post("/policy/evaluate", with("s2", "b")).await.expect(200);
    assert_eq!(answer["effect"], "needs_approval");
    service.post("/policy/evaluate", with("s1", "c")).await.expect(200);
    let answer = service.post("/policy/evaluate", with("s1", "d")).await.expect(200);
    assert_eq!(answer["effect"], "needs_approval", "two uses and no more: {answer}");

    let id = ask(&service, json!({"subject": "box"})).await;
    let scope = json!({"kind": "box", "conditions": {"<=risk_score": 95}});
    decide(&approver, &id, json!({"decision": "approve", "scope": scope})).await.expect(200);
    let context = |score: i64| json!({"subject": "box", "context": {"risk_score": score}});
    assert_eq!(use_it(&service, &id, context(94)).await, allowed());
    assert_eq!(use_it(&service, &id, context(96)).await, refused("approval_changed"));
    let revoked =
        approver.send(Method::DELETE, &format!("/policy/approvals/scopes/{id}"), &[], Body::empty()).await.expect(200);
    assert_eq!(revoked["revoked"]["by"], "approver@example.com");
    assert_eq!(use_it(&service, &id, context(94)).await, refused("approval_revoked"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_answers_before_the_database_uses_no_approval() {
    let workspace = Workspace::with(|settings| settings.durability = Durability::Buffered).await;
    workspace.stable(bundle("1.0.0", "needs_approval")).await;
    let service = workspace.caller(Role::Service).await;
    let id = ask(&service, json!({})).await;
    approve(&workspace, &id).await;
    let answer = use_it(&service, &id, json!({})).await;
    assert_eq!((answer.0.as_str(), answer.2.as_str()), ("deny", "approval_unavailable"));
}

#[tokio::test(flavor = "multi_thread")]
async fn sql_makes_no_approval() {
    let workspace = workspace().await;
    let service = workspace.caller(Role::Service).await;
    let id = ask(&service, json!({})).await;
    // Whoever owns the tables says that it is approved, and that anybody may approve.
    as_owner(
        &workspace.store,
        "alter table policy_approvals disable trigger user;
         update policy_approvals set status = 'approved', ended_at = now(), usable_until = now() + interval '1 day',
             scope_kind = 'until', uses = 100;
         alter table policy_approvals enable trigger user",
    )
    .await;
    assert_eq!(use_it(&service, &id, json!({})).await, refused("approval_pending"));
    let viewer = workspace.caller(Role::Viewer).await;
    assert_eq!(viewer.get(&format!("/policy/approvals/{id}")).await.expect(200)["status"], "pending");
}

#[tokio::test(flavor = "multi_thread")]
async fn long_and_odd_arguments_are_kept_exactly() {
    let workspace = workspace().await;
    let service = workspace.caller(Role::Service).await;
    let odd = "\u{202e}ma\u{456}\u{200b}a\u{1f469}\u{200d}\u{1f52c} \"quoted\" \\ \u{7f}";
    let context =
        json!({"context": {"risk_score": 92, "text": odd, "long": "x".repeat(900), "big": 9_007_199_254_740_993_i64}});
    let id = ask(&service, context.clone()).await;
    let viewer = workspace.caller(Role::Viewer).await;
    assert_eq!(viewer.get(&format!("/policy/approvals/{id}")).await.expect(200)["context"], context["context"]);
    approve(&workspace, &id).await;
    let mut near = context.clone();
    near["context"]["big"] = json!(9_007_199_254_740_992_i64);
    assert_eq!(use_it(&service, &id, near).await, refused("approval_changed"));
    assert_eq!(use_it(&service, &id, context).await, allowed());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_for_cannot_be_changed_in_the_database() {
    let workspace = workspace().await;
    let service = workspace.caller(Role::Service).await;
    let (forged, other) = (ask(&service, json!({"subject": "a"})).await, ask(&service, json!({"subject": "b"})).await);
    as_owner(
        &workspace.store,
        "alter table policy_approvals disable trigger user;
         update policy_approvals set terms = jsonb_set(terms::jsonb, '{context_digest}', (select terms::jsonb->'context_digest'
             from policy_approvals where terms->>'subject' = 'b'))::json where terms->>'subject' = 'a';
         update policy_approvals set terms = jsonb_set(terms::jsonb, '{quorum}', '0')::json where terms->>'subject' = 'a';
         alter table policy_approvals enable trigger user",
    )
    .await;
    let approver = workspace.caller(Role::Approver).await;
    decide(&approver, &forged, json!({"decision": "approve"})).await.problem(409, "conflict");
    approver.get(&format!("/policy/approvals/{forged}")).await.problem(409, "conflict");
    assert_eq!(use_it(&service, &forged, json!({"subject": "a"})).await, refused("approval_unknown"));
    let listed = approver.get("/policy/approvals").await.expect(200);
    assert_eq!(listed["approvals"].as_array().unwrap().len(), 1, "the others are listed: {listed}");
    assert_eq!(listed["approvals"][0]["id"], json!(other));
    // The server's own role cannot even try.
    let refused = sqlx::query("update policy_approvals set terms = '{}'").execute(workspace.store.pool()).await;
    assert!(refused.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_use_an_approval_once_and_a_restart_loses_none() {
    let workspace = workspace().await;
    let second = workspace.second_server().await;
    let service = workspace.caller(Role::Service).await;
    let elsewhere = Caller { workspace: &second, token: service.token.clone() };
    for round in 0..5 {
        let subject = json!({"subject": format!("round-{round}")});
        let id = ask(&service, subject.clone()).await;
        // Approved at one server; the poll at the other hears of it.
        let path = format!("/policy/approvals/{id}?wait=30");
        let (polled, _) = tokio::join!(elsewhere.get(&path), approve(&workspace, &id));
        assert_eq!(polled.expect(200)["status"], "approved");
        let tries = (0..6).map(|n| use_it(if n % 2 == 0 { &service } else { &elsewhere }, &id, subject.clone()));
        let answers = join_all(tries).await;
        assert_eq!(answers.iter().filter(|answer| **answer == allowed()).count(), 1, "{answers:?}");
    }
    let id = ask(&service, json!({"subject": "restart"})).await;
    approve(&workspace, &id).await;
    let third = workspace.second_server().await;
    let later = Caller { workspace: &third, token: service.token.clone() };
    assert_eq!(use_it(&later, &id, json!({"subject": "restart"})).await, allowed());
}
