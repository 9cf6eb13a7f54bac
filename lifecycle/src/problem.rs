//! The shape of every error that leaves the product: RFC 9457 `application/problem+json` with a stable `code`.

use std::fmt;

use policy::{
    Fault,
    bundle::{ReadError, version},
    json, limits,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A stable, machine-readable name of what went wrong; every code has one HTTP status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The body is not JSON.
    MalformedJson,
    /// A member appears twice in its object.
    DuplicateMember,
    /// A signature or signed file was refused.
    InvalidSignature,
    /// The caller is not signed in, or the token is unknown, expired or revoked.
    Unauthenticated,
    /// The caller lacks the permission.
    Forbidden,
    /// Nothing exists under this id or path.
    NotFound,
    /// The path exists, the method does not.
    MethodNotAllowed,
    /// The state machine has no such transition.
    InvalidTransition,
    /// No earlier version can take over.
    NoPreviousVersion,
    /// The version number is taken.
    VersionExists,
    /// Another request changed the resource first.
    Conflict,
    /// Something is signed with a key that is not known here.
    UnknownKey,
    /// The approval was given against another base.
    StaleApproval,
    /// The packet has a failed guardrail or a blocked red team scenario.
    PacketBlocked,
    /// A gate, a waiting time or a rule of the rollout is not met.
    GateNotPassed,
    /// A safety pause cannot be released yet, or not by this person.
    ReleaseRefused,
    /// There is no approved packet to drill with.
    NoCandidate,
    /// The incident cannot be closed without a post-mortem.
    PostMortemRequired,
    /// The caller's `If-Match` names an older state.
    PreconditionFailed,
    /// The write needs a header that is missing: `If-Match`, or the emergency override.
    PreconditionRequired,
    /// The body is larger than the limit.
    TooLarge,
    /// A field has a wrong type or value.
    InvalidField,
    /// The body has a member that the request does not know.
    UnknownMember,
    /// The bundle has lint errors.
    LintErrors,
    /// A safety pause is in force.
    Paused,
    /// A freeze holds applies or promotions.
    Frozen,
    /// Too many requests.
    TooManyRequests,
    /// An internal error; the details are in the server's log.
    Internal,
    /// The database cannot be reached.
    Unavailable,
}

impl Code {
    /// The HTTP status this code answers with.
    pub const fn status(self) -> u16 {
        match self {
            Self::MalformedJson | Self::DuplicateMember | Self::InvalidSignature => 400,
            Self::Unauthenticated => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::InvalidTransition
            | Self::NoPreviousVersion
            | Self::VersionExists
            | Self::Conflict
            | Self::UnknownKey
            | Self::StaleApproval
            | Self::PacketBlocked
            | Self::GateNotPassed
            | Self::ReleaseRefused
            | Self::NoCandidate
            | Self::PostMortemRequired => 409,
            Self::PreconditionFailed => 412,
            Self::TooLarge => 413,
            Self::InvalidField | Self::UnknownMember | Self::LintErrors => 422,
            Self::Paused | Self::Frozen => 423,
            Self::PreconditionRequired => 428,
            Self::TooManyRequests => 429,
            Self::Internal => 500,
            Self::Unavailable => 503,
        }
    }

    /// A short summary of the kind of problem, the same for every occurrence.
    pub const fn title(self) -> &'static str {
        match self {
            Self::MalformedJson => "The body is not valid JSON",
            Self::DuplicateMember => "A member appears twice",
            Self::InvalidSignature => "The signature was refused",
            Self::Unauthenticated => "Sign in first",
            Self::Forbidden => "Your roles do not allow this",
            Self::NotFound => "Not found",
            Self::MethodNotAllowed => "This path does not support that method",
            Self::InvalidTransition => "Not possible in this state",
            Self::NoPreviousVersion => "No earlier version can take over",
            Self::VersionExists => "This version number is taken",
            Self::Conflict => "Another request was faster",
            Self::UnknownKey => "A signing key is missing",
            Self::StaleApproval => "The approval is stale",
            Self::PacketBlocked => "The packet cannot be approved",
            Self::GateNotPassed => "Not ready to promote",
            Self::ReleaseRefused => "The pause cannot be released like this",
            Self::NoCandidate => "Nothing to drill with",
            Self::PostMortemRequired => "A post-mortem is missing",
            Self::PreconditionFailed => "Changed since you read it",
            Self::PreconditionRequired => "A required header is missing",
            Self::TooLarge => "Too large",
            Self::InvalidField => "A field is not valid",
            Self::UnknownMember => "A member is unknown",
            Self::LintErrors => "The bundle has errors",
            Self::Paused => "A safety pause is in force",
            Self::Frozen => "A freeze holds this",
            Self::TooManyRequests => "Too many requests",
            Self::Internal => "Something went wrong on the server",
            Self::Unavailable => "The database cannot be reached",
        }
    }
}

/// An RFC 9457 problem. `type` is always `about:blank`, so it is left out; `code` distinguishes problems.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// Stable machine-readable name.
    pub code: Code,
    /// Summary of the kind of problem.
    pub title: String,
    /// What happened and what to do, for a person.
    pub detail: String,
    /// The invalid fields of the body, if any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Fault>,
    /// Further members that depend on the code: `permission`, `roles`, `from`, `to`, `retry_after_seconds`…
    #[serde(flatten, default)]
    pub extra: Map<String, Value>,
}

impl Problem {
    /// A problem of kind `code` with a sentence for a person.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            status: code.status(),
            code,
            title: code.title().to_owned(),
            detail: detail.into(),
            errors: Vec::new(),
            extra: Map::new(),
        }
    }

    /// A problem about the invalid fields of a body. The detail repeats the first.
    pub fn invalid_fields(errors: Vec<Fault>) -> Self {
        Self::about(Code::InvalidField, errors)
    }

    /// A problem about members that the request does not know. The detail repeats the first.
    pub fn unknown_members(errors: Vec<Fault>) -> Self {
        Self::about(Code::UnknownMember, errors)
    }

    fn about(code: Code, errors: Vec<Fault>) -> Self {
        let detail = errors.first().map_or_else(|| "a field is not valid".to_owned(), Fault::to_string);
        Self { errors, ..Self::new(code, detail) }
    }

    /// A problem about one invalid field.
    pub fn invalid_field(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::invalid_fields(vec![Fault::new(pointer, detail)])
    }

    /// Adds a member for programs.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.extra.insert(name.to_owned(), value.into());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for Problem {}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::TooLarge { bytes } => {
                let limit = limits::MAX_BUNDLE_BYTES;
                Self::new(Code::TooLarge, format!("a bundle may have at most {limit} bytes; this one has {bytes}"))
                    .with("limit", limit)
            }
            ReadError::Malformed(malformed) => malformed.into(),
            ReadError::Faults(faults) => Self::invalid_fields(faults),
        }
    }
}

impl From<version::Refused> for Problem {
    fn from(refused: version::Refused) -> Self {
        let detail = refused.to_string();
        match refused {
            version::Refused::Reused { next, .. } => Self::new(Code::VersionExists, detail).with("next", next),
            version::Refused::Malformed(_) => Self::invalid_field("/version", detail),
            version::Refused::Backwards { next, .. }
            | version::Refused::Skips { next, .. }
            | version::Refused::TooSmall { next, .. } => Self::invalid_field("/version", detail).with("next", next),
        }
    }
}

impl From<json::Malformed> for Problem {
    fn from(error: json::Malformed) -> Self {
        let code = if error.duplicate.is_some() { Code::DuplicateMember } else { Code::MalformedJson };
        let problem = Self::new(code, error.to_string()).with("line", error.line).with("column", error.column);
        let detail = "appears twice in its object; keep the one that is meant";
        Self { errors: error.duplicate.into_iter().map(|pointer| Fault::new(pointer, detail)).collect(), ..problem }
    }
}

#[cfg(test)]
mod tests {
    use policy::bundle::Source;

    use super::*;

    #[test]
    fn malformed_json_is_a_bad_request_with_line_and_column() {
        let problem = Problem::from(Source::parse(b"{\"rules\": [\n  {\"id\": }]}").unwrap_err());
        assert_eq!((problem.status, problem.code), (400, Code::MalformedJson));
        assert_eq!((problem.extra["line"].as_u64(), problem.extra["column"].as_u64()), (Some(2), Some(10)));
    }

    #[test]
    fn a_member_that_appears_twice_is_a_bad_request_with_its_pointer() {
        let problem = Problem::from(Source::parse(b"{\"rules\":[{\"id\":1,\"id\":2}]}").unwrap_err());
        assert_eq!((problem.status, problem.code), (400, Code::DuplicateMember));
        assert_eq!(problem.errors[0].pointer, "/rules/0/id");
        assert!(problem.detail.starts_with("line 1, column 19: `/rules/0/id` appears twice"), "{problem}");
    }

    #[test]
    fn a_fault_of_the_whole_body_shows_no_empty_pointer() {
        let problem = Problem::invalid_field("", "the document must be an object, not null");
        assert_eq!(problem.detail, "the document must be an object, not null");
    }
}
