//! `/api/…`: the functions that pages call. Their routes are apart from those of the pages, because leptos serves every
//! server function beside the pages without a limit on its body.

use app::{context::Caller, response::accepts_html};
use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::{IntoResponse, Response},
    routing::any,
};
use http::{StatusCode, header};
use http_body_util::Limited;
use leptos::prelude::provide_context;
use leptos_axum::handle_server_fns_with_context;

use crate::{
    auth,
    http::{
        extract::{LARGE, content_length, too_large},
        response::no_such_path,
    },
    state::AppState,
};

/// Maximum bytes of a body from somebody who is not signed in. Functions are decoded before they ask who calls, so strangers
/// could otherwise make the server read large bodies.
const STRANGERS: usize = 64 * 1024;

/// All server functions; those that sign a person in are behind a rate limit.
pub fn router() -> Router<AppState> {
    sign_in().route("/api/{*function}", any(call))
}

fn sign_in() -> Router<AppState> {
    let mut router = Router::new();
    for (path, _) in leptos::server_fn::axum::server_fn_paths()
        .filter(|(path, _)| path.contains("sign-in") || path.ends_with("/join"))
    {
        router = router.route(path, any(call));
    }
    match auth::sign_in_limit() {
        Some(limit) => router.layer(limit),
        None => router,
    }
}

async fn call(State(state): State<AppState>, request: Request) -> Response {
    let plain_form = accepts_html(request.headers());
    let known = leptos::server_fn::axum::server_fn_paths()
        .any(|(path, method)| path == request.uri().path() && method == *request.method());
    if !known {
        return no_such_path(request.uri().clone()).await.into_response();
    }
    let signed_in = request.extensions().get::<Caller>().is_some_and(|caller| caller.actor.is_some());
    let limit = if signed_in { LARGE } else { STRANGERS };
    if content_length(request.headers()).is_some_and(|length| length > limit as u64) {
        return too_large(limit).into_response();
    }
    let request = request.map(|body| Body::new(Limited::new(body, limit)));
    let context = state.context();
    let mut response =
        handle_server_fns_with_context(move || provide_context(context.clone()), request).await.into_response();
    // After a plain form post, a browser returns to the page only with a redirect status, even if the form was refused.
    if plain_form && response.headers().contains_key(header::LOCATION) {
        *response.status_mut() = StatusCode::SEE_OTHER;
    }
    response
}
