//! `/settings`

use lifecycle::authority::Role;
use serde_json::json;

use crate::support::Workspace;

#[tokio::test(flavor = "multi_thread")]
async fn limits_out_of_range_are_refused_by_name() {
    let workspace = Workspace::new().await;
    let administrator = workspace.caller(Role::Admin).await;
    let refused = administrator.put("/settings", None, json!({"watch": {"max_deny_rate": 1.5}})).await;
    let problem = refused.problem(422, "invalid_field");
    assert!(problem.to_string().contains("/watch/max_deny_rate"), "{problem}");
    administrator.put("/settings", None, json!({"watch": {"mode": "off"}})).await.problem(422, "invalid_field");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_weakens_a_safeguard_is_answered_as_a_proposal() {
    let workspace = Workspace::new().await;
    let admin = workspace.caller(Role::Admin).await;
    let safety = workspace.caller(Role::SafetyOwner).await;
    let stricter = admin.put("/settings", None, json!({"gates": {"max_deny_rate": 0.2}})).await.expect(200);
    assert_eq!(stricter["gates"]["max_deny_rate"], 0.2);
    let wanted = json!({"gates": {"max_deny_rate": 0.2, "max_error_rate": 0.4, "max_cost_increase": 0.1}});
    let answer = admin.put("/settings", None, wanted).await.expect(202);
    assert_eq!(answer["applied"], json!([{"field": "/gates/max_cost_increase", "from": 0.2, "to": 0.1}]));
    let proposal = &answer["proposal"];
    assert_eq!(proposal["changes"], json!([{"field": "/gates/max_error_rate", "from": 0.05, "to": 0.4}]));
    assert_eq!(proposal["needs"], "safety_owner");
    let path = format!("/settings/proposals/{}", proposal["id"]);
    let pending = admin.get("/settings/proposals?status=pending").await.expect(200);
    assert_eq!(pending["proposals"][0]["id"], proposal["id"]);
    assert_eq!(admin.get("/settings").await.expect(200)["gates"]["max_error_rate"], 0.05);
    admin.post(&format!("{path}/accept"), json!(null)).await.problem(403, "forbidden");
    let accepted = safety.post(&format!("{path}/accept"), json!(null)).await.expect(200);
    assert_eq!(accepted["status"], "accepted");
    assert_eq!(admin.get("/settings").await.expect(200)["gates"]["max_error_rate"], 0.4);
    safety.post(&format!("{path}/reject"), json!(null)).await.problem(409, "invalid_transition");
    safety.post("/settings/proposals/99/accept", json!(null)).await.problem(404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invariant_is_removed_by_two_people() {
    let workspace = Workspace::new().await;
    let admin = workspace.caller(Role::Admin).await;
    let safety = workspace.caller(Role::SafetyOwner).await;
    let one = json!({"id": "never-delete", "agent": "*", "action": "delete", "never": "allow"});
    admin.put("/settings/invariants", None, json!({"invariants": [one]})).await.expect(200);
    let answer = admin.put("/settings/invariants", None, json!({"invariants": []})).await.expect(202);
    assert_eq!(answer["proposal"]["changes"][0]["field"], "/invariants/never-delete");
    assert_eq!(admin.get("/settings/invariants").await.expect(200)["invariants"][0]["id"], "never-delete");
    let path = format!("/settings/proposals/{}/reject", answer["proposal"]["id"]);
    assert_eq!(safety.post(&path, json!(null)).await.expect(200)["status"], "rejected");
    assert_eq!(admin.get("/settings/invariants").await.expect(200)["invariants"][0]["id"], "never-delete");
}
