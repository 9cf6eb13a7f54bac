//! The target of a request: a page or a resource.

use app::response::accepts_html;
use http::{HeaderMap, Method};

/// Whether a page is the expected answer: a `GET` or `HEAD` that accepts HTML.
pub fn wants_page(method: &Method, headers: &HeaderMap) -> bool {
    matches!(*method, Method::GET | Method::HEAD) && accepts_html(headers)
}

/// The first segment of a path; empty for `/`.
pub fn first_segment(path: &str) -> &str {
    path.trim_start_matches('/').split('/').next().unwrap_or_default()
}
