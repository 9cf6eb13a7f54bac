//! The pages, which are for people who are signed in.

use axum::body::Body;
use http::{Method, header};
use lifecycle::authority::Role;
use serde_json::json;

use crate::support::{Workspace, bundle, program};

const BROWSER: [(&str, &str); 1] = [("accept", "text/html,application/xhtml+xml")];

#[tokio::test(flavor = "multi_thread")]
async fn anonymous_visitors_are_sent_to_sign_in_and_return() {
    let workspace = Workspace::new().await;
    for (path, way_back) in
        [("/", "/sign-in"), ("/rollouts", "/sign-in?next=/rollouts"), ("/incidents", "/sign-in?next=/incidents")]
    {
        let reply = workspace.stranger().send(Method::GET, path, &BROWSER, Body::empty()).await;
        assert_eq!(reply.status, 303, "{path}: {}", reply.text);
        assert_eq!(reply.headers[header::LOCATION], way_back);
    }
    let reply = workspace.stranger().send(Method::GET, "/sign-in", &BROWSER, Body::empty()).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert!(reply.headers[header::CONTENT_TYPE].to_str().unwrap().starts_with("text/html"));
    assert!(reply.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap().contains("'nonce-"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_rendered_completely() {
    let workspace = Workspace::new().await;
    let viewer = workspace.caller(Role::Viewer).await;
    for path in ["/", "/studio", "/reviews", "/rollouts", "/decisions", "/incidents", "/audit", "/settings"] {
        let reply = viewer.send(Method::GET, path, &BROWSER, Body::empty()).await;
        assert_eq!(reply.status, 200, "{path}: {}", reply.text);
        assert!(reply.text.contains("<h1"), "{path} has no heading: {}", reply.text);
        assert_eq!(reply.headers[header::CACHE_CONTROL], "no-store", "{path}");
    }
    let reply = viewer.send(Method::GET, "/no-such-page", &BROWSER, Body::empty()).await;
    assert_eq!(reply.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_get_json_where_browsers_get_a_page() {
    let workspace = Workspace::new().await;
    let viewer = workspace.caller(Role::Viewer).await;
    viewer.get("/incidents").await.expect(200);
    viewer.get("/settings").await.expect(200);
}

/// With two servers in one process, as in these tests, starting one must not stop the other's pages from rendering.
#[tokio::test(flavor = "multi_thread")]
async fn pages_are_rendered_while_another_server_is_set_up() {
    let (workspace, other) = (Workspace::new().await, Workspace::new().await);
    let viewer = workspace.caller(Role::Viewer).await;
    let state = other.state.clone();
    let setting_up =
        tokio::task::spawn_blocking(move || (0..200).for_each(|_| drop(server::http::service(state.clone()))));
    while !setting_up.is_finished() {
        viewer.send(Method::GET, "/settings", &BROWSER, Body::empty()).await;
    }
    setting_up.await.unwrap();
}

/// What a reader sees of a page: its text, without what belongs to scripts and to fields that are typed into.
fn seen(html: &str) -> String {
    let mut rest = html.to_owned();
    for (open, close) in [("<script", "</script>"), ("<style", "</style>"), ("<textarea", "</textarea>"), ("<", ">")] {
        let mut kept = String::new();
        let mut left = rest.as_str();
        while let Some((before, tail)) = left.split_once(open) {
            kept.push_str(before);
            kept.push(' ');
            left = tail.split_once(close).map_or("", |(_, after)| after);
        }
        kept.push_str(left);
        rest = kept;
    }
    rest
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_from_outside_is_written_out_wherever_people_read_it() {
    let workspace = Workspace::new().await;
    let odd = |text: &str| format!("{text} \u{202e}yes\u{200b}");
    program(&workspace.store, "gateway", &["*"]).await;
    // Earlier releases took such a name.
    let renamed = sqlx::query("update api_tokens set name = $1 where name = 'gateway'").bind(odd("gateway"));
    assert_eq!(renamed.execute(workspace.store.pool()).await.unwrap().rows_affected(), 1);
    let mut source = bundle("1.0.0", "allow");
    source["notes"] = json!(odd("notes"));
    source["rules"][0]["reason"] = json!(odd("This is the reason"));
    source["rules"][0]["conditions"] = json!({"!=branch": odd("main")});
    workspace.stable(source.clone()).await;
    (source["version"], source["rules"][0]["reason"]) = (json!("1.0.1"), json!(odd("This is another reason")));
    let (waiting, packet) = workspace.approved(source).await;
    let (service, safety) = (workspace.caller(Role::Service).await, workspace.caller(Role::SafetyOwner).await);
    let author = workspace.caller(Role::Author).await;
    let asked = json!({"agent": "inbox.triage\u{200b}", "action": "quarantine", "decision_id": "odd",
        "subject": odd("subject"), "context": {"branch": odd("dev"), odd("field"): 1}});
    service.post("/policy/evaluate", asked).await.expect(200);
    author.post("/incidents", json!({"title": odd("trouble"), "severity": "low"})).await.expect(201);
    let pause = json!({"reason": odd("margins fall"), "ticket": odd("T-1")});
    safety.post("/policy/system/pause", pause).await.expect(200);
    let incidents = author.get("/incidents").await.expect(200);
    let incident = incidents["incidents"][0]["id"].as_str().unwrap().to_owned();

    let admin = workspace.caller(Role::Admin).await;
    let pages =
        ["/", "/studio", "/reviews", "/rollouts", "/decisions", "/decisions/odd", "/incidents", "/audit", "/settings"];
    let pages = pages.map(str::to_owned).into_iter().chain([
        format!("/incidents/{incident}"),
        format!("/reviews/{packet}"),
        format!("/studio/{waiting}"),
    ]);
    let mut shown = 0;
    for path in pages {
        let reply = admin.send(Method::GET, &path, &BROWSER, Body::empty()).await;
        assert_eq!(reply.status, 200, "{path}");
        let text = seen(&reply.text);
        for raw in ['\u{202e}', '\u{200b}'] {
            let around = text.find(raw).map(|at| text[..at].chars().rev().take(80).collect::<String>());
            assert_eq!(around.map(|around| around.chars().rev().collect::<String>()), None, "{path}");
        }
        shown += usize::from(text.contains("U+202E"));
    }
    assert!(shown >= 8, "only {shown} pages show any of it");
}
