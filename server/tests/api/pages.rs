//! The pages, which are for people who are signed in.

use axum::body::Body;
use http::{Method, header};
use lifecycle::authority::Role;

use crate::support::Workspace;

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
