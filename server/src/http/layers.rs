//! Middleware around the routes: security headers, refusal of cross-site requests, no half-sent answers, and
//! authentication.

use std::{any::Any, time::Duration};

use app::context::Caller;
use axum::{
    Extension, Router,
    extract::{Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use http::{HeaderName, HeaderValue, Method, header};
use lifecycle::{authority::Actor, problem::Code};
use tokio::time::timeout;
use tower_http::{
    compression::{
        CompressionLayer,
        predicate::{DefaultPredicate, NotForContentType, Predicate},
    },
    csrf::{CsrfLayer, ProtectionError},
};

use super::response::problem_as_page;
use crate::{
    auth,
    error::ApiError,
    rate_limits::{Kind, RateLimits},
    state::AppState,
};

/// How long a request may take until its answer begins. Packets over many decisions take longest.
const REQUEST_WITHIN: Duration = Duration::from_secs(150);
/// The same for an emergency command.
const EMERGENCY_WITHIN: Duration = Duration::from_secs(15);

const HEADERS: [(HeaderName, &str); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // After a plain form post, the referrer leads back to the form's page, so it is not switched off.
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
];

/// Middleware: adds the security headers, and forbids caching where the handler does not allow it, because answers
/// depend on the caller.
pub async fn add_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    // Answers that are not pages have nothing to load. The policy of pages carries a nonce and is set by the app.
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
    response
}

/// Refuses writes that a browser sends on behalf of another site.
pub fn cross_origin() -> CsrfLayer<impl Fn(ProtectionError) -> Response + Clone> {
    CsrfLayer::new().with_rejection_response(|_| {
        ApiError::new(Code::Forbidden, "this request comes from a page of another site").into_response()
    })
}

/// The answer to a request whose handler panicked. It reveals nothing about the panic, which goes to the log.
pub fn panic_response(cause: Box<dyn Any + Send + 'static>) -> Response {
    let text = cause
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| cause.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    tracing::error!(panic = text, "a request ended in a panic");
    ApiError::new(Code::Internal, "something went wrong on the server; its log says more").into_response()
}

/// `router` with the caller identified, by token or session.
pub fn identified(router: Router<AppState>, state: &AppState) -> Router<AppState> {
    // Who calls is found out with connections that no page and no report takes.
    let store = state.store.identifying();
    router
        .layer(middleware::from_fn_with_state(state.clone(), serve_own_changes))
        .layer(middleware::from_fn(within_time))
        .layer(middleware::from_fn_with_state(state.limits.clone(), limit_callers))
        .layer(Extension(state.store.brief().clone()))
        .layer(middleware::from_fn_with_state(store.clone(), auth::identify))
        .layer(auth::session_layer(&store, state.plain_http))
        .layer(middleware::from_fn_with_state(state.limits.clone(), limit_sources))
}

/// `router` with a limit for each source, and without knowing who calls.
pub fn limited(router: Router<AppState>, state: &AppState) -> Router<AppState> {
    router.layer(middleware::from_fn_with_state(state.limits.clone(), limit_sources))
}

/// Middleware, before anybody is identified: refuses a source that asks too often.
async fn limit_sources(State(limits): State<RateLimits>, request: Request, next: Next) -> Response {
    match limits.source(&auth::network(request.extensions()), Kind::of(request.uri().path())) {
        Ok(()) => next.run(request).await,
        Err(refused) => ApiError(refused).into_response(),
    }
}

/// Middleware: refuses a caller who asks too often.
async fn limit_callers(State(limits): State<RateLimits>, request: Request, next: Next) -> Response {
    let caller = request.extensions().get::<Caller>();
    let name = caller.and_then(|caller| caller.actor.as_ref()).map(bucket_of);
    let source = caller.map_or("", |caller| caller.source.as_str());
    match limits.caller(name.as_deref(), source, Kind::of(request.uri().path())) {
        Ok(()) => next.run(request).await,
        Err(refused) => ApiError(refused).into_response(),
    }
}

/// Each token and each session counts for itself.
fn bucket_of(actor: &Actor) -> String {
    actor.credential().unwrap_or_else(|| actor.name.clone())
}

/// Middleware: gives an answer that does not begin in time up.
async fn within_time(request: Request, next: Next) -> Response {
    let patience = match Kind::of(request.uri().path()) {
        Kind::Emergency => EMERGENCY_WITHIN,
        Kind::Usual => REQUEST_WITHIN,
    };
    timeout(patience, next.run(request)).await.unwrap_or_else(|_| {
        tracing::warn!(?patience, "a request took too long");
        let detail =
            format!("this took longer than {} s; whether it was done is unknown, so look first", patience.as_secs());
        ApiError::new(Code::Unavailable, detail).into_response()
    })
}

/// Middleware: what a request has changed of the live state is served here before the request is answered.
async fn serve_own_changes(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
    let response = next.run(request).await;
    if changes {
        state.live.serve_own_changes().await;
    }
    response
}

/// `router` with the layers that pages and their server functions also need: readable problems, and compression.
pub fn for_people(router: Router<AppState>, state: &AppState) -> Router<AppState> {
    let compressible = DefaultPredicate::new().and(NotForContentType::new("application/wasm"));
    identified(router, state)
        .layer(middleware::from_fn(problem_as_page))
        .layer(CompressionLayer::new().compress_when(compressible))
}
