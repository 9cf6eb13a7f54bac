//! `/policy/lint` and `/policy/simulate`

use lifecycle::authority::Role;
use serde_json::json;

use crate::support::{Workspace, bundle};

#[tokio::test(flavor = "multi_thread")]
async fn lint_takes_rules_a_bundle_or_a_number() {
    let workspace = Workspace::new().await;
    let author = workspace.caller(Role::Author).await;
    let wrong = json!([{"agent": "a", "action": "b", "effect": "deny", "conditions": {"risk_score>=": 85}}]);
    for body in [json!({"rules": wrong}), json!({"bundle": {"rules": wrong}}), wrong.clone()] {
        let report = author.post("/policy/lint", body).await.expect(200);
        assert_eq!(report["passed"], false);
        let codes: Vec<&str> =
            report["errors"].as_array().unwrap().iter().filter_map(|finding| finding["code"].as_str()).collect();
        assert!(codes.contains(&"bad_operator") && codes.contains(&"missing_id"), "{report}");
        assert_eq!(report["summary"]["total_rules"], 1);
    }
    let made = author.post("/policy/bundles", bundle("1.0.0", "deny")).await.expect(201);
    assert_eq!(author.post("/policy/lint", json!({"bundle_id": made["id"]})).await.expect(200)["passed"], true);
    author.post("/policy/lint", json!({"bundle_id": 99})).await.problem(404, "not_found");
    author.post("/policy/lint", json!({})).await.problem(422, "invalid_field");
}

#[tokio::test(flavor = "multi_thread")]
async fn simulations_answer_their_cases() {
    let workspace = Workspace::new().await;
    let author = workspace.caller(Role::Author).await;
    let cases = json!([
        {"case_id": "high", "agent": "inbox.triage", "action": "quarantine", "context": {"risk_score": 95}, "expected_effect": "allow"},
        {"case_id": "low", "agent": "inbox.triage", "action": "quarantine", "context": {"risk_score": 5}, "expected_effect": "allow"},
    ]);
    let asked = json!({"bundle": bundle("1.0.0", "allow"), "dataset": "custom", "cases": cases});
    let answer = author.post("/policy/simulate", asked).await.expect(200);
    assert_eq!(answer["summary"]["total_cases"], 2);
    assert_eq!(answer["results"][0]["passed"], true);
    assert_eq!(answer["results"][1]["passed"], false);

    let synthetic = json!({"bundle": bundle("1.0.0", "allow"), "dataset": "synthetic", "count": 50, "seed": 7});
    let first = author.post("/policy/simulate", synthetic.clone()).await.expect(200);
    assert_eq!(first, author.post("/policy/simulate", synthetic).await.expect(200), "same seed, same cases");
    let fixtures = author.get("/policy/simulate/fixtures").await.expect(200);
    assert!(fixtures["fixtures"].as_array().is_some_and(|cases| !cases.is_empty()));

    let sides = json!({"a": bundle("1.0.0", "allow"), "b": {"bundle": bundle("1.0.1", "deny")}, "cases": cases});
    let comparison = author.post("/policy/simulate/compare", sides).await.expect(200);
    assert_eq!(comparison["total_changes"], 1);
    assert_eq!(comparison["changes"][0]["case_id"], "high");
}
