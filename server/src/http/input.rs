//! What comes in: JSON bodies whatever their `Content-Type` says, query parameters and numbers in paths. Every mistake
//! is answered with the place of it.

use std::{fmt::Display, str::FromStr};

use axum::{
    body::to_bytes,
    extract::{FromRequest, FromRequestParts, Path, Query, Request},
};
use bytes::Bytes;
use http::{HeaderMap, Uri, header, request::Parts};
use lifecycle::problem::{Code, Problem};
use policy::Fault;
use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;

use super::problem::ApiError;

/// Most bytes of a body that holds no bundle: 1 MiB.
pub const SMALL: usize = 1024 * 1024;
/// Most bytes of a body that may hold a bundle.
pub const LARGE: usize = policy::limits::MAX_BUNDLE_BYTES;

/// A JSON body of at most `LIMIT` bytes. The `Content-Type` is not looked at: the runbook's `curl -d` lines say
/// `application/x-www-form-urlencoded`.
#[derive(Debug)]
pub struct Json<T, const LIMIT: usize = SMALL>(pub T);

impl<S: Sync, T: DeserializeOwned, const LIMIT: usize> FromRequest<S> for Json<T, LIMIT> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _state: &S) -> Result<Self, ApiError> {
        let bytes = read_body(request, LIMIT).await?;
        parse(&bytes).map(Self)
    }
}

/// A JSON body that may be left out, or be `null`.
#[derive(Debug)]
pub struct OptionalJson<T, const LIMIT: usize = SMALL>(pub Option<T>);

impl<S: Sync, T: DeserializeOwned, const LIMIT: usize> FromRequest<S> for OptionalJson<T, LIMIT> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _state: &S) -> Result<Self, ApiError> {
        let bytes = read_body(request, LIMIT).await?;
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self(None));
        }
        parse(&bytes).map(Self)
    }
}

/// The whole body, or a refusal when it is longer than `limit` bytes.
///
/// # Errors
/// 413 with the limit; 400 when the connection broke.
pub async fn read_body(request: Request, limit: usize) -> Result<Bytes, ApiError> {
    if content_length(request.headers()).is_some_and(|length| length > limit as u64) {
        return Err(too_large(limit));
    }
    to_bytes(request.into_body(), limit).await.map_err(|_| too_large(limit))
}

/// The refusal of a body of more than `limit` bytes.
pub fn too_large(limit: usize) -> ApiError {
    let sentence = format!("the body may hold at most {} ({limit} bytes)", human_size(limit));
    ApiError(Problem::new(Code::TooLarge, sentence).with("limit_bytes", limit as u64))
}

/// What the caller says the body's length is.
pub fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn human_size(bytes: usize) -> String {
    if bytes >= 1024 * 1024 { format!("{} MiB", bytes / (1024 * 1024)) } else { format!("{} KiB", bytes / 1024) }
}

/// Reads JSON: 400 with line and column when it is not JSON, 422 with a JSON Pointer when a member is wrong.
///
/// # Errors
/// As said.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    // Keeping track of the place costs time, so only what is wrong is read that way.
    if let Ok(value) = serde_json::from_slice(bytes) {
        return Ok(value);
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = match serde_path_to_error::deserialize(&mut deserializer) {
        Ok(value) => value,
        Err(error) => {
            let pointer = pointer_of(error.path());
            return Err(explain(bytes, pointer, error.into_inner()));
        }
    };
    deserializer.end().map_err(|error| malformed(bytes, &error))?;
    Ok(value)
}

/// The same for a part of a body that has been read.
///
/// # Errors
/// 422 with a JSON Pointer.
pub fn convert<T: DeserializeOwned>(value: serde_json::Value) -> Result<T, ApiError> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let pointer = pointer_of(error.path());
        invalid(pointer, &error.into_inner())
    })
}

fn explain(bytes: &[u8], pointer: String, error: serde_json::Error) -> ApiError {
    if !error.is_data() {
        return malformed(bytes, &error);
    }
    // A body that is wrong *and* cut short is malformed first: the place of the syntax error helps more.
    if let Err(syntax) = serde_json::from_slice::<serde::de::IgnoredAny>(bytes) {
        return malformed(bytes, &syntax);
    }
    invalid(pointer, &error)
}

fn invalid(pointer: String, error: &serde_json::Error) -> ApiError {
    let text = error.to_string();
    let sentence = text.split(" at line ").next().unwrap_or(&text).to_owned();
    let missing = sentence.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`'));
    let pointer = missing.map_or(pointer.clone(), |name| format!("{pointer}/{name}"));
    let sentence = if missing.is_some() { "is required".to_owned() } else { sentence };
    ApiError(Problem::invalid_field(pointer, sentence))
}

fn malformed(bytes: &[u8], error: &serde_json::Error) -> ApiError {
    let (line, column) = (error.line(), error.column());
    let sentence = if bytes.iter().all(u8::is_ascii_whitespace) {
        "the body is empty; send a JSON document".to_owned()
    } else {
        let text = error.to_string();
        let what = text.split(" at line ").next().unwrap_or(&text).to_owned();
        format!("line {line}, column {column}: {what}")
    };
    ApiError(Problem::new(Code::MalformedJson, sentence).with("line", line as u64).with("column", column as u64))
}

fn pointer_of(path: &serde_path_to_error::Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            Segment::Map { key } => pointer.push_str(&format!("/{}", escape(key))),
            Segment::Enum { variant } => pointer.push_str(&format!("/{}", escape(variant))),
            Segment::Unknown => {}
        }
    }
    pointer
}

fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// The query string. Values that are empty count as not given.
#[derive(Debug, Default)]
pub struct Params {
    pairs: Vec<(String, String)>,
}

impl<S: Sync> FromRequestParts<S> for Params {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        Self::read(&parts.uri)
    }
}

impl Params {
    /// The parameters of `uri`.
    ///
    /// # Errors
    /// 422 when the query string cannot be decoded.
    pub fn read(uri: &Uri) -> Result<Self, ApiError> {
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri)
            .map_err(|_| ApiError(Problem::invalid_field("", "the query string cannot be decoded")))?;
        Ok(Self { pairs })
    }

    /// The text of `name`.
    pub fn text(&self, name: &str) -> Option<String> {
        self.pairs.iter().rev().find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.clone())
    }

    /// `name` as a value written like its type, `expected` in words.
    ///
    /// # Errors
    /// 422 naming the parameter.
    pub fn parse<T: FromStr>(&self, name: &str, expected: impl Display) -> Result<Option<T>, ApiError> {
        self.convert(name, expected, |text| text.parse().ok())
    }

    /// `name` through `convert`.
    ///
    /// # Errors
    /// 422 naming the parameter and what was expected.
    pub fn convert<T>(
        &self,
        name: &str,
        expected: impl Display,
        convert: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, ApiError> {
        let Some(text) = self.text(name) else { return Ok(None) };
        match convert(&text) {
            Some(value) => Ok(Some(value)),
            None => Err(wrong_parameter(name, format!("expected {expected}, found `{text}`"))),
        }
    }

    /// `name` as one of serde's names for `T`: an effect, a state, a status.
    ///
    /// # Errors
    /// 422 naming the parameter and the names that exist.
    pub fn named<T: DeserializeOwned>(&self, name: &str, names: &str) -> Result<Option<T>, ApiError> {
        self.convert(name, names, |text| serde_json::from_value(serde_json::Value::String(text.to_owned())).ok())
    }

    /// Whether `name` is `true`.
    ///
    /// # Errors
    /// 422 when it is neither `true` nor `false`.
    pub fn flag(&self, name: &str) -> Result<bool, ApiError> {
        let value = self.convert(name, "`true` or `false`", |text| match text {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        })?;
        Ok(value.unwrap_or(false))
    }

    /// `limit`, between 1 and the largest page.
    ///
    /// # Errors
    /// 422 when it is out of range.
    pub fn limit(&self) -> Result<u32, ApiError> {
        use policy::limits::{DEFAULT_PAGE, MAX_PAGE};
        let limit = self.parse::<u32>("limit", format_args!("a number from 1 to {MAX_PAGE}"))?.unwrap_or(DEFAULT_PAGE);
        if (1..=MAX_PAGE).contains(&limit) {
            Ok(limit)
        } else {
            Err(wrong_parameter("limit", format!("expected a number from 1 to {MAX_PAGE}, found `{limit}`")))
        }
    }
}

/// A 422 about the query parameter `name`.
pub fn wrong_parameter(name: &str, detail: String) -> ApiError {
    let problem = Problem::invalid_fields(vec![Fault::new(format!("?{name}"), detail)]);
    ApiError(problem.with("parameter", name))
}

/// A bundle's number in a path. What is not a number names no bundle.
#[derive(Debug, Clone, Copy)]
pub struct BundleId(pub i64);

impl<S: Send + Sync> FromRequestParts<S> for BundleId {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Path(text) =
            Path::<String>::from_request_parts(parts, state).await.map_err(|_| ApiError::not_found("such bundle"))?;
        bundle_number(&text).map(Self)
    }
}

/// The bundle number written in a path.
///
/// # Errors
/// 404 when it is no number.
pub fn bundle_number(text: &str) -> Result<i64, ApiError> {
    text.parse().map_err(|_| ApiError::not_found(format_args!("bundle `{text}`: bundles are numbered")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    struct Sample {
        #[expect(dead_code, reason = "only its type matters")]
        rules: Vec<Rule>,
    }
    #[derive(Debug, serde::Deserialize)]
    struct Rule {
        #[expect(dead_code, reason = "only its type matters")]
        priority: u16,
    }

    fn refused(text: &str) -> Problem {
        parse::<Sample>(text.as_bytes()).unwrap_err().0
    }

    #[test]
    fn what_is_not_json_is_answered_with_its_line_and_column() {
        let problem = refused("{\n  \"rules\": [,]\n}");
        assert_eq!(
            (problem.status, problem.extra["line"].as_u64(), problem.extra["column"].as_u64()),
            (400, Some(2), Some(13))
        );
        assert_eq!(refused("").detail, "the body is empty; send a JSON document");
        assert_eq!(refused("{\"rules\":[]} x").status, 400);
        assert_eq!(refused(&"[".repeat(1000)).status, 400);
        assert_eq!(refused("\u{0}").status, 400);
    }

    #[test]
    fn a_wrong_member_is_answered_with_its_pointer() {
        let problem = refused(r#"{"rules":[{"priority":1},{"priority":"high"}]}"#);
        assert_eq!((problem.status, problem.errors[0].pointer.as_str()), (422, "/rules/1/priority"));
        let problem = refused(r#"{"rules":[{}]}"#);
        assert_eq!(problem.errors, vec![Fault::new("/rules/0/priority", "is required")]);
    }

    #[test]
    fn a_wrong_parameter_is_named() {
        let params = Params::read(&"/x?limit=0&active_only=yes&state=&version=1%202".parse().unwrap()).unwrap();
        assert_eq!(params.limit().unwrap_err().0.status, 422);
        assert_eq!(params.flag("active_only").unwrap_err().0.extra["parameter"], "active_only");
        assert_eq!(params.text("state"), None);
        assert_eq!(params.text("version").as_deref(), Some("1 2"));
    }
}
