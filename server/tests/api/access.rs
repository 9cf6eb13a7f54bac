//! Every route refuses anonymous callers and callers without the permission.

use axum::body::Body;
use http::Method;
use lifecycle::authority::{Permission, Role};
use serde_json::{Value, json};

use crate::support::Workspace;

/// Every route that needs a caller: method, path, a well-formed body, and the permission.
pub fn routes() -> Vec<(&'static str, &'static str, Value, Permission)> {
    use Permission::{
        ActOnPackets, Administer, Apply, BuildPackets, Countersign, DecideApprovals, DisableEvaluation, EditDrafts,
        Evaluate, HandleIncidents, Pause, Read, ReadApprovals, RollBack, SignExceptions,
    };
    let question = json!({"agent": "a", "action": "b"});
    vec![
        ("GET", "/policy/bundles", Value::Null, Read),
        ("GET", "/partner-keys", Value::Null, Read),
        ("POST", "/partner-keys", json!({"name": "North", "public_key": "00"}), Administer),
        ("POST", "/partner-keys/1/accept", Value::Null, Countersign),
        ("POST", "/partner-keys/1/reject", Value::Null, Read),
        ("DELETE", "/partner-keys/1", Value::Null, Administer),
        ("POST", "/policy/bundles", json!({"rules": []}), EditDrafts),
        ("GET", "/policy/bundles/1", Value::Null, Read),
        ("PUT", "/policy/bundles/1", json!({"rules": []}), EditDrafts),
        ("POST", "/policy/bundles/1/clone", Value::Null, EditDrafts),
        ("POST", "/policy/bundles/1/withdraw", Value::Null, EditDrafts),
        ("GET", "/policy/bundles/1/diff/2", Value::Null, Read),
        ("GET", "/policy/bundles/1/export", Value::Null, EditDrafts),
        ("GET", "/policy/bundles/1/export/download", Value::Null, EditDrafts),
        ("POST", "/policy/bundles/verify", json!({"rules": []}), Read),
        ("POST", "/policy/bundles/import", json!({"rules": []}), EditDrafts),
        ("POST", "/policy/bundles/1/activate", json!({"packet_id": "pktv1:0"}), Apply),
        ("POST", "/policy/bundles/1/promote", json!({"target_pct": 50}), Apply),
        ("POST", "/policy/bundles/1/rollback", json!({"reason": "long enough a reason"}), RollBack),
        ("POST", "/policy/bundles/1/check-gates", json!({}), Read),
        ("GET", "/policy/bundles/1/canary-status", Value::Null, Read),
        ("GET", "/policy/freezes", Value::Null, Read),
        ("POST", "/policy/freezes", json!({"name": "x", "reason": "long enough a reason", "recurrence": null}), Pause),
        ("DELETE", "/policy/freezes/1", Value::Null, Pause),
        ("POST", "/policy/lint", json!({"rules": []}), Read),
        ("POST", "/policy/simulate", json!({"rules": []}), Read),
        ("POST", "/policy/simulate/compare", json!({"a": {"rules": []}, "b": {"rules": []}}), Read),
        ("GET", "/policy/simulate/fixtures", Value::Null, Read),
        ("GET", "/policy/corpus", Value::Null, Read),
        ("GET", "/policy/packets", Value::Null, Read),
        ("POST", "/policy/packets", json!({"bundle_id": 1, "fallback_plan": "roll back"}), BuildPackets),
        ("GET", "/policy/packets/pktv1:0", Value::Null, Read),
        ("POST", "/policy/packets/pktv1:0/actions", json!({"decision": "approve"}), ActOnPackets),
        (
            "POST",
            "/policy/packets/pktv1:0/exceptions",
            json!({"guardrail": "margin_delta", "reason": "As agreed"}),
            SignExceptions,
        ),
        ("POST", "/policy/packets/pktv1:0/verify", Value::Null, Read),
        ("GET", "/policy/packets/pktv1:0/evidence", Value::Null, Read),
        ("POST", "/policy/evaluate", question.clone(), Evaluate),
        ("POST", "/policy/evaluate/batch", json!({"requests": [question]}), Evaluate),
        ("GET", "/policy/approvals", Value::Null, ReadApprovals),
        ("GET", "/policy/approvals/apr_0", Value::Null, ReadApprovals),
        ("POST", "/policy/approvals", json!({"decision_id": "d-1"}), Evaluate),
        ("POST", "/policy/approvals/apr_0/actions", json!({"decision": "approve"}), DecideApprovals),
        ("POST", "/policy/approvals/apr_0/cancel", Value::Null, Evaluate),
        ("DELETE", "/policy/approvals/scopes/apr_0", Value::Null, DecideApprovals),
        ("GET", "/policy/decisions", Value::Null, Read),
        ("GET", "/policy/decisions/d-1", Value::Null, Read),
        ("POST", "/policy/decisions/d-1/outcome", json!({"status": "ok"}), Evaluate),
        ("POST", "/policy/outcomes", json!({"outcomes": []}), Evaluate),
        ("GET", "/policy/system", Value::Null, Read),
        ("POST", "/policy/system/pause", json!({"reason": " "}), Pause),
        ("POST", "/policy/system/pause/release", json!({"remediation": "put right"}), Pause),
        ("POST", "/policy/system/disable", json!({"enabled": false, "reason": "emergency"}), DisableEvaluation),
        ("GET", "/policy/drills", Value::Null, Read),
        ("POST", "/policy/drills", Value::Null, Apply),
        ("GET", "/policy/drills/1", Value::Null, Read),
        ("GET", "/policy/audit", Value::Null, Read),
        ("GET", "/policy/audit/verify", Value::Null, Read),
        ("GET", "/policy/audit/export", Value::Null, Read),
        ("GET", "/policy/kpis/summary", Value::Null, Read),
        ("GET", "/policy/kpis/approvals", Value::Null, Read),
        ("GET", "/policy/kpis/projected-vs-realized", Value::Null, Read),
        ("GET", "/incidents", Value::Null, Read),
        ("POST", "/incidents", json!({"title": "trouble", "severity": "low"}), HandleIncidents),
        ("GET", "/incidents/INC-2026-0001", Value::Null, Read),
        ("POST", "/incidents/INC-2026-0001/ack", Value::Null, HandleIncidents),
        ("POST", "/incidents/INC-2026-0001/mitigate", Value::Null, HandleIncidents),
        ("POST", "/incidents/INC-2026-0001/resolve", Value::Null, HandleIncidents),
        ("POST", "/incidents/INC-2026-0001/close", Value::Null, HandleIncidents),
        ("GET", "/incidents/INC-2026-0001/post-mortem", Value::Null, Read),
        ("PUT", "/incidents/INC-2026-0001/post-mortem", json!({"markdown": "x"}), HandleIncidents),
        ("GET", "/users", Value::Null, Administer),
        ("POST", "/users", json!({"email": "x", "name": "X", "roles": ["viewer"]}), Administer),
        ("GET", "/users/proposals", Value::Null, Read),
        ("POST", "/users/proposals/1/accept", Value::Null, Countersign),
        ("POST", "/users/proposals/1/reject", Value::Null, Read),
        ("PUT", "/users/999/roles", json!({"roles": ["viewer"]}), Administer),
        ("POST", "/users/999/disable", Value::Null, Administer),
        ("POST", "/users/999/enable", Value::Null, Administer),
        ("POST", "/users/999/reset", Value::Null, Administer),
        ("GET", "/me", Value::Null, Read),
        ("PUT", "/me/password", json!({"old_password": "x", "new_password": "words of my own"}), Read),
        ("DELETE", "/me/identity", Value::Null, Read),
        ("GET", "/me/tokens", Value::Null, Read),
        ("POST", "/me/tokens", json!({"name": "", "roles": ["viewer"]}), Read),
        ("DELETE", "/me/tokens/999", Value::Null, Read),
        ("GET", "/me/sessions", Value::Null, Read),
        ("DELETE", "/me/sessions/999", Value::Null, Read),
        ("GET", "/tokens", Value::Null, Administer),
        ("POST", "/tokens", json!({"name": "x", "roles": ["viewer"]}), Administer),
        ("DELETE", "/tokens/1", Value::Null, Administer),
        ("GET", "/settings", Value::Null, Read),
        ("PUT", "/settings", json!({}), Administer),
        ("GET", "/settings/invariants", Value::Null, Read),
        ("PUT", "/settings/invariants", json!({"invariants": []}), Administer),
        ("GET", "/settings/groups", Value::Null, Read),
        ("PUT", "/settings/groups", json!({"groups": []}), Administer),
        ("GET", "/settings/proposals", Value::Null, Read),
        ("POST", "/settings/proposals/1/accept", Value::Null, Countersign),
        ("POST", "/settings/proposals/1/reject", Value::Null, Countersign),
        ("GET", "/events", Value::Null, Read),
        // Last of all: it ends the token that asks.
        ("DELETE", "/me/sessions", Value::Null, Read),
    ]
}

fn body(value: &Value) -> Body {
    if value.is_null() { Body::empty() } else { Body::from(value.to_string()) }
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_are_refused_everywhere() {
    let workspace = Workspace::new().await;
    let stranger = workspace.stranger();
    for (method, path, value, _) in routes() {
        let method: Method = method.parse().unwrap();
        let reply = stranger.send(method.clone(), path, &[("if-match", "\"1\"")], body(&value)).await;
        assert_eq!(reply.status, 401, "{method} {path}: {}", reply.text);
        assert_eq!(reply.headers["www-authenticate"], "Bearer", "{method} {path}");
        reply.problem(401, "unauthenticated");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_without_the_permission_are_refused_everywhere() {
    let workspace = Workspace::new().await;
    for role in Role::ALL.iter().copied().map(Some).chain([None]) {
        let caller = workspace.caller_or_nobody(role).await;
        let allows = |permission: Permission| role.is_some_and(|role| permission.roles().contains(&role));
        let role = role.map_or("no role", Role::name);
        for (method, path, value, permission) in routes() {
            let allowed = allows(permission);
            // An allowed stream of events does not end.
            if allowed && path == "/events" {
                continue;
            }
            let method: Method = method.parse().unwrap();
            let reply = caller.send(method.clone(), path, &[("if-match", "\"1\"")], body(&value)).await;
            assert_ne!(reply.status, 401, "{role}: {method} {path}: {}", reply.text);
            assert!(!reply.status.is_server_error(), "{role}: {method} {path}: {}", reply.text);
            assert_eq!(reply.status == 403, !allowed, "{role}: {method} {path}: {} {}", reply.status, reply.text);
            if !allowed {
                let problem = reply.problem(403, "forbidden");
                assert_eq!(problem["permission"], permission.name(), "{role}: {method} {path}");
                assert!(problem["roles"].as_array().is_some_and(|roles| !roles.is_empty()));
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_token_is_refused_even_with_a_session() {
    let workspace = Workspace::new().await;
    for authorization in ["Bearer csn_00000000000000000000000000000000", "Bearer", "Basic YTpi", "csn_x"] {
        let headers = [("authorization", authorization), ("cookie", "countersign_session=x")];
        let reply = workspace.stranger().send(Method::GET, "/policy/bundles", &headers, Body::empty()).await;
        reply.problem(401, "unauthenticated");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_token_stops_working_within_a_second() {
    let workspace = Workspace::new().await;
    let service = workspace.caller(Role::Service).await;
    service.post("/policy/evaluate", json!({"agent": "a", "action": "b"})).await.expect(200);
    let admin = workspace.caller(Role::Admin).await;
    let tokens = admin.get("/tokens").await.expect(200);
    let of_service = tokens["tokens"].as_array().unwrap().iter().find(|token| token["name"] == "service").unwrap();
    let path = format!("/tokens/{}", of_service["id"]);
    admin.send(Method::DELETE, &path, &[], Body::empty()).await.expect(200);
    tokio::time::sleep(std::time::Duration::from_millis(1_050)).await;
    service.post("/policy/evaluate", json!({"agent": "a", "action": "b"})).await.problem(401, "unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_other_sites_cannot_write() {
    let workspace = Workspace::new().await;
    let author = workspace.caller(Role::Author).await;
    let foreign = [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")];
    let reply = author.send(Method::POST, "/policy/bundles", &foreign, Body::from(r#"{"rules":[]}"#)).await;
    reply.problem(403, "forbidden");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_server_function_refuses_strangers() {
    let workspace = Workspace::new().await;
    for (path, method) in leptos::server_fn::axum::server_fn_paths() {
        let for_strangers = ["sign-in", "sign-out", "/demo", "/session/ways"];
        if for_strangers.iter().any(|name| path.contains(name)) {
            continue;
        }
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        let reply = workspace.stranger().send(method.clone(), path, &headers, Body::empty()).await;
        // Those with a one-time link report the missing link. Everything else does not even look at its arguments.
        let expected = if path.starts_with("/api/session/") { 422 } else { 401 };
        assert_eq!(reply.status.as_u16(), expected, "{method} {path}: {}", reply.text);
        assert_eq!(method, Method::POST, "{path} can be called by a link");
    }
}
