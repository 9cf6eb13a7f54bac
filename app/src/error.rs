//! The encodings of server functions' arguments and answers, and the one error type they answer with.

use std::{fmt, str};

use leptos::{
    prelude::FromServerFnError,
    server_fn::{Bytes, ContentType, Decodes, Encodes, Format, FormatType, codec::Post, error::ServerFnErrorErr},
};
use lifecycle::{
    problem::{Code, Problem},
    request,
};
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

/// The `input` encoding of server functions that are not called by forms: JSON. Forms are read by Leptos alone, which
/// refuses a member that appears twice, too.
pub type Arguments = Post<ArgumentsJson>;

/// JSON that is read as every other request is: a member that appears twice or is unknown is refused with its place.
#[derive(Debug)]
pub struct ArgumentsJson;

impl ContentType for ArgumentsJson {
    const CONTENT_TYPE: &'static str = "application/json";
}

impl FormatType for ArgumentsJson {
    const FORMAT_TYPE: Format = Format::Text;
}

impl<T: Serialize> Encodes<T> for ArgumentsJson {
    type Error = serde_json::Error;

    fn encode(arguments: &T) -> Result<Bytes, Self::Error> {
        serde_json::to_vec(arguments).map(Bytes::from)
    }
}

impl<T: DeserializeOwned> Decodes<T> for ArgumentsJson {
    type Error = Refused;

    fn decode(arguments: Bytes) -> Result<T, Self::Error> {
        request::parse(&arguments).map_err(Refused)
    }
}

/// Arguments that were refused. Leptos passes on nothing but a text, so the text is the whole problem.
#[derive(Debug)]
pub struct Refused(Problem);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(&self.0).unwrap_or_default())
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

fn not_understood() -> Problem {
    Problem::new(Code::Internal, "The server's answer could not be understood. Reload the page.")
}

/// A form with other fields or values than a page sends, or in bytes that are no text.
fn unreadable_form() -> Problem {
    Problem::new(
        Code::InvalidField,
        "The form could not be read: a field is missing, doubled or not of its kind. Reload the page.",
    )
}

impl FromServerFnError for AppError {
    type Encoder = ReplyJson;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        Self(match error {
            ServerFnErrorErr::Request(_) => {
                Problem::new(Code::Unavailable, "The server cannot be reached. Check the connection and try again.")
            }
            // What its decoder says is for programmers.
            ServerFnErrorErr::Args(_) | ServerFnErrorErr::MissingArg(_) => unreadable_form(),
            ServerFnErrorErr::Deserialization(text) => {
                // Of arguments, the text is the problem; of an answer, it is for programmers.
                let otherwise = if cfg!(feature = "ssr") { unreadable_form } else { not_understood };
                serde_json::from_str(&text).unwrap_or_else(|_| otherwise())
            }
            _ => not_understood(),
        })
    }

    fn ser(&self) -> Bytes {
        #[cfg(feature = "ssr")]
        crate::response::set_status_of_call(self.0.status);
        serde_json::to_vec(self).unwrap_or_default().into()
    }
}

#[cfg(test)]
mod tests {
    use lifecycle::review::Retirement;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Submit {
        id: i64,
        #[serde(default)]
        retires: Vec<Retirement>,
    }

    /// What a page learns about these arguments.
    fn answer(arguments: &str) -> Result<Submit, AppError> {
        let decoded = <ArgumentsJson as Decodes<Submit>>::decode(Bytes::from(arguments.to_owned()));
        decoded
            .map_err(|refused| AppError::from_server_fn_error(ServerFnErrorErr::Deserialization(refused.to_string())))
    }

    #[test]
    fn arguments_are_read_as_other_requests_are() {
        let read = answer(r#"{"id": 7}"#).unwrap();
        assert_eq!((read.id, read.retires.len()), (7, 0));
        for (arguments, code, pointer) in [
            (r#"{"id": 7, "id": 8}"#, Code::DuplicateMember, Some("/id")),
            (r#"{"id": 7, "retries": []}"#, Code::UnknownMember, Some("/retries")),
            (r#"{"id": "seven"}"#, Code::InvalidField, Some("/id")),
            ("{\"id\": 7,}", Code::MalformedJson, None),
        ] {
            let error = answer(arguments).unwrap_err();
            assert_eq!(error.code(), code, "{arguments}: {error}");
            assert_eq!(error.0.status, code.status(), "{arguments}");
            let named = error.0.errors.first().map(|fault| fault.pointer.as_str());
            assert_eq!(named.or_else(|| error.0.extra.get("pointer")?.as_str()), pointer, "{arguments}: {error:?}");
        }
        // On the server, what cannot be read is a form; what its decoder says is for programmers.
        let unreadable = AppError::from_server_fn_error(ServerFnErrorErr::Deserialization("EOF".to_owned()));
        assert_eq!(unreadable.code(), Code::InvalidField);
        assert!(!unreadable.to_string().contains("EOF"), "{unreadable}");
    }
}
