//! Writing out compared with a table, and the normal form with a library.

use proptest::prelude::*;
use unicode_normalization::{UnicodeNormalization, char::canonical_combining_class, is_nfc};

use super::*;

#[test]
fn odd_characters_are_written_out() {
    for (text, written) in [
        ("main", "main"),
        ("main\u{200b}", "main<U+200B>"),
        ("x\u{200b}y", "x<U+200B>y"),
        ("for \u{202e}tests only\u{202c} always", "for <U+202E>tests only<U+202C> always"),
        ("\u{2066}a\u{2069}\u{200f}\u{61c}", "<U+2066>a<U+2069><U+200F><U+061C>"),
        ("\u{feff}a", "<U+FEFF>a"),
        ("a\u{0}b\u{1b}[31m", "a<U+0000>b<U+001B>[31m"),
        ("one\ntwo", "one<U+000A>two"),
        ("a\u{85}b\u{2028}c", "a<U+0085>b<U+2028>c"),
        ("10\u{a0}000", "10<U+00A0>000"),
        ("a\u{3000}b\u{2003}c", "a<U+3000>b<U+2003>c"),
        ("a\u{3164}b\u{115f}", "a<U+3164>b<U+115F>"),
        ("\u{ad}soft", "<U+00AD>soft"),
        ("tag\u{e0061}\u{e007f}", "tag<U+E0061><U+E007F>"),
        ("a\u{fe0f}", "a<U+FE0F>"),
        ("\u{e000}\u{10ffff}", "<U+E000><U+10FFFF>"),
        ("Zoe\u{308}", "Zoe<U+0308>"),
        ("\u{212b}\u{37e}", "<U+212B><U+037E>"),
        ("\u{f900}", "<U+F900>"),
        ("\u{1112}\u{1161}", "\u{1112}<U+1161>"),
        ("\u{304b}\u{3099}", "\u{304b}<U+3099>"),
        ("\u{301}a", "<U+0301>a"),
        // What belongs to pictures is odd anywhere else.
        ("≤\u{200d}≥", "≤<U+200D>≥"),
        ("ア\u{200d}イ", "ア<U+200D>イ"),
        ("─\u{fe0f}", "─<U+FE0F>"),
        ("中\u{fe0e}", "中<U+FE0E>"),
        ("👍\u{fe0f}", "👍<U+FE0F>"),
        ("❤\u{fe0f}\u{fe0f}", "❤\u{fe0f}<U+FE0F>"),
        ("❤\u{fe0e}\u{200d}🔥", "❤\u{fe0e}<U+200D>🔥"),
        ("👨\u{200d}", "👨<U+200D>"),
        ("👨\u{200d}a", "👨<U+200D>a"),
        ("👨\u{200d}\u{200d}👩", "👨<U+200D ×2>👩"),
        ("\u{fe0f}\u{200d}🔥", "<U+FE0F><U+200D>🔥"),
        ("a\u{fe0f}\u{20e3}", "a<U+FE0F>\u{20e3}"),
        ("1\u{fe0f}", "1<U+FE0F>"),
        ("1\u{fe0e}\u{20e3}", "1<U+FE0E>\u{20e3}"),
        ("🏴\u{e0067}\u{e0062}", "🏴<U+E0067><U+E0062>"),
        ("🏴\u{e0061}\u{e0062}\u{e0063}\u{e007f}", "🏴<U+E0061><U+E0062><U+E0063><U+E007F>"),
        (
            "🏳\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}",
            "🏳<U+E0067><U+E0062><U+E0073><U+E0063><U+E0074><U+E007F>",
        ),
        ("🇩\u{200d}🇪", "🇩<U+200D>🇪"),
    ] {
        assert_eq!(write_out(text), written);
    }
    let flood = format!("Z{}!", "\u{35c}".repeat(200));
    assert_eq!(write_out(&flood), format!("Z{}<U+035C ×196>!", "\u{35c}".repeat(4)));
    assert_eq!(write_out_lines("one\n\ttwo\r\n\u{202e}"), "one\n\ttwo<U+000D>\n<U+202E>");
}

#[test]
fn what_people_write_stays_as_it_is() {
    for text in [
        "",
        "Auto-quarantine high-risk mail “from” new domains – 95 % of it…",
        "Zo\u{eb}, Ti\u{1ebf}ng Vi\u{1ec7}t, \u{1eb9}\u{301}",
        "Ελληνικά, русский, 日本語, がぎ, 한국어, ไทย ที่นี่",
        "हिन्दी, বাংলা, தமிழ், עִבְרִית, العَرَبِيَّة",
        "⚠️ ❤️ 👨‍👩‍👧 👍🏽 1️⃣ 🇩🇪",
        "👩🏽\u{200d}⚕\u{fe0f} 🏳\u{fe0f}\u{200d}🌈 ❤\u{fe0f}\u{200d}🔥 ⌚\u{fe0e} ↔\u{fe0e} ©\u{fe0f}",
        "🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f} 🏴\u{200d}☠\u{fe0f}",
        "x\u{302}",
    ] {
        // The marks of some alphabets are often typed in another order than the normal one.
        let text: String = text.nfc().collect();
        assert_eq!(write_out(&text), text);
        assert_eq!(oddity(&text, Lines::One), None);
        assert_eq!(cleaned(&text, Lines::One), text);
    }
}

#[test]
fn cleaning_leaves_what_a_reader_takes_the_text_to_be() {
    for (text, clean) in [
        ("main\u{200b}", "main"),
        ("\u{202e}only for tests\u{202c}", "only for tests"),
        ("Zoe\u{308}", "Zo\u{eb}"),
        ("10\u{a0}000", "10 000"),
        ("one\ntwo", "one two"),
        ("\u{212b}", "\u{c5}"),
        ("e\u{302}\u{323}", "\u{1ec7}"),
    ] {
        assert_eq!(cleaned(text, Lines::One), clean);
    }
}

/// Characters of the Basic Multilingual Plane whose normal form the tables know.
fn known(c: char) -> bool {
    !matches!(u32::from(c), 0xf900..=0xfaff) && (class(c) == u32::from(canonical_combining_class(c)))
}

#[test]
fn every_character_has_the_normal_form_of_the_library() {
    for c in (0..0x1_0000).filter_map(char::from_u32).filter(|c| known(*c)) {
        let text = c.to_string();
        assert_eq!(normal_form::nfc(&text), text.nfc().collect::<String>(), "U+{:04X}", u32::from(c));
        let apart: String = text.nfd().collect();
        if apart.chars().all(known) {
            assert_eq!(normal_form::nfc(&apart), apart.nfc().collect::<String>(), "U+{:04X}", u32::from(c));
        }
    }
}

fn texts() -> impl Strategy<Value = String> {
    let letter = prop_oneof![
        "[a-eA-EæøéêệåÅ]",
        "[\u{300}-\u{304}\u{306}-\u{30c}\u{31b}\u{323}-\u{328}\u{338}\u{345}]",
        "[\u{3b1}\u{3b7}\u{3c9}\u{313}\u{314}\u{342}\u{1f00}-\u{1f0f}]",
        "[\u{304b}\u{304c}\u{3099}\u{309a}]",
        "[\u{1100}-\u{1112}\u{1161}-\u{1175}\u{11a8}-\u{11c2}\u{ac00}\u{ac01}]",
        "[\u{5d0}\u{5b0}-\u{5bd}\u{627}\u{64b}-\u{655}]",
        "[\u{212b}\u{2126}\u{344}\u{37e}\u{958}\u{fb2a}]",
    ];
    prop::collection::vec(letter, 0..9).prop_map(|letters| letters.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn the_normal_form_is_that_of_the_library(text in texts()) {
        prop_assert_eq!(normal_form::nfc(&text), text.nfc().collect::<String>(), "{:?}", text.escape_unicode());
    }

    #[test]
    fn another_spelling_is_always_written_out(text in texts()) {
        if !is_nfc(&text) {
            prop_assert!(oddity(&text, Lines::One).is_some(), "{:?}", text.escape_unicode().to_string());
        }
    }

    #[test]
    fn what_is_cleaned_or_written_out_has_nothing_odd_left(text in "\\PC{0,12}|.{0,12}|[a\u{301}\u{200b}\u{202e} \n]{0,12}") {
        let clean = cleaned(&text, Lines::One);
        prop_assert_eq!(cleaned(&clean, Lines::One), clean.clone());
        let written = write_out(&text);
        prop_assert!(!written.chars().any(|c| c.is_control()));
        if oddity(&text, Lines::One).is_none() {
            prop_assert_eq!(written.as_ref(), text.as_str());
        } else {
            prop_assert!(written.contains("<U+"));
        }
        let whole: String = pieces(&text, Lines::One).iter().map(|piece| match piece {
            Piece::Plain(text) => (*text).to_owned(),
            Piece::Odd { character, times, .. } => character.to_string().repeat(*times),
        }).collect();
        prop_assert_eq!(whole, text);
    }
}
