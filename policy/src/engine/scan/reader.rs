//! Ordinary JSON, read in one pass over its bytes.
//!
//! Whatever the reader accepts is JSON, and the reader finds the same values as the JSON parser. It gives up, by
//! returning `None`, on anything rare: mistakes, repeated keys, deep nesting, the NUL character, numbers out of range. An
//! escape in a text that matters is skipped and noted.

use super::{
    number::read_number,
    open_keys::{OpenKeys, OpenObject},
    paths::Paths,
};
use crate::{
    engine::{Fact, compiled::short_strings::Key},
    limits::MAX_NESTING,
};

/// Maximum number of objects and arrays between the context and an object or array inside it, both of which count
/// towards [`MAX_NESTING`].
const DEEPEST: usize = MAX_NESTING - 2;

/// Reads a context into one fact for each slot of `paths`.
pub(super) fn read_context<'a>(paths: &Paths, text: &'a str, slots: &mut [Fact<'a>]) -> Option<()> {
    let mut reader = Reader::new(paths, text);
    reader.context(slots)?;
    reader.end()?;
    (!reader.unresolved_escape).then_some(())
}

/// A position in a JSON text, and the notes taken on the way.
pub(in crate::engine) struct Reader<'p, 'a> {
    text: &'a str,
    at: usize,
    paths: &'p Paths,
    keys: OpenKeys,
    /// The number of members of the context and of the objects in it, so far.
    pub members: usize,
    /// Whether a key or a text at a path has an escape, or any text has half of a surrogate pair. The JSON parser
    /// resolves and checks these; until then the facts must not be used.
    pub unresolved_escape: bool,
}

impl<'p, 'a> Reader<'p, 'a> {
    pub(in crate::engine) fn new(paths: &'p Paths, text: &'a str) -> Self {
        Self { text, at: 0, paths, keys: OpenKeys::default(), members: 0, unresolved_escape: false }
    }

    /// The next byte that is not whitespace; the reader stops in front of that byte.
    #[inline]
    fn peek(&mut self) -> Option<u8> {
        loop {
            match self.text.as_bytes().get(self.at)? {
                b' ' | b'\n' | b'\t' | b'\r' => self.at += 1,
                byte => return Some(*byte),
            }
        }
    }

    /// Skips `byte`, and any whitespace in front of it.
    #[inline]
    pub(in crate::engine) fn take(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    /// Succeeds at the end of the text.
    pub(in crate::engine) fn end(&mut self) -> Option<()> {
        self.peek().is_none().then_some(())
    }

    /// Whether another member or item follows; `close` is the bracket that ends the list.
    #[inline]
    pub(in crate::engine) fn goes_on(&mut self, close: u8) -> Option<bool> {
        let byte = self.peek()?;
        self.at += 1;
        if byte == b',' { Some(true) } else { (byte == close).then_some(false) }
    }

    /// Whether the object or array that was just opened is empty; its closing bracket is then skipped.
    fn closes(&mut self, close: u8) -> Option<bool> {
        let empty = self.peek()? == close;
        self.at += usize::from(empty);
        Some(empty)
    }

    /// A string without escapes.
    #[inline]
    pub(in crate::engine) fn plain_string(&mut self) -> Option<&'a str> {
        self.take(b'"')?;
        let start = self.at;
        self.pass_plain();
        let text = self.text.get(start..self.at)?;
        (*self.text.as_bytes().get(self.at)? == b'"').then(|| self.at += 1)?;
        Some(text)
    }

    /// A string whose text matters. A string with an escape is skipped, noted, and returned as empty.
    #[inline]
    fn string(&mut self) -> Option<&'a str> {
        self.take(b'"')?;
        let start = self.at;
        self.pass_plain();
        if *self.text.as_bytes().get(self.at)? != b'"' {
            self.unresolved_escape = true;
            self.skip_string()?;
            return Some("");
        }
        let text = self.text.get(start..self.at)?;
        self.at += 1;
        Some(text)
    }

    /// The key of a member of `object`, which has no such member yet; its colon is skipped. A key with an escape is noted,
    /// and returned as empty: the JSON parser compares it with the others.
    #[inline]
    fn key(&mut self, object: &OpenObject) -> Option<Key<'a>> {
        self.take(b'"')?;
        let start = self.at;
        self.pass_plain();
        let end = self.at;
        let plain = *self.text.as_bytes().get(end)? == b'"';
        let key = Key::new(if plain { self.text.get(start..end)? } else { "" });
        if plain {
            self.at += 1;
            self.keys.add(object, &key)?;
        } else {
            self.unresolved_escape = true;
            self.skip_string()?;
        }
        self.take(b':')?;
        self.members += 1;
        Some(key)
    }

    /// Advances to the next quote, backslash or control character.
    #[inline]
    fn pass_plain(&mut self) {
        let bytes = self.text.as_bytes();
        while let Some(word) = bytes.get(self.at..).and_then(|rest| rest.first_chunk()) {
            let special = special(u64::from_le_bytes(*word));
            if special != 0 {
                self.at += (special.trailing_zeros() / 8) as usize;
                return;
            }
            self.at += 8;
        }
        while bytes.get(self.at).is_some_and(|byte| !matches!(byte, b'"' | b'\\' | 0..0x20)) {
            self.at += 1;
        }
    }

    /// Skips the rest of a string, after its opening quote.
    fn skip_string(&mut self) -> Option<()> {
        loop {
            self.pass_plain();
            let bytes = self.text.as_bytes();
            let (special, after) = (bytes.get(self.at)?, bytes.get(self.at + 1));
            match (special, after) {
                (b'"', _) => {
                    self.at += 1;
                    return Some(());
                }
                (b'\\', Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't')) => self.at += 2,
                (b'\\', Some(b'u')) => {
                    let digits = bytes.get(self.at + 2..self.at + 6)?;
                    if digits == b"0000" || !digits.iter().all(u8::is_ascii_hexdigit) {
                        return None;
                    }
                    // The JSON parser checks whether the other half of a surrogate pair is there.
                    self.unresolved_escape |=
                        matches!(digits, [b'd' | b'D', b'8' | b'9' | b'a'..=b'f' | b'A'..=b'F', ..]);
                    self.at += 6;
                }
                _ => return None,
            }
        }
    }

    /// Reads the context, which must be an object, and returns its text from brace to brace.
    pub(in crate::engine) fn context(&mut self, slots: &mut [Fact<'a>]) -> Option<&'a str> {
        self.take(b'{')?;
        let start = self.at - 1;
        let object = self.keys.open();
        let mut more = !self.closes(b'}')?;
        while more {
            let key = self.key(&object)?;
            let node = self.paths.child(Paths::ROOT, &key);
            if node != Paths::NOWHERE {
                self.paths.note_presence(node, slots);
                self.value(node, slots, 0)?;
            } else if let Some(flat) = self.paths.flat(&key) {
                let fact = if self.peek()? == b'"' { Fact::Text(self.string()?) } else { self.skip(0)? };
                if let Some(slot) = slots.get_mut(flat as usize) {
                    *slot = fact;
                }
            } else {
                self.skip(0)?;
            }
            more = self.goes_on(b'}')?;
        }
        self.keys.close(&object);
        self.text.get(start..self.at)
    }

    /// Reads the value at `node`, and the values below it. `depth` counts the containers around the value, except the
    /// context.
    fn value(&mut self, node: usize, slots: &mut [Fact<'a>], depth: usize) -> Option<Fact<'a>> {
        if node == Paths::NOWHERE {
            return self.skip(depth);
        }
        let fact = match self.peek()? {
            b'"' => Fact::Text(self.string()?),
            b'{' => {
                self.open(depth)?;
                self.paths.note(node, slots, Fact::Object);
                let object = self.keys.open();
                let mut more = !self.closes(b'}')?;
                while more {
                    let key = self.key(&object)?;
                    let child = self.paths.child(node, &key);
                    self.value(child, slots, depth + 1)?;
                    more = self.goes_on(b'}')?;
                }
                self.keys.close(&object);
                return Some(Fact::Object);
            }
            _ => self.skip(depth)?,
        };
        self.paths.note(node, slots, fact);
        Some(fact)
    }

    /// Skips a value; the content of a string is dropped.
    fn skip(&mut self, depth: usize) -> Option<Fact<'a>> {
        match self.peek()? {
            b'"' => {
                self.at += 1;
                self.skip_string()?;
                Some(Fact::Text(""))
            }
            b'-' | b'0'..=b'9' => self.number().map(Fact::Number),
            b't' => self.word("true", Fact::Bool(true)),
            b'f' => self.word("false", Fact::Bool(false)),
            b'n' => self.word("null", Fact::Missing),
            b'[' => {
                self.open(depth)?;
                let mut more = !self.closes(b']')?;
                while more {
                    self.skip(depth + 1)?;
                    more = self.goes_on(b']')?;
                }
                Some(Fact::Array)
            }
            b'{' => {
                self.open(depth)?;
                let object = self.keys.open();
                let mut more = !self.closes(b'}')?;
                while more {
                    self.key(&object)?;
                    self.skip(depth + 1)?;
                    more = self.goes_on(b'}')?;
                }
                self.keys.close(&object);
                Some(Fact::Object)
            }
            _ => None,
        }
    }

    /// Enters an object or array, unless it is nested too deeply.
    fn open(&mut self, depth: usize) -> Option<()> {
        self.at += 1;
        (depth <= DEEPEST).then_some(())
    }

    fn word(&mut self, word: &str, fact: Fact<'a>) -> Option<Fact<'a>> {
        let end = self.at + word.len();
        (self.text.as_bytes().get(self.at..end)? == word.as_bytes()).then(|| self.at = end)?;
        Some(fact)
    }

    fn number(&mut self) -> Option<f64> {
        let (number, length) = read_number(self.text.get(self.at..)?)?;
        self.at += length;
        Some(number)
    }
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// The highest bit of every byte that is a quote, a backslash or a control character; bytes after the first such byte
/// may be marked as well.
const fn special(word: u64) -> u64 {
    // Flipping this bit moves the quote directly after the control characters, and the space and the exclamation mark
    // after the quote.
    let turned = word ^ (ONES * 2);
    let control_or_quote = turned.wrapping_sub(ONES * 0x21) & !turned;
    let no_backslash = word ^ (ONES * b'\\' as u64);
    let backslash = no_backslash.wrapping_sub(ONES) & !no_backslash;
    (control_or_quote | backslash) & HIGH
}
