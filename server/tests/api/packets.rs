//! `/policy/packets`: the evidence of packets can be replayed on the server and elsewhere, and a bypass of a guardrail
//! is refused.

use lifecycle::{authority::Role, review::Evidence};
use serde_json::json;

use crate::support::{Workspace, bundle};

#[tokio::test(flavor = "multi_thread")]
async fn a_packet_is_verified_on_the_server_and_from_its_evidence() {
    let workspace = Workspace::new().await;
    let author = workspace.caller(Role::Author).await;
    let made = author.post("/policy/bundles", bundle("1.0.0", "deny")).await.expect(201);
    let packet = author
        .post("/policy/packets", json!({"bundle_id": made["id"], "fallback_plan": "none is live"}))
        .await
        .expect(201);
    for member in ["projected_kpis", "guardrails", "red_team", "blast_radius", "risk_parts", "replay_checksum"] {
        assert!(!packet[member].is_null(), "{member}: {packet}");
    }
    let path = format!("/policy/packets/{}", packet["packet_id"].as_str().unwrap());
    let viewer = workspace.caller(Role::Viewer).await;
    let verified = viewer.post(&format!("{path}/verify"), json!(null)).await.expect(200);
    assert_eq!(verified["passed"], true, "{verified}");
    assert_eq!(verified["replay_checksum"], packet["replay_checksum"]);
    let evidence = viewer.get(&format!("{path}/evidence")).await.expect(200);
    let mut evidence: Evidence = serde_json::from_value(evidence).unwrap();
    assert!(evidence.verify().passed);
    evidence.corpus.cases.pop();
    assert!(!evidence.verify().passed);
}

#[tokio::test(flavor = "multi_thread")]
async fn invariants_are_set_by_administrators_and_checked_by_lint() {
    let workspace = Workspace::new().await;
    let admin = workspace.caller(Role::Admin).await;
    let put = |value: serde_json::Value| {
        let body = axum::body::Body::from(value.to_string());
        admin.send(http::Method::PUT, "/settings/invariants", &[], body)
    };
    let never = |when: serde_json::Value| {
        json!({"invariants": [{"id": "keep-low-risk", "agent": "inbox.triage", "action": "quarantine",
            "never": "allow", "when": when}]})
    };
    put(never(json!({"risk>=": 20}))).await.problem(422, "invalid_field");
    put(never(json!({"<risk_score": 20}))).await.expect(200);
    let author = workspace.caller(Role::Author).await;
    let kept = author.get("/settings/invariants").await.expect(200);
    assert_eq!(kept["invariants"][0]["never"], "allow");
    let report = author
        .post(
            "/policy/lint",
            json!({"rules": [{"id": "allow-all-mail", "agent": "inbox.triage", "action": "quarantine",
            "effect": "allow", "reason": "Everything may be put aside"}]}),
        )
        .await
        .expect(200);
    assert_eq!(report["passed"], false);
    assert_eq!(report["errors"][0]["code"], "invariant");
    assert!(report["errors"][0]["witness"]["context"]["risk_score"].as_f64().is_some_and(|risk| risk < 20.0));
}
