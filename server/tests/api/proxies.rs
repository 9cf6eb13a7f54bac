//! Who asked, when a proxy stands before the server.

use std::net::SocketAddr;

use axum::{body::Body, extract::ConnectInfo};
use http::{Request, header};
use lifecycle::authority::Role;
use serde_json::{Value, json};

use crate::support::{Workspace, admin};

/// A wrong password that came from `peer` with this `X-Forwarded-For`; returns the status.
async fn guess(workspace: &Workspace, peer: &str, forwarded: &str) -> u16 {
    let peer: SocketAddr = format!("{peer}:4711").parse().unwrap();
    let request = Request::post("/api/session/sign-in")
        .extension(ConnectInfo(peer))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header("x-forwarded-for", forwarded)
        .body(Body::from("email=ann%40example.com&password=a+wrong+password"))
        .unwrap();
    workspace.send(request).await.status.as_u16()
}

/// The sources of failed sign-ins in the audit record, with how often each failed.
async fn sources(workspace: &Workspace) -> Value {
    store::audit_refusals(&workspace.store).await.unwrap();
    let viewer = workspace.caller(Role::Viewer).await;
    let entries = viewer.get("/policy/audit?event_type=sign_in_failed").await.expect(200);
    let mut found: Vec<(String, u64)> = entries["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (entry["subject_id"].as_str().unwrap().to_owned(), entry["detail"]["count"].as_u64().unwrap()))
        .collect();
    found.sort();
    json!(found)
}

async fn ann(workspace: &Workspace) {
    let roles = [Role::Viewer].into();
    store::people::add(&workspace.store, &admin(), "ann@example.com", "Ann", roles, "a long password").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trusted_proxy_says_who_signs_in_and_nobody_else_does() {
    let workspace = Workspace::with(|settings| {
        settings.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
    })
    .await;
    ann(&workspace).await;
    // Each client waits for its own failures: one that guesses makes nobody else behind the proxy wait.
    let mut guessed = 0;
    while guess(&workspace, "10.0.0.1", "198.51.100.1").await == 401 {
        guessed += 1;
        assert!(guessed < 50, "nobody ever has to wait");
    }
    // As if it had guessed on: the first wait is over in a second.
    let longer = sqlx::query("update sign_in_attempts set failures = 20 where source = '198.51.100.1'")
        .execute(workspace.store.pool())
        .await
        .unwrap();
    assert_eq!(longer.rows_affected(), 1);
    assert_eq!(guess(&workspace, "10.0.0.1", "198.51.100.2").await, 401);
    // What a client claims before the proxy adds its address is only a claim, and so is all that others say.
    assert_eq!(guess(&workspace, "10.0.0.1", "203.0.113.9, 198.51.100.1").await, 429);
    assert_eq!(guess(&workspace, "192.0.2.1", "203.0.113.9").await, 401);
    let expected = json!([["192.0.2.1", 1], ["198.51.100.1", guessed + 2], ["198.51.100.2", 1]]);
    assert_eq!(sources(&workspace).await, expected);
    // Behind a proxy every caller comes from an address of the proxy's.
    workspace.stranger().get("/metrics").await.problem(401, "unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_trusted_proxy_nobody_is_believed() {
    let workspace = Workspace::new().await;
    ann(&workspace).await;
    for claimed in ["198.51.100.1", "198.51.100.2"] {
        assert_eq!(guess(&workspace, "10.0.0.1", claimed).await, 401);
    }
    assert_eq!(sources(&workspace).await, json!([["10.0.0.1", 2]]));
}
