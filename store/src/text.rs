//! Text as a `text` column can store it.

use std::borrow::Cow;

use policy::characters::{Lines, oddity};

/// Whether a text that people read where they sign has so many characters, on one line and each of them visible.
pub(crate) fn is_readable(text: &str, least: usize, most: usize) -> bool {
    (least..=most).contains(&text.chars().count()) && oddity(text, Lines::One).is_none()
}

/// `text` with every NUL, which PostgreSQL cannot store, replaced by U+FFFD. One request with a NUL in it must not make
/// the batch it is written with fail.
pub(crate) fn storable(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { text.replace('\0', "\u{fffd}").into() } else { text.into() }
}
