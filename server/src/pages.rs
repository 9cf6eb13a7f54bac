//! The app's pages and its server functions.

use std::sync::LazyLock;

use app::{
    app::App,
    context::{AppContext, Caller},
    shell::shell,
};
use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Redirect, Response},
    routing::any,
};
use http::{HeaderValue, Method, StatusCode, Uri, header};
use http_body_util::Limited;
use leptos::prelude::provide_context;
use leptos_axum::{
    AxumRouteListing, LeptosRoutes, generate_route_list, handle_server_fns_with_context, render_app_async_with_context,
};
use tower_http::compression::{
    CompressionLayer,
    predicate::{DefaultPredicate, NotForContentType, Predicate},
};

use lifecycle::problem::Problem;

use crate::{
    auth,
    http::{input, problem},
    state::AppState,
};

/// The paths of the app. They are asked once: while leptos finds them out, no resource of the whole process is loaded,
/// and a page that is rendered in that moment would wait for ever.
static ROUTES: LazyLock<Vec<AxumRouteListing>> = LazyLock::new(|| generate_route_list(App));

/// Pages, and the page that says that there is no such page.
pub fn router(state: AppState) -> Router {
    let pages = Router::new()
        .leptos_routes_with_context(&state, ROUTES.clone(), provide(&state), shell)
        .method_not_allowed_fallback(problem::no_such_method)
        .fallback(no_such_page)
        .layer(middleware::from_fn(strangers_sign_in_first));
    for_people(pages, state)
}

/// What pages call. Apart from the pages, because leptos serves every server function beside them: without our limits.
pub fn functions(state: AppState) -> Router {
    for_people(sign_in().route("/api/{*function}", any(server_function)), state)
}

/// What surrounds pages and the functions they call.
fn for_people(router: Router<AppState>, state: AppState) -> Router {
    let worth_it = DefaultPredicate::new().and(NotForContentType::new("application/wasm"));
    router
        .layer(middleware::from_fn_with_state(state.clone(), auth::identify))
        .layer(auth::session_layer(&state.store, state.plain_http))
        .layer(middleware::from_fn(tell_people))
        .layer(CompressionLayer::new().compress_when(worth_it))
        .with_state(state)
}

/// The server functions that sign somebody in, behind their limit.
fn sign_in() -> Router<AppState> {
    let mut router = Router::new();
    for (path, _) in leptos::server_fn::axum::server_fn_paths().filter(|(path, _)| path.contains("sign-in")) {
        router = router.route(path, any(server_function));
    }
    match auth::sign_in_limit() {
        Some(limit) => router.layer(limit),
        None => router,
    }
}

/// What pages and server functions find in leptos' context.
fn provide(state: &AppState) -> impl Fn() + Clone + Send + Sync + 'static {
    let context = AppContext { store: state.store.clone(), demo: state.demo };
    move || provide_context(context.clone())
}

async fn server_function(State(state): State<AppState>, request: Request) -> Response {
    let plain_form = accepts_html(request.headers());
    let known = leptos::server_fn::axum::server_fn_paths()
        .any(|(path, method)| path == request.uri().path() && method == *request.method());
    if !known {
        return problem::no_such_path(request.uri().clone()).await.into_response();
    }
    if input::content_length(request.headers()).is_some_and(|length| length > input::LARGE as u64) {
        return input::too_large(input::LARGE).into_response();
    }
    let request = request.map(|body| Body::new(Limited::new(body, input::LARGE)));
    let mut response = handle_server_fns_with_context(provide(&state), request).await.into_response();
    // A browser follows the way back to its page only with a redirecting status, also when the form was refused.
    if plain_form && response.headers().contains_key(header::LOCATION) {
        *response.status_mut() = StatusCode::SEE_OTHER;
    }
    response
}

/// Pages are for people who are signed in; who is not, is sent to do so and comes back.
async fn strangers_sign_in_first(request: Request, next: Next) -> Response {
    let stranger = request.extensions().get::<Caller>().is_none_or(|caller| caller.actor.is_none());
    let path = request.uri().path();
    let open = path == SIGN_IN;
    if stranger && !open && matches!(*request.method(), Method::GET | Method::HEAD) {
        return if accepts_html(request.headers()) || is_page(path) {
            Redirect::to(&sign_in_and_come_back(request.uri())).into_response()
        } else {
            problem::no_such_path(request.uri().clone()).await.into_response()
        };
    }
    next.run(request).await
}

const SIGN_IN: &str = "/sign-in";

fn sign_in_and_come_back(uri: &Uri) -> String {
    let place = uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    if place == "/" { SIGN_IN.to_owned() } else { format!("{SIGN_IN}?next={}", encode(place)) }
}

/// Percent-encodes everything that could end or split a query value.
fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}

/// First segments of the pages' paths.
const PAGES: [&str; 10] =
    ["", "studio", "reviews", "rollouts", "drills", "decisions", "incidents", "audit", "settings", "kpis"];

fn is_page(path: &str) -> bool {
    PAGES.contains(&path.trim_start_matches('/').split('/').next().unwrap_or_default())
}

async fn no_such_page(State(state): State<AppState>, request: Request<Body>) -> Response {
    if !accepts_html(request.headers()) {
        return problem::no_such_path(request.uri().clone()).await.into_response();
    }
    let mut response = render_app_async_with_context(provide(&state), shell)(request).await.into_response();
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

/// A person who asked for a page reads why there is none as a sentence, not as JSON.
async fn tell_people(request: Request, next: Next) -> Response {
    let wants_page = accepts_html(request.headers()) && matches!(*request.method(), Method::GET | Method::HEAD);
    let response = next.run(request).await;
    let is_problem = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == problem::MEDIA_TYPE);
    if !(wants_page && is_problem) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, input::SMALL).await.unwrap_or_default();
    let Ok(problem) = serde_json::from_slice::<Problem>(&bytes) else {
        return (parts, bytes).into_response();
    };
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    parts.headers.remove(header::CONTENT_LENGTH);
    (parts, plain_page(&problem.title, &problem.detail)).into_response()
}

fn plain_page(title: &str, detail: &str) -> String {
    let escape = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let (title, detail) = (escape(title), escape(detail));
    format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>{title} · Countersign</title>\
         </head><body><main><h1>{title}</h1><p>{detail}.</p><p><a href=\"\">Try again</a></p></main></body></html>"
    )
}

fn accepts_html(headers: &http::HeaderMap) -> bool {
    headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).is_some_and(|accept| accept.contains("text/html"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_is_kept() {
        let to = |place: &str| sign_in_and_come_back(&place.parse().unwrap());
        assert_eq!(to("/"), "/sign-in");
        assert_eq!(to("/studio/3?tab=source&x=1"), "/sign-in?next=/studio/3%3Ftab%3Dsource%26x%3D1");
    }
}
