//! Errors: [`ApiError`] over HTTP, [`CliError`] on the command line.

use std::{fmt, process::ExitCode};

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use lifecycle::problem::{Code, Problem};

/// The media type of a [`Problem`].
pub const PROBLEM_JSON: &str = "application/problem+json";

/// A [`Problem`] that is answered over HTTP, as `application/problem+json`.
#[derive(Debug, Clone)]
pub struct ApiError(pub Problem);

/// The result of every handler.
pub type ApiResult<T> = Result<T, ApiError>;

impl ApiError {
    /// A problem with this code.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self(Problem::new(code, detail))
    }

    /// 404: `what` does not exist.
    pub fn not_found(what: impl fmt::Display) -> Self {
        Self::new(Code::NotFound, format!("there is no {what}"))
    }

    /// 401: the request carries neither a valid token nor a session.
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

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let problem = self.0;
        let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
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

/// Why a command failed, in one sentence.
#[derive(Debug)]
pub enum CliError {
    /// The command was refused. Exit code 1.
    Refused(String),
    /// The arguments or the input cannot be used. Exit code 2.
    Usage(String),
    /// A server or database cannot be reached. Exit code 3.
    Unreachable(String),
    /// The problem with which a use case or a server answered; its code determines the exit code.
    Answered(Box<Problem>),
}

impl CliError {
    /// The exit code, which tells scripts the kind of failure.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Refused(_) => 1,
            Self::Usage(_) => 2,
            Self::Unreachable(_) => 3,
            Self::Answered(problem) => match problem.code {
                Code::Unavailable => 3,
                Code::MalformedJson
                | Code::DuplicateMember
                | Code::InvalidField
                | Code::UnknownMember
                | Code::TooLarge => 2,
                _ => 1,
            },
        })
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(text) | Self::Usage(text) | Self::Unreachable(text) => f.write_str(text),
            Self::Answered(problem) => {
                write!(f, "{}: {}", problem.title, problem.detail)?;
                // With a single fault, the detail already says what the fault says.
                for fault in problem.errors.iter().filter(|_| problem.errors.len() > 1) {
                    let place = if fault.pointer.is_empty() { "/" } else { &fault.pointer };
                    write!(f, "\n    {place}: {}", fault.detail)?;
                }
                Ok(())
            }
        }
    }
}

impl From<Problem> for CliError {
    fn from(problem: Problem) -> Self {
        Self::Answered(Box::new(problem))
    }
}

impl From<store::Error> for CliError {
    fn from(error: store::Error) -> Self {
        Problem::from(error).into()
    }
}

impl From<store::backup::BackupError> for CliError {
    fn from(error: store::backup::BackupError) -> Self {
        match error {
            store::backup::BackupError::Store(error) => error.into(),
            other => Self::Refused(other.to_string()),
        }
    }
}
