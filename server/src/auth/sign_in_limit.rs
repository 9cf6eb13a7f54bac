//! Slows down password guessing: a burst of sign-in attempts from one address, then one a second. The store also counts
//! the failures of each account.

use std::time::Duration;

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use governor::middleware::NoOpMiddleware;
use http::Request;
use lifecycle::problem::{Code, Problem};
use tower_governor::{
    GovernorError, GovernorLayer,
    governor::{GovernorConfig, GovernorConfigBuilder},
    key_extractor::KeyExtractor,
};

use super::{identify::Throttled, source};
use crate::error::ApiError;

/// Number of attempts allowed at once.
const BURST: u32 = 60;
/// Time after which one more attempt is allowed.
const REFILL: Duration = Duration::from_secs(1);

/// The network at the other end of the connection.
#[derive(Debug, Clone, Copy)]
pub struct Peer;

impl KeyExtractor for Peer {
    type Key = String;

    fn extract<T>(&self, request: &Request<T>) -> Result<String, GovernorError> {
        Ok(source::network(request.extensions()))
    }
}

/// The limit for the routes that sign a person in. All these routes must share one layer.
pub fn layer() -> Option<GovernorLayer<Peer, NoOpMiddleware, Body>> {
    let config: GovernorConfig<Peer, NoOpMiddleware> =
        GovernorConfigBuilder::default().period(REFILL).burst_size(BURST).key_extractor(Peer).finish()?;
    Some(GovernorLayer::new(config).error_handler(refuse))
}

fn refuse(error: GovernorError) -> Response {
    let wait = match error {
        GovernorError::TooManyRequests { wait_time, .. } => wait_time.max(1),
        _ => 1,
    };
    let problem = Problem::new(Code::TooManyRequests, format!("too many attempts to sign in; try again in {wait} s"));
    let mut response = ApiError(problem.with("retry_after_seconds", wait)).into_response();
    response.extensions_mut().insert(Throttled);
    response
}
