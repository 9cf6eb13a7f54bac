//! The way errors leave over HTTP: `application/problem+json`.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use lifecycle::problem::{Code, Problem};

/// The media type of problems.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// A [`Problem`] on its way out.
#[derive(Debug, Clone)]
pub struct ApiError(pub Problem);

/// What every handler answers.
pub type ApiResult<T> = Result<T, ApiError>;

impl ApiError {
    /// A refusal of kind `code`.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self(Problem::new(code, detail))
    }

    /// Nothing has this id.
    pub fn not_found(what: impl std::fmt::Display) -> Self {
        Self::new(Code::NotFound, format!("there is no {what}"))
    }

    /// Nobody is signed in.
    pub fn unauthenticated() -> Self {
        Self::new(Code::Unauthenticated, "send a valid token as `Authorization: Bearer csn_…`, or sign in at /sign-in")
    }
}

impl From<Problem> for ApiError {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl From<store::Error> for ApiError {
    fn from(error: store::Error) -> Self {
        Self(error.into())
    }
}

/// Work on another thread was lost: it panicked, or the server is going down.
impl From<tokio::task::JoinError> for ApiError {
    fn from(error: tokio::task::JoinError) -> Self {
        tracing::error!(%error, "work on another thread was lost");
        Self::new(Code::Internal, "something went wrong on the server; its log has the details")
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let problem = self.0;
        let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        match problem.code {
            Code::Unauthenticated => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            Code::TooManyRequests | Code::Unavailable => {
                let seconds = problem.extra.get("retry_after_seconds").and_then(serde_json::Value::as_u64).unwrap_or(1);
                headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            }
            _ => {}
        }
        response
    }
}

/// The answer for a path that nothing serves.
pub async fn no_such_path(uri: http::Uri) -> ApiError {
    ApiError::not_found(format_args!("resource at `{}`", uri.path()))
}

/// The answer for a method that the path does not have.
pub async fn no_such_method(method: http::Method, uri: http::Uri) -> ApiError {
    ApiError::new(Code::MethodNotAllowed, format!("`{}` does not support {method}", uri.path()))
}
