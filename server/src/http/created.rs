//! The answer to what makes something: 201, and where it is from now on.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

/// `body` with the path of what was made.
pub fn created(path: &str, body: impl IntoResponse) -> Response {
    let mut response = (StatusCode::CREATED, body).into_response();
    if let Ok(location) = HeaderValue::from_str(path) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}
