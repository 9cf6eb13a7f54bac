//! The contract of the HTTP API as OpenAPI 3.1: `server/openapi/`, put together by the build and written out here.

mod expand;

use std::sync::LazyLock;

use serde_json::Value;

/// The whole document.
pub static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    // The build has read it already, so there is nothing to go wrong; tests look at what comes out.
    let mut document =
        serde_json::from_str(include_str!(concat!(env!("OUT_DIR"), "/openapi.json"))).unwrap_or_default();
    expand::expand(&mut document);
    document
});
