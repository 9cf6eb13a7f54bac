//! The HTTP service: one router for the API, with the layers of each group of routes, and one for the pages.
//!
//! Some paths are both a page and an API resource (`/incidents`, `/settings`). [`is_for_api`] is the one place that
//! distinguishes pages and API.

pub mod extract;
pub mod layers;
pub mod response;
pub mod routes;

use std::{collections::HashSet, sync::LazyLock};

use axum::{
    Router,
    extract::{Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, Method};
use tower::ServiceExt;
use tower_http::{catch_panic::CatchPanicLayer, trace::TraceLayer};

use self::{
    extract::{check_query, first_segment, wants_page},
    response::{method_not_allowed, no_such_path},
    routes::{
        accounts, approvals, assets, audit, bundles, contract, decisions, drills, evaluate, events, freezes, health, incidents,
        kpi, lint, me, metrics, oidc, packets, pages, partner_keys, public_keys, rollout, server_functions, settings,
        simulate, system, transfer,
    },
};
use crate::{auth, openapi::DOCUMENT, state::AppState};

/// The service that answers every request to this server.
pub fn service(state: AppState) -> Router {
    let proxies = state.trusted_proxies.clone();
    let pages = pages::router(state.clone()).layer(middleware::from_fn(assets::serve));
    api(state)
        .layer(middleware::from_fn_with_state(pages, page_or_api))
        .layer(layers::cross_origin())
        .layer(middleware::from_fn(layers::add_headers))
        .layer(CatchPanicLayer::custom(layers::panic_response))
        .layer(middleware::from_fn_with_state(proxies, auth::find_client))
        .layer(TraceLayer::new_for_http())
}

/// The service of the listener that answers `/metrics` alone, to whoever reaches it.
pub fn metrics_service(state: AppState) -> Router {
    metrics::open_router()
        .with_state(state)
        .fallback(no_such_path)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(middleware::from_fn(layers::add_headers))
        .layer(CatchPanicLayer::custom(layers::panic_response))
}

/// The routes of the API and those that pages call, grouped by the layers around them.
fn api(state: AppState) -> Router {
    // Open to all callers, or authenticated from memory by the handler, which has limits of its own.
    let open = Router::new().merge(health::router()).merge(public_keys::router()).merge(contract::router());
    let bare = layers::limited(open, &state).merge(evaluate::router());
    Router::new()
        .merge(layers::identified(resources(), &state))
        .merge(layers::for_people(server_functions::router().merge(oidc::router()), &state))
        .merge(bare.method_not_allowed_fallback(method_not_allowed))
        // Behind no layer: a path that does not exist is answered alike for every caller and token.
        .fallback(no_such_path)
        .with_state(state)
}

/// The resources that need to know the caller, and the answer for methods that they do not have.
fn resources() -> Router<AppState> {
    Router::new()
        .merge(accounts::router())
        .merge(approvals::router())
        .merge(audit::router())
        .merge(bundles::router())
        .merge(decisions::router())
        .merge(drills::router())
        .merge(events::router())
        .merge(incidents::router())
        .merge(kpi::router())
        .merge(lint::router())
        .merge(me::router())
        .merge(metrics::router())
        .merge(packets::router())
        .merge(partner_keys::router())
        .merge(rollout::router())
        .merge(freezes::router())
        .merge(settings::router())
        .merge(simulate::router())
        .merge(system::router())
        .merge(transfer::router())
        .route_layer(middleware::from_fn(check_query))
        .method_not_allowed_fallback(method_not_allowed)
}

/// Hands requests that are not for the API over to the pages.
async fn page_or_api(State(pages): State<Router>, request: Request, next: Next) -> Response {
    if is_for_api(request.method(), request.uri().path(), request.headers()) {
        next.run(request).await
    } else {
        pages.oneshot(request).await.into_response()
    }
}

/// First path segments that are not in the contract: server functions, the page about the contract, and the way to the
/// sign-in provider.
const NOT_IN_CONTRACT: [&str; 3] = ["api", "docs", "oidc"];

/// The first segments of the API's paths.
static API_SEGMENTS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    let paths = DOCUMENT["paths"].as_object().into_iter().flat_map(|paths| paths.keys());
    paths.map(|path| first_segment(path)).chain(NOT_IN_CONTRACT).collect()
});

/// Whether the API answers rather than a page. If a path is both, browsers get the page. A path that is neither goes to
/// the pages, which answer programs with a problem.
fn is_for_api(method: &Method, path: &str, headers: &HeaderMap) -> bool {
    let first = first_segment(path);
    API_SEGMENTS.contains(first) && !(wants_page(method, headers) && pages::SEGMENTS.contains(first))
}

#[cfg(test)]
mod tests {
    use http::header;

    use super::*;

    #[test]
    fn browsers_get_pages_and_programs_get_the_api() {
        let browser: HeaderMap =
            [(header::ACCEPT, "text/html,application/xhtml+xml".parse().unwrap())].into_iter().collect();
        let program = HeaderMap::new();
        for (method, path, headers, api) in [
            (Method::GET, "/incidents", &browser, false),
            (Method::GET, "/incidents/INC-2026-0001", &browser, false),
            (Method::GET, "/incidents", &program, true),
            (Method::POST, "/incidents", &browser, true),
            (Method::GET, "/settings", &browser, false),
            (Method::GET, "/policy/bundles", &browser, true),
            (Method::GET, "/policy/no-such-path", &browser, true),
            (Method::GET, "/", &program, false),
            (Method::POST, "/api/packets/act", &browser, true),
            (Method::GET, "/healthz", &browser, true),
            (Method::GET, "/docs", &browser, true),
            (Method::GET, "/oidc/callback", &browser, true),
            (Method::POST, "/policy/evaluate/batch", &program, true),
            (Method::GET, "/policy/evaluated", &program, true),
            (Method::GET, "/no-such-page", &program, false),
        ] {
            assert_eq!(is_for_api(&method, path, headers), api, "{method} {path}");
        }
    }
}
