//! Texts that look like the start of a URL, a host or a path.

/// What the start of a text looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// `https://api.github.com`
    Url,
    /// `api.github.com`, `10.0`
    Host,
    /// `/workspace`
    Path,
}

impl Shape {
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Url => "a URL",
            Self::Host => "a host's name",
            Self::Path => "a path",
        }
    }
}

/// A text that means the same and does not start with the prefix.
pub(super) struct Evasion {
    pub(super) text: String,
    /// How it differs, for a sentence.
    pub(super) by: &'static str,
}

/// What `text` looks like the start of, if anything.
pub(super) fn shape(text: &str) -> Option<Shape> {
    if text.is_empty() || text.contains(char::is_whitespace) {
        return None;
    }
    if let Some((scheme, _)) = text.split_once("://") {
        let plain = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
        return (scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.chars().all(plain))
            .then_some(Shape::Url);
    }
    let drive = text.as_bytes().get(1..3).is_some_and(|bytes| bytes == b":\\" || bytes == b":/");
    if text.contains('/') || text.starts_with('\\') || drive {
        // `application/json` is no path.
        let media =
            ["application/", "audio/", "font/", "image/", "message/", "model/", "multipart/", "text/", "video/"];
        return (!media.iter().any(|media| text.starts_with(media))).then_some(Shape::Path);
    }
    let labels: Vec<&str> = text.trim_end_matches('.').split('.').collect();
    let is_label =
        |label: &&str| !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    let numeric = |label: &&str| label.chars().all(|c| c.is_ascii_digit());
    let name = labels.last().is_some_and(|last| last.len() >= 2 && last.chars().all(|c| c.is_ascii_alphabetic()));
    (labels.len() > 1 && labels.iter().all(is_label) && (name || labels.iter().all(numeric))).then_some(Shape::Host)
}

/// A text that starts with `text` and belongs to somebody else, or lies elsewhere; `None` when `text` ends where a part
/// ends.
pub(super) fn beyond(text: &str, shape: Shape) -> Option<String> {
    if text.ends_with(['/', '\\', '?', '#', '=', '&', ':', '@']) {
        return None;
    }
    match shape {
        Shape::Url if is_host_only(text) => Some(format!("{text}.evil.example/")),
        Shape::Url | Shape::Path => Some(format!("{text}-secrets/key")),
        Shape::Host if text.ends_with('.') => None,
        Shape::Host if text.chars().all(|c| c.is_ascii_digit() || c == '.') => Some(format!("{text}9.1.1")),
        Shape::Host => Some(format!("{text}.evil.example")),
    }
}

/// `text` up to the end of its part; `None` for a host, which has no end of its own.
pub(super) fn closed(text: &str, shape: Shape) -> Option<String> {
    match shape {
        Shape::Url => Some(format!("{text}/")),
        Shape::Path if text.contains('\\') && !text.contains('/') => Some(format!("{text}\\")),
        Shape::Path => Some(format!("{text}/")),
        Shape::Host if text.chars().all(|c| c.is_ascii_digit() || c == '.') => Some(format!("{text}.")),
        Shape::Host => None,
    }
}

/// A whole text that the prefix is meant for.
pub(super) fn whole(text: &str, shape: Shape) -> String {
    match shape {
        Shape::Url | Shape::Path if text.ends_with(['/', '\\']) => format!("{text}x"),
        _ => text.to_owned(),
    }
}

/// The usual ways around a prefix that denies: a blank in front and, where case does not matter, other letters.
pub(super) fn evasions(text: &str, shape: Shape) -> Vec<Evasion> {
    let mut evasions = vec![Evasion { text: format!(" {text}"), by: "a blank in front" }];
    let upper = text.to_uppercase();
    if shape != Shape::Path && upper != text {
        evasions.push(Evasion { text: upper, by: "capital letters, which mean the same there" });
    }
    evasions
}

/// Whether a URL has nothing after its host.
fn is_host_only(url: &str) -> bool {
    url.split_once("://").is_some_and(|(_, rest)| !rest.contains('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_hosts_and_paths_are_recognised() {
        for (text, wanted) in [
            ("https://api.github.com", Some(Shape::Url)),
            ("ftp://x", Some(Shape::Url)),
            ("/workspace", Some(Shape::Path)),
            ("./a", Some(Shape::Path)),
            ("C:\\Users", Some(Shape::Path)),
            ("src/main", Some(Shape::Path)),
            ("application/json", None),
            ("api.github.com", Some(Shape::Host)),
            ("mail.", None),
            ("10.0", Some(Shape::Host)),
            ("1", None),
            ("main", None),
            ("d17", None),
            ("v1.2", None),
            ("Re: a.b", None),
            ("", None),
            ("ceo@", None),
        ] {
            assert_eq!(shape(text), wanted, "{text}");
        }
    }

    #[test]
    fn what_ends_at_a_boundary_does_not_go_on() {
        for (text, wanted) in [
            ("https://api.github.com", Some("https://api.github.com.evil.example/")),
            ("https://api.github.com/", None),
            ("https://corp/data", Some("https://corp/data-secrets/key")),
            ("/workspace", Some("/workspace-secrets/key")),
            ("/workspace/", None),
            ("api.github.com", Some("api.github.com.evil.example")),
            ("10.1", Some("10.19.1.1")),
            ("10.1.", None),
        ] {
            let found = shape(text).and_then(|shape| beyond(text, shape));
            assert_eq!(found.as_deref(), wanted, "{text}");
            if let Some(shape) = shape(text).filter(|_| wanted.is_some()) {
                assert!(closed(text, shape).is_none_or(|closed| beyond(&closed, shape).is_none()), "{text}");
            }
        }
    }
}
