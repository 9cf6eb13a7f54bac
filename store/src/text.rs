//! Text as a `text` column can store it.

use std::borrow::Cow;

/// `text` with every NUL, which PostgreSQL cannot store, replaced by U+FFFD. One request with a NUL in it must not make
/// the batch it is written with fail.
pub(crate) fn storable(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { text.replace('\0', "\u{fffd}").into() } else { text.into() }
}
