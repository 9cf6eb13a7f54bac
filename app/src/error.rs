//! The one error a server function answers.

use std::fmt;

use leptos::{
    prelude::FromServerFnError,
    server_fn::{codec::JsonEncoding, error::ServerFnErrorErr},
};
use lifecycle::problem::{Code, Problem};
use serde::{Deserialize, Serialize};

/// A [`Problem`] on its way to the browser. Its HTTP status is the problem's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AppError(pub Problem);

impl AppError {
    /// An error of kind `code` with a sentence for a person.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self(Problem::new(code, detail))
    }

    /// Nobody is signed in.
    pub fn unauthenticated() -> Self {
        Self::new(Code::Unauthenticated, "Your session has ended. Sign in to go on.")
    }

    /// What kind of error this is.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// What happened and what to do, for a person.
    pub fn detail(&self) -> &str {
        &self.0.detail
    }
}

impl fmt::Display for AppError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for AppError {}

impl From<Problem> for AppError {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

#[cfg(feature = "ssr")]
impl From<store::Error> for AppError {
    fn from(error: store::Error) -> Self {
        Self(error.into())
    }
}

impl FromServerFnError for AppError {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        Self(match error {
            ServerFnErrorErr::Request(_) => {
                Problem::new(Code::Unavailable, "The server cannot be reached. Check the connection and try again.")
            }
            ServerFnErrorErr::Args(text) | ServerFnErrorErr::MissingArg(text) => {
                Problem::new(Code::InvalidField, format!("The form could not be read: {text}"))
            }
            _ => Problem::new(Code::Internal, "The server's answer could not be understood. Reload the page."),
        })
    }

    fn ser(&self) -> leptos::server_fn::Bytes {
        #[cfg(feature = "ssr")]
        crate::context::set_status_of_call(self.0.status);
        serde_json::to_vec(self).unwrap_or_default().into()
    }
}
