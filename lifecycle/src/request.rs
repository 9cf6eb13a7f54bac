//! A request as a type. Every mistake is reported with its place.

use policy::json;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::problem::Problem;

/// Parses a request: `bytes` as a `T`.
///
/// # Errors
/// 400 with line and column when `bytes` is not JSON or repeats a member, 422 with a JSON Pointer when a member is wrong
/// or unknown.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    convert(json::parse(bytes)?)
}

/// Converts a request: `document`, or a part of it.
///
/// # Errors
/// 422 with a JSON Pointer when a member is wrong or unknown.
pub fn convert<T: DeserializeOwned>(document: Value) -> Result<T, Problem> {
    let converted = json::convert(document);
    if !converted.unknown.is_empty() {
        return Err(Problem::unknown_members(converted.unknown));
    }
    converted.result.map_err(|fault| Problem::invalid_fields(vec![fault]))
}
