//! Approvals at run time: agents ask, people decide, what was approved is allowed once.

use std::time::{Duration, Instant};

use axum::body::Body;
use http::Method;
use lifecycle::authority::Role;
use serde_json::json;

use crate::{
    approval_support::{allowed, approve, ask, call, decide, end_its_time, refused, use_it, workspace},
    support::{Caller, Workspace, bundle, program},
};

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_asks_a_person_approves_and_the_call_is_allowed_once() {
    let workspace = workspace().await;
    let service = workspace.caller(Role::Service).await;
    let id = ask(&service, json!({"on_behalf_of": "lena@example.com"})).await;
    // The same question joins; other arguments do not.
    assert_eq!(ask(&service, json!({"on_behalf_of": "lena@example.com"})).await, id);
    assert_ne!(ask(&service, json!({"on_behalf_of": "lena@example.com", "subject": "mailbox-18"})).await, id);
    assert_eq!(use_it(&service, &id, json!({"on_behalf_of": "lena@example.com"})).await, refused("approval_pending"));

    let viewer = workspace.caller(Role::Viewer).await;
    let shown = viewer.get(&format!("/policy/approvals/{id}")).await.expect(200);
    assert_eq!((&shown["times_asked"], &shown["context"]["risk_score"]), (&json!(2), &json!(92)));
    assert_eq!((&shown["rule"], &shown["quorum"]), (&json!("quarantine-high-risk"), &json!(1)));
    decide(&viewer, &id, json!({"decision": "approve"})).await.problem(403, "forbidden");

    let approved = approve(&workspace, &id).await;
    assert_eq!(
        (&approved["status"], &approved["actions"][0]["actor"]),
        (&json!("approved"), &json!("approver@example.com"))
    );
    // Approving again changes nothing.
    assert_eq!(approve(&workspace, &id).await["actions"].as_array().unwrap().len(), 1);
    let used = json!({"on_behalf_of": "lena@example.com", "decision_id": "second"});
    assert_eq!(use_it(&service, &id, used.clone()).await, allowed());
    // A repeat of the same decision is answered as before, another one is not allowed.
    assert_eq!(use_it(&service, &id, used).await, allowed());
    assert_eq!(use_it(&service, &id, json!({"on_behalf_of": "lena@example.com"})).await, refused("approval_spent"));

    service.post("/policy/decisions/second/outcome", json!({"status": "ok"})).await.expect(200);
    let done = viewer.get(&format!("/policy/approvals/{id}")).await.expect(200);
    assert_eq!((&done["used"], &done["last_use"]["decision_id"]), (&json!(1), &json!("second")));
    assert_eq!(done["last_use"]["outcome"], "ok");
    let recorded = viewer.get("/policy/decisions/second").await.expect(200);
    assert_eq!((&recorded["mode"], &recorded["effect"]), (&json!("approved"), &json!("allow")));

    let audit = viewer.get("/policy/audit?limit=500").await.expect(200);
    let mut entries: Vec<&str> = audit["entries"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["subject_id"] == id.as_str())
        .map(|entry| entry["event_type"].as_str().unwrap())
        .collect();
    entries.sort_unstable_by_key(|event| {
        ["approval_requested", "call_approved", "approval_used"].iter().position(|one| one == event)
    });
    assert_eq!(entries, ["approval_requested", "call_approved", "approval_used"]);
    assert_eq!(viewer.get("/policy/audit/verify").await.expect(200)["valid"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_approved_is_not_allowed_and_the_answer_says_what_differs() {
    let workspace = workspace().await;
    let service = workspace.caller(Role::Service).await;
    let id = ask(&service, json!({})).await;
    approve(&workspace, &id).await;
    for changed in [
        json!({"context": {"risk_score": 93, "note": "a"}}),
        json!({"context": {"risk_score": 92, "note": "A"}}),
        json!({"context": {"risk_score": 92}}),
        json!({"context": {"risk_score": 92, "note": "a", "more": null}}),
        json!({"subject": "mailbox-18"}),
        json!({"subject": null}),
        json!({"on_behalf_of": "lena@example.com"}),
    ] {
        let mut question = call(changed.clone());
        question["approval"] = json!(id);
        let answer = service.post("/policy/evaluate", question).await.expect(200);
        assert_eq!(answer["approval"]["refused"]["code"], "approval_changed", "{changed}: {answer}");
        assert_eq!(answer["effect"], "needs_approval");
    }
    let mut question = call(json!({"context": {"risk_score": 93, "note": "a"}, "request_approval": true}));
    question["approval"] = json!(id);
    let answer = service.post("/policy/evaluate", question).await.expect(200);
    assert!(answer["approval"]["refused"]["detail"].as_str().unwrap().contains("/context/risk_score"), "{answer}");
    assert_eq!(answer["approval"]["status"], "pending", "it was asked for again: {answer}");
    assert_ne!(answer["approval"]["id"], json!(id));

    // Another token learns nothing, not even that there is one.
    let token = program(&workspace.store, "other", &["*"]).await;
    let other = Caller { workspace: &workspace, token: Some(token) };
    assert_eq!(use_it(&other, &id, json!({})).await, refused("approval_unknown"));
    other.get(&format!("/policy/approvals/{id}")).await.problem(404, "not_found");
    other.post(&format!("/policy/approvals/{id}/cancel"), json!({})).await.problem(404, "not_found");
    assert_eq!(other.get("/policy/approvals").await.expect(200)["approvals"], json!([]));
    // What the database cannot hold is found nowhere.
    for query in ["agent=a%00b", "rule=%00", "cursor=2026-01-01T00:00:00Z~a%00b"] {
        let listed = service.get(&format!("/policy/approvals?{query}")).await.expect(200);
        assert_eq!(listed["approvals"], json!([]), "{query}");
    }
    for unknown in ["apr_0", "x", "apr_\u{1f600}", "../../x"] {
        assert_eq!(use_it(&service, unknown, json!({})).await, refused("approval_unknown"), "{unknown}");
    }
    let used = json!({"decision_id": "mine"});
    assert_eq!(use_it(&service, &id, used).await, allowed(), "none of that used it up");
    // The answer that people approved for one token answers no other under its id.
    let same = call(json!({"decision_id": "mine"}));
    other.post("/policy/evaluate", same.clone()).await.problem(409, "conflict");
    assert_eq!(service.post("/policy/evaluate", same).await.expect(200)["effect"], "allow");
    // A subject that is called as the decision would pass for none.
    let unnamed = ask(&service, json!({"subject": null})).await;
    approve(&workspace, &unnamed).await;
    let question = call(json!({"subject": "order-2", "decision_id": "order-2", "approval": unnamed}));
    let problem = service.post("/policy/evaluate", question).await.problem(422, "invalid_field");
    assert_eq!(problem["errors"][0]["pointer"], "/subject");
    assert_eq!(use_it(&service, &unnamed, json!({"subject": null})).await, allowed());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_may_decides_and_the_endings_are_told_apart() {
    let workspace = workspace().await;
    let service = workspace.caller(Role::Service).await;
    let approver = workspace.caller(Role::Approver).await;
    let own = ask(&service, json!({"on_behalf_of": "Approver@example.com "})).await;
    let problem = decide(&approver, &own, json!({"decision": "approve"})).await.problem(403, "forbidden");
    assert!(problem["detail"].as_str().unwrap().contains("acts for you"), "{problem}");
    decide(&approver, &own, json!({"decision": "deny", "reason": "mine"})).await.problem(403, "forbidden");

    let denied = ask(&service, json!({"subject": "a"})).await;
    decide(&approver, &denied, json!({"decision": "deny"})).await.problem(422, "invalid_field");
    decide(&approver, &denied, json!({"decision": "deny", "reason": " "})).await.problem(422, "invalid_field");
    decide(&approver, &denied, json!({"decision": "deny", "reason": "Not this mailbox"})).await.expect(200);
    let mut question = call(json!({"subject": "a"}));
    question["approval"] = json!(denied);
    let answer = service.post("/policy/evaluate", question).await.expect(200);
    assert_eq!(answer["approval"]["refused"]["code"], "approval_denied");
    assert!(answer["approval"]["refused"]["detail"].as_str().unwrap().contains("Not this mailbox"), "{answer}");
    let owner = workspace.caller(Role::SafetyOwner).await;
    decide(&owner, &denied, json!({"decision": "approve"})).await.problem(409, "invalid_transition");

    let cancelled = ask(&service, json!({"subject": "b"})).await;
    service.post(&format!("/policy/approvals/{cancelled}/cancel"), json!({})).await.expect(200);
    decide(&approver, &cancelled, json!({"decision": "approve"})).await.problem(409, "invalid_transition");
    assert_eq!(use_it(&service, &cancelled, json!({"subject": "b"})).await, refused("approval_cancelled"));

    let expired = ask(&service, json!({"subject": "c"})).await;
    let waiting = ask(&service, json!({"subject": "d"})).await;
    end_its_time(&workspace, &expired).await;
    let problem = decide(&approver, &expired, json!({"decision": "approve"})).await.problem(409, "invalid_transition");
    assert!(problem["detail"].as_str().unwrap().contains("expired"), "{problem}");
    assert_eq!(use_it(&service, &expired, json!({"subject": "c"})).await, refused("approval_expired"));
    let list = approver.get("/policy/approvals?status=expired").await.expect(200);
    assert_eq!(list["approvals"][0]["id"], json!(expired));
    assert!(store::approvals::expire(&workspace.store).await.unwrap() <= 1);
    let again = ask(&service, json!({"subject": "c"})).await;
    assert_ne!(again, expired, "who asks after the end asks anew");
    let mine = approver.get("/policy/approvals?waiting_for_me=true").await.expect(200);
    let ids: Vec<&str> = mine["approvals"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(ids, [again.as_str(), waiting.as_str()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_names_its_people_and_their_number() {
    let workspace = Workspace::new().await;
    let mut source = bundle("1.0.0", "needs_approval");
    source["format"] = json!("1.1");
    source["rules"][0]["approvers"] = json!(["safety_owner", "runtime_owner@example.com"]);
    source["rules"][0]["quorum"] = json!(2);
    source["rules"][0]["expires_in"] = json!(120);
    source["rules"][0]["unbound"] = json!(["asked_at"]);
    workspace.stable(source).await;
    let service = workspace.caller(Role::Service).await;
    let context = |at: i64| json!({"context": {"risk_score": 92, "asked_at": at}});
    let id = ask(&service, context(1)).await;
    assert_eq!(ask(&service, context(2)).await, id, "an unbound member makes no other call");
    let approver = workspace.caller(Role::Approver).await;
    decide(&approver, &id, json!({"decision": "approve"})).await.problem(403, "forbidden");
    let safety = workspace.caller(Role::SafetyOwner).await;
    let once = decide(&safety, &id, json!({"decision": "approve"})).await.expect(200);
    assert_eq!((&once["status"], &once["quorum"]), (&json!("pending"), &json!(2)));
    assert_eq!(use_it(&service, &id, context(3)).await, refused("approval_pending"));
    // The same person once more does not make two.
    assert_eq!(decide(&safety, &id, json!({"decision": "approve"})).await.expect(200)["status"], "pending");
    let owner = workspace.caller(Role::RuntimeOwner).await;
    assert_eq!(decide(&owner, &id, json!({"decision": "approve"})).await.expect(200)["status"], "approved");
    assert_eq!(use_it(&service, &id, context(4)).await, allowed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promotion_that_leaves_the_rule_asks_nobody_again_and_a_changed_rule_does() {
    let workspace = workspace().await;
    let service = workspace.caller(Role::Service).await;
    let (kept, changed) = (ask(&service, json!({"subject": "a"})).await, ask(&service, json!({"subject": "b"})).await);
    approve(&workspace, &kept).await;
    approve(&workspace, &changed).await;
    // Pausing stops no approval.
    let mut source = bundle("1.0.1", "needs_approval");
    source["rules"][0]["reason"] = json!("The same rule in other words");
    source["rules"][0]["priority"] = json!(60);
    source["notes"] = json!("Another bundle");
    workspace.stable(source.clone()).await;
    assert_eq!(use_it(&service, &kept, json!({"subject": "a"})).await, allowed());
    source["version"] = json!("1.0.2");
    source["rules"][0]["conditions"] = json!({">=risk_score": 91});
    workspace.stable(source).await;
    assert_eq!(use_it(&service, &changed, json!({"subject": "b"})).await, refused("approval_changed"));
    workspace.stable(bundle("1.0.3", "deny")).await;
    assert_eq!(use_it(&service, &changed, json!({"subject": "b"})).await.0, "deny", "a deny beats every approval");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_stops_no_approval_and_bypass_uses_none() {
    let workspace = workspace().await;
    let service = workspace.caller(Role::Service).await;
    let safety = workspace.caller(Role::SafetyOwner).await;
    safety.post("/policy/system/pause", json!({"reason": "Something looks odd here"})).await.expect(200);
    let id = ask(&service, json!({})).await;
    approve(&workspace, &id).await;
    let admin = workspace.caller(Role::Admin).await;
    let switch = async |enabled: bool| {
        let body =
            Body::from(json!({"enabled": enabled, "reason": "An emergency", "bypass_effect": "deny"}).to_string());
        let headers = [("x-emergency-override", "true")];
        admin.send(Method::POST, "/policy/system/disable", &headers, body).await.expect(200);
    };
    switch(false).await;
    assert_eq!(use_it(&service, &id, json!({})).await, ("deny".into(), "bypass".into(), String::new()));
    switch(true).await;
    assert_eq!(use_it(&service, &id, json!({})).await, allowed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poll_waits_for_the_answer() {
    let workspace = workspace().await;
    let service = workspace.caller(Role::Service).await;
    let id = ask(&service, json!({})).await;
    service.get(&format!("/policy/approvals/{id}?wait=61")).await.problem(422, "invalid_field");
    let path = format!("/policy/approvals/{id}?wait=30");
    let began = Instant::now();
    let decided = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        approve(&workspace, &id).await
    };
    let (reply, _) = tokio::join!(service.get(&path), decided);
    assert_eq!(reply.expect(200)["status"], "approved");
    assert!(began.elapsed() < Duration::from_secs(20), "the poll waited until its end: {:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_in_the_log_is_asked_about_afterwards() {
    let workspace = workspace().await;
    let service = workspace.caller(Role::Service).await;
    service.post("/policy/evaluate", call(json!({"decision_id": "first"}))).await.expect(200);
    let request = service.post("/policy/approvals", json!({"decision_id": "first"})).await.expect(201);
    assert_eq!((&request["decision_id"], &request["status"]), (&json!("first"), &json!("pending")));
    let again = service.post("/policy/approvals", json!({"decision_id": "first"})).await.expect(201);
    assert_eq!(again["id"], request["id"]);
    service.post("/policy/approvals", json!({"decision_id": "none"})).await.problem(404, "not_found");
    for (member, text) in
        [("session", "a\0b".to_owned()), ("on_behalf_of", String::new()), ("session", "x".repeat(2_000))]
    {
        let mut body = json!({"decision_id": "first"});
        body[member] = json!(text);
        let problem = service.post("/policy/approvals", body).await.problem(422, "invalid_field");
        assert_eq!(problem["errors"][0]["pointer"], json!(format!("/{member}")), "{problem}");
    }
    let below = json!({"decision_id": "denied", "context": {"risk_score": 1}});
    service.post("/policy/evaluate", call(below)).await.expect(200);
    service.post("/policy/approvals", json!({"decision_id": "denied"})).await.problem(409, "invalid_transition");
    let approver = workspace.caller(Role::Approver).await;
    approver.post("/policy/approvals", json!({"decision_id": "first"})).await.problem(403, "forbidden");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_is_made_of_an_approved_call_and_the_work_is_counted() {
    let workspace = workspace().await;
    let service = workspace.caller(Role::Service).await;
    let id = ask(&service, json!({})).await;
    approve(&workspace, &id).await;
    assert_eq!(use_it(&service, &id, json!({})).await, allowed());
    let denied = ask(&service, json!({"subject": "b"})).await;
    let approver = workspace.caller(Role::Approver).await;
    decide(&approver, &denied, json!({"decision": "deny", "reason": "Not this one"})).await.expect(200);
    let figures = approver.get("/policy/kpis/approvals").await.expect(200);
    let rule = &figures["rules"][0];
    let counts = ["asked", "approved", "denied", "expired", "used"].map(|name| rule[name].as_i64().unwrap());
    assert_eq!((&rule["rule"], counts), (&json!("quarantine-high-risk"), [2, 1, 1, 0, 1]), "{figures}");
    assert!(rule["median_seconds"].is_number() && figures["asked_per_day"] == 2.0, "{figures}");

    let owner = workspace.caller(Role::RuntimeOwner).await;
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let made = owner.send(Method::POST, "/api/approvals/make-rule", &form, Body::from(format!("id={id}"))).await;
    let draft: i64 = made.text.parse().unwrap_or_else(|_| panic!("{}", made.text));
    let draft = owner.get(&format!("/policy/bundles/{draft}")).await.expect(200);
    let rule =
        draft["rules"].as_array().unwrap().iter().find(|rule| rule["id"] == "quarantine-high-risk-approved").unwrap();
    assert_eq!((&draft["state"], &rule["effect"], &rule["priority"]), (&json!("draft"), &json!("allow"), &json!(81)));
    assert_eq!(rule["conditions"], json!({">=risk_score": 90, "==risk_score": 92, "==note": "a"}));
    let lint = owner.post("/policy/lint", json!({"rules": draft["rules"]})).await.expect(200);
    assert_eq!(lint["errors"], json!([]));
}
