//! Unicode's normal form C: every text that looks the same is spelled the same.
//!
//! `Zoë` can be spelled with one character for `ë`, or with `e` and a mark. Conditions compare byte for byte, so the two
//! spellings are different texts that nobody can tell apart. The tables are small on purpose: this code travels to the
//! browser. What they leave out stays as it is; a text is never turned into one with another meaning.

use std::{borrow::Cow, sync::OnceLock};

use super::normal_form_data::{CLASSES, PAIRS, SINGLE};

const HANGUL: u32 = 0xac00;
const LEADING: u32 = 0x1100;
const VOWEL: u32 = 0x1161;
const TRAILING: u32 = 0x11a7;

/// The triple whose first `N` members are `key`, in a table of ascending triples.
fn find<const N: usize>(table: &[u16], key: [u32; N]) -> Option<[u32; 3]> {
    let (triples, _) = table.as_chunks::<3>();
    let key_of = |triple: &[u16; 3]| -> [u32; 3] { triple.map(u32::from) };
    let at = triples.binary_search_by(|triple| {
        let [first, second, _] = key_of(triple);
        let mut order = std::cmp::Ordering::Equal;
        for (found, wanted) in [first, second].into_iter().zip(key) {
            order = order.then(found.cmp(&wanted));
        }
        order
    });
    triples.get(at.ok()?).map(key_of)
}

/// The combining class of a character: 0 for bases, and for marks that keep their place.
pub(super) fn class(c: char) -> u32 {
    let code = u32::from(c);
    if code < 0x300 {
        return 0;
    }
    let (ranges, _) = CLASSES.as_chunks::<3>();
    let at = ranges.partition_point(|[first, ..]| u32::from(*first) <= code);
    let range = at.checked_sub(1).and_then(|at| ranges.get(at));
    range.filter(|[_, last, _]| u32::from(*last) >= code).map_or(0, |[_, _, class]| u32::from(*class))
}

/// The one character that a base and a mark behind it are spelled as.
pub(super) fn compose(base: char, mark: char) -> Option<char> {
    let (first, second) = (u32::from(base), u32::from(mark));
    if (LEADING..LEADING + 19).contains(&first) && (VOWEL..VOWEL + 21).contains(&second) {
        return char::from_u32(HANGUL + ((first - LEADING) * 21 + (second - VOWEL)) * 28);
    }
    if (HANGUL..HANGUL + 11_172).contains(&first)
        && (first - HANGUL).is_multiple_of(28)
        && (TRAILING + 1..TRAILING + 28).contains(&second)
    {
        return char::from_u32(first + (second - TRAILING));
    }
    find(&PAIRS, [second, first]).and_then(|[_, _, composed]| char::from_u32(composed))
}

/// Whether a character itself is always spelled otherwise: `Å` as the sign for ångström, some Greek and Hebrew letters.
pub(super) fn is_replaced(c: char) -> bool {
    let code = u32::from(c);
    code >= 0x340
        && (find(&SINGLE, [code]).is_some()
            || matches!(code, 0xf900..=0xfa0d | 0xfa10 | 0xfa12 | 0xfa15..=0xfa1e | 0xfa20 | 0xfa22 | 0xfa25..=0xfa26
                | 0xfa2a..=0xfa6d | 0xfa70..=0xfad9 | 0x2f800..=0x2fa1d))
}

/// The decompositions of [`PAIRS`], by composed character.
fn decomposed(c: char) -> Option<[char; 2]> {
    static BY_COMPOSED: OnceLock<Vec<[u16; 3]>> = OnceLock::new();
    let code = u32::from(c);
    if code < 0xc0 {
        return None;
    }
    let table = BY_COMPOSED.get_or_init(|| {
        let mut table: Vec<[u16; 3]> =
            PAIRS.as_chunks::<3>().0.iter().map(|[mark, base, c]| [*c, *base, *mark]).collect();
        table.sort_unstable();
        table
    });
    let at = table.binary_search_by(|[composed, ..]| u32::from(*composed).cmp(&code)).ok()?;
    let [_, base, mark] = *table.get(at)?;
    Some([char::from_u32(base.into())?, char::from_u32(mark.into())?])
}

/// Whether a mark behind a composed letter belongs closer to it: `ê` with a dot below is spelled as `ẹ` with a circumflex.
pub(super) fn recomposes(base: char, mark: char) -> bool {
    let class_of = class(mark);
    let mut rest = base;
    while let Some([letter, own]) = decomposed(rest).filter(|_| class_of != 0) {
        if class(own) > class_of && compose(letter, mark).is_some() {
            return true;
        }
        rest = letter;
    }
    false
}

fn push_decomposed(c: char, out: &mut Vec<char>) {
    if let Some([base, mark]) = decomposed(c) {
        push_decomposed(base, out);
        out.push(mark);
    } else if let Some([_, first, second]) = find(&SINGLE, [u32::from(c)]).filter(|_| u32::from(c) >= 0x340) {
        for code in [first, second].into_iter().filter(|code| *code != 0) {
            char::from_u32(code).into_iter().for_each(|c| push_decomposed(c, out));
        }
    } else {
        out.push(c);
    }
}

/// `text` in normal form C, as far as the tables go.
pub fn nfc(text: &str) -> Cow<'_, str> {
    // Below U+0300 there is nothing to compose, to order or to replace.
    if text.chars().all(|c| u32::from(c) < 0x300) {
        return text.into();
    }
    let mut parts = Vec::with_capacity(text.len());
    text.chars().for_each(|c| push_decomposed(c, &mut parts));
    for run in parts.chunk_by_mut(|a, b| class(*a) != 0 && class(*b) != 0) {
        run.sort_by_key(|c| class(*c));
    }
    let mut out: Vec<char> = Vec::with_capacity(parts.len());
    let mut base: Option<usize> = None;
    for c in parts {
        let class_of = class(c);
        let behind = base.map(|base| out.get(base + 1..).unwrap_or_default());
        // A mark is blocked from its base by one of its own class or, for a base, by anything in between.
        let free = behind
            .is_some_and(|between| between.last().is_none_or(|last| class(*last) < class_of && class(*last) != 0));
        let composed = base.filter(|_| free).and_then(|base| out.get(base).copied()).and_then(|base| compose(base, c));
        match (composed, base.and_then(|base| out.get_mut(base))) {
            (Some(composed), Some(slot)) => *slot = composed,
            _ => {
                if class_of == 0 {
                    base = Some(out.len());
                }
                out.push(c);
            }
        }
    }
    let written: String = out.into_iter().collect();
    if written == text { text.into() } else { written.into() }
}
