//! The encoding of server functions' answers, and the one error type they answer with.

use std::{fmt, str};

use leptos::{
    prelude::FromServerFnError,
    server_fn::{Bytes, ContentType, Decodes, Encodes, Format, FormatType, codec::Post, error::ServerFnErrorErr},
};
use lifecycle::problem::{Code, Problem};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// The `output` encoding of every server function: JSON.
pub type Reply = Post<ReplyJson>;

/// JSON that is decoded from text, like the data embedded in a page. Leptos' own encoding decodes bytes, and the
/// browser's module would then contain every type's deserializer twice.
#[derive(Debug)]
pub struct ReplyJson;

impl ContentType for ReplyJson {
    const CONTENT_TYPE: &'static str = "application/json";
}

impl FormatType for ReplyJson {
    const FORMAT_TYPE: Format = Format::Text;
}

impl<T: Serialize> Encodes<T> for ReplyJson {
    type Error = serde_json::Error;

    fn encode(reply: &T) -> Result<Bytes, Self::Error> {
        serde_json::to_vec(reply).map(Bytes::from)
    }
}

impl<T: DeserializeOwned> Decodes<T> for ReplyJson {
    type Error = serde_json::Error;

    fn decode(reply: Bytes) -> Result<T, Self::Error> {
        let text = str::from_utf8(&reply).map_err(<serde_json::Error as serde::de::Error>::custom)?;
        serde_json::from_str(text)
    }
}

/// A [`Problem`] sent to the browser, with the HTTP status of the problem.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AppError(pub Problem);

impl AppError {
    /// An error of kind `code` with an explanation for people.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self(Problem::new(code, detail))
    }

    /// The caller is not signed in.
    pub fn unauthenticated() -> Self {
        Self::new(Code::Unauthenticated, "Your session has ended. Sign in to go on.")
    }

    /// The kind of error.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// What happened and what to do, for people.
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
    type Encoder = ReplyJson;

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

    fn ser(&self) -> Bytes {
        #[cfg(feature = "ssr")]
        crate::response::set_status_of_call(self.0.status);
        serde_json::to_vec(self).unwrap_or_default().into()
    }
}
