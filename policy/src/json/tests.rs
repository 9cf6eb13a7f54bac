//! The reader compared with the JSON parser, and what it says.

use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Doubled, Malformed, convert, mistake, parse, parse_leniently};

fn refused(bytes: &[u8]) -> Malformed {
    parse(bytes).unwrap_err()
}

#[test]
fn documents_are_read_as_by_the_parser() {
    let text = r#" {"a": [1, -2, 0.5, 1e3, 18446744073709551615, null, true], "b": {"c": "\u00e9"}, "": ""} "#;
    assert_eq!(parse(text.as_bytes()).unwrap(), serde_json::from_str::<Value>(text).unwrap());
}

#[test]
fn a_member_that_appears_twice_is_refused_with_its_pointer() {
    let error = refused(b"{\"conditions\": {\n\">=risk\": 1,\n\">=risk\": 2}}");
    assert_eq!((error.line, error.column), (3, 1));
    assert_eq!(error.message, "`/conditions/>=risk` appears twice in its object; keep the one that is meant");
    for (text, pointer) in [
        (r#"{"a":1,"a":1}"#, "/a"),
        (r#"{"x":[0,{"a/b":1,"a/b":2}]}"#, "/x/1/a~1b"),
        (r#"{"risk":1,"\u0072isk":2}"#, "/risk"),
        (r#"[[{"":{"~":1,"~":1}}]]"#, "/0/0//~0"),
    ] {
        assert_eq!(refused(text.as_bytes()).duplicate.as_deref(), Some(pointer), "{text}");
    }
}

#[test]
fn in_an_emergency_the_last_of_two_members_counts_and_both_are_named() {
    let (value, repeated) = parse_leniently(br#"{"reason":"a","x":{"b":1,"b":2},"reason":"c"}"#).unwrap();
    assert_eq!(value, json!({"reason": "c", "x": {"b": 2}}));
    assert_eq!((repeated.pointers.as_slice(), repeated.more), (&["/x/b".to_owned(), "/reason".to_owned()][..], 0));
    assert!(parse_leniently(b"{\"reason\":}").is_err());
}

#[test]
fn many_repeats_below_a_long_name_are_counted_and_few_are_named() {
    let long = "n".repeat(300_000);
    let body = format!(r#"{{"{long}":{{{}"a":0}}}}"#, r#""a":0,"#.repeat(50_000));
    let (_, repeated) = parse_leniently(body.as_bytes()).unwrap();
    assert_eq!((repeated.pointers.len(), repeated.more), (20, 49_980));
    assert!(repeated.pointers.iter().all(|pointer| pointer.chars().count() <= 121));
    assert!(refused(body.as_bytes()).message.len() < 300);
}

#[test]
fn unknown_members_and_values_are_listed_within_bounds() {
    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Kind {
        Long,
    }
    #[derive(Debug, Deserialize)]
    struct Body {
        #[serde(default)]
        kind: Option<Kind>,
    }
    let mut body: Value = (0..5_000).map(|number| (format!("{}{number}", "x".repeat(5_000)), json!(1))).collect();
    let unknown = convert::<Body>(body.clone()).unknown;
    assert_eq!(unknown.len(), 100);
    assert!(unknown.iter().all(|fault| fault.pointer.len() < 5_000 && fault.detail.len() < 500));
    body["kind"] = json!("y".repeat(100_000));
    let fault = convert::<Body>(body).result.unwrap_err();
    assert!(fault.detail.starts_with("must be `long`, not `yyy") && fault.detail.len() < 500, "{fault}");
    assert!(matches!(convert::<Body>(json!({"kind": "long"})).result.unwrap().kind, Some(Kind::Long)));
}

#[test]
fn one_byte_order_mark_is_skipped() {
    assert_eq!(parse(b"\xef\xbb\xbf{\"a\":1}").unwrap(), json!({"a": 1}));
    assert_eq!(refused(b"\xef\xbb\xbf{\"a\":}").column, 6);
    let twice = refused(b"\xef\xbb\xbf\xef\xbb\xbf{}");
    assert_eq!(twice.message, "a byte order mark (U+FEFF) stands here, outside of any text; remove it");
}

#[test]
fn other_encodings_are_named() {
    let utf16 = |text: &str, big: bool| -> Vec<u8> {
        text.encode_utf16().flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
    };
    let utf32 = |text: &str, big: bool| -> Vec<u8> {
        text.chars().flat_map(|c| if big { u32::from(c).to_be_bytes() } else { u32::from(c).to_le_bytes() }).collect()
    };
    for text in ["{}", "{\"a\": \"é\"}", "[1]", "\"a\"", "7", "\n{}"] {
        for mark in ["", "\u{feff}"] {
            let text = format!("{mark}{text}");
            for (bytes, name) in [
                (utf16(&text, false), "UTF-16 (little-endian)"),
                (utf16(&text, true), "UTF-16 (big-endian)"),
                (utf32(&text, false), "UTF-32 (little-endian)"),
                (utf32(&text, true), "UTF-32 (big-endian)"),
            ] {
                let error = refused(&bytes);
                assert_eq!(error.message, format!("the text is encoded in {name}; save it as UTF-8"), "{text:?}");
            }
        }
    }
    assert_eq!(refused(b"{\"a\":\"\xe9\"}").message, "the byte 0xE9 is not UTF-8; save the text as UTF-8");
}

#[test]
fn every_mistake_is_named_with_what_to_do() {
    for (text, message) in [
        ("", "the document is empty; send a JSON document"),
        (" \n", "the document is empty; send a JSON document"),
        ("{\"a\":1}\0", "the character NUL (U+0000) stands after the end of the document; remove it"),
        (
            "{}\u{1a}",
            "the control character Ctrl-Z (U+001A), an end mark of old text files, stands after the end of the document; remove it",
        ),
        ("\u{feff}{}\u{feff}", "a byte order mark (U+FEFF) stands after the end of the document; remove it"),
        ("{\"a\":\"b\0\"}", "the character NUL (U+0000) stands in this text; remove it"),
        ("[\"\\ud800\"]", "`\\ud800` is half of a surrogate pair; write both halves, or the character itself"),
        ("[\"\\ud800\\u0041\"]", "`\\ud800` is half of a surrogate pair; write both halves, or the character itself"),
        ("[\"\\udc00\"]", "`\\udc00` is half of a surrogate pair; write both halves, or the character itself"),
        ("[\"\\ud80\"]", "after `\\u` four hexadecimal digits follow, as in `\\u00e9`"),
        ("[\"a\nb\"]", "the control character U+000A stands in a text; write it as `\\n`, or close the text before it"),
        ("[1 2]", "a comma or `]` is missing here"),
        ("[1,]", "an item is missing before this bracket; remove the comma before it"),
        ("{\"a\":1,}", "a member is missing before this bracket; remove the comma before it"),
        ("{\"a\" 1}", "a colon is missing between a member's name and its value"),
        ("{a:1}", "a member begins with its name between double quotes"),
        ("{'a':1}", "a member begins with its name between double quotes"),
        ("['a']", "a text stands between double quotes, not single ones"),
        ("[True]", "`True` is no JSON value; write `true`"),
        ("[None]", "`None` is no JSON value; write `null`"),
        ("NaN", "`NaN` is no number that JSON knows; leave it out, or write `null`"),
        ("[phishing]", "`phishing` is no JSON value; write a text between double quotes"),
        ("// rules\n{}", "JSON has no comments; remove this one"),
        ("[01]", "a number does not begin with `0`; write `7`, or the text `\"007\"`"),
        ("[1.]", "digits are missing after the point of this number; write `1.0` or `1`"),
        ("[1e999]", "`1e999` is beyond the largest number that can be kept, 1.7976931348623157e308"),
        ("{\"a\":", "the document ends here, but is not complete; was it cut off?"),
        ("{\"a", "this text has no closing quote"),
        ("{} {}", "`{` follows after the end of the document; remove it"),
    ] {
        assert_eq!(refused(text.as_bytes()).message, message, "{text:?}");
    }
    let deep = refused("[".repeat(100_000).as_bytes());
    assert!(deep.message.starts_with("more than 127 objects and lists stand inside each other"), "{deep}");
    let fits = format!("{}{}", "[".repeat(127), "]".repeat(127));
    assert!(parse(fits.as_bytes()).is_ok());
    assert!(parse(format!("[{fits}]").as_bytes()).is_err());
}

/// Words of programs that no reader of a message should meet.
const PROGRAM_WORDS: [&str; 9] = ["expected", "f64", "u64", "map", "sequence", "struct", "recursion", "EOF", "``"];

fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        &b"{"[..],
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b"\"",
        b"\"a\"",
        b"\"a\":",
        b"\"\\u0061\":",
        b"\\",
        b"\\ud83d",
        b"\\ude00",
        b"\\u12",
        b"\\n",
        b"1",
        b"-",
        b"0",
        b".",
        b"e",
        b"null",
        b"true",
        b"True",
        b"\x01",
        b"\0",
        b"\x1a",
        b"\xc3\xa9",
        b"\xe9",
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b" ",
        b"\n",
        b"1e999",
        b"'",
        b"//",
        b"NaN",
    ]);
    prop::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8_000))]

    /// The walk finds a mistake exactly where the parser refuses, or where a member is repeated.
    #[test]
    fn a_mistake_is_found_in_exactly_what_is_refused(bytes in pieces()) {
        match parse(&bytes) {
            Ok(value) => {
                prop_assert_eq!(mistake::find(&bytes), None);
                prop_assert_eq!(parse_leniently(&bytes), Ok((value, Doubled::default())));
            }
            Err(error) => {
                let found = mistake::find(&bytes);
                prop_assert_eq!(found.as_ref(), Some(&error), "{:?}", bytes);
                let spoken = error.to_string();
                prop_assert!(!PROGRAM_WORDS.iter().any(|word| spoken.contains(word)), "{}", spoken);
                prop_assert!(parse_leniently(&bytes).is_err() || error.duplicate.is_some());
                let lines = bytes.split(|byte| *byte == b'\n').count();
                prop_assert!((1..=lines).contains(&error.line) && error.column >= 1);
            }
        }
    }
}

#[derive(Debug, Deserialize, PartialEq)]
struct Sample {
    count: u16,
    rate: Option<f64>,
    #[serde(default)]
    effect: Option<Effect>,
    #[serde(default)]
    rules: Vec<Rule>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Effect {
    Allow,
    NeedsApproval,
}

#[derive(Debug, Deserialize, PartialEq)]
struct Rule {
    id: String,
}

fn wrong(document: Value) -> (String, String) {
    let fault = convert::<Sample>(document).result.unwrap_err();
    (fault.pointer, fault.detail)
}

#[test]
fn a_document_becomes_a_type_or_says_where_it_does_not_fit() {
    let fits = json!({"count": 1e3, "rate": 2, "effect": "needs_approval", "rules": [{"id": "a"}]});
    let converted = convert::<Sample>(fits);
    assert!(converted.unknown.is_empty());
    let rules = vec![Rule { id: "a".into() }];
    let sample = Sample { count: 1000, rate: Some(2.0), effect: Some(Effect::NeedsApproval), rules };
    assert_eq!(converted.result, Ok(sample));
    for (document, pointer, detail) in [
        (json!({}), "/count", "is required"),
        (json!({"count": -1}), "/count", "must be a whole number from 0 to 65535, not `-1`"),
        (json!({"count": 1.5}), "/count", "must be a whole number from 0 to 65535, not `1.5`"),
        (json!({"count": 65536}), "/count", "must be a whole number from 0 to 65535, not `65536`"),
        (json!({"count": "1"}), "/count", "must be a whole number from 0 to 65535, not a string"),
        (json!({"count": 1, "rate": "NaN"}), "/rate", "must be a number, not a string"),
        (json!({"count": 1, "effect": "Allow"}), "/effect", "must be `allow` or `needs_approval`, not `Allow`"),
        (json!({"count": 1, "effect": 1}), "/effect", "must be `allow` or `needs_approval`, not a number"),
        (json!({"count": 1, "rules": {}}), "/rules", "must be a list, not an object"),
        (json!({"count": 1, "rules": [{"id": "a"}, {}]}), "/rules/1/id", "is required"),
        (json!({"count": 1, "rules": [["a"]]}), "/rules/0", "must be an object, not a list"),
        (json!([1, 2, null, []]), "", "the document must be an object, not a list"),
        (json!(null), "", "the document must be an object, not null"),
    ] {
        assert_eq!(wrong(document.clone()), (pointer.to_owned(), detail.to_owned()), "{document}");
    }
}

#[test]
fn unknown_members_are_all_listed_with_the_nearest_known_one() {
    let document = json!({"cuont": 1, "count": 1, "rules": [{"id": "a", "Id": 1}], "colour": {"id": 1}});
    let unknown = convert::<Sample>(document).unknown;
    let said: Vec<(&str, &str)> = unknown.iter().map(|f| (f.pointer.as_str(), f.detail.as_str())).collect();
    let known = "is unknown here; leave it out, or write `count`, `rate`, `effect` or `rules`";
    assert_eq!(
        said,
        [
            ("/colour", known),
            ("/cuont", "is unknown here; did you mean `count`?"),
            ("/rules/0/Id", "is unknown here; did you mean `id`?"),
        ]
    );
    // A misspelt name is listed even though the conversion fails for the lack of the right one.
    let failed = convert::<Sample>(json!({"cuont": 1}));
    assert!(failed.result.is_err() && failed.unknown.len() == 1);
}
