//! The place and the kind of the first mistake in a text that the JSON parser refused.
//!
//! The parser alone decides whether a text is JSON. This walk over its bytes runs only afterwards: it knows the JSON
//! Pointer of every place, and says in the reader's words what is wrong and what to do.

use std::{char, collections::HashSet};

use super::{
    encoding::{other_than_utf8, skip_mark},
    pointer::{clip, escape},
};

/// The number of objects and lists inside each other that the JSON parser reads.
const MAX_DEPTH: usize = 127;

/// Maximum number of characters that a message quotes.
const MAX_QUOTED: usize = 40;

/// Maximum number of repeated members that are named.
const MAX_NAMED: usize = 20;

/// The reason why a text is not one JSON document, with the place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct Malformed {
    /// Line, from 1.
    pub line: usize,
    /// Column in bytes, from 1.
    pub column: usize,
    /// The fault at that place, and what to do.
    pub message: String,
    /// JSON Pointer to the member, when the mistake is that a member appears twice in its object.
    pub duplicate: Option<String>,
}

impl Malformed {
    /// A refusal by the parser for which no mistake was found. There is no known text of this kind.
    pub(super) fn unexplained(error: &serde_json::Error) -> Self {
        let message = "this is not JSON".to_owned();
        Self { line: error.line().max(1), column: error.column().max(1), message, duplicate: None }
    }
}

/// The first mistake in `bytes`; none when they are one JSON document without repeated members.
pub(super) fn find(bytes: &[u8]) -> Option<Malformed> {
    let at_start = |message: String| Some(Malformed { line: 1, column: 1, message, duplicate: None });
    if let Some(encoding) = other_than_utf8(bytes) {
        return at_start(format!("the text is encoded in {encoding}; save it as UTF-8"));
    }
    let text = skip_mark(bytes);
    if text.iter().all(u8::is_ascii_whitespace) {
        return at_start("the document is empty; send a JSON document".to_owned());
    }
    let mut walk = Walk::new(text, Duplicates::Refused);
    let wrong = walk.document().err();
    let invalid = std::str::from_utf8(text).err().map(|error| error.valid_up_to());
    let wrong = match (wrong, invalid) {
        (Some(wrong), None) => wrong,
        (Some(wrong), Some(at)) if wrong.at < at => wrong,
        (_, Some(at)) => not_utf8(text, at),
        (None, None) => return None,
    };
    let before = text.get(..wrong.at).unwrap_or(text);
    let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    Some(Malformed {
        line: before.iter().filter(|byte| **byte == b'\n').count() + 1,
        column: before.len() - line_start + 1,
        message: wrong.message,
        duplicate: wrong.duplicate,
    })
}

fn not_utf8(text: &[u8], at: usize) -> Wrong {
    let byte = text.get(at).copied().unwrap_or_default();
    let message = format!("the byte 0x{byte:02X} is not UTF-8; save the text as UTF-8");
    Wrong { at, message, duplicate: None }
}

/// The members of a document that appear again in their object.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Doubled {
    /// The JSON Pointers of the first ones. Of a long pointer only the beginning is kept.
    pub pointers: Vec<String>,
    /// How many more there are.
    pub more: usize,
}

/// The members in `bytes`, a JSON document, that appear again in their object.
pub(super) fn repeated_members(bytes: &[u8]) -> Doubled {
    let mut walk = Walk::new(skip_mark(bytes), Duplicates::Noted(Doubled::default()));
    // A document that was parsed has no mistakes.
    let _ = walk.document();
    match walk.repeated {
        Duplicates::Noted(repeated) => repeated,
        Duplicates::Refused => Doubled::default(),
    }
}

/// What to do about a member that appears twice.
enum Duplicates {
    Refused,
    Noted(Doubled),
}

/// A mistake at a position.
struct Wrong {
    at: usize,
    message: String,
    duplicate: Option<String>,
}

type Walked = Result<(), Wrong>;

struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The tokens of the JSON Pointer to the current value.
    path: Vec<String>,
    repeated: Duplicates,
}

impl<'a> Walk<'a> {
    fn new(bytes: &'a [u8], repeated: Duplicates) -> Self {
        Self { bytes, at: 0, path: Vec::new(), repeated }
    }

    fn wrong(&self, message: impl Into<String>) -> Wrong {
        self.wrong_at(self.at, message)
    }

    fn wrong_at(&self, at: usize, message: impl Into<String>) -> Wrong {
        Wrong { at, message: message.into(), duplicate: None }
    }

    fn byte(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// The next byte that is not whitespace.
    fn peek(&mut self) -> Option<u8> {
        while matches!(self.byte(), Some(b' ' | b'\n' | b'\t' | b'\r')) {
            self.at += 1;
        }
        self.byte()
    }

    fn document(&mut self) -> Walked {
        self.value()?;
        match self.peek() {
            None => Ok(()),
            Some(_) => {
                let what = self.odd_byte().unwrap_or_else(|| format!("{} follows", self.quoted()));
                Err(self.wrong(format!("{what} after the end of the document; remove it")))
            }
        }
    }

    fn value(&mut self) -> Walked {
        match self.peek() {
            None => Err(self.cut_off()),
            Some(b'{') => self.object(),
            Some(b'[') => self.list(),
            Some(b'"') => self.string().map(drop),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(_) if self.word() => Ok(()),
            Some(_) => Err(self.no_value()),
        }
    }

    fn cut_off(&self) -> Wrong {
        let open = self.path.len();
        self.wrong(if open == 0 {
            "the document ends here, but a value is missing"
        } else {
            "the document ends here, but is not complete; was it cut off?"
        })
    }

    /// Skips `true`, `false` or `null`.
    fn word(&mut self) -> bool {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let word = ["true", "false", "null"].into_iter().find(|word| rest.starts_with(word.as_bytes()));
        self.at += word.map_or(0, str::len);
        word.is_some()
    }

    /// The mistake at a byte with which no value begins.
    fn no_value(&self) -> Wrong {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        if let Some(what) = self.odd_byte() {
            return self.wrong(format!("{what} here, outside of any text; remove it"));
        }
        let name: Vec<u8> = rest.iter().copied().take_while(u8::is_ascii_alphabetic).take(MAX_QUOTED).collect();
        let name = String::from_utf8_lossy(&name).into_owned();
        let literal = match name.to_ascii_lowercase().as_str() {
            "true" => Some("`true`"),
            "false" => Some("`false`"),
            "null" | "none" | "nil" | "undefined" => Some("`null`"),
            "nan" | "infinity" | "inf" => {
                return self.wrong(format!("`{name}` is no number that JSON knows; leave it out, or write `null`"));
            }
            _ => None,
        };
        self.wrong(match (rest, literal) {
            (_, Some(literal)) => format!("`{name}` is no JSON value; write {literal}"),
            ([b',', ..], _) => "a value is missing before this comma".to_owned(),
            ([b'}' | b']', ..], _) => "a value is missing before this bracket; is there a comma too many?".to_owned(),
            ([b'\'', ..], _) => "a text stands between double quotes, not single ones".to_owned(),
            ([b'/', ..] | [b'#', ..], _) => "JSON has no comments; remove this one".to_owned(),
            ([b'+', ..] | [b'.', ..], _) => {
                "a number begins with a digit or `-`; write `0.5`, not `.5` or `+0.5`".to_owned()
            }
            _ if !name.is_empty() => format!("`{name}` is no JSON value; write a text between double quotes"),
            _ => format!("{} is no JSON value", self.quoted()),
        })
    }

    /// A byte that is no character of JSON outside of texts, in words.
    fn odd_byte(&self) -> Option<String> {
        let rest = self.bytes.get(self.at..)?;
        match rest {
            [0, ..] => Some("the character NUL (U+0000) stands".to_owned()),
            [0x1a, ..] => {
                Some("the control character Ctrl-Z (U+001A), an end mark of old text files, stands".to_owned())
            }
            [control @ (0..0x20 | 0x7f), ..] => Some(format!("the control character U+{control:04X} stands")),
            [0xef, 0xbb, 0xbf, ..] => Some("a byte order mark (U+FEFF) stands".to_owned()),
            [0xc2, 0xa0, ..] => Some("a no-break space (U+00A0) stands".to_owned()),
            _ => None,
        }
    }

    /// The character at this place, in backticks.
    fn quoted(&self) -> String {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let text = String::from_utf8_lossy(rest.get(..4).unwrap_or(rest)).into_owned();
        match text.chars().next() {
            Some('`') => "a backtick".to_owned(),
            Some(c) => format!("`{c}`"),
            None => String::new(),
        }
    }

    fn enter(&mut self) -> Walked {
        if self.path.len() == MAX_DEPTH {
            return Err(self.wrong(format!(
                "more than {MAX_DEPTH} objects and lists stand inside each other here; write the document with fewer levels"
            )));
        }
        self.at += 1;
        self.path.push(String::new());
        Ok(())
    }

    fn set_token(&mut self, token: String) {
        if let Some(last) = self.path.last_mut() {
            *last = token;
        }
    }

    fn pointer(&self) -> String {
        self.path.iter().map(|token| format!("/{}", escape(token))).collect()
    }

    fn object(&mut self) -> Walked {
        self.enter()?;
        let mut names: HashSet<String> = HashSet::new();
        if self.peek() == Some(b'}') {
            return self.leave();
        }
        loop {
            match self.peek() {
                Some(b'"') => {}
                None => return Err(self.cut_off()),
                Some(b'}') => {
                    return Err(self.wrong("a member is missing before this bracket; remove the comma before it"));
                }
                Some(_) => {
                    let what = self.odd_byte();
                    let what = what.map(|what| format!("{what} here, outside of any text; remove it"));
                    return Err(self.wrong(
                        what.unwrap_or_else(|| "a member begins with its name between double quotes".to_owned()),
                    ));
                }
            }
            let start = self.at;
            let name = self.string()?;
            self.set_token(name.clone());
            if !names.insert(name) {
                self.twice(start)?;
            }
            match self.peek() {
                Some(b':') => self.at += 1,
                None => return Err(self.cut_off()),
                Some(_) => return Err(self.wrong("a colon is missing between a member's name and its value")),
            }
            self.value()?;
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => return self.leave(),
                None => return Err(self.cut_off()),
                Some(_) => return Err(self.missing_separator('}')),
            }
        }
    }

    /// The member that begins at `start` has a name that its object has already.
    fn twice(&mut self, start: usize) -> Walked {
        match &mut self.repeated {
            // Without a bound, many short repeats below a long name would fill the memory with their pointers.
            Duplicates::Noted(repeated) if repeated.pointers.len() == MAX_NAMED => {
                repeated.more += 1;
                return Ok(());
            }
            Duplicates::Noted(_) | Duplicates::Refused => {}
        }
        let pointer = self.pointer();
        let shown = clip(&pointer);
        if let Duplicates::Noted(repeated) = &mut self.repeated {
            repeated.pointers.push(shown.into_owned());
            return Ok(());
        }
        let message = format!("`{shown}` appears twice in its object; keep the one that is meant");
        Err(Wrong { at: start, message, duplicate: Some(pointer) })
    }

    fn list(&mut self) -> Walked {
        self.enter()?;
        if self.peek() == Some(b']') {
            return self.leave();
        }
        for index in 0_usize.. {
            self.set_token(index.to_string());
            if index > 0 && self.peek() == Some(b']') {
                return Err(self.wrong("an item is missing before this bracket; remove the comma before it"));
            }
            self.value()?;
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => return self.leave(),
                None => return Err(self.cut_off()),
                Some(_) => return Err(self.missing_separator(']')),
            }
        }
        Ok(())
    }

    fn leave(&mut self) -> Walked {
        self.at += 1;
        self.path.pop();
        Ok(())
    }

    fn missing_separator(&self, close: char) -> Wrong {
        match self.odd_byte() {
            Some(what) => self.wrong(format!("{what} here, outside of any text; remove it")),
            None => self.wrong(format!("a comma or `{close}` is missing here")),
        }
    }

    /// Passes a text and returns it.
    fn string(&mut self) -> Result<String, Wrong> {
        let start = self.at;
        self.at += 1;
        let mut text = Vec::new();
        loop {
            match self.byte() {
                None => return Err(self.wrong_at(start, "this text has no closing quote")),
                Some(b'"') => {
                    self.at += 1;
                    return Ok(String::from_utf8_lossy(&text).into_owned());
                }
                Some(b'\\') => {
                    let mut buffer = [0; 4];
                    text.extend_from_slice(self.escaped()?.encode_utf8(&mut buffer).as_bytes());
                }
                Some(0) => return Err(self.wrong("the character NUL (U+0000) stands in this text; remove it")),
                Some(control @ ..0x20) => {
                    let escape = match control {
                        b'\n' => "\\n".to_owned(),
                        b'\r' => "\\r".to_owned(),
                        b'\t' => "\\t".to_owned(),
                        other => format!("\\u{other:04x}"),
                    };
                    return Err(self.wrong(format!(
                        "the control character U+{control:04X} stands in a text; write it as `{escape}`, or close the text before it"
                    )));
                }
                Some(byte) => {
                    text.push(byte);
                    self.at += 1;
                }
            }
        }
    }

    /// Passes an escape and returns the character that it stands for.
    fn escaped(&mut self) -> Result<char, Wrong> {
        let start = self.at;
        let simple = match self.bytes.get(self.at + 1) {
            Some(b'u') => return self.unicode_escape(),
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            _ => {
                return Err(self.wrong_at(
                    start,
                    "a backslash stands before a character that is not escaped so; write `\\\\` for a backslash",
                ));
            }
        };
        self.at += 2;
        Ok(simple)
    }

    fn unicode_escape(&mut self) -> Result<char, Wrong> {
        let start = self.at;
        let first = self.four_digits()?;
        let half = |wrong: &Self| {
            wrong.wrong_at(
                start,
                format!("`\\u{first:04x}` is half of a surrogate pair; write both halves, or the character itself"),
            )
        };
        match first {
            0xd800..0xdc00 => {
                if self.bytes.get(self.at..self.at + 2) != Some(b"\\u") {
                    return Err(half(self));
                }
                let second = self.four_digits()?;
                if !(0xdc00..0xe000).contains(&second) {
                    return Err(half(self));
                }
                let code = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                char::from_u32(code).ok_or_else(|| half(self))
            }
            code => char::from_u32(code).ok_or_else(|| half(self)),
        }
    }

    /// The number in the four hexadecimal digits of an escape.
    fn four_digits(&mut self) -> Result<u32, Wrong> {
        let start = self.at;
        let digits = self.bytes.get(start + 2..start + 6).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let number = digits.and_then(|digits| u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        let number = number
            .ok_or_else(|| self.wrong_at(start, "after `\\u` four hexadecimal digits follow, as in `\\u00e9`"))?;
        self.at += 6;
        Ok(number)
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while self.byte().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        self.at - start
    }

    fn number(&mut self) -> Walked {
        let start = self.at;
        self.at += usize::from(self.byte() == Some(b'-'));
        let leading_zero = self.byte() == Some(b'0');
        match self.digits() {
            0 => return Err(self.wrong_at(start, "after `-` digits follow")),
            1 => {}
            _ if leading_zero => {
                return Err(self.wrong_at(start, "a number does not begin with `0`; write `7`, or the text `\"007\"`"));
            }
            _ => {}
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            if self.digits() == 0 {
                return Err(
                    self.wrong_at(start, "digits are missing after the point of this number; write `1.0` or `1`")
                );
            }
        }
        if matches!(self.byte(), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(self.byte(), Some(b'+' | b'-')));
            if self.digits() == 0 {
                return Err(self.wrong_at(start, "digits are missing in the exponent of this number; write `1e3`"));
            }
        }
        let written = self.bytes.get(start..self.at).and_then(|digits| std::str::from_utf8(digits).ok());
        let written = written.unwrap_or_default();
        if !written.parse().is_ok_and(f64::is_finite) {
            let shown: String = written.chars().take(MAX_QUOTED).collect();
            return Err(self.wrong_at(
                start,
                format!("`{shown}` is beyond the largest number that can be kept, 1.7976931348623157e308"),
            ));
        }
        Ok(())
    }
}
