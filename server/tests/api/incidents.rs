//! `/incidents`: from opening to closing, and the post-mortem.

use axum::body::Body;
use http::Method;
use lifecycle::authority::Role;
use serde_json::{Value, json};

use crate::support::{Workspace, bundle};

#[tokio::test(flavor = "multi_thread")]
async fn an_incident_is_acknowledged_mitigated_resolved_and_closed() {
    let workspace = Workspace::new().await;
    let author = workspace.caller(Role::Author).await;
    let opened = author.post("/incidents", json!({"title": "Mail is late", "severity": "medium"})).await.expect(201);
    let step =
        async |name: &str, body: Value| author.post(&format!("/incidents/INC-{}/{name}", number(&opened)), body).await;

    let early = step("close", Value::Null).await.problem(409, "invalid_transition");
    assert_eq!((&early["from"], &early["to"]), (&json!("open"), &json!("closed")));
    // Mitigating an unacknowledged incident also acknowledges it.
    let mitigated = step("mitigate", json!({"note": " Sent by hand. "})).await.expect(200);
    assert_eq!(
        (&mitigated["status"], &mitigated["acknowledged_by"]),
        (&json!("mitigated"), &json!("author@example.com"))
    );
    assert_eq!(last_line(&mitigated), "Mitigated the incident. Sent by hand.");
    // Repeating a step changes nothing.
    assert_eq!(step("ack", Value::Null).await.expect(200), mitigated);
    let resolved = step("resolve", Value::Null).await.expect(200);
    assert_eq!(resolved["status"], "resolved");
    assert!(resolved["resolved_at"].is_string() && resolved["closed_at"].is_null());
    step("ack", Value::Null).await.problem(409, "invalid_transition");
    assert_eq!(step("close", json!({"note": null})).await.expect(200)["status"], "closed");
    assert_eq!(step("close", Value::Null).await.expect(200)["timeline"].as_array().unwrap().len(), 4);
    step("mitigate", Value::Null).await.problem(409, "invalid_transition");
    step("close", json!({"note": "x".repeat(2_001)})).await.problem(422, "invalid_field");
    author.post("/incidents/INC-2000-0001/resolve", Value::Null).await.problem(404, "not_found");
    let audit = author.get("/policy/audit?event_type=incident_updated").await.expect(200);
    assert_eq!(audit["entries"].as_array().unwrap().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_concurrent_steps_are_one() {
    let workspace = Workspace::new().await;
    let (author, approver) = (workspace.caller(Role::Author).await, workspace.caller(Role::Approver).await);
    let opened = author.post("/incidents", json!({"title": "Mail is late", "severity": "low"})).await.expect(201);
    let path = format!("/incidents/INC-{}/resolve", number(&opened));
    let (one, two) = tokio::join!(author.post(&path, Value::Null), approver.post(&path, Value::Null));
    assert_eq!(one.expect(200), two.expect(200));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incident_of_a_stable_bundle_needs_a_post_mortem_to_close() {
    let workspace = Workspace::new().await;
    workspace.stable(bundle("1.0.0", "allow")).await;
    let bad = workspace.stable(bundle("1.0.1", "deny")).await;
    let service = workspace.caller(Role::Service).await;
    for number in 0..7 {
        let question = json!({"agent": "inbox.triage", "action": "quarantine", "context": {}, "decision_id": format!("d-{number}")});
        service.post("/policy/evaluate", question).await.expect(200);
    }
    let owner = workspace.caller(Role::RuntimeOwner).await;
    let path = format!("/policy/bundles/{}/rollback", bad["id"]);
    let rolled = owner.post(&path, json!({"reason": "Mass denials of legitimate mail"})).await.expect(200);
    let incident = rolled["incident_id"].as_str().unwrap();
    owner.post(&format!("/incidents/{incident}/resolve"), json!({"note": "1.0.0 serves again."})).await.expect(200);
    let close = format!("/incidents/{incident}/close");
    owner.post(&close, Value::Null).await.problem(409, "post_mortem_required");

    let path = format!("/incidents/{incident}/post-mortem");
    let proposed = owner.get(&path).await;
    assert_eq!(proposed.headers["etag"], "\"0\"");
    let proposed = proposed.expect(200);
    assert_eq!(
        (&proposed["revision"], &proposed["required"], &proposed["written_by"]),
        (&json!(0), &json!(true), &Value::Null)
    );
    let text = proposed["markdown"].as_str().unwrap();
    for part in
        ["# Policy Post-Mortem: ", "Resolved the incident. 1.0.0 serves again.", "100% of production", " denied"]
    {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }

    let put = async |etag: Option<&str>, markdown: &str| {
        let headers: Vec<(&str, &str)> = etag.map(|etag| ("if-match", etag)).into_iter().collect();
        owner.send(Method::PUT, &path, &headers, Body::from(json!({"markdown": markdown}).to_string())).await
    };
    let first = put(Some("\"0\""), "# What happened\nA typo.").await.expect(200);
    assert_eq!((&first["revision"], &first["open_places"]), (&json!(1), &json!(0)));
    let late = put(Some("\"0\""), "# Mine").await.problem(412, "precondition_failed");
    assert_eq!(late["current_revision"], 1);
    for garbled in ["everything", "{}", "1", "*"] {
        put(Some(garbled), "# Mine").await.problem(422, "invalid_field");
    }
    put(None, " ").await.problem(422, "invalid_field");
    assert_eq!(put(None, "# Again").await.expect(200)["revision"], 2);
    assert_eq!(owner.get(&path).await.expect(200)["markdown"], "# Again");
    let kept: i64 = sqlx::query_scalar("select count(*) from incident_post_mortems")
        .fetch_one(workspace.store.pool())
        .await
        .unwrap();
    assert_eq!(kept, 2, "earlier revisions stay");
    assert_eq!(owner.post(&close, Value::Null).await.expect(200)["status"], "closed");
}

fn number(incident: &Value) -> &str {
    incident["id"].as_str().unwrap().trim_start_matches("INC-")
}

fn last_line(incident: &Value) -> &str {
    incident["timeline"].as_array().unwrap().last().unwrap()["text"].as_str().unwrap()
}
