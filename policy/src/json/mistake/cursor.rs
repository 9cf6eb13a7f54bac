//! A place in a text that moves on, over texts, numbers and words; and a mistake at a place.

/// Maximum number of characters that a message quotes.
pub(super) const MAX_QUOTED: usize = 40;

/// A mistake at a position.
pub(super) struct Wrong {
    pub(super) at: usize,
    pub(super) message: String,
    pub(super) duplicate: Option<String>,
}

pub(super) struct Cursor<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn wrong(&self, message: impl Into<String>) -> Wrong {
        self.wrong_at(self.at, message)
    }

    pub(super) fn wrong_at(&self, at: usize, message: impl Into<String>) -> Wrong {
        Wrong { at, message: message.into(), duplicate: None }
    }

    pub(super) fn byte(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// The next byte that is not whitespace.
    pub(super) fn peek(&mut self) -> Option<u8> {
        while matches!(self.byte(), Some(b' ' | b'\n' | b'\t' | b'\r')) {
            self.at += 1;
        }
        self.byte()
    }

    /// Skips `true`, `false` or `null`.
    pub(super) fn word(&mut self) -> bool {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let word = ["true", "false", "null"].into_iter().find(|word| rest.starts_with(word.as_bytes()));
        self.at += word.map_or(0, str::len);
        word.is_some()
    }

    /// A byte that is no character of JSON outside of texts, in words.
    pub(super) fn odd_byte(&self) -> Option<String> {
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
    pub(super) fn quoted(&self) -> String {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let text = String::from_utf8_lossy(rest.get(..4).unwrap_or(rest)).into_owned();
        match text.chars().next() {
            Some('`') => "a backtick".to_owned(),
            Some(c) => format!("`{c}`"),
            None => String::new(),
        }
    }

    /// Passes a text and returns it.
    pub(super) fn string(&mut self) -> Result<String, Wrong> {
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

    /// Passes a number, and returns how it is written and what it becomes.
    pub(super) fn number(&mut self) -> Result<(&'a str, f64), Wrong> {
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
        match written.parse() {
            Ok(becomes) if f64::is_finite(becomes) => Ok((written, becomes)),
            _ => {
                let shown: String = written.chars().take(MAX_QUOTED).collect();
                Err(self.wrong_at(
                    start,
                    format!("`{shown}` is beyond the largest number that can be kept, 1.7976931348623157e308"),
                ))
            }
        }
    }
}
