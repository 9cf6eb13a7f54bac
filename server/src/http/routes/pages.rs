//! The pages of the app: for people who are signed in.

use std::{collections::HashSet, sync::LazyLock};

use app::{app::App, context::Caller, response::accepts_html, shell::shell};
use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Redirect, Response},
};
use http::{Method, StatusCode, Uri};
use leptos::prelude::provide_context;
use leptos_axum::{AxumRouteListing, LeptosRoutes, generate_route_list, render_app_async_with_context};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::{
    http::{
        extract::first_segment,
        layers,
        response::{method_not_allowed, no_such_path},
    },
    state::AppState,
};

/// The page for people who are not signed in.
const SIGN_IN: &str = "/sign-in";
/// The page on which people choose a password with a one-time link.
const JOIN: &str = "/join";

/// The routes of the app. They are generated once: while leptos generates them, no resource in the whole process is
/// loaded, so a page being rendered at that moment would wait forever.
static ROUTES: LazyLock<Vec<AxumRouteListing>> = LazyLock::new(|| generate_route_list(App));

/// The first segments of the paths of pages that need a person who is signed in.
pub static SEGMENTS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    ROUTES
        .iter()
        .map(AxumRouteListing::path)
        .filter(|path| *path != SIGN_IN && *path != JOIN)
        .map(first_segment)
        .collect()
});

/// All pages, and the page for addresses without a page.
pub fn router(state: AppState) -> Router {
    let pages = Router::new()
        .leptos_routes_with_context(&state, ROUTES.clone(), provide(&state), shell)
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(no_such_page)
        .layer(middleware::from_fn(sign_in_first));
    layers::for_people(pages, &state).layer(middleware::from_fn(pages_or_nothing)).with_state(state)
}

/// Middleware, before anybody is identified: a program that asks for what is no page is answered alike for every caller and
/// with whatever token. Browsers get the page that says so.
async fn pages_or_nothing(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let is_page = path == SIGN_IN || path == JOIN || SEGMENTS.contains(first_segment(path));
    if is_page || accepts_html(request.headers()) {
        next.run(request).await
    } else {
        no_such_path(request.uri().clone()).await.into_response()
    }
}

/// The context that pages get from leptos.
fn provide(state: &AppState) -> impl Fn() + Clone + Send + Sync + 'static {
    let context = state.context();
    move || provide_context(context.clone())
}

/// Middleware: sends people who are not signed in to the sign-in page, which returns them to where they were going.
async fn sign_in_first(request: Request, next: Next) -> Response {
    let anonymous = request.extensions().get::<Caller>().is_none_or(|caller| caller.actor.is_none());
    let path = request.uri().path();
    let open = path == SIGN_IN || path == JOIN;
    if anonymous && !open && matches!(*request.method(), Method::GET | Method::HEAD) {
        return Redirect::to(&sign_in_and_return_to(request.uri())).into_response();
    }
    next.run(request).await
}

/// The characters that are percent-encoded in the value of a query parameter: they could end or split the value.
const IN_QUERY_VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/');

fn sign_in_and_return_to(uri: &Uri) -> String {
    let place = uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    if place == "/" {
        SIGN_IN.to_owned()
    } else {
        format!("{SIGN_IN}?next={}", utf8_percent_encode(place, IN_QUERY_VALUE))
    }
}

async fn no_such_page(State(state): State<AppState>, request: Request<Body>) -> Response {
    if !accepts_html(request.headers()) {
        return no_such_path(request.uri().clone()).await.into_response();
    }
    let mut response = render_app_async_with_context(provide(&state), shell)(request).await.into_response();
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signing_in_returns_to_the_requested_page() {
        let to = |place: &str| sign_in_and_return_to(&place.parse().unwrap());
        assert_eq!(to("/"), "/sign-in");
        assert_eq!(to("/studio/3?tab=source&x=1"), "/sign-in?next=/studio/3%3Ftab%3Dsource%26x%3D1");
    }

    #[test]
    fn pages_are_known_by_their_first_segment() {
        for segment in
            ["", "studio", "reviews", "rollouts", "drills", "decisions", "incidents", "audit", "settings", "kpis"]
        {
            assert!(SEGMENTS.contains(segment), "{segment}");
        }
        assert!(!SEGMENTS.contains("policy") && !SEGMENTS.contains("sign-in"));
    }
}
