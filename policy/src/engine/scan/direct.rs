//! Ordinary JSON, read in one pass over its bytes.
//!
//! Whatever this reads is JSON, and it reads what the parser would; but it gives up (none) on what is rare: mistakes,
//! escapes where the text matters, deep nesting, numbers out of range. The parser then has the word.

use super::Paths;
use crate::{engine::Fact, limits::MAX_NESTING};

/// Leads to no field.
const NOWHERE: usize = usize::MAX;

/// Reads a context into `facts`, by place.
pub(super) fn context<'a>(paths: &Paths, text: &'a str, facts: &mut [Fact<'a>]) -> Option<()> {
    let mut reader = Reader { text, at: 0, paths };
    reader.context(facts)?;
    reader.end()
}

/// Reads agent, action and context of a request; other members are dropped.
pub(super) fn request<'a>(paths: &Paths, text: &'a str, facts: &mut [Fact<'a>]) -> Option<(&'a str, &'a str)> {
    let mut reader = Reader { text, at: 0, paths };
    let (mut agent, mut action, mut context) = (None, None, false);
    reader.take(b'{')?;
    loop {
        match reader.key()? {
            "agent" if agent.is_none() => agent = Some(reader.whole_text()?),
            "action" if action.is_none() => action = Some(reader.whole_text()?),
            "context" if !context => {
                context = true;
                reader.context(facts)?;
            }
            // Twice is a mistake.
            "agent" | "action" | "context" => return None,
            _ => drop(reader.skip(0)?),
        }
        if !reader.goes_on(b'}')? {
            break;
        }
    }
    reader.end()?;
    agent.zip(action)
}

struct Reader<'p, 'a> {
    text: &'a str,
    at: usize,
    paths: &'p Paths,
}

impl<'a> Reader<'_, 'a> {
    /// The next byte that is no white space.
    #[inline]
    fn next(&mut self) -> Option<u8> {
        loop {
            match self.text.as_bytes().get(self.at)? {
                b' ' | b'\n' | b'\t' | b'\r' => self.at += 1,
                byte => return Some(*byte),
            }
        }
    }

    #[inline]
    fn take(&mut self, byte: u8) -> Option<()> {
        (self.next()? == byte).then(|| self.at += 1)
    }

    fn end(&mut self) -> Option<()> {
        self.next().is_none().then_some(())
    }

    /// Whether another member or item follows; `close` ends them.
    #[inline]
    fn goes_on(&mut self, close: u8) -> Option<bool> {
        let byte = self.next()?;
        self.at += 1;
        if byte == b',' { Some(true) } else { (byte == close).then_some(false) }
    }

    /// Whether the object or array that was opened ends at once.
    fn closes(&mut self, close: u8) -> Option<bool> {
        let empty = self.next()? == close;
        self.at += usize::from(empty);
        Some(empty)
    }

    /// A key that has no escapes, and its colon.
    #[inline]
    fn key(&mut self) -> Option<&'a str> {
        let key = self.whole_text()?;
        self.take(b':')?;
        Some(key)
    }

    /// A text that has no escapes.
    #[inline]
    fn whole_text(&mut self) -> Option<&'a str> {
        self.take(b'"')?;
        let start = self.at;
        self.pass_plain();
        let text = self.text.get(start..self.at)?;
        (*self.text.as_bytes().get(self.at)? == b'"').then(|| self.at += 1)?;
        Some(text)
    }

    /// Goes on to the next quote, backslash or control character.
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

    /// Passes over a text, after its opening quote.
    fn skip_text(&mut self) -> Option<()> {
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
                    // Half of a pair needs a closer look.
                    let half = matches!(digits, [b'd' | b'D', b'8' | b'9' | b'a'..=b'f' | b'A'..=b'F', ..]);
                    if half || !digits.iter().all(u8::is_ascii_hexdigit) {
                        return None;
                    }
                    self.at += 6;
                }
                _ => return None,
            }
        }
    }

    fn context(&mut self, facts: &mut [Fact<'a>]) -> Option<()> {
        self.take(b'{')?;
        if self.closes(b'}')? {
            return Some(());
        }
        loop {
            let key = self.key()?;
            let node = self.below(0, key);
            match self.paths.spelled_out(key) {
                None => drop(self.value(node, facts, 0)?),
                Some(place) => {
                    let text = node == NOWHERE && self.next()? == b'"';
                    let fact = if text { Fact::Text(self.whole_text()?) } else { self.value(node, facts, 0)? };
                    if let Some(slot) = facts.get_mut(place as usize) {
                        *slot = fact;
                    }
                }
            }
            if !self.goes_on(b'}')? {
                return Some(());
            }
        }
    }

    #[inline]
    fn below(&self, node: usize, key: &str) -> usize {
        let below = self.paths.nodes.get(node).and_then(|node| node.below.get(key));
        below.map_or(NOWHERE, |node| node as usize)
    }

    /// The value at a node, and what is below it.
    fn value(&mut self, node: usize, facts: &mut [Fact<'a>], depth: usize) -> Option<Fact<'a>> {
        if node == NOWHERE {
            return self.skip(depth);
        }
        if depth > MAX_NESTING {
            return None;
        }
        let fact = match self.next()? {
            b'"' => Fact::Text(self.whole_text()?),
            b'{' => {
                self.at += 1;
                self.paths.note(node, facts, Fact::Object, &Fact::Missing);
                if self.closes(b'}')? {
                    return Some(Fact::Object);
                }
                loop {
                    let key = self.key()?;
                    let below = self.below(node, key);
                    self.value(below, facts, depth + 1)?;
                    if !self.goes_on(b'}')? {
                        return Some(Fact::Object);
                    }
                }
            }
            _ => self.skip(depth)?,
        };
        self.paths.note(node, facts, fact, &Fact::Missing);
        Some(fact)
    }

    /// Passes over a value: a text's content is not kept.
    fn skip(&mut self, depth: usize) -> Option<Fact<'a>> {
        if depth > MAX_NESTING {
            return None;
        }
        match self.next()? {
            b'"' => {
                self.at += 1;
                self.skip_text()?;
                Some(Fact::Text(""))
            }
            b'-' | b'0'..=b'9' => self.number().map(Fact::Number),
            b't' => self.word("true", Fact::Bool(true)),
            b'f' => self.word("false", Fact::Bool(false)),
            b'n' => self.word("null", Fact::Missing),
            b'[' => {
                self.at += 1;
                let mut more = !self.closes(b']')?;
                while more {
                    self.skip(depth + 1)?;
                    more = self.goes_on(b']')?;
                }
                Some(Fact::Array)
            }
            b'{' => {
                self.at += 1;
                let mut more = !self.closes(b'}')?;
                while more {
                    self.take(b'"')?;
                    self.skip_text()?;
                    self.take(b':')?;
                    self.skip(depth + 1)?;
                    more = self.goes_on(b'}')?;
                }
                Some(Fact::Object)
            }
            _ => None,
        }
    }

    fn word(&mut self, word: &str, fact: Fact<'a>) -> Option<Fact<'a>> {
        let end = self.at + word.len();
        (self.text.as_bytes().get(self.at..end)? == word.as_bytes()).then(|| self.at = end)?;
        Some(fact)
    }

    /// The double nearest to a number.
    fn number(&mut self) -> Option<f64> {
        let start = self.at;
        let negative = self.text.as_bytes().get(start) == Some(&b'-');
        self.at += usize::from(negative);
        let (mut digits, first) = (0, self.text.as_bytes().get(self.at));
        let whole = self.digits(&mut digits);
        if whole == 0 || (whole > 1 && first == Some(&b'0')) {
            return None;
        }
        let mut fraction = 0;
        if self.text.as_bytes().get(self.at) == Some(&b'.') {
            self.at += 1;
            fraction = self.digits(&mut digits);
            if fraction == 0 {
                return None;
            }
        }
        let exponent = matches!(self.text.as_bytes().get(self.at), Some(b'e' | b'E'));
        if exponent {
            self.at += 1;
            self.at += usize::from(matches!(self.text.as_bytes().get(self.at), Some(b'+' | b'-')));
            if self.digits(&mut 0) == 0 {
                return None;
            }
        }
        if exponent || whole + fraction > EXACT_DIGITS {
            let number: f64 = self.text.get(start..self.at)?.parse().ok()?;
            return Some(number).filter(|number| number.is_finite());
        }
        // Both are exact doubles, so the quotient is the double nearest to what is written.
        #[expect(clippy::cast_precision_loss, reason = "no more than fifteen digits")]
        let number = if fraction == 0 { digits as f64 } else { digits as f64 / POWERS_OF_TEN.get(fraction)? };
        Some(if negative { -number } else { number })
    }

    /// Passes over digits, adds them to `number` and counts them. Of more than nineteen the sum is of no use.
    #[inline]
    fn digits(&mut self, number: &mut u64) -> usize {
        let start = self.at;
        // Fewer than eight are read at once.
        if let Some(word) = self.text.as_bytes().get(start..).and_then(|rest| rest.first_chunk()) {
            let word = u64::from_le_bytes(*word) ^ (ONES * b'0' as u64);
            let other = (word.wrapping_add(ONES * 0x76) | word) & HIGH;
            let count = (other.trailing_zeros() / 8) as usize;
            if let (1.., Some(power)) = (count, WHOLE_POWERS_OF_TEN.get(count)) {
                *number = number.wrapping_mul(*power).wrapping_add(eight_digits(word << (64 - 8 * count)));
                self.at += count;
                return count;
            }
        }
        while let Some(digit) = self.text.as_bytes().get(self.at).map(|byte| byte.wrapping_sub(b'0'))
            && digit < 10
        {
            *number = number.wrapping_mul(10).wrapping_add(digit.into());
            self.at += 1;
        }
        self.at - start
    }
}

/// Digits that a double holds exactly, whatever they are.
const EXACT_DIGITS: usize = 15;
const POWERS_OF_TEN: [f64; EXACT_DIGITS + 1] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

const WHOLE_POWERS_OF_TEN: [u64; 8] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000];

/// The number of eight digits, one a byte, the first in the lowest.
const fn eight_digits(digits: u64) -> u64 {
    let pairs = digits.wrapping_mul(1 + (10 << 8)) >> 8 & 0x00ff_00ff_00ff_00ff;
    let fours = pairs.wrapping_mul(1 + (100 << 16)) >> 16 & 0x0000_ffff_0000_ffff;
    fours.wrapping_mul(1 + (10_000 << 32)) >> 32
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// The highest bit of every byte that is a quote, a backslash or a control character; bytes behind the first such byte
/// may be marked as well.
const fn special(word: u64) -> u64 {
    // With this bit turned over a quote follows the control characters at once, and blank and exclamation mark are behind it.
    let turned = word ^ (ONES * 2);
    let control_or_quote = turned.wrapping_sub(ONES * 0x21) & !turned;
    let no_backslash = word ^ (ONES * b'\\' as u64);
    let backslash = no_backslash.wrapping_sub(ONES) & !no_backslash;
    (control_or_quote | backslash) & HIGH
}
