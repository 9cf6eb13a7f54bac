//! `/policy/decisions` and `/policy/outcomes`

use lifecycle::authority::Role;
use serde_json::json;

use crate::support::{Workspace, question};

#[tokio::test(flavor = "multi_thread")]
async fn the_first_outcome_stays() {
    let workspace = Workspace::new().await;
    let service = workspace.caller(Role::Service).await;
    let answer = service.post("/policy/evaluate", question("s")).await.expect(200);
    let id = answer["decision_id"].as_str().unwrap();
    let path = format!("/policy/decisions/{id}/outcome");
    let first = service.post(&path, json!({"status": "ok", "cost": 0.04})).await.expect(200);
    assert_eq!(first["outcome"]["cost"], 0.04);
    let second = service.post(&path, json!({"status": "error"})).await.expect(200);
    assert_eq!(second["outcome"]["status"], "ok");
    service.post("/policy/decisions/unknown/outcome", json!({"status": "ok"})).await.problem(404, "not_found");
    service.post(&path, json!({"status": "fine"})).await.problem(422, "invalid_field");

    let report = json!({"outcomes": [{"decision_id": id, "status": "ok"}, {"decision_id": "unknown", "status": "ok"}]});
    let reported = service.post("/policy/outcomes", report).await.expect(200);
    assert_eq!(reported, json!({"recorded": 0, "repeated": 1, "unknown": ["unknown"], "refused": []}));
}

#[tokio::test(flavor = "multi_thread")]
async fn decisions_are_filtered_and_paged() {
    let workspace = Workspace::new().await;
    let service = workspace.caller(Role::Service).await;
    for number in 0..5 {
        let agent = if number % 2 == 0 { "inbox.triage" } else { "knowledge.search" };
        service.post("/policy/evaluate", json!({"agent": agent, "action": "look"})).await.expect(200);
    }
    let viewer = workspace.caller(Role::Viewer).await;
    let some = viewer.get("/policy/decisions?agent=inbox.triage&effect=deny&status=no_match").await.expect(200);
    assert_eq!(some["decisions"].as_array().unwrap().len(), 3);
    let page = viewer.get("/policy/decisions?limit=3").await.expect(200);
    let cursor = page["next_cursor"].as_str().unwrap();
    let rest = viewer.get(&format!("/policy/decisions?limit=3&cursor={cursor}")).await.expect(200);
    assert_eq!(rest["decisions"].as_array().unwrap().len(), 2);
    assert!(rest["next_cursor"].is_null());
    let errors = viewer.get("/metrics/errors?window=5m").await.expect(200);
    assert_eq!((&errors["window"], &errors["total"], &errors["errors"]), (&json!("5m"), &json!(5), &json!(0)));
    workspace.stranger().get("/metrics/errors").await.expect(200);
}
