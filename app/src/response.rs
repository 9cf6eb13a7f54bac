//! The HTTP status of an answer, as far as pages and server functions decide it. Exists only on the server.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, request::Parts};
use leptos::prelude::use_context;
use leptos_axum::ResponseOptions;

/// Marks the answer to a plain form post that was refused: its status is that of a redirect. The server takes the mark
/// away again.
pub const REFUSED: HeaderName = HeaderName::from_static("x-countersign-refused");

/// Whether `Accept` lists HTML: a browser asks for a page, or sends a plain form.
pub fn accepts_html(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

/// Sets the HTTP status of the answer to a call made by a script. A plain form post is left alone: it is answered
/// with a redirect back to its page, and browsers follow a redirect only with a 3xx status.
pub fn set_status_of_call(status: u16) {
    let plain_form = use_context::<Parts>().is_some_and(|parts| accepts_html(&parts.headers));
    if !plain_form {
        set_status_of_page(status);
    } else if status == StatusCode::FORBIDDEN
        && let Some(response) = use_context::<ResponseOptions>()
    {
        response.insert_header(REFUSED, HeaderValue::from_static("1"));
    }
}

/// Sets the HTTP status of the page being rendered.
pub fn set_status_of_page(status: u16) {
    if let (Some(response), Ok(status)) = (use_context::<ResponseOptions>(), StatusCode::from_u16(status)) {
        response.set_status(status);
    }
}
