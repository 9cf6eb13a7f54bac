//! What is read from requests: members that appear twice, encodings, unknown members, and what emergencies let pass.

use axum::body::Body;
use http::Method;
use lifecycle::authority::Role;
use serde_json::{Value, json};

use crate::{
    access::routes,
    support::{Caller, Workspace, bundle, question},
};

async fn post(caller: &Caller<'_>, path: &str, body: impl Into<Body>) -> crate::support::Reply {
    caller.send(Method::POST, path, &[], body.into()).await
}

/// Two readers of one body must never see two questions.
#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_appears_twice_is_refused_with_its_pointer() {
    let workspace = Workspace::new().await;
    workspace.stable(bundle("1.0.0", "allow")).await;
    let (service, viewer) = (workspace.caller(Role::Service).await, workspace.caller(Role::Viewer).await);
    let before = viewer.get("/policy/decisions").await.expect(200);
    let ask = |context: &str| format!(r#"{{"agent":"inbox.triage","action":"quarantine","context":{context}}}"#);
    for (path, body, pointer) in [
        ("/policy/evaluate", ask(r#"{"risk_score":10,"category":"x","risk_score":95}"#), "/context/risk_score"),
        ("/policy/evaluate", ask(r#"{"risk_score":10,"\u0072isk_score":95}"#), "/context/risk_score"),
        ("/policy/evaluate", ask(r#"{"a":1,"a":2}"#), "/context/a"),
        ("/policy/evaluate", ask(r#"{"risk_score":95,"x":{"y":[0,{"z":1,"z":1}]}}"#), "/context/x/y/1/z"),
        ("/policy/evaluate", ask(r#"{},"context":{"risk_score":95}"#), "/context"),
        ("/policy/evaluate", r#"{"agent":"a","agent":"b","action":"c"}"#.to_owned(), "/agent"),
        ("/policy/evaluate", r#"{"agent":"a","action":"c","x":1,"x":1}"#.to_owned(), "/x"),
        ("/policy/evaluate/batch", format!(r#"{{"requests":[{}]}}"#, ask(r#"{"a":1,"a":2}"#)), "/requests/0/context/a"),
        ("/policy/decisions/d-1/outcome", r#"{"status":"ok","note":"a","note":"b"}"#.to_owned(), "/note"),
        (
            "/policy/outcomes",
            r#"{"outcomes":[{"decision_id":"d","status":"ok","status":"error"}]}"#.to_owned(),
            "/outcomes/0/status",
        ),
    ] {
        let problem = post(&service, path, body.clone()).await.problem(400, "duplicate_member");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{body}");
        assert!(problem["detail"].as_str().unwrap().contains(&format!("`{pointer}` appears twice")), "{problem}");
    }
    assert_eq!(viewer.get("/policy/decisions").await.expect(200), before, "nothing refused is recorded");
}

/// Every route that takes a body refuses a doubled member and an unknown one, except for the commands of an emergency.
#[tokio::test(flavor = "multi_thread")]
async fn every_route_refuses_doubled_and_unknown_members() {
    const EMERGENCIES: [&str; 3] = ["/policy/bundles/1/rollback", "/policy/system/pause", "/policy/system/disable"];
    // A bundle keeps the members that this program does not know; the verdict on a file names its own odd members.
    const KEEP: [&str; 6] = [
        "/policy/bundles",
        "/policy/bundles/1",
        "/policy/lint",
        "/policy/simulate",
        "/policy/bundles/verify",
        "/policy/bundles/import",
    ];
    let workspace = Workspace::new().await;
    workspace.stable(bundle("1.0.0", "allow")).await;
    for (method, path, body, permission) in routes() {
        let Value::Object(mut members) = body else { continue };
        let role = *permission.roles().first().unwrap();
        let caller = workspace.caller(role).await;
        let method: Method = method.parse().unwrap();
        let headers = [("if-match", "\"1\""), ("x-emergency-override", "true")];
        let text = Value::Object(members.clone()).to_string();
        let inner = text.trim_start_matches('{').trim_end_matches('}').to_owned();
        let doubled = format!(r#"{{"x-zzz":1,"x-zzz":2{}{inner}}}"#, if inner.is_empty() { "" } else { "," });
        let reply = caller.send(method.clone(), path, &headers, Body::from(doubled)).await;
        if EMERGENCIES.contains(&path) {
            assert_ne!(reply.status, 400, "{path}: {}", reply.text);
        } else {
            assert_eq!(reply.problem(400, "duplicate_member")["errors"][0]["pointer"], "/x-zzz", "{path}");
        }
        members.insert("x-zzz".to_owned(), json!(1));
        let reply = caller.send(method, path, &headers, Body::from(Value::Object(members).to_string())).await;
        if EMERGENCIES.contains(&path) || KEEP.contains(&path) {
            let refused = reply.status == 422 && reply.text.contains("unknown_member");
            assert!(!refused, "{path}: {}", reply.text);
        } else {
            assert_eq!(reply.problem(422, "unknown_member")["errors"][0]["pointer"], "/x-zzz", "{path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_member_is_refused_with_the_nearest_known_one() {
    let workspace = Workspace::new().await;
    let service = workspace.caller(Role::Service).await;
    let (author, approver) = (workspace.caller(Role::Author).await, workspace.caller(Role::Approver).await);
    let id = author.post("/policy/bundles", bundle("1.0.0", "allow")).await.expect(201)["id"].clone();
    let gates = format!("/policy/bundles/{id}/check-gates");
    let mut batch = question("s");
    batch["contxt"] = json!({});
    for (caller, path, body, pointer, near) in [
        (&service, "/policy/evaluate", json!({"agent": "a", "action": "b", "subjct": "s"}), "/subjct", "subject"),
        (&service, "/policy/evaluate/batch", json!({"requests": [batch]}), "/requests/0/contxt", "context"),
        (
            &service,
            "/policy/outcomes",
            json!({"outcomes": [{"decision_id": "d", "status": "ok", "costs": 1}]}),
            "/outcomes/0/costs",
            "cost",
        ),
        (
            &author,
            "/policy/packets",
            json!({"bundle_id": 1, "fallback_plans": "x"}),
            "/fallback_plans",
            "fallback_plan",
        ),
        (
            &author,
            "/policy/packets",
            json!({"bundle_id": 1, "corpus": {"sorce": "recorded"}}),
            "/corpus/sorce",
            "source",
        ),
        (&approver, "/policy/packets/pktv1:0/actions", json!({"decison": "approve"}), "/decison", "decision"),
        (
            &author,
            gates.as_str(),
            json!({"gate_config": {"max_eror_rate": 0.1}}),
            "/gate_config/max_eror_rate",
            "max_error_rate",
        ),
        (&author, gates.as_str(), json!({"metrics": {"total": 3}}), "/metrics/total", ""),
        (&author, "/policy/simulate", json!({"bundle_id": 1, "datset": "fixtures"}), "/datset", "dataset"),
        (&author, "/policy/simulate/compare", json!({"a": {"rules": []}, "b": {"bundle_id": 1, "x": 1}}), "/b/x", ""),
    ] {
        let problem = caller.post(path, body.clone()).await.problem(422, "unknown_member");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{body}");
        let detail = problem["errors"][0]["detail"].as_str().unwrap();
        assert!(near.is_empty() || detail.contains(&format!("did you mean `{near}`?")), "{detail}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_byte_order_mark_is_skipped_and_other_encodings_are_named() {
    let workspace = Workspace::new().await;
    workspace.stable(bundle("1.0.0", "allow")).await;
    let (service, author) = (workspace.caller(Role::Service).await, workspace.caller(Role::Author).await);
    let asked = question("s").to_string();
    let draft = bundle("1.0.1", "deny").to_string();
    for (caller, path, text) in [
        (&service, "/policy/evaluate", &asked),
        (&author, "/policy/lint", &draft),
        (&author, "/policy/bundles/verify", &draft),
    ] {
        post(caller, path, format!("\u{feff}{text}")).await.expect(200);
        let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for (body, words) in [
            (format!("\u{feff}\u{feff}{text}").into_bytes(), "byte order mark"),
            ([b"\xff\xfe".as_slice(), &utf16].concat(), "UTF-16"),
            (utf16.clone(), "UTF-16"),
            (format!("{text}\0").into_bytes(), "NUL"),
            (format!("{text}\u{1a}").into_bytes(), "Ctrl-Z"),
            (text.replacen("inbox", "in\\ud800box", 1).into_bytes(), "surrogate"),
            ([text.as_bytes(), b"\xe9"].concat(), "UTF-8"),
        ] {
            let problem = post(caller, path, body).await.problem(400, "malformed_json");
            let detail = problem["detail"].as_str().unwrap();
            assert!(detail.contains(words) && !detail.contains("expected"), "{path}: {detail}");
        }
    }
}

/// No slip in a side member may hold up an emergency; each stands in the answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_is_never_refused_for_a_side_member() {
    let workspace = Workspace::new().await;
    for (number, (members, words)) in [
        (r#""triggered_at":"2999-01-01T00:00:00Z""#, "has not come yet"),
        (r#""triggered_at":"2001-01-01T00:00:00Z""#, "before the bundle went into service"),
        (r#""triggered_at":"yesterday""#, "2026-01-31T12:00:00Z"),
        (r#""triggered_at":1768000000"#, "must be a string"),
        (r#""create_incident":"false""#, "must be true or false"),
        (r#""rolled_back_by":5"#, "must be a string"),
        (r#""rolled_back_on":"x""#, "did you mean `rolled_back_by`?"),
        (r#""reason":"Emergency: errors above ten percent""#, "`/reason` appears twice"),
        (r#""create_incident":null"#, ""),
    ]
    .into_iter()
    .enumerate()
    {
        if number == 0 {
            workspace.stable(bundle("1.0.0", "allow")).await;
        }
        let canary = workspace.canary(bundle(&format!("1.0.{}", number + 1), "deny"), 10).await["id"].clone();
        let owner = workspace.caller(Role::RuntimeOwner).await;
        let body = format!(r#"{{"reason":"Emergency: errors above ten percent",{members}}}"#);
        let answer = post(&owner, &format!("/policy/bundles/{canary}/rollback"), body).await.expect(200);
        let warnings = answer["warnings"].as_array().unwrap();
        assert_eq!(warnings.len(), usize::from(!words.is_empty()), "{members}: {answer}");
        assert!(warnings.iter().all(|warning| warning.as_str().unwrap().contains(words)), "{members}: {answer}");
        assert_eq!(answer["incident_created"], true, "{members}");
    }
    let owner = workspace.caller(Role::RuntimeOwner).await;
    let last = workspace.canary(bundle("1.0.10", "deny"), 10).await["id"].clone();
    let path = format!("/policy/bundles/{last}/rollback");
    for body in [json!({"reason": "too bad"}), json!({"reason": 5}), json!({}), json!([])] {
        owner.post(&path, body).await.problem(422, "invalid_field");
    }
    post(&owner, &path, "{\"reason\":").await.problem(400, "malformed_json");
    let long = owner.post(&path, json!({"reason": "x".repeat(5000)})).await.expect(200);
    assert!(long["warnings"][0].as_str().unwrap().contains("cut to its first 2000"), "{long}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_and_the_emergency_switch_are_never_refused_for_a_side_member() {
    let workspace = Workspace::new().await;
    workspace.stable(bundle("1.0.0", "allow")).await;
    let (safety, admin) = (workspace.caller(Role::SafetyOwner).await, workspace.caller(Role::Admin).await);
    let body = r#"{"reason":"margins fall","reason":"margins fall fast","ticket":7,"trigger_metrics":"cost","x":1}"#;
    let paused = post(&safety, "/policy/system/pause", body).await.expect(200);
    assert_eq!(paused["pause"]["reason"], "margins fall fast");
    assert_eq!(paused["warnings"].as_array().unwrap().len(), 4, "{paused}");
    let header = [("x-emergency-override", "true")];
    let body = r#"{"enabled":true,"enabled":false,"reason":"Emergency bypass","bypass_effect":"DENY","why":"?"}"#;
    let off = admin.send(Method::POST, "/policy/system/disable", &header, Body::from(body)).await.expect(200);
    assert_eq!((&off["enabled"], &off["bypass_effect"]), (&json!(false), &json!("deny")));
    assert_eq!(off["warnings"].as_array().unwrap().len(), 2, "{off}");
    let on = admin.post("/policy/system/disable", json!({"enabled": true})).await.expect(200);
    assert_eq!(on["warnings"], json!([]));
    admin.post("/policy/system/disable", json!({"enabled": "yes"})).await.problem(422, "invalid_field");
    admin.post("/policy/system/disable", json!({"reason": "x"})).await.problem(422, "invalid_field");
}

#[tokio::test(flavor = "multi_thread")]
async fn gates_are_checked_with_metrics_that_can_be_true() {
    let workspace = Workspace::new().await;
    workspace.stable(bundle("1.0.0", "allow")).await;
    let viewer = workspace.caller(Role::Viewer).await;
    let path = "/policy/bundles/1/check-gates";
    for (body, pointer) in [
        (json!([null, null]), ""),
        (json!("x"), ""),
        (json!({"metrics": [1, 2]}), "/metrics"),
        (json!({"metrics": {"error_rate": "NaN"}}), "/metrics/error_rate"),
        (json!({"metrics": {"error_rate": true}}), "/metrics/error_rate"),
        (json!({"metrics": {"error_rate": 5}}), "/metrics/error_rate"),
        (json!({"metrics": {"deny_rate": -0.1}}), "/metrics/deny_rate"),
        (json!({"metrics": {"avg_cost": -1}}), "/metrics/avg_cost"),
        (json!({"metrics": {"sample_size": -1}}), "/metrics/sample_size"),
        (json!({"metrics": {"total_decisions": 5, "error_count": 6}}), "/metrics/error_count"),
        (json!({"gate_config": {"max_error_rate": 5}}), "/gate_config/max_error_rate"),
        (json!({"gate_config": {"max_cost_increase": -1}}), "/gate_config/max_cost_increase"),
    ] {
        let problem = viewer.post(path, body.clone()).await.problem(422, "invalid_field");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{body}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(!detail.contains("``") && !detail.contains("expected"), "{detail}");
    }
    let counts = json!({"metrics": {"total_decisions": 1e3, "error_count": 72, "deny_count": 0, "canary_avg_cost": 1,
        "baseline_avg_cost": 1}});
    let report = viewer.post(path, counts).await.expect(200);
    assert_eq!(report["failures"].as_array().unwrap().len(), 1, "{report}");
    assert_eq!(report["gates"][1]["value"], 0.072);
}

/// One slip inside a rule does not hide what is wrong with all others.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_inside_a_rule_is_a_finding_with_its_path() {
    let workspace = Workspace::new().await;
    let author = workspace.caller(Role::Author).await;
    let rules = json!({"rules": [
        {"id": "first-rule", "agent": "a", "action": 7, "effect": "deny", "reason": "A reason that is long enough",
         "conditions": "risk_score >= 85"},
        {"id": null, "agent": "a", "action": "b", "effect": "deny", "priority": "high"},
    ]});
    let report = author.post("/policy/lint", rules.clone()).await.expect(200);
    let paths: Vec<&str> = report["errors"].as_array().unwrap().iter().map(|e| e["path"].as_str().unwrap()).collect();
    for path in ["/rules/0/action", "/rules/0/conditions", "/rules/1/id", "/rules/1/priority", "/rules/1/reason"] {
        assert_eq!(paths.iter().filter(|found| **found == path).count(), 1, "{path}: {paths:?}");
    }
    let made = author.post("/policy/bundles", rules.clone()).await.expect(201);
    assert_eq!(made["rules"], rules["rules"], "the draft is kept as it was written");
}

/// A form is refused in words for its sender, whatever bytes it has and whatever its decoder says.
#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_cannot_be_read_is_refused_in_plain_words() {
    let workspace = Workspace::new().await;
    let owner = workspace.caller(Role::RuntimeOwner).await;
    for (path, form) in [
        ("rollout/roll-back", &b"bundle_id=3&reason=Emergency\xff"[..]),
        ("rollout/promote", b"bundle_id=x&target_pct=50"),
        ("rollout/promote", b"bundle_id=99999999999999999999&target_pct=50"),
        ("rollout/promote", b"bundle_id=1&bundle_id=2&target_pct=50"),
        ("rollout/promote", b"bundle_id[a]=1&target_pct=50"),
        ("rollout/promote", b""),
    ] {
        let kind = [("content-type", "application/x-www-form-urlencoded")];
        let reply = owner.send(Method::POST, &format!("/api/{path}"), &kind, Body::from(form)).await;
        assert!(reply.status.is_client_error(), "{path}: {} {}", reply.status, reply.text);
        for word in
            ["digit", "i64", "target type", "invalid type", "sequence", "missing field", "query string", "utf-8"]
        {
            assert!(!reply.text.contains(word), "{path}: {}", reply.text);
        }
    }
}
