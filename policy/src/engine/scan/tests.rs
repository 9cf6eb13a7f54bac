//! Deciding from bytes compared with deciding from trees.

use proptest::prelude::*;
use serde_json::{Map, Value};

use super::{Paths, reader::read_context};
use crate::{
    engine::{
        Fact, Prepared, Question, Request, arbitrary,
        arbitrary_json::{broken, write_value},
    },
    json::parse_object,
    random::Random,
};

fn agree(prepared: &Prepared, agent: &str, action: &str, bytes: &[u8]) -> Result<(), TestCaseError> {
    let tree = parse_object(bytes);
    match (tree, prepared.verdict_json(agent, action, bytes)) {
        (Ok(context), Ok(verdict)) => {
            let question = Question { agent, action, context: &context };
            prop_assert_eq!(verdict, prepared.verdict(question));
            let context = std::str::from_utf8(bytes).unwrap();
            let request = Request { agent, action, subject: None, decision_id: None, context };
            prop_assert_eq!(prepared.answer_request(&request).unwrap(), prepared.answer(question));
        }
        (Err(tree), Err(scanned)) => prop_assert_eq!(tree, scanned),
        (tree, scanned) => prop_assert!(false, "{:?} but {:?}: {}", tree, scanned, String::from_utf8_lossy(bytes)),
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn numbers_are_read_to_the_last_bit(number in "-?(0|[1-9][0-9]{0,25})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?") {
        let context = format!("{{\"n\":{number}}}");
        let mut facts = [Fact::Missing];
        let read = read_context(&Paths::new(["n"].into_iter()), &context, &mut facts);
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
        if read_context(&Paths::new(["n"].into_iter()), &context, &mut facts).is_some() {
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
            write_value(&Value::Object(input.context), &mut random, &mut written);
            agree(&prepared, &input.agent, &input.action, written.as_bytes())?;
            let broken = broken(&written, &mut random);
            agree(&prepared, &input.agent, &input.action, &broken)?;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// A key that appears twice is refused wherever it is, and however many keys and objects surround it; one that
    /// appears once in each of several objects is not.
    #[test]
    fn repeated_keys_are_noticed(seed in any::<u64>(), wide in prop::bool::weighted(0.3)) {
        let mut random = Random::new(seed);
        let mut repeated = false;
        let text = keys(&mut random, if wide { 80 } else { 6 }, 0, &mut repeated);
        let mut facts = [Fact::Missing; 8];
        let paths = Paths::new(["k1", "k2.k3", "a long key with many letters 4"].into_iter());
        let read = read_context(&paths, &text, &mut facts);
        prop_assert_eq!(read.is_none(), repeated, "{}", text);
        prop_assert_eq!(parse_object(text.as_bytes()).is_err(), repeated, "{}", text);
    }
}

/// The text of an object whose keys may be repeated.
fn keys(random: &mut Random, most: usize, depth: usize, repeated: &mut bool) -> String {
    let mut seen = std::collections::HashSet::new();
    let members: Vec<String> = (0..random.below(most + 1))
        .map(|_| {
            let number = random.below(most * 8);
            let key =
                if random.chance(30) { format!("a long key with many letters {number}") } else { format!("k{number}") };
            *repeated |= !seen.insert(key.clone());
            let value = match random.below(4) {
                0 if depth < 3 => keys(random, 6, depth + 1, repeated),
                1 if depth < 3 => format!("[{},1]", keys(random, 4, depth + 1, repeated)),
                _ => "\"v\"".to_owned(),
            };
            format!("\"{key}\":{value}")
        })
        .collect();
    format!("{{{}}}", members.join(", "))
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
        "{\"a\":1,\"a\":1}",
        "{\"a\":1,\"\\u0061\":1}",
        "{\"\\u0061\":1,\"a\":1}",
        "{\"x\":{\"a\":1,\"a\":1}}",
        "{\"x\":[{\"a\":1},{\"a\":1,\"b\":2,\"a\":1}]}",
        "{\"x\":{\"a\":{\"a\":1},\"b\":{\"a\":2}},\"a\":[{\"a\":1},{\"a\":1}]}",
    ];
    for bytes in
        odd.into_iter().chain([deep.as_str(), nested.as_str()]).map(str::as_bytes).chain([&b"{\"a\":\"\xff\"}"[..]])
    {
        agree(&prepared, "a", "b", bytes).unwrap();
    }
}
