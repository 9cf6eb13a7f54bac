//! The contract of the HTTP API as OpenAPI 3.1: `server/openapi/`, merged by the build script and expanded here.

mod expand;

use std::sync::LazyLock;

use serde_json::Value;

/// The expanded document.
pub static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    // The build script has parsed these files, so this cannot fail; tests check the result.
    let mut document =
        serde_json::from_str(include_str!(concat!(env!("OUT_DIR"), "/openapi.json"))).unwrap_or_default();
    expand::expand(&mut document);
    document
});
