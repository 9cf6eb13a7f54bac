//! `/policy/bundles/{id}/activate`, `promote` and `rollback`: from a draft to full traffic and back.

use std::time::Duration;

use lifecycle::authority::Role;
use serde_json::{Value, json};

use crate::support::{Workspace, bundle, question};

#[tokio::test(flavor = "multi_thread")]
async fn nobody_approves_their_own_bundle() {
    let workspace = Workspace::new().await;
    let both = workspace.token(&[Role::Author, Role::Approver]).await;
    let both = crate::support::Caller { workspace: &workspace, token: Some(both) };
    let made = both.post("/policy/bundles", bundle("1.0.0", "deny")).await.expect(201);
    let packet = both
        .post("/policy/packets", json!({"bundle_id": made["id"], "fallback_plan": "none is live"}))
        .await
        .expect(201);
    let path = format!("/policy/packets/{}/actions", packet["packet_id"].as_str().unwrap());
    let refused = both.post(&path, json!({"decision": "approve"})).await;
    assert!([403, 409].contains(&refused.status.as_u16()), "{}", refused.text);
    let approver = workspace.caller(Role::Approver).await;
    approver.post(&path, json!({"decision": "reject"})).await.problem(422, "invalid_field");
    let signed = approver.post(&path, json!({"decision": "approve"})).await.expect(200);
    assert_eq!(signed["actions"].as_array().unwrap().len(), 1);
    let again = approver.post(&path, json!({"decision": "approve"})).await.expect(200);
    assert_eq!(again["actions"].as_array().unwrap().len(), 1, "the same action twice is one action");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_with_errors_cannot_be_submitted_and_an_unsigned_one_not_applied() {
    let workspace = Workspace::new().await;
    let author = workspace.caller(Role::Author).await;
    let broken =
        author.post("/policy/bundles", json!({"version": "0.9.0", "rules": [{"effect": "deny"}]})).await.expect(201);
    let build = |id: &Value| json!({"bundle_id": id, "fallback_plan": "none is live"});
    author.post("/policy/packets", build(&broken["id"])).await.problem(422, "lint_errors");
    let made = author.post("/policy/bundles", bundle("1.0.0", "deny")).await.expect(201);
    author
        .post("/policy/packets", json!({"bundle_id": made["id"], "fallback_plan": " "}))
        .await
        .problem(422, "invalid_field");
    let packet = author.post("/policy/packets", build(&made["id"])).await.expect(201);
    let owner = workspace.caller(Role::RuntimeOwner).await;
    let activate = format!("/policy/bundles/{}/activate", made["id"]);
    let refused = owner.post(&activate, json!({"packet_id": packet["packet_id"]})).await;
    assert_eq!(refused.status, 409, "{}", refused.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_early_promotion_is_refused_with_the_time_to_wait() {
    let workspace = Workspace::new().await;
    let (id, packet) = workspace.approved(bundle("1.0.0", "deny")).await;
    let owner = workspace.caller(Role::RuntimeOwner).await;
    let applied = owner.post(&format!("/policy/bundles/{id}/activate"), json!({"packet_id": packet})).await.expect(200);
    assert_eq!((&applied["state"], &applied["canary_pct"]), (&json!("canary"), &json!(10)));
    assert!(applied["message"].as_str().is_some_and(|message| message.contains("10 %")));
    let refused = owner.post(&format!("/policy/bundles/{id}/promote"), json!({"target_pct": 50})).await;
    assert_eq!(refused.status, 409, "{}", refused.text);
    assert!(refused.json()["detail"].as_str().is_some_and(|detail| detail.contains('h')), "{}", refused.text);
    let status = owner.get(&format!("/policy/bundles/{id}/canary-status")).await.expect(200);
    assert_eq!(status["can_promote"], false);
    assert!(status["seconds_remaining"].as_u64().is_some_and(|seconds| seconds > 86_000), "{status}");
    let gates = owner.post(&format!("/policy/bundles/{id}/check-gates"), json!({"metrics": {"sample_size": 500, "error_rate": 0.0, "deny_rate": 0.1, "avg_cost": 1.0, "baseline_avg_cost": 1.0}})).await.expect(200);
    assert_eq!(gates["passed"], true, "{gates}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_returns_all_traffic_within_a_second_and_opens_an_incident() {
    let workspace = Workspace::new().await;
    let stable = workspace.stable(bundle("1.0.0", "allow")).await;
    let canary = workspace.canary(bundle("1.0.1", "deny"), 50).await;
    let owner = workspace.caller(Role::RuntimeOwner).await;
    let active = owner.get("/policy/bundles?active_only=true").await.expect(200);
    let ids: Vec<&Value> = active["bundles"].as_array().unwrap().iter().map(|bundle| &bundle["id"]).collect();
    assert_eq!(ids, [&canary["id"], &stable["id"]], "canary first");

    let body =
        json!({"reason": "Error rate 7.2% exceeds 5% threshold", "rolled_back_by": "alice", "create_incident": true});
    let path = format!("/policy/bundles/{}/rollback", canary["id"]);
    let (first, second) = tokio::join!(owner.post(&path, body.clone()), owner.post(&path, body.clone()));
    let (first, second) = (first.expect(200), second.expect(200));
    assert_eq!(first["rollback_id"], second["rollback_id"], "two at once are one rollback");
    assert_eq!((&first["version"], &first["rolled_back_from"]), (&json!("1.0.0"), &json!("1.0.1")));

    tokio::time::sleep(Duration::from_millis(1_000)).await;
    let service = workspace.caller(Role::Service).await;
    for number in 0..40 {
        let answer = service.post("/policy/evaluate", question(&format!("s-{number}"))).await.expect(200);
        assert_eq!(answer["bundle"]["id"], stable["id"]);
    }
    let viewer = workspace.caller(Role::Viewer).await;
    let incident = first["incident_id"].as_str().unwrap();
    assert_eq!(viewer.get(&format!("/incidents/{incident}")).await.expect(200)["status"], "open");
    let taken = workspace.caller(Role::Author).await.post(&format!("/incidents/{incident}/ack"), Value::Null).await;
    assert_eq!(taken.expect(200)["status"], "acknowledged");
    owner.post(&path, json!({"reason": "short"})).await.problem(422, "invalid_field");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_runbooks_manual_failover_is_served_within_a_second() {
    let workspace = Workspace::new().await;
    let old = workspace.stable(bundle("1.0.0", "allow")).await;
    workspace.stable(bundle("1.0.1", "deny")).await;
    let mut transaction = workspace.store.pool().begin().await.unwrap();
    sqlx::query("UPDATE policy_bundles SET active = false, canary_pct = 0;").execute(&mut *transaction).await.unwrap();
    sqlx::query("UPDATE policy_bundles \nSET active = true, canary_pct = 100 \nWHERE version = '1.0.0';")
        .execute(&mut *transaction)
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    tokio::time::sleep(Duration::from_millis(1_000)).await;
    let service = workspace.caller(Role::Service).await;
    let answer = service.post("/policy/evaluate", question("s")).await.expect(200);
    assert_eq!(answer["bundle"]["id"], old["id"]);
    let viewer = workspace.caller(Role::Viewer).await;
    assert_eq!(viewer.get("/policy/system").await.expect(200)["stable"]["version"], "1.0.0");
    let audit = viewer.get("/policy/audit?event_type=manual_failover").await.expect(200);
    assert!(!audit["entries"].as_array().unwrap().is_empty(), "{audit}");
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_fail_a_gate_before_the_sample_is_full_only_where_that_is_certain() {
    let workspace = Workspace::new().await;
    let (id, _) = workspace.approved(bundle("1.0.0", "deny")).await;
    let viewer = workspace.caller(Role::Viewer).await;
    let path = format!("/policy/bundles/{id}/check-gates");
    for (total, errors, verdict) in [(20, 2, "hold"), (20, 10, "fail"), (200, 10, "pass"), (200, 11, "fail")] {
        let metrics = json!({"total_decisions": total, "error_count": errors, "deny_count": 0, "canary_avg_cost": 0.1,
            "baseline_avg_cost": 0.1});
        let report = viewer.post(&path, json!({"metrics": metrics})).await.expect(200);
        let gate = &report["gates"][1];
        assert_eq!(gate["verdict"], verdict, "{errors} of {total}: {gate}");
        let (lower, upper) = (gate["interval"]["lower"].as_f64().unwrap(), gate["interval"]["upper"].as_f64().unwrap());
        let rate = f64::from(errors) / f64::from(total);
        assert!(lower < rate && rate < upper, "{gate}");
    }
    let certain = json!({"total_decisions": 200, "error_count": 6, "deny_count": 0});
    let strict = json!({"require_confidence": true});
    let report = viewer.post(&path, json!({"metrics": certain, "gate_config": strict})).await.expect(200);
    assert_eq!(report["gates"][1]["verdict"], "hold", "{report}");
    let allowed =
        json!({"sample_size": 200, "error_rate": 0, "deny_rate": 0, "avg_cost": 0.0001, "baseline_avg_cost": 0});
    let report =
        viewer.post(&path, json!({"metrics": allowed, "gate_config": {"cost_allowance": 0.001}})).await.expect(200);
    assert_eq!((&report["passed"], &report["gates"][3]["value"]), (&json!(true), &Value::Null), "{report}");
    for (config, pointer) in [
        (json!({"cost_allowance": -1}), "/gate_config/cost_allowance"),
        (json!({"cost_bound": 0}), "/gate_config/cost_bound"),
    ] {
        let problem = viewer.post(&path, json!({"gate_config": config})).await.problem(422, "invalid_field");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
    viewer.post(&path, json!({"gate_config": {"min_subject": 1}})).await.problem(422, "unknown_member");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_freeze_holds_an_apply_until_it_is_ended() {
    let workspace = Workspace::new().await;
    let (id, packet) = workspace.approved(bundle("1.0.0", "deny")).await;
    let owner = workspace.caller(Role::RuntimeOwner).await;
    let stop = json!({"name": "Stop the line", "reason": "the payment provider is down"});
    workspace.caller(Role::Approver).await.post("/policy/freezes", stop.clone()).await.problem(403, "forbidden");
    let made = owner.post("/policy/freezes", stop).await;
    assert_eq!(made.headers["location"].to_str().unwrap(), format!("/policy/freezes/{}", made.json()["id"]));
    let made = made.expect(201);
    let activate = format!("/policy/bundles/{id}/activate");
    let refused = owner.post(&activate, json!({"packet_id": packet})).await.problem(423, "frozen");
    assert!(
        refused["detail"].as_str().is_some_and(|detail| detail.contains("the payment provider is down")),
        "{refused}"
    );
    let listed = owner.get("/policy/freezes").await.expect(200);
    assert_eq!(listed["freezes"], json!([made]));
    let path = format!("/policy/freezes/{}", made["id"]);
    let ended = owner.send(http::Method::DELETE, &path, &[], axum::body::Body::empty()).await.expect(200);
    assert_eq!(ended["ended_by"], "runtime_owner@example.com");
    owner
        .send(http::Method::DELETE, "/policy/freezes/99", &[], axum::body::Body::empty())
        .await
        .problem(404, "not_found");
    owner.post(&activate, json!({"packet_id": packet})).await.expect(200);
    let wrong = json!({"name": "x", "reason": "long enough a reason", "recurrence":
        {"starts_at": "2026-12-18T18:00", "zone": "Mars/Base", "minutes": 60}});
    let problem = owner.post("/policy/freezes", wrong).await.problem(422, "invalid_field");
    assert_eq!(problem["errors"][0]["pointer"], "/recurrence/zone");
}
