//! JSON for `json` columns. sqlx would send a value as `jsonb`, which loses how numbers were written and refuses some
//! strings that JSON allows; so values are sent as text, with a cast in the statement.

use serde::Serialize;

use crate::{Error, Result};

/// The text of `value`, for a parameter that is cast with `::json`.
pub(crate) fn text(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::Internal(format!("a value cannot be written as JSON: {error}")))
}
