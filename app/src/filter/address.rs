//! Parameters of an address: `/decisions?effect=deny&range=1h`.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Everything but the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Percent-encodes `text` for use as a segment of a path or as a value in a query.
pub fn escape(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// The parameter `name`, trimmed; `None` if it is absent or blank.
pub(super) fn parameter(get: impl Fn(&str) -> Option<String>, name: &str) -> Option<String> {
    get(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}

/// `path` with those of `parameters` that have a value.
pub(super) fn link(path: &str, parameters: &[(&str, Option<&str>)]) -> String {
    let query: Vec<_> = parameters
        .iter()
        .filter_map(|(name, value)| {
            let value = value.filter(|value| !value.is_empty())?;
            Some(format!("{name}={}", escape(value)))
        })
        .collect();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{}", query.join("&")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unreserved_characters_stay_as_they_are() {
        assert_eq!(escape("a-b_c.d~9"), "a-b_c.d~9");
        assert_eq!(escape("inbox.* é/&"), "inbox.%2A%20%C3%A9%2F%26");
    }

    #[test]
    fn parameters_without_a_value_are_left_out() {
        assert_eq!(link("/audit", &[("actor", None), ("event", Some(""))]), "/audit");
        assert_eq!(
            link("/audit", &[("actor", Some("a b")), ("order", Some("oldest"))]),
            "/audit?actor=a%20b&order=oldest"
        );
    }
}
