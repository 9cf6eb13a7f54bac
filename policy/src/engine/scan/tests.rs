//! Bytes against trees.

use proptest::prelude::*;
use serde_json::{Map, Value};

use super::{Paths, direct};
use crate::{
    engine::{Fact, Input, Prepared, Question, arbitrary},
    random::Random,
};

/// Ways to write a value, not all of them JSON.
const ODD: [&str; 24] = [
    "1e400",
    "-1e400",
    "-0",
    "-0.0",
    "0e999",
    "1E+2",
    "1e-400",
    "5e-324",
    "0.1",
    "100e-2",
    "9007199254740993",
    "0.30000000000000004",
    "123456789012345678901234567890",
    "1.7976931348623157e308",
    "01",
    "1.",
    ".5",
    "-",
    "1e",
    "+1",
    "nul",
    "true",
    "[[],{\"a\":\"\\n\"}]",
    "\"\\ud83d\\ude00\"",
];

fn text(value: &Value, random: &mut Random, out: &mut String) {
    if random.chance(2) {
        return out.push_str(ODD[random.below(ODD.len())]);
    }
    if random.chance(5) {
        out.push_str([" ", "\n", "\t\r ", "  "][random.below(4)]);
    }
    match value {
        Value::Object(members) => {
            out.push('{');
            let mut first = true;
            for (key, value) in members {
                // Sometimes the key comes twice, the first time with something else.
                for last in [false, true] {
                    if !last && !random.chance(15) {
                        continue;
                    }
                    out.push_str(if first { "" } else { ", " });
                    first = false;
                    out.push_str(&escaped(key, random));
                    out.push(':');
                    match (last, random.below(3)) {
                        (true, _) => text(value, random, out),
                        (false, 0) => out.push_str("{\"domain\":\"ab\", \"x\":[1,{}]}"),
                        (false, 1) => out.push_str("1e2"),
                        (false, _) => out.push_str("\"a\""),
                    }
                }
            }
            out.push('}');
        }
        Value::String(text) => out.push_str(&escaped(text, random)),
        other => out.push_str(&other.to_string()),
    }
}

fn escaped(text: &str, random: &mut Random) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        if random.chance(20) { out.push_str(&format!("\\u{:04x}", u32::from(c))) } else { out.push(c) }
    }
    out + "\""
}

fn agree(prepared: &Prepared, agent: &str, action: &str, bytes: &[u8]) -> Result<(), TestCaseError> {
    let tree: Result<Map<String, Value>, _> = serde_json::from_slice(bytes);
    let scanned = prepared.answer_json(agent, action, bytes);
    match (tree, scanned) {
        (Ok(context), Ok(answer)) => {
            prop_assert_eq!(answer, prepared.answer(Question { agent, action, context: &context }));
        }
        (Err(tree), Err(scanned)) => prop_assert_eq!(tree.to_string(), scanned.to_string()),
        (tree, scanned) => prop_assert!(false, "{:?} but {:?}: {}", tree, scanned, String::from_utf8_lossy(bytes)),
    }
    // The same as a whole request, with the context before or behind the names.
    let names = format!("\"agent\":{}, \"action\":{}", Value::from(agent), Value::from(action));
    for (before, after) in
        [(format!("{{{names},\"context\":"), "}".into()), ("{\"context\":".into(), format!(",{names}}}"))]
    {
        let whole = [before.as_bytes(), bytes, after.as_bytes()].concat();
        let tree: Result<Input, _> = serde_json::from_slice(&whole);
        match (tree, prepared.verdict_request(&whole)) {
            (Ok(input), Ok(verdict)) => prop_assert_eq!(verdict, prepared.verdict((&input).into())),
            (Err(tree), Err(scanned)) => prop_assert_eq!(tree.to_string(), scanned.to_string()),
            (tree, read) => prop_assert!(false, "{:?} but {:?}: {}", tree, read, String::from_utf8_lossy(&whole)),
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn numbers_are_read_to_the_last_bit(number in "-?(0|[1-9][0-9]{0,25})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?") {
        let context = format!("{{\"n\":{number}}}");
        let mut facts = [Fact::Missing];
        let read = direct::context(&Paths::new(["n"].into_iter()), &context, &mut facts);
        match serde_json::from_str::<Map<String, Value>>(&context) {
            Ok(tree) => {
                let wanted = tree["n"].as_f64().unwrap();
                let Fact::Number(found) = facts[0] else { return Err(TestCaseError::fail(number)) };
                prop_assert!(read.is_some() && wanted.to_bits() == found.to_bits(), "{}: {} {}", number, wanted, found);
            }
            Err(_) => prop_assert!(read.is_none()),
        }
    }

    #[test]
    fn nothing_is_read_that_is_no_json(
        pieces in prop::collection::vec(prop::sample::select(vec![
            "{", "}", "[", "]", ",", ":", "\"", "\"a\"", "\"n\":", "\\", "\\u12", "1", "-", "0", ".", "e", "null", "true", "\u{1}", "é", " ",
        ]), 0..9),
    ) {
        let context = format!("{{\"n\":{}}}", pieces.concat());
        let mut facts = [Fact::Missing];
        if direct::context(&Paths::new(["n"].into_iter()), &context, &mut facts).is_some() {
            let tree: Map<String, Value> = serde_json::from_str(&context).map_err(|error| TestCaseError::fail(error.to_string()))?;
            prop_assert_eq!(facts[0], Fact::from(&tree["n"]));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn bytes_are_decided_like_trees(bundle in arbitrary::bundle(0..30), seed in any::<u64>()) {
        let prepared = Prepared::new(&bundle);
        let mut random = Random::new(seed);
        for _ in 0..60 {
            let mut input = arbitrary::quick_input(&mut random);
            if random.chance(20) {
                input.context.insert("sender.domain".into(), ["a", "zz"][random.below(2)].into());
            }
            let mut written = String::new();
            text(&Value::Object(input.context), &mut random, &mut written);
            agree(&prepared, &input.agent, &input.action, written.as_bytes())?;
            let mut broken = written.into_bytes();
            let at = random.below(broken.len());
            match random.below(3) {
                0 => broken.truncate(at),
                1 => broken[at] = random.bits().to_le_bytes()[0],
                _ => broken.insert(at, b"\"{}[],:0-e\\\x00"[random.below(12)]),
            }
            agree(&prepared, &input.agent, &input.action, &broken)?;
        }
    }
}

#[test]
fn odd_json_is_read_or_refused_like_by_the_tree() {
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(200), "]".repeat(200));
    let nested = format!("{}1{}", "{\"a\":".repeat(120), "}".repeat(120));
    let bundle = crate::bundle::Bundle {
        rules: Vec::new(),
        default_effect: crate::bundle::Effect::Deny,
        on_error: crate::bundle::Effect::Deny,
        schema: None,
    };
    let prepared = Prepared::new(&bundle);
    let odd = [
        "",
        "{",
        "[]",
        "null",
        "{} x",
        "{,}",
        "{\"a\":1,}",
        "{\"a\":[1,]}",
        "{\"a\" 1}",
        "{\"a\":\"\t\"}",
        "{\"a\":\"\\x\"}",
        "{\"a\":1e400}",
        "{\"a\":-0}",
        "{\"a\":\"\\ud800\"}",
        "{1:2}",
        "{\"a\":01}",
    ];
    for bytes in
        odd.into_iter().chain([deep.as_str(), nested.as_str()]).map(str::as_bytes).chain([&b"{\"a\":\"\xff\"}"[..]])
    {
        agree(&prepared, "a", "b", bytes).unwrap();
    }
}
