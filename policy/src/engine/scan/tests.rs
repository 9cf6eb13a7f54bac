//! Deciding from bytes compared with deciding from trees.

use proptest::prelude::*;
use serde_json::{Map, Value};

use super::{Paths, reader::read_context};
use crate::{
    engine::{
        Fact, Prepared, Question, Request, arbitrary,
        arbitrary_json::{broken, write_value},
    },
    random::Random,
};

fn agree(prepared: &Prepared, agent: &str, action: &str, bytes: &[u8]) -> Result<(), TestCaseError> {
    let tree: Result<Map<String, Value>, _> = serde_json::from_slice(bytes);
    match (tree, prepared.verdict_json(agent, action, bytes)) {
        (Ok(context), Ok(verdict)) => {
            let question = Question { agent, action, context: &context };
            prop_assert_eq!(verdict, prepared.verdict(question));
            let context = std::str::from_utf8(bytes).unwrap();
            let request = Request { agent, action, subject: None, decision_id: None, context };
            prop_assert_eq!(prepared.answer_request(&request).unwrap(), prepared.answer(question));
        }
        (Err(tree), Err(scanned)) => prop_assert_eq!(tree.to_string(), scanned.to_string()),
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
