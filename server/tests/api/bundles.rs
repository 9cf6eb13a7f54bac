//! `/policy/bundles`

use axum::body::Body;
use http::Method;
use lifecycle::authority::Role;
use serde_json::json;

use crate::support::{Workspace, bundle};

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_is_created_read_and_edited() {
    let workspace = Workspace::new().await;
    let author = workspace.caller(Role::Author).await;
    let reply = author.post("/policy/bundles", bundle("1.0.0", "deny")).await;
    assert!(reply.headers.contains_key("etag"));
    let made = reply.expect(201);
    assert_eq!((&made["state"], &made["active"], &made["canary_pct"]), (&json!("draft"), &json!(false), &json!(0)));
    assert_eq!(made["created_by"], "author@example.com");
    let path = format!("/policy/bundles/{}", made["id"]);

    let read = author.get(&path).await;
    let etag = read.headers["etag"].to_str().unwrap().to_owned();
    assert_eq!(read.expect(200), made);

    let mut changed = made.clone();
    changed["rules"][0]["priority"] = json!(81);
    let reply = author.put(&path, Some(&etag), changed.clone()).await;
    let next = reply.headers["etag"].to_str().unwrap().to_owned();
    assert_ne!(next, etag);
    let saved = reply.expect(200);
    assert_eq!(saved["rules"][0]["priority"], 81);
    assert_ne!(saved["digest"], made["digest"]);

    author.put(&path, None, changed.clone()).await.problem(428, "precondition_required");
    let problem = author.put(&path, Some(&etag), changed.clone()).await.problem(412, "precondition_failed");
    assert_eq!(problem["current_revision"], saved["revision"]);
    for garbled in ["nonsense", "{}", "3", "*", "W/\"1\""] {
        author.put(&path, Some(garbled), changed.clone()).await.problem(422, "invalid_field");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_edits_of_the_same_revision_one_wins() {
    let workspace = Workspace::new().await;
    let author = workspace.caller(Role::Author).await;
    let made = author.post("/policy/bundles", bundle("1.0.0", "deny")).await.expect(201);
    let path = format!("/policy/bundles/{}", made["id"]);
    let etag = format!("\"{}\"", made["revision"]);
    let edit = |priority: i64| {
        let mut changed = made.clone();
        changed["rules"][0]["priority"] = json!(priority);
        author.put(&path, Some(&etag), changed)
    };
    let (first, second) = tokio::join!(edit(81), edit(82));
    let mut statuses = [first.status.as_u16(), second.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412]);
}

#[tokio::test(flavor = "multi_thread")]
async fn bundles_are_listed_with_and_without_their_rules() {
    let workspace = Workspace::new().await;
    let author = workspace.caller(Role::Author).await;
    author.post("/policy/bundles", bundle("1.0.0", "deny")).await.expect(201);
    let made = author.post("/policy/bundles", json!([])).await.expect(201);
    assert!(made["version"].as_str().is_some_and(|version| !version.is_empty()), "a version is proposed: {made}");
    let list = author.get("/policy/bundles").await.expect(200);
    assert_eq!(list["bundles"].as_array().unwrap().len(), 2);
    assert_eq!(list["bundles"][0]["id"], made["id"], "newest first");
    assert!(list["bundles"][1]["rules"].is_array());
    assert!(list["next_cursor"].is_null());
    let summaries = author.get("/policy/bundles?fields=summary&version=1.0.0").await.expect(200);
    assert_eq!(summaries["bundles"].as_array().unwrap().len(), 1);
    assert_eq!(summaries["bundles"][0]["rule_count"], 1);
    assert!(summaries["bundles"][0].get("rules").is_none());
    let page = author.get("/policy/bundles?limit=1").await.expect(200);
    let cursor = page["next_cursor"].as_str().unwrap();
    let rest = author.get(&format!("/policy/bundles?limit=1&cursor={cursor}")).await.expect(200);
    assert_ne!(rest["bundles"][0]["id"], page["bundles"][0]["id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_is_used_once() {
    let workspace = Workspace::new().await;
    let author = workspace.caller(Role::Author).await;
    author.post("/policy/bundles", bundle("1.0.0", "deny")).await.expect(201);
    author.post("/policy/bundles", bundle("1.0.0", "allow")).await.problem(409, "version_exists");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_is_cloned_compared_and_withdrawn() {
    let workspace = Workspace::new().await;
    let author = workspace.caller(Role::Author).await;
    let made = author.post("/policy/bundles", bundle("1.0.0", "deny")).await.expect(201);
    let id = made["id"].as_i64().unwrap();
    let clone = author.send(Method::POST, &format!("/policy/bundles/{id}/clone"), &[], Body::empty()).await.expect(201);
    assert_eq!(clone["digest"], made["digest"]);
    let copy = clone["id"].as_i64().unwrap();
    let mut changed = clone.clone();
    changed["rules"][0]["effect"] = json!("allow");
    let etag = format!("\"{}\"", clone["revision"]);
    author.put(&format!("/policy/bundles/{copy}"), Some(&etag), changed).await.expect(200);
    let diff = author.get(&format!("/policy/bundles/{id}/diff/{copy}")).await.expect(200);
    assert_eq!(diff["rules_modified"][0]["id"], "quarantine-high-risk");

    author.post("/policy/packets", json!({"bundle_id": id, "fallback_plan": "none is live"})).await.expect(201);
    let back =
        author.send(Method::POST, &format!("/policy/bundles/{id}/withdraw"), &[], Body::empty()).await.expect(200);
    assert_eq!(back["state"], "draft");
    let again = author.send(Method::POST, &format!("/policy/bundles/{id}/withdraw"), &[], Body::empty()).await;
    again.problem(409, "invalid_transition");
}
