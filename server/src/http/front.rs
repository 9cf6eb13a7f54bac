//! The first to see a request. A question from a program goes to its answer at once; everything else, and every question
//! that a browser may have had a hand in, goes the way through all layers. The answers are the same.

use std::{
    convert::Infallible,
    future::Future,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{
    Router,
    extract::Request,
    response::{IntoResponse, Response},
};
use futures::FutureExt;
use http::{HeaderName, Method, header};
use tower::Service;

use super::evaluate;
use crate::{auth, evaluation::EvaluationService};

/// What browsers say about where a request comes from, and programs do not.
const FROM_PAGES: [HeaderName; 2] = [header::ORIGIN, HeaderName::from_static("sec-fetch-site")];

/// Everything this server answers.
#[derive(Clone)]
pub struct Front {
    // Cloned for every request, so as one piece.
    live: Arc<EvaluationService>,
    all: Router,
}

impl Front {
    /// Questions are answered by `live`, and everything by `all`.
    pub fn new(live: EvaluationService, all: Router) -> Self {
        Self { live: Arc::new(live), all }
    }
}

impl Service<Request> for Front {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // A router is always ready.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        if is_question(&request) {
            Box::pin(answer(Arc::clone(&self.live), request).map(Ok))
        } else {
            Box::pin(self.all.call(request))
        }
    }
}

fn is_question(request: &Request) -> bool {
    request.method() == Method::POST
        && request.uri().path() == "/policy/evaluate"
        && !FROM_PAGES.iter().any(|name| request.headers().contains_key(name))
}

async fn answer(live: Arc<EvaluationService>, request: Request) -> Response {
    let answered = AssertUnwindSafe(evaluate::answer(&live, request)).catch_unwind().await;
    let mut response = answered.map_or_else(auth::panics, IntoResponse::into_response);
    auth::add_headers(&mut response);
    tracing::debug!(status = response.status().as_u16(), "a question was answered");
    response
}
