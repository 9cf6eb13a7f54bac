//! Texts that look like the start of a URL, a host or a path.

/// What the start of a text looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// `https://api.github.com`
    Url,
    /// `api.github.com`, `api.github.com:443`, `10.0`
    Host,
    /// `user@corp`
    Address,
    /// `/workspace`
    Path,
}

impl Shape {
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Url => "a URL",
            Self::Host => "a host's name",
            Self::Address => "an address",
            Self::Path => "a path",
        }
    }
}

/// How a text differs from the one that a rule looks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slip {
    /// It has a blank in front.
    Blank,
    /// It has not the blank in front that the rule asks for.
    Bare,
    /// Its letters are capital or small.
    Case,
}

/// A text that means the same and does not start with the prefix.
pub(super) struct Evasion {
    pub(super) text: String,
    pub(super) slip: Slip,
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
    if text.contains('/') || text.starts_with('\\') || has_drive(text) {
        // `application/json` is no path.
        let media =
            ["application/", "audio/", "font/", "image/", "message/", "model/", "multipart/", "text/", "video/"];
        return (!media.iter().any(|media| text.starts_with(media))).then_some(Shape::Path);
    }
    if let Some((user, domain)) = text.split_once('@') {
        let plain = |c: char| c.is_ascii_alphanumeric() || "._%+-".contains(c);
        let domain = domain.strip_suffix(':').unwrap_or(domain);
        let is_address = !user.is_empty() && user.chars().all(plain) && is_name(domain, 1);
        return is_address.then_some(Shape::Address);
    }
    let (host, port) = text.split_once(':').unwrap_or((text, ""));
    let is_host = port.chars().all(|c| c.is_ascii_digit()) && (is_name(host, 2) || is_numeric(host));
    is_host.then_some(Shape::Host)
}

/// `C:\Users`
fn has_drive(text: &str) -> bool {
    text.as_bytes().get(1..3).is_some_and(|bytes| bytes == b":\\" || bytes == b":/")
}

/// Whether `host` is the start of a host's name with at least so many labels; a dot may follow.
fn is_name(host: &str, at_least: usize) -> bool {
    let labels: Vec<&str> = host.strip_suffix('.').unwrap_or(host).split('.').collect();
    let is_label =
        |label: &&str| !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    let name = labels.last().is_some_and(|last| last.len() >= 2 && last.chars().all(|c| c.is_ascii_alphabetic()));
    labels.len() >= at_least && labels.iter().all(is_label) && name
}

/// Whether `host` is the start of an address of numbers: two of them at least.
fn is_numeric(host: &str) -> bool {
    let bare = host.strip_suffix('.').unwrap_or(host);
    bare.contains('.') && bare.split('.').all(|part| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit()))
}

/// A text that starts with `text` and belongs to another party, or lies elsewhere; `None` when `text` ends where a part
/// ends.
pub(super) fn beyond(text: &str, shape: Shape) -> Option<String> {
    match shape {
        Shape::Url => match authority(text) {
            Some("") => None,
            Some(authority) => {
                let host = authority.rsplit('@').next().unwrap_or_default();
                Some(if host.contains(':') {
                    // What stands before an `@` is a name and a password.
                    format!("{text}@evil.example/")
                } else if host.is_empty() || host.ends_with('.') {
                    format!("{text}evil.example/")
                } else {
                    format!("{text}.evil.example/")
                })
            }
            None => beyond_path(text),
        },
        Shape::Path => beyond_path(text),
        Shape::Host | Shape::Address if text.ends_with(':') => None,
        // Another port.
        Shape::Host if text.contains(':') => {
            let port = text.rsplit(':').next().unwrap_or_default();
            (port.len() < 4).then(|| format!("{text}0"))
        }
        Shape::Host if is_numeric(text) && text.matches('.').count() < 3 => {
            (!text.ends_with('.')).then(|| format!("{text}9.1.1"))
        }
        Shape::Host | Shape::Address if text.ends_with('.') => Some(format!("{text}evil.example")),
        Shape::Host | Shape::Address => Some(format!("{text}.evil.example")),
    }
}

fn beyond_path(text: &str) -> Option<String> {
    let is_closed = text.ends_with(['/', '\\', '?', '#', '=', '&', ':', '@', '.']);
    (!is_closed).then(|| format!("{text}-secrets/key"))
}

/// `text` up to the end of its part; `None` when it has no end of its own, as a host's name.
pub(super) fn closed(text: &str, shape: Shape) -> Option<String> {
    match shape {
        Shape::Url if authority(text).is_some_and(|authority| authority.ends_with(['.', ':', '@'])) => None,
        Shape::Url => Some(format!("{text}/")),
        Shape::Path if text.contains('\\') && !text.contains('/') => Some(format!("{text}\\")),
        Shape::Path => Some(format!("{text}/")),
        Shape::Host if is_numeric(text) && text.matches('.').count() < 3 => Some(format!("{text}.")),
        Shape::Host | Shape::Address => None,
    }
}

/// The usual ways around a text that is not allowed: a blank in front and, where case may not matter, other letters.
pub(super) fn evasions(text: &str) -> Vec<Evasion> {
    if text.trim().is_empty() {
        return Vec::new();
    }
    let shape = shape(text);
    let whole = match shape {
        Some(Shape::Url | Shape::Path) if text.ends_with(['/', '\\']) => format!("{text}x"),
        _ => text.to_owned(),
    };
    let bare = whole.trim_start();
    let mut evasions = if bare.len() < whole.len() {
        vec![Evasion { text: bare.to_owned(), slip: Slip::Bare, by: "the same text without the blank in front" }]
    } else {
        vec![Evasion { text: format!(" {whole}"), slip: Slip::Blank, by: "a blank in front" }]
    };
    // Two paths that differ in case are two files on most servers.
    if shape != Some(Shape::Path) || text.contains('\\') || has_drive(text) {
        let cases = [(whole.to_uppercase(), "capital letters"), (whole.to_lowercase(), "small letters")];
        let others = cases.into_iter().filter(|(other, _)| *other != whole && !other.starts_with(text));
        evasions.extend(others.map(|(text, by)| Evasion { text, slip: Slip::Case, by }));
    }
    evasions
}

/// What stands between the scheme and the end of a URL that has no path yet.
fn authority(url: &str) -> Option<&str> {
    url.split_once("://").map(|(_, rest)| rest).filter(|rest| !rest.contains(['/', '\\', '?', '#']))
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
            ("user@corp", Some(Shape::Address)),
            ("first.last+tag@corp.example", Some(Shape::Address)),
            ("git@github.com:", Some(Shape::Address)),
            ("lodash@4.17", None),
            ("@corp", None),
            ("api.github.com:443", Some(Shape::Host)),
            ("api.github.com:", Some(Shape::Host)),
            ("10.0.0.1:80", Some(Shape::Host)),
            ("note:", None),
            ("12:30", None),
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
            // A full address of numbers may be the start of a name.
            ("10.0.0.1", Some("10.0.0.1.evil.example")),
            ("evil.com", Some("evil.com.evil.example")),
            ("evil.com.", Some("evil.com.evil.example")),
            ("evil.com:", None),
            ("evil.com:44", Some("evil.com:440")),
            ("user@corp", Some("user@corp.evil.example")),
            ("user@corp.", Some("user@corp.evil.example")),
            ("git@github.com:", None),
            ("https://", None),
            ("https://api.", Some("https://api.evil.example/")),
            ("https://api.github.com:", Some("https://api.github.com:@evil.example/")),
            ("https://api.github.com:443", Some("https://api.github.com:443@evil.example/")),
            ("https://user@", Some("https://user@evil.example/")),
            ("https://user@corp", Some("https://user@corp.evil.example/")),
            ("https://corp?q=", None),
            ("https://corp/v1.", None),
            ("/workspace/report.", None),
        ] {
            let found = shape(text).and_then(|shape| beyond(text, shape));
            assert_eq!(found.as_deref(), wanted, "{text}");
            if let Some(shape) = shape(text).filter(|_| wanted.is_some()) {
                assert!(closed(text, shape).is_none_or(|closed| beyond(&closed, shape).is_none()), "{text}");
            }
        }
    }

    #[test]
    fn what_is_denied_is_evaded_by_a_blank_and_by_case() {
        for (text, wanted) in [
            ("DROP ", &[" DROP ", "drop "][..]),
            ("Wire", &[" Wire", "WIRE", "wire"]),
            ("/etc/", &[" /etc/x"]),
            ("C:\\x", &[" C:\\x", "C:\\X", "c:\\x"]),
            ("user@corp", &[" user@corp", "USER@CORP"]),
            (" rm", &["rm", " RM"]),
            ("17", &[" 17"]),
            (" ", &[]),
        ] {
            let found: Vec<String> = evasions(text).into_iter().map(|evasion| evasion.text).collect();
            assert_eq!(found, wanted, "{text}");
        }
    }
}
