//! `/policy/system`: the safety pause and the emergency switch.

use std::time::Duration;

use axum::body::Body;
use http::Method;
use lifecycle::authority::Role;
use serde_json::{Value, json};

use crate::support::{Workspace, bundle, question};

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_refuses_with_423_and_two_people_release_it() {
    let workspace = Workspace::new().await;
    workspace.stable(bundle("1.0.0", "allow")).await;
    let (id, packet) = workspace.approved(bundle("1.0.1", "deny")).await;
    let (owner, safety) = (workspace.caller(Role::RuntimeOwner).await, workspace.caller(Role::SafetyOwner).await);
    let body = json!({"reason": "margins fall", "trigger_metrics": ["error_rate_5m"]});
    let paused = safety.post("/policy/system/pause", body).await.expect(200);
    assert_eq!((&paused["paused"], &paused["pause"]["reason"]), (&json!(true), &json!("margins fall")));
    assert!(paused["pause"]["ticket"].as_str().is_some_and(|ticket| ticket.starts_with("INC-")), "{paused}");
    let again = owner.post("/policy/system/pause", json!({"reason": "me too"})).await.expect(200);
    assert_eq!(again["pause"], paused["pause"]);

    let activate = format!("/policy/bundles/{id}/activate");
    let refused = owner.post(&activate, json!({"packet_id": packet})).await.problem(423, "paused");
    for member in ["reason", "by", "since"] {
        assert_eq!(refused[member], paused["pause"][member], "{member}");
    }
    let release = "/policy/system/pause/release";
    safety.post(release, json!({"remediation": "  "})).await.problem(422, "invalid_field");
    let one = safety.post(release, json!({"remediation": "prices corrected"})).await.expect(200);
    assert!(one["message"].as_str().is_some_and(|message| message.starts_with("1 of 2")), "{one}");
    assert_eq!(one["pause"]["release_signatures"].as_array().map(Vec::len), Some(1));
    safety.post(release, json!({"remediation": "again"})).await.problem(409, "release_refused");
    let two = owner.post(release, json!({"remediation": "checked"})).await.expect(200);
    assert_eq!((&two["paused"], &two["pause"]), (&json!(false), &Value::Null));
    owner.post(&activate, json!({"packet_id": packet})).await.expect(200);
}

/// The runbook's `curl` as printed: without `Content-Type`, with the header and the two members.
#[tokio::test(flavor = "multi_thread")]
async fn the_runbooks_bypass_is_served_by_every_server_within_a_second() {
    let workspace = Workspace::new().await;
    workspace.stable(bundle("1.0.0", "deny")).await;
    let second = workspace.second_server().await;

    let admin = workspace.caller(Role::Admin).await;
    let body = r#"{"enabled": false, "reason": "Emergency bypass"}"#;
    let path = "/policy/system/disable";
    admin.send(Method::POST, path, &[], Body::from(body)).await.problem(428, "precondition_required");
    let header = [("x-emergency-override", "true")];
    let off = admin.send(Method::POST, path, &header, Body::from(body)).await.expect(200);
    assert_eq!((&off["enabled"], &off["disabled"]["reason"]), (&json!(false), &json!("Emergency bypass")));
    tokio::time::sleep(Duration::from_millis(1_000)).await;
    let token = workspace.token(&[Role::Service]).await;
    for server in [&workspace, &second] {
        let service = crate::support::Caller { workspace: server, token: Some(token.clone()) };
        let answer = service.post("/policy/evaluate", question("s")).await.expect(200);
        assert_eq!((&answer["mode"], &answer["effect"]), (&json!("bypass"), &json!("allow")));
        assert_eq!((&answer["enabled"], &answer["paused"]), (&json!(false), &json!(false)));
        let viewer = workspace.caller(Role::Viewer).await;
        let logged = format!("/policy/decisions/{}", answer["decision_id"].as_str().unwrap());
        assert_eq!(viewer.get(&logged).await.expect(200)["mode"], "bypass");
    }
    let on = admin.post(path, json!({"enabled": true})).await.expect(200);
    assert_eq!((&on["enabled"], &on["disabled"]), (&json!(true), &Value::Null));

    // The runbook's quick reference sends only the header.
    admin.send(Method::POST, path, &[], Body::empty()).await.problem(428, "precondition_required");
    let off = admin.send(Method::POST, path, &header, Body::empty()).await.expect(200);
    assert_eq!(off["enabled"], false);
    admin.post(path, json!({"enabled": true})).await.expect(200);
    let safety = workspace.caller(Role::SafetyOwner).await;
    safety.post("/policy/system/pause", json!({"reason": "stop"})).await.expect(200);
    tokio::time::sleep(Duration::from_millis(1_000)).await;
    let service = crate::support::Caller { workspace: &second, token: Some(token) };
    let answer = service.post("/policy/evaluate", question("s")).await.expect(200);
    assert_eq!(
        (&answer["mode"], &answer["enabled"], &answer["paused"]),
        (&json!("normal"), &json!(true), &json!(true))
    );
    let batch = service.post("/policy/evaluate/batch", json!({"requests": [question("s")]})).await.expect(200);
    assert_eq!(batch["decisions"][0]["paused"], true);
}
