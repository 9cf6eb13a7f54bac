//! A server that stands: what is asked too often is refused, what takes long takes turns, and what safety depends on comes
//! first.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use axum::body::Body;
use http::{Method, Request};
use http_body_util::BodyExt;
use lifecycle::{
    authority::Role,
    decision::{Mode, Record},
};
use policy::{
    Timestamp,
    bundle::Effect,
    engine::{Arm, Status},
};
use serde_json::{Value, json};
use server::rate_limits::Kind;
use sqlx::{Connection, PgConnection};
use tokio::time::timeout;
use tower::ServiceExt;

use crate::support::{Workspace, bundle, question};

/// Whoever was answered that a change is made gets, with the next question, an answer by it.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_served_before_it_is_answered() {
    let workspace = Workspace::new().await;
    workspace.stable(bundle("1.0.0", "deny")).await;
    let (admin, service) = (workspace.caller(Role::Admin).await, workspace.caller(Role::Service).await);
    let disable = async |body: Value| {
        let header = [("x-emergency-override", "true")];
        let body = Body::from(body.to_string());
        admin.send(Method::POST, "/policy/system/disable", &header, body).await.expect(200)
    };
    for round in 0..10 {
        let off = disable(json!({"enabled": false, "reason": "stop", "bypass_effect": "allow"})).await;
        assert_eq!(off["servers"], json!({"known": 1, "current": 1}), "{round}");
        let answer = service.post("/policy/evaluate", question("s")).await.expect(200);
        assert_eq!(answer["mode"], "bypass", "{round}: {answer}");
        disable(json!({"enabled": true})).await;
        let answer = service.post("/policy/evaluate", question("s")).await.expect(200);
        assert_eq!(answer["mode"], "normal", "{round}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_is_served_before_it_is_answered() {
    let workspace = Workspace::new().await;
    workspace.stable(bundle("1.0.0", "deny")).await;
    let canary = workspace.canary(bundle("1.0.1", "allow"), 50).await;
    let owner = workspace.caller(Role::RuntimeOwner).await;
    let path = format!("/policy/bundles/{}/rollback", canary["id"]);
    let done = owner.post(&path, json!({"reason": "Too much is allowed."})).await.expect(200);
    assert_eq!(done["servers"], json!({"known": 1, "current": 1}));
    let service = workspace.caller(Role::Service).await;
    let requests: Vec<Value> = (0..100).map(|number| question(&format!("subject-{number}"))).collect();
    let answers = service.post("/policy/evaluate/batch", json!({"requests": requests})).await.expect(200);
    for answer in answers["decisions"].as_array().unwrap() {
        assert_eq!(answer["arm"], "stable", "{answer}");
    }
}

/// Whatever keeps the threads of requests busy, a change by hand is served within a second.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_change_is_served_while_every_thread_of_requests_is_busy() {
    let workspace = Workspace::new().await;
    workspace.stable(bundle("1.0.0", "deny")).await;
    let options = store::testing::as_owner(&workspace.store.pool().connect_options());
    let live = workspace.state.live.clone();
    assert!(live.serving().enabled);
    // Also once the loop has been idle for a while, and its connections have been given back.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let (busy, is_busy) = std::sync::mpsc::channel();
    let blocked = tokio::spawn(async move {
        busy.send(()).unwrap();
        std::thread::sleep(Duration::from_secs(6));
    });
    let followed = std::thread::spawn(move || {
        is_busy.recv().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut db = PgConnection::connect_with(&options).await.unwrap();
            sqlx::query("update system_state set enabled = false").execute(&mut db).await.unwrap();
        });
        let began = Instant::now();
        while live.serving().enabled && began.elapsed() < Duration::from_secs(5) {
            std::thread::sleep(Duration::from_millis(5));
        }
        began.elapsed()
    });
    let took = followed.join().unwrap();
    assert!(took < Duration::from_millis(1_500), "{took:?}");
    blocked.await.unwrap();
}

/// What another server with this data directory has acknowledged and left behind comes into the log, also while this one is
/// never idle.
#[tokio::test(flavor = "multi_thread")]
async fn decisions_that_another_server_left_behind_are_taken_over_while_questions_are_asked() {
    let workspace = Workspace::new().await;
    workspace.stable(bundle("1.0.0", "deny")).await;
    let (service, viewer) = (workspace.caller(Role::Service).await, workspace.caller(Role::Viewer).await);
    let left = Record {
        decision_id: "left-behind".to_owned(),
        decided_at: Timestamp::EPOCH,
        agent: "a".to_owned(),
        action: "b".to_owned(),
        subject: "s".to_owned(),
        context: serde_json::Map::new(),
        effect: Effect::Deny,
        status: Status::NoMatch,
        matched_rule: None,
        reason: "because".to_owned(),
        budget: None,
        bundle: None,
        arm: Arm::None,
        mode: Mode::Degraded,
        errors: Vec::new(),
        other_arm: None,
        outcome: None,
        asked_by: None,
    };
    let line = format!("{}\n", serde_json::to_string(&left).unwrap());
    std::fs::write(workspace.folder.join("buffered-decisions.7.jsonl"), line).unwrap();
    let began = Instant::now();
    while viewer.get("/policy/decisions/left-behind").await.status != 200 {
        assert!(began.elapsed() < Duration::from_secs(20), "it did not come into the log");
        for _ in 0..20 {
            service.post("/policy/evaluate", question("s")).await.expect(200);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_too_often_is_refused_and_pausing_still_works() {
    let workspace = Workspace::new().await;
    let safety = workspace.caller(Role::SafetyOwner).await;
    let me = safety.get("/policy/bundles").await;
    assert_eq!(me.status, 200);
    // Another connection asks without a pause with the same token.
    let number: i64 =
        sqlx::query_scalar("select max(id) from api_tokens").fetch_one(workspace.store.pool()).await.unwrap();
    let (limits, goes_on) = (workspace.state.limits.clone(), Arc::new(AtomicBool::new(true)));
    let asks = std::thread::spawn({
        let goes_on = Arc::clone(&goes_on);
        move || {
            while goes_on.load(Ordering::Relaxed) {
                let _refused = limits.caller(Some(&format!("token:{number}")), "", Kind::Usual);
            }
        }
    });
    while workspace.state.limits.refused() == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let refused = safety.get("/policy/bundles").await;
    let wait: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..10).contains(&wait), "{wait}");
    refused.problem(429, "too_many_requests");
    let paused = safety.post("/policy/system/pause", json!({"reason": "look first"})).await.expect(200);
    assert_eq!(paused["paused"], true);
    goes_on.store(false, Ordering::Relaxed);
    asks.join().unwrap();
    tokio::time::sleep(Duration::from_secs(wait)).await;
    safety.get("/policy/bundles").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn heavy_work_takes_turns_and_more_than_fits_is_refused() {
    let workspace = Workspace::new().await;
    let author = workspace.caller(Role::Author).await;
    let heavy = workspace.store.heavy();
    // Another person has all the places.
    let mut turns = Vec::new();
    while let Ok(turn) = timeout(Duration::from_millis(50), heavy.turn("another person")).await {
        turns.push(turn.unwrap());
    }
    let lint = || author.post("/policy/lint", bundle("1.0.0", "deny"));
    let waiting = async {
        let all = futures::future::join_all((0..8).map(|_| lint())).await;
        all.into_iter().map(|reply| reply.status.as_u16()).collect::<Vec<_>>()
    };
    let one_more = async {
        while heavy.load().waiting < 8 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let refused = lint().await;
        assert!(refused.headers.contains_key("retry-after"));
        refused.problem(429, "too_many_requests");
        // Others still wait for their turn, and what is not heavy is answered.
        author.get("/policy/bundles").await.expect(200);
        drop(turns);
    };
    let (answered, ()) = tokio::join!(waiting, one_more);
    assert_eq!(answered, [200; 8]);
    // Who leaves gives the place back.
    let mut turns = Vec::new();
    while let Ok(turn) = timeout(Duration::from_millis(50), heavy.turn("another person")).await {
        turns.push(turn.unwrap());
    }
    assert!(timeout(Duration::from_millis(300), lint()).await.is_err());
    assert_eq!(heavy.load().waiting, 0);
}

/// What a page shows first does not wait behind packets and simulations; of such pages, too, only so many are worked on at
/// once.
#[tokio::test(flavor = "multi_thread")]
async fn pages_do_not_wait_behind_heavy_work_and_take_turns_among_themselves() {
    let workspace = Workspace::new().await;
    let stable = workspace.stable(bundle("1.0.0", "deny")).await;
    let author = workspace.caller(Role::Author).await;
    let service = workspace.caller(Role::Service).await;
    let decision = service.post("/policy/evaluate", question("s")).await.expect(200);
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let pages = [
        ("/api/bundles/open", format!("id={}", stable["id"])),
        ("/api/decisions/get", format!("decision_id={}", decision["decision_id"].as_str().unwrap())),
    ];
    let open = async |(path, body): &(&str, String)| {
        author.send(Method::POST, path, &form, Body::from(body.clone())).await.status.as_u16()
    };
    for (work, waits) in [(workspace.store.heavy(), false), (workspace.store.brief(), true)] {
        // Another person has all the places.
        let mut turns = Vec::new();
        while let Ok(turn) = timeout(Duration::from_millis(50), work.turn("another person")).await {
            turns.push(turn.unwrap());
        }
        for page in &pages {
            let patience = Duration::from_secs(if waits { 1 } else { 20 });
            match timeout(patience, open(page)).await {
                Ok(status) => assert!(!waits && status == 200, "{page:?} {status} {waits}"),
                Err(_) => assert!(waits, "{page:?} waits behind heavy work"),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_person_has_so_many_streams_and_no_more() {
    let workspace = Workspace::new().await;
    let viewer = workspace.caller(Role::Viewer).await;
    let open = async || {
        let request = Request::get("/events")
            .header("authorization", format!("Bearer {}", viewer.token.as_ref().unwrap()))
            .body(Body::empty())
            .unwrap();
        workspace.service.clone().oneshot(request).await.unwrap()
    };
    let mut streams = Vec::new();
    for _ in 0..32 {
        let mut stream = open().await;
        assert_eq!(stream.status(), 200);
        let first = stream.body_mut().frame().await.unwrap().unwrap().into_data().unwrap();
        assert!(String::from_utf8_lossy(&first).contains("\"enabled\":true"));
        streams.push(stream);
    }
    let refused = open().await;
    assert_eq!((refused.status().as_u16(), refused.headers().contains_key("retry-after")), (429, true));
    streams.pop();
    assert_eq!(open().await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_loops_of_a_server_are_shown_alive() {
    let workspace = Workspace::new().await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let health = workspace.stranger().get("/healthz").await.expect(200);
    assert_eq!(health["status"], "ok");
    let loops = health["loops"].as_array().unwrap();
    for name in ["following", "decision_log", "automatic_rollback", "audit_chain", "serving_check", "key_rotation"] {
        let found = loops.iter().find(|found| found["name"] == name).unwrap_or_else(|| panic!("{name}: {health}"));
        assert_eq!((&found["alive"], &found["restarts"]), (&json!(true), &json!(0)), "{found}");
    }
    let metrics = workspace.caller(Role::Viewer).await.get("/metrics").await.text;
    for line in [
        r#"policy_loop_alive{loop="automatic_rollback"} 1"#,
        r#"policy_loop_restarts_total{loop="following"} 0"#,
        "policy_heavy_work_waiting 0",
        "policy_spilled_bytes 0",
        "policy_degraded 0",
    ] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_listener_of_metrics_answers_nothing_else() {
    let workspace =
        Workspace::with(|settings| settings.public_url = Some("https://policy.example.com".parse().unwrap())).await;
    workspace.stranger().get("/metrics").await.problem(401, "unauthenticated");
    workspace.stranger().get("/metrics/errors").await.problem(401, "unauthenticated");
    let service = server::http::metrics_service(workspace.state.clone());
    for (path, status) in
        [("/metrics", 200), ("/metrics/errors", 404), ("/policy/system", 404), ("/healthz", 404), ("/", 404)]
    {
        let request = Request::get(path).body(Body::empty()).unwrap();
        assert_eq!(service.clone().oneshot(request).await.unwrap().status(), status, "{path}");
    }
    let ready = workspace.stranger().get("/readyz/evaluate").await.expect(200);
    assert_eq!(ready["status"], "ready");
}

/// Anybody may ask whether a server is ready, as often as they like: it takes nothing from emergency commands.
#[tokio::test(flavor = "multi_thread")]
async fn asking_whether_a_server_is_ready_takes_no_connection_of_emergency_commands() {
    let workspace = Workspace::new().await;
    let mut held = Vec::new();
    while let Ok(Ok(connection)) = timeout(Duration::from_millis(200), workspace.store.urgent().pool().acquire()).await
    {
        held.push(connection);
    }
    let stranger = workspace.stranger();
    let asked = futures::future::join_all((0..200).map(|_| stranger.get("/readyz")));
    let replies = timeout(Duration::from_secs(10), asked).await.unwrap();
    assert!(replies.iter().all(|reply| reply.status == 200));
}

/// A function that takes a few words does not read megabytes, and one for strangers even less.
#[tokio::test(flavor = "multi_thread")]
async fn functions_of_pages_take_no_more_than_they_need() {
    let workspace = Workspace::new().await;
    let author = workspace.caller(Role::Author).await;
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let much = |bytes: usize| Body::from(format!("reason={}", "x".repeat(bytes)));
    author.send(Method::POST, "/api/system/pause", &form, much(2 * 1024 * 1024)).await.problem(413, "too_large");
    let stranger = workspace.stranger();
    stranger.send(Method::POST, "/api/session/sign-in", &form, much(100 * 1024)).await.problem(413, "too_large");
    stranger.send(Method::POST, "/api/bundles/save", &form, much(100 * 1024)).await.problem(401, "unauthenticated");
    stranger.post("/policy/bundles", json!({"notes": "x".repeat(100_000)})).await.problem(401, "unauthenticated");
}
