//! Middleware around the routes: security headers, refusal of cross-site requests, no half-sent answers, and
//! authentication.

use std::any::Any;

use axum::{
    Router,
    extract::Request,
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use http::{HeaderName, HeaderValue, header};
use lifecycle::problem::Code;
use tower_http::{
    compression::{
        CompressionLayer,
        predicate::{DefaultPredicate, NotForContentType, Predicate},
    },
    csrf::{CsrfLayer, ProtectionError},
};

use super::response::problem_as_page;
use crate::{auth, error::ApiError, state::AppState};

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
    router
        .layer(middleware::from_fn_with_state(state.store.clone(), auth::identify))
        .layer(auth::session_layer(&state.store, state.plain_http))
}

/// `router` with the layers that pages and their server functions also need: readable problems, and compression.
pub fn for_people(router: Router<AppState>, state: &AppState) -> Router<AppState> {
    let compressible = DefaultPredicate::new().and(NotForContentType::new("application/wasm"));
    identified(router, state)
        .layer(middleware::from_fn(problem_as_page))
        .layer(CompressionLayer::new().compress_when(compressible))
}
