//! Texts that people take for each other: in another case, in another spelling, or with letters of another alphabet.
//!
//! The table of letters is a short one. It has the letters that are drawn like a Latin one in usual fonts: of the
//! Cyrillic, Greek, Armenian and Cherokee alphabets, and of Latin's own relatives. Full-width and mathematical letters
//! are computed. Unicode's whole table of confusable characters is thirty times as long, and this code travels to the
//! browser.

use super::{Lines, cleaned};

/// A Latin letter or digit, and the characters that look like it.
const LETTERS: &[(char, &str)] = &[
    ('a', "аαɑ"),
    ('b', "ЬƄВΒᏴ"),
    ('c', "сϲⅽ"),
    ('d', "ԁⅾ"),
    ('e', "еҽ℮Ε"),
    ('f', "ƒ"),
    ('g', "ɡց"),
    ('h', "һհНΗᎻ"),
    ('i', "іıɩιӏⅰ"),
    ('j', "јϳ"),
    ('k', "κКΚᏦ"),
    ('l', "ⅼǀ∣ⵏ"),
    ('m', "ⅿМΜᎷ"),
    ('n', "ոռΝ"),
    ('o', "оοσօ๐໐ഠ०০"),
    ('p', "рρ"),
    ('q', "ԛգ"),
    ('r', "гᴦ"),
    ('s', "ѕꜱ"),
    ('t', "ТΤᎢ"),
    ('u', "υսʋ"),
    ('v', "νѵⅴ"),
    ('w', "ԝա"),
    ('x', "хⅹ×Χ"),
    ('y', "уγүΥҮ"),
    ('z', "ᴢΖᏃ"),
    ('-', "‐‑‒–—−"),
];

/// What two texts have in common that differ only in case, or in spelling.
pub fn folded(text: &str) -> String {
    cleaned(text, Lines::One).to_lowercase()
}

/// What two texts have in common that look alike.
pub fn skeleton(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in cleaned(text, Lines::One).chars() {
        match latin(c) {
            // A capital i, a small l, a one and a bar; a capital o and a zero.
            'I' | '1' | '|' => out.push('l'),
            '0' => out.push('o'),
            other => out.extend(other.to_lowercase()),
        }
    }
    out.replace("rn", "m").replace("vv", "w")
}

/// The Latin letter that `c` looks like; any other character is returned as it is.
fn latin(c: char) -> char {
    let code = u32::from(c);
    if code < 0x80 {
        return c;
    }
    let ascii = |base: u8, offset: u32| u8::try_from(offset).ok().map_or(c, |offset| char::from(base + offset));
    match code {
        0xff01..=0xff5e => ascii(b'!', code - 0xff01),
        0x1d400..=0x1d6a3 => match (code - 0x1d400) % 52 {
            offset @ 0..26 => ascii(b'A', offset),
            offset => ascii(b'a', offset - 26),
        },
        0x1d7ce..=0x1d7ff => ascii(b'0', (code - 0x1d7ce) % 10),
        _ => {
            let small = || c.to_lowercase().next().unwrap_or(c);
            let find = |c: char| LETTERS.iter().find(|(_, alike)| alike.contains(c)).map(|(letter, _)| *letter);
            let letter = find(c).or_else(|| find(small())).unwrap_or(c);
            if c.is_uppercase() { letter.to_ascii_uppercase() } else { letter }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_alike_has_one_skeleton() {
        for (one, two) in [
            ("inbox.triage", "inbox.tri\u{430}ge"),
            ("main", "main\u{200b}"),
            ("main", "ma\u{131}n"),
            ("paypal", "\u{440}\u{430}\u{443}\u{440}\u{430}l"),
            ("ADMIN", "\u{391}DM\u{399}N"),
            ("BETA", "\u{392}\u{395}\u{3a4}\u{391}"),
            ("HKM", "\u{41d}\u{41a}\u{41c}"),
            ("id-1", "id-l"),
            ("Il1|", "lIl1"),
            ("a0", "aO"),
            ("modern", "modem"),
            ("Zo\u{eb}", "Zoe\u{308}"),
            ("\u{ff41}\u{ff42}", "ab"),
            ("\u{1d41a}\u{1d7d0}", "a2"),
            ("e\u{2010}mail", "e-mail"),
        ] {
            assert_eq!(skeleton(one), skeleton(two), "{one} {two}");
        }
    }

    #[test]
    fn what_can_be_told_apart_has_different_skeletons() {
        for (one, two) in [
            ("Zoe", "Zo\u{eb}"),
            ("eu", "us"),
            ("phishing", "fishing"),
            ("\u{43c}\u{430}\u{43c}\u{430}", "\u{43f}\u{430}\u{43f}\u{430}"),
            ("inbox.triage", "inbox.sort"),
            ("a.b", "a-b"),
            ("r1", "r2"),
        ] {
            assert_ne!(skeleton(one), skeleton(two), "{one} {two}");
            assert_ne!(folded(one), folded(two), "{one} {two}");
        }
        assert_eq!(folded("EU"), folded("eu"));
        assert_ne!(folded("id"), folded("ld"));
    }
}
