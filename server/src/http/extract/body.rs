//! JSON bodies of a limited size.

use std::time::Duration;

use app::context::Caller;
use axum::{
    body::to_bytes,
    extract::{FromRequest, Request},
};
use bytes::Bytes;
use http::{HeaderMap, header};
use lifecycle::problem::{Code, Problem};
use policy::json::Literals;
use serde::de::DeserializeOwned;
use serde_json::Value;
use store::heavy::HeavyWork;
use tokio::time::timeout;

use crate::{error::ApiError, json};

/// Maximum bytes of a body that contains no bundle: 1 MiB.
pub const SMALL: usize = 1024 * 1024;
/// Maximum bytes of a body that may contain a bundle.
pub const LARGE: usize = policy::limits::MAX_BUNDLE_BYTES;

/// A body may take this long to arrive: one that trickles in keeps memory for nothing.
const ARRIVES_WITHIN: Duration = Duration::from_secs(30);
/// The slowest that a large body may arrive at, in bytes a second.
const SLOWEST: u64 = 256 * 1024;
/// Bytes from which on a body is parsed off the threads of requests, when it is the caller's turn.
const HEAVY: usize = 256 * 1024;

/// Where the body of a request is parsed.
struct Parser(Option<(HeavyWork, String)>);

impl Parser {
    fn of(request: &Request) -> Self {
        let caller = request.extensions().get::<Caller>().and_then(|caller| caller.actor.as_ref());
        let heavy = request.extensions().get::<HeavyWork>();
        Self(heavy.zip(caller).map(|(heavy, actor)| (heavy.clone(), actor.name.clone())))
    }

    async fn parse<T: Send + 'static>(
        self,
        bytes: Bytes,
        parse: impl FnOnce(&[u8]) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, ApiError> {
        match self.0 {
            Some((heavy, name)) if bytes.len() > HEAVY => Ok(heavy.run(&name, move || parse(&bytes)).await??),
            _ => Ok(parse(&bytes)?),
        }
    }
}

/// A JSON body of at most `LIMIT` bytes. The `Content-Type` is ignored: the runbook's `curl -d` lines send
/// `application/x-www-form-urlencoded`.
#[derive(Debug)]
pub struct Json<T, const LIMIT: usize = SMALL>(pub T);

impl<S: Sync, T: DeserializeOwned + Send + 'static, const LIMIT: usize> FromRequest<S> for Json<T, LIMIT> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _state: &S) -> Result<Self, ApiError> {
        let parser = Parser::of(&request);
        let bytes = read_body(request, LIMIT).await?;
        Ok(Self(parser.parse(bytes, json::parse).await?))
    }
}

/// A JSON body as a tree, for bodies that contain bundles: a bundle keeps the members that this program does not know.
#[derive(Debug)]
pub struct Tree<const LIMIT: usize>(pub Value);

impl<S: Sync, const LIMIT: usize> FromRequest<S> for Tree<LIMIT> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _state: &S) -> Result<Self, ApiError> {
        let parser = Parser::of(&request);
        let bytes = read_body(request, LIMIT).await?;
        let parse = |bytes: &[u8]| policy::json::parse(bytes).map_err(Problem::from);
        Ok(Self(parser.parse(bytes, parse).await?))
    }
}

/// A [`Tree`] with the numbers that are not the ones their author wrote.
#[derive(Debug)]
pub struct Written<const LIMIT: usize>(pub Value, pub Literals);

impl<S: Sync, const LIMIT: usize> FromRequest<S> for Written<LIMIT> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _state: &S) -> Result<Self, ApiError> {
        let parser = Parser::of(&request);
        let bytes = read_body(request, LIMIT).await?;
        let parse = |bytes: &[u8]| Ok((policy::json::parse(bytes).map_err(Problem::from)?, Literals::of(bytes)));
        let (body, literals) = parser.parse(bytes, parse).await?;
        Ok(Self(body, literals))
    }
}

/// A JSON body that may be missing, or `null`.
#[derive(Debug)]
pub struct OptionalJson<T, const LIMIT: usize = SMALL>(pub Option<T>);

impl<S: Sync, T: DeserializeOwned + Send + 'static, const LIMIT: usize> FromRequest<S> for OptionalJson<T, LIMIT> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _state: &S) -> Result<Self, ApiError> {
        let parser = Parser::of(&request);
        let bytes = read_body(request, LIMIT).await?;
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self(None));
        }
        Ok(Self(parser.parse(bytes, json::parse).await?))
    }
}

/// Reads the whole body.
///
/// # Errors
/// 413 with the limit when the body is longer than `limit` bytes or the connection breaks; 503 when it arrives too slowly.
pub async fn read_body(request: Request, limit: usize) -> Result<Bytes, ApiError> {
    if content_length(request.headers()).is_some_and(|length| length > limit as u64) {
        return Err(too_large(limit));
    }
    // Without a stated length the whole limit may come.
    let expected = content_length(request.headers()).unwrap_or(limit as u64);
    let patience = ARRIVES_WITHIN + Duration::from_secs(expected / SLOWEST);
    match timeout(patience, to_bytes(request.into_body(), limit)).await {
        Ok(read) => read.map_err(|_| too_large(limit)),
        Err(_) => {
            let detail = format!("the body did not arrive within {} s; send it again", patience.as_secs());
            Err(ApiError::new(Code::Unavailable, detail))
        }
    }
}

/// 413: the body has more than `limit` bytes.
fn too_large(limit: usize) -> ApiError {
    let sentence = format!("the body may hold at most {} ({limit} bytes)", human_size(limit));
    ApiError(Problem::new(Code::TooLarge, sentence).with("limit_bytes", limit as u64))
}

/// The length of the body in bytes, as the caller states it.
fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn human_size(bytes: usize) -> String {
    if bytes >= 1024 * 1024 { format!("{} MiB", bytes / (1024 * 1024)) } else { format!("{} KiB", bytes / 1024) }
}
