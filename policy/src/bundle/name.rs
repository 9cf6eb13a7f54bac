//! The names of agents and actions, and the patterns that rules address them with.
//!
//! Names are what agents and tools are really called: `inbox.triage`, `getUser`, `tools/call`,
//! `mcp__github__create_issue`, `spiffe://corp/agent-7`. They are plain ASCII, so that no two names look alike, and
//! case-sensitive. An input whose agent or action is no name is decided by nothing (see [`crate::engine`]).

use std::{borrow::Cow, fmt};

/// Maximum length of a name, in characters, which are bytes.
pub const MAX_LENGTH: usize = 256;

/// The characters that may stand before the `*` of a pattern: they end a part of a name, so that a pattern never ends in
/// the middle of a word.
pub const SEPARATORS: [char; 5] = ['.', '/', ':', '_', '-'];

/// The character may stand in a name.
const INSIDE: u8 = 1;
/// The character may be the first of a name.
const FIRST: u8 = 2;
/// The character is one of [`SEPARATORS`].
const SEPARATOR: u8 = 4;

/// What a character may do in a name.
const fn classes(byte: u8) -> u8 {
    match byte {
        b'_' => INSIDE | FIRST | SEPARATOR,
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' => INSIDE | FIRST,
        b'.' | b'/' | b':' | b'-' => INSIDE | SEPARATOR,
        b'@' | b'+' | b'#' | b'~' => INSIDE,
        _ => 0,
    }
}

#[inline]
const fn has_class(byte: u8, class: u8) -> bool {
    classes(byte) & class != 0
}

/// Whether `text` is a name: 1 to 256 characters `^[A-Za-z0-9_][A-Za-z0-9._:/@+#~-]*$`.
#[inline]
pub fn is_name(text: &str) -> bool {
    text.len() <= MAX_LENGTH
        && text.as_bytes().first().is_some_and(|byte| has_class(*byte, FIRST))
        && text.bytes().all(|byte| has_class(byte, INSIDE))
}

/// The characters that a name may contain after its first one, in the order of their codes.
pub fn characters() -> impl Iterator<Item = char> + Clone {
    (0..=u8::MAX).filter(|byte| has_class(*byte, INSIDE)).map(char::from)
}

/// The prefixes of `name` that a pattern could match it by, shortest first: those that end in a separator and have
/// something after it.
#[inline]
pub fn prefixes(name: &str) -> impl Iterator<Item = &str> + Clone {
    let ends = name.bytes().enumerate().filter(|(_, byte)| has_class(*byte, SEPARATOR)).map(|(at, _)| at + 1);
    ends.filter(|end| *end < name.len()).filter_map(|end| name.get(..end))
}

/// The agents, or the actions, that a rule addresses.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NamePattern {
    /// `*`
    Any,
    /// `inbox.*`: every name that starts with this prefix, which ends in a separator, and goes on.
    Prefix(String),
    /// Exactly this name.
    Exact(String),
}

impl NamePattern {
    /// Reads `*`, a name, or a prefix such as `inbox.*` or `mcp__github__*`.
    ///
    /// # Errors
    /// Why `text` is none of these.
    pub fn read(text: &str) -> Result<Self, NotAPattern> {
        if text == "*" {
            return Ok(Self::Any);
        }
        let Some(prefix) = text.strip_suffix('*') else { return check(text).map(|()| Self::Exact(text.to_owned())) };
        check(prefix)?;
        if !prefix.ends_with(SEPARATORS) {
            return Err(NotAPattern::NoSeparator(prefix.to_owned()));
        }
        // Something has to follow the prefix.
        if prefix.len() >= MAX_LENGTH {
            return Err(NotAPattern::TooLong(prefix.len() + 1));
        }
        Ok(Self::Prefix(prefix.to_owned()))
    }

    /// [`read`](Self::read) without the reason.
    pub fn parse(text: &str) -> Option<Self> {
        Self::read(text).ok()
    }

    /// Whether the pattern matches `name`.
    pub fn matches(&self, name: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Prefix(prefix) => name.len() > prefix.len() && name.starts_with(prefix.as_str()),
            Self::Exact(exact) => exact == name,
        }
    }

    /// Whether some name matches both patterns.
    pub fn overlaps(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Exact(name), pattern) | (pattern, Self::Exact(name)) => pattern.matches(name),
            (Self::Prefix(a), Self::Prefix(b)) => a.starts_with(b.as_str()) || b.starts_with(a.as_str()),
            (Self::Any, _) | (_, Self::Any) => true,
        }
    }

    /// A name that the pattern matches; for `*` it is `any`.
    pub fn example(&self, any: &str) -> String {
        match self {
            Self::Exact(name) => name.clone(),
            Self::Prefix(prefix) => {
                let room = MAX_LENGTH.saturating_sub(prefix.len());
                prefix.chars().chain("example".chars().take(room)).collect()
            }
            Self::Any => any.to_owned(),
        }
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Prefix(prefix) => write!(f, "{prefix}*"),
            Self::Exact(name) => f.write_str(name),
        }
    }
}

/// Why a text is neither a name nor a pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAPattern {
    /// Nothing is written, or only blanks.
    #[error("nothing is written there")]
    Blank,
    /// More than [`MAX_LENGTH`] characters.
    #[error("it has {0} characters; the limit is {MAX_LENGTH}")]
    TooLong(usize),
    /// The first character may stand inside a name only.
    #[error("it starts with `{0}`; a name starts with a letter, a digit or `_`")]
    First(char),
    /// A `*` that is not the last character.
    #[error("`*` may stand at the end only")]
    InnerStar,
    /// A character that no name has. The text is the character as people can see it.
    #[error("it contains {0}; names consist of the letters A to Z and a to z, digits and . _ : / @ + # ~ -")]
    Character(String),
    /// A prefix without a separator before its `*`.
    #[error(
        "there is no separator before `*`, so it would end in the middle of a word: `{0}*` would also match `{0}x`; write \
         one of . / : _ - before `*`"
    )]
    NoSeparator(String),
}

fn check(text: &str) -> Result<(), NotAPattern> {
    if text.trim().is_empty() {
        return Err(NotAPattern::Blank);
    }
    if let Some(odd) = text.chars().find(|c| !u8::try_from(*c).is_ok_and(|byte| has_class(byte, INSIDE))) {
        return Err(match odd {
            '*' => NotAPattern::InnerStar,
            ' ' => NotAPattern::Character("a blank".to_owned()),
            odd if odd.is_ascii_graphic() => NotAPattern::Character(format!("`{odd}`")),
            odd => NotAPattern::Character(format!("U+{:04X}", u32::from(odd))),
        });
    }
    match text.chars().next() {
        Some(first) if !u8::try_from(first).is_ok_and(|byte| has_class(byte, FIRST)) => Err(NotAPattern::First(first)),
        _ if text.len() > MAX_LENGTH => Err(NotAPattern::TooLong(text.len())),
        _ => Ok(()),
    }
}

/// What to write as the agent or the action of a rule.
pub const ADVICE: &str = "Write a name such as `inbox.triage`, `getUser` or `tools/call`, a prefix such as `inbox.*` or \
                          `mcp__github__*`, or `*` for all.";

/// `text`, which was sent as the name of an agent or an action, as it is recorded and shown: a name stays as it is, of
/// anything else every character that cannot be seen or taken for a letter is written out (`<U+200B>`), and no more than
/// [`MAX_LENGTH`] characters are kept. What is no name never becomes one.
pub fn recorded(text: &str) -> Cow<'_, str> {
    if is_name(text) {
        return text.into();
    }
    let mut written = String::new();
    for c in text.chars().take(MAX_LENGTH + 1) {
        if c.is_ascii_graphic() || c == '…' {
            written.push(c)
        } else {
            written.push_str(&format!("<U+{:04X}>", u32::from(c)))
        }
    }
    if written.chars().count() > MAX_LENGTH {
        // The last character shows that something is missing, and keeps a long name from becoming a name.
        written = written.chars().take(MAX_LENGTH - 1).chain(['…']).collect();
    }
    written.into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_agents_and_tools_are_really_called_is_a_name() {
        let longest = "a".repeat(256);
        for name in [
            "getUser",
            "tools/call",
            "mcp__github__create_issue",
            "spiffe://corp/agent-7",
            "DATA_EXPORT_v2",
            "_query",
            "inbox.triage",
            "Inbox.Triage",
            "client:abc",
            "urn:uuid:1",
            "a",
            "7agent",
            "https://corp/x#y",
            "a@b+c~d",
            "inbox.",
            "a..b",
            &longest,
        ] {
            assert!(is_name(name), "{name}");
            assert_eq!(NamePattern::parse(name), Some(NamePattern::Exact(name.to_owned())));
            assert_eq!(recorded(name), name);
        }
    }

    #[test]
    fn what_is_no_name_is_refused_with_the_reason() {
        let long = "a".repeat(257);
        for (text, reason) in [
            ("", "nothing is written there"),
            (" \u{a0}", "nothing is written there"),
            ("inbox.triage ", "it contains a blank"),
            ("inbox.tri\u{430}ge", "it contains U+0430"),
            ("delete\u{200b}", "it contains U+200B"),
            ("delete\n", "it contains U+000A"),
            ("a(b)", "it contains `(`"),
            (".hidden", "it starts with `.`"),
            ("-rf", "it starts with `-`"),
            ("#1", "it starts with `#`"),
            (&long, "it has 257 characters"),
            ("get*", "no separator before `*`"),
            ("a+*", "no separator before `*`"),
            ("**", "`*` may stand at the end only"),
            ("*.triage", "`*` may stand at the end only"),
            ("/*", "it starts with `/`"),
            (&format!("{}.*", "a".repeat(255)), "it has 257 characters"),
        ] {
            let found = NamePattern::read(text).unwrap_err().to_string();
            assert!(found.contains(reason), "{text}: {found}");
            assert!(!is_name(text), "{text}");
        }
    }

    #[test]
    fn a_prefix_ends_in_a_separator_and_something_follows() {
        for pattern in ["inbox.*", "mcp__github__*", "spiffe://corp/*", "client:*", "team-*", "_*"] {
            let read = NamePattern::parse(pattern).unwrap();
            assert_eq!(read.to_string(), pattern);
            let prefix = pattern.trim_end_matches('*');
            assert!(read.matches(&format!("{prefix}x")) && !read.matches(prefix) && !read.matches("other"));
            assert!(read.matches(&read.example("any")));
        }
        let longest = NamePattern::parse(&format!("{}.*", "a".repeat(254))).unwrap();
        assert!(is_name(&longest.example("any")) && longest.matches(&longest.example("any")));
        assert_eq!(NamePattern::Any.example("any"), "any");
    }

    #[test]
    fn what_is_no_name_is_recorded_so_that_it_can_be_seen_and_never_as_a_name() {
        for (sent, kept) in [
            ("delete\u{200b}", "delete<U+200B>"),
            ("\u{202e}delete", "<U+202E>delete"),
            ("inbox.tri\u{430}ge", "inbox.tri<U+0430>ge"),
            ("inbox.triage ", "inbox.triage<U+0020>"),
            ("a\u{0}", "a<U+0000>"),
            ("\u{1f600}", "<U+1F600>"),
            (".x", ".x"),
            ("", ""),
        ] {
            assert_eq!(recorded(sent), kept);
        }
        let cut = recorded(&"a".repeat(300)).into_owned();
        assert_eq!((cut.chars().count(), cut.ends_with('…')), (256, true));
    }

    fn texts() -> impl Strategy<Value = String> {
        prop_oneof!["[a-c._:/@+#~*-]{0,6}", "\\PC{0,8}", ".{0,8}", "[ab.]{250,260}", "[ab\u{200b}]{250,260}",]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn the_grammar_is_the_documented_one(text in texts()) {
            let first = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let inside = |c: char| first(c) || "._:/@+#~-".contains(c);
            let wanted = (1..=256).contains(&text.chars().count())
                && text.starts_with(first) && text.chars().all(inside);
            prop_assert_eq!(is_name(&text), wanted);
            let kept = recorded(&text);
            prop_assert_eq!(is_name(&kept), wanted);
            prop_assert!(kept.chars().count() <= 256 && !kept.contains(|c: char| c.is_control()));
            prop_assert_eq!(recorded(&kept), kept.as_ref());
        }

        #[test]
        fn a_pattern_matches_by_one_of_the_prefixes(
            name in "[ab_.:/-]{1,6}", prefix in "[ab_.:/-]{1,5}", other in "[ab_.:/-]{1,5}",
        ) {
            if let Some(NamePattern::Prefix(prefix)) = NamePattern::parse(&format!("{prefix}*")) {
                let pattern = NamePattern::Prefix(prefix.clone());
                prop_assert_eq!(pattern.matches(&name), prefixes(&name).any(|of| of == prefix));
                if let Some(other) = NamePattern::parse(&format!("{other}*"))
                    && pattern.matches(&name)
                    && other.matches(&name)
                {
                    prop_assert!(pattern.overlaps(&other));
                }
            }
        }
    }
}
