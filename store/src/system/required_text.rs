//! Texts that people must write: reasons and remediations.

use lifecycle::problem::Problem;

use crate::{Result, urgent};

/// Maximum characters of such a text.
const MAX_TEXT_CHARS: usize = 2000;

/// The text of an emergency command, without surrounding blanks; only a blank text is refused, with `missing`. Whatever
/// cannot be kept is cut or replaced, with a warning.
///
/// # Errors
/// 422 for a blank text.
pub(super) fn urgent_text(pointer: &str, text: &str, missing: &str, warnings: &mut Vec<String>) -> Result<String> {
    if text.trim().is_empty() {
        return Err(Problem::invalid_field(pointer, missing).into());
    }
    Ok(urgent::storable(pointer, text, MAX_TEXT_CHARS, warnings))
}

/// The text without surrounding blanks; a blank text is refused with `missing`.
pub(super) fn required_text<'a>(pointer: &str, text: &'a str, missing: &str) -> Result<&'a str> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Problem::invalid_field(pointer, missing).into());
    }
    if text.chars().count() > MAX_TEXT_CHARS || text.contains('\0') {
        let detail = format!("has at most {MAX_TEXT_CHARS} characters, none of them U+0000");
        return Err(Problem::invalid_field(pointer, detail).into());
    }
    Ok(text)
}
