//! 201 with the path of what was created.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

/// `body` with 201 and `Location: path`.
pub fn created(path: &str, body: impl IntoResponse) -> Response {
    let mut response = (StatusCode::CREATED, body).into_response();
    if let Ok(location) = HeaderValue::from_str(path) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}
