//! The files of the site: scripts, styles, fonts, icons. The release contains them; a development build reads them from
//! the folder where `make build` puts them.

use std::{collections::HashMap, path::Path, sync::OnceLock};

use axum::{
    body::Body,
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use sha2::{Digest, Sha256};

use crate::http::response;

/// Files that the program contains: the path below the site, and the content.
pub type Files = &'static [(&'static str, &'static [u8])];

/// One file with its strong etag. Embedded content is served from the program's own memory, without a copy.
#[derive(Clone)]
struct File {
    content: Bytes,
    etag: String,
}

impl File {
    fn new(content: Bytes) -> Self {
        let hash = Sha256::digest(&content);
        let etag = format!("\"{}\"", hex::encode(&hash[..12]));
        Self { content, etag }
    }
}

static EMBEDDED: OnceLock<HashMap<&'static str, File>> = OnceLock::new();

/// Serves these files from now on. Called once, by the program: the library is compiled before the files exist.
pub fn embed(files: Files) {
    EMBEDDED
        .get_or_init(|| files.iter().map(|(name, content)| (*name, File::new(Bytes::from_static(content)))).collect());
}

/// Encodings in which a file may also be stored, best first: the name in `Accept-Encoding` and the extension.
const ENCODINGS: [(&str, &str); 2] = [("br", ".br"), ("gzip", ".gz")];

/// The content security policy of scripts. A web worker has the policy of its own file and not that of the page: it may
/// load more scripts from this server, compile WebAssembly, and fetch from this server.
const SCRIPT_POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'";

/// The parts into which the browser's code is split. Their names contain a hash of the build.
const PARTS: &str = "pkg/parts/";

/// Whether this build has scripts and styles.
pub fn present() -> bool {
    find("pkg/countersign.js").is_some()
}

/// Middleware: answers with a file of the site, if there is one at the path.
pub async fn serve(request: Request, next: Next) -> Response {
    let file = match *request.method() {
        Method::GET | Method::HEAD => file_at(request.uri(), request.headers()),
        _ => None,
    };
    match file {
        Some(file) => file,
        None => next.run(request).await,
    }
}

fn file_at(uri: &Uri, request: &HeaderMap) -> Option<Response> {
    let name = uri.path().trim_start_matches('/');
    let plain = find(name)?;
    let accepted = request.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let encoded = ENCODINGS
        .iter()
        .filter(|(encoding, _)| accepts(accepted, encoding))
        .find_map(|(encoding, ending)| find(&format!("{name}{ending}")).map(|file| (*encoding, file)));
    let (encoding, file) = encoded.map_or((None, plain), |(encoding, file)| (Some(encoding), file));
    Some(respond(name, uri.query(), &file, encoding, request))
}

fn respond(
    name: &str,
    query: Option<&str>,
    file: &File,
    encoding: Option<&'static str>,
    request: &HeaderMap,
) -> Response {
    let mut response = if response::matches(request, &file.etag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        Body::from(file.content.clone()).into_response()
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, content_type(name));
    if name.ends_with(".js") {
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(SCRIPT_POLICY));
    }
    if let Ok(etag) = HeaderValue::from_str(&file.etag) {
        headers.insert(header::ETAG, etag);
    }
    // A file whose address contains its version may be cached forever; any other is revalidated and answered 304.
    let cache_control = if name.starts_with(PARTS) || query.is_some_and(|query| query.starts_with("v=")) {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache_control));
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    if let Some(encoding) = encoding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    response
}

fn accepts(accepted: &str, encoding: &str) -> bool {
    accepted.split(',').any(|part| {
        let mut pieces = part.split(';').map(str::trim);
        pieces.next() == Some(encoding) && !pieces.any(|piece| piece == "q=0" || piece == "q=0.0")
    })
}

fn content_type(name: &str) -> HeaderValue {
    let guess = mime_guess::from_path(name).first_raw().unwrap_or("application/octet-stream");
    match guess {
        "text/javascript" | "application/javascript" => HeaderValue::from_static("text/javascript; charset=utf-8"),
        "text/css" => HeaderValue::from_static("text/css; charset=utf-8"),
        other => HeaderValue::from_static(other),
    }
}

fn find(name: &str) -> Option<File> {
    if let Some(file) = EMBEDDED.get().and_then(|files| files.get(name)) {
        return Some(file.clone());
    }
    if cfg!(debug_assertions) { from_folder(name) } else { None }
}

/// Development only.
fn from_folder(name: &str) -> Option<File> {
    let plain = !name.is_empty() && name.split('/').all(|part| !part.is_empty() && !part.starts_with('.'));
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../target/site")).join(name);
    if plain && path.is_file() { std::fs::read(path).ok().map(|content| File::new(Bytes::from(content))) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_negotiated() {
        assert!(accepts("gzip, deflate, br", "br"));
        assert!(!accepts("gzip, br;q=0", "br"));
        assert!(!accepts("", "gzip"));
    }

    #[test]
    fn a_path_cannot_leave_the_site() {
        assert!(from_folder("../../Cargo.toml").is_none());
        assert!(from_folder("").is_none());
        assert!(from_folder("/etc/passwd").is_none());
    }

    #[test]
    fn scripts_and_modules_have_the_types_that_browsers_require() {
        assert_eq!(content_type("pkg/countersign.wasm"), "application/wasm");
        assert_eq!(content_type("pkg/countersign.js"), "text/javascript; charset=utf-8");
        assert_eq!(content_type("fonts/inter.woff2"), "font/woff2");
        assert_eq!(content_type("favicon.svg"), "image/svg+xml");
    }

    #[test]
    fn a_script_may_load_only_from_this_server() {
        let file = File::new(Bytes::from_static(b"start()"));
        let script = respond("draft-worker.js", None, &file, None, &HeaderMap::new());
        let policy = script.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'") && policy.contains("script-src 'self'"));
        assert!(
            !respond("a.css", None, &file, None, &HeaderMap::new())
                .headers()
                .contains_key(header::CONTENT_SECURITY_POLICY)
        );
    }

    #[test]
    fn a_cached_etag_is_answered_without_content() {
        let file = File::new(Bytes::from_static(b"body{}"));
        let mut request = HeaderMap::new();
        request.insert(header::IF_NONE_MATCH, HeaderValue::from_str(&file.etag).unwrap());
        assert_eq!(respond("a.css", None, &file, None, &request).status(), StatusCode::NOT_MODIFIED);
        let fresh = respond("a.css", Some("v=1"), &file, Some("br"), &HeaderMap::new());
        assert_eq!(fresh.headers()[header::CONTENT_ENCODING], "br");
        assert_eq!(fresh.headers()[header::CACHE_CONTROL], "public, max-age=31536000, immutable");
    }

    #[test]
    fn only_addresses_with_a_version_are_cached_forever() {
        let file = File::new(Bytes::from_static(b"\0asm"));
        let cache_control =
            |name| respond(name, None, &file, None, &HeaderMap::new()).headers()[header::CACHE_CONTROL].clone();
        assert_eq!(cache_control("pkg/parts/editor-0123456789abcdef.wasm"), "public, max-age=31536000, immutable");
        assert_eq!(cache_control("pkg/countersign.wasm"), "no-cache");
    }
}
