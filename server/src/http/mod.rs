//! The HTTP API: one file a resource, each with its own `router()`, and the layers around all of them.
//!
//! Some paths are both a page and an API resource (`/incidents`, `/settings`): a `GET` that accepts HTML is answered
//! with the page, everything else by the API. [`destination`] decides.

pub mod audit;
pub mod bundles;
pub mod contract;
pub mod created;
pub mod decisions;
pub mod drills;
pub mod etag;
pub mod evaluate;
pub mod events;
pub mod front;
pub mod health;
pub mod incidents;
pub mod input;
pub mod kpi;
pub mod lint;
pub mod metrics;
pub mod packets;
pub mod page;
pub mod problem;
pub mod rollout;
pub mod settings;
pub mod simulate;
pub mod subject;
pub mod system;
pub mod transfer;

use axum::{
    Router,
    extract::{Request, State},
    middleware,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, Method, header};
use tower::ServiceExt;
use tower_http::{catch_panic::CatchPanicLayer, trace::TraceLayer};

use crate::{assets, auth, pages, state::AppState};

/// Everything this server answers.
pub fn service(state: AppState) -> front::Front {
    front::Front::new(state.live.clone(), router(state))
}

fn router(state: AppState) -> Router {
    let identified = Router::new()
        .merge(api())
        .method_not_allowed_fallback(problem::no_such_method)
        .fallback(problem::no_such_path)
        .layer(middleware::from_fn_with_state(state.clone(), auth::identify))
        .layer(auth::session_layer(&state.store, state.plain_http))
        .with_state(state.clone());
    let open = Router::new()
        .merge(health::router())
        .merge(evaluate::router())
        .merge(contract::router())
        .method_not_allowed_fallback(problem::no_such_method)
        .fallback(problem::no_such_path)
        .with_state(state.clone());
    let functions = pages::functions(state.clone());
    let parts = Parts { open, identified, functions, pages: pages::router(state) };

    Router::new()
        .fallback(dispatch)
        .with_state(parts)
        .layer(auth::cross_origin())
        .layer(middleware::from_fn(auth::headers))
        .layer(CatchPanicLayer::custom(auth::panics))
        .layer(TraceLayer::new_for_http())
}

/// The resources that need to know who is calling.
fn api() -> Router<AppState> {
    Router::new()
        .merge(audit::router())
        .merge(bundles::router())
        .merge(decisions::router())
        .merge(drills::router())
        .merge(events::router())
        .merge(incidents::router())
        .merge(kpi::router())
        .merge(lint::router())
        .merge(metrics::router())
        .merge(packets::router())
        .merge(rollout::router())
        .merge(settings::router())
        .merge(simulate::router())
        .merge(system::router())
        .merge(transfer::router())
}

#[derive(Clone)]
struct Parts {
    /// Finds out by itself who is calling, or answers everybody.
    open: Router,
    identified: Router,
    functions: Router,
    pages: Router,
}

async fn dispatch(State(parts): State<Parts>, request: Request) -> Response {
    if matches!(*request.method(), Method::GET | Method::HEAD)
        && let Some(file) = assets::serve(request.uri(), request.headers())
    {
        return file;
    }
    let router = match destination(request.method(), request.uri().path(), request.headers()) {
        Destination::Open => parts.open,
        Destination::Api => parts.identified,
        Destination::Functions => parts.functions,
        Destination::Pages => parts.pages,
    };
    router.oneshot(request).await.into_response()
}

/// Who answers a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Destination {
    Open,
    Api,
    Functions,
    Pages,
}

/// Resources of the API whose first path segment no page has.
const API: [&str; 5] = ["policy", "metrics", "events", "users", "tokens"];
/// First path segments that are a page for browsers and a resource for programs.
const BOTH: [&str; 2] = ["incidents", "settings"];

fn destination(method: &Method, path: &str, headers: &HeaderMap) -> Destination {
    let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    let accepts_html = headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"));
    let wants_page = accepts_html && matches!(*method, Method::GET | Method::HEAD);
    match first {
        "healthz" | "readyz" | "openapi.json" | "docs" => Destination::Open,
        "api" => Destination::Functions,
        _ if path == "/policy/evaluate" || path.starts_with("/policy/evaluate/") => Destination::Open,
        _ if API.contains(&first) => Destination::Api,
        _ if BOTH.contains(&first) && !wants_page => Destination::Api,
        // A program that asks for a path that does not exist wants a problem, not a page.
        _ => Destination::Pages,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_get_pages_and_programs_get_the_api() {
        let browser: HeaderMap =
            [(header::ACCEPT, "text/html,application/xhtml+xml".parse().unwrap())].into_iter().collect();
        let program = HeaderMap::new();
        for (method, path, headers, expected) in [
            (Method::GET, "/incidents", &browser, Destination::Pages),
            (Method::GET, "/incidents/INC-2026-0001", &browser, Destination::Pages),
            (Method::GET, "/incidents", &program, Destination::Api),
            (Method::POST, "/incidents", &browser, Destination::Api),
            (Method::GET, "/settings", &browser, Destination::Pages),
            (Method::GET, "/policy/bundles", &browser, Destination::Api),
            (Method::GET, "/", &program, Destination::Pages),
            (Method::POST, "/api/packets/act", &browser, Destination::Functions),
            (Method::GET, "/healthz", &browser, Destination::Open),
            (Method::GET, "/docs", &browser, Destination::Open),
            (Method::POST, "/policy/evaluate/batch", &program, Destination::Open),
            (Method::GET, "/policy/evaluated", &program, Destination::Api),
        ] {
            assert_eq!(destination(&method, path, headers), expected, "{method} {path}");
        }
    }
}
