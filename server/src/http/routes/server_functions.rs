//! `/api/…`: the functions that pages call. Their routes are apart from those of the pages, because leptos serves every
//! server function beside the pages without a limit on its body.

use app::{
    context::Caller,
    error::AppError,
    response::{REFUSED, accepts_html},
};
use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::{IntoResponse, Response},
    routing::any,
};
use http::{StatusCode, header};
use leptos::prelude::provide_context;
use leptos_axum::handle_server_fns_with_context;

use crate::{
    auth,
    error::ApiError,
    http::{
        extract::{LARGE, SMALL, read_body},
        response::no_such_path,
    },
    state::AppState,
};

/// Maximum bytes of a body from a caller who is not signed in. Functions are decoded before they ask who calls, so strangers
/// could otherwise make the server read large bodies.
const STRANGERS: usize = 64 * 1024;
/// The functions whose arguments may contain a bundle or many test cases.
const WITH_BUNDLES: [&str; 7] = [
    "/api/bundles/create",
    "/api/bundles/import",
    "/api/bundles/keep-cases",
    "/api/bundles/new",
    "/api/bundles/preview-import",
    "/api/bundles/save",
    "/api/bundles/submit",
];

/// Where the functions are that anybody may call: those that sign a person in. Nothing else is even decoded for strangers,
/// but for plain form posts, which are answered with a redirect to their page.
const OPEN: &str = "/api/session/";

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
    if !signed_in && !plain_form && !request.uri().path().starts_with(OPEN) {
        return ApiError(AppError::unauthenticated().0).into_response();
    }
    let limit = if !signed_in {
        STRANGERS
    } else if WITH_BUNDLES.contains(&request.uri().path()) {
        LARGE
    } else {
        SMALL
    };
    // Read here, where it has a limit in time, too.
    let (parts, body) = request.into_parts();
    let body = match read_body(Request::from_parts(parts.clone(), body), limit).await {
        Ok(body) => body,
        Err(refused) => return refused.into_response(),
    };
    let request = Request::from_parts(parts, Body::from(body));
    let context = state.context();
    let mut response =
        handle_server_fns_with_context(move || provide_context(context.clone()), request).await.into_response();
    if response.headers_mut().remove(REFUSED).is_some() {
        response.extensions_mut().insert(auth::Refused);
    }
    // After a plain form post, a browser returns to the page only with a redirect status, even if the form was refused.
    if plain_form && response.headers().contains_key(header::LOCATION) {
        *response.status_mut() = StatusCode::SEE_OTHER;
    }
    response
}
