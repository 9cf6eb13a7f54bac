//! The formats that bundles are written in.
//!
//! A bundle says its format in the member `format`; without it, it is of format 1.0. A later format gives a meaning to
//! what format 1.0 keeps as it is: condition keys such as `~path`, `#recipients` and `paths[any]`, which in format 1.0
//! are fields of those names, and members such as `timezone`, `not_before` and `approvers`, which in format 1.0 mean
//! nothing. A program that does not know a format therefore refuses it by name, and never reads it as another one.

use serde_json::Value;

/// The format that this program reads and writes.
pub const FORMAT: &str = "1.0";

/// Checks the member `format` of a bundle.
///
/// # Errors
/// A sentence that names the format that is not known.
pub fn check(format: &Value) -> Result<(), String> {
    match format {
        Value::Null => Ok(()),
        Value::String(text) if text == FORMAT => Ok(()),
        Value::String(text) => {
            Err(format!("is `{text}`, a format that this version does not know: it reads bundles of format {FORMAT}"))
        }
        _ => Err(format!("must be a string such as \"{FORMAT}\"")),
    }
}
