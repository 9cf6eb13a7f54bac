//! `POST /policy/evaluate`

use std::time::Duration;

use axum::body::Body;
use futures::{StreamExt, stream};
use http::{Method, Request, header};
use lifecycle::authority::Role;
use serde_json::{Value, json};

use crate::support::{Caller, Workspace, bundle, program, question};

#[tokio::test(flavor = "multi_thread")]
async fn without_a_live_bundle_everything_is_denied_and_logged() {
    let workspace = Workspace::new().await;
    let service = workspace.caller(Role::Service).await;
    let answer = service.post("/policy/evaluate", question("s-1")).await.expect(200);
    assert_eq!(
        (&answer["effect"], &answer["status"], &answer["arm"]),
        (&json!("deny"), &json!("no_match"), &json!("none"))
    );
    assert!(answer["bundle"].is_null());
    let viewer = workspace.caller(Role::Viewer).await;
    let path = format!("/policy/decisions/{}", answer["decision_id"].as_str().unwrap());
    assert_eq!(viewer.get(&path).await.expect(200)["subject"], "s-1");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stable_bundle_answers_with_everything_the_contract_names() {
    let workspace = Workspace::new().await;
    let stable = workspace.stable(bundle("1.0.0", "allow")).await;
    let service = workspace.caller(Role::Service).await;
    let answer = until_served_by(&service, &stable).await;
    for member in
        ["decision_id", "effect", "status", "matched_rule", "reason", "budget", "bundle", "arm", "mode", "errors"]
    {
        assert!(answer.get(member).is_some(), "`{member}` is missing: {answer}");
    }
    assert_eq!(answer["effect"], "allow");
    assert_eq!(answer["matched_rule"], "quarantine-high-risk");
    assert_eq!(answer["mode"], "normal");
    assert_eq!(answer["bundle"]["digest"], stable["digest"]);

    let wrong = json!({"agent": "inbox.triage", "action": "quarantine", "context": {"risk_score": "high"}});
    let answer = service.post("/policy/evaluate", wrong).await.expect(200);
    assert_eq!((&answer["status"], &answer["effect"]), (&json!("error"), &json!("deny")));
    assert_eq!(answer["errors"][0]["field"], "risk_score");
}

/// Asks until `bundle` answers as stable, and no longer as a canary. That must happen within a second.
pub async fn until_served_by(service: &Caller<'_>, bundle: &Value) -> Value {
    for _ in 0..20 {
        let answer = service.post("/policy/evaluate", question("until")).await.expect(200);
        if answer["bundle"]["id"] == bundle["id"] && answer["arm"] == "stable" {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{} does not serve after a second", bundle["version"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_requests_split_as_stated_and_stay_on_their_arm() {
    let workspace = Workspace::new().await;
    let stable = workspace.stable(bundle("1.0.0", "allow")).await;
    let canary = workspace.canary(bundle("1.0.1", "deny"), 10).await;
    let service = workspace.caller(Role::Service).await;
    tokio::time::sleep(Duration::from_millis(1_100)).await;

    let ask = |number: usize| {
        let service = &service;
        async move {
            let answer = service.post("/policy/evaluate", question(&format!("subject-{number}"))).await.expect(200);
            (number, answer["arm"].as_str().unwrap().to_owned(), answer["bundle"]["id"].clone())
        }
    };
    let first: Vec<_> = stream::iter(0..2_000).map(ask).buffered(64).collect().await;
    let on_canary = first.iter().filter(|(_, arm, _)| arm == "canary").count();
    // Four standard deviations around 200.
    assert!((146..=254).contains(&on_canary), "{on_canary} of 2000 on a canary of 10 %");
    for (_, arm, id) in &first {
        assert_eq!(*id, if arm == "canary" { canary["id"].clone() } else { stable["id"].clone() });
    }
    let second: Vec<_> = stream::iter(0..2_000).map(ask).buffered(64).collect().await;
    assert_eq!(first, second, "a subject stays on its arm");

    let viewer = workspace.caller(Role::Viewer).await;
    let path = format!("/policy/decisions?bundle_id={}&limit=1", canary["id"]);
    let listed = viewer.get(&path).await.expect(200);
    let record = &listed["decisions"][0];
    assert_eq!(record["arm"], "canary");
    assert_eq!(record["other_arm"]["bundle"]["id"], stable["id"], "both arms are recorded: {record}");
    assert_eq!(record["other_arm"]["effect"], "allow");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_keeps_the_id_that_its_caller_gave() {
    let workspace = Workspace::new().await;
    let service = workspace.caller(Role::Service).await;
    let mut asked = question("s");
    asked["decision_id"] = json!("mine-1");
    for _ in 0..2 {
        assert_eq!(service.post("/policy/evaluate", asked.clone()).await.expect(200)["decision_id"], "mine-1");
    }
    let viewer = workspace.caller(Role::Viewer).await;
    assert_eq!(viewer.get("/policy/decisions").await.expect(200)["decisions"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_stands_for_one_question_and_its_first_answer() {
    let workspace = Workspace::new().await;
    let service = workspace.caller(Role::Service).await;
    let mut asked = question("s");
    asked["decision_id"] = json!("mine-1");
    let first = service.post("/policy/evaluate", asked.clone()).await.expect(200);
    assert_eq!((&first["effect"], &first["bundle"]), (&json!("deny"), &Value::Null));

    // The bundle in service now would answer otherwise.
    let stable = workspace.stable(bundle("1.0.0", "allow")).await;
    until_served_by(&service, &stable).await;
    assert_eq!(service.post("/policy/evaluate", asked.clone()).await.expect(200), first);
    let batch = json!({"requests": [question("s"), asked.clone(), asked.clone()]});
    let repeated = service.post("/policy/evaluate/batch", batch).await.expect(200);
    assert_eq!((&repeated["decisions"][1], &repeated["decisions"][2]), (&first, &first));
    assert_eq!(repeated["decisions"][0]["effect"], "allow");

    for (member, other) in [
        ("agent", json!("another.agent")),
        ("action", json!("release")),
        ("subject", json!("t")),
        ("context", json!({"risk_score": 94})),
    ] {
        let mut another = asked.clone();
        another[member] = other;
        let problem = service.post("/policy/evaluate", another).await.problem(409, "conflict");
        assert_eq!(problem["decision_id"], "mine-1");
        assert!(problem["detail"].as_str().unwrap().contains("`mine-1`"), "{problem}");
    }
    let viewer = workspace.caller(Role::Viewer).await;
    let recorded = viewer.get("/policy/decisions/mine-1").await.expect(200);
    assert_eq!((&recorded["agent"], &recorded["effect"]), (&asked["agent"], &json!("deny")));
    assert_eq!(recorded["context"], asked["context"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_questions_of_a_batch_cannot_share_an_id() {
    let workspace = Workspace::new().await;
    let service = workspace.caller(Role::Service).await;
    let named = |id: &str, subject: &str| {
        let mut asked = question(subject);
        asked["decision_id"] = json!(id);
        asked
    };
    let requests = [named("one", "a"), named("two", "b"), named("two", "b"), named("one", "c")];
    let batch = json!({"requests": requests});
    let problem = service.post("/policy/evaluate/batch", batch).await.problem(409, "conflict");
    assert_eq!(problem["decision_id"], "one");
    let viewer = workspace.caller(Role::Viewer).await;
    assert_eq!(viewer.get("/policy/decisions/one").await.expect(200)["subject"], "a");
    let batch = json!({"requests": &requests[..3]});
    let answer = service.post("/policy/evaluate/batch", batch).await.expect(200);
    assert_eq!(answer["decisions"][1], answer["decisions"][2]);
    assert_eq!(viewer.get("/policy/decisions").await.expect(200)["decisions"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_requests_are_refused_with_a_pointer_to_the_mistake() {
    let workspace = Workspace::new().await;
    let service = workspace.caller(Role::Service).await;
    for (body, pointer) in [
        (json!({"action": "b"}), "/agent"),
        (json!({"agent": null, "action": "b"}), "/agent"),
        (json!({"agent": "a", "action": 3}), "/action"),
        (json!({"agent": "a", "action": "b", "context": [1]}), "/context"),
        (json!({"agent": "a", "action": "b", "context": {"x": "a\u{0}b"}}), "/context/x"),
        (json!({"agent": "a", "action": "b", "decision_id": "x".repeat(300)}), "/decision_id"),
    ] {
        let problem = service.post("/policy/evaluate", body.clone()).await.problem(422, "invalid_field");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{body}");
    }
    let batch = json!({"requests": [question("a"), {"agent": "a"}]});
    let problem = service.post("/policy/evaluate/batch", batch).await.problem(422, "invalid_field");
    assert_eq!(problem["errors"][0]["pointer"], "/requests/1/action");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_name_is_denied_and_recorded_so_that_it_can_be_seen() {
    let workspace = Workspace::new().await;
    let (service, viewer) = (workspace.caller(Role::Service).await, workspace.caller(Role::Viewer).await);
    for (at, (agent, recorded)) in [
        ("", ""),
        ("inbox.triage\u{200b}", "inbox.triage<U+200B>"),
        ("inbox.tri\u{430}ge", "inbox.tri<U+0430>ge"),
        ("\u{202e}triage\n", "<U+202E>triage<U+000A>"),
        ("a\u{0}b", "a<U+0000>b"),
    ]
    .into_iter()
    .enumerate()
    {
        let id = format!("odd-{at}");
        let asked = json!({"agent": agent, "action": "quarantine", "decision_id": id});
        let answer = service.post("/policy/evaluate", asked.clone()).await.expect(200);
        assert_eq!((&answer["status"], &answer["effect"]), (&json!("error"), &json!("deny")), "{answer}");
        assert_eq!(
            (&answer["errors"][0]["code"], &answer["errors"][0]["field"]),
            (&json!("invalid_name"), &json!("agent"))
        );
        let kept = viewer.get(&format!("/policy/decisions/{id}")).await.expect(200);
        assert_eq!((&kept["agent"], &kept["effect"]), (&json!(recorded), &json!("deny")));
        // The same question again is the same decision.
        assert_eq!(service.post("/policy/evaluate", asked).await.expect(200)["reason"], answer["reason"]);
    }
    // A token for one agent may ask for no other; what is no name is seen in the log for every sender.
    let own = program(&workspace.store, "one agent", &["inbox.triage"]).await;
    let own = Caller { workspace: &workspace, token: Some(own) };
    let asked = json!({"agent": "inbox.triage\u{200b}", "action": "quarantine", "decision_id": "odd-own"});
    let answer = own.post("/policy/evaluate", asked).await.expect(200);
    assert_eq!((&answer["status"], &answer["effect"]), (&json!("error"), &json!("deny")), "{answer}");
    let again = json!({"agent": "\u{200b}", "action": "quarantine"});
    let batched = own.post("/policy/evaluate/batch", json!({"requests": [again]})).await.expect(200);
    assert_eq!(batched["decisions"][0]["errors"][0]["code"], "invalid_name");
    assert_eq!(viewer.get("/policy/decisions/odd-own").await.expect(200)["agent"], "inbox.triage<U+200B>");
    for other in ["billing", "inbox.triage2"] {
        own.post("/policy/evaluate", json!({"agent": other, "action": "quarantine"})).await.problem(403, "forbidden");
        let odd = json!({"agent": other, "action": "\u{200b}"});
        own.post("/policy/evaluate", odd).await.problem(403, "forbidden");
    }
    let fine = json!({"agent": "spiffe://corp/agent-7", "action": "mcp__github__create_issue"});
    assert_eq!(service.post("/policy/evaluate", fine).await.expect(200)["status"], "no_match");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_answered_in_order() {
    let workspace = Workspace::new().await;
    let service = workspace.caller(Role::Service).await;
    let requests: Vec<Value> =
        (0..5).map(|number| json!({"agent": "a", "action": "b", "decision_id": format!("batch-{number}")})).collect();
    let answer = service.post("/policy/evaluate/batch", json!({"requests": requests})).await.expect(200);
    let ids: Vec<&str> =
        answer["decisions"].as_array().unwrap().iter().filter_map(|one| one["decision_id"].as_str()).collect();
    assert_eq!(ids, ["batch-0", "batch-1", "batch-2", "batch-3", "batch-4"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_and_pages_get_the_same_answer() {
    let workspace = Workspace::new().await;
    let stable = workspace.stable(bundle("1.0.0", "allow")).await;
    let service = workspace.caller(Role::Service).await;
    until_served_by(&service, &stable).await;
    let token = workspace.token(&[Role::Service]).await;
    let stranger = workspace.token(&[Role::Viewer]).await;
    let named = json!({"agent": "inbox.triage", "action": "quarantine", "decision_id": "d", "subject": "s",
        "context": {"risk_score": 95, "b": {"a": "\u{fc}\n"}}})
    .to_string();
    let error = named.replace("95", "\"high\"").replace("\"d\"", "\"e\"");
    let reused = named.replace("95", "96");
    let nul = named.replace("\\n", "\\u0000");
    let cases = [
        (Some(&token), named.clone()),
        (Some(&token), error),
        (Some(&token), reused),
        (Some(&token), nul),
        (Some(&token), named.replace("95", "1e999")),
        (Some(&token), named.replace("quarantine", "")),
        (Some(&token), "{\"agent\": \"a\",\n\"action\": }".to_owned()),
        (Some(&token), " ".repeat(600_000)),
        (Some(&stranger), named.clone()),
        (None, named.clone()),
    ];
    for (token, body) in cases {
        let ask = async |from_page: bool| {
            let mut request = Request::post("/policy/evaluate");
            if let Some(token) = token {
                request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
            }
            if from_page {
                request = request.header("sec-fetch-site", "same-origin");
            }
            workspace.send(request.body(Body::from(body.clone())).unwrap()).await
        };
        let (program, page) = (ask(false).await, ask(true).await);
        assert_eq!((program.status, &program.text), (page.status, &page.text));
        assert_eq!(program.headers, page.headers, "{body}");
    }
    let viewer = workspace.caller(Role::Viewer).await;
    let recorded = viewer.get("/policy/decisions/d").await.expect(200);
    assert_eq!(recorded["context"], json!({"risk_score": 95, "b": {"a": "\u{fc}\n"}}));
}

/// A context is stored inside other objects, so it may not be nested as deeply as a JSON parser allows.
#[tokio::test(flavor = "multi_thread")]
async fn a_context_is_nested_a_hundred_deep_at_most() {
    let workspace = Workspace::new().await;
    workspace.stable(bundle("1.0.0", "allow")).await;
    let service = workspace.caller(Role::Service).await;
    let deep = |levels: usize| (1..levels).fold(json!({}), |inner, _| json!({ "a": inner }));
    // The first request is decided from its bytes; the escape outside the context sends the second through the tree.
    for agent in ["inbox.triage", r"inbox\u002etriage"] {
        for (levels, status) in [(100, 200), (101, 413), (124, 413)] {
            let body = format!(r#"{{"agent":"{agent}","action":"quarantine","context":{}}}"#, deep(levels));
            let answer = service.send(Method::POST, "/policy/evaluate", &[], Body::from(body)).await;
            assert_eq!(answer.status, status, "{agent} {levels}: {}", answer.text);
        }
    }
    let author = workspace.caller(Role::Author).await;
    let rules =
        json!({"rules": [{"id": "the-rule", "agent": "a", "action": "b", "effect": "allow", "metadata": deep(99)}]});
    author.post("/policy/lint", rules).await.problem(422, "invalid_field");
}
