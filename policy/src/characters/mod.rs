//! Odd characters, and writing them out.
//!
//! Text that comes from outside is shown to people who sign what it says. Characters that cannot be seen, that change the
//! direction of the text around them, that draw over their neighbours, or that are another spelling of something that
//! looks the same, would let it say one thing and mean another. Whatever is shown to people who sign therefore goes
//! through here: `main\u{200b}` is shown as `main<U+200B>`.
//!
//! ```text
//! normal_form  one spelling for what looks the same
//! lookalikes   letters that look alike
//! emoji        pictures, and the invisible characters that belong to them
//! ```

mod emoji;
mod emoji_data;
pub mod lookalikes;
pub mod normal_form;
mod normal_form_data;

use std::borrow::Cow;

use emoji::Part;
use normal_form::{class, compose, is_replaced, recomposes};

/// Marks that may follow each other on one letter; in a flood of them, the others draw over the lines around.
const MAX_MARKS: usize = 4;

/// The lines of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lines {
    /// One line: the end of a line is an odd character, too.
    One,
    /// Many lines, such as those of notes.
    Many,
}

/// Why a character is odd.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Oddity {
    /// It controls a device, or ends a line where there is only one.
    Control,
    /// It changes the direction of the text around it.
    Direction,
    /// It cannot be seen.
    Invisible,
    /// It looks like a blank and is another character.
    Blank,
    /// It has no agreed meaning.
    Unassigned,
    /// One more mark on a letter that has too many, or a mark without a letter.
    Mark,
    /// Together with the letter before, or alone, it is another spelling of one character.
    Spelling,
}

impl Oddity {
    /// The plural, for a sentence.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Control => "control characters",
            Self::Direction => "characters that change the direction of the text",
            Self::Invisible => "invisible characters",
            Self::Blank => "characters that only look like a blank",
            Self::Unassigned => "characters without an agreed meaning",
            Self::Mark => "too many marks on one letter",
            Self::Spelling => "letters in another spelling that looks the same",
        }
    }
}

/// A part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Text as it is.
    Plain(&'a str),
    /// An odd character, and how often it stands there in a row.
    Odd {
        /// The character.
        character: char,
        /// How often it is repeated.
        times: usize,
        /// Why it is odd.
        oddity: Oddity,
    },
}

impl Piece<'_> {
    /// The code of an odd character (`U+200B`, `U+0301 ×197`); plain text as it is.
    pub fn code(&self) -> Cow<'_, str> {
        match self {
            Self::Plain(text) => Cow::Borrowed(text),
            Self::Odd { character, times: 1, .. } => format!("U+{:04X}", u32::from(*character)).into(),
            Self::Odd { character, times, .. } => format!("U+{:04X} ×{times}", u32::from(*character)).into(),
        }
    }
}

/// `text` in one line, with every odd character written out: `main<U+200B>`.
pub fn write_out(text: &str) -> Cow<'_, str> {
    written(text, Lines::One)
}

/// [`write_out`] for a text that may have several lines.
pub fn write_out_lines(text: &str) -> Cow<'_, str> {
    written(text, Lines::Many)
}

fn written(text: &str, lines: Lines) -> Cow<'_, str> {
    if is_plain(text, lines) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len() + 16);
    for piece in pieces(text, lines) {
        match &piece {
            Piece::Plain(text) => out.push_str(text),
            Piece::Odd { .. } => {
                out.push('<');
                out.push_str(&piece.code());
                out.push('>');
            }
        }
    }
    out.into()
}

/// Whether `text` holds nothing but printable ASCII, as nearly every text does.
pub fn is_plain(text: &str, lines: Lines) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~') || (lines == Lines::Many && matches!(byte, b'\n' | b'\t')))
}

/// The first reason why `text` has something to be written out.
pub fn oddity(text: &str, lines: Lines) -> Option<Oddity> {
    if is_plain(text, lines) {
        return None;
    }
    pieces(text, lines).into_iter().find_map(|piece| match piece {
        Piece::Odd { oddity, .. } => Some(oddity),
        Piece::Plain(_) => None,
    })
}

/// `text` without its odd characters: as a reader takes it to be, in one spelling.
pub fn cleaned(text: &str, lines: Lines) -> String {
    if is_plain(text, lines) {
        return text.to_owned();
    }
    let spelled = normal_form::nfc(text);
    let mut out = String::with_capacity(spelled.len());
    for piece in pieces(&spelled, lines) {
        match piece {
            Piece::Plain(text) => out.push_str(text),
            Piece::Odd { oddity: Oddity::Blank, .. } => out.push(' '),
            // What the tables of the normal form do not know stays.
            Piece::Odd { oddity: Oddity::Spelling, character, times } => {
                out.extend(std::iter::repeat_n(character, times));
            }
            Piece::Odd { character: '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}', .. } => out.push(' '),
            Piece::Odd { .. } => {}
        }
    }
    // What was apart may now be together.
    normal_form::nfc(&out).into_owned()
}

/// `text` as plain parts and odd characters, in order.
pub fn pieces(text: &str, lines: Lines) -> Vec<Piece<'_>> {
    let mut pieces: Vec<Piece<'_>> = Vec::new();
    let mut plain_from = 0;
    let mut before = Before::default();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        let rest = characters.as_str();
        let Some(oddity) = before.oddity(character, rest, lines) else {
            before.plain(character, rest);
            continue;
        };
        before.odd(character);
        let plain = text.get(plain_from..at).unwrap_or_default();
        plain_from = at + character.len_utf8();
        match pieces.last_mut() {
            Some(Piece::Odd { character: last, times, .. }) if plain.is_empty() && *last == character => *times += 1,
            _ => {
                if !plain.is_empty() {
                    pieces.push(Piece::Plain(plain));
                }
                pieces.push(Piece::Odd { character, times: 1, oddity });
            }
        }
    }
    let plain = text.get(plain_from..).unwrap_or_default();
    if !plain.is_empty() {
        pieces.push(Piece::Plain(plain));
    }
    pieces
}

/// What stands before a character, as far as it matters.
#[derive(Default)]
struct Before {
    /// What picture it is part of.
    part: Part,
    /// The letter that the marks stand on, with the class of the last mark on it.
    base: Option<(char, u32)>,
    marks: usize,
}

impl Before {
    fn plain(&mut self, c: char, rest: &str) {
        if is_mark(c) {
            self.marks += 1;
            self.base = self.base.map(|(base, _)| (base, class(c)));
        } else {
            self.marks = 0;
            self.base = (!c.is_whitespace()).then_some((c, 0));
        }
        self.part = self.part.and(c, rest);
    }

    fn odd(&mut self, c: char) {
        if is_mark(c) {
            self.marks += 1;
        } else {
            *self = Self::default();
        }
        self.part = Part::None;
    }

    fn oddity(&self, c: char, rest: &str, lines: Lines) -> Option<Oddity> {
        if matches!(c, ' '..='~') || (lines == Lines::Many && matches!(c, '\n' | '\t')) {
            return None;
        }
        if c.is_control() {
            return Some(Oddity::Control);
        }
        if self.part.takes(c, rest) {
            return None;
        }
        match u32::from(c) {
            0x061c | 0x200e | 0x200f | 0x202a..=0x202e | 0x2066..=0x2069 => return Some(Oddity::Direction),
            0x00ad
            | 0x034f
            | 0x115f
            | 0x1160
            | 0x17b4
            | 0x17b5
            | 0x180b..=0x180f
            | 0x200b..=0x200d
            | 0x2060..=0x206f
            | 0x3164
            | 0xfe00..=0xfe0f
            | 0xfeff
            | 0xffa0
            | 0xfff9..=0xfffc
            | 0x1bca0..=0x1bca3
            | 0x1d173..=0x1d17a
            | 0xe0000..=0xe0fff => return Some(Oddity::Invisible),
            0x2800 => return Some(Oddity::Blank),
            0x2028 | 0x2029 => return Some(Oddity::Control),
            _ if c.is_whitespace() => return Some(Oddity::Blank),
            _ => {}
        }
        if is_mark(c) {
            let Some((base, last)) = self.base else { return Some(Oddity::Mark) };
            if self.marks >= MAX_MARKS {
                return Some(Oddity::Mark);
            }
            let of = class(c);
            let free = self.marks == 0 || (last != 0 && last < of);
            let swapped = of != 0 && self.marks > 0 && last > of;
            if swapped || (free && compose(base, c).is_some()) || is_replaced(c) || recomposes(base, c) {
                return Some(Oddity::Spelling);
            }
            return None;
        }
        if is_replaced(c) || self.base.is_some_and(|(base, _)| self.marks == 0 && compose(base, c).is_some()) {
            return Some(Oddity::Spelling);
        }
        (!is_printable(c)).then_some(Oddity::Unassigned)
    }
}

/// Whether a character stands on the one before it. The standard library knows which do: it escapes them where they come
/// first.
fn is_mark(c: char) -> bool {
    u32::from(c) >= 0x300 && is_printable(c) && c.escape_debug().len() > 1
}

/// Whether a character has a shape of its own, as the standard library sees it: it escapes the others.
fn is_printable(c: char) -> bool {
    if c.is_ascii() {
        return matches!(c, ' '..='~');
    }
    // Behind another character, marks are not escaped.
    let behind_a_letter: String = ['a', c].into_iter().collect();
    behind_a_letter.escape_debug().nth(1) != Some('\\')
}

#[cfg(test)]
mod tests;
