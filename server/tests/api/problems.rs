//! Invalid input of every kind is answered with a problem, and has no effect.

use axum::body::Body;
use http::Method;
use lifecycle::authority::Role;
use serde_json::json;

use crate::support::{Workspace, bundle};

#[tokio::test(flavor = "multi_thread")]
async fn paths_and_methods_that_do_not_exist() {
    let workspace = Workspace::new().await;
    let viewer = workspace.caller(Role::Viewer).await;
    viewer.get("/policy/nothing").await.problem(404, "not_found");
    viewer.get("/policy/bundles/99").await.problem(404, "not_found");
    viewer.get("/policy/bundles/abc").await.problem(404, "not_found");
    viewer.get("/policy/packets/pktv1:00").await.problem(404, "not_found");
    viewer.get("/policy/decisions/unknown").await.problem(404, "not_found");
    viewer.get("/incidents/INC-2020-0001").await.problem(404, "not_found");
    viewer.get("/nothing").await.problem(404, "not_found");
    for token in [None, Some("csn_wrong".to_owned())] {
        let caller = crate::support::Caller { workspace: &workspace, token };
        for path in ["/policy/nothing", "/policy/evaluate/nothing", "/healthz/nothing", "/docs/nothing", "/nothing"] {
            caller.get(path).await.problem(404, "not_found");
        }
    }
    viewer.post("/api/nothing", json!({})).await.problem(404, "not_found");
    let reply = viewer.send(Method::DELETE, "/policy/bundles/1", &[], Body::empty()).await;
    assert!(reply.headers.contains_key("allow"));
    reply.problem(405, "method_not_allowed");
    viewer.get("/policy/evaluate").await.problem(405, "method_not_allowed");
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_not_json_name_line_and_column() {
    let workspace = Workspace::new().await;
    let author = workspace.caller(Role::Author).await;
    for (path, text, line) in [
        ("/policy/bundles", "{\"rules\": [\n  {\"id\": }\n]}", 2),
        ("/policy/lint", "[1, 2", 1),
        ("/policy/packets", "nonsense", 1),
        ("/policy/bundles", "", 0),
    ] {
        let problem = author.send(Method::POST, path, &[], Body::from(text)).await.problem(400, "malformed_json");
        if line > 0 {
            assert_eq!(problem["line"], line, "{problem}");
            assert!(problem["column"].as_u64().is_some_and(|column| column > 0), "{problem}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_pages_send_is_read_as_strictly_as_what_programs_send() {
    let workspace = Workspace::new().await;
    let author = workspace.caller(Role::Author).await;
    let json = [("content-type", "application/json")];
    for (body, status, code, pointer) in [
        (r#"{"empty": true, "empty": false}"#, 400, "duplicate_member", "/empty"),
        (r#"{"empty": true, "emtpy": false}"#, 422, "unknown_member", "/emtpy"),
        (r#"{"empty": 1}"#, 422, "invalid_field", "/empty"),
    ] {
        let reply = author.send(Method::POST, "/api/bundles/new", &json, Body::from(body)).await;
        assert_eq!(reply.status.as_u16(), status, "{}", reply.text);
        let problem = reply.json();
        assert_eq!((&problem["code"], &problem["errors"][0]["pointer"]), (&json!(code), &json!(pointer)), "{problem}");
    }
    let cut = author.send(Method::POST, "/api/bundles/new", &json, Body::from("{\"empty\":")).await.json();
    assert_eq!((&cut["code"], &cut["line"]), (&json!("malformed_json"), &json!(1)), "{cut}");
    // Forms are read by another reader, which takes no member twice either.
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let twice = author.send(Method::POST, "/api/incidents/get", &form, Body::from("id=INC-1&id=INC-2")).await;
    assert_eq!(twice.status, 422, "{}", twice.text);
    let bundles = author.get("/policy/bundles").await.expect(200);
    assert_eq!(bundles["bundles"].as_array().map(Vec::len), Some(0), "nothing was made: {bundles}");
}

#[tokio::test(flavor = "multi_thread")]
async fn members_of_a_wrong_type_are_pointed_at() {
    let workspace = Workspace::new().await;
    let author = workspace.caller(Role::Author).await;
    for (path, body, pointer) in [
        ("/policy/bundles", json!({"rules": [7]}), "/rules/0"),
        ("/policy/bundles", json!({"rules": {}}), "/rules"),
        ("/policy/lint", json!({"bundle": {"rules": [], "on_error": "stop"}}), "/bundle/on_error"),
        ("/policy/packets", json!({"bundle_id": "one"}), "/bundle_id"),
        ("/policy/packets", json!({"fallback_plan": "x"}), "/bundle_id"),
        ("/policy/simulate", json!({"rules": [], "count": -1}), "/count"),
        ("/policy/simulate", json!({"rules": [], "dataset": "everything"}), "/dataset"),
        ("/policy/simulate/compare", json!({"a": {"rules": []}}), "/b"),
    ] {
        let problem = author.post(path, body).await.problem(422, "invalid_field");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{path}: {problem}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_query_parameters_are_named() {
    let workspace = Workspace::new().await;
    let viewer = workspace.caller(Role::Viewer).await;
    for (path, parameter) in [
        ("/policy/bundles?active_only=perhaps", "active_only"),
        ("/policy/bundles?state=lost", "state"),
        ("/policy/bundles?limit=0", "limit"),
        ("/policy/bundles?limit=many", "limit"),
        ("/policy/bundles?fields=all", "fields"),
        ("/policy/decisions?bundle_id=x", "bundle_id"),
        ("/policy/decisions?status=fine", "status"),
        ("/policy/decisions?since=yesterday", "since"),
        ("/policy/decisions?since=", "since"),
        ("/policy/decisions?until=", "until"),
        ("/policy/decisions?agent=", "agent"),
        ("/policy/decisions?stauts=error", "stauts"),
        ("/policy/decisions?limit=1&limit=2", "limit"),
        ("/policy/audit?since=", "since"),
        ("/policy/kpis/summary?as_of=", "as_of"),
        ("/policy/kpis/projected-vs-realized?as_of=", "as_of"),
        ("/policy/system?verbose=1", "verbose"),
        ("/policy/corpus?until=", "until"),
        ("/metrics/errors?window=", "window"),
        ("/metrics/errors?windw=5m", "windw"),
        ("/policy/audit?event_type=party", "event_type"),
        ("/policy/audit?order=random", "order"),
        ("/incidents?severity=awful", "severity"),
    ] {
        let problem = viewer.get(path).await.problem(422, "invalid_field");
        assert_eq!(problem["parameter"], parameter, "{path}: {problem}");
    }
    viewer.get("/policy/bundles?cursor=@@@").await.problem(422, "invalid_field");
    viewer.get("/metrics/errors?window=soon").await.problem(422, "invalid_field");
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_too_large_are_refused_with_the_limit() {
    let workspace = Workspace::new().await;
    let author = workspace.caller(Role::Author).await;
    let huge = "x".repeat(32 * 1024 * 1024 + 1);
    let problem = author.send(Method::POST, "/policy/bundles", &[], Body::from(huge)).await.problem(413, "too_large");
    assert_eq!(problem["limit_bytes"], 32 * 1024 * 1024);
    let service = workspace.caller(Role::Service).await;
    let context = json!({"agent": "a", "action": "b", "context": {"text": "y".repeat(65 * 1024)}});
    let problem = service.post("/policy/evaluate", context).await.problem(413, "too_large");
    assert!(problem["detail"].as_str().unwrap().contains("65536"), "{problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_content_type_does_not_matter() {
    let workspace = Workspace::new().await;
    let author = workspace.caller(Role::Author).await;
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let text = bundle("1.0.0", "deny").to_string();
    author.send(Method::POST, "/policy/bundles", &form, Body::from(text)).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_have_the_security_headers() {
    let workspace = Workspace::new().await;
    let reply = workspace.stranger().get("/healthz").await;
    assert_eq!(reply.headers["x-content-type-options"], "nosniff");
    assert_eq!(reply.headers["referrer-policy"], "same-origin");
    assert_eq!(reply.headers["cache-control"], "no-store");
    assert!(reply.headers.contains_key("permissions-policy"));
    assert!(reply.headers["content-security-policy"].to_str().unwrap().contains("frame-ancestors 'none'"));
    assert_eq!(reply.expect(200)["status"], "ok");
    workspace.stranger().get("/readyz").await.expect(200);
}

/// A reader that keeps the last of two equal members would evaluate a rule that nobody wrote.
#[tokio::test(flavor = "multi_thread")]
async fn a_duplicate_condition_is_refused_wherever_a_bundle_is_read() {
    let workspace = Workspace::new().await;
    let author = workspace.caller(Role::Author).await;
    let rules = r#"{"rules":[{"id":"the-rule","agent":"a","action":"b","conditions":{">=risk":90,">=risk":10},
        "effect":"allow","reason":"Long enough a reason."}]}"#;
    let both = format!(r#"{{"a":{rules},"b":{rules}}}"#);
    for (path, body) in [
        ("/policy/bundles", rules),
        ("/policy/lint", rules),
        ("/policy/simulate", rules),
        ("/policy/simulate/compare", both.as_str()),
    ] {
        let refused = author.send(Method::POST, path, &[], Body::from(body.to_owned())).await;
        let problem = refused.problem(400, "duplicate_member");
        let pointer = problem["errors"][0]["pointer"].as_str().unwrap();
        assert!(pointer.ends_with("/rules/0/conditions/>=risk"), "{problem}");
    }
}
