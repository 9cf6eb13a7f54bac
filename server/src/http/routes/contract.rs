//! `/openapi.json` and `/docs/…`: the contract of this API, for programs and for people. No token is needed, because the
//! contract reveals nothing about the workspace.

use std::{collections::BTreeMap, sync::LazyLock};

use app::{context::Theme, reference};
use axum::{
    Router,
    response::{Html, IntoResponse, Response},
    routing::get,
};
use http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use sha2::{Digest, Sha256};
use tower_http::compression::CompressionLayer;

use crate::{
    error::ApiResult,
    http::response::{matches, no_such_path},
    openapi::DOCUMENT,
    state::AppState,
};

/// The routes of the contract and of the pages about it.
pub fn router() -> Router<AppState> {
    Router::new()
        .route("/openapi.json", get(document))
        .route("/docs", get(page))
        .route("/docs/{page}", get(page))
        .layer(CompressionLayer::new())
}

/// The document as text, and its etag: a weak one, since the document is also sent compressed.
static TEXT: LazyLock<(String, String)> = LazyLock::new(|| {
    let text = DOCUMENT.to_string();
    let hash = Sha256::digest(&text);
    (text, format!("W/\"{}\"", hex::encode(&hash[..12])))
});

async fn document(request: HeaderMap) -> Response {
    let (text, etag) = &*TEXT;
    let mut response = if matches(&request, etag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, "application/json")], text.as_str()).into_response()
    };
    let headers = response.headers_mut();
    if let Ok(etag) = HeaderValue::from_str(etag) {
        headers.insert(header::ETAG, etag);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// The pages in each theme: that of the reader's system, light, dark.
static PAGES: LazyLock<[BTreeMap<String, String>; 3]> =
    LazyLock::new(|| [None, Some(Theme::Light), Some(Theme::Dark)].map(|theme| reference::pages(&DOCUMENT, theme)));

/// The content security policy of the pages: styles, fonts and the icon from this server, and no scripts.
const POLICY: &str = "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

async fn page(uri: Uri, request: HeaderMap) -> ApiResult<Response> {
    let cookies = request.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let [system, light, dark] = &*PAGES;
    let pages = match cookies.filter_map(Theme::from_cookies).next() {
        None => system,
        Some(Theme::Light) => light,
        Some(Theme::Dark) => dark,
    };
    match pages.get(uri.path()) {
        Some(page) => Ok(([(header::CONTENT_SECURITY_POLICY, POLICY)], Html(page.as_str())).into_response()),
        None => Err(no_such_path(uri).await),
    }
}
