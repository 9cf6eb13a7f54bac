//! Pictures in texts, and the invisible characters that belong to them.
//!
//! A picture may be put together of several characters, some of which are invisible elsewhere: joiners between two pictures,
//! a selector behind a picture or a digit, and the letters of a region behind a black flag. Anywhere else such a character
//! makes two texts look alike.

use super::emoji_data::{COLORED, PLAIN};

const JOINER: char = '\u{200d}';
const AS_TEXT: char = '\u{fe0e}';
const AS_PICTURE: char = '\u{fe0f}';
const KEYCAP: char = '\u{20e3}';
const BLACK_FLAG: char = '\u{1f3f4}';
const END_OF_TAGS: char = '\u{e007f}';

/// The flags that are drawn; behind a black flag, any other letters of a region would stay invisible.
const FLAGS: [&str; 3] = ["gbeng", "gbsct", "gbwls"];

/// What the characters before the current one are part of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Part {
    /// No picture.
    #[default]
    None,
    /// A digit or sign that may become a keycap.
    Key,
    /// A picture to which a selector may belong.
    Selectable,
    /// A picture that is complete.
    Complete,
    /// A flag of which as many invisible characters are still to come.
    Flag(usize),
}

impl Part {
    /// Whether the invisible character `c`, before `rest`, belongs to the picture it stands in.
    pub(super) fn takes(self, c: char, rest: &str) -> bool {
        let next = rest.chars().next();
        match (self, c) {
            (Self::Selectable | Self::Complete, JOINER) => next.is_some_and(is_picture),
            (Self::Selectable, AS_TEXT | AS_PICTURE) => true,
            (Self::Key, AS_PICTURE) => next == Some(KEYCAP),
            (Self::Flag(left), _) => left > 0,
            _ => false,
        }
    }

    /// What `c`, which is taken as it is and stands before `rest`, is part of.
    pub(super) fn and(self, c: char, rest: &str) -> Self {
        match (self, c) {
            (Self::Flag(left), _) if left > 1 => Self::Flag(left - 1),
            (Self::Flag(1), _) | (_, JOINER | AS_TEXT) => Self::None,
            (_, '0'..='9' | '#' | '*') => Self::Key,
            (Self::Selectable, AS_PICTURE) => Self::Complete,
            (_, BLACK_FLAG) => match letters_of_flag(rest) {
                0 => Self::Complete,
                letters => Self::Flag(letters),
            },
            _ if is_selectable(c) => Self::Selectable,
            _ if is_picture(c) => Self::Complete,
            _ => Self::None,
        }
    }
}

/// The number of invisible characters that make a black flag before `rest` the flag of a region; 0 for none.
fn letters_of_flag(rest: &str) -> usize {
    let spelled = |region: &str| {
        let letters = region.bytes().filter_map(|byte| char::from_u32(0xe_0000 + u32::from(byte)));
        rest.chars().take(region.len() + 1).eq(letters.chain([END_OF_TAGS]))
    };
    FLAGS.iter().find(|region| spelled(region)).map_or(0, |region| region.len() + 1)
}

/// Whether a selector changes how `c` is drawn. Beyond the Basic Multilingual Plane, colored pictures have no plain form that
/// is in use.
fn is_selectable(c: char) -> bool {
    is_in(&PLAIN, c) || (u32::from(c) < 0x1_0000 && is_in(&COLORED, c))
}

/// Whether `c` is a picture that others may be joined to.
fn is_picture(c: char) -> bool {
    u32::from(c) >= 0x2000 && (is_in(&PLAIN, c) || is_in(&COLORED, c))
}

fn is_in(ranges: &[(u32, u32)], c: char) -> bool {
    let c = u32::from(c);
    let after = ranges.partition_point(|(first, _)| *first <= c);
    after.checked_sub(1).and_then(|at| ranges.get(at)).is_some_and(|(_, last)| c <= *last)
}
