//! Lists: one page of rows under the plural of what they are.

use axum::Json;
use lifecycle::Page;
use serde::Serialize;
use serde_json::{Map, Value};

/// `{<plural>: […], next_cursor}`
pub type Listed = Json<Map<String, Value>>;

/// The answer of a list.
pub fn listed<T: Serialize>(plural: &str, page: Page<T>) -> Listed {
    let rows = serde_json::to_value(page.items).unwrap_or_default();
    let cursor = page.next_cursor.map_or(Value::Null, Value::String);
    Json([(plural.to_owned(), rows), ("next_cursor".to_owned(), cursor)].into_iter().collect())
}
