//! The first bytes of a document: a byte order mark, or an encoding other than UTF-8.

/// The byte order mark in UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// `bytes` without one byte order mark in front.
pub(super) fn skip_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(MARK).unwrap_or(bytes)
}

/// The encoding of `bytes`, when their beginning shows that it is UTF-16 or UTF-32. JSON begins with an ASCII
/// character, so without a byte order mark the places of the NUL bytes tell (RFC 4627, section 3).
pub(super) fn other_than_utf8(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xff, 0xfe, 0, 0, ..] | [1..=255, 0, 0, 0, ..] => Some("UTF-32 (little-endian)"),
        [0, 0, 0xfe, 0xff, ..] | [0, 0, 0, 1..=255, ..] => Some("UTF-32 (big-endian)"),
        [0xff, 0xfe, ..] | [1..=255, 0, 1..=255, 0, ..] | [1..=255, 0] => Some("UTF-16 (little-endian)"),
        [0xfe, 0xff, ..] | [0, 1..=255, 0, 1..=255, ..] | [0, 1..=255] => Some("UTF-16 (big-endian)"),
        _ => None,
    }
}
