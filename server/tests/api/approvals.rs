//! Approvals at run time: agents ask, people decide, what was approved is allowed once.

use std::time::{Duration, Instant};

use axum::body::Body;
use futures::future::join_all;
use http::Method;
use lifecycle::{approval::Terms, authority::Role, signing::sign};
use serde_json::{Value, json};
use server::evaluation::Durability;

use crate::support::{Caller, Workspace, as_owner, bundle, program};

/// A question that the rule of [`bundle`] decides.
fn call(members: Value) -> Value {
    let mut call = json!({
        "agent": "inbox.triage", "action": "quarantine", "subject": "mailbox-17", "context": {"risk_score": 92, "note": "a"},
    });
    for (name, value) in members.as_object().unwrap() {
        call[name] = value.clone();
    }
    call
}

async fn workspace() -> Workspace {
    let workspace = Workspace::new().await;
    workspace.stable(bundle("1.0.0", "needs_approval")).await;
    workspace
}

/// Asks, and returns the id of the request that waits.
async fn ask(service: &Caller<'_>, members: Value) -> String {
    let mut question = call(members);
    question["request_approval"] = json!(true);
    let answer = service.post("/policy/evaluate", question).await.expect(200);
    assert_eq!((&answer["effect"], &answer["mode"]), (&json!("needs_approval"), &json!("normal")), "{answer}");
    assert_eq!(answer["approval"]["status"], "pending", "{answer}");
    answer["approval"]["id"].as_str().unwrap().to_owned()
}

async fn decide(caller: &Caller<'_>, id: &str, body: Value) -> crate::support::Reply {
    caller.post(&format!("/policy/approvals/{id}/actions"), body).await
}

async fn approve(workspace: &Workspace, id: &str) -> Value {
    let approver = workspace.caller(Role::Approver).await;
    decide(&approver, id, json!({"decision": "approve"})).await.expect(200)
}

/// Uses an approval: the effect, the mode and the code of a refusal.
async fn use_it(service: &Caller<'_>, id: &str, members: Value) -> (String, String, String) {
    let mut question = call(members);
    question["approval"] = json!(id);
    let answer = service.post("/policy/evaluate", question).await.expect(200);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (text(&answer["effect"]), text(&answer["mode"]), text(&answer["approval"]["refused"]["code"]))
}

/// Makes the time of a request end now, as the server itself would have said it.
async fn end_its_time(workspace: &Workspace, id: &str) {
    let store = &workspace.store;
    let shown = workspace.caller(Role::Viewer).await.get(&format!("/policy/approvals/{id}")).await.expect(200);
    let mut terms: Terms = serde_json::from_value(shown).unwrap();
    terms.expires_at = terms.requested_at.plus(Duration::from_millis(1));
    sign(&store.keys(), &mut terms).unwrap();
    as_owner(store, "alter table policy_approvals disable trigger user").await;
    sqlx::query(
        "update policy_approvals set expires_at = requested_at + interval '1 ms', terms = $2::json where id = $1",
    )
    .bind(id)
    .bind(json!(terms).to_string())
    .execute(store.pool())
    .await
    .unwrap();
    as_owner(store, "alter table policy_approvals enable trigger user").await;
}

fn allowed() -> (String, String, String) {
    ("allow".into(), "approved".into(), String::new())
}

fn refused(code: &str) -> (String, String, String) {
    ("needs_approval".into(), "normal".into(), code.into())
}

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
    let mut told: Vec<&str> = audit["entries"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["subject_id"] == id.as_str())
        .map(|entry| entry["event_type"].as_str().unwrap())
        .collect();
    told.sort_unstable_by_key(|event| {
        ["approval_requested", "call_approved", "approval_used"].iter().position(|one| one == event)
    });
    assert_eq!(told, ["approval_requested", "call_approved", "approval_used"]);
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
    for unknown in ["apr_0", "x", "apr_\u{1f600}", "../../x"] {
        assert_eq!(use_it(&service, unknown, json!({})).await, refused("approval_unknown"), "{unknown}");
    }
    assert_eq!(use_it(&service, &id, json!({})).await, allowed(), "none of that used it up");
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
    source["rules"][0]["reason"] = json!("The same rule, told in other words");
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
async fn however_many_use_an_approval_at_once_one_is_allowed() {
    let workspace = workspace().await;
    let service = workspace.caller(Role::Service).await;
    let id = ask(&service, json!({})).await;
    approve(&workspace, &id).await;
    let answers = join_all((0..20).map(|_| use_it(&service, &id, json!({})))).await;
    assert_eq!(answers.iter().filter(|answer| **answer == allowed()).count(), 1, "{answers:?}");
    assert_eq!(answers.iter().filter(|answer| **answer == refused("approval_spent")).count(), 19, "{answers:?}");
    // In one batch, too.
    let id = ask(&service, json!({"subject": "batch"})).await;
    approve(&workspace, &id).await;
    let mut one = call(json!({"subject": "batch"}));
    one["approval"] = json!(id);
    let batch = service.post("/policy/evaluate/batch", json!({"requests": [one, one, one]})).await.expect(200);
    let effects: Vec<&str> =
        batch["decisions"].as_array().unwrap().iter().map(|one| one["effect"].as_str().unwrap()).collect();
    assert_eq!(effects.iter().filter(|effect| **effect == "allow").count(), 1, "{effects:?}");
    // Many that ask the same at once join one request.
    let ids = join_all((0..10).map(|_| ask(&service, json!({"subject": "joined"})))).await;
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_covers_what_it_says_counts_and_is_revoked() {
    let workspace = workspace().await;
    let service = workspace.caller(Role::Service).await;
    let approver = workspace.caller(Role::Approver).await;
    let id = ask(&service, json!({"session": "s1"})).await;
    let wide = json!({"kind": "session", "count": 2});
    for (scope, pointer) in [
        (json!({"kind": "until"}), "/scope/until"),
        (json!({"kind": "until", "until": "2099-01-01T00:00:00Z"}), "/scope/until"),
        (json!({"kind": "session", "count": 0}), "/scope/count"),
        (json!({"kind": "box"}), "/scope/conditions"),
        (json!({"kind": "box", "conditions": {">=risk_score": 99}}), "/scope/conditions"),
        (json!({"kind": "box", "conditions": {"risk_score>=": 1}}), "/scope/conditions"),
        (json!({"kind": "once", "count": 3}), "/scope/kind"),
    ] {
        let problem =
            decide(&approver, &id, json!({"decision": "approve", "scope": scope})).await.problem(422, "invalid_field");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{scope}: {problem}");
    }
    decide(&approver, &id, json!({"decision": "approve", "scope": wide})).await.expect(200);
    // Found without being named; only for this session.
    let with = |session: &str, note: &str| {
        call(json!({"session": session, "request_approval": true, "context": {"risk_score": 92, "note": note}}))
    };
    let answer = service.post("/policy/evaluate", with("s1", "b")).await.expect(200);
    assert_eq!((&answer["effect"], &answer["approval"]["id"]), (&json!("allow"), &json!(id)), "{answer}");
    let answer = service.post("/policy/evaluate", with("s2", "b")).await.expect(200);
    assert_eq!(answer["effect"], "needs_approval");
    service.post("/policy/evaluate", with("s1", "c")).await.expect(200);
    let answer = service.post("/policy/evaluate", with("s1", "d")).await.expect(200);
    assert_eq!(answer["effect"], "needs_approval", "two uses and no more: {answer}");

    let id = ask(&service, json!({"subject": "box"})).await;
    let scope = json!({"kind": "box", "conditions": {"<=risk_score": 95}});
    decide(&approver, &id, json!({"decision": "approve", "scope": scope})).await.expect(200);
    let context = |score: i64| json!({"subject": "box", "context": {"risk_score": score}});
    assert_eq!(use_it(&service, &id, context(94)).await, allowed());
    assert_eq!(use_it(&service, &id, context(96)).await, refused("approval_changed"));
    let revoked =
        approver.send(Method::DELETE, &format!("/policy/approvals/scopes/{id}"), &[], Body::empty()).await.expect(200);
    assert_eq!(revoked["revoked"]["by"], "approver@example.com");
    assert_eq!(use_it(&service, &id, context(94)).await, refused("approval_revoked"));
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
async fn a_log_that_answers_before_the_database_uses_no_approval() {
    let workspace = Workspace::with(|settings| settings.durability = Durability::Buffered).await;
    workspace.stable(bundle("1.0.0", "needs_approval")).await;
    let service = workspace.caller(Role::Service).await;
    let id = ask(&service, json!({})).await;
    approve(&workspace, &id).await;
    let answer = use_it(&service, &id, json!({})).await;
    assert_eq!((answer.0.as_str(), answer.2.as_str()), ("deny", "approval_unavailable"));
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
async fn sql_makes_no_approval() {
    let workspace = workspace().await;
    let service = workspace.caller(Role::Service).await;
    let id = ask(&service, json!({})).await;
    // Whoever owns the tables says that it is approved, and that anybody may approve.
    as_owner(
        &workspace.store,
        "alter table policy_approvals disable trigger user;
         update policy_approvals set status = 'approved', ended_at = now(), usable_until = now() + interval '1 day',
             scope_kind = 'until', uses = 100;
         alter table policy_approvals enable trigger user",
    )
    .await;
    assert_eq!(use_it(&service, &id, json!({})).await, refused("approval_pending"));
    let viewer = workspace.caller(Role::Viewer).await;
    assert_eq!(viewer.get(&format!("/policy/approvals/{id}")).await.expect(200)["status"], "pending");
}

#[tokio::test(flavor = "multi_thread")]
async fn long_and_odd_arguments_are_kept_exactly() {
    let workspace = workspace().await;
    let service = workspace.caller(Role::Service).await;
    let odd = "\u{202e}ma\u{456}\u{200b}a\u{1f469}\u{200d}\u{1f52c} \"quoted\" \\ \u{7f}";
    let context =
        json!({"context": {"risk_score": 92, "text": odd, "long": "x".repeat(900), "big": 9_007_199_254_740_993_i64}});
    let id = ask(&service, context.clone()).await;
    let viewer = workspace.caller(Role::Viewer).await;
    assert_eq!(viewer.get(&format!("/policy/approvals/{id}")).await.expect(200)["context"], context["context"]);
    approve(&workspace, &id).await;
    let mut near = context.clone();
    near["context"]["big"] = json!(9_007_199_254_740_992_i64);
    assert_eq!(use_it(&service, &id, near).await, refused("approval_changed"));
    assert_eq!(use_it(&service, &id, context).await, allowed());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_for_cannot_be_changed_in_the_database() {
    let workspace = workspace().await;
    let service = workspace.caller(Role::Service).await;
    let (forged, other) = (ask(&service, json!({"subject": "a"})).await, ask(&service, json!({"subject": "b"})).await);
    as_owner(
        &workspace.store,
        "alter table policy_approvals disable trigger user;
         update policy_approvals set terms = jsonb_set(terms::jsonb, '{context_digest}', (select terms::jsonb->'context_digest'
             from policy_approvals where terms->>'subject' = 'b'))::json where terms->>'subject' = 'a';
         update policy_approvals set terms = jsonb_set(terms::jsonb, '{quorum}', '0')::json where terms->>'subject' = 'a';
         alter table policy_approvals enable trigger user",
    )
    .await;
    let approver = workspace.caller(Role::Approver).await;
    decide(&approver, &forged, json!({"decision": "approve"})).await.problem(409, "conflict");
    approver.get(&format!("/policy/approvals/{forged}")).await.problem(409, "conflict");
    assert_eq!(use_it(&service, &forged, json!({"subject": "a"})).await, refused("approval_unknown"));
    let listed = approver.get("/policy/approvals").await.expect(200);
    assert_eq!(listed["approvals"].as_array().unwrap().len(), 1, "the others are listed: {listed}");
    assert_eq!(listed["approvals"][0]["id"], json!(other));
    // The server's own role cannot even try.
    let refused = sqlx::query("update policy_approvals set terms = '{}'").execute(workspace.store.pool()).await;
    assert!(refused.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_use_an_approval_once_and_a_restart_loses_none() {
    let workspace = workspace().await;
    let second = workspace.second_server().await;
    let service = workspace.caller(Role::Service).await;
    let elsewhere = Caller { workspace: &second, token: service.token.clone() };
    for round in 0..5 {
        let subject = json!({"subject": format!("round-{round}")});
        let id = ask(&service, subject.clone()).await;
        // Approved at one server; the poll at the other hears of it.
        let path = format!("/policy/approvals/{id}?wait=30");
        let (polled, _) = tokio::join!(elsewhere.get(&path), approve(&workspace, &id));
        assert_eq!(polled.expect(200)["status"], "approved");
        let tries = (0..6).map(|n| use_it(if n % 2 == 0 { &service } else { &elsewhere }, &id, subject.clone()));
        let answers = join_all(tries).await;
        assert_eq!(answers.iter().filter(|answer| **answer == allowed()).count(), 1, "{answers:?}");
    }
    let id = ask(&service, json!({"subject": "restart"})).await;
    approve(&workspace, &id).await;
    let third = workspace.second_server().await;
    let later = Caller { workspace: &third, token: service.token.clone() };
    assert_eq!(use_it(&later, &id, json!({"subject": "restart"})).await, allowed());
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
