//! What surrounds every answer: headers that browsers enforce, no requests from foreign pages, no half answers.

use std::any::Any;

use axum::{
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderName, HeaderValue, header};
use lifecycle::problem::Code;
use tower_http::csrf::CsrfLayer;

use crate::http::problem::ApiError;

const HEADERS: [(HeaderName, &str); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // Plain form posts find their way back by the referrer, so it is not switched off.
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
];

/// Adds the headers that do not depend on the answer. What depends on who asks is never stored on the way.
pub async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    add_headers(&mut response);
    response
}

/// The same for an answer that is there.
pub fn add_headers(response: &mut Response) {
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    // Answers that are no pages have nothing to load. The pages' own policy carries a nonce and is set by the app.
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
}

/// Refuses writes that a browser makes on behalf of a foreign page.
pub fn cross_origin() -> CsrfLayer<impl Fn(tower_http::csrf::ProtectionError) -> Response + Clone> {
    CsrfLayer::new().with_rejection_response(|_| {
        ApiError::new(Code::Forbidden, "this request comes from a page of another site").into_response()
    })
}

/// Turns a panic into an answer that tells nothing about it.
pub fn panics(cause: Box<dyn Any + Send + 'static>) -> Response {
    let text = cause
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| cause.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    tracing::error!(panic = text, "a request ended in a panic");
    ApiError::new(Code::Internal, "something went wrong on the server; its log says more").into_response()
}
