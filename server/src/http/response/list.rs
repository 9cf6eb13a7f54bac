//! Lists: one page of rows under the plural of their name.

use axum::Json;
use lifecycle::Page;
use serde::Serialize;
use serde_json::{Map, Value};

/// `{<plural>: […], next_cursor}`
pub type List = Json<Map<String, Value>>;

/// `page` as a [`List`] of `plural`.
pub fn to_list<T: Serialize>(plural: &str, page: Page<T>) -> List {
    let rows = serde_json::to_value(page.items).unwrap_or_default();
    let cursor = page.next_cursor.map_or(Value::Null, Value::String);
    Json([(plural.to_owned(), rows), ("next_cursor".to_owned(), cursor)].into_iter().collect())
}
