//! Problems that belong to no resource, and problems as pages.

use axum::{
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, Method, Uri, header};
use lifecycle::problem::{Code, Problem};

use crate::{
    error::{ApiError, PROBLEM_JSON},
    http::extract::{SMALL, wants_page},
};

/// 404: no route has this path.
pub async fn no_such_path(uri: Uri) -> ApiError {
    ApiError::not_found(format_args!("resource at `{}`", uri.path()))
}

/// 405: the path does not have this method.
pub async fn method_not_allowed(method: Method, uri: Uri) -> ApiError {
    ApiError::new(Code::MethodNotAllowed, format!("`{}` does not support {method}", uri.path()))
}

/// Middleware: a browser that asked for a page and gets a problem shows it as a sentence, not as JSON.
pub async fn problem_as_page(request: Request, next: Next) -> Response {
    let wants_page = wants_page(request.method(), request.headers());
    let response = next.run(request).await;
    let is_problem = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == PROBLEM_JSON);
    if !(wants_page && is_problem) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, SMALL).await.unwrap_or_default();
    let Ok(problem) = serde_json::from_slice::<Problem>(&bytes) else {
        return (parts, bytes).into_response();
    };
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    parts.headers.remove(header::CONTENT_LENGTH);
    (parts, render(&problem.title, &problem.detail)).into_response()
}

fn render(title: &str, detail: &str) -> String {
    let escape = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let (title, detail) = (escape(title), escape(detail));
    format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>{title} · Countersign</title>\
         </head><body><main><h1>{title}</h1><p>{detail}.</p><p><a href=\"\">Try again</a></p></main></body></html>"
    )
}
